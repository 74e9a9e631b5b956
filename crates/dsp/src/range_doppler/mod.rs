//! Pulse cubes and range-Doppler maps, and what turns one into the other and finds targets in it: the part that
//! pulse-Doppler and FMCW chains share.

mod config;
mod plan;
mod worker;

pub use config::{ClutterConfig, DopplerConfig, RangeDopplerConfig};
pub use plan::{RangeDopplerPlan, Shape};
pub use worker::{RangeDopplerWorker, Target};

use rangegate_core::Complex32;

/// Elements that a row is padded to: a cache line of complex samples.
const ROW_ALIGNMENT: usize = 8;

/// Elements from one row of `n` to the next: whole cache lines, and no power of two, which would put the cells of
/// a column into few sets of the cache.
fn padded(n: usize) -> usize {
    let lines = n.div_ceil(ROW_ALIGNMENT);
    (lines + usize::from(lines.is_multiple_of(8))) * ROW_ALIGNMENT
}

/// A matrix of rows along range, padded: pulses of a CPI, or Doppler bins.
#[derive(Debug, Default, PartialEq)]
pub struct Rows<T> {
    n_rows: usize,
    n_gates: usize,
    stride: usize,
    data: Vec<T>,
}

/// Compressed pulses of one CPI, `[n_pulses × n_gates]`.
pub type PulseCube = Rows<Complex32>;

/// Powers `[n_doppler × n_gates]`, zero Doppler first.
pub type PowerMap = Rows<f32>;

impl<T: Clone> Clone for Rows<T> {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), ..*self }
    }

    /// Allocates nothing where the room is as large already: maps are kept in the run loop.
    fn clone_from(&mut self, source: &Self) {
        self.data.clone_from(&source.data);
        (self.n_rows, self.n_gates, self.stride) = (source.n_rows, source.n_gates, source.stride);
    }
}

impl<T: Copy + Default> Rows<T> {
    /// `n_rows × n_gates` of the default value.
    pub fn new(n_rows: usize, n_gates: usize) -> Self {
        let stride = padded(n_gates);
        Self { n_rows, n_gates, stride, data: vec![T::default(); n_rows * stride] }
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
    pub fn row(&self, row: usize) -> &[T] {
        &self.data[row * self.stride..][..self.n_gates]
    }

    /// One row, to be written.
    ///
    /// # Panics
    /// There is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.data[row * self.stride..][..self.n_gates]
    }

    /// All rows with their padding: row `r` begins at `r · stride`.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All rows with their padding, to be written.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}
