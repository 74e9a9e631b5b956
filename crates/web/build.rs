//! Lists the page's bundle, so that it can be embedded, also compressed: `page/dist`, flat; without one a placeholder
//! stands in.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let bundle = here.join("page/dist");
    println!("cargo::rerun-if-changed=page/dist");
    println!("cargo::rerun-if-changed=src/placeholder");
    let folder = if bundle.join("index.html").is_file() { bundle } else { here.join("src/placeholder") };
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the page's folder can be read")
        .map(|entry| entry.expect("the page's folder can be read").path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut source = String::from("&[\n");
    for path in &names {
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are plain");
        let content = fs::read(path).expect("the page's files can be read");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&content).expect("memory");
        let gzip = out.join(format!("{name}.gz"));
        fs::write(&gzip, encoder.finish().expect("memory")).expect("the build's folder can be written");
        let (content, gzip) = (text(path), text(&gzip));
        writeln!(source, "    ({name:?}, include_bytes!({content:?}), include_bytes!({gzip:?})),")
            .expect("memory");
    }
    source.push_str("]\n");
    fs::write(out.join("page.rs"), source).expect("the build's folder can be written");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths are text")
}
