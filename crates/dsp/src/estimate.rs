//! Range and range rate of a detection between the cells.
//!
//! For one point target in white noise the likelihood is greatest where `Q(τ, f) = |Y(τ, f)|²` is: the compressed
//! pulses, interpolated at delay τ and summed over slow time at Doppler f,
//!
//! ```text
//!   Y(τ, f) = Σ_p w[p]·exp(−j2π·f·t[p]) · Σ_g y[p, g]·k(τ − g)
//! ```
//!
//! with `k` a Kaiser-windowed sinc of 24 taps. The estimate is that maximum, by Newton's steps on `ln Q` from the peak
//! cell.
//!
//! **Cancellers.** A tone that has gone through a canceller is the same tone with another amplitude, wherever all its taps
//! held pulses: its peak stays where it was, on the steepest slope of the response too, and nothing is to be corrected
//! but the amplitude, by `1/H(f)`. (Dividing the spectrum by the response would pull the peak towards the notch. The noise
//! is coloured, but as good as white within a main lobe, which is all that matters in a long CPI.) With a staggered PRI
//! the amplitude changes from pulse to pulse, by a sequence `s(f)` that depends on Doppler: then what is summed is
//! `conj(s[p])·y[p] / √(Σ w·|s|²)` in place of the tone.
//!
//! **Sample rate.** The interpolation is flat to 0.4 of the sample rate and rejects images from 0.6 on (74 dB), so the
//! pulses have to be sampled at 1.25 times their bandwidth or more. At the bandwidth itself the edges of a chirp's
//! spectrum, which tell most of the delay, fold.
//!
//! **Weights.** Other than equal ones cost accuracy (Hann about 1.3 times the standard deviation of Doppler) and are for
//! where a strong neighbour in Doppler would shift the peak.
//!
//! References: D. C. Rife, R. R. Boorstyn, IEEE Trans. IT-20 (1974), 591; A. W. Rihaczek, Principles of High-Resolution
//! Radar, 1969. The bounds are in [`crate::theory`].

use crate::clutter::CancellerPlan;
use crate::range_doppler::PulseCube;
use crate::window::{Window, WindowPlan};
use rustfft::num_complex::Complex64;
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Taps of the interpolation on either side.
const HALF_TAPS: usize = 12;
/// Gates on either side of the peak cell that estimates may use.
const REACH: usize = HALF_TAPS + 2;
const N_COLUMNS: usize = 2 * REACH + 1;
/// For 74 dB over a transition of 0.2 of the sample rate (Kaiser's formula).
const KAISER_BETA: f64 = 7.2;
/// Step of the differences, in gates and in Doppler resolution cells.
const STEP: f64 = 0.05;
/// How far from the peak cell an estimate may lie, in gates and in Doppler resolution cells.
const FURTHEST: f64 = 2.0;
const MAX_STEPS: usize = 8;
/// Change after which the maximum is reached, in gates and in Doppler resolution cells.
const CONVERGED: f64 = 1e-5;

/// What can be set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EstimatorOptions {
    /// Weight of each pulse; empty: equal ones, which are the most accurate.
    pub weights: Vec<f32>,
    /// How far the delay at the matched filter's output moves with Doppler: `delay = measured − coupling·f`. For a
    /// chirp of rate `k` Hz/s it is `−1/k`.
    pub coupling_s_per_hz: f64,
}

/// A setting from which no estimator can be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, expected {expected}")]
pub struct EstimateError {
    /// Name of the setting.
    pub field: &'static str,
    /// What it was.
    pub found: String,
    /// What it has to be.
    pub expected: &'static str,
}

/// An estimator, planned.
#[derive(Clone, Debug)]
pub struct EstimatorPlan {
    /// Times of the pulses from the middle of the CPI, s.
    times_s: Vec<f64>,
    weights: Vec<f64>,
    /// Doppler resolution, Hz.
    cell_hz: f64,
    coupling_gates_per_hz: f64,
    window: WindowPlan,
    /// What pulses at a stagger went through, and the middle of the CPI on its clock, s.
    staggered: Option<(CancellerPlan, f64)>,
}

