//! The transform in passes over vectors: samples in, outputs out, nothing ever brought into order.
//!
//! A block is chunks of as many complex samples as a vector has lanes. The first pass converts samples and does the
//! first levels of the forward transform, across parts of the block; the last does the last levels of the backward one
//! and writes. Between them each part, which stays in the innermost cache, is worked on from end to end: passes, a
//! tail, passes back. The tail holds some rows of one chunk in registers, does the forward levels across rows and then
//! within them, multiplies with the template, and goes back.
//!
//! Forward, a twiddle factor belongs to a block and is the same in all lanes; backward, it belongs to a position.

use super::butterfly::{OfBlock, OfFirstBlock, Ones, in_pairs, merge, split};
use super::{Output, Samples};
use crate::simd::{ComplexVector, Kernel, Vector};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

type C<V> = ComplexVector<V>;
type C64 = Complex<f64>;

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

/// Four rows, after their lanes have been transformed.
pub(super) type Group<V> = [C<V>; 4];

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
        vec![C { re: self.zero, im: self.zero }; self.len / V::LANES]
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
    /// first pass's end.
    pub(super) fn first_pass(&self, samples: Samples<'_>, lead: usize, block: &mut [C<V>]) {
        assert_eq!(block.len() * V::LANES, self.len, "block of another length");
        match samples {
            Samples::Cs8(samples) => self.first_pass_of(samples, lead, block),
            Samples::Cs16(samples) => self.first_pass_of(samples, lead, block),
            Samples::Cf32(samples) => self.first_pass_of(samples, lead, block),
        }
    }

    fn first_pass_of<T: Stored>(&self, samples: &[T], lead: usize, block: &mut [C<V>]) {
        let zero = self.zero;
        match self.first {
            16 => zero.run(FirstPass::<V, T, 16> { zero, samples, lead, block }),
            8 => zero.run(FirstPass::<V, T, 8> { zero, samples, lead, block }),
            _ => zero.run(FirstPass::<V, T, 4> { zero, samples, lead, block }),
        }
    }

    /// From the first pass's end to the spectrum.
    pub(super) fn forward(&self, block: &mut [C<V>]) {
        self.zero.run(Inner::<V, true, false> { transform: self, spectrum: &[], template: &[], block });
    }

    /// From a spectrum times a template to the last pass's beginning.
    pub(super) fn backward(&self, spectrum: &[C<V>], template: &[Group<V>], block: &mut [C<V>]) {
        self.zero.run(Inner::<V, false, true> { transform: self, spectrum, template, block });
    }

    /// [`forward`](Self::forward) and [`backward`](Self::backward), without a spectrum between.
    pub(super) fn forward_and_backward(&self, template: &[Group<V>], block: &mut [C<V>]) {
        self.zero.run(Inner::<V, true, true> { transform: self, spectrum: &[], template, block });
    }

    /// The first of the outputs, as many as there is room for.
    pub(super) fn last_pass(&self, block: &mut [C<V>], out: Output<'_>) {
        match out {
            Output::Complex(out) => self.last_pass_to(block, Complexes(out)),
            Output::Power(out) => self.last_pass_to(block, Powers(out)),
            Output::Both(complex, power) => self.last_pass_to(block, (Complexes(complex), Powers(power))),
        }
    }

    fn last_pass_to<O: Sink>(&self, block: &mut [C<V>], out: O) {
        let factors = &self.last;
        match self.first {
            16 => self.zero.run(LastPass::<V, O, 16> { block, factors, out }),
            8 => self.zero.run(LastPass::<V, O, 8> { block, factors, out }),
            _ => self.zero.run(LastPass::<V, O, 4> { block, factors, out }),
        }
    }
}

/// `exp(−j2π·cycles)`
fn root(cycles: f64) -> C64 {
    C64::from_polar(1.0, -TAU * cycles)
}

fn reversed(x: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { x.reverse_bits() >> (usize::BITS - bits) }
}

/// A block of a level of `n_blocks` is a polynomial modulo `uⁿ − exp(−j2π·θ)`.
fn theta(block: usize, n_blocks: usize) -> f64 {
    reversed(block, n_blocks.trailing_zeros()) as f64 / n_blocks as f64
}

fn by_lane<V: Vector>(zero: V, value: impl Fn(usize) -> C64) -> C<V> {
    let (mut re, mut im) = ([0.0; 16], [0.0; 16]);
    for lane in 0..V::LANES {
        let value = value(lane);
        (re[lane], im[lane]) = (value.re as f32, value.im as f32);
    }
    C { re: zero.load(&re[..V::LANES]), im: zero.load(&im[..V::LANES]) }
}

/// Levels of a transform of `radix` with the number of their factors: 1, 1, 2, 4.
fn levels(radix: usize) -> impl Iterator<Item = (f64, usize)> {
    (0..radix.trailing_zeros())
        .map(|level| (f64::from(2 << level), (1 << level) / 2))
        .map(|(n, k)| (n, k.max(1)))
}

