//! Compiles the C++ shim into the module.

fn main() {
    println!("cargo:rerun-if-changed=src/shim.cpp");
    let soapy = match pkg_config::Config::new().atleast_version("0.8").cargo_metadata(false).probe("SoapySDR")
    {
        Ok(soapy) => soapy,
        Err(error) => {
            panic!(
                "the simulated radio needs SoapySDR 0.8 with its headers, pkg-config and a C++ compiler; on Debian: \
                 apt-get install libsoapysdr-dev pkg-config g++ (everything else of Rangegate builds without: leave \
                 out --workspace). pkg-config says: {error}"
            );
        }
    };
    let objects = cc::Build::new()
        .cpp(true)
        .std("c++14")
        .warnings(true)
        .flag_if_supported("-fvisibility=hidden")
        .define("RANGEGATE_VERSION", format!("\"{}\"", env!("CARGO_PKG_VERSION")).as_str())
        .includes(&soapy.include_paths)
        .file("src/shim.cpp")
        .cargo_metadata(false)
        .compile_intermediates();
    // Only the module has the shim, and as objects, not as a library: nothing refers to what registers the driver, so
    // the linker would leave it out of a library. A test that links the Rust side must not register a second one.
    for object in objects {
        println!("cargo:rustc-cdylib-link-arg={}", object.display());
    }
    println!("cargo:rustc-cdylib-link-arg=-lstdc++");
    for path in &soapy.link_paths {
        println!("cargo:rustc-link-search={}", path.display());
    }
    for library in &soapy.libs {
        println!("cargo:rustc-link-lib={library}");
    }
}
