//! What may be wrong with a block.

use std::fmt;

/// Something that is not as the edition says: where, what was found, and what was expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Error {
    /// Octets from the start of the input; `None` where the input is no octets.
    pub offset: Option<u64>,
    /// The category, once it is known.
    pub category: Option<u8>,
    /// The item, as `625/R`; empty where none is meant.
    pub item: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Error {
    pub(crate) fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into(), ..Self::default() }
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset.get_or_insert(offset);
        self
    }

    pub(crate) fn in_category(mut self, category: u8) -> Self {
        self.category.get_or_insert(category);
        self
    }

    /// Puts the name of what holds the item before it.
    pub(crate) fn within(mut self, name: &str) -> Self {
        if self.item.is_empty() {
            self.item.push_str(name);
        } else if !name.is_empty() {
            self.item.insert(0, '/');
            self.item.insert_str(0, name);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(offset) = self.offset {
            write!(f, "offset {offset}: ")?;
        }
        match (self.category, self.item.as_str()) {
            (Some(category), "") => write!(f, "category {category:03}: ")?,
            (Some(category), item) => write!(f, "I{category:03}/{item}: ")?,
            (None, "") => {}
            (None, item) => write!(f, "{item}: ")?,
        }
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for Error {}
