//! Records: the items that are there, and their fields by name.

use crate::asterix::spec::{Category, Item, Part, Shape, fields};
use crate::asterix::{Error, spec};

pub use spec::Typed;

/// What an item holds, as bits; its [`Shape`] says what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Shape::Single`].
    Number(u64),
    /// Of [`Shape::Group`]: every field in order. Of [`Shape::Extended`]: those of the octets that are there.
    Fields(Vec<u64>),
    /// Of [`Shape::Repeated`] and [`Shape::Chained`].
    List(Vec<Value>),
    /// Of [`Shape::Compound`]: a place for each part of the table.
    Compound(Vec<Option<Value>>),
    /// Of [`Shape::Explicit`], without the length.
    Octets(Vec<u8>),
}

/// A record of a category: the items that are there.
///
/// Fields are named by paths as the specification names them, without the category: `145`, `010/SAC`, `625/R`,
/// `300/0/PID` (the first of a repetitive item), `060/TTF/EP`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    category: &'static Category,
    /// A place for each item of the profile.
    items: Vec<Option<Value>>,
}

impl Record {
    /// A record without items.
    pub fn new(category: &'static Category) -> Self {
        Self { category, items: vec![None; category.profile.len()] }
    }

    /// A record of items, a place for each of the category's profile; whether they fit is seen when it is encoded.
    pub fn from_items(category: &'static Category, items: Vec<Option<Value>>) -> Self {
        Self { category, items }
    }

