//! Range-Doppler maps of a run, look by look: `maps.h5`.
//!
//! | dataset          | shape                          | unit | what                                            |
//! |------------------|--------------------------------|------|-------------------------------------------------|
//! | `power`          | `[n_looks × n_doppler × n_gates]` f32 | dBFS | power, rows by rising range rate         |
//! | `range_m`        | `[n_gates]` f64                | m    | range of each gate                              |
//! | `range_rate_mps` | `[n_doppler]` f64              | m/s  | range rate of each row, positive is receding    |
//! | `in_notch`       | `[n_doppler]` u8               |      | 1 where the clutter notch keeps detections out  |
//! | `cpi`            | `[n_looks]` u64                |      | number of the look, as detections have it       |
//! | `first_sample`   | `[n_looks]` u64                | samples | absolute index at which the first pulse begins |
//! | `time_s`         | `[n_looks]` f64                | s    | the same, since the start of the run            |
//!
//! Each has its unit as the attribute `units`. `power` also has `range_first_m` and `range_step_m`; the file has
//! `look_s`, the duration of a look. A chunk of `power` is one map, so that reading one reads nothing else.

use super::library::{failed, open_file, unlocked};
use crate::{Error, Result};
use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, H5Type, Location};
use std::path::{Path, PathBuf};

/// What all maps of a run share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapAxes {
    /// Range of the middle of gate 0, m.
    pub range_first_m: f64,
    /// From one gate to the next, m.
    pub range_step_m: f64,
    /// Number of gates.
    pub n_gates: usize,
    /// Range rate of each row, m/s, rising.
    pub range_rate_mps: Vec<f64>,
    /// Whether the clutter notch keeps detections out of a row.
    pub in_notch: Vec<bool>,
    /// Duration of a look, s.
    pub look_s: f64,
}

/// Which look a map is of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MapLook {
    /// Its number, as detections have it.
    pub cpi: u64,
    /// Absolute index of the sample in which its first pulse begins.
    pub first_sample: u64,
    /// The same in seconds since the start of the run.
    pub time_s: f64,
}

/// Looks whose numbers and times make a chunk.
const LOOKS_A_CHUNK: usize = 1024;
/// Room for chunks beside the one map: those of `cpi`, `first_sample` and `time_s`.
const CACHE_BYTES: usize = 1 << 20;
/// Most cells of a map that is read: far more than a chain makes.
const MAX_CELLS: usize = 1 << 28;
/// Powers below are as good as none.
const LEAST_POWER: f32 = 1e-20;

/// Writes maps, each as it comes.
pub struct MapWriter {
    path: PathBuf,
    file: File,
    power: Dataset,
    cpi: Dataset,
    first_sample: Dataset,
    time_s: Dataset,
    n_looks: usize,
    n_doppler: usize,
    /// A row in dB.
    row: Vec<f32>,
}

impl MapWriter {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// It cannot be written, or the axes have no cell.
    pub fn create(path: &Path, axes: &MapAxes) -> Result<Self> {
        let (n_doppler, n_gates) = (axes.range_rate_mps.len(), axes.n_gates);
        if n_doppler == 0 || n_gates == 0 || axes.in_notch.len() != n_doppler {
            let found = format!("{n_doppler} × {n_gates}, {} rows with a notch", axes.in_notch.len());
            return Err(Error::field(path, "axes", found, "at least one row and one gate"));
        }
        Self::create_file(path, axes).map_err(|error| failed(path, "create this file", &error))
    }

    fn create_file(path: &Path, axes: &MapAxes) -> hdf5::Result<Self> {
        let (n_doppler, n_gates) = (axes.range_rate_mps.len(), axes.n_gates);
        // A map is written row by row and goes to disk when it is whole.
        let cache = 4 * n_doppler * n_gates + CACHE_BYTES;
        let file = unlocked().with_fapl(|fapl| fapl.chunk_cache(521, cache, 1.0)).create(path)?;
        let shape = (0.., n_doppler, n_gates);
        let power = file.new_dataset::<f32>().chunk((1, n_doppler, n_gates)).shape(shape).create("power")?;
        let power = with_units(power, "dBFS")?;
        for (name, value) in [("range_first_m", axes.range_first_m), ("range_step_m", axes.range_step_m)] {
            power.new_attr::<f64>().create(name)?.write_scalar(&value)?;
        }
        file.new_attr::<f64>().create("look_s")?.write_scalar(&axes.look_s)?;
        let range_m: Vec<f64> =
            (0..n_gates).map(|gate| axes.range_first_m + gate as f64 * axes.range_step_m).collect();
        fixed(&file, "range_m", "m", &range_m)?;
        fixed(&file, "range_rate_mps", "m/s", &axes.range_rate_mps)?;
        let in_notch: Vec<u8> = axes.in_notch.iter().map(|is_in| u8::from(*is_in)).collect();
        fixed(&file, "in_notch", "1", &in_notch)?;
        Ok(Self {
            path: path.to_owned(),
            power,
            cpi: growing::<u64>(&file, "cpi", "1")?,
            first_sample: growing::<u64>(&file, "first_sample", "samples")?,
            time_s: growing::<f64>(&file, "time_s", "s")?,
            n_looks: 0,
            n_doppler,
            row: vec![0.0; n_gates],
            file,
        })
    }

