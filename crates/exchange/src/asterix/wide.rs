//! Values that no item is wide enough for: I015/625 ends at 838 km, I015/601 at 83 km of height, I015/602 at 5.2 km/s,
//! which satellites and rockets exceed. They go into the special purpose field, which ASTERIX leaves to its users:
//! `R`, `G`, 1, and for each value its number and a 64-bit float, most significant octet first. Other readers show
//! it as octets.

use crate::asterix::{Error, Record, Value};

const MARK: [u8; 3] = [b'R', b'G', 1];

/// Which value an entry is; its number in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wide {
    /// Range, or path minus baseline, m.
    Range = 1,
    /// Height over the ellipsoid, m.
    Height = 2,
    /// Velocity east, m/s.
    East = 3,
    /// Velocity north, m/s.
    North = 4,
    /// Velocity up, m/s.
    Up = 5,
}

/// Sets an item's fields, or where one of them does not fit, puts all of them into the special purpose field.
pub(crate) fn set(record: &mut Record, values: &[(&str, f64, f64, Wide)]) -> Result<(), Error> {
    let mut trial = record.clone();
    if values.iter().all(|&(path, value, unit, _)| trial.set(path, value / unit).is_ok()) {
        *record = trial;
        return Ok(());
    }
    let mut octets = match record.item("SP") {
        Some(Value::Octets(octets)) => octets.clone(),
        _ => MARK.to_vec(),
    };
    for &(path, value, _, wide) in values {
        if !value.is_finite() {
            return Err(Error::new(value.to_string(), "a number")
                .within(path)
                .in_category(record.category().number));
        }
        octets.push(wide as u8);
        octets.extend(value.to_be_bytes());
    }
    record.set_octets("SP", &octets)
}

/// The value of a field in `unit`s, or that of the special purpose field.
pub(crate) fn get(record: &Record, path: &str, unit: f64, wide: Wide) -> Option<f64> {
    record.quantity(path).map(|value| value * unit).or_else(|| {
        let Some(Value::Octets(octets)) = record.item("SP") else { return None };
        let (entries, rest) = octets.strip_prefix(&MARK)?.as_chunks::<9>();
        let entry = entries.iter().find(|entry| entry[0] == wide as u8).filter(|_| rest.is_empty())?;
        let value = f64::from_be_bytes(*entry[1..].first_chunk()?);
        value.is_finite().then_some(value)
    })
}
