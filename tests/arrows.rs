//! The direction of the arrows: which crate may use which (ARCHITECTURE.md, "Levels").

use std::collections::BTreeMap;
use std::process::Command;

/// What each crate may use of the house; anything else fails.
const ALLOWED: &[(&str, &[&str])] = &[
    ("rangegate-analysis", &["core", "coverage", "fusion", "tracking"]),
    ("rangegate-contract", &["core"]),
    ("rangegate-core", &[]),
    ("rangegate-counting-alloc", &[]),
    ("rangegate-archive-parquet", &[]),
    ("rangegate-archive", &["core", "pipeline", "archive-parquet"]),
    ("rangegate-coverage", &["core", "dsp", "tracking"]),
    ("rangegate-dsp", &["core"]),
    ("rangegate-engine", &[]),
    ("rangegate-exchange", &["core", "tracking"]),
    ("rangegate-fusion", &["core", "tracking"]),
    (
        "rangegate-federation",
        &["contract", "core", "engine", "exchange", "fusion", "pipeline", "scene", "tracking"],
    ),
    ("rangegate-pipeline", &["core"]),
    ("rangegate-recording", &["core"]),
    ("rangegate-scene", &["core", "dsp", "tracking"]),
    ("rangegate-soapy-sim", &["core", "dsp", "pipeline", "recording", "scene"]),
    ("rangegate-sources", &["core", "dsp", "pipeline", "recording", "scene"]),
    ("rangegate-sinks", &["core", "dsp", "pipeline", "recording", "scene"]),
    ("rangegate-tracking", &[]),
    ("rangegate-web", &[]),
    (
        "rangegate",
        &[
            "analysis",
            "core",
            "coverage",
            "dsp",
            "contract",
            "engine",
            "exchange",
            "federation",
            "fusion",
            "pipeline",
            "recording",
            "scene",
            "sources",
            "sinks",
            "tracking",
            "archive",
            "web",
        ],
    ),
];

/// What pure crates may not bring in, however far down: threads, sockets, files, clocks are not theirs.
const PURE: &[&str] = &[
    "rangegate-analysis",
    "rangegate-core",
    "rangegate-coverage",
    "rangegate-dsp",
    "rangegate-fusion",
    "rangegate-tracking",
];
const IMPURE_CRATES: &[&str] =
    &["crossbeam-channel", "crossbeam-queue", "core_affinity", "memmap2", "rusqlite", "tokio", "rayon"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

#[test]
fn arrows_point_downward_and_siblings_never_meet() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for package in packages {
        let name = package["name"].as_str().expect("name");
        let may_use = allowed.get(name).unwrap_or_else(|| panic!("{name} has no level: add it to this test"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = dependency["name"].as_str().expect("name");
            // What only tests use may come from anywhere below the product.
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            if let Some(used) = used.strip_prefix("rangegate-") {
                assert!(may_use.contains(&used), "{name} uses {used}: may use only {may_use:?}");
            }
            assert!(
                !(PURE.contains(&name) && IMPURE_CRATES.contains(&used)),
                "{name} is pure, but uses {used}"
            );
        }
    }
    assert_eq!(packages.len(), ALLOWED.len(), "a crate is missing from this test, or from the workspace");
}
