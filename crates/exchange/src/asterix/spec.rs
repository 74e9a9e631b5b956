//! What tables are made of: categories, items, shapes, and what the bits of a field mean.
//!
//! The words are those of EUROCONTROL-SPEC-0149: an item is *fixed* (here [`Shape::Single`] and [`Shape::Group`]),
//! *extended*, *repetitive* ([`Shape::Repeated`] by a count, [`Shape::Chained`] by extension bits), *compound* or
//! *explicit*.

use crate::asterix::Error;
use std::fmt::Write;

/// 2⁷, and so on: steps are written as the specification has them, `180.0 / E31`.
pub(crate) const E7: f64 = 128.0;
pub(crate) const E8: f64 = 256.0;
pub(crate) const E12: f64 = 4096.0;
pub(crate) const E13: f64 = 8192.0;
pub(crate) const E14: f64 = 16384.0;
pub(crate) const E15: f64 = 32768.0;
pub(crate) const E16: f64 = 65536.0;
pub(crate) const E19: f64 = 524_288.0;
pub(crate) const E23: f64 = 8_388_608.0;
pub(crate) const E25: f64 = 33_554_432.0;
pub(crate) const E31: f64 = 2_147_483_648.0;

/// A category of one edition.
#[derive(Debug)]
pub struct Category {
    /// Its number, the first octet of a block.
    pub number: u8,
    /// Edition of the specification, as `1.2`.
    pub edition: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The user application profile: an item for each bit of the field specification, extension bits left out.
    pub profile: &'static [Item],
}

