//! From octets to records.

use crate::asterix::bits;
use crate::asterix::spec::{Category, Item, Part, Shape, octets};
use crate::asterix::{Error, Record, Value};

/// Octets that are yet to be read.
pub(crate) struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
    /// Where they lie in the input.
    base: u64,
}

impl<'a> Cursor<'a> {
    pub fn new(octets: &'a [u8], base: u64) -> Self {
        Self { octets, at: 0, base }
    }

    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.octets.len()
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let rest = &self.octets[self.at..];
        let Some(taken) = rest.get(..n) else {
            let plural = if n == 1 { "" } else { "s" };
            return Err(Error::new(
                format!("{} left in the block", rest.len()),
                format!("{n} octet{plural}"),
            )
            .at(self.offset()));
        };
        self.at += n;
        Ok(taken)
    }

    fn octet(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }
}

/// One record, from its field specification on.
pub(crate) fn record(cursor: &mut Cursor<'_>, category: &'static Category) -> Result<Record, Error> {
    let items = compound(cursor, category.profile).map_err(|error| error.in_category(category.number))?;
    Ok(Record::from_items(category, items))
}

/// Which items there are, and these.
fn compound(cursor: &mut Cursor<'_>, items: &'static [Item]) -> Result<Vec<Option<Value>>, Error> {
    let start = cursor.offset();
    let mut present = vec![false; items.len()];
    let mut first = 0;
    loop {
        let octet = cursor.octet()?;
        for bit in 0..7 {
            if octet >> (7 - bit) & 1 == 0 {
                continue;
            }
            match items.get(first + bit) {
                Some(Item(.., shape)) if !matches!(shape, Shape::Unused) => present[first + bit] = true,
                _ => {
                    let found = format!("bit {} of the field specification set", first + bit + 1);
                    return Err(
                        Error::new(found, "zero, as the edition does not use it").at(cursor.offset() - 1)
                    );
                }
            }
        }
        if octet == 0 {
            return Err(Error::new(
                "a field specification whose last octet names no item",
                "one item at least",
            )
            .at(cursor.offset() - 1));
        }
        first += 7;
        if octet & 1 == 0 {
            break;
        }
        if first >= items.len() {
            return Err(Error::new(
                "a field specification that goes on",
                format!("{} bits at most", items.len()),
            )
            .at(start));
        }
    }
    let mut values = Vec::with_capacity(items.len());
    for (Item(name, _, shape), is_there) in items.iter().zip(present) {
        values.push(if is_there { Some(value(cursor, shape).map_err(|e| e.within(name))?) } else { None });
    }
    Ok(values)
}

fn value(cursor: &mut Cursor<'_>, shape: &'static Shape) -> Result<Value, Error> {
    let start = cursor.offset();
    Ok(match shape {
        Shape::Single(bits, content) => {
            let raw = bits::read(cursor.take(bits / 8)?, 0, *bits);
            content.check(*bits, raw).map_err(|error| error.at(start))?;
            Value::Number(raw)
        }
        Shape::Group(parts) => {
            let mut fields = Vec::with_capacity(parts.len());
            read_parts(cursor.take(octets(parts))?, parts, start, &mut fields)?;
            Value::Fields(fields)
        }
        Shape::Extended(extents) => {
            let mut fields = Vec::new();
            for extent in *extents {
                if !read_extended(cursor, extent, &mut fields)? {
                    return Ok(Value::Fields(fields));
                }
            }
            return Err(Error::new(
                "an extension after the last",
                format!("{} octets at most", extents.len()),
            )
            .at(cursor.offset() - 1));
        }
        Shape::Repeated(of) => {
            let n = cursor.octet()?;
            Value::List((0..n).map(|_| value(cursor, of)).collect::<Result<_, _>>()?)
        }
        Shape::Chained(of) => {
            let mut list = Vec::new();
            loop {
                let mut fields = Vec::new();
                let goes_on = match of {
                    Shape::Single(bits, content) => {
                        read_extended(cursor, &[Part::Field("", *bits, *content)], &mut fields)?
                    }
                    Shape::Group(parts) => read_extended(cursor, parts, &mut fields)?,
                    _ => false,
                };
                list.push(match (of, fields.first()) {
                    (Shape::Single(..), Some(&raw)) => Value::Number(raw),
                    _ => Value::Fields(fields),
                });
                if !goes_on {
                    break Value::List(list);
                }
            }
        }
        Shape::Compound(items) => Value::Compound(compound(cursor, items)?),
        Shape::Explicit => match cursor.octet()? {
            0 => return Err(Error::new("a length of 0", "1 or more, the length itself among them").at(start)),
            n => Value::Octets(cursor.take(usize::from(n) - 1)?.to_vec()),
        },
        Shape::Unused => return Err(Error::new("an item", "none").at(start)),
    })
}

/// Parts and an extension bit; whether that is set.
fn read_extended(cursor: &mut Cursor<'_>, parts: &[Part], fields: &mut Vec<u64>) -> Result<bool, Error> {
    let start = cursor.offset();
    // One bit more than the parts, which are seven, fifteen, …
    let taken = cursor.take(parts.iter().map(Part::bits).sum::<usize>() / 8 + 1)?;
    read_parts(taken, parts, start, fields)?;
    Ok(taken.last().is_some_and(|octet| octet & 1 == 1))
}

fn read_parts(taken: &[u8], parts: &[Part], start: u64, fields: &mut Vec<u64>) -> Result<(), Error> {
    let mut at = 0;
    for part in parts {
        let raw = bits::read(taken, at, part.bits());
        let offset = start + at as u64 / 8;
        match part {
            Part::Spare(bits) if raw != 0 => {
                return Err(Error::new(format!("spare bits {raw:0bits$b}"), "zeros").at(offset));
            }
            Part::Spare(_) => {}
            Part::Field(name, bits, content) => {
                content.check(*bits, raw).map_err(|error| error.within(name).at(offset))?;
                fields.push(raw);
            }
        }
        at += part.bits();
    }
    Ok(())
}
