//! Range migration: targets that cross gates within a CPI, and the keystone transform that holds them.
//!
//! A target whose delay changes by `−f_d/f_c` a second has in the pulse cube's range-frequency domain the phase
//! `exp(j2π·f_d·(1 + f/f_c)·t)`: its Doppler depends on the range frequency `f`, and that is its migration. The
//! transform along slow time takes that into account, and another one leads back:
//!
//! ```text
//!   Y[k, f] = Σ_m X[m, f]·exp(−j2π·(k/n + a)·(1 + f/f_c)·m),    y[m, f] = 1/n · Σ_k Y[k, f]·exp(+j2π·k·m/n)
//! ```
//!
//! with `m` counted from the middle of the CPI, `k` from −n/2 to n/2 and [`a`](KeystoneConfig::ambiguity) the whole
//! PRFs by which a target's Doppler is folded. So every target stays at the range that it has there, whatever its
//! velocity, which need not be known (Perry, DiPietro and Fante, IEEE Trans. AES 35(1), 1999). Targets of another `a`
//! go on migrating. The first sum is a chirp-z transform, by Bluestein's convolution (Rabiner, Schafer and Rader 1969).

use crate::range_doppler::PulseCube;
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Range frequencies whose pulses are gathered together: some cache lines of each pulse.
const STRIP: usize = 16;

/// How range migration is corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeystoneConfig {
    /// Whole PRFs between a target's Doppler and what is seen of it, which lies in −PRF/2 to PRF/2.
    #[serde(default)]
    pub ambiguity: i32,
}

/// A keystone transform that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KeystoneError {
    /// No pulse, or no gate.
    #[error("keystone: a CPI has {n_pulses} pulses of {n_gates} gates, expected 1 or more of each")]
    Empty {
        /// Pulses of a CPI.
        n_pulses: usize,
        /// Range gates.
        n_gates: usize,
    },
    /// The carrier is not above the band.
    #[error(
        "keystone: carrier_frequency_hz is {carrier_frequency_hz}, expected more than half the sample rate of \
         {sample_rate_hz} Hz"
    )]
    Carrier {
        /// Carrier, Hz.
        carrier_frequency_hz: f64,
        /// Rate of the gates, Hz.
        sample_rate_hz: f64,
    },
    /// Doppler beyond what a carrier can have.
    #[error(
        "keystone: ambiguity is {ambiguity}, expected −{most} to {most}, within which no target leaves the gates"
    )]
    Ambiguity {
        /// What it was.
        ambiguity: i32,
        /// What it may be.
        most: i32,
    },
}

/// The keystone transform of CPIs of one shape. Immutable; share it by [`Arc`].
pub struct KeystonePlan {
    n_pulses: usize,
    n_gates: usize,
    ambiguity: i32,
    /// At the lowest range frequency, and from one to the next, `[n_pulses]`.
    lowest: Vec<Phasors>,
    step: Vec<Phasors>,
    /// `exp(j2π·k·m/n) / n` of the first `k`.
    last: Vec<Complex32>,
    range_forward: Arc<dyn Fft<f32>>,
    range_inverse: Arc<dyn Fft<f32>>,
    /// Convolution of the chirp-z transform.
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// Doppler bins to pulses.
    back: Arc<dyn Fft<f32>>,
}

/// What turns with the range frequency.
#[derive(Clone, Copy, Debug)]
struct Phasors {
    /// Of a pulse before the convolution.
    before: Complex<f64>,
    /// Of a Doppler bin after it.
    after: Complex<f64>,
    /// The chirp that is convolved with.
    chirp: Complex<f64>,
}

impl Phasors {
    /// With `(first_bin + i)·(m − c) = first_bin·(m − c) − i·c + (i² + m² − (i − m)²) / 2` for bin `i` and pulse `m`,
    /// each at `index`, `c` being the middle of the CPI.
    fn new(index: usize, n: usize, ambiguity: i32, scale: f64) -> Self {
        let (index, n) = (index as f64, n as f64);
        let (first_bin, middle) = (-(n / 2.0).floor(), (n - 1.0) / 2.0);
        let turned = |cycles: f64| Complex::from_polar(1.0, TAU * (scale * cycles).fract());
        let chirp = index * index / (2.0 * n);
        Self {
            before: turned(-(f64::from(ambiguity) + first_bin / n) * (index - middle) - chirp),
            after: turned(index * middle / n - chirp),
            chirp: turned(chirp),
        }
    }