    /// Appends a map: the powers of its rows by rising range rate, relative to full scale.
    ///
    /// # Errors
    /// The disk is full, or the rows are not of the planned shape.
    pub fn push<'a>(&mut self, look: MapLook, rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Result<()> {
        if rows.len() != self.n_doppler {
            return Err(Error::field(&self.path, "rows of a map", rows.len(), self.n_doppler));
        }
        self.write(look, rows).map_err(|error| failed(&self.path, "write a map", &error))
    }

    fn write<'a>(&mut self, look: MapLook, rows: impl Iterator<Item = &'a [f32]>) -> hdf5::Result<()> {
        let at = self.n_looks;
        self.power.resize((at + 1, self.n_doppler, self.row.len()))?;
        for (number, powers) in rows.enumerate() {
            self.row.clear();
            self.row.extend(powers.iter().map(|power| 10.0 * power.max(LEAST_POWER).log10()));
            self.power.write_slice(&self.row[..], (at, number, ..))?;
        }
        append(&self.cpi, at, look.cpi)?;
        append(&self.first_sample, at, look.first_sample)?;
        append(&self.time_s, at, look.time_s)?;
        self.n_looks = at + 1;
        Ok(())
    }

    /// Brings everything to the file.
    ///
    /// # Errors
    /// The disk is full.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| failed(&self.path, "write this file", &error))
    }
}

fn with_units(dataset: Dataset, units: &str) -> hdf5::Result<Dataset> {
    let units: VarLenUnicode = units.parse().map_err(|_| "units hold a zero byte")?;
    dataset.new_attr::<VarLenUnicode>().create("units")?.write_scalar(&units)?;
    Ok(dataset)
}

fn fixed<T: H5Type>(file: &File, name: &str, units: &str, values: &[T]) -> hdf5::Result<()> {
    let dataset = file.new_dataset::<T>().shape(values.len()).create(name)?;
    with_units(dataset, units)?.write_raw(values)
}

/// A dataset with a value for each look.
fn growing<T: H5Type>(file: &File, name: &str, units: &str) -> hdf5::Result<Dataset> {
    let dataset = file.new_dataset::<T>().chunk(LOOKS_A_CHUNK).shape(0..).create(name)?;
    with_units(dataset, units)
}

fn append<T: H5Type>(dataset: &Dataset, at: usize, value: T) -> hdf5::Result<()> {
    dataset.resize(at + 1)?;
    dataset.write_slice(&[value][..], at..at + 1)
}

/// Maps that a run saved.
pub struct MapFile {
    path: PathBuf,
    power: Dataset,
    axes: MapAxes,
    looks: Vec<MapLook>,
}

