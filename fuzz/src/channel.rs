//! A channel of Digital RF.

use crate::{Element, Value};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use std::path::Path;

/// When the first file begins, s since 1970.
const START_S: u64 = 1_699_999_200;
/// Folder of the files, named by the same time.
const SUBDIR: &str = "2023-11-14T22-00-00";

/// What stands in the properties where nothing else is put there.
const PROPERTIES: [(&str, u64); 6] = [
    ("sample_rate_numerator", 1000),
    ("sample_rate_denominator", 1),
    ("file_cadence_millisecs", 1000),
    ("subdir_cadence_secs", 3600),
    ("num_subchannels", 1),
    ("is_complex", 1),
];

/// A channel of two files whose properties, samples and index say anything.
#[derive(Debug, Arbitrary)]
pub struct Channel {
    /// Where not given, what fits the files.
    properties: [Option<Value>; 6],
    epoch: Option<Value>,
    files: [File; 2],
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

impl Channel {
    /// Path of the first file in the channel.
    pub fn first_file() -> String {
        format!("{SUBDIR}/rf@{START_S}.000.h5")
    }

    /// Writes it to a folder that is not there yet.
    pub fn write(&self, channel: &Path) -> hdf5::Result<()> {
        let subdir = channel.join(SUBDIR);
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
