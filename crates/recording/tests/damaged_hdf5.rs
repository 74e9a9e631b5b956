//! Damaged files: never a panic, a crash, a hang, or memory without bound.
//!
//! The HDF5 library is C, so the reading happens in a child process, which the parent watches.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "the child tells the parent how far it came")]

mod hdf5_support;

use hdf5_support::noise;
use rangegate_core::{BlockHeader, IqBlock, SampleRate, StreamInfo, ToBaseband};
use rangegate_recording::hdf5::{Axes, Hdf5Options, describe, suggestion};
use rangegate_recording::{CreateOptions, OpenOptions, Recording, Result, digital_rf};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Reads what can be read of a recording, but no more than a few blocks of each.
fn try_to_read(path: &Path) {
    let read = |recording: Result<Box<dyn Recording>>| {
        let Ok(mut recording) = recording else { return };
        let (mut block, mut at) = (IqBlock::default(), 0);
        for _ in 0..40 {
            if !recording.read(at, 10_000, &mut block).unwrap_or(false) {
                break;
            }
            assert!(block.n_samples() <= 10_000);
            std::hint::black_box(block.bytes().iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)));
            at = block.end_sample();
        }
        std::hint::black_box(recording.losses().len());
    };
    let plain = |path: &Path| {
        if let Ok(found) = describe(path) {
            std::hint::black_box(suggestion(&found));
        }
        for axes in [None, Some(Axes::PulseSample), Some(Axes::SampleChannel)] {
            let hdf5 = Hdf5Options { axes, datasets: vec!["*".to_owned()], ..Hdf5Options::default() };
            let options = OpenOptions {
                hdf5,
                sample_rate_hz: Some(1.0),
                no_mmap: axes.is_none(),
                ..OpenOptions::default()
            };
            read(rangegate_recording::hdf5::open(path, &options));
        }
    };
    if path.is_dir() {
        for no_mmap in [false, true] {
            read(digital_rf::open(path, &OpenOptions { no_mmap, ..OpenOptions::default() }));
        }
    } else {
        plain(path);
    }
}

/// The child: damages copies of a file as it is told, and reads them.
#[test]
fn child() {
    let Some(task) = std::env::var_os("DAMAGED_HDF5_TASK") else { return };
    let task: Task = serde_json::from_slice(task.to_str().unwrap().as_bytes()).unwrap();
    for number in task.from..task.to {
        println!("case {number}");
        task.damage(number);
        try_to_read(&task.open);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak_kb: u64 = peak_kb.map_or(0, |text| text.parse().unwrap());
    assert!(peak_kb < 500_000, "{peak_kb} kB of memory");
    println!("case {}", task.to);
}

/// Cases `from..to` of one file.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Task {
    /// The file as it should be.
    good: PathBuf,
    /// Where the damaged copy goes.
    damaged: PathBuf,
    /// What to open: the copy, or the recording it is a part of.
    open: PathBuf,
    from: u64,
    to: u64,
}

impl Task {
    /// Writes case `number`: a few bytes changed, or the file cut off, or a stretch of it set to one value.
    fn damage(&self, number: u64) {
        let mut bytes = std::fs::read(&self.good).unwrap();
        let random = noise(64, number + 1);
        let pick = |at: usize| u64::from_le_bytes(random[8 * at..8 * at + 8].try_into().unwrap()) as usize;
        // Structure stands mostly at the beginning, samples behind.
        let len = bytes.len();
        let place = |at: usize| {
            let reach = if pick(at) % 4 == 0 { len } else { len.min(8192) };
            pick(at + 1) % reach
        };
        match number % 8 {
            0 => bytes.truncate(place(0)),
            1 => {
                let (at, n) = (place(0), 1 + pick(2) % 64);
                let end = (at + n).min(bytes.len());
                bytes[at..end].fill([0x00, 0xFF, 0x01, 0x80][pick(3) % 4]);
            }
            2 | 3 => {
                let at = place(0);
                bytes[at] = [0x00, 0xFF, 0x7F, 0x80, 0x01][pick(2) % 5];
            }
            _ => {
                for k in 0..1 + number as usize % 3 {
                    let at = place(2 * k);
                    bytes[at] ^= 1 << (pick(6) % 8);
                }
            }
        }
        // A new file: the library may still hold the old one open, and tells files apart by their inodes.
        let _ = std::fs::remove_file(&self.damaged);
        std::fs::write(&self.damaged, bytes).unwrap();
    }

    /// Runs all cases; returns those at which the child did not come back.
    fn run(mut self) -> Vec<(u64, String)> {
        let mut lost = Vec::new();
        while self.from < self.to {
            let (reached, end) = self.run_child();
            match end {
                None => break,
                Some(end) => lost.push((reached, end)),
            }
            self.from = reached + 1;
        }
        lost
    }