/// Factors that split each of `n_blocks` by `radix`.
fn forward_factors(n_blocks: usize, radix: usize) -> Vec<Complex32> {
    let of_block = |block: usize| {
        levels(radix).flat_map(move |(n, n_factors)| {
            (0..n_factors).map(move |k| {
                let w = root((theta(block, n_blocks) + reversed(k, n_factors.trailing_zeros()) as f64) / n);
                Complex32::new(w.re as f32, w.im as f32)
            })
        })
    };
    (0..n_blocks).flat_map(of_block).collect()
}

/// Factors that merge `radix` parts of some chunks.
fn backward_factors<V: Vector>(zero: V, part: usize, radix: usize) -> Vec<C<V>> {
    let len = part * V::LANES;
    let of_chunk = |chunk: usize| {
        levels(radix).flat_map(move |(n, n_factors)| {
            (0..n_factors).map(move |k| {
                let position = |lane: usize| (chunk * V::LANES + lane + k * len) as f64;
                by_lane(zero, |lane| root(position(lane) / (n * len as f64)).conj())
            })
        })
    };
    (0..part).flat_map(of_chunk).collect()
}

/// Row of four and quad of that row which stand in a lane once quads have been transposed, then lanes.
fn place_of(lane: usize, n_lanes: usize) -> (usize, usize) {
    let n_quads = n_lanes / 4;
    (lane % 4 / n_quads * n_quads + lane / 4, lane % n_quads)
}

/// Factors within the four rows of a group.
fn factors_within<V: Vector>(zero: V, group: usize, len: usize) -> Group<V> {
    let n_quads = V::LANES / 4;
    let row_theta = |row: usize| theta(4 * group + row, len / V::LANES);
    let quad_theta = |lane: usize| {
        let (row, quad) = place_of(lane, V::LANES);
        theta((4 * group + row) * n_quads + quad, len / 4)
    };
    let across_quads = if n_quads == 4 {
        [2.0, 4.0].map(|n| by_lane(zero, |lane| root(row_theta(lane / 4) / n)))
    } else {
        // One factor for each pair of rows.
        [0, 2].map(|first| by_lane(zero, |lane| root(row_theta(first + lane / 4) / 2.0)))
    };
    let within_quads = [2.0, 4.0].map(|n| by_lane(zero, |lane| root(quad_theta(lane) / n)));
    [across_quads[0], across_quads[1], within_quads[0], within_quads[1]]
}

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

struct FirstPass<'a, V, T, const R: usize> {
    zero: V,
    samples: &'a [T],
    lead: usize,
    block: &'a mut [C<V>],
}

impl<V: Vector, T: Stored, const R: usize> Kernel for FirstPass<'_, V, T, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { zero, samples, lead, block } = self;
        let part = block.len() / R;
        for chunk in 0..part {
            let mut x = [C { re: zero, im: zero }; R];
            for k in 0..R {
                x[k] = read(zero, samples, ((k * part + chunk) * V::LANES).wrapping_sub(lead));
            }
            split(&mut x, &OfFirstBlock(zero));
            for k in 0..R {
                block[k * part + chunk] = x[k];
            }
        }
    }
}

/// Where outputs go.
trait Sink {
    fn put<V: Vector>(&mut self, at: usize, x: C<V>);
}

struct Complexes<'a>(&'a mut [Complex32]);

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

/// The first of the outputs where there is no room for all.
#[cold]
#[inline(never)]
fn fill<T: Copy>(out: &mut [T], from: &[T; 16]) {
    out.iter_mut().zip(from).for_each(|(out, x)| *out = *x);
}

struct Powers<'a>(&'a mut [f32]);

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

struct LastPass<'a, V, O, const R: usize> {
    block: &'a mut [C<V>],
    factors: &'a [C<V>],
    out: O,
}

impl<V: Vector, O: Sink, const R: usize> Kernel for LastPass<'_, V, O, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { block, factors, mut out } = self;
        let part = block.len() / R;
        for (chunk, factors) in factors.chunks_exact(R / 2).enumerate() {
            let mut x = [block[chunk]; R];
            for k in 1..R {
                x[k] = block[k * part + chunk];
            }
            merge(&mut x, &factors);
            for k in 0..R {
                out.put((k * part + chunk) * V::LANES, x[k]);
            }
        }
    }
}

/// All between the first pass and the last.
struct Inner<'a, V, const FORWARD: bool, const BACKWARD: bool> {
    transform: &'a Transform<V>,
    /// What is transformed back where nothing is transformed forward.
    spectrum: &'a [C<V>],
    template: &'a [Group<V>],
    block: &'a mut [C<V>],
}

