//! Clutter: a tapped delay line with a tap at each sample period of delay, which is all that a receiver of that
//! bandwidth can tell of any scatterers.
//!
//! Still clutter has fixed complex gains. A moving tap's gain is a sum of sinusoids, `g(t) = Σ exp(j(2π·f_l·t + φ_l))`, at
//! frequencies drawn from the spectrum and phases of its own: it follows from the time alone, with no state to
//! carry from pulse to pulse. Within a pulse clutter turns by its mean Doppler shift; what remains of the spectrum
//! there, and its range migration, is left out.
//!
//! Sums of sinusoids: M. Pätzold, "Mobile Fading Channels", 2002, chapter 4.

use super::Field;
use super::config::ClutterConfig;
use super::geometry::LIGHT_MPS;
use crate::SceneError;
use crate::plan::beyond;
use crate::random::{Randomness, Seeded};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson, StandardNormal};
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// Sinusoids of a tap.
const LINES: usize = 24;
/// Sets of frequencies; neighbouring taps have different ones.
const SETS: usize = 8;
/// Most taps of a patch.
const MAX_TAPS: f64 = (1 << 18) as f64;

/// The taps between two ranges.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    /// Delay of the first tap, samples.
    pub(crate) first_tap: usize,
    /// Gain of each tap, or of its sinusoids.
    gains: Vec<Complex<f64>>,
    pub(crate) motion: Option<Motion>,
}

/// Doppler spectrum of a patch.
#[derive(Clone, Debug)]
pub(crate) struct Motion {
    /// Mean Doppler shift.
    pub(crate) mean_hz: f64,
    /// Frequencies `[SETS × LINES]`.
    lines_hz: Vec<f64>,
    /// Phases `[n_taps × LINES]`.
    phases: Vec<Complex32>,
}

/// What the taps of a scene share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub(crate) samples_per_s: f64,
    pub(crate) carrier_hz: f64,
    pub(crate) baseline_m: f64,
    pub(crate) noise_power: f64,
    /// Energy of the replica.
    pub(crate) energy: f64,
    /// Power behind the matched filter where every tap has power 1: `Σ|χ|²`, of the replica's normalised
    /// autocorrelation.
    pub(crate) compression: f64,
}

impl Patch {
    /// Checks a patch and draws its taps; `number` is its place among patches.
    pub(crate) fn plan(
        config: &ClutterConfig,
        number: usize,
        taps: &Taps,
        seeded: &Seeded,
    ) -> Result<Self, SceneError> {
        let field = Field(&format!("clutter[{number}]"));
        let nearest_m = taps.baseline_m / 2.0;
        if !(config.from_m.is_finite() && config.from_m >= nearest_m) {
            let expected = format!("{nearest_m} or more, half the way from transmitter to receiver");
            return Err(field.wrong("from_m", &config.from_m, expected));
        }
        let tap = |range_m: f64| 2.0 * range_m / LIGHT_MPS * taps.samples_per_s;
        let (first, last) = (tap(config.from_m).ceil(), tap(config.to_m).floor());
        if !(first..first + MAX_TAPS).contains(&last) {
            let gate_m = LIGHT_MPS / (2.0 * taps.samples_per_s);
            let expected = format!(
                "at least one and at most {MAX_TAPS} samples of {gate_m} m beyond from_m = {}",
                config.from_m
            );
            return Err(field.wrong("to_m", &config.to_m, expected));
        }
        for (name, number) in
            [("velocity_mps", config.velocity_mps), ("range_exponent", config.range_exponent)]
        {
            if beyond(number, 1e4) {
                return Err(field.wrong(name, &number, "a number of at most 10000 either way"));
            }
        }
        let spread_mps = config.velocity_spread_mps;
        if !(0.0..=1e4).contains(&spread_mps) {
            return Err(field.wrong("velocity_spread_mps", &spread_mps, "0 to 10000"));
        }
        let power = field.power(
            [("cnr_db", config.cnr_db, taps.noise_power / taps.energy), ("power_db", config.power_db, 1.0)],
            taps.noise_power,
        )? / taps.compression;
        let spacing_m = LIGHT_MPS / (2.0 * taps.samples_per_s);
        let scatterers = config.density_per_m.map(|density| density * spacing_m);
        if let Some(mean) = scatterers.filter(|mean| !(1e-6..=1e6).contains(mean)) {
            let expected = format!("{} to {}", 1e-6 / spacing_m, 1e6 / spacing_m);
            return Err(field.wrong("density_per_m", &(mean / spacing_m), expected));
        }

        let mut rng = seeded.at(Randomness::Clutter { patch: number });
        let moves = config.velocity_mps.abs() + spread_mps > 0.0;
        let first_tap = first as usize;
        let n_taps = (last - first) as usize + 1;
        let deviation = |k: usize| {
            // The first tap may lie at range 0.
            let range_m = ((first_tap + k) as f64 * spacing_m).max(spacing_m / 2.0);
            let reference_m = config.from_m.max(spacing_m / 2.0);
            (power * (range_m / reference_m).powf(-config.range_exponent)).sqrt()
        };
        let gains = (0..n_taps)
            .map(|k| {
                let mut gain = match scatterers {
                    None if moves => Complex::ONE,
                    None => gaussian(&mut rng),
                    Some(mean) => of_scatterers(mean, moves, &mut rng),
                };
                if moves {
                    gain /= (LINES as f64).sqrt();
                }
                gain * deviation(k)
            })
            .collect();
        let doppler_hz = |velocity_mps: f64| -2.0 * velocity_mps * taps.carrier_hz / LIGHT_MPS;
        let motion = moves
            .then(|| Motion::draw(doppler_hz(config.velocity_mps), doppler_hz(spread_mps), n_taps, &mut rng));
        Ok(Self { first_tap, gains, motion })
    }

