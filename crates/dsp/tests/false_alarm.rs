//! The measured false-alarm rate of every detector on noise alone is the configured one.
//!
//! Held against the 99 % interval of the binomial law of the number of cells. Neighbouring cells share training cells, which widens the law of the count by about 5 % at 1e-3.
#![allow(clippy::print_stdout, reason = "the figures are what one runs it for")]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rangegate_dsp::detect::{CellStatistics, CfarConfig, CfarPlan, CfarWindow, OsCfarWindow};

/// Chosen before any result was seen. If a rate falls outside, look for the reason, not for another seed.
const SEED: u64 = 20_261_122;

const NAMES: [&str; 4] = ["cell-averaging", "greatest-of", "smallest-of", "ordered-statistic"];

fn every_detector(guard: usize, training: usize) -> [CfarConfig; 4] {
    let window = || CfarWindow { guard, training };
    [
        CfarConfig::CaCfar(window()),
        CfarConfig::GoCfar(window()),
        CfarConfig::SoCfar(window()),
        CfarConfig::OsCfar(OsCfarWindow { guard, training, rank: 0.75 }),
    ]
}

/// Uniform over (0, 1) with 32 bits.
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (f64::from(rng.next_u32()) + 0.5) * 2f64.powi(-32)
}

/// Power of unit-power complex Gaussian noise.
fn exponential(rng: &mut ChaCha8Rng) -> f32 {
    -(uniform(rng) as f32).ln()
}

/// A Gaussian pair of unit power, as a complex number.
fn gaussian(rng: &mut ChaCha8Rng) -> (f32, f32) {
    let radius = exponential(rng).sqrt();
    let (im, re) = (std::f32::consts::TAU * uniform(rng) as f32).sin_cos();
    (radius * re, radius * im)
}

/// One detector planned for several probabilities, which share the level, and what it counts.
struct Counter {
    name: &'static str,
    plan: CfarPlan,
    /// Probability, its factor over that of `plan`, false alarms.
    rates: Vec<(f64, f32, u64)>,
    level: Vec<f32>,
    threshold: Vec<f32>,
    scratch: Vec<f32>,
}

impl Counter {
    fn new(
        name: &'static str,
        config: &CfarConfig,
        pfas: &[f64],
        statistics: &CellStatistics,
        span: usize,
    ) -> Self {
        let plan = |pfa| CfarPlan::new(config, pfa, statistics, span).expect("a valid detector");
        let first = plan(pfas[0]);
        let n = usize::MAX >> 1;
        let rates = pfas.iter().map(|&pfa| (pfa, plan(pfa).factor(n, n) / first.factor(n, n), 0)).collect();
        Self { name, plan: first, rates, level: Vec::new(), threshold: Vec::new(), scratch: Vec::new() }
    }

    /// Counts every `stride`-th cell of a row. With more than one probability the cells at its ends are left out,
    /// for which the ratio of factors is another.
    fn count(&mut self, test: &[f32], noise: &[f32], stride: usize) -> u64 {
        let n = noise.len();
        let inner = match self.rates.len() {
            1 => 0..n,
            _ => self.plan.reach_left()..n - self.plan.reach_right(),
        };
        self.scratch.resize(self.plan.scratch_len(n), f32::NAN);
        self.level.resize(inner.len(), f32::NAN);
        self.threshold.resize(inner.len(), f32::NAN);
        self.plan.thresholds(noise, inner.clone(), &mut self.level, &mut self.threshold, &mut self.scratch);
        let cells = || test[inner.clone()].iter().zip(&self.threshold).step_by(stride);
        for (_, ratio, count) in &mut self.rates {
            *count += cells().map(|(test, threshold)| u64::from(*test > threshold * *ratio)).sum::<u64>();
        }
        cells().len() as u64
    }