/// Where a target is and how strong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Gate, with what lies between gates, in the middle of the CPI; Doppler coupling is taken out. If `doppler_hz` is
    /// unfolded by `n` PRFs later, `coupling_s_per_hz · n·PRF · sample rate` is still to be subtracted.
    pub gate: f64,
    /// Doppler shift, Hz.
    pub doppler_hz: f64,
    /// Amplitude of the echo in one of the pulses given, with its phase in the middle of the CPI.
    pub amplitude: Complex64,
    /// Whether there is a maximum within two gates and Doppler resolution cells of the peak cell. If not, the estimate
    /// is the highest of the points half a cell apart next to it.
    pub converged: bool,
}

impl EstimatorPlan {
    /// Plans for compressed pulses transmitted at `pulse_times_s` (any origin; behind a canceller, those of the rows
    /// that are left) and sampled at `sample_rate_hz`.
    ///
    /// # Errors
    /// Less than two pulses, times that do not rise, a rate that is none, weights that are not as many as pulses, not
    /// finite, or of sum zero.
    pub fn new(
        pulse_times_s: &[f64],
        sample_rate_hz: f64,
        options: &EstimatorOptions,
    ) -> Result<Self, EstimateError> {
        let error = |field, found: String, expected| Err(EstimateError { field, found, expected });
        let n = pulse_times_s.len();
        if n < 2 {
            return error("pulse_times_s", format!("{n} pulses"), "two or more");
        }
        let rises = |pair: &[f64]| pair[1] > pair[0] && (pair[1] - pair[0]).is_finite();
        if let Some(pair) = pulse_times_s.windows(2).find(|pair| !rises(pair)) {
            return error("pulse_times_s", format!("{pair:?}"), "rising times");
        }
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return error("sample_rate_hz", sample_rate_hz.to_string(), "a positive number");
        }
        if !options.coupling_s_per_hz.is_finite() {
            return error("coupling_s_per_hz", options.coupling_s_per_hz.to_string(), "a number");
        }
        let weights = if options.weights.is_empty() { vec![1.0; n] } else { options.weights.clone() };
        if weights.len() != n {
            return error("weights", format!("{} for {n} pulses", weights.len()), "one per pulse");
        }
        let sum = weights.iter().map(|&w| f64::from(w)).sum::<f64>();
        if !(sum.is_finite() && sum > 0.0) {
            return error("weights", format!("a sum of {sum}"), "a positive sum");
        }
        let (first, last) = (pulse_times_s[0], pulse_times_s[n - 1]);
        let duration_s = (last - first) * n as f64 / (n - 1) as f64;
        Ok(Self {
            times_s: pulse_times_s.iter().map(|t| (t - first) - (last - first) / 2.0).collect(),
            weights: weights.iter().map(|&w| f64::from(w) / sum).collect(),
            cell_hz: 1.0 / duration_s,
            coupling_gates_per_hz: options.coupling_s_per_hz * sample_rate_hz,
            window: Window::Kaiser { beta: KAISER_BETA }.plan(2 * HALF_TAPS),
            staggered: None,
        })
    }

    /// The pulses are at a stagger and went through this canceller, or the one that does nothing. Of as many pulses as
    /// the plan if it leaves as many as the plan has.
    #[must_use]
    pub fn behind_staggered(mut self, canceller: CancellerPlan) -> Self {
        let middle_s = -self.times_s[0];
        self.staggered = (canceller.n_left() == self.times_s.len()).then_some((canceller, middle_s));
        self
    }

    /// Noise power of the amplitude that is estimated, over that of one compressed pulse: `Σw²/(Σw)²`, one over the
    /// number of pulses for equal weights. The echo's SNR is `|amplitude|²` over the noise of a pulse times this.
    pub fn noise_gain(&self) -> f64 {
        self.weights.iter().map(|w| w * w).sum()
    }
}

/// What runs an [`EstimatorPlan`].
#[derive(Clone, Debug)]
pub struct Estimator {
    plan: Arc<EstimatorPlan>,
    /// Pulses summed at three neighbouring frequencies.
    columns: [[Complex64; N_COLUMNS]; 3],
    /// What each pulse is multiplied with, at the three frequencies.
    turns: Vec<[Complex64; 3]>,
    /// `exp(−j2π·δ·t[p])`, from one frequency to the next higher.
    steps: Vec<Complex64>,
    steering: Vec<Complex64>,
}

