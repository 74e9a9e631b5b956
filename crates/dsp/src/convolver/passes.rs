//! What the passes run.
//!
//! Only what is inlined is compiled for the vectors: no closures and no functions as arguments, the compiler may leave
//! them calls.
#![allow(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "registers, chosen by constants once the loops are unrolled"
)]

use super::butterfly::{Group, OfBlock, OfFirstBlock, Ones, in_pairs, merge, split};
use crate::simd::{self, ComplexVector, Kernel, LINE, Vector};
use rangegate_core::Complex32;
use std::ops::Range;

/// Chunks that are left free after each part of the first pass: parts a power of two apart would share the sets of the
/// innermost cache.
pub(super) const GAP: usize = 1;

type C<V> = ComplexVector<V>;

/// A stored sample.
pub(super) trait Stored: Copy + Default {
    fn read<V: Vector>(zero: V, samples: &[Self]) -> C<V>;
}

impl Stored for [u8; 2] {
    #[inline(always)]
    fn read<V: Vector>(zero: V, samples: &[Self]) -> C<V> {
        zero.read_cs8(samples)
    }
}

impl Stored for [u8; 4] {
    #[inline(always)]
    fn read<V: Vector>(zero: V, samples: &[Self]) -> C<V> {
        zero.read_cs16(samples)
    }
}

impl Stored for [u8; 8] {
    #[inline(always)]
    fn read<V: Vector>(zero: V, samples: &[Self]) -> C<V> {
        zero.read_cf32(samples)
    }
}

/// Samples from `at` on, which may be before the first (wrapped) and end after the last: zeros stand there.
#[inline(always)]
fn read<V: Vector, T: Stored>(zero: V, samples: &[T], at: usize) -> C<V> {
    let edge;
    let whole = match samples.get(at..at.wrapping_add(V::LANES)) {
        Some(whole) => whole,
        None => {
            edge = padded(samples, at);
            &edge[..V::LANES]
        }
    };
    T::read(zero, whole)
}

#[cold]
#[inline(never)]
fn padded<T: Stored>(samples: &[T], at: usize) -> [T; 16] {
    let mut padded = [T::default(); 16];
    let n_before = at.wrapping_neg();
    if let Some(there) = samples.get(at..) {
        padded.iter_mut().zip(there).for_each(|(x, sample)| *x = *sample);
    } else if n_before < 16 {
        padded[n_before..].iter_mut().zip(samples).for_each(|(x, sample)| *x = *sample);
    }
    padded
}

/// The same place of `R` parts.
#[inline(always)]
fn parts<T, const R: usize>(block: &mut [T]) -> [&mut [T]; R] {
    let mut parts = block.chunks_exact_mut(block.len() / R);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Gives the energy of the samples, which costs least while they are in registers.
pub(super) struct FirstPass<'a, V, T, const R: usize> {
    pub(super) zero: V,
    pub(super) samples: &'a [T],
    pub(super) lead: usize,
    /// Which chunks of each part.
    pub(super) chunks: Range<usize>,
    pub(super) block: &'a mut [C<V>],
}

impl<V: Vector, T: Stored, const R: usize> Kernel for FirstPass<'_, V, T, R> {
    type Output = f32;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f32 {
        let Self { zero, samples, lead, chunks, block } = self;
        let part = block.len() / R - GAP;
        let parts = parts::<_, R>(block);
        // Several, because a sum has to wait for the one before.
        let mut energy = [zero; 4];
        for chunk in chunks {
            let mut x = [C { re: zero, im: zero }; R];
            for k in 0..R {
                x[k] = read(zero, samples, ((k * part + chunk) * V::LANES).wrapping_sub(lead));
                energy[k % 4] = x[k].re.mul_add(x[k].re, x[k].im.mul_add(x[k].im, energy[k % 4]));
            }
            split(&mut x, &OfFirstBlock(zero));
            for k in 0..R {
                parts[k][chunk] = x[k];
            }
        }
        let mut lanes = [0.0; 16];
        ((energy[0] + energy[1]) + (energy[2] + energy[3])).store(&mut lanes[..V::LANES]);
        lanes.iter().sum()
    }
}

/// Where outputs go.
pub(super) trait Sink {
    fn put<V: Vector>(&mut self, at: usize, x: C<V>);
}

pub(super) struct Complexes<'a>(pub(super) &'a mut [Complex32]);

