//! The transform in passes over vectors: samples in, outputs out, nothing ever brought into order.
//!
//! A block is chunks of as many complex samples as a vector has lanes. The first pass converts samples and does the
//! first levels of the forward transform, across parts of the block; the last does the last levels of the backward one
//! and writes. Between them each part, or part of a part, that stays in the innermost cache is worked on from end to
//! end: passes, a tail, passes back. The tail holds some rows of one chunk in registers, does the forward levels across
//! rows and then within them, multiplies with the template, and goes back.
//!
//! Forward, a twiddle factor belongs to a block and is the same in all lanes; backward, it belongs to a position.

use super::butterfly::Group;
use super::factors::{backward_factors, by_lane, factors_within, forward_factors, place_of, reversed, root};
use super::passes::{
    Ahead, Complexes, FirstPass, GAP, LastPass, MiddleBackward, MiddleForward, PastCaches, Powers, RunTail,
    Sink, Stored, TailPart,
};
use super::{Output, Samples};
use crate::simd::{self, ComplexVector, LINE, Vector};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::ops::Range;

type C<V> = ComplexVector<V>;
type C64 = Complex<f64>;

/// Bytes of a part that stays in the innermost cache, with its factors and its share of the template.
const INNERMOST: usize = 1 << 15;

/// Chunks of each part that the last pass of a block and the first of the next take in turn, so that the next finds them
/// in the innermost cache.
const TURN: usize = 16;

const NOTHING_AHEAD: Ahead<'_> = Ahead { bytes: &[], at: 0, n_lines: 0 };

/// Radices of the passes; their product times the lanes is the length.
#[derive(Clone, Debug)]
pub(super) struct Radices {
    pub(super) first: usize,
    pub(super) middle: Vec<usize>,
    pub(super) tail: usize,
}

impl Radices {
    pub(super) fn len(&self, n_lanes: usize) -> usize {
        self.first * self.middle.iter().product::<usize>() * self.tail * n_lanes
    }
}

/// All factors of a length. Immutable.
#[derive(Clone, Debug)]
pub(super) struct Transform<V> {
    /// What vectors are made like.
    zero: V,
    len: usize,
    first: usize,
    middle: Vec<Middle<V>>,
    tail: Tail<V>,
    /// Of the last pass, `[position × first/2]`.
    last: Vec<C<V>>,
}

#[derive(Clone, Debug)]
struct Middle<V> {
    radix: usize,
    /// Chunks of a part.
    part: usize,
    /// `[block × radix/2]`
    forward: Vec<Complex32>,
    /// `[position × radix/2]`
    backward: Vec<C<V>>,
}

#[derive(Clone, Debug)]
struct Tail<V> {
    radix: usize,
    /// Across rows, `[block × radix/2]`.
    forward: Vec<Complex32>,
    /// Within rows: two factors across quads, two within them; of each four rows.
    forward_within: Vec<Group<V>>,
    /// Across quads.
    backward_within: [C<V>; 2],
    /// Across rows, `radix/2`.
    backward: Vec<C<V>>,
}

/// Chunks of a block between the first pass and the last.
struct Inner<'a, V> {
    /// Where the next block lies.
    ahead: Ahead<'a>,
    /// What is transformed back where nothing is transformed forward, of the same chunks; else nothing.
    spectrum: &'a [C<V>],
    /// Of the whole block.
    template: &'a [Group<V>],
    /// The first of the chunks, counted from that of the whole block.
    first: usize,
    block: &'a mut [C<V>],
}

impl<V: Vector> Transform<V> {
    pub(super) fn new(zero: V, radices: &Radices) -> Self {
        let len = radices.len(V::LANES);
        let mut n_blocks = radices.first;
        let mut part = len / V::LANES / radices.first;
        let last = backward_factors(zero, part, radices.first);
        let mut middle = Vec::new();
        for &radix in &radices.middle {
            part /= radix;
            middle.push(Middle {
                radix,
                part,
                forward: forward_factors(n_blocks, radix),
                backward: backward_factors(zero, part, radix),
            });
            n_blocks *= radix;
        }
        let across_quads = |level: u32| {
            let position = |lane: usize| root((lane % 4) as f64 / f64::from(8 << level)).conj();
            by_lane(zero, position)
        };
        let tail = Tail {
            radix: radices.tail,
            forward: forward_factors(n_blocks, radices.tail),
            forward_within: (0..len / V::LANES / 4).map(|g| factors_within(zero, g, len)).collect(),
            backward_within: [across_quads(0), across_quads(1)],
            backward: backward_factors(zero, 1, radices.tail),
        };
        Self { zero, len, first: radices.first, middle, tail, last }
    }

    pub(super) fn make_block(&self) -> Vec<C<V>> {
        vec![C { re: self.zero, im: self.zero }; self.first * (self.part() + GAP)]
    }

    /// Chunks of a part of the first pass.
    fn part(&self) -> usize {
        self.len / V::LANES / self.first
    }

