//! Plain HDF5, as laboratories write it.

use serde::{Deserialize, Serialize};

/// What to read from a plain HDF5 file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hdf5Options {
    /// Datasets that follow one another in time, by path; `*` stands for any run of characters but `/`.
    /// Numbers in names are put in the order of their values. Empty where the file has just one that fits.
    pub datasets: Vec<String>,
}