    /// Its category.
    pub fn category(&self) -> &'static Category {
        self.category
    }

    /// Its items: a place for each of the category's profile.
    pub fn items(&self) -> &[Option<Value>] {
        &self.items
    }

    /// The item of a name, as bits.
    pub fn item(&self, name: &str) -> Option<&Value> {
        self.items[position(self.category.profile, name)?].as_ref()
    }

    /// The value of a field; `None` where it is not there, or there is no such field.
    pub fn get(&self, path: &str) -> Option<Typed> {
        let (name, rest) = split(path);
        let at = position(self.category.profile, name)?;
        get(&self.category.profile[at].2, self.items[at].as_ref()?, rest)
    }

    /// A field that has a unit.
    pub fn quantity(&self, path: &str) -> Option<f64> {
        match self.get(path)? {
            Typed::Quantity(number) => Some(number),
            _ => None,
        }
    }

    /// A field that is a plain number.
    pub fn integer(&self, path: &str) -> Option<u64> {
        match self.get(path)? {
            Typed::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// Elements of a repetitive item; 0 where it is not there.
    pub fn count(&self, path: &str) -> usize {
        match self.item(path) {
            Some(Value::List(list)) => list.len(),
            _ => 0,
        }
    }

    /// Sets a field. An item that is not there comes to be, its other fields zero; quantities are rounded to the
    /// nearest step. An element of a repetitive item is begun by naming the one after the last.
    ///
    /// # Errors
    /// There is no such field, or the value does not fit it.
    pub fn set(&mut self, path: &str, value: impl Into<Typed>) -> Result<(), Error> {
        let (name, rest) = split(path);
        let Some(at) = position(self.category.profile, name) else {
            return Err(no_such(path).in_category(self.category.number));
        };
        set(&self.category.profile[at].2, &mut self.items[at], rest, &value.into())
            .map_err(|error| Error { item: path.to_owned(), ..error }.in_category(self.category.number))
    }

    /// Sets the octets of an explicit item (`SP`, `RE`).
    ///
    /// # Errors
    /// There is no such item, or it is not explicit.
    pub fn set_octets(&mut self, name: &str, octets: &[u8]) -> Result<(), Error> {
        match position(self.category.profile, name) {
            Some(at) if matches!(self.category.profile[at].2, Shape::Explicit) => {
                self.items[at] = Some(Value::Octets(octets.to_vec()));
                Ok(())
            }
            _ => Err(no_such(name).in_category(self.category.number)),
        }
    }
}

fn no_such(path: &str) -> Error {
    Error { item: path.to_owned(), ..Error::new("no such field", "one that the edition has") }
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn position(items: &[Item], name: &str) -> Option<usize> {
    items.iter().position(|item| item.0 == name && !matches!(item.2, Shape::Unused))
}

/// Which field of parts has a name, and what it is.
fn field<'a>(parts: impl Iterator<Item = &'a Part>, name: &str) -> Option<(usize, usize, &'a spec::Content)> {
    let mut all = parts.flat_map(|part| fields(std::slice::from_ref(part))).enumerate();
    all.find(|(_, of)| of.0 == name).map(|(at, (_, bits, content))| (at, bits, content))
}

fn get(shape: &Shape, value: &Value, path: &str) -> Option<Typed> {
    match (shape, value) {
        (Shape::Single(bits, content), Value::Number(raw)) if path.is_empty() => {
            Some(content.typed(*bits, *raw))
        }
        (Shape::Group(parts), Value::Fields(of)) => {
            let (at, bits, content) = field(parts.iter(), path)?;
            Some(content.typed(bits, *of.get(at)?))
        }
        (Shape::Extended(extents), Value::Fields(of)) => {
            let (at, bits, content) = field(extents.iter().copied().flatten(), path)?;
            Some(content.typed(bits, *of.get(at)?))
        }
        (Shape::Repeated(of) | Shape::Chained(of), Value::List(list)) => {
            let (index, rest) = split(path);
            get(of, list.get(index.parse::<usize>().ok()?)?, rest)
        }
        (Shape::Compound(items), Value::Compound(values)) => {
            let (name, rest) = split(path);
            let at = position(items, name)?;
            get(&items[at].2, values.get(at)?.as_ref()?, rest)
        }
        (Shape::Explicit, Value::Octets(octets)) if path.is_empty() => Some(Typed::Text(hex(octets))),
        _ => None,
    }
}

fn set(shape: &Shape, slot: &mut Option<Value>, path: &str, typed: &Typed) -> Result<(), Error> {
    match shape {
        Shape::Single(bits, content) if path.is_empty() => {
            *slot = Some(Value::Number(content.raw(*bits, typed)?));
            return Ok(());
        }
        Shape::Group(parts) => {
            let Some((at, bits, content)) = field(parts.iter(), path) else { return Err(no_such(path)) };
            let raw = content.raw(bits, typed)?;
            if let Value::Fields(of) =
                slot.get_or_insert_with(|| Value::Fields(vec![0; fields(parts).count()]))
            {
                of[at] = raw;
                return Ok(());
            }
        }
        Shape::Extended(extents) => {
            let Some((at, bits, content)) = field(extents.iter().copied().flatten(), path) else {
                return Err(no_such(path));
            };
            let raw = content.raw(bits, typed)?;
            if let Value::Fields(of) = slot.get_or_insert_with(|| Value::Fields(Vec::new())) {
                let ends = extents.iter().scan(0, |n, extent| {
                    *n += fields(extent).count();
                    Some(*n)
                });
                // Whole octets, as far as the field's.
                let n = ends.into_iter().find(|&end| end > at).unwrap_or(at + 1);
                of.resize(of.len().max(n), 0);
                of[at] = raw;
                return Ok(());
            }
        }
        Shape::Repeated(of) | Shape::Chained(of) => {
            let (index, rest) = split(path);
            if let (Ok(index), Value::List(list)) =
                (index.parse::<usize>(), slot.get_or_insert_with(|| Value::List(Vec::new())))
                && index <= list.len()
            {
                let mut element = list.get(index).cloned();
                set(of, &mut element, rest, typed)?;
                if index == list.len() {
                    list.extend(element);
                } else if let Some(element) = element {
                    list[index] = element;
                }
                return Ok(());
            }
        }
        Shape::Compound(items) => {
            let (name, rest) = split(path);
            let Some(at) = position(items, name) else { return Err(no_such(path)) };
            if let Value::Compound(of) = slot.get_or_insert_with(|| Value::Compound(vec![None; items.len()]))
            {
                return set(&items[at].2, &mut of[at], rest, typed);
            }
        }
        Shape::Single(..) | Shape::Explicit | Shape::Unused => {}
    }
    Err(no_such(path))
}

/// Octets in hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

macro_rules! integers {
    ($($of:ty),*) => { $(impl From<$of> for Typed {
        fn from(number: $of) -> Self {
            Self::Integer(number.into())
        }
    })* };
}
integers!(bool, u8, u16, u32, u64);

impl From<f64> for Typed {
    fn from(number: f64) -> Self {
        Self::Quantity(number)
    }
}

impl From<&str> for Typed {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