    /// Prints the rates and holds each against the binomial interval.
    fn report(&self, what: &str, n_cells: u64) -> bool {
        let mut inside = true;
        for &(pfa, _, count) in &self.rates {
            let expected = pfa * n_cells as f64;
            let half_width = 2.576 * (expected * (1.0 - pfa)).sqrt();
            let ok = (count as f64 - expected).abs() <= half_width;
            println!(
                "{what}, {}: {count} false alarms in {n_cells:.1e} cells, expected {expected:.0} ± {half_width:.0}{}",
                self.name,
                if ok { "" } else { ": OUTSIDE" }
            );
            inside &= ok;
        }
        inside
    }
}

fn counters(
    configs: &[CfarConfig; 4],
    pfas: &[f64],
    statistics: &CellStatistics,
    span: usize,
) -> Vec<Counter> {
    NAMES
        .iter()
        .zip(configs)
        .map(|(name, config)| Counter::new(name, config, pfas, statistics, span))
        .collect()
}

fn report_all(counters: &[Counter], what: &str, n_cells: u64) {
    let inside: Vec<bool> = counters.iter().map(|c| c.report(what, n_cells)).collect();
    assert!(inside.iter().all(|&ok| ok), "{what}: a rate outside its interval");
}

fn square_law(n_integrated: usize) -> CellStatistics {
    CellStatistics::SquareLaw { n_integrated, correlation: Vec::new() }
}

#[test]
fn square_law_cells_1e8() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut counters = counters(&every_detector(2, 16), &[1e-3, 1e-5], &square_law(1), 0);
    let mut row = vec![0.0; 1 << 15];
    let mut n_cells = 0;
    while n_cells < 100_000_000 {
        row.iter_mut().for_each(|cell| *cell = exponential(&mut rng));
        for counter in &mut counters {
            let counted = counter.count(&row, &row, 1);
            n_cells += if counter.name == NAMES[0] { counted } else { 0 };
        }
    }
    report_all(&counters, "one squared magnitude", n_cells);
}

#[test]
fn rows_of_which_every_cell_is_at_an_edge() {
    for n in [12, 30] {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut counters = counters(&every_detector(1, 16), &[1e-3], &square_law(1), 0);
        let mut row = vec![0.0; n];
        let n_rows = 3_000_000 / n;
        for _ in 0..n_rows {
            row.iter_mut().for_each(|cell| *cell = exponential(&mut rng));
            for counter in &mut counters {
                counter.count(&row, &row, 1);
            }
        }
        report_all(&counters, &format!("rows of {n} cells"), (n * n_rows) as u64);
    }
}

#[test]
fn twenty_five_integrated_1e7() {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut counters = counters(&every_detector(2, 16), &[1e-3, 1e-5], &square_law(25), 0);
    let mut row = vec![0.0; 1 << 15];
    let mut n_cells = 0;
    while n_cells < 10_000_000 {
        for cell in &mut row {
            // Σ −ln u = −ln Π u
            *cell = -((0..25).map(|_| uniform(&mut rng)).product::<f64>().ln() / 25.0) as f32;
        }
        for counter in &mut counters {
            let counted = counter.count(&row, &row, 1);
            n_cells += if counter.name == NAMES[0] { counted } else { 0 };
        }
    }
    report_all(&counters, "25 integrated", n_cells);
}

/// Cells that share magnitudes are not independent tests, so only every cell is counted that has its own.
#[test]
fn weighted_magnitudes_1e7() {
    // Four pulses among gaps, mean zero.
    let weights = [1.0, -0.5, 1.0, -0.5, -0.5, -0.5, 1.0, -0.5, 1.0, -0.5, -0.5, -0.5];
    let n = weights.len();
    let statistics = CellStatistics::Magnitude { weights: weights.to_vec() };
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut counters = counters(&every_detector(2, 16), &[1e-3, 1e-5], &statistics, n - 1);
    let (mut magnitude, mut test) = (vec![0.0; 1 << 15], vec![0.0; 1 << 15]);
    let mut n_cells = 0;
    while n_cells < 10_000_000 {
        magnitude.iter_mut().for_each(|cell| *cell = exponential(&mut rng).sqrt());
        for (i, samples) in magnitude.windows(n).enumerate() {
            test[i] = samples.iter().zip(&weights).map(|(r, w)| r * w).sum();
        }
        for counter in &mut counters {
            let counted = counter.count(&test, &magnitude, n);
            n_cells += if counter.name == NAMES[0] { counted } else { 0 };
        }
    }
    report_all(&counters, "weighted magnitudes", n_cells);
}