impl<V: Vector, const FORWARD: bool, const BACKWARD: bool> Kernel for Inner<'_, V, FORWARD, BACKWARD> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { transform, spectrum, template, block } = self;
        let part = block.len() / transform.first;
        for (number, block) in block.chunks_exact_mut(part).enumerate() {
            if FORWARD {
                for pass in &transform.middle {
                    pass.forward(transform.zero, number, block);
                }
            }
            let first = number * part;
            let spectrum = if FORWARD { &[] } else { &spectrum[first..first + part] };
            let template = if BACKWARD { &template[first / 4..(first + part) / 4] } else { &[] };
            let tail = &transform.tail;
            let zero = transform.zero;
            match tail.radix {
                16 => tail.run::<16, FORWARD, BACKWARD>(zero, first, spectrum, template, block),
                8 => tail.run::<8, FORWARD, BACKWARD>(zero, first, spectrum, template, block),
                _ => tail.run::<4, FORWARD, BACKWARD>(zero, first, spectrum, template, block),
            }
            if BACKWARD {
                for pass in transform.middle.iter().rev() {
                    pass.backward(block);
                }
            }
        }
    }
}

impl<V: Vector> Middle<V> {
    /// One part of the first pass, the `number`-th, which is some blocks of this one.
    #[inline(always)]
    fn forward(&self, zero: V, number: usize, block: &mut [C<V>]) {
        let n_factors = block.len() / (2 * self.part);
        let factors = &self.forward[number * n_factors..(number + 1) * n_factors];
        match self.radix {
            16 => self.forward_by::<16>(zero, factors, block),
            8 => self.forward_by::<8>(zero, factors, block),
            _ => self.forward_by::<4>(zero, factors, block),
        }
    }

    #[inline(always)]
    fn forward_by<const R: usize>(&self, zero: V, factors: &[Complex32], block: &mut [C<V>]) {
        for (block, factors) in block.chunks_exact_mut(R * self.part).zip(factors.chunks_exact(R / 2)) {
            let parts = parts::<_, R>(block);
            for chunk in 0..parts[0].len() {
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

    #[inline(always)]
    fn backward(&self, block: &mut [C<V>]) {
        match self.radix {
            16 => self.backward_by::<16>(block),
            8 => self.backward_by::<8>(block),
            _ => self.backward_by::<4>(block),
        }
    }

    #[inline(always)]
    fn backward_by<const R: usize>(&self, block: &mut [C<V>]) {
        for block in block.chunks_exact_mut(R * self.part) {
            let parts = parts::<_, R>(block);
            for (chunk, factors) in self.backward.chunks_exact(R / 2).enumerate() {
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

impl<V: Vector> Tail<V> {
    /// One part of the first pass, which begins at row `first`.
    #[inline(always)]
    fn run<const R: usize, const FORWARD: bool, const BACKWARD: bool>(
        &self,
        zero: V,
        first: usize,
        spectrum: &[C<V>],
        template: &[Group<V>],
        block: &mut [C<V>],
    ) {
        let n_blocks = block.len() / R;
        let (first_group, n_groups) = (first / 4, block.len() / 4);
        let factors = &self.forward[first / 2..][..n_blocks * R / 2];
        let within = &self.forward_within[first_group..][..n_groups];
        let backward = &self.backward[..R / 2];
        for (k, x) in block.as_chunks_mut::<R>().0.iter_mut().enumerate() {
            let mut rows = if FORWARD { *x } else { spectrum.as_chunks::<R>().0[k] };
            if FORWARD {
                let factors = &factors[k * R / 2..][..R / 2];
                split(&mut rows, &OfBlock(zero, factors));
            }
            let within = &within[k * R / 4..][..R / 4];
            let template = if BACKWARD { &template[k * R / 4..][..R / 4] } else { within };
            self.group::<R, FORWARD, BACKWARD>(&mut rows, 0, within, template);
            if R > 4 {
                self.group::<R, FORWARD, BACKWARD>(&mut rows, 1, within, template);
            }
            if R > 8 {
                self.group::<R, FORWARD, BACKWARD>(&mut rows, 2, within, template);
                self.group::<R, FORWARD, BACKWARD>(&mut rows, 3, within, template);
            }
            if BACKWARD {
                merge(&mut rows, &backward);
            }
            *x = rows;
        }
    }

    /// Four rows: lanes forward, times the template, back.
    #[inline(always)]
    fn group<const R: usize, const FORWARD: bool, const BACKWARD: bool>(
        &self,
        rows: &mut [C<V>; R],
        group: usize,
        within: &[Group<V>],
        template: &[Group<V>],
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
                16 => merge(&mut x, &&self.backward_within[..]),
                8 => in_pairs(&mut x, [self.backward_within[0]; 2]),
                _ => {}
            }
            x = C::transpose_quads(x);
        }
        for k in 0..4 {
            rows[at + k] = x[k];
        }
    }
}