    /// One past the delay of the last tap.
    pub(crate) fn end(&self) -> usize {
        self.first_tap + self.gains.len()
    }

    /// Adds the taps' gains at a time to `out`, which begins with the patch's first tap.
    pub(crate) fn add_gains(&self, time_s: f64, out: &mut [Complex<f64>]) {
        let Some(motion) = &self.motion else {
            for (out, gain) in out.iter_mut().zip(&self.gains) {
                *out += gain;
            }
            return;
        };
        let mut lines = [[Complex32::ZERO; LINES]; SETS];
        for (line, hz) in lines.as_flattened_mut().iter_mut().zip(&motion.lines_hz) {
            *line = super::fluctuation::phasor(hz * time_s);
        }
        let taps = out.iter_mut().zip(&self.gains).zip(motion.phases.chunks_exact(LINES));
        for (((out, gain), phases), set) in taps.zip((0..SETS).cycle()) {
            let sum: Complex32 = lines[set].iter().zip(phases).map(|(line, phase)| line * phase).sum();
            *out += gain * Complex::new(f64::from(sum.re), f64::from(sum.im));
        }
    }
}

impl Motion {
    fn draw(mean_hz: f64, deviation_hz: f64, n_taps: usize, rng: &mut impl Rng) -> Self {
        let mut lines: Vec<f64> = (0..SETS * LINES).map(|_| StandardNormal.sample(rng)).collect();
        // As a whole they have the mean and the width that was asked for.
        let n = lines.len() as f64;
        let mean = lines.iter().sum::<f64>() / n;
        let deviation = (lines.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        for line in &mut lines {
            *line = mean_hz + deviation_hz * (*line - mean) / deviation;
        }
        let phases = (0..n_taps * LINES).map(|_| super::fluctuation::phasor(rng.random::<f64>())).collect();
        Self { mean_hz, lines_hz: lines, phases }
    }
}

/// Circular, of mean power 1.
fn gaussian(rng: &mut impl Rng) -> Complex<f64> {
    let mut part = || -> f64 { StandardNormal.sample(rng) };
    Complex::new(part(), part()) * std::f64::consts::FRAC_1_SQRT_2
}

/// Sum of a random number of scatterers with random phases, of mean power 1; of those that move the magnitude only.
fn of_scatterers(mean: f64, moves: bool, rng: &mut impl Rng) -> Complex<f64> {
    let n = Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(rng));
    let magnitude = (n / mean).sqrt();
    match n as u64 {
        _ if moves => magnitude.into(),
        // So many have a Gaussian sum.
        1000.. => gaussian(rng) * magnitude,
        n => (0..n).map(|_| Complex::cis(TAU * rng.random::<f64>())).sum::<Complex<f64>>() / mean.sqrt(),
    }
}
