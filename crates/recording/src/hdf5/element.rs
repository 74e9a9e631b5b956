//! What one element of a dataset is, and reading elements through the library.

use hdf5::types::{CompoundField, CompoundType, FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, Datatype, H5Type, Selection};
use rangegate_core::{ByteOrder, SampleFormat, Scalar};

/// One element of a dataset as a sample, or as half of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The numbers of an element, in the byte order of the file.
    pub format: SampleFormat,
    /// Bytes from one element to the next in the file.
    pub stride: usize,
    /// In the file stand just these numbers, I first: the bytes may be used as they are.
    pub plain: bool,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Number,
    /// A compound of two equal numbers under known names.
    Pair(PairNames),
    /// An array type of two equal numbers.
    Array,
}

fn scalar_of(descriptor: &TypeDescriptor) -> Option<Scalar> {
    Some(match descriptor {
        TypeDescriptor::Integer(IntSize::U1) => Scalar::I8,
        TypeDescriptor::Integer(IntSize::U2) => Scalar::I16,
        TypeDescriptor::Integer(IntSize::U4) => Scalar::I32,
        TypeDescriptor::Integer(IntSize::U8) => Scalar::I64,
        TypeDescriptor::Unsigned(IntSize::U1) => Scalar::U8,
        TypeDescriptor::Unsigned(IntSize::U2) => Scalar::U16,
        TypeDescriptor::Unsigned(IntSize::U4) => Scalar::U32,
        TypeDescriptor::Unsigned(IntSize::U8) => Scalar::U64,
        TypeDescriptor::Float(FloatSize::U4) => Scalar::F32,
        TypeDescriptor::Float(FloatSize::U8) => Scalar::F64,
        _ => return None,
    })
}

/// The library's word for a number.
fn descriptor_of(scalar: Scalar) -> TypeDescriptor {
    match scalar {
        Scalar::I8 => TypeDescriptor::Integer(IntSize::U1),
        Scalar::I16 => TypeDescriptor::Integer(IntSize::U2),
        Scalar::I32 => TypeDescriptor::Integer(IntSize::U4),
        Scalar::I64 => TypeDescriptor::Integer(IntSize::U8),
        Scalar::U8 => TypeDescriptor::Unsigned(IntSize::U1),
        Scalar::U16 => TypeDescriptor::Unsigned(IntSize::U2),
        Scalar::U32 => TypeDescriptor::Unsigned(IntSize::U4),
        Scalar::U64 => TypeDescriptor::Unsigned(IntSize::U8),
        Scalar::F32 => TypeDescriptor::Float(FloatSize::U4),
        Scalar::F64 => TypeDescriptor::Float(FloatSize::U8),
    }
}

/// The type that a sample is written as: a number, or a compound `{r, i}`.
pub(crate) fn sample_type(format: SampleFormat) -> TypeDescriptor {
    let number = descriptor_of(format.scalar);
    if !format.complex {
        return number;
    }
    let size = format.scalar.size();
    let field = |name: &str, index: usize| CompoundField {
        name: name.to_owned(),
        ty: number.clone(),
        offset: index * size,
        index,
    };
    TypeDescriptor::Compound(CompoundType { fields: vec![field("r", 0), field("i", 1)], size: 2 * size })
}

/// The byte order of this machine, in which the library hands out numbers.
pub(crate) const NATIVE: ByteOrder =
    if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

