//! Digital RF (placeholder).
use crate::{CreateOptions, Error, OpenOptions, Recording, Result, Writer};
use rangegate_core::StreamInfo;
use std::path::Path;

/// Whether this is a Digital RF folder.
pub fn looks_like(path: &Path) -> bool {
    path.join("drf_properties.h5").is_file()
}
/// Opens.
pub fn open(path: &Path, _: &OpenOptions) -> Result<Box<dyn Recording>> {
    Err(Error::new(path, "Digital RF is not built yet"))
}
/// Creates.
pub fn create(path: &Path, _: &StreamInfo, _: &CreateOptions) -> Result<Box<dyn Writer>> {
    Err(Error::new(path, "Digital RF is not built yet"))
}
