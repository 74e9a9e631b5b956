//! An object as a bucket lists it.

/// An object, of a size and a content that the tag stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// What changes with the content.
    pub e_tag: Option<String>,
}
