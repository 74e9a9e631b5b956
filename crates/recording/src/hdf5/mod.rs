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

/// Whether this is an HDF5 file.
pub fn looks_like(path: &std::path::Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89HDF\r\n\x1a\n"))
}
/// Opens.
pub fn open(path: &std::path::Path, _: &crate::OpenOptions) -> crate::Result<Box<dyn crate::Recording>> {
    Err(crate::Error::new(path, "plain HDF5 is not built yet"))
}