    fn times(self, other: &Self) -> Self {
        Self {
            before: self.before * other.before,
            after: self.after * other.after,
            chirp: self.chirp * other.chirp,
        }
    }
}

impl std::fmt::Debug for KeystonePlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_pulses, n_gates, ambiguity, .. } = self;
        write!(f, "KeystonePlan {{ n_pulses: {n_pulses}, n_gates: {n_gates}, ambiguity: {ambiguity} }}")
    }
}

impl KeystonePlan {
    /// Plans for cubes of `n_pulses` at equal intervals and `n_gates` at `sample_rate_hz`, of a baseband whose zero
    /// is the carrier.
    ///
    /// Cost: O(log n_pulses + log n_gates) a cell; some ten times that of the Doppler transform.
    ///
    /// # Errors
    /// An empty cube, a carrier that is not above half the sample rate, or an ambiguity by which targets migrate
    /// across all gates.
    pub fn new(
        config: &KeystoneConfig,
        n_pulses: usize,
        n_gates: usize,
        sample_rate_hz: f64,
        carrier_frequency_hz: f64,
    ) -> Result<Self, KeystoneError> {
        if n_pulses == 0 || n_gates == 0 {
            return Err(KeystoneError::Empty { n_pulses, n_gates });
        }
        let relative_band = sample_rate_hz / carrier_frequency_hz;
        if !(relative_band > 0.0 && relative_band < 2.0) {
            return Err(KeystoneError::Carrier { carrier_frequency_hz, sample_rate_hz });
        }
        // Gates that a target moves in half a CPI, for one PRF of Doppler.
        let gates_a_prf = n_pulses as f64 / 2.0 * relative_band;
        let ambiguity = config.ambiguity;
        let most = (n_gates as f64 / gates_a_prf).min(1e6) as i32;
        if ambiguity.unsigned_abs() > most.unsigned_abs() {
            return Err(KeystoneError::Ambiguity { ambiguity, most });
        }
        // Those that come in from beyond the last gate must not wrap around, nor their side lobes.
        let crossed = gates_a_prf * (f64::from(ambiguity).abs() + 0.5);
        let n_range = range_len(n_gates + (crossed.ceil() as usize).min(n_gates) + 16);
        let n_chirp = (2 * n_pulses).next_power_of_two();
        let phasors =
            |scale: f64| (0..n_pulses).map(|k| Phasors::new(k, n_pulses, ambiguity, scale)).collect();
        let n = n_pulses as f64;
        // The middle of the CPI is no whole pulse where there is an even number of them.
        let middle = |k: usize| Complex::from_polar(1.0, -TAU * (k as f64 * (n - 1.0) / 2.0 / n).fract());
        let mut lowest: Vec<Phasors> = phasors(1.0 - relative_band / 2.0);
        lowest.iter_mut().enumerate().for_each(|(k, x)| x.after *= middle(k));
        let last = |m: usize| {
            let x = Complex::from_polar(1.0 / n, -TAU * (n / 2.0).floor() / n * (m as f64 - (n - 1.0) / 2.0));
            Complex32::new(x.re as f32, x.im as f32)
        };
        let mut planner = FftPlanner::new();
        Ok(Self {
            n_pulses,
            n_gates,
            ambiguity,
            lowest,
            step: phasors(relative_band / n_range as f64),
            last: (0..n_pulses).map(last).collect(),
            range_forward: planner.plan_fft_forward(n_range),
            range_inverse: planner.plan_fft_inverse(n_range),
            forward: planner.plan_fft_forward(n_chirp),
            inverse: planner.plan_fft_inverse(n_chirp),
            back: planner.plan_fft_inverse(n_pulses),
        })
    }

    /// What runs the plan.
    pub fn make_worker(self: &Arc<Self>) -> Keystone {
        let ffts = [&self.range_forward, &self.range_inverse, &self.forward, &self.inverse, &self.back];
        let scratch = ffts.iter().map(|fft| fft.get_inplace_scratch_len()).max().unwrap_or(0);
        Keystone {
            plan: Arc::clone(self),
            spectra: PulseCube::new(self.n_pulses, self.range_forward.len()),
            pulses: vec![Complex32::ZERO; STRIP * self.n_pulses],
            phasors: self.lowest.clone(),
            chirp: vec![Complex32::ZERO; self.forward.len()],
            product: vec![Complex32::ZERO; self.forward.len()],
            scratch: vec![Complex32::ZERO; scratch],
        }
    }
}

