//! Small recordings, and ways to look at what is read of them.

use rangegate_core::{IqBlock, SampleFormat, SampleRate, StreamInfo, TimeAnchor, ToBaseband};
use rangegate_recording::{OpenOptions, Recording, open};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub use tempfile::{TempDir, tempdir};

/// The numbers 0, 1, 2, ... as bytes: every byte of a small file is different from its neighbours.
pub fn counting(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|n| (n * 7 + n / 256) as u8).collect()
}

/// A folder with `x.sigmf-meta` and `x.sigmf-data`; gives the path of the former.
pub fn pair(global: Value, captures: Value, annotations: Value, samples: &[u8]) -> (TempDir, PathBuf) {
    let mut whole = json!({ "core:version": "1.2.0", "core:datatype": "cu8", "core:sample_rate": 1000 });
    let Value::Object(fields) = global else { panic!("{global} is no object") };
    whole.as_object_mut().unwrap().extend(fields);
    let folder = tempdir().unwrap();
    let meta = folder.path().join("x.sigmf-meta");
    let document =
        Value::from_iter([("global", whole), ("captures", captures), ("annotations", annotations)]);
    std::fs::write(&meta, document.to_string()).unwrap();
    std::fs::write(folder.path().join("x.sigmf-data"), samples).unwrap();
    (folder, meta)
}

/// One block, copied out.
#[derive(Debug, PartialEq)]
pub struct Piece {
    pub first_sample: u64,
    pub after_gap: bool,
    pub frequency_hz: Option<f64>,
    pub time: Option<String>,
    pub bytes: Vec<u8>,
}

/// Everything, in blocks of at most `max_samples`.
pub fn read_all(recording: &mut dyn Recording, max_samples: usize) -> Vec<Piece> {
    let (mut pieces, mut block) = (Vec::new(), IqBlock::default());
    let (mut at, rate) = (0, recording.info().sample_rate);
    while recording.read(at, max_samples, &mut block).unwrap() {
        assert!(block.header.first_sample >= at && !block.is_empty() && block.n_samples() <= max_samples);
        at = block.end_sample();
        let header = block.header;
        let time = header.anchor.and_then(|anchor| anchor.time_of(header.first_sample, 0.0, rate));
        pieces.push(Piece {
            first_sample: header.first_sample,
            after_gap: header.after_gap,
            frequency_hz: header.center_frequency_hz,
            time: time.map(|time| time.to_string()),
            bytes: block.bytes().to_vec(),
        });
    }
    pieces
}

/// Opens both ways, checks that they agree, and gives the mapped one.
pub fn open_both(path: &Path, options: &OpenOptions) -> Box<dyn Recording> {
    let mut mapped = open(path, options).unwrap();
    let mut read = open(path, &OpenOptions { no_mmap: true, ..options.clone() }).unwrap();
    assert!(!read.info().mapped);
    for max_samples in [usize::MAX, 7] {
        assert_eq!(read_all(&mut *mapped, max_samples), read_all(&mut *read, max_samples));
    }
    assert_eq!(mapped.losses(), read.losses());
    mapped
}

/// The message of an attempt that has to fail.
pub fn refusal(path: &Path, options: &OpenOptions) -> String {
    match open(path, options) {
        Ok(recording) => panic!("opened {:?}", recording.info()),
        Err(error) => error.to_string(),
    }
}

pub fn stream(format: SampleFormat, n_channels: usize, first_sample: u64) -> StreamInfo {
    StreamInfo {
        sample_rate: SampleRate::new(1_000_000, 1).unwrap(),
        n_channels,
        format,
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(100e6),
        first_sample,
        anchor: Some(TimeAnchor { sample: first_sample, time: "2026-11-22T10:00:00Z".parse().unwrap() }),
        n_samples: None,
        pulse_len: None,
    }
}

/// The folder of the shared real recordings, if it is there.
pub fn recordings() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let folder = std::env::var_os("RANGEGATE_RECORDINGS").map_or_else(default, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Runs a script of `tests/python` and gives what it prints, or `None` where there is no Python to run it.
pub fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let interpreter = std::env::var_os("RANGEGATE_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = std::process::Command::new(interpreter).arg(script).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Says on standard error that cases were left out.
#[allow(clippy::print_stderr)]
pub fn skipped(n_cases: usize, why: &str) {
    eprintln!("SKIPPED {n_cases} cases: {why}");
}
