//! Mapped files. (Stand-in with the same interface until the mapping itself is merged: it reads the file.)

use crate::{Error, Result};
use rangegate_core::ByteSource;
use std::path::Path;
use std::sync::Arc;

/// A mapped file.
pub struct Mapping;

impl Mapping {
    /// Maps a whole file; `None` where it cannot be mapped.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Arc<dyn ByteSource>>> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        Ok(Some(Arc::new(bytes)))
    }
}
