//! Records as JSON, and back.
//!
//! A record is an object of items by number. A single field is its value, a group an object of fields, a repetitive item
//! an array, a compound item an object of those parts that are there, an explicit item its octets in hexadecimal.
//! Quantities are numbers in the table's unit, codes and flags integers, characters strings. Spare bits do not show.

use crate::asterix::spec::{Category, Content, Item, Part, Shape, Typed, fields};
use crate::asterix::{Error, Record, Value, record::hex};
use serde_json::{Map, Value as Json};

/// The record as JSON.
pub fn record_to_json(record: &Record) -> Json {
    compound_to_json(record.category().profile, record.items())
}

/// The record that [`record_to_json`] made. Every field of a group must be there, and no other.
///
/// # Errors
/// It is not of the category, or a value does not fit its field.
pub fn record_from_json(category: &'static Category, json: &Json) -> Result<Record, Error> {
    let items =
        compound_from_json(category.profile, json).map_err(|error| error.in_category(category.number))?;
    Ok(Record::from_items(category, items))
}

fn compound_to_json(items: &[Item], values: &[Option<Value>]) -> Json {
    let there = items.iter().zip(values).filter_map(|(item, value)| Some((item, value.as_ref()?)));
    Json::Object(
        there.map(|(Item(name, _, shape), value)| ((*name).to_owned(), to_json(shape, value))).collect(),
    )
}

fn to_json(shape: &Shape, value: &Value) -> Json {
    match (shape, value) {
        (Shape::Single(bits, content), Value::Number(raw)) => typed_to_json(*content, *bits, *raw),
        (Shape::Group(parts), Value::Fields(of)) => fields_to_json(fields(parts), of),
        (Shape::Extended(extents), Value::Fields(of)) => {
            fields_to_json(extents.iter().flat_map(|parts| fields(parts)), of)
        }
        (Shape::Repeated(of) | Shape::Chained(of), Value::List(list)) => {
            list.iter().map(|element| to_json(of, element)).collect()
        }
        (Shape::Compound(items), Value::Compound(of)) => compound_to_json(items, of),
        (Shape::Explicit, Value::Octets(octets)) => Json::String(hex(octets)),
        // No record that was decoded or set has it.
        _ => Json::Null,
    }
}

fn fields_to_json<'a>(of: impl Iterator<Item = (&'static str, usize, &'a Content)>, raws: &[u64]) -> Json {
    of.zip(raws)
        .map(|((name, bits, content), &raw)| (name.to_owned(), typed_to_json(*content, bits, raw)))
        .collect::<Map<_, _>>()
        .into()
}

fn typed_to_json(content: Content, bits: usize, raw: u64) -> Json {
    match content.typed(bits, raw) {
        Typed::Integer(number) => number.into(),
        Typed::Quantity(number) => number.into(),
        Typed::Text(text) => text.into(),
    }
}

fn object<'a>(json: &'a Json, expected: &str) -> Result<&'a Map<String, Json>, Error> {
    json.as_object().ok_or_else(|| Error::new(shortened(json), expected))
}

fn shortened(json: &Json) -> String {
    let text = json.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn compound_from_json(items: &'static [Item], json: &Json) -> Result<Vec<Option<Value>>, Error> {
    let object = object(json, "an object of items")?;
    let mut values = vec![None; items.len()];
    for (key, json) in object {
        let found = items.iter().position(|Item(name, ..)| name == key && !name.is_empty());
        let Some(at) = found else {
            return Err(Error::new("no such item", "one that the edition has").within(key));
        };
        values[at] = Some(from_json(&items[at].2, json).map_err(|error| error.within(key))?);
    }
    Ok(values)
}

fn from_json(shape: &'static Shape, json: &Json) -> Result<Value, Error> {
    match shape {
        Shape::Single(bits, content) => Ok(Value::Number(raw_from_json(*content, *bits, json)?)),
        Shape::Group(parts) => fields_from_json(&[parts], json),
        Shape::Extended(extents) => fields_from_json(extents, json),
        Shape::Repeated(of) | Shape::Chained(of) => {
            let list = json.as_array().ok_or_else(|| Error::new(shortened(json), "an array"))?;
            let element =
                |(i, json): (usize, &Json)| from_json(of, json).map_err(|error| error.within(&i.to_string()));
            Ok(Value::List(list.iter().enumerate().map(element).collect::<Result<_, _>>()?))
        }
        Shape::Compound(items) => Ok(Value::Compound(compound_from_json(items, json)?)),
        Shape::Explicit => Ok(Value::Octets(octets_from_json(json)?)),
        Shape::Unused => Err(Error::new("an item", "none")),
    }
}

/// As many whole extents as have fields in the object, and nothing besides.
fn fields_from_json(extents: &[&[Part]], json: &Json) -> Result<Value, Error> {
    let object = object(json, "an object of fields")?;
    let mut raws = Vec::new();
    for parts in extents {
        // The first extent is always there.
        if !raws.is_empty() && raws.len() == object.len() {
            break;
        }
        for (name, bits, content) in fields(parts) {
            let Some(json) = object.get(name) else {
                return Err(Error::new("nothing", "a value").within(name));
            };
            raws.push(raw_from_json(*content, bits, json).map_err(|error| error.within(name))?);
        }
    }
    if raws.len() < object.len() {
        let known: Vec<_> = extents.iter().flat_map(|parts| fields(parts)).map(|field| field.0).collect();
        let other = object.keys().find(|key| !known.contains(&key.as_str()));
        return Err(Error::new("no such field", known.join(", ")).within(other.map_or("", String::as_str)));
    }
    Ok(Value::Fields(raws))
}

fn raw_from_json(content: Content, bits: usize, json: &Json) -> Result<u64, Error> {
    let typed = match json {
        Json::String(text) => Typed::Text(text.clone()),
        Json::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => Typed::Integer(number),
            (None, Some(number)) => Typed::Quantity(number),
            (None, None) => return Err(Error::new(shortened(json), "a number")),
        },
        other => return Err(Error::new(shortened(other), "a number or a string")),
    };
    content.raw(bits, &typed)
}

fn octets_from_json(json: &Json) -> Result<Vec<u8>, Error> {
    let wrong = || Error::new(shortened(json), "octets in hexadecimal");
    let text =
        json.as_str().filter(|text| text.is_ascii() && text.len().is_multiple_of(2)).ok_or_else(wrong)?;
    let digits =
        text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    Ok(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}
