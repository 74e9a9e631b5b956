//! An HDF5 file of any datasets, read as any configuration says.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use rangegate_fuzz::{Element, Value, folder, read_all};
use rangegate_recording::hdf5::{Axes, Each, Hdf5Options, describe, suggestion};
use rangegate_recording::{Kind, OpenOptions};

const DATASETS: [&str; 6] = ["pulse_1", "pulse_2", "pulse_10", "group/i", "group/q", "group/deep/x"];
const PATTERNS: [&str; 8] = ["*", "pulse_*", "pulse_1", "group/*", "group/i", "group/q", "*/*/*", "missing"];
const ATTRIBUTES: [&str; 4] = ["sample_rate", "fs", "center_frequency", "start_time"];

#[derive(Debug, Arbitrary)]
struct Input {
    datasets: Vec<DatasetInput>,
    root: Vec<(u8, Value)>,
    options: Options,
}

#[derive(Debug, Arbitrary)]
struct DatasetInput {
    name: u8,
    element: Element,
    shape: Vec<u8>,
    chunk: Option<u8>,
    deflate: bool,
    attributes: Vec<(u8, Value)>,
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

fn pick<T: Copy>(list: &[T], n: u8) -> T {
    list[usize::from(n) % list.len()]
}

impl DatasetInput {
    fn write(&self, file: &hdf5::File) -> hdf5::Result<()> {
        let shape: Vec<usize> = self.shape.iter().take(4).map(|&n| n.into()).collect();
        let elements = shape.iter().product::<usize>();
        let builder = file.new_dataset_builder().empty_as(&self.element.descriptor()).shape(&*shape);
        let data = match self.chunk {
            // 64 KiB of elements are enough to be misread.
            _ if elements > 1 << 16 => return Ok(()),
            Some(n) if !shape.is_empty() => {
                let chunk: Vec<usize> =
                    shape.iter().map(|&len| usize::from(n).clamp(1, len.max(1))).collect();
                let builder = builder.chunk(chunk);
                if self.deflate { builder.deflate(1) } else { builder }.create(pick(&DATASETS, self.name))?
            }
            _ => builder.no_chunk().create(pick(&DATASETS, self.name))?,
        };
        self.attributes
            .iter()
            .take(4)
            .try_for_each(|(name, value)| value.write(&data, pick(&ATTRIBUTES, *name)))
    }
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

fuzz_target!(|input: Input| {
    let path = folder().join("a.h5");
    // A new file: the library tells files that it has open apart by their inodes.
    let _ = std::fs::remove_file(&path);
    let file = hdf5::File::create(&path).expect("the file can be made");
    for group in ["group", "group/deep"] {
        file.create_group(group).expect("the group can be made");
    }
    for (name, value) in input.root.iter().take(4) {
        let _ = value.write(&file, pick(&ATTRIBUTES, *name));
    }
    for dataset in input.datasets.iter().take(6) {
        let _ = dataset.write(&file);
    }
    file.close().expect("the file can be closed");
    if let Ok(found) = describe(&path) {
        std::hint::black_box(suggestion(&found));
    }
    read_all(rangegate_recording::open(&path, &input.options.open_options()));
});
