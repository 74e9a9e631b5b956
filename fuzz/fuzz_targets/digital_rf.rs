//! A Digital RF channel of two files whose properties, samples and index say anything, then a few damaged bytes.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use rangegate_fuzz::{Element, Value, folder, read_all};
use rangegate_recording::OpenOptions;
use std::path::Path;

/// When the first file begins: 2023-11-14T22:00:00Z.
const START_S: u64 = 1_699_999_200;

/// What stands in the properties where nothing else is put there.
const PROPERTIES: [(&str, u64); 6] = [
    ("sample_rate_numerator", 1000),
    ("sample_rate_denominator", 1),
    ("file_cadence_millisecs", 1000),
    ("subdir_cadence_secs", 3600),
    ("num_subchannels", 1),
    ("is_complex", 1),
];

#[derive(Debug, Arbitrary)]
struct Input {
    properties: [Option<Value>; 6],
    epoch: Option<Value>,
    files: [File; 2],
    /// Damage to the properties or to the first file: place, mask.
    damage: Vec<(u16, u8)>,
    damage_properties: bool,
    no_mmap: bool,
}

#[derive(Debug, Arbitrary)]
struct File {
    element: Element,
    n_rows: u16,
    n_columns: Option<u8>,
    chunked: bool,
    /// (index after the beginning of the file, row)
    index: Vec<(u16, u16)>,
    /// One of them replaced by anything.
    wild: Option<u64>,
}

impl File {
    fn write(&self, path: &Path, first_index: u64) -> hdf5::Result<()> {
        let (file, rows) = (hdf5::File::create(path)?, usize::from(self.n_rows));
        let shape: Vec<usize> = [rows].into_iter().chain(self.n_columns.map(usize::from)).collect();
        let data = file.new_dataset_builder().empty_as(&self.element.descriptor());
        let chunk: Vec<usize> = shape.iter().map(|n| n.div_ceil(2).max(1)).collect();
        let data = data.shape(shape);
        if self.chunked {
            data.chunk(chunk).create("rf_data")?
        } else {
            data.no_chunk().create("rf_data")?
        };
        let mut pairs: Vec<u64> = self
            .index
            .iter()
            .flat_map(|&(index, row)| [first_index + u64::from(index), row.into()])
            .collect();
        if let (Some(wild), Some(last)) = (self.wild, pairs.last_mut()) {
            *last = wild;
        }
        file.new_dataset::<u64>().shape((pairs.len() / 2, 2)).create("rf_data_index")?.write_raw(&pairs)
    }
}

impl Input {
    fn write(&self, channel: &Path) -> hdf5::Result<()> {
        let subdir = channel.join("2023-11-14T22-00-00");
        std::fs::create_dir_all(&subdir).expect("the folder can be made");
        let properties = hdf5::File::create(channel.join("drf_properties.h5"))?;
        for ((name, usual), unusual) in PROPERTIES.iter().zip(&self.properties) {
            unusual.clone().unwrap_or(Value::Whole(*usual)).write(&properties, name)?;
        }
        self.epoch.as_ref().map_or(Ok(()), |epoch| epoch.write(&properties, "epoch"))?;
        for (second, file) in (START_S..).zip(&self.files) {
            file.write(&subdir.join(format!("rf@{second}.000.h5")), second * 1000)?;
        }
        Ok(())
    }
}

fuzz_target!(|input: Input| {
    let channel = folder().join("ch0");
    // New files: the library tells files that it has open apart by their inodes.
    let _ = std::fs::remove_dir_all(&channel);
    if input.write(&channel).is_err() {
        return;
    }
    let first = format!("2023-11-14T22-00-00/rf@{START_S}.000.h5");
    let damaged = channel.join(if input.damage_properties { "drf_properties.h5" } else { &first });
    let mut bytes = std::fs::read(&damaged).expect("the file was written");
    for &(place, mask) in input.damage.iter().take(4) {
        let n = bytes.len();
        bytes[usize::from(place) % n] ^= mask;
    }
    std::fs::write(&damaged, bytes).expect("the file can be written");
    read_all(rangegate_recording::open(
        &channel,
        &OpenOptions { no_mmap: input.no_mmap, ..OpenOptions::default() },
    ));
});
