//! Attributes and small datasets as values: numbers, text, and lists of them.

use super::element::type_text;
use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Container, IndexType, IterationOrder, Location, MinorErrorCode};
use serde_json::Value;

/// Longer lists are named, not read.
const MAX_ELEMENTS: usize = 4096;
/// Longer lists of text are named, not read: many elements may share one long text.
const MAX_TEXTS: usize = 64;
/// Longer text of a fixed length is cut.
const MAX_TEXT_BYTES: usize = 1024;
/// More attributes of one object are left out.
const MAX_ATTRIBUTES: usize = 1000;

/// The value of an attribute or a dataset. What has no value here (a compound, a list too long) is text that says what
/// it is.
pub(crate) fn value(container: &Container) -> Value {
    let (Ok(datatype), Ok(space)) = (container.dtype(), container.space()) else {
        return Value::String("(unreadable)".to_owned());
    };
    let n_elements = space.shape().iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if space.is_null() || n_elements == Some(0) {
        return if space.is_null() { Value::Null } else { Value::Array(Vec::new()) };
    }
    let Some(_) = n_elements.filter(|&n| n <= MAX_ELEMENTS) else {
        return Value::String(format!("({} of shape {:?})", type_text(&datatype), space.shape()));
    };
    match datatype.to_descriptor().ok().and_then(|descriptor| elements(container, &descriptor)) {
        Some(mut values) if space.is_scalar() && values.len() == 1 => values.remove(0),
        Some(values) => Value::Array(values),
        None => Value::String(format!("({})", type_text(&datatype))),
    }
}

fn elements(container: &Container, descriptor: &TypeDescriptor) -> Option<Vec<Value>> {
    fn all<T: hdf5::H5Type>(container: &Container, to: impl Fn(T) -> Value) -> Option<Vec<Value>> {
        Some(container.read_raw::<T>().ok()?.into_iter().map(to).collect())
    }
    match descriptor {
        TypeDescriptor::Integer(_) => all::<i64>(container, Value::from),
        TypeDescriptor::Unsigned(_) => all::<u64>(container, Value::from),
        TypeDescriptor::Float(_) => all::<f64>(container, Value::from),
        // As an integer, because a damaged file may hold what is neither true nor false.
        TypeDescriptor::Boolean => all::<i8>(container, |number| Value::Bool(number != 0)),
        TypeDescriptor::FixedAscii(_) => all::<FixedAscii<MAX_TEXT_BYTES>>(container, |t| text(t.as_bytes())),
        TypeDescriptor::FixedUnicode(_) => {
            all::<FixedUnicode<MAX_TEXT_BYTES>>(container, |t| text(t.as_bytes()))
        }
        TypeDescriptor::VarLenAscii | TypeDescriptor::VarLenUnicode if container.size() > MAX_TEXTS => None,
        TypeDescriptor::VarLenAscii => all::<VarLenAscii>(container, |t| text(t.as_bytes())),
        TypeDescriptor::VarLenUnicode => all::<VarLenUnicode>(container, |t| text(t.as_bytes())),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

/// One attribute of an object; `None` where it has none of that name.
pub(crate) fn attribute(location: &Location, name: &str) -> Option<Value> {
    location.attr(name).ok().map(|attribute| value(&attribute))
}

/// All attributes of an object, in the order of their names; none where one of them is damaged.
///
/// They are opened by their number. Iterating over them would hand out what the file says of each name's encoding as
/// an enum of the `hdf5` crate, which a damaged file makes one that does not exist.
pub(crate) fn attributes(location: &Location) -> Vec<(String, Value)> {
    let n_attributes = location.loc_info().map_or(0, |info| info.num_attrs.min(MAX_ATTRIBUTES));
    if n_attributes == 0 || !all_decode(location) {
        return Vec::new();
    }
    let at = |n: usize| location.attr_by_index(IndexType::Name, IterationOrder::Increasing, n as u64);
    // An object whose attributes cannot be listed to the end has those listed so far.
    let all = (0..n_attributes).map_while(|n| at(n).ok());
    all.map(|attribute| (attribute.name(), value(&attribute))).collect()
}

/// Whether the library can decode all attributes of an object. Where it cannot, listing them crashes libhdf5 1.10
/// (it frees a table that it has filled in part). Looking for a name that is not there decodes them one by one
/// and only reports what is wrong: nothing is, where all that it reports is that the name was not found.
fn all_decode(location: &Location) -> bool {
    let harmless = [MinorErrorCode::NotFound, MinorErrorCode::CantOpenObj];
    match location.attr("no attribute has this name \u{1}") {
        Ok(_) => true,
        Err(e) => e.stack().is_some_and(|stack| stack.minor_codes().all(|code| harmless.contains(&code))),
    }
}

/// A number: itself, the first of a list, or text that reads as one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(values) => values.first().and_then(number),
        _ => None,
    }
}

/// An integer that is not negative, exactly.
pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => {
            let whole =
                || n.as_f64().filter(|x| x.fract() == 0.0 && (0.0..1.8e19).contains(x)).map(|x| x as u64);
            n.as_u64().or_else(whole)
        }
        Value::Array(values) if values.len() == 1 => count(&values[0]),
        _ => None,
    }
}

/// Text: itself, or a list of just one.
pub(crate) fn string(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(values) if values.len() == 1 => string(&values[0]),
        _ => None,
    }
}
