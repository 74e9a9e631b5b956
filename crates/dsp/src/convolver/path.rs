//! Which way the machine goes.

#[cfg(target_arch = "x86_64")]
use crate::simd::Vector as _;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A way to convolve, by the instructions that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// AVX-512 F, BW, DQ and VL of x86-64.
    Avx512,
    /// AVX2 and FMA of x86-64.
    Avx2,
    /// NEON of 64-bit ARM.
    Neon,
    /// Any machine, by `rustfft`.
    Portable,
}

/// The name of no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instruction set is \"{0}\", expected avx512, avx2, neon or portable")]
pub struct UnknownPath(String);

impl Path {
    /// All, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// Environment variable that [`chosen`](Self::chosen) heeds.
    pub const VARIABLE: &str = "RANGEGATE_SIMD";

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|path| path.is_available()).unwrap_or(Self::Portable)
    }

    /// What the environment variable [`VARIABLE`](Self::VARIABLE) names when this is first asked, where the machine
    /// has it, else the best.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Path> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let named = std::env::var(Self::VARIABLE).ok().and_then(|name| name.parse().ok());
            named.filter(|path: &Self| path.is_available()).unwrap_or_else(Self::best)
        })
    }

    /// Whether this machine has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => crate::simd::Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => crate::simd::Avx2::detect().is_some(),
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Portable => true,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Its name, as the environment variable has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Path {
    type Err = UnknownPath;

    fn from_str(name: &str) -> Result<Self, UnknownPath> {
        Self::ALL.into_iter().find(|path| path.name() == name).ok_or_else(|| UnknownPath(name.to_owned()))
    }
}