impl Element {
    /// Looks at a type; where it cannot be a sample, says what it is.
    pub(crate) fn of(datatype: &Datatype) -> Result<Self, String> {
        let not_samples = || format!("{} cannot be samples", type_text(datatype));
        let descriptor = datatype.to_descriptor().map_err(|_| not_samples())?;
        let (scalar, complex, shape, ordered) = match &descriptor {
            TypeDescriptor::Compound(compound) => {
                let [a, b] = compound.fields.as_slice() else { return Err(not_samples()) };
                let (names, i, q) = PairNames::find(a, b).ok_or_else(not_samples)?;
                let scalar = scalar_of(&i.ty).filter(|_| i.ty == q.ty).ok_or_else(not_samples)?;
                (scalar, true, Shape::Pair(names), i.offset == 0 && q.offset == scalar.size())
            }
            TypeDescriptor::FixedArray(of, 2) => {
                (scalar_of(of).ok_or_else(not_samples)?, true, Shape::Array, true)
            }
            other => (scalar_of(other).ok_or_else(not_samples)?, false, Shape::Number, true),
        };
        // An array type has no byte order of its own, so only the native one can be told for it.
        let (order, known) = match datatype.byte_order() {
            _ if scalar.size() == 1 => (ByteOrder::Little, true),
            hdf5::datatype::ByteOrder::BigEndian => (ByteOrder::Big, true),
            hdf5::datatype::ByteOrder::LittleEndian => (ByteOrder::Little, true),
            _ => (NATIVE, false),
        };
        let native = Datatype::from_descriptor(&descriptor).is_ok_and(|native| &native == datatype);
        Ok(Self {
            format: SampleFormat { scalar, complex, order },
            stride: datatype.size(),
            plain: ordered && (native || (known && order != NATIVE)),
            shape,
        })
    }

    /// Reads a selection of one axis, or two, into `out`, in the element's own byte order and without the
    /// padding that the file may have.
    pub(crate) fn read(
        &self,
        dataset: &Dataset,
        selection: Selection,
        n_axes: usize,
        out: &mut [u8],
    ) -> hdf5::Result<()> {
        let target = Target { dataset, selection, n_axes, order: self.format.order, out };
        macro_rules! by_scalar {
            ($shape:ident) => {
                match self.format.scalar {
                    Scalar::U8 => target.read::<$shape<u8>>(),
                    Scalar::I8 => target.read::<$shape<i8>>(),
                    Scalar::U16 => target.read::<$shape<u16>>(),
                    Scalar::I16 => target.read::<$shape<i16>>(),
                    Scalar::U32 => target.read::<$shape<u32>>(),
                    Scalar::I32 => target.read::<$shape<i32>>(),
                    Scalar::U64 => target.read::<$shape<u64>>(),
                    Scalar::I64 => target.read::<$shape<i64>>(),
                    Scalar::F32 => target.read::<$shape<f32>>(),
                    Scalar::F64 => target.read::<$shape<f64>>(),
                }
            };
        }
        match self.shape {
            Shape::Number => by_scalar!(Number),
            Shape::Array => by_scalar!(Two),
            Shape::Pair(PairNames::Ri) => by_scalar!(Ri),
            Shape::Pair(PairNames::ReIm) => by_scalar!(ReIm),
            Shape::Pair(PairNames::RealImag) => by_scalar!(RealImag),
            Shape::Pair(PairNames::IqUpper) => by_scalar!(IqUpper),
            Shape::Pair(PairNames::IqLower) => by_scalar!(IqLower),
        }
    }
}

/// Where elements come from and go to, but for their type.
struct Target<'a> {
    dataset: &'a Dataset,
    selection: Selection,
    n_axes: usize,
    order: ByteOrder,
    out: &'a mut [u8],
}

impl Target<'_> {
    fn read<T: Store>(self) -> hdf5::Result<()> {
        if self.n_axes == 1 {
            let values = self.dataset.read_slice_1d::<T, _>(self.selection)?;
            store(values.as_slice(), self.order, self.out)
        } else {
            let values = self.dataset.read_slice_2d::<T, _>(self.selection)?;
            store(values.as_slice(), self.order, self.out)
        }
    }
}

fn store<T: Store>(values: Option<&[T]>, order: ByteOrder, out: &mut [u8]) -> hdf5::Result<()> {
    let fits = |values: &&[T]| values.len() * T::BYTES == out.len();
    let values =
        values.filter(fits).ok_or("the library returned another number of elements than asked for")?;
    for (bytes, value) in out.chunks_exact_mut(T::BYTES).zip(values) {
        value.store(order, bytes);
    }
    Ok(())
}

/// A value that knows its bytes.
trait Store: H5Type + Copy {
    const BYTES: usize;
    fn store(self, order: ByteOrder, out: &mut [u8]);
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Store for $number {
            const BYTES: usize = size_of::<Self>();
            fn store(self, order: ByteOrder, out: &mut [u8]) {
                out.copy_from_slice(&match order {
                    ByteOrder::Little => self.to_le_bytes(),
                    ByteOrder::Big => self.to_be_bytes(),
                });
            }
        }
    )*};
}
numbers!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