/// A length that FFTs like, of which half is a multiple of [`STRIP`]: at least `n`.
fn range_len(n: usize) -> usize {
    let power = n.next_power_of_two().max(32 * STRIP);
    [power / 16 * 9, power / 8 * 5, power / 4 * 3].into_iter().find(|&len| len >= n).unwrap_or(power)
}

/// Runs a [`KeystonePlan`].
#[derive(Debug)]
pub struct Keystone {
    plan: Arc<KeystonePlan>,
    /// `[n_pulses × n_range]`
    spectra: PulseCube,
    /// `[STRIP × n_pulses]`
    pulses: Vec<Complex32>,
    /// At the current range frequency, `[n_pulses]`.
    phasors: Vec<Phasors>,
    chirp: Vec<Complex32>,
    product: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Keystone {
    /// Moves every target to the gate that it has in the middle of the CPI, in place.
    ///
    /// # Panics
    /// * the cube has not the planned shape.
    pub fn process(&mut self, cube: &mut PulseCube) {
        let plan = Arc::clone(&self.plan);
        let KeystonePlan { n_pulses, n_gates, .. } = *plan;
        assert_eq!((cube.n_rows(), cube.n_gates()), (n_pulses, n_gates), "shape of the cube and of the plan");
        for m in 0..n_pulses {
            let spectrum = self.spectra.row_mut(m);
            let (gates, padding) = spectrum.split_at_mut(n_gates);
            gates.copy_from_slice(cube.row(m));
            padding.fill(Complex32::ZERO);
            plan.range_forward.process_with_scratch(spectrum, &mut self.scratch);
        }
        let n_range = plan.range_forward.len();
        self.phasors.copy_from_slice(&plan.lowest);
        // By rising frequency.
        for first in (0..n_range).step_by(STRIP).map(|first| (first + n_range / 2) % n_range) {
            let bins = first..first + STRIP;
            for m in 0..n_pulses {
                for (k, x) in self.spectra.row(m)[bins.clone()].iter().enumerate() {
                    self.pulses[k * n_pulses + m] = *x;
                }
            }
            for k in 0..STRIP {
                self.resample(k);
                self.phasors.iter_mut().zip(&plan.step).for_each(|(x, step)| *x = x.times(step));
            }
            for m in 0..n_pulses {
                for (k, x) in self.spectra.row_mut(m)[bins.clone()].iter_mut().enumerate() {
                    *x = self.pulses[k * n_pulses + m];
                }
            }
        }
        let scale = 1.0 / n_range as f32;
        for m in 0..n_pulses {
            let spectrum = self.spectra.row_mut(m);
            plan.range_inverse.process_with_scratch(spectrum, &mut self.scratch);
            cube.row_mut(m).iter_mut().zip(&*spectrum).for_each(|(y, x)| *y = x * scale);
        }
    }

    /// The two transforms along slow time for one range frequency.
    fn resample(&mut self, row: usize) {
        let Self { plan, pulses, phasors, chirp, product, scratch, .. } = self;
        let (n, n_chirp) = (plan.n_pulses, chirp.len());
        let x = &mut pulses[row * n..][..n];
        let narrow = |x: Complex<f64>| Complex32::new(x.re as f32, x.im as f32);
        chirp.fill(Complex32::ZERO);
        product.fill(Complex32::ZERO);
        for (m, phasors) in phasors.iter().enumerate() {
            chirp[m] = narrow(phasors.chirp);
            chirp[(n_chirp - m) % n_chirp] = chirp[m];
            product[m] = x[m] * narrow(phasors.before);
        }
        plan.forward.process_with_scratch(chirp, scratch);
        plan.forward.process_with_scratch(product, scratch);
        let scale = 1.0 / n_chirp as f32;
        product.iter_mut().zip(&*chirp).for_each(|(x, c)| *x *= c * scale);
        plan.inverse.process_with_scratch(product, scratch);
        for ((x, product), phasors) in x.iter_mut().zip(&*product).zip(phasors) {
            *x = product * narrow(phasors.after);
        }
        plan.back.process_with_scratch(x, scratch);
        x.iter_mut().zip(&plan.last).for_each(|(x, last)| *x *= last);
    }
}

#[cfg(test)]
mod tests;
