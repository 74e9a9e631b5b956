//! From records to octets.

use crate::asterix::bits;
use crate::asterix::spec::{Content, Item, Part, Shape, fields, octets};
use crate::asterix::{Error, Record, Value};

/// Appends a record.
pub(crate) fn record(out: &mut Vec<u8>, record: &Record) -> Result<(), Error> {
    let category = record.category();
    compound(out, category.profile, record.items()).map_err(|error| error.in_category(category.number))
}

fn compound(out: &mut Vec<u8>, items: &'static [Item], values: &[Option<Value>]) -> Result<(), Error> {
    if values.len() != items.len() {
        return Err(Error::new(
            format!("{} places", values.len()),
            format!("{}, one for each item", items.len()),
        ));
    }
    let Some(last) = values.iter().rposition(Option::is_some) else {
        return Err(Error::new("no items", "one at least"));
    };
    let groups = last / 7;
    for group in 0..=groups {
        let bits = (0..7).fold(0, |octet, bit| {
            let is_there = values.get(group * 7 + bit).is_some_and(Option::is_some);
            octet << 1 | u8::from(is_there)
        });
        out.push(bits << 1 | u8::from(group < groups));
    }
    for (Item(name, _, shape), of) in items.iter().zip(values) {
        if let Some(of) = of {
            value(out, shape, of).map_err(|error| error.within(name))?;
        }
    }
    Ok(())
}

fn value(out: &mut Vec<u8>, shape: &'static Shape, value_of: &Value) -> Result<(), Error> {
    match (shape, value_of) {
        (Shape::Single(bits, content), Value::Number(raw)) => write_single(out, *bits, *content, *raw, 0),
        (Shape::Group(parts), Value::Fields(of)) => {
            let start = out.len();
            out.resize(start + octets(parts), 0);
            if of.len() != fields(parts).count() {
                return Err(wrong_count(of.len(), fields(parts).count()));
            }
            write_parts(&mut out[start..], parts, of)
        }
        (Shape::Extended(extents), Value::Fields(of)) => {
            let mut rest = of.as_slice();
            for extent in *extents {
                let n = fields(extent).count();
                let Some((now, later)) = rest.split_at_checked(n) else {
                    return Err(wrong_count(of.len(), n));
                };
                write_extended(out, extent, now, !later.is_empty())?;
                rest = later;
                if rest.is_empty() {
                    return Ok(());
                }
            }
            Err(wrong_count(of.len(), of.len() - rest.len()))
        }
        (Shape::Repeated(of), Value::List(list)) => {
            let Ok(n) = u8::try_from(list.len()) else {
                return Err(Error::new(format!("{} elements", list.len()), "255 at most"));
            };
            out.push(n);
            list.iter().try_for_each(|element| value(out, of, element))
        }
        (Shape::Chained(of), Value::List(list)) => {
            if list.is_empty() {
                return Err(Error::new("no elements", "one at least"));
            }
            for (i, element) in list.iter().enumerate() {
                let goes_on = i + 1 < list.len();
                match (of, element) {
                    (Shape::Single(bits, content), Value::Number(raw)) => {
                        write_single(out, bits + 1, *content, raw << 1 | u64::from(goes_on), 1)?;
                    }
                    (Shape::Group(parts), Value::Fields(of)) => write_extended(out, parts, of, goes_on)?,
                    _ => return Err(wrong_kind(of, element)),
                }
            }
            Ok(())
        }
        (Shape::Compound(items), Value::Compound(of)) => compound(out, items, of),
        (Shape::Explicit, Value::Octets(of)) => {
            let Ok(n) = u8::try_from(of.len() + 1) else {
                return Err(Error::new(format!("{} octets", of.len()), "254 at most"));
            };
            out.push(n);
            out.extend_from_slice(of);
            Ok(())
        }
        _ => Err(wrong_kind(shape, value_of)),
    }
}

fn wrong_count(found: usize, expected: usize) -> Error {
    Error::new(format!("{found} fields"), format!("{expected}, or as many as whole octets have"))
}

fn wrong_kind(shape: &Shape, value: &Value) -> Error {
    let name = |text: String| text.split(['(', ' ']).next().unwrap_or_default().to_lowercase();
    Error::new(format!("a value of kind {}", name(format!("{value:?}"))), name(format!("{shape:?}")))
}

/// A number in whole octets; the lowest `flags` bits of it are not part of the content.
fn write_single(
    out: &mut Vec<u8>,
    bits: usize,
    content: Content,
    raw: u64,
    flags: usize,
) -> Result<(), Error> {
    fits(bits - flags, raw >> flags, content)?;
    let start = out.len();
    out.resize(start + bits / 8, 0);
    bits::write(&mut out[start..], 0, bits, raw);
    Ok(())
}

fn write_extended(out: &mut Vec<u8>, parts: &[Part], of: &[u64], goes_on: bool) -> Result<(), Error> {
    if of.len() != fields(parts).count() {
        return Err(wrong_count(of.len(), fields(parts).count()));
    }
    let start = out.len();
    out.resize(start + parts.iter().map(Part::bits).sum::<usize>() / 8 + 1, 0);
    write_parts(&mut out[start..], parts, of)?;
    if let Some(last) = out.last_mut() {
        *last |= u8::from(goes_on);
    }
    Ok(())
}

fn write_parts(octets: &mut [u8], parts: &[Part], of: &[u64]) -> Result<(), Error> {
    let (mut at, mut of) = (0, of.iter());
    for part in parts {
        if let Part::Field(name, bits, content) = part {
            let raw = of.next().copied().unwrap_or_default();
            fits(*bits, raw, *content).map_err(|error| error.within(name))?;
            bits::write(octets, at, *bits, raw);
        }
        at += part.bits();
    }
    Ok(())
}

fn fits(bits: usize, raw: u64, content: Content) -> Result<(), Error> {
    if raw > u64::MAX >> (64 - bits) {
        return Err(Error::new(raw.to_string(), format!("a number of {bits} bits")));
    }
    content.check(bits, raw)
}
