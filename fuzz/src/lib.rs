//! What the fuzz targets share.

use hdf5::types::{CompoundField, CompoundType, FloatSize, IntSize, TypeDescriptor, VarLenUnicode};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use rangegate_core::IqBlock;
use rangegate_recording::{Recording, Result};
use std::path::PathBuf;

/// Blocks that are read of one recording, at most.
const MAX_BLOCKS: usize = 256;
/// Samples that are asked for at a time.
const MAX_SAMPLES: usize = 1000;

/// The process's own folder for files, empty or not.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rangegate-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

/// Reads a recording from its start, and sees that every block keeps what [`Recording::read`] promises.
pub fn read_all(recording: Result<Box<dyn Recording>>) {
    let Ok(mut recording) = recording else { return };
    let info = recording.info().clone();
    assert!(info.first_sample <= info.end_sample, "{info:?}");
    let (mut block, mut at) = (IqBlock::default(), info.first_sample);
    for _ in 0..MAX_BLOCKS {
        if !recording.read(at, MAX_SAMPLES, &mut block).unwrap_or(false) {
            break;
        }
        let (first, n) = (block.header.first_sample, block.n_samples());
        assert!(first >= at && (1..=MAX_SAMPLES).contains(&n), "{n} samples at {first}, asked for {at}");
        assert!(block.end_sample() <= info.end_sample, "{} of {}", block.end_sample(), info.end_sample);
        assert_eq!((block.format(), block.n_channels()), (info.sample_format, info.n_channels));
        let span = block.layout().span(block.format(), block.n_channels(), n);
        assert_eq!(block.bytes().len(), span);
        std::hint::black_box(block.bytes().iter().fold(0, |sum, byte| sum ^ byte));
        at = block.end_sample();
    }
    std::hint::black_box(recording.losses());
}

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