/// Rates with and without the correlation, over the configured one.
fn correlated_rates(impulse_response: &[(f32, f32)], guard: usize, training: usize) -> [[f64; 2]; 4] {
    const PFA: f64 = 1e-3;
    let taps = impulse_response.len();
    let energy: f32 = impulse_response.iter().map(|h| h.0 * h.0 + h.1 * h.1).sum();
    let correlation: Vec<f32> = (1..taps)
        .map(|lag| {
            let pairs = || impulse_response.iter().zip(&impulse_response[lag..]);
            let re: f32 = pairs().map(|(a, b)| a.0 * b.0 + a.1 * b.1).sum();
            let im: f32 = pairs().map(|(a, b)| a.0 * b.1 - a.1 * b.0).sum();
            re.hypot(im) / energy
        })
        .collect();
    let known = CellStatistics::SquareLaw { n_integrated: 1, correlation };
    let configs = every_detector(guard, training);
    let mut with = counters(&configs, &[PFA], &known, 0);
    let mut without = counters(&configs, &[PFA], &square_law(1), 0);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut white = vec![(0.0, 0.0); (1 << 16) + taps];
    let mut n_cells = 0;
    while n_cells < 6_000_000 {
        white.iter_mut().for_each(|sample| *sample = gaussian(&mut rng));
        let power = |samples: &[(f32, f32)]| {
            let (mut re, mut im) = (0.0, 0.0);
            for (x, h) in samples.iter().zip(impulse_response) {
                re += x.0 * h.0 - x.1 * h.1;
                im += x.0 * h.1 + x.1 * h.0;
            }
            re * re + im * im
        };
        let row: Vec<f32> = white.windows(taps).map(power).collect();
        with.iter_mut().chain(&mut without).for_each(|counter| {
            counter.count(&row, &row, 1);
        });
        n_cells += row.len();
    }
    let rate = |counter: &Counter| counter.rates[0].2 as f64 / n_cells as f64 / PFA;
    std::array::from_fn(|i| [rate(&with[i]), rate(&without[i])])
}

fn assert_correlation_matters(what: &str, rates: [[f64; 2]; 4]) {
    for (name, [with, without]) in NAMES.iter().zip(rates) {
        println!("{what}, {name}: {with:.3} of the configured rate, {without:.3} without the correlation");
    }
    for (name, [with, without]) in NAMES.iter().zip(rates) {
        // The mean of correlated cells falls short of its expectation less often than the gamma law of the same
        // variance, and the smallest-of detector lives there: it stays below the configured rate.
        let lowest = if *name == "smallest-of" { 0.75 } else { 0.85 };
        assert!((lowest..1.15).contains(&with), "{what}, {name}: {with:.3} of the configured rate");
        assert!(
            (without - 1.0).abs() > 0.15,
            "{what}, {name}: {without:.3} though the correlation is ignored"
        );
    }
}

/// A chirp over half the sampling rate: its autocorrelation is a sinc of two samples' width with sidelobes.
#[test]
fn noise_through_the_matched_filter_of_a_chirp() {
    let n = 64;
    let chirp: Vec<(f32, f32)> = (0..n)
        .map(|i| {
            let t = i as f32 - 0.5 * n as f32;
            let (im, re) = (std::f32::consts::PI * 0.5 / n as f32 * t * t).sin_cos();
            (re, im)
        })
        .collect();
    assert_correlation_matters("chirp, B = fs/2", correlated_rates(&chirp, 8, 16));
}

/// Chips of twelve samples: the autocorrelation is a triangle, 12 samples to either side.
#[test]
fn noise_through_chips_of_twelve_samples() {
    assert_correlation_matters("twelve samples a chip", correlated_rates(&[(1.0, 0.0); 12], 12, 96));
}
