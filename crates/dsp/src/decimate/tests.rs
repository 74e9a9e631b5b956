use super::*;
use rand::{RngExt, SeedableRng};

fn noise(n: usize, seed: u64) -> Vec<Complex32> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| Complex32::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))).collect()
}

/// The definition, for a run that begins at `first`: the index of the first output, and the outputs.
fn slow(plan: &Decimation, first: u64, x: &[Complex32]) -> (u64, Vec<Complex32>) {
    let (factor, delay) = (plan.factor() as i64, plan.delay() as i64);
    let (first, end) = (first as i64, first as i64 + x.len() as i64);
    let outputs = (first..end).filter(|n| n % factor == 0).map(|n| {
        let term = |(m, h): (usize, &f32)| {
            let at = n + delay - m as i64;
            let x = if (first..end).contains(&at) { x[(at - first) as usize] } else { Complex32::ZERO };
            (f64::from(*h) * f64::from(x.re), f64::from(*h) * f64::from(x.im))
        };
        let sum = plan.taps().iter().enumerate().map(term).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        Complex32::new(sum.0 as f32, sum.1 as f32)
    });
    (first as u64 / factor as u64 + u64::from(first % factor != 0), outputs.collect())
}

fn decimate(decimator: &mut Decimator, first: u64, x: &[Complex32], block: usize) -> (u64, Vec<Complex32>) {
    let (mut out, index) = (Vec::new(), decimator.begin(first));
    x.chunks(block).for_each(|samples| decimator.push(samples, &mut out));
    decimator.finish(&mut out);
    (index, out)
}

#[test]
fn every_output_is_the_definition_whatever_the_blocks_and_the_run_before() {
    for factor in [2, 3, 7, 64] {
        let plan = Arc::new(Decimation::new(factor).unwrap());
        // One that has seen other runs must be as good as new.
        let mut decimator = Decimator::new(Arc::clone(&plan));
        for (seed, n) in [0, 1, 2, factor - 1, factor, factor + 1, 500, 4000].into_iter().enumerate() {
            for first in [0, 1, factor as u64 - 1, 1000 * factor as u64, 123_456_789_123] {
                let x = noise(n, seed as u64);
                let (index, expected) = slow(&plan, first, &x);
                for block in [1, 13, 1000, 5000] {
                    let (found_index, found) = decimate(&mut decimator, first, &x, block);
                    assert_eq!((found_index, found.len()), (index, expected.len()), "{factor} {n} {first}");
                    let error = found.iter().zip(&expected).map(|(a, b)| (a - b).norm()).fold(0.0, f32::max);
                    assert!(error < 1e-6, "{factor} {n} {first} {block}: {error}");
                }
            }
        }
    }
}

/// Amplitude at a frequency over the rate of the input.
fn response(plan: &Decimation, frequency: f64) -> f64 {
    let delay = plan.delay() as f64;
    let term = |(m, h): (usize, &f32)| f64::from(*h) * (2.0 * PI * frequency * (m as f64 - delay)).cos();
    plan.taps().iter().enumerate().map(term).sum::<f64>().abs()
}

#[test]
fn the_pass_band_is_flat_and_the_stop_band_80_db_down() {
    for factor in [2, 3, 5, 10, 100] {
        let plan = Decimation::new(factor).unwrap();
        assert_eq!(plan.taps().len(), 2 * plan.delay() + 1);
        assert!(plan.taps().iter().eq(plan.taps().iter().rev()), "linear phase");
        let nyquist = 0.5 / factor as f64;
        for step in 0..=2000 {
            let part = f64::from(step) / 2000.0;
            let passed = response(&plan, PASS_BAND * nyquist * part);
            assert!((passed - 1.0).abs() < 1e-4, "{factor}: {passed} in the pass band");
            let stopped = 20.0 * response(&plan, nyquist + (0.5 - nyquist) * part).log10();
            assert!(stopped < -STOP_BAND_DB, "{factor}: {stopped} dB in the stop band at {part}");
        }
    }
}

#[test]
fn a_tone_keeps_its_phase_at_every_index() {
    let plan = Arc::new(Decimation::new(5).unwrap());
    let tone = |n: u64| Complex32::from_polar(1.0, (2.0 * PI * (0.013 * n as f64).fract()) as f32);
    let first = 1_000_003;
    let x: Vec<Complex32> = (first..first + 5000).map(tone).collect();
    let (index, y) = decimate(&mut Decimator::new(Arc::clone(&plan)), first, &x, 777);
    // Where the filter sees nothing but the tone.
    let edge = plan.delay() / 5 + 1;
    for (k, y) in y.iter().enumerate().take(y.len() - edge).skip(edge) {
        let error = (y - tone((index + k as u64) * 5)).norm();
        assert!(error < 2e-4, "{k}: {error}");
    }
}

#[test]
fn absurd_factors_are_refused() {
    for factor in [0, 1, MAX_FACTOR + 1, usize::MAX] {
        assert_eq!(Decimation::new(factor).err(), Some(BadFactor(factor)));
    }
    assert!(Decimation::new(MAX_FACTOR).is_ok());
}