/// Where the maximum is sought: gates and Doppler resolution cells from the peak cell.
#[derive(Clone, Copy, Debug, Default)]
struct Offset {
    gates: f64,
    cells: f64,
}

impl Estimator {
    /// Allocates what the plan needs.
    pub fn new(plan: Arc<EstimatorPlan>) -> Self {
        let step = |t: &f64| Complex64::cis(-TAU * STEP * plan.cell_hz * t);
        let (steps, n) = (plan.times_s.iter().map(step).collect(), plan.times_s.len());
        let turns = vec![[Complex64::ZERO; 3]; n];
        // A canceller starts from all pulses.
        let steering = Vec::with_capacity(plan.staggered.as_ref().map_or(0, |(c, _)| c.n_pulses()));
        Self { columns: [[Complex64::ZERO; N_COLUMNS]; 3], turns, steps, steering, plan }
    }

    /// Estimates a target whose peak cell is at `gate` and `doppler_hz`.
    ///
    /// Gates beyond the ends count as empty, so estimates within 12 gates of an end are a little less accurate.
    /// Cost: about seven times pulses × 29 gates × 3. Allocates nothing.
    ///
    /// # Panics
    /// The cube has not as many rows as the plan has pulses.
    pub fn estimate(&mut self, cube: &PulseCube, gate: usize, doppler_hz: f64) -> Estimate {
        let n_planned = self.plan.times_s.len();
        assert!(cube.n_rows() == n_planned, "{} pulses, the plan is for {n_planned}", cube.n_rows());
        let start = self.start(cube, gate, doppler_hz);
        let mut at = start;
        let mut converged = false;
        for _ in 0..MAX_STEPS {
            let Some(step) = self.newton_step(cube, gate, doppler_hz, at) else { break };
            at = Offset { gates: at.gates + step.gates, cells: at.cells + step.cells };
            if !(at.gates.abs() <= FURTHEST && at.cells.abs() <= FURTHEST) {
                break;
            }
            converged = step.gates.abs() < CONVERGED && step.cells.abs() < CONVERGED;
            if converged {
                break;
            }
        }
        if !converged {
            at = start;
        }
        let plan = Arc::clone(&self.plan);
        let doppler_hz = doppler_hz + at.cells * plan.cell_hz;
        self.sum_pulses(cube, gate, doppler_hz);
        let amplitude = self.interpolate(1, at.gates);
        let gate = gate as f64 + at.gates - plan.coupling_gates_per_hz * doppler_hz;
        Estimate { gate, doppler_hz, amplitude, converged }
    }

    /// The highest of points half a cell apart around the peak cell: noise may have put that on the slope.
    fn start(&mut self, cube: &PulseCube, gate: usize, doppler_hz: f64) -> Offset {
        let mut best = (f64::NEG_INFINITY, Offset::default());
        for cells in [0.0, -0.5, 0.5] {
            let doppler_hz = doppler_hz + cells * self.plan.cell_hz;
            self.sum_pulses(cube, gate, doppler_hz);
            for gates in [0.0, -0.5, 0.5, -1.0, 1.0, -1.5, 1.5] {
                let q = self.interpolate(1, gates).norm_sqr();
                if q > best.0 {
                    best = (q, Offset { gates, cells });
                }
            }
        }
        best.1
    }

    /// Newton's step of `ln Q` from an offset, half a cell at most; none where it is not a number.
    fn newton_step(&mut self, cube: &PulseCube, gate: usize, doppler_hz: f64, at: Offset) -> Option<Offset> {
        let cell_hz = self.plan.cell_hz;
        self.sum_pulses(cube, gate, doppler_hz + at.cells * cell_hz);
        let mut q = [[0.0; 3]; 3];
        for (j, of_frequency) in q.iter_mut().enumerate() {
            for (i, q) in of_frequency.iter_mut().enumerate() {
                *q = (self.interpolate(j, at.gates + STEP * (i as f64 - 1.0)).norm_sqr()).ln();
            }
        }
        let first = |low: f64, high: f64| (high - low) / (2.0 * STEP);
        let second = |low: f64, middle: f64, high: f64| (high - 2.0 * middle + low) / (STEP * STEP);
        let (g_gate, g_cell) = (first(q[1][0], q[1][2]), first(q[0][1], q[2][1]));
        let (h_gate, h_cell) = (second(q[1][0], q[1][1], q[1][2]), second(q[0][1], q[1][1], q[2][1]));
        let h_both = (q[2][2] - q[2][0] - q[0][2] + q[0][0]) / (4.0 * STEP * STEP);
        let determinant = h_gate * h_cell - h_both * h_both;
        let step = if h_gate < 0.0 && h_cell < 0.0 && determinant > 0.0 {
            Offset {
                gates: -(h_cell * g_gate - h_both * g_cell) / determinant,
                cells: -(h_gate * g_cell - h_both * g_gate) / determinant,
            }
        } else {
            // Not yet where it is concave: uphill.
            Offset { gates: 0.25 * g_gate.signum(), cells: 0.25 * g_cell.signum() }
        };
        let bounded = Offset { gates: step.gates.clamp(-0.5, 0.5), cells: step.cells.clamp(-0.5, 0.5) };
        (step.gates.is_finite() && step.cells.is_finite()).then_some(bounded)
    }

