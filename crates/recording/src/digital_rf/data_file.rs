//! One file of samples: which indices it holds, and its rows.

use super::timeline::Timeline;
use crate::hdf5::{Axis, SampleArray, failed, open_for_reading};
use crate::{Error, Result};
use rangegate_core::SampleFormat;
use std::ops::Range;
use std::path::Path;

/// More stretches in one file are taken for damage.
const MAX_STRETCHES: usize = 10_000_000;

/// Samples without a gap: indices, and the row of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub indices: Range<u64>,
    pub row: usize,
}

/// A file of samples, open.
pub(crate) struct DataFile {
    /// When it begins, ms since 1970.
    pub ms: u64,
    /// In order, none empty.
    pub stretches: Vec<Stretch>,
    pub samples: SampleArray,
}

impl DataFile {
    /// Opens the file that begins at `ms`.
    ///
    /// # Errors
    /// It cannot be opened, or its two datasets contradict the properties or one another.
    pub(crate) fn open(
        path: &Path,
        ms: u64,
        timeline: &Timeline,
        n_subchannels: usize,
        map: bool,
    ) -> Result<Self> {
        let file = open_for_reading(path, ["rf_data"])?;
        let dataset = |name: &str| {
            file.dataset(name)
                .map_err(|e| Error::new(path, format!("dataset '{name}' cannot be opened: {e}")))
        };
        let data = dataset("rf_data")?;
        let axes = if data.ndim() == 1 { &[Axis::Sample][..] } else { &[Axis::Sample, Axis::Channel][..] };
        let samples = SampleArray::new(path, data, axes, false, map)?;
        if samples.n_channels() != n_subchannels {
            let expected = format!("{n_subchannels} as the channel's properties say");
            return Err(Error::field(path, "number of columns of rf_data", samples.n_channels(), expected));
        }
        let index = dataset("rf_data_index")?;
        let shape = index.shape();
        if !matches!(shape[..], [n, 2] if (1..=MAX_STRETCHES).contains(&n)) {
            return Err(Error::field(
                path,
                "rf_data_index",
                format!("of shape {shape:?}"),
                "two columns and a row",
            ));
        }
        let rows = index.read_raw::<u64>().map_err(|e| failed(path, "read rf_data_index", &e))?;
        let stretches = stretches(path, &rows, samples.n_samples(), timeline.indices(ms))?;
        Ok(Self { ms, stretches, samples })
    }

    pub(crate) fn format(&self) -> SampleFormat {
        self.samples.format()
    }

    /// The first stretch that reaches past an index.
    pub(crate) fn find(&self, at: u64) -> Option<&Stretch> {
        find(&self.stretches, at)
    }

    pub(crate) fn contains(&self, index: u64) -> bool {
        self.find(index).is_some_and(|s| s.indices.start <= index)
    }

    /// Takes indices out, because they cannot be read.
    pub(crate) fn remove(&mut self, lost: &Range<u64>) {
        let old = std::mem::take(&mut self.stretches);
        for Stretch { indices, row } in old {
            let left = indices.start..indices.end.min(lost.start);
            let right = indices.start.max(lost.end)..indices.end;
            if !left.is_empty() {
                self.stretches.push(Stretch { indices: left, row });
            }
            if !right.is_empty() {
                let row = row + (right.start - indices.start) as usize;
                self.stretches.push(Stretch { indices: right, row });
            }
        }
    }
}

/// The first of ordered stretches that reaches past an index.
pub(crate) fn find(stretches: &[Stretch], at: u64) -> Option<&Stretch> {
    stretches.get(stretches.partition_point(|s| s.indices.end <= at))
}

/// Turns pairs (index, row) into stretches, each up to the row of the next.
fn stretches(path: &Path, pairs: &[u64], n_rows: usize, indices: Range<u64>) -> Result<Vec<Stretch>> {
    // Writers that divide by a rounded rate put a sample on the boundary into the neighbouring file.
    let allowed = indices.start.saturating_sub(1)..indices.end.saturating_add(1);
    let rows = pairs.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let ends = rows.clone().skip(1).map(|(_, row)| row).chain([n_rows as u64]);
    let mut stretches: Vec<Stretch> = Vec::with_capacity(pairs.len() / 2);
    for (k, ((index, row), end_row)) in rows.zip(ends).enumerate() {
        let wrong = |expected: String| {
            Err(Error::field(
                path,
                &format!("rf_data_index[{k}]"),
                format!("index {index}, row {row}"),
                expected,
            ))
        };
        if row > end_row || end_row > n_rows as u64 {
            return wrong(format!("rows that grow and stay within the {n_rows} of rf_data"));
        }
        let last = stretches.last().map_or(0, |s| s.indices.end);
        let end = index.saturating_add(end_row - row);
        if index < last || !allowed.contains(&index) || end > allowed.end {
            let allowed = last.max(allowed.start)..allowed.end;
            return wrong(format!("indices that grow and lie in {allowed:?}, the time of this file"));
        }
        match stretches.last_mut() {
            _ if index == end => {}
            Some(before) if before.indices.end == index && before.row as u64 + before.len() == row => {
                before.indices.end = end;
            }
            _ => stretches.push(Stretch { indices: index..end, row: row as usize }),
        }
    }
    Ok(stretches)
}

impl Stretch {
    fn len(&self) -> u64 {
        self.indices.end - self.indices.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[u64], n_rows: usize) -> Result<Vec<(Range<u64>, usize)>> {
        let found = stretches(Path::new("f"), pairs, n_rows, 100..200)?;
        Ok(found.into_iter().map(|s| (s.indices, s.row)).collect())
    }

    #[test]
    fn rows_become_stretches() {
        assert_eq!(of(&[100, 0], 100).unwrap(), [(100..200, 0)]);
        assert_eq!(of(&[100, 0, 150, 10], 20).unwrap(), [(100..110, 0), (150..160, 10)]);
        // Stretches that touch are one; empty ones are none; the boundary may be off by one.
        assert_eq!(of(&[100, 0, 110, 10, 150, 20], 20).unwrap(), [(100..120, 0)]);
        assert_eq!(of(&[99, 0], 102).unwrap(), [(99..201, 0)]);
    }

    #[test]
    fn an_index_that_contradicts_itself_is_refused() {
        for (pairs, n_rows) in [
            (&[100, 0, 150, 30][..], 20),
            (&[100, 5, 150, 3], 20),
            (&[150, 0, 100, 10], 20),
            (&[100, 0, 105, 10], 20),
            (&[100, 0], 150),
            (&[u64::MAX, 0], 20),
            (&[0, 0], 20),
            (&[100, u64::MAX], 20),
        ] {
            let error = of(pairs, n_rows).unwrap_err().to_string();
            assert!(error.contains("rf_data_index["), "{error}");
        }
    }
}