impl PartialEq for Category {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Name (`010`), title and shape of an item, or of a part of a compound item.
#[derive(Debug)]
pub struct Item(pub &'static str, pub &'static str, pub Shape);

/// A bit of a field specification that stands for nothing.
pub(crate) const UNUSED: Item = Item("", "", Shape::Unused);

/// How an item lies in octets.
#[derive(Debug)]
pub enum Shape {
    /// One number of so many bits.
    Single(usize, Content),
    /// Several, one after the other.
    Group(&'static [Part]),
    /// Octets of seven bits and one that says whether another follows.
    Extended(&'static [&'static [Part]]),
    /// An octet that counts, and as many of the same.
    Repeated(&'static Shape),
    /// The same until the last bit of one is zero.
    Chained(&'static Shape),
    /// A field specification of its own, and what it names.
    Compound(&'static [Item]),
    /// An octet that counts octets, itself among them, and these.
    Explicit,
    /// Nothing: the edition does not use this bit.
    Unused,
}

/// A part of a group.
#[derive(Debug)]
pub enum Part {
    /// Bits that are zero.
    Spare(usize),
    /// Name, bits and meaning.
    Field(&'static str, usize, Content),
}

impl Part {
    pub(crate) fn bits(&self) -> usize {
        match *self {
            Self::Spare(bits) | Self::Field(_, bits, _) => bits,
        }
    }
}

/// The fields of parts: name, bits, meaning.
pub(crate) fn fields(parts: &[Part]) -> impl Iterator<Item = (&'static str, usize, &Content)> {
    parts.iter().filter_map(|part| match part {
        Part::Field(name, bits, content) => Some((*name, *bits, content)),
        Part::Spare(_) => None,
    })
}

/// Octets of parts.
pub(crate) fn octets(parts: &[Part]) -> usize {
    parts.iter().map(Part::bits).sum::<usize>().div_ceil(8)
}

/// What the bits of a field mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    /// A number as it stands: a flag, a code, a number out of an enumeration.
    Raw,
    /// The same, shown in hexadecimal: addresses and registers.
    Hex,
    /// Steps of so much of a unit.
    Unsigned(f64, &'static str),
    /// The same in two's complement.
    Signed(f64, &'static str),
    /// Seconds since midnight UTC, in 1/128 s, below 86,400.
    TimeOfDay,
    /// Degrees north in two's complement, in steps, from −90 to 90.
    Latitude(f64),
    /// Degrees east in two's complement, in steps, from −180 to below 180.
    Longitude(f64),
    /// Octal digits of three bits: transponder codes.
    Octal,
    /// Letters, digits and spaces of six bits (ICAO Annex 10, volume IV, table 3-9).
    Icao,
    /// Letters of eight bits, ASCII from space to tilde.
    Ascii,
}

/// A value of a field in the units of its [`Content`].
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// Of [`Content::Raw`].
    Integer(u64),
    /// Of contents with a unit.
    Quantity(f64),
    /// Of [`Content::Hex`] and the alphabets; spaces at the end left out. Octets of an explicit item in hexadecimal.
    Text(String),
}

impl Content {
    /// Step and unit of a quantity.
    pub fn quantity(&self) -> Option<(f64, &'static str)> {
        match *self {
            Self::Unsigned(step, unit) | Self::Signed(step, unit) => Some((step, unit)),
            Self::TimeOfDay => Some((1.0 / E7, "s")),
            Self::Latitude(step) | Self::Longitude(step) => Some((step, "°")),
            Self::Raw | Self::Hex | Self::Octal | Self::Icao | Self::Ascii => None,
        }
    }

    /// Name of the kind, for listings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Raw => "integer",
            Self::Hex => "hexadecimal",
            Self::Unsigned(..) => "unsigned",
            Self::Signed(..) => "signed",
            Self::TimeOfDay => "time of day",
            Self::Latitude(_) => "latitude",
            Self::Longitude(_) => "longitude",
            Self::Octal => "octal",
            Self::Icao => "ICAO characters",
            Self::Ascii => "ASCII",
        }
    }

    fn is_signed(&self) -> bool {
        matches!(self, Self::Signed(..) | Self::Latitude(_) | Self::Longitude(_))
    }

    /// Bits of a character of an alphabet.
    fn character_bits(&self) -> usize {
        match self {
            Self::Octal => 3,
            Self::Hex => 4,
            Self::Icao => 6,
            _ => 8,
        }
    }

    /// The bits in units; `raw` has passed [`check`](Self::check).
    pub(crate) fn typed(&self, bits: usize, raw: u64) -> Typed {
        let signed = if self.is_signed() { sign_extended(bits, raw) as f64 } else { raw as f64 };
        match self.quantity() {
            Some((step, _)) => Typed::Quantity(scaled(signed, step)),
            None if *self == Self::Raw => Typed::Integer(raw),
            None => {
                let each = self.character_bits();
                let n = bits.div_ceil(each);
                let characters = (0..n).rev().map(|i| self.character(raw >> (i * each) & ((1 << each) - 1)));
                let text: String = characters.map(|character| character.unwrap_or('?')).collect();
                Typed::Text(text.trim_end_matches(' ').to_owned())
            }
        }
    }

    fn character(&self, code: u64) -> Option<char> {
        let code = u8::try_from(code).ok()?;
        match self {
            Self::Octal | Self::Hex => {
                char::from_digit(code.into(), 16).map(|digit| digit.to_ascii_uppercase())
            }
            Self::Icao => match code {
                1..=26 => Some(char::from(b'A' - 1 + code)),
                32 | 48..=57 => Some(char::from(code)),
                _ => None,
            },
            _ => (b' '..=b'~').contains(&code).then_some(char::from(code)),
        }
    }

    /// Whether the bits mean anything.
    pub(crate) fn check(&self, bits: usize, raw: u64) -> Result<(), Error> {
        let between = |low: &str, holds: bool| {
            if holds { Ok(()) } else { Err(Error::new(self.shown(bits, raw), low)) }
        };
        match self {
            Self::Raw | Self::Hex | Self::Octal | Self::Unsigned(..) | Self::Signed(..) => Ok(()),
            Self::TimeOfDay => between("a time below 86400 s", raw < 86_400 * 128),
            Self::Latitude(step) => {
                let degrees = sign_extended(bits, raw) as f64 * step;
                between("a latitude from -90 to 90", degrees.abs() <= 90.0)
            }
            Self::Longitude(step) => {
                let degrees = sign_extended(bits, raw) as f64 * step;
                between("a longitude from -180 to below 180", (-180.0..180.0).contains(&degrees))
            }
            Self::Icao | Self::Ascii => {
                let each = self.character_bits();
                let mut codes = (0..bits / each).map(|i| raw >> (i * each) & ((1 << each) - 1));
                match codes.find(|&code| self.character(code).is_none()) {
                    Some(code) => Err(Error::new(format!("the character {code:#04x}"), self.alphabet())),
                    None => Ok(()),
                }
            }
        }
    }

    fn shown(&self, bits: usize, raw: u64) -> String {
        match self.typed(bits, raw) {
            Typed::Integer(number) => number.to_string(),
            Typed::Quantity(number) => number.to_string(),
            Typed::Text(text) => text,
        }
    }

    fn alphabet(&self) -> &'static str {
        match self {
            Self::Octal => "digits from 0 to 7",
            Self::Hex => "hexadecimal digits",
            Self::Icao => "letters A to Z, digits and spaces (ICAO, 6 bits)",
            _ => "ASCII from space to tilde",
        }
    }

    /// The bits of a value: quantities are rounded to the nearest step.
    pub(crate) fn raw(&self, bits: usize, value: &Typed) -> Result<u64, Error> {
        match (self.quantity(), value) {
            (Some((step, unit)), Typed::Quantity(number)) => self.steps(bits, *number, step, unit),
            // What is counted in units may be given as a whole number.
            (Some((step, unit)), Typed::Integer(number)) => self.steps(bits, *number as f64, step, unit),
            (None, Typed::Integer(number)) if *self == Self::Raw => {
                if *number > u64::MAX >> (64 - bits) {
                    return Err(Error::new(number.to_string(), format!("a number of {bits} bits")));
                }
                Ok(*number)
            }
            (None, Typed::Text(text)) if *self != Self::Raw => self.packed(bits, text),
            (quantity, other) => {
                let found = match other {
                    Typed::Integer(number) => number.to_string(),
                    Typed::Quantity(number) => number.to_string(),
                    Typed::Text(text) => format!("{text:?}"),
                };
                let mut expected = String::from(if quantity.is_some() { "a number" } else { self.name() });
                if let Some((_, unit)) = quantity {
                    let _ = write!(expected, " in {unit}");
                }
                Err(Error::new(found, expected))
            }
        }
    }

    fn steps(&self, bits: usize, number: f64, step: f64, unit: &str) -> Result<u64, Error> {
        let n = if inverse(step) > 0.0 { number * inverse(step) } else { number / step }.round();
        let (low, high) = if self.is_signed() {
            let half = (1_u64 << (bits - 1)) as f64;
            (-half, half - 1.0)
        } else {
            (0.0, (u64::MAX >> (64 - bits)) as f64)
        };
        if !(low..=high).contains(&n) {
            let (low, high) = (scaled(low, step), scaled(high, step));
            return Err(Error::new(
                number.to_string(),
                format!("from {low} to {high} {unit}").trim_end().to_owned(),
            ));
        }
        let raw = n as i64 as u64 & u64::MAX >> (64 - bits);
        self.check(bits, raw)?;
        Ok(raw)
    }

    fn packed(&self, bits: usize, text: &str) -> Result<u64, Error> {
        let each = self.character_bits();
        let n = bits.div_ceil(each);
        let wrong = || Error::new(format!("{text:?}"), format!("{n} of {}", self.alphabet()));
        let is_padded = matches!(self, Self::Icao | Self::Ascii);
        let count = text.chars().count();
        if count > n || (count < n && !is_padded) {
            return Err(wrong());
        }
        let mut raw = 0_u64;
        for character in text.chars().chain(std::iter::repeat_n(' ', n - count)) {
            let code = match self {
                Self::Octal | Self::Hex => character.to_digit(1 << each).map(u64::from),
                Self::Icao if character.is_ascii_uppercase() => Some(character as u64 - 64),
                Self::Icao if character.is_ascii_digit() || character == ' ' => Some(character as u64),
                Self::Ascii if (' '..='~').contains(&character) => Some(character as u64),
                _ => None,
            };
            raw = raw << each | code.ok_or_else(wrong)?;
        }
        if bits < 64 && raw >> bits != 0 {
            return Err(wrong());
        }
        Ok(raw)
    }
}

fn sign_extended(bits: usize, raw: u64) -> i64 {
    (raw << (64 - bits)) as i64 >> (64 - bits)
}

/// How many steps make one unit, where that is a whole number; else 0. 0.1 is no number of the machine, 10 is.
fn inverse(step: f64) -> f64 {
    let inverse = 1.0 / step;
    if (inverse - inverse.round()).abs() < 1e-9 * inverse { inverse.round() } else { 0.0 }
}

fn scaled(n: f64, step: f64) -> f64 {
    if inverse(step) > 0.0 { n / inverse(step) } else { n * step }
}