impl Sink for Complexes<'_> {
    #[inline(always)]
    fn put<V: Vector>(&mut self, at: usize, x: C<V>) {
        if let Some(out) = self.0.get_mut(at..at + V::LANES) {
            V::interleave(x, out);
        } else if at < self.0.len() {
            let mut all = [Complex32::ZERO; 16];
            V::interleave(x, &mut all[..V::LANES]);
            fill(&mut self.0[at..], &all);
        }
    }
}

/// Past the caches, from the beginning of a cache line on.
pub(super) struct PastCaches<'a>(pub(super) &'a mut [Complex32]);

impl Sink for PastCaches<'_> {
    #[inline(always)]
    fn put<V: Vector>(&mut self, at: usize, x: C<V>) {
        match self.0.get_mut(at..at + V::LANES) {
            Some(out) => V::interleave_past_caches(x, out),
            None => Complexes(self.0).put(at, x),
        }
    }
}

/// The first of the outputs where there is no room for all.
#[cold]
#[inline(never)]
fn fill<T: Copy>(out: &mut [T], from: &[T; 16]) {
    out.iter_mut().zip(from).for_each(|(out, x)| *out = *x);
}

pub(super) struct Powers<'a>(pub(super) &'a mut [f32]);

impl Sink for Powers<'_> {
    #[inline(always)]
    fn put<V: Vector>(&mut self, at: usize, x: C<V>) {
        if let Some(out) = self.0.get_mut(at..at + V::LANES) {
            x.norm_sqr().store(out);
        } else if at < self.0.len() {
            let mut all = [0.0; 16];
            x.norm_sqr().store(&mut all[..V::LANES]);
            fill(&mut self.0[at..], &all);
        }
    }
}

impl<A: Sink, B: Sink> Sink for (A, B) {
    #[inline(always)]
    fn put<V: Vector>(&mut self, at: usize, x: C<V>) {
        self.0.put(at, x);
        self.1.put(at, x);
    }
}

pub(super) struct LastPass<'a, V, O, const R: usize> {
    pub(super) block: &'a mut [C<V>],
    /// Of all chunks.
    pub(super) factors: &'a [C<V>],
    /// Which chunks of each part.
    pub(super) chunks: Range<usize>,
    pub(super) out: O,
}

impl<V: Vector, O: Sink, const R: usize> Kernel for LastPass<'_, V, O, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { block, factors, chunks, mut out } = self;
        let part = block.len() / R - GAP;
        let parts = parts::<_, R>(block);
        let factors = factors.chunks_exact(R / 2).skip(chunks.start);
        for (chunk, factors) in chunks.zip(factors) {
            let mut x = [parts[0][chunk]; R];
            for k in 1..R {
                x[k] = parts[k][chunk];
            }
            merge(&mut x, &factors);
            for k in 0..R {
                out.put((k * part + chunk) * V::LANES, x[k]);
            }
        }
    }
}

pub(super) struct MiddleForward<'a, V, const R: usize> {
    pub(super) zero: V,
    pub(super) factors: &'a [Complex32],
    pub(super) part: usize,
    pub(super) block: &'a mut [C<V>],
}

impl<V: Vector, const R: usize> Kernel for MiddleForward<'_, V, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { zero, factors, part, block } = self;
        for (block, factors) in block.chunks_exact_mut(R * part).zip(factors.chunks_exact(R / 2)) {
            let parts = parts::<_, R>(block);
            for chunk in 0..part {
                let mut x = [parts[0][chunk]; R];
                for k in 1..R {
                    x[k] = parts[k][chunk];
                }
                split(&mut x, &OfBlock(zero, factors));
                for k in 0..R {
                    parts[k][chunk] = x[k];
                }
            }
        }
    }
}

pub(super) struct MiddleBackward<'a, V, const R: usize> {
    pub(super) factors: &'a [C<V>],
    pub(super) part: usize,
    pub(super) block: &'a mut [C<V>],
}

impl<V: Vector, const R: usize> Kernel for MiddleBackward<'_, V, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { factors, part, block } = self;
        for block in block.chunks_exact_mut(R * part) {
            let parts = parts::<_, R>(block);
            for (chunk, factors) in factors.chunks_exact(R / 2).enumerate() {
                let mut x = [parts[0][chunk]; R];
                for k in 1..R {
                    x[k] = parts[k][chunk];
                }
                merge(&mut x, &factors);
                for k in 0..R {
                    parts[k][chunk] = x[k];
                }
            }
        }
    }
}