    /// A spectrum in the order in which the tail holds it.
    pub(super) fn arrange(&self, spectrum: &[Complex32]) -> Vec<Group<V>> {
        let bits = self.len.trailing_zeros();
        let row = |group: usize, k: usize| {
            let bin = |lane: usize| {
                let (row, quad) = place_of(lane, V::LANES);
                let leaf = (4 * group + row) * V::LANES + 4 * quad + k;
                let x = spectrum[reversed(leaf, bits)];
                C64::new(x.re.into(), x.im.into())
            };
            by_lane(self.zero, bin)
        };
        (0..self.len / V::LANES / 4).map(|group| std::array::from_fn(|k| row(group, k))).collect()
    }

    /// Samples, of which the first is preceded by `lead` zeros and the last followed by as many as it takes, to the
    /// first pass's end. Gives Σ|x|².
    pub(super) fn first_pass(&self, samples: Samples<'_>, lead: usize, block: &mut [C<V>]) -> f32 {
        self.first_pass_of_chunks(samples, lead, 0..self.part(), block)
    }

    fn first_pass_of_chunks(
        &self,
        samples: Samples<'_>,
        lead: usize,
        chunks: Range<usize>,
        block: &mut [C<V>],
    ) -> f32 {
        assert_eq!(block.len(), self.first * (self.part() + GAP), "block of another length");
        match samples {
            Samples::Cs8(samples) => self.first_pass_of(samples, lead, chunks, block),
            Samples::Cs16(samples) => self.first_pass_of(samples, lead, chunks, block),
            Samples::Cf32(samples) => self.first_pass_of(samples, lead, chunks, block),
        }
    }

    fn first_pass_of<T: Stored>(
        &self,
        samples: &[T],
        lead: usize,
        chunks: Range<usize>,
        block: &mut [C<V>],
    ) -> f32 {
        let zero = self.zero;
        match self.first {
            8 => zero.run(FirstPass::<V, T, 8> { zero, samples, lead, chunks, block }),
            _ => zero.run(FirstPass::<V, T, 4> { zero, samples, lead, chunks, block }),
        }
    }

    /// From the first pass's end to the spectrum.
    pub(super) fn forward(&self, block: &mut [C<V>]) {
        self.inner::<true, false>(NOTHING_AHEAD, &[], &[], block);
    }

    /// From a spectrum times a template to the last pass's beginning.
    pub(super) fn backward(&self, spectrum: &[C<V>], template: &[Group<V>], block: &mut [C<V>]) {
        self.inner::<false, true>(NOTHING_AHEAD, spectrum, template, block);
    }

    /// [`forward`](Self::forward) and [`backward`](Self::backward), without a spectrum between. Meanwhile the memory is
    /// asked for the next `n_next` samples.
    pub(super) fn forward_and_backward(
        &self,
        samples: Samples<'_>,
        n_next: usize,
        template: &[Group<V>],
        block: &mut [C<V>],
    ) {
        let (bytes, size) = (samples.bytes(), samples.size());
        let n_tails = self.len / V::LANES / self.tail.radix;
        let n_lines = (n_next * size).div_ceil(LINE).div_ceil(n_tails);
        self.inner::<true, true>(Ahead { bytes, at: bytes.len(), n_lines }, &[], template, block);
    }

    /// All between the first pass and the last; `spectrum` is what is transformed back where nothing is transformed
    /// forward.
    fn inner<const FORWARD: bool, const BACKWARD: bool>(
        &self,
        ahead: Ahead<'_>,
        spectrum: &[C<V>],
        template: &[Group<V>],
        block: &mut [C<V>],
    ) {
        let part = self.part();
        for (number, block) in block.chunks_exact_mut(part + GAP).enumerate() {
            let spectrum = part_of(spectrum, number * (part + GAP), part);
            let work = Inner { ahead, spectrum, template, first: number * part, block: &mut block[..part] };
            self.inner_part::<FORWARD, BACKWARD>(&self.middle, work);
        }
    }

    /// The same for one part, of which these passes are left: in parts again until they fit into the innermost cache.
    fn inner_part<const FORWARD: bool, const BACKWARD: bool>(
        &self,
        passes: &[Middle<V>],
        work: Inner<'_, V>,
    ) {
        let Inner { first, block, .. } = work;
        let fits = size_of_val(block) <= INNERMOST;
        let n_now = if fits { passes.len() } else { passes.len().min(1) };
        let (passes, later) = passes.split_at(n_now);
        let number = first / block.len();
        if FORWARD {
            passes.iter().for_each(|pass| pass.forward(self.zero, number, block));
        }
        if later.is_empty() {
            self.tail_of::<FORWARD, BACKWARD>(Inner { block: &mut *block, ..work });
        } else {
            let part = block.len() / passes[0].radix;
            for (number, block) in block.chunks_exact_mut(part).enumerate() {
                let spectrum = part_of(work.spectrum, number * part, part);
                let work = Inner { spectrum, first: first + number * part, block, ..work };
                self.inner_part::<FORWARD, BACKWARD>(later, work);
            }
        }
        if BACKWARD {
            passes.iter().rev().for_each(|pass| pass.backward(self.zero, block));
        }
    }

