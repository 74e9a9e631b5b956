//! What NumPy and SciPy write is read, and what we write they read.

use crate::{at_rate, noise, read_all, stream, write};
use rangegate_recording::{npy::NpyOptions, open};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Command;

/// What the reference prints; `None`, loudly, where no interpreter is named.
fn reference(n_cases: usize, arguments: &[&str]) -> Option<String> {
    let Some(python) = std::env::var_os("RANGEGATE_PYTHON") else {
        eprintln!("SKIPPED {n_cases} cases: RANGEGATE_PYTHON names no interpreter with numpy and scipy");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npy_wav/reference.py");
    let output = Command::new(python).arg(script).args(arguments).output().expect("the interpreter starts");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_numpy_and_scipy_write_is_read() {
    let folder = tempfile::tempdir().unwrap();
    if reference(80, &["make", folder.path().to_str().unwrap()]).is_none() {
        return;
    }
    let mut n_cases = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "npy" && ending != "wav") {
            continue;
        }
        let expected = std::fs::read(path.with_extension("expected")).unwrap();
        let said: NpyOptions =
            serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
        for no_mmap in [false, true] {
            let options = rangegate_recording::OpenOptions { npy: said.clone(), no_mmap, ..at_rate() };
            let mut recording = open(&path, &options).unwrap();
            for max_samples in [3, 1000] {
                let (bytes, runs) = read_all(recording.as_mut(), max_samples).unwrap();
                assert!(bytes == expected, "{} no_mmap {no_mmap}", path.display());
                let pulse_len = recording.info().pulse_len.map_or(u64::MAX, |len| len as u64);
                assert!(runs.iter().enumerate().all(|(k, &at)| at == k as u64 * pulse_len), "{runs:?}");
            }
            assert!(recording.losses().is_empty());
        }
        n_cases += 1;
    }
    assert!(n_cases > 75, "{n_cases}");
}

#[test]
fn numpy_and_scipy_read_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("cf32", 1, "a.npy", "<c8", "[60]"),
        ("cf64_be", 1, "b.npy", ">c16", "[60]"),
        ("cs16", 1, "c.npy", "|V4", "[60]"),
        ("i8", 2, "d.npy", "|i1", "[60,2]"),
        ("u16_be", 3, "e.npy", ">u2", "[60,3]"),
        ("cs16", 1, "f.wav", "<i2", "[60,2]"),
        ("cf32", 2, "g.wav", "<f4", "[60,4]"),
        ("u8", 1, "h.wav", "|u1", "[60]"),
        ("f64", 3, "i.wav", "<f8", "[60,3]"),
    ];
    for (format, n_channels, name, kind, shape) in cases {
        let stream = stream(format.parse().unwrap(), n_channels);
        let bytes = noise(60 * n_channels * stream.format.bytes());
        let path = write(folder.path(), name, &stream, &[(7, 50), (57, 10)], &bytes);
        let Some(said) = reference(cases.len(), &["read", path.to_str().unwrap()]) else { return };
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (said["type"].as_str(), said["shape"].to_string().as_str()),
            (Some(kind), shape),
            "{name}"
        );
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(said["sha256"], hash, "{name}");
    }
}
