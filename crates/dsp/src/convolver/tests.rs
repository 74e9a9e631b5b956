use super::*;
use crate::lines::Lines;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

type C64 = Complex<f64>;

fn available() -> impl Iterator<Item = Path> {
    Path::ALL.into_iter().filter(|path| path.is_available())
}

fn noise(rng: &mut ChaCha8Rng, n: usize) -> Vec<C64> {
    (0..n).map(|_| C64::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))).collect()
}

/// The same samples as stored and as numbers, the stored ones `offset` bytes into their memory.
struct Recording {
    bytes: Vec<u8>,
    offset: usize,
    size: usize,
    numbers: Vec<C64>,
}

impl Recording {
    fn new(rng: &mut ChaCha8Rng, size: usize, n: usize, offset: usize) -> Self {
        let mut bytes = vec![0; offset];
        let mut numbers = Vec::new();
        for _ in 0..n {
            let mut number = || match size {
                2 => {
                    let x: i8 = rng.random();
                    bytes.push(x as u8);
                    f64::from(x) / 128.0
                }
                4 => {
                    let x: i16 = rng.random();
                    bytes.extend(x.to_le_bytes());
                    f64::from(x) / 32_768.0
                }
                _ => {
                    let x: f32 = rng.random_range(-1.0..1.0);
                    bytes.extend(x.to_le_bytes());
                    f64::from(x)
                }
            };
            numbers.push(C64::new(number(), number()));
        }
        Self { bytes, offset, size, numbers }
    }

    fn samples(&self) -> Samples<'_> {
        let bytes = &self.bytes[self.offset..];
        match self.size {
            2 => Samples::Cs8(bytes.as_chunks().0),
            4 => Samples::Cs16(bytes.as_chunks().0),
            _ => Samples::Cf32(bytes.as_chunks().0),
        }
    }
}

/// The slow twin: `y[n]` of a block, around whose ends sums wrap.
fn direct(template: &[C64], recording: &Recording, lead: usize, fft_len: usize, n: usize) -> Complex32 {
    let term = |(k, f): (usize, &C64)| {
        let at = ((n + k) % fft_len).checked_sub(lead)?;
        recording.numbers.get(at).map(|x| f.conj() * x)
    };
    let y: C64 = template.iter().enumerate().filter_map(term).sum();
    Complex32::new(y.re as f32, y.im as f32)
}

const LENGTHS: [usize; 13] = [1, 6, 60, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

#[test]
fn every_path_is_the_direct_sum_for_every_length_format_and_alignment() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for path in available() {
        for fft_len in LENGTHS {
            for (case, size) in [2, 4, 8].into_iter().enumerate() {
                let longest = rng.random_range(1..=fft_len);
                let templates = [noise(&mut rng, longest), noise(&mut rng, longest.div_ceil(3))];
                let plan = Convolver::plan_for(path, &templates, fft_len);
                let is_whole = path == Path::Portable || (256..=65_536).contains(&fft_len);
                assert_eq!(plan.path() == path, is_whole, "{path} {fft_len}");
                assert_eq!(plan.n_valid(), fft_len - longest + 1);
                let mut worker = plan.make_worker(2);
                let lead = [0, rng.random_range(0..=fft_len), fft_len.min(5)][case];
                let n = if case == 0 { fft_len } else { rng.random_range(0..=fft_len - lead) };
                let other = Recording::new(&mut rng, size, fft_len, 0);
                let offset = rng.random_range(0..9);
                let recording = Recording::new(&mut rng, size, n, offset);
                // Dirty scratch.
                worker.load(1, other.samples(), 0);
                worker.load(0, recording.samples(), lead);
                let n_out =
                    [fft_len, fft_len.div_ceil(2) + 1, rng.random_range(0..=fft_len)][case].min(fft_len);
                let dirt = Complex32::new(f32::NAN, 0.0);
                let (mut y, mut loaded, mut power) =
                    (vec![dirt; n_out], vec![dirt; n_out], vec![f32::NAN; n_out]);
                for (number, template) in templates.iter().enumerate() {
                    worker.convolve(other.samples(), 0, number, Output::Complex(&mut loaded));
                    worker.correlate(0, number, Output::Both(&mut loaded, &mut power));
                    let energy = worker.convolve(recording.samples(), lead, number, Output::Complex(&mut y));
                    let expected: f64 = recording.numbers.iter().map(C64::norm_sqr).sum();
                    // A sum of so many in each of eight lanes at least, each addition rounded.
                    let rounding = (fft_len / 8 + 32) as f64 * f64::from(f32::EPSILON);
                    let error = (f64::from(energy) - expected).abs();
                    assert!(error <= rounding * expected, "{path}, {fft_len}: {energy} for {expected}");
                    let tolerance = 1e-6 * (template.len() as f32).sqrt();
                    for k in (0..n_out).step_by(1 + fft_len / 100) {
                        let expected = direct(template, &recording, lead, fft_len, k);
                        let case = format!("{path}, {fft_len}, {size}, lead {lead}, {n} samples, output {k}");
                        assert!((y[k] - expected).norm() < tolerance, "{case}: {} for {expected}", y[k]);
                        assert!((loaded[k] - expected).norm() < tolerance, "{case}, loaded: {}", loaded[k]);
                        assert!(
                            (power[k] / loaded[k].norm_sqr() - 1.0).abs() < 1e-5 || power[k] < 1e-12,
                            "{case}"
                        );
                    }
                    worker.convolve(recording.samples(), lead, number, Output::Power(&mut power));
                    let same = |(y, p): (&Complex32, &f32)| (y.norm_sqr() - p).abs() <= 1e-5 * (p + 1e-6);
                    assert!(y.iter().zip(&power).all(same), "{path}, {fft_len}");
                }
            }
        }
    }
}

