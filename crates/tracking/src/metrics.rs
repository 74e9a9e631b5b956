//! How well tracks follow the truth: OSPA and GOSPA of one time, SIAP of a whole scene.
//!
//! Distances are given by a function of (truth, track), so that metrics know no space.

mod ospa;
mod siap;

pub use ospa::{Gospa, gospa, ospa};
pub use siap::{Siap, SiapSums};

use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;

/// The assignment of least cost: for each row its column. Needs no more rows than columns. Costs lie between 0 and 1;
/// the solver wants whole numbers.
fn assignment(n_rows: usize, n_columns: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    if n_rows == 0 {
        return Vec::new();
    }
    let costs =
        Matrix::from_fn(n_rows, n_columns, |(row, column)| (cost(row, column).clamp(0.0, 1.0) * 1e12) as i64);
    kuhn_munkres_min(&costs).1
}