    /// What the pulses are to be multiplied with at a Doppler shift and its two neighbours.
    fn turn(&mut self, doppler_hz: f64) {
        let plan = &self.plan;
        let Some((canceller, middle_s)) = &plan.staggered else {
            let pulses = self.turns.iter_mut().zip(&self.steps).zip(plan.times_s.iter().zip(&plan.weights));
            for ((turns, step), (time_s, weight)) in pulses {
                let turn = Complex64::cis(-TAU * doppler_hz * time_s) * weight;
                *turns = [turn * step.conj(), turn, turn * step];
            }
            return;
        };
        for (k, cells) in [-STEP, 0.0, STEP].into_iter().enumerate() {
            let doppler_hz = doppler_hz + cells * plan.cell_hz;
            canceller.steering(doppler_hz, &mut self.steering);
            let power: f64 = self.steering.iter().zip(&plan.weights).map(|(s, w)| w * s.norm_sqr()).sum();
            let scale = Complex64::cis(TAU * doppler_hz * middle_s) / power.sqrt();
            let pulses = self.turns.iter_mut().zip(&self.steering).zip(&plan.weights);
            pulses.for_each(|((turns, s), w)| turns[k] = s.conj() * scale * w);
        }
    }

    /// The columns around a gate at a Doppler shift and its two neighbours.
    fn sum_pulses(&mut self, cube: &PulseCube, gate: usize, doppler_hz: f64) {
        self.turn(doppler_hz);
        let from = gate.saturating_sub(REACH).min(cube.n_gates());
        let to = (gate + REACH + 1).min(cube.n_gates()).max(from);
        let lead = from + REACH - gate.min(from + REACH);
        self.columns = [[Complex64::ZERO; N_COLUMNS]; 3];
        let [lower, here, higher] = &mut self.columns;
        for (p, turns) in self.turns.iter().enumerate() {
            let sums = lower[lead..].iter_mut().zip(&mut here[lead..]).zip(&mut higher[lead..]);
            for (y, ((lower, here), higher)) in cube.row(p)[from..to].iter().zip(sums) {
                let y = Complex64::new(y.re.into(), y.im.into());
                *lower += y * turns[0];
                *here += y * turns[1];
                *higher += y * turns[2];
            }
        }
    }

    /// One of the columns, `gates` from the peak cell.
    fn interpolate(&self, column: usize, gates: f64) -> Complex64 {
        let nearest = gates.round();
        let fraction = gates - nearest;
        let centre = REACH.saturating_add_signed(nearest as isize);
        let sine = (PI * fraction).sin() / PI;
        let mut sum = Complex64::ZERO;
        for (k, value) in self.columns[column].iter().enumerate() {
            // The tap at distance d is (−1)^d·sin(π·fraction)/(π·(fraction − d)).
            let d = k as f64 - centre as f64;
            let x = fraction - d;
            if x.abs() >= HALF_TAPS as f64 {
                continue;
            }
            let sinc = match x.abs() < 1e-9 {
                true => 1.0,
                false => (if k.abs_diff(centre) % 2 == 0 { sine } else { -sine }) / x,
            };
            sum += value * (sinc * self.plan.window.at(0.5 + x / (2 * HALF_TAPS) as f64));
        }
        sum
    }
}

#[cfg(test)]
mod tests;