type Number<T> = T;
type Two<T> = [T; 2];

impl<T: Store> Store for [T; 2] {
    const BYTES: usize = 2 * T::BYTES;
    fn store(self, order: ByteOrder, out: &mut [u8]) {
        let (i, q) = out.split_at_mut(T::BYTES);
        self[0].store(order, i);
        self[1].store(order, q);
    }
}

/// Compounds are matched by the names of their fields, so each pair of names is a type of its own.
macro_rules! pairs {
    ($($pair:ident { $i:literal, $q:literal })*) => {
        /// The names under which the two halves of a complex number are known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum PairNames { $($pair),* }

        impl PairNames {
            /// Which of two fields is I and which is Q.
            fn find<'a>(
                a: &'a CompoundField,
                b: &'a CompoundField,
            ) -> Option<(Self, &'a CompoundField, &'a CompoundField)> {
                $(
                    if (a.name.as_str(), b.name.as_str()) == ($i, $q) {
                        return Some((Self::$pair, a, b));
                    }
                    if (a.name.as_str(), b.name.as_str()) == ($q, $i) {
                        return Some((Self::$pair, b, a));
                    }
                )*
                None
            }
        }

        $(
            #[derive(Clone, Copy, H5Type)]
            #[repr(C)]
            struct $pair<T: H5Type> {
                #[hdf5(rename = $i)]
                i: T,
                #[hdf5(rename = $q)]
                q: T,
            }

            impl<T: Store> Store for $pair<T> {
                const BYTES: usize = 2 * T::BYTES;
                fn store(self, order: ByteOrder, out: &mut [u8]) {
                    [self.i, self.q].store(order, out);
                }
            }
        )*
    };
}
pairs! {
    Ri { "r", "i" }
    ReIm { "re", "im" }
    RealImag { "real", "imag" }
    IqUpper { "I", "Q" }
    IqLower { "i", "q" }
}

/// A type in words: `{r: i16, i: i16}`, `big-endian f64`, `text`.
pub(crate) fn type_text(datatype: &Datatype) -> String {
    let order = match datatype.byte_order() {
        hdf5::datatype::ByteOrder::BigEndian if datatype.size() > 1 => "big-endian ",
        _ => "",
    };
    match datatype.to_descriptor() {
        Ok(descriptor) => format!("{order}{}", descriptor_text(&descriptor)),
        Err(_) => format!("a type of {} bytes that has no name here", datatype.size()),
    }
}

fn descriptor_text(descriptor: &TypeDescriptor) -> String {
    if let Some(scalar) = scalar_of(descriptor) {
        return SampleFormat::real(scalar).to_string();
    }
    match descriptor {
        TypeDescriptor::Boolean => "bool".to_owned(),
        TypeDescriptor::Enum(_) => "enumeration".to_owned(),
        TypeDescriptor::Compound(compound) => {
            let field = |f: &CompoundField| {
                // The library's wrapper takes names for UTF-8 without looking; in a damaged file they are not.
                let name = String::from_utf8_lossy(f.name.as_bytes());
                format!("{}: {}", name.escape_debug(), descriptor_text(&f.ty))
            };
            let fields: Vec<_> = compound.fields.iter().take(16).map(field).collect();
            let more = if compound.fields.len() > 16 { ", …" } else { "" };
            format!("{{{}{more}}}", fields.join(", "))
        }
        TypeDescriptor::FixedArray(of, n) => format!("[{}; {n}]", descriptor_text(of)),
        TypeDescriptor::VarLenArray(of) => format!("lists of {}", descriptor_text(of)),
        TypeDescriptor::FixedAscii(_)
        | TypeDescriptor::FixedUnicode(_)
        | TypeDescriptor::VarLenAscii
        | TypeDescriptor::VarLenUnicode => "text".to_owned(),
        TypeDescriptor::Reference(_) => "references".to_owned(),
        _ => "unknown".to_owned(),
    }
}
