//! An HDF5 file of any datasets, read as any configuration says; or the input itself, where it is such a file.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use rangegate_fuzz::{ATTRIBUTES, Layout, folder, is_hdf5, pick, read_all};
use rangegate_recording::hdf5::{Axes, Each, Hdf5Options, describe, suggestion};
use rangegate_recording::{Kind, OpenOptions};

const PATTERNS: [&str; 8] = ["*", "pulse_*", "pulse_1", "group/*", "group/i", "group/q", "*/*/*", "missing"];

#[derive(Debug, Arbitrary)]
struct Input {
    layout: Layout,
    options: Options,
}

#[derive(Debug, Arbitrary)]
struct Options {
    datasets: Vec<u8>,
    apart: [Option<u8>; 2],
    axes: Option<u8>,
    append: Option<bool>,
    pri_s: Option<f64>,
    sample_rate_hz: Option<f64>,
    sample_format: Option<u8>,
    attributes: [Option<u8>; 3],
    no_mmap: bool,
}

impl Options {
    fn open_options(&self) -> OpenOptions {
        let pattern = |n: u8| pick(&PATTERNS, n).to_owned();
        let attribute = |n: Option<u8>| {
            Some(format!("{}{}", pick(&["", "group@", "pulse_1@"], n? / 4), pick(&ATTRIBUTES, n?)))
        };
        let hdf5 = Hdf5Options {
            datasets: self.datasets.iter().take(3).map(|&n| pattern(n)).collect(),
            i_dataset: self.apart[0].map(pattern),
            q_dataset: self.apart[1].map(pattern),
            axes: self.axes.map(|n| pick(&[Axes::PulseSample, Axes::ChannelSample, Axes::SampleChannel], n)),
            each: self.append.map(|append| if append { Each::Append } else { Each::Pulse }),
            pri_s: self.pri_s,
            sample_rate_attribute: attribute(self.attributes[0]),
            center_frequency_attribute: attribute(self.attributes[1]),
            start_time_attribute: attribute(self.attributes[2]),
        };
        let format =
            |n| pick(&["cu8", "cs8", "cs16", "cf32", "i16", "f64", "cs16_be"], n).parse().expect("a format");
        OpenOptions {
            kind: Some(Kind::Hdf5),
            sample_rate_hz: self.sample_rate_hz,
            sample_format: self.sample_format.map(format),
            no_mmap: self.no_mmap,
            hdf5,
            ..OpenOptions::default()
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let path = folder().join("a.h5");
    // A new file: the library tells files that it has open apart by their inodes.
    let _ = std::fs::remove_file(&path);
    let options = if is_hdf5(data) {
        std::fs::write(&path, data).expect("the file can be written");
        let hdf5 = Hdf5Options { datasets: vec!["*".to_owned()], ..Hdf5Options::default() };
        OpenOptions { kind: Some(Kind::Hdf5), sample_rate_hz: Some(1.0), hdf5, ..OpenOptions::default() }
    } else {
        let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
        input.layout.write(&path).expect("the file can be written");
        input.options.open_options()
    };
    if let Ok(found) = describe(&path) {
        std::hint::black_box(suggestion(&found));
    }
    read_all(rangegate_recording::open(&path, &options));
});