#[test]
fn a_run_is_its_blocks() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for path in available() {
        // The last is the shortest of which parts take more than one turn with vectors of 16.
        for fft_len in [60, 256, 2048, 4096] {
            for size in [2, 4, 8] {
                let n_taps = rng.random_range(2..=fft_len / 2);
                let templates = [noise(&mut rng, n_taps), noise(&mut rng, n_taps / 2)];
                let plan = Convolver::plan_for(path, &templates, fft_len);
                for n_out in [0, 1, plan.hop(), plan.hop() + 1, 2 * plan.hop(), 3 * plan.hop() + 7] {
                    // Samples for all outputs, for half of them, or none.
                    for n in [n_out + n_taps - 1, n_out / 2, 0] {
                        let recording = Recording::new(&mut rng, size, n, size / 2 + 1);
                        let case =
                            format!("{path}, {fft_len}, {size}, {n_taps} taps, {n} samples, {n_out} outputs");
                        check_run(&plan, recording.samples(), n_out, &case);
                    }
                }
            }
        }
    }
}

/// Holds runs with each template, to each kind of output, against the same blocks one by one.
fn check_run(plan: &Convolver, samples: Samples<'_>, n_out: usize, case: &str) {
    let mut worker = plan.make_worker(1);
    worker.load(0, samples.block(0, plan.fft_len()), 0);
    let mut first = vec![Complex32::ZERO; n_out.min(plan.hop())];
    for template in 0..2 {
        let mut blocks = vec![Complex32::ZERO; n_out];
        let mut expected = 0.0_f32;
        for (k, out) in blocks.chunks_mut(plan.hop()).enumerate() {
            let block = samples.block(k * plan.hop(), plan.fft_len());
            expected = expected.max(worker.convolve(block, 0, template, Output::Complex(out)));
        }
        let (mut complex, mut power) = (Lines::new(n_out + 1), Lines::new(n_out + 1));
        // At a cache line, and not.
        for from in [0, 1] {
            let (complex, power) = (&mut complex[from..][..n_out], &mut power[from..][..n_out]);
            for kind in 0..4 {
                complex.fill(Complex32::new(f32::NAN, 0.0));
                power.fill(f32::NAN);
                let out = match kind {
                    0 => Output::Complex(complex),
                    1 => Output::PastCaches(complex),
                    2 => Output::Power(power),
                    _ => Output::Both(complex, power),
                };
                let greatest = worker.filter(samples, template, out);
                assert!((greatest - expected).abs() <= 1e-5 * expected, "{case}: {greatest}, {expected}");
                assert!(kind == 2 || *complex == blocks, "{case}, kind {kind} from {from}");
                let same = |(y, p): (&Complex32, &f32)| (y.norm_sqr() - p).abs() <= 1e-5 * p;
                assert!(kind < 2 || blocks.iter().zip(&*power).all(same), "{case}, kind {kind} from {from}");
            }
        }
        // What was loaded stays.
        worker.correlate(0, template, Output::Complex(&mut first));
        for (y, expected) in first.iter().zip(&blocks) {
            assert!((y - expected).norm() <= 1e-4, "{case}: {y} for {expected}");
        }
    }
}

#[test]
fn paths_have_names() {
    for path in Path::ALL {
        assert_eq!(path.name().parse(), Ok(path));
    }
    assert!("sse".parse::<Path>().unwrap_err().to_string().contains("\"sse\", expected avx512"));
    assert!(Path::best().is_available() && Path::chosen().is_available());
}
