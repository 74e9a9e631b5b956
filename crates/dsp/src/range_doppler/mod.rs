//! Pulse cubes and range-Doppler maps, and what turns one into the other and finds targets in it: the part that
//! pulse-Doppler and FMCW chains share.

mod config;
mod plan;
mod worker;

pub use config::{ClutterConfig, DopplerConfig, RangeDopplerConfig};
pub use plan::{RangeDopplerPlan, Shape};
pub use worker::{RangeDopplerWorker, Target};

use crate::lines::Lines;
use rangegate_core::Complex32;

/// Elements that a row is padded to: whole vectors, and whole cache lines for numbers of 4 bytes and more.
const ROW_ALIGNMENT: usize = 16;

/// Elements from one row of `n` to the next: an odd number of vectors, as with a power of two the cells of a column
/// would share few sets of the cache.
fn padded(n: usize) -> usize {
    (n.div_ceil(ROW_ALIGNMENT) | 1) * ROW_ALIGNMENT
}

/// A matrix of rows along range, padded: pulses of a CPI, or Doppler bins.
#[derive(Debug, Default)]
pub struct Rows<T> {
    n_rows: usize,
    n_gates: usize,
    stride: usize,
    data: Lines<T>,
}

/// Compressed pulses of one CPI, `[n_pulses × n_gates]`.
pub type PulseCube = Rows<Complex32>;

/// Powers `[n_doppler × n_gates]`, zero Doppler first.
pub type PowerMap = Rows<f32>;

impl<T: Copy + Default> Clone for Rows<T> {
    fn clone(&self) -> Self {
        let mut clone = Self::default();
        clone.clone_from(self);
        clone
    }

    /// Allocates nothing where the room is as large already: maps are kept in the run loop.
    fn clone_from(&mut self, source: &Self) {
        if self.data.len() < source.data.len() {
            self.data = Lines::new(source.data.len());
        }
        (self.n_rows, self.n_gates, self.stride) = (source.n_rows, source.n_gates, source.stride);
        self.data[..source.data.len()].copy_from_slice(&source.data);
    }
}

/// The same numbers; padding does not count.
impl<T: Copy + Default + PartialEq> PartialEq for Rows<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.n_rows, self.n_gates) == (other.n_rows, other.n_gates)
            && (0..self.n_rows).all(|row| self.row(row) == other.row(row))
    }
}

impl<T: Copy + Default> Rows<T> {
    /// `n_rows × n_gates` of the default value.
    pub fn new(n_rows: usize, n_gates: usize) -> Self {
        let stride = padded(n_gates);
        Self { n_rows, n_gates, stride, data: Lines::new(n_rows * stride) }
    }

    /// Number of rows: pulses, or Doppler bins.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Says how many rows count from now on: what a canceller leaves of the pulses.
    ///
    /// # Panics
    /// There is no memory for so many.
    pub fn set_n_rows(&mut self, n_rows: usize) {
        let room = self.data.len();
        assert!(n_rows * self.stride <= room, "{n_rows} rows of {} in {room}", self.stride);
        self.n_rows = n_rows;
    }

    /// Number of range gates.
    pub fn n_gates(&self) -> usize {
        self.n_gates
    }

    /// Elements from the start of one row to that of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// One row.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &[T] {
        &self.data[row * self.stride..][..self.n_gates]
    }

    /// One row, to be written.
    ///
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.data[row * self.stride..][..self.n_gates]
    }

    /// All rows with their padding, which may hold anything: row `r` begins at `r · stride`, on a cache line of its own.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All rows with their padding, to be written.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_on_cache_lines_and_padding_does_not_count() {
        for n_gates in [1, 16, 63, 64, 7169, 8192] {
            let mut rows = PowerMap::new(3, n_gates);
            let mut kept = PowerMap::new(3, n_gates + 1);
            let room = kept.data().as_ptr();
            for row in 0..3 {
                rows.row_mut(row).fill(row as f32);
            }
            kept.clone_from(&rows);
            for (row, of) in [(0, &rows), (2, &rows), (1, &kept), (2, &kept), (1, &rows.clone())] {
                assert!(of.row(row).as_ptr().addr().is_multiple_of(64), "{n_gates}");
                assert!(of.row(row).iter().all(|x| x.to_bits() == (row as f32).to_bits()), "{n_gates}");
            }
            assert_eq!((room, &rows), (kept.data().as_ptr(), &kept), "{n_gates}");
            let last = kept.stride() - 1;
            kept.data_mut()[last] = f32::NAN;
            assert_eq!(rows == kept, last != n_gates - 1, "{n_gates}");
            kept.row_mut(2)[n_gates - 1] = 7.0;
            assert!(rows != kept, "{n_gates}");
        }
    }
}
