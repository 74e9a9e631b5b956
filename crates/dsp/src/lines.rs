//! Memory that begins at a cache line.

use crate::simd::LINE;
use std::ops::{Deref, DerefMut};

/// Numbers of which the first begins at a cache line: vectors that lie across two of them are read and written at half
/// the speed. As many make up a line.
#[derive(Debug, Default)]
pub struct Lines<T> {
    memory: Vec<T>,
    /// Where the first lies in `memory`.
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Lines<T> {
    /// So many of the default value.
    pub fn new(len: usize) -> Self {
        const { assert!(LINE.is_multiple_of(size_of::<T>())) };
        let slack = LINE / size_of::<T>();
        let memory = vec![T::default(); len + slack];
        let start = memory.as_ptr().align_offset(LINE).min(slack);
        Self { memory, start, len }
    }
}

impl<T: Copy + Default> Clone for Lines<T> {
    fn clone(&self) -> Self {
        // Other memory begins elsewhere.
        let mut clone = Self::new(self.len);
        clone.copy_from_slice(self);
        clone
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_cache_line_cloned_too() {
        assert!(Lines::<f32>::default().is_empty());
        for len in [0, 1, 16, 1000, 100_000] {
            let mut lines = Lines::new(len);
            lines.fill(3.0_f64);
            for lines in [&lines, &lines.clone()] {
                assert!(lines.as_ptr().addr().is_multiple_of(LINE) && lines.len() == len, "{len}");
                assert!(lines.iter().all(|x| x.to_bits() == 3.0_f64.to_bits()), "{len}");
            }
        }
    }
}
