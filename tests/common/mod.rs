//! What the tests of the real binary share.
#![allow(clippy::print_stdout, reason = "skipped cases are said loudly")]
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use rangegate_core::Detection;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A real recording, or `None`, loudly, where they are missing.
pub fn real_recording(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RANGEGATE_RECORDINGS")
        .map_or_else(|| repository("../shared/recordings"), PathBuf::from);
    let path = folder.join(path);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED 1 case: {} is missing (set RANGEGATE_RECORDINGS)", path.display());
    None
}

/// The program, not yet started, with a clean environment for its logs.
pub fn rangegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rangegate"));
    command.env_remove("RUST_LOG");
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    rangegate().args(arguments).output().expect("the program starts")
}

/// Runs the program, which must exit with 0, and returns its standard output.
pub fn run_ok(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs the program, which must exit with `code` without a panic, and returns its standard error.
pub fn run_fails(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{message}");
    assert!(!message.contains("panicked"), "{arguments:?}\n{message}");
    message
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Replays a recording into a folder and returns the bytes of its detections.
pub fn replay(recording: &Path, config: &Path, out: &Path, more: &[&str]) -> Vec<u8> {
    let mut arguments =
        vec!["replay", text(recording), "--config", text(config), "--out", text(out), "--no-plots"];
    arguments.extend(more);
    run_ok(&arguments);
    std::fs::read(out.join("detections.jsonl")).expect("detections.jsonl was written")
}

/// Detections from the lines of a log.
pub fn detections(lines: &[u8]) -> Vec<Detection> {
    let lines = std::str::from_utf8(lines).expect("UTF-8").lines();
    lines.map(|line| serde_json::from_str(line).expect("a detection")).collect()
}

/// The report of a run.
pub fn report(out: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(out.join("run.json")).expect("run.json was written");
    serde_json::from_str(&text).expect("JSON")
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The Python that has the packages of the field, or `None`, loudly.
pub fn python() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("RANGEGATE_PYTHON");
    if python.is_none() {
        println!("SKIPPED 1 case: set RANGEGATE_PYTHON to a Python with scripts/requirements.txt");
    }
    python
}

/// Changes a file of TOML.
pub fn edit_toml(path: &Path, change: impl FnOnce(&mut toml::Table)) {
    let mut table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    change(&mut table);
    std::fs::write(path, table.to_string()).unwrap();
}
