//! Memory as benchmarks want it.

use rangegate_core::ByteSource;

/// Memory that begins at a page, in large pages where the system has some: what a machine takes to find small ones
/// would be measured too. The peers of `scripts/bench-peers` get the same.
#[derive(Debug)]
pub struct Pages(memmap2::MmapMut);

impl Pages {
    /// Room for so many numbers, all of them zero.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn new<T: bytemuck::Pod>(n: usize) -> std::io::Result<Self> {
        let map = memmap2::MmapMut::map_anon((n * size_of::<T>()).max(1))?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage); // advice: a refusal changes nothing
        Ok(Self(map))
    }

    /// The numbers.
    pub fn numbers<T: bytemuck::Pod>(&mut self) -> &mut [T] {
        let whole = self.0.len() / size_of::<T>() * size_of::<T>();
        bytemuck::cast_slice_mut(&mut self.0[..whole])
    }
}

impl ByteSource for Pages {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}
