//! A plain HDF5 file.

use crate::{Element, Value};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use std::path::Path;

/// Names of datasets.
const DATASETS: [&str; 6] = ["pulse_1", "pulse_2", "pulse_10", "group/i", "group/q", "group/deep/x"];
/// Names of attributes.
pub const ATTRIBUTES: [&str; 4] = ["sample_rate", "fs", "center_frequency", "start_time"];

/// One of a list.
pub fn pick<T: Copy>(list: &[T], n: u8) -> T {
    list[usize::from(n) % list.len()]
}

/// Any datasets in a root and two groups.
#[derive(Debug, Arbitrary)]
pub struct Layout {
    datasets: Vec<Dataset>,
    root: Vec<(u8, Value)>,
}

#[derive(Debug, Arbitrary)]
struct Dataset {
    name: u8,
    element: Element,
    shape: Vec<u8>,
    chunk: Option<u8>,
    deflate: bool,
    attributes: Vec<(u8, Value)>,
}

impl Layout {
    /// Writes what of it HDF5 takes.
    pub fn write(&self, path: &Path) -> hdf5::Result<()> {
        let file = hdf5::File::create(path)?;
        for group in ["group", "group/deep"] {
            file.create_group(group)?;
        }
        write_attributes(&file, &self.root);
        for dataset in self.datasets.iter().take(6) {
            let _ = dataset.write(&file);
        }
        file.close()
    }
}

impl Dataset {
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
        write_attributes(&data, &self.attributes);
        Ok(())
    }
}

fn write_attributes(location: &hdf5::Location, attributes: &[(u8, Value)]) {
    for (name, value) in attributes.iter().take(4) {
        let _ = value.write(location, pick(&ATTRIBUTES, *name));
    }
}