/// What the next block will want of the memory, which is asked for while this one keeps the processor busy.
#[derive(Clone, Copy)]
pub(super) struct Ahead<'a> {
    /// Samples of this block.
    pub(super) bytes: &'a [u8],
    /// Byte at which to go on, counted from the first of this block and often after its last.
    pub(super) at: usize,
    /// Cache lines for each row of the tail.
    pub(super) n_lines: usize,
}

/// Lines that are asked for together at most: more wait for one another, and what comes next with them.
const AT_ONCE: usize = 16;

impl Ahead<'_> {
    /// Asks for some of the lines of a row of the tail.
    #[inline(always)]
    fn ask(&self, row: usize, lines: Range<usize>) {
        for line in lines {
            simd::prefetch(self.bytes, self.at + (row * self.n_lines + line) * LINE);
        }
    }
}

pub(super) struct TailPart<'a, V> {
    pub(super) zero: V,
    pub(super) ahead: Ahead<'a>,
    pub(super) across: &'a [Complex32],
    pub(super) within: &'a [Group<V>],
    pub(super) backward: &'a [C<V>],
    pub(super) quads: &'a [C<V>; 2],
    /// What is worked on in the place of what the block holds, if anything.
    pub(super) spectrum: &'a [C<V>],
    pub(super) template: &'a [Group<V>],
    pub(super) block: &'a mut [C<V>],
}

pub(super) struct RunTail<'a, V, const R: usize, const FORWARD: bool, const BACKWARD: bool>(
    pub(super) TailPart<'a, V>,
);

impl<V: Vector, const R: usize, const FORWARD: bool, const BACKWARD: bool> Kernel
    for RunTail<'_, V, R, FORWARD, BACKWARD>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let TailPart { zero, ahead, across, within, backward, quads, spectrum, template, block } = self.0;
        let backward = &backward[..R / 2];
        let template = if BACKWARD { template } else { within };
        let all =
            within.chunks_exact(R / 4).zip(template.chunks_exact(R / 4)).zip(across.chunks_exact(R / 2));
        for (k, (x, ((within, template), across))) in
            block.as_chunks_mut::<R>().0.iter_mut().zip(all).enumerate()
        {
            ahead.ask(k, 0..ahead.n_lines.min(AT_ONCE));
            let mut rows = if spectrum.is_empty() { *x } else { spectrum.as_chunks::<R>().0[k] };
            if FORWARD {
                split(&mut rows, &OfBlock(zero, across));
            }
            // No loop: the compiler would leave it one, and the rows in memory.
            group::<V, R, FORWARD, BACKWARD>(&mut rows, 0, within, template, quads);
            if R > 4 {
                group::<V, R, FORWARD, BACKWARD>(&mut rows, 1, within, template, quads);
            }
            if R > 8 {
                group::<V, R, FORWARD, BACKWARD>(&mut rows, 2, within, template, quads);
                group::<V, R, FORWARD, BACKWARD>(&mut rows, 3, within, template, quads);
            }
            ahead.ask(k, AT_ONCE..ahead.n_lines);
            if BACKWARD {
                merge(&mut rows, &backward);
            }
            *x = rows;
        }
    }
}

/// Four rows: lanes forward, times the template, back.
#[inline(always)]
fn group<V: Vector, const R: usize, const FORWARD: bool, const BACKWARD: bool>(
    rows: &mut [C<V>; R],
    group: usize,
    within: &[Group<V>],
    template: &[Group<V>],
    quads: &[C<V>; 2],
) {
    let at = 4 * group;
    let mut x = [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]];
    if FORWARD {
        let within = &within[group];
        x = C::transpose_quads(x);
        match V::LANES {
            16 => split(&mut x, &&within[..2]),
            8 => in_pairs(&mut x, [within[0], within[1]]),
            _ => {}
        }
        x = C::transpose_lanes(x);
        split(&mut x, &&within[2..]);
    }
    if BACKWARD {
        let template = &template[group];
        for k in 0..4 {
            x[k] = x[k].times(template[k]);
        }
        merge(&mut x, &Ones);
        x = C::transpose_lanes(x);
        match V::LANES {
            16 => merge(&mut x, &&quads[..]),
            8 => in_pairs(&mut x, [quads[0]; 2]),
            _ => {}
        }
        x = C::transpose_quads(x);
    }
    for k in 0..4 {
        rows[at + k] = x[k];
    }
}
