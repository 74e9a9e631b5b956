//! What stands for S3 in a build without it.

use super::object::Object;
use anyhow::{Result, bail};
use std::ops::Range;

/// No bucket.
pub enum Store {}

impl Store {
    /// # Errors
    /// Always.
    pub fn open(_: &str) -> Result<Self> {
        bail!("this build has no S3: build Rangegate with --features s3")
    }

    pub fn list(&self, _: &str) -> Result<Vec<Object>> {
        match *self {}
    }

    pub fn look(&self, _: &str) -> Result<Option<Object>> {
        match *self {}
    }

    pub fn read(&self, _: &Object, _: Range<u64>, _: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match *self {}
    }
}
