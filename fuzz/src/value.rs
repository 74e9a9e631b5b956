//! Types and values of HDF5.

use hdf5::types::{CompoundField, CompoundType, FloatSize, IntSize, TypeDescriptor, VarLenUnicode};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// The type of an element of a dataset.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum Element {
    Signed(u8),
    Unsigned(u8),
    Float(bool),
    Bool,
    Text(u8),
    /// A compound of numbers of these kinds, under names that mean I and Q or do not.
    Pair(u8, u8, [u8; 2]),
    Array(u8, u8),
}

impl Element {
    pub fn descriptor(self) -> TypeDescriptor {
        let size = |n: u8| [IntSize::U1, IntSize::U2, IntSize::U4, IntSize::U8][usize::from(n % 4)];
        match self {
            Self::Signed(n) => TypeDescriptor::Integer(size(n)),
            Self::Unsigned(n) => TypeDescriptor::Unsigned(size(n)),
            Self::Float(wide) => TypeDescriptor::Float(if wide { FloatSize::U8 } else { FloatSize::U4 }),
            Self::Bool => TypeDescriptor::Boolean,
            Self::Text(n) => TypeDescriptor::FixedAscii(1 + usize::from(n)),
            Self::Pair(a, b, [first, second]) => {
                let (a, b) = (Self::number(a), Self::number(b));
                let names = ["r", "i", "re", "im", "I", "Q", "q", "real", "imag", "x"];
                let name = |n: u8| names[usize::from(n) % names.len()];
                // Two fields of one name are none of HDF5's.
                let other = if name(first) == name(second) { "other" } else { name(second) };
                let size = a.size() + b.size();
                let fields = vec![
                    CompoundField::new(name(first), a.clone(), 0, 0),
                    CompoundField::new(other, b, a.size(), 1),
                ];
                TypeDescriptor::Compound(CompoundType { fields, size })
            }
            Self::Array(kind, n) => {
                TypeDescriptor::FixedArray(Box::new(Self::number(kind)), 1 + usize::from(n % 4))
            }
        }
    }

    fn number(kind: u8) -> TypeDescriptor {
        match kind % 3 {
            0 => Self::Signed(kind / 3).descriptor(),
            1 => Self::Unsigned(kind / 3).descriptor(),
            _ => Self::Float(kind / 3 % 2 == 1).descriptor(),
        }
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, Arbitrary)]
pub enum Value {
    Small(u8),
    Whole(u64),
    Signed(i32),
    Float(f64),
    List(Vec<f32>),
    Text(String),
}

impl Value {
    /// Writes it, where HDF5 takes it.
    pub fn write(&self, location: &hdf5::Location, name: &str) -> hdf5::Result<()> {
        match self {
            Self::Small(value) => location.new_attr::<u64>().create(name)?.write_scalar(&u64::from(*value)),
            Self::Whole(value) => location.new_attr::<u64>().create(name)?.write_scalar(value),
            Self::Signed(value) => location.new_attr::<i32>().create(name)?.write_scalar(value),
            Self::Float(value) => location.new_attr::<f64>().create(name)?.write_scalar(value),
            Self::List(list) => location.new_attr::<f32>().shape(list.len()).create(name)?.write_raw(list),
            Self::Text(text) => {
                let text: VarLenUnicode = text.replace('\0', "").parse().unwrap_or_default();
                location.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&text)
            }
        }
    }
}