    fn tail_of<const FORWARD: bool, const BACKWARD: bool>(&self, work: Inner<'_, V>) {
        let Inner { ahead, spectrum, template, first, block } = work;
        let rows = first..first + block.len();
        let template = if BACKWARD { &template[rows.start / 4..rows.end / 4] } else { &[] };
        let at = ahead.at + rows.start / self.tail.radix * ahead.n_lines * LINE;
        let ahead = Ahead { at, ..ahead };
        // A chain of sums both ways, with vectors of eight, is so long that the processor hardly sees the next one.
        if FORWARD && BACKWARD && V::LANES == 8 {
            self.tail.run::<true, false>(self.zero, ahead, first, &[], &[], block);
            self.tail.run::<false, true>(self.zero, NOTHING_AHEAD, first, &[], template, block);
        } else {
            self.tail.run::<FORWARD, BACKWARD>(self.zero, ahead, first, spectrum, template, block);
        }
    }

    /// The first of the outputs, as many as there is room for.
    pub(super) fn last_pass(&self, block: &mut [C<V>], mut out: Output<'_>) {
        self.last_pass_of_chunks(0..self.part(), block, &mut out);
        if let Output::PastCaches(_) = out {
            simd::fence();
        }
    }

    /// [`last_pass`](Self::last_pass) of one block, and [`first_pass`](Self::first_pass) of the next into its place.
    /// What goes past the caches waits for that of the last block.
    pub(super) fn turn(&self, block: &mut [C<V>], mut out: Output<'_>, next: Samples<'_>) -> f32 {
        let part = self.part();
        let mut energy = 0.0;
        for first in (0..part).step_by(TURN) {
            let chunks = first..part.min(first + TURN);
            self.last_pass_of_chunks(chunks.clone(), block, &mut out);
            energy += self.first_pass_of_chunks(next, 0, chunks, block);
        }
        energy
    }

    fn last_pass_of_chunks(&self, chunks: Range<usize>, block: &mut [C<V>], out: &mut Output<'_>) {
        match out {
            Output::PastCaches(out) if (out.as_ptr() as usize).is_multiple_of(LINE) => {
                self.last_pass_to(chunks, block, PastCaches(out));
            }
            Output::Complex(out) | Output::PastCaches(out) => {
                self.last_pass_to(chunks, block, Complexes(out));
            }
            Output::Power(out) => self.last_pass_to(chunks, block, Powers(out)),
            Output::Both(complex, power) => {
                self.last_pass_to(chunks, block, (Complexes(complex), Powers(power)));
            }
        }
    }

    fn last_pass_to<O: Sink>(&self, chunks: Range<usize>, block: &mut [C<V>], out: O) {
        let factors = &self.last;
        match self.first {
            8 => self.zero.run(LastPass::<V, O, 8> { block, factors, chunks, out }),
            _ => self.zero.run(LastPass::<V, O, 4> { block, factors, chunks, out }),
        }
    }
}

/// Some of the chunks, unless there are none at all.
fn part_of<T>(chunks: &[T], first: usize, n: usize) -> &[T] {
    if chunks.is_empty() { chunks } else { &chunks[first..][..n] }
}

impl<V: Vector> Middle<V> {
    /// One part of the first pass, the `number`-th, which is some blocks of this one.
    fn forward(&self, zero: V, number: usize, block: &mut [C<V>]) {
        let part = self.part;
        let n_factors = block.len() / (2 * part);
        let factors = &self.forward[number * n_factors..][..n_factors];
        match self.radix {
            16 if V::LANES == 16 => zero.run(MiddleForward::<V, 16> { zero, factors, part, block }),
            8 => zero.run(MiddleForward::<V, 8> { zero, factors, part, block }),
            _ => zero.run(MiddleForward::<V, 4> { zero, factors, part, block }),
        }
    }

    fn backward(&self, zero: V, block: &mut [C<V>]) {
        let (factors, part) = (&self.backward[..], self.part);
        match self.radix {
            16 if V::LANES == 16 => zero.run(MiddleBackward::<V, 16> { factors, part, block }),
            8 => zero.run(MiddleBackward::<V, 8> { factors, part, block }),
            _ => zero.run(MiddleBackward::<V, 4> { factors, part, block }),
        }
    }
}

impl<V: Vector> Tail<V> {
    /// One part of the first pass, which begins at row `first`.
    fn run<const FORWARD: bool, const BACKWARD: bool>(
        &self,
        zero: V,
        ahead: Ahead<'_>,
        first: usize,
        spectrum: &[C<V>],
        template: &[Group<V>],
        block: &mut [C<V>],
    ) {
        let parts = TailPart {
            zero,
            ahead,
            across: &self.forward[first / 2..][..block.len() / 2],
            within: &self.forward_within[first / 4..][..block.len() / 4],
            backward: &self.backward,
            quads: &self.backward_within,
            spectrum,
            template,
            block,
        };
        match self.radix {
            16 if V::LANES == 16 => zero.run(RunTail::<V, 16, FORWARD, BACKWARD>(parts)),
            8 if V::LANES == 16 => zero.run(RunTail::<V, 8, FORWARD, BACKWARD>(parts)),
            _ => zero.run(RunTail::<V, 4, FORWARD, BACKWARD>(parts)),
        }
    }
}