    /// Which case the child reached, and how it ended if not well.
    fn run_child(&self) -> (u64, Option<String>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env("DAMAGED_HDF5_TASK", serde_json::to_string(self).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::sync_channel(1 << 16);
        let reader = std::thread::Builder::new().spawn(move || {
            output.lines().map_while(std::result::Result::ok).for_each(|line| drop(send.send(line)));
        });
        let mut reached = self.from;
        loop {
            match lines.recv_timeout(Duration::from_secs(20)) {
                Ok(line) => {
                    if let Some((_, number)) = line.split_once("case ") {
                        reached = number.trim().parse().unwrap_or(reached);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return (reached, Some("no end after 20 s".to_owned()));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        reader.unwrap().join().unwrap();
        let status = child.wait().unwrap();
        (reached, (!status.success()).then(|| status.to_string()))
    }
}

/// Runs cases of a file. The library may crash on one in a hundred, which it does in versions that are still in
/// use; this program must not panic, hang, or take memory without bound on any.
fn check(name: &str, good: &Path, damaged: &Path, open: &Path, n: u64) {
    let task = Task { good: good.into(), damaged: damaged.into(), open: open.into(), from: 0, to: n };
    let lost = task.run();
    let crashed = lost.iter().filter(|(_, end)| end.starts_with("signal")).count();
    assert_eq!(lost.len(), crashed, "{name}: {lost:?}");
    if crashed > 0 {
        eprintln!("{name}: the HDF5 library crashed on {crashed} of {n} damaged files: {lost:?}");
    }
    assert!(crashed as u64 <= n / 100, "{name}: {lost:?}");
}

/// A Digital RF recording and its files: data, properties, metadata.
fn recording(folder: &Path) -> [PathBuf; 3] {
    let stream = StreamInfo {
        sample_rate: SampleRate::new(1000, 1).unwrap(),
        n_channels: 2,
        format: hdf5_support::format("cs16"),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1e9),
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    };
    let options = CreateOptions { description: Some("a test".to_owned()), ..CreateOptions::default() };
    let mut writer = digital_rf::create(folder, &stream, &options).unwrap();
    let mut block = IqBlock::default();
    for first_sample in [0, 300, 1000, 2100] {
        block.fill(BlockHeader { first_sample, ..BlockHeader::default() }, stream.format, 2, 250);
        writer.write(&block).unwrap();
    }
    writer.finish().unwrap();
    let in_channel = |name: &str| folder.join("ch0").join(name);
    [
        in_channel("1970-01-01T00-00-00/rf@1.000.h5"),
        in_channel("drf_properties.h5"),
        in_channel("metadata/1970-01-01T00-00-00/metadata@0.h5"),
    ]
}

#[test]
fn a_damaged_digital_rf_recording_never_brings_us_down() {
    let folder = tempfile::tempdir().unwrap();
    for (k, n) in [(0, 150), (1, 80), (2, 80)] {
        let path = folder.path().join(format!("recording {k}"));
        let file = &recording(&path)[k];
        let good = folder.path().join("good.h5");
        std::fs::copy(file, &good).unwrap();
        check(&file.display().to_string(), &good, file, &path, n);
    }
}

/// Bytes of a recording's properties that a fuzzer changed: the encoding of an attribute's name became none that exists.
const CHANGED: [(usize, u8); 18] = [
    (161, 0xff),
    (384, 0x80),
    (386, 0x80),
    (415, 0xff),
    (522, 0x80),
    (591, 0xf7),
    (602, 0x1e),
    (787, 0x80),
    (1030, 0xaf),
    (1199, 0x80),
    (1632, 0x00),
    (1653, 0xb5),
    (1702, 0xff),
    (1782, 0x80),
    (1943, 0x80),
    (1945, 0xff),
    (2016, 0xff),
    (2074, 0x80),
];

#[test]
fn properties_that_once_brought_us_down() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings/chirps/chirps/ch0");
    let good = std::fs::read(shipped.join("drf_properties.h5")).unwrap();
    let damaged = folder.path().join("drf_properties.h5");
    for only in (0..CHANGED.len()).map(Some).chain([None]) {
        let mut bytes = good.clone();
        for (n, &(at, byte)) in CHANGED.iter().enumerate() {
            if only.is_none_or(|only| only == n) {
                bytes[at] = byte;
            }
        }
        let _ = std::fs::remove_file(&damaged);
        std::fs::write(&damaged, bytes).unwrap();
        try_to_read(folder.path());
        try_to_read(&damaged);
    }
}

#[test]
fn a_damaged_plain_file_never_brings_us_down() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.h5");
    let file = hdf5::File::create(&good).unwrap();
    file.new_dataset::<i16>().shape(500).create("contiguous").unwrap().write_raw(&[1_i16; 500]).unwrap();
    let group = file.create_group("group/below").unwrap();
    group.new_attr::<f64>().create("sample_rate").unwrap().write_scalar(&1e6).unwrap();
    let chunked = group.new_dataset::<f32>().shape((20, 50)).chunk((4, 50)).create("chunked").unwrap();
    chunked.write_raw(&[1_f32; 1000]).unwrap();
    let packed = group
        .new_dataset::<i32>()
        .shape(1000)
        .chunk(64)
        .shuffle()
        .deflate(3)
        .fletcher32()
        .create("gzip")
        .unwrap();
    packed.write_raw(&[7_i32; 1000]).unwrap();
    drop((group, chunked, packed));
    file.close().unwrap();
    let damaged = folder.path().join("damaged.h5");
    check("plain", &good, &damaged, &damaged, 200);
}

/// Any file, as often as wanted: `DAMAGED_HDF5_FILE=x.h5 DAMAGED_HDF5_CASES=10000`.
#[test]
fn a_file_named_in_the_environment() {
    let Some(file) = std::env::var_os("DAMAGED_HDF5_FILE") else { return };
    let n = std::env::var("DAMAGED_HDF5_CASES").unwrap().parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.h5");
    let task = Task { good: file.into(), damaged: damaged.clone(), open: damaged, from: 0, to: n };
    let lost = task.run();
    eprintln!("{} of {n} lost: {lost:?}", lost.len());
}
