//! Memory as benchmarks want it.

use rangegate_core::ByteSource;
use std::io::{Error, ErrorKind};
use std::marker::PhantomData;

/// Numbers that begin at a page, in large pages where the system has some: what a machine takes to find small ones
/// would be measured too. The peers of `scripts/bench-peers` get the same.
#[derive(Debug)]
pub struct Pages<T> {
    map: memmap2::MmapMut,
    n_bytes: usize,
    numbers: PhantomData<T>,
}

impl<T: bytemuck::Pod> Pages<T> {
    /// So many numbers, all of them zero.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn new(n: usize) -> std::io::Result<Self> {
        let n_bytes = n.checked_mul(size_of::<T>()).ok_or_else(|| Error::from(ErrorKind::OutOfMemory))?;
        let map = memmap2::MmapMut::map_anon(n_bytes.max(1))?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage); // advice: a refusal changes nothing
        Ok(Self { map, n_bytes, numbers: PhantomData })
    }

    /// The numbers.
    pub fn numbers(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.map[..self.n_bytes])
    }
}

impl ByteSource for Pages<u8> {
    fn bytes(&self) -> &[u8] {
        &self.map[..self.n_bytes]
    }
}