impl MapFile {
    /// Opens what [`MapWriter`] wrote.
    ///
    /// # Errors
    /// It is not there, is no HDF5, or holds something else: the message names the dataset.
    pub fn open(path: &Path) -> Result<Self> {
        let file = open_file(path)?;
        let dataset = |name: &str| {
            file.dataset(name)
                .map_err(|_| Error::missing(path, name, "maps as a run with --maps writes them"))
        };
        let power = dataset("power")?;
        let &[n_looks, n_doppler, n_gates] = &power.shape()[..] else {
            let found = format!("of shape {:?}", power.shape());
            return Err(Error::field(path, "power", found, "[n_looks × n_doppler × n_gates]"));
        };
        let n_cells = n_doppler.checked_mul(n_gates).filter(|n| (1..=MAX_CELLS).contains(n));
        if n_cells.is_none() {
            let found = format!("{n_doppler} × {n_gates} cells a map");
            return Err(Error::field(path, "power", found, format!("1 to {MAX_CELLS} cells")));
        }
        let range_rate_mps = list::<f64>(path, "range_rate_mps", &dataset("range_rate_mps")?, n_doppler)?;
        let in_notch = list::<u8>(path, "in_notch", &dataset("in_notch")?, n_doppler)?;
        let cpi = list::<u64>(path, "cpi", &dataset("cpi")?, n_looks)?;
        let first_sample = list::<u64>(path, "first_sample", &dataset("first_sample")?, n_looks)?;
        let time_s = list::<f64>(path, "time_s", &dataset("time_s")?, n_looks)?;
        let looks = cpi.into_iter().zip(first_sample).zip(time_s);
        let axes = MapAxes {
            range_first_m: number(path, &power, "range_first_m")?,
            range_step_m: number(path, &power, "range_step_m")?,
            n_gates,
            range_rate_mps,
            in_notch: in_notch.into_iter().map(|is_in| is_in != 0).collect(),
            look_s: number(path, &file, "look_s")?,
        };
        Ok(Self {
            path: path.to_owned(),
            power,
            axes,
            looks: looks.map(|((cpi, first_sample), time_s)| MapLook { cpi, first_sample, time_s }).collect(),
        })
    }

    /// What all maps share.
    pub fn axes(&self) -> &MapAxes {
        &self.axes
    }

    /// Of which look each map is.
    pub fn looks(&self) -> &[MapLook] {
        &self.looks
    }

    /// A map: dB relative to full scale, `[n_doppler × n_gates]`, rows by rising range rate.
    ///
    /// # Errors
    /// There is no such look, or the file is damaged.
    pub fn read(&self, look: usize) -> Result<Vec<f32>> {
        let map = self.power.read_slice_2d::<f32, _>((look, .., ..));
        let map = map.map_err(|error| failed(&self.path, &format!("read map {look}"), &error))?;
        Ok(map.iter().copied().collect())
    }
}

/// A dataset of one axis that must be so long.
fn list<T: H5Type>(path: &Path, name: &str, dataset: &Dataset, len: usize) -> Result<Vec<T>> {
    if dataset.shape() != [len] {
        let found = format!("of shape {:?}", dataset.shape());
        return Err(Error::field(path, name, found, format!("[{len}], as power has it")));
    }
    dataset.read_raw().map_err(|error| failed(path, &format!("read dataset '{name}'"), &error))
}

fn number(path: &Path, location: &Location, name: &str) -> Result<f64> {
    let value = super::attribute(location, name).and_then(|value| super::number(&value));
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| Error::missing(path, name, "a number as an attribute"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> MapAxes {
        MapAxes {
            range_first_m: 100.0,
            range_step_m: 7.5,
            n_gates: 5,
            range_rate_mps: vec![-1.0, 0.0, 1.0],
            in_notch: vec![false, true, false],
            look_s: 0.1,
        }
    }

    #[test]
    fn maps_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.h5");
        let mut writer = MapWriter::create(&path, &axes()).unwrap();
        let look = |n: u64| MapLook { cpi: n + 3, first_sample: 1000 * n, time_s: 0.1 * n as f64 };
        let map = |n: u64| -> Vec<f32> { (0..15).map(|cell| 10_f32.powi(cell - n as i32)).collect() };
        for n in 0..2000 {
            writer.push(look(n), map(n % 7).chunks(5)).unwrap();
        }
        assert!(writer.push(look(0), map(0)[..10].chunks(5)).is_err());
        writer.flush().unwrap();
        drop(writer);
        let file = MapFile::open(&path).unwrap();
        assert_eq!(file.axes(), &axes());
        assert_eq!(file.looks().len(), 2000);
        assert_eq!(file.looks()[1999], look(1999));
        let read = file.read(1999).unwrap();
        let expected: Vec<f32> = map(1999 % 7).iter().map(|power| 10.0 * power.log10()).collect();
        assert!(read.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{read:?}");
        assert!(file.read(2000).is_err());
    }

    #[test]
    fn what_holds_no_maps_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.h5");
        unlocked().create(&path).unwrap();
        let message = MapFile::open(&path).err().unwrap().to_string();
        assert!(message.contains("'power' is missing"), "{message}");
        std::fs::write(&path, "no maps").unwrap();
        assert!(MapFile::open(&path).is_err());
        let none = MapAxes { n_gates: 0, ..axes() };
        assert!(MapWriter::create(&path, &none).is_err());
    }
}
