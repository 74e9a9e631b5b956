//! What of a swept radar's processing is settled before the first sample.

use super::{FmcwConfig, FmcwInput, FmcwWorker, RangeLimits, SPEED_OF_LIGHT_MPS};
use crate::convert::{ConvertError, Converter};
use crate::range_doppler::PulseCube;
use crate::window::WindowError;
use rangegate_core::{Complex32, StreamInfo};
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

/// Why a swept radar's processing cannot be planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FmcwError {
    /// A setting is out of its range, or does not go with another.
    #[error("{field}: found {found}, expected {expected}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A window that is none.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The samples cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

fn refused(field: &'static str, found: impl ToString, expected: impl Into<String>) -> FmcwError {
    FmcwError::Setting { field, found: found.to_string(), expected: expected.into() }
}

/// Longest range transform.
const MAX_RANGE: usize = 1 << 22;
/// Most cells of a cube.
const MAX_CELLS: usize = 1 << 27;

/// Range compression of a swept radar, planned for one stream. Immutable; share it by [`Arc`].
///
/// Cost of a chirp: one transform of [`FmcwPlan::n_range`] points.
pub struct FmcwPlan {
    pub(super) converter: Converter,
    pub(super) fft: Arc<dyn Fft<f32>>,
    /// Samples of a chirp that are transformed.
    pub(super) used: Range<usize>,
    /// Window, scaled so that a tone of amplitude A gives A; times the conjugate replica where this dechirps.
    pub(super) weights: Vec<Complex32>,
    /// Beat frequencies of positive ranges are negative.
    pub(super) mirrored: bool,
    /// The cube holds the conjugate of the transform.
    pub(super) conjugated: bool,
    pub(super) gates: Range<usize>,
    pub(super) n_channels: usize,
    n_pulses: usize,
    chirp_len: usize,
    range_m_per_gate: f64,
    wave_length_m: f64,
    chirp_period_s: f64,
    coupling_s: f64,
}

impl FmcwPlan {
    /// Plans for a stream. Each of its pulses is a chirp; a stream without pulses is cut every `chirp_period_s`.
    ///
    /// # Errors
    /// A setting is out of its range, or does not fit the stream: the message says which and what would.
    pub fn new(config: &FmcwConfig, stream: &StreamInfo) -> Result<Self, FmcwError> {
        check(config, stream)?;
        let (sweep, rate_hz) = (&config.sweep, stream.sample_rate.hz());
        let chirp_len = chirp_len(config, stream)?;
        let used = used(config, chirp_len, rate_hz)?;
        let n_range = config.n_range.unwrap_or(used.len());
        if !(used.len()..=MAX_RANGE).contains(&n_range) {
            let expected = format!("{} (the samples of a sweep) to {MAX_RANGE}", used.len());
            return Err(refused("n_range", n_range, expected));
        }
        let real = !stream.format.complex;
        let rising = sweep.slope_hz_per_s > 0.0;
        let (mirrored, conjugated) = match config.input {
            FmcwInput::Beat if real => (false, rising),
            FmcwInput::Beat => (!rising, true),
            FmcwInput::Sweep => (rising, false),
        };
        let n_all = if real && config.input == FmcwInput::Beat { n_range / 2 } else { n_range };
        let range_m_per_gate =
            SPEED_OF_LIGHT_MPS * rate_hz / (2.0 * sweep.slope_hz_per_s.abs() * n_range as f64);
        let gates = gates(config.range_m, range_m_per_gate, n_all)?;
        let n_cells = gates.len().saturating_mul(config.n_pulses);
        if n_cells > MAX_CELLS {
            let found = format!("{} chirps of {} gates", config.n_pulses, gates.len());
            return Err(refused("n_pulses", found, format!("{MAX_CELLS} cells at most")));
        }
        Ok(Self {
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            fft: FftPlanner::new().plan_fft_forward(n_range),
            weights: weights(config, used.clone(), rate_hz, if real { 2.0 } else { 1.0 }),
            used,
            mirrored,
            conjugated,
            gates,
            n_channels: stream.n_channels,
            n_pulses: config.n_pulses,
            chirp_len,
            range_m_per_gate,
            wave_length_m: SPEED_OF_LIGHT_MPS / sweep.carrier_hz,
            chirp_period_s: sweep.chirp_period_s,
            coupling_s: sweep.carrier_hz / sweep.slope_hz_per_s,
        })
    }

    /// Chirps in a CPI: rows of the cube.
    pub fn n_pulses(&self) -> usize {
        self.n_pulses
    }

    /// Range gates: columns of the cube.
    pub fn n_gates(&self) -> usize {
        self.gates.len()
    }

    /// Length of the range transform.
    pub fn n_range(&self) -> usize {
        self.fft.len()
    }

    /// Samples from the start of one chirp to that of the next, as the stream has them.
    pub fn chirp_len(&self) -> usize {
        self.chirp_len
    }

    /// Distance of two gates, m: `c·fs / (2·|S|·n_range)`.
    pub fn range_m_per_gate(&self) -> f64 {
        self.range_m_per_gate
    }

    /// Range of a gate of the cube, whole or between two, m; that of a target at rest.
    pub fn range_m_from_gate(&self, gate: f64) -> f64 {
        (self.gates.start as f64 + gate) * self.range_m_per_gate
    }

    /// How much too far a target of this range rate appears, m: `v·f/S`.
    pub fn range_shift_m(&self, velocity_mps: f64) -> f64 {
        velocity_mps * self.coupling_s
    }

    /// Range rate that goes with a Doppler shift, m/s: `−f·λ/2`.
    pub fn velocity_mps_from_doppler_hz(&self, doppler_hz: f64) -> f64 {
        -0.5 * self.wave_length_m * doppler_hz
    }

    /// Distance of two Doppler bins of a transform of `n_doppler` chirps, m/s: `λ / (2·n·T)`.
    pub fn velocity_mps_per_bin(&self, n_doppler: usize) -> f64 {
        self.wave_length_m / (2.0 * n_doppler as f64 * self.chirp_period_s)
    }

    /// Time from one chirp to the next, s.
    pub fn chirp_period_s(&self) -> f64 {
        self.chirp_period_s
    }

    /// Wave length, m.
    pub fn wave_length_m(&self) -> f64 {
        self.wave_length_m
    }

    /// A cube for one CPI, `[n_pulses × n_gates]`.
    pub fn make_cube(&self) -> PulseCube {
        PulseCube::new(self.n_pulses, self.n_gates())
    }

    /// What works on chirps, with all its memory.
    pub fn make_worker(self: &Arc<Self>) -> FmcwWorker {
        FmcwWorker::new(self)
    }
}

impl std::fmt::Debug for FmcwPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FmcwPlan")
            .field("n_pulses", &self.n_pulses)
            .field("n_range", &self.n_range())
            .field("gates", &self.gates)
            .field("used", &self.used)
            .field("mirrored", &self.mirrored)
            .field("conjugated", &self.conjugated)
            .finish_non_exhaustive()
    }
}

fn check(config: &FmcwConfig, stream: &StreamInfo) -> Result<(), FmcwError> {
    let sweep = &config.sweep;
    let positive = |field, value: f64| {
        // Far outside of these nothing sweeps, and quotients stay finite.
        let ok = (1e-12..=1e18).contains(&value);
        ok.then_some(()).ok_or_else(|| refused(field, value, "a number above zero"))
    };
    if !(1e-6..=1e24).contains(&sweep.slope_hz_per_s.abs()) {
        let expected = "a slope in Hz/s, positive or negative, such as 60e12";
        return Err(refused("sweep.slope_hz_per_s", sweep.slope_hz_per_s, expected));
    }
    positive("sweep.carrier_hz", sweep.carrier_hz)?;
    positive("sweep.chirp_period_s", sweep.chirp_period_s)?;
    if !(0.0..sweep.chirp_period_s).contains(&sweep.start_s) {
        let expected = format!("0 to less than chirp_period_s, {} s", sweep.chirp_period_s);
        return Err(refused("sweep.start_s", sweep.start_s, expected));
    }
    if let Some(duration_s) = sweep.duration_s {
        positive("sweep.duration_s", duration_s)?;
    }
    if let Some(start_hz) = sweep.start_hz.filter(|hz| !hz.is_finite() || config.input == FmcwInput::Beat) {
        let expected = "a finite number, and only with input = \"sweep\"";
        return Err(refused("sweep.start_hz", start_hz, expected));
    }
    config.window.validate()?;
    if config.n_pulses == 0 {
        return Err(refused("n_pulses", 0, "1 chirp or more"));
    }
    let mixed_hz = stream.to_baseband.intermediate_frequency_hz;
    if config.input == FmcwInput::Beat && mixed_hz != 0.0 {
        let expected = "0, because the range of a beat signal is its frequency";
        return Err(refused("intermediate_frequency_hz", mixed_hz, expected));
    }
    if stream.n_channels == 0 {
        return Err(refused("n_channels", 0, "one channel or more"));
    }
    Ok(())
}

/// Samples from one chirp to the next.
fn chirp_len(config: &FmcwConfig, stream: &StreamInfo) -> Result<usize, FmcwError> {
    let (period_s, rate_hz) = (config.sweep.chirp_period_s, stream.sample_rate.hz());
    let in_period = period_s * rate_hz;
    if let Some(pulse_len) = stream.pulse_len {
        if pulse_len as f64 > in_period * (1.0 + 1e-9) {
            let expected =
                format!("at least {} s, the {pulse_len} samples of a chirp", pulse_len as f64 / rate_hz);
            return Err(refused("sweep.chirp_period_s", period_s, expected));
        }
        return Ok(pulse_len);
    }
    // A hundredth of a sample over a CPI would be a hundredth of the unambiguous range.
    let whole = in_period.round();
    if whole < 1.0 || whole > MAX_RANGE as f64 || (in_period - whole).abs() * config.n_pulses as f64 > 0.01 {
        let found = format!("{period_s} s, {in_period} samples");
        return Err(refused(
            "sweep.chirp_period_s",
            found,
            format!("a whole number of samples, 1 to {MAX_RANGE}"),
        ));
    }
    Ok(whole as usize)
}

/// Which samples of a chirp belong to the sweep.
fn used(config: &FmcwConfig, chirp_len: usize, rate_hz: f64) -> Result<Range<usize>, FmcwError> {
    let first = (config.sweep.start_s * rate_hz - 1e-6).ceil();
    let end = config.sweep.duration_s.map_or(chirp_len as f64, |duration_s| {
        ((config.sweep.start_s + duration_s) * rate_hz + 1e-6).floor()
    });
    if end > chirp_len as f64 || end - first < 2.0 {
        let found = format!("samples {first} to {end}");
        let expected = format!("2 samples or more within the {chirp_len} of a chirp");
        return Err(refused("sweep.duration_s", found, expected));
    }
    Ok(first as usize..end as usize)
}

fn gates(
    limits: Option<RangeLimits>,
    range_m_per_gate: f64,
    n_all: usize,
) -> Result<Range<usize>, FmcwError> {
    let Some(RangeLimits { min, max }) = limits else { return Ok(0..n_all) };
    let greatest = n_all as f64 * range_m_per_gate;
    // Written so that NaN is refused too.
    if !(min >= 0.0 && min < max && max <= greatest) {
        let expected = format!("0 <= min < max <= {greatest} m, where the sample rate ends");
        return Err(refused("range_m", format!("{min} to {max} m"), expected));
    }
    let first = (min / range_m_per_gate).floor() as usize;
    let last = (max / range_m_per_gate).ceil() as usize;
    Ok(first..(last + 1).min(n_all))
}

fn weights(config: &FmcwConfig, used: Range<usize>, rate_hz: f64, gain: f64) -> Vec<Complex32> {
    let window = config.window.samples(used.len());
    let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
    let sweep = &config.sweep;
    let swept_s = sweep.duration_s.unwrap_or(used.len() as f64 / rate_hz);
    let start_hz = sweep.start_hz.unwrap_or(-0.5 * sweep.slope_hz_per_s * swept_s);
    let replica = |n: usize| {
        let t = n as f64 / rate_hz - sweep.start_s;
        let cycles = (start_hz + 0.5 * sweep.slope_hz_per_s * t) * t;
        num_complex::Complex64::from_polar(1.0, -TAU * cycles.fract())
    };
    let weight = |(n, &w): (usize, &f32)| {
        let scaled = gain * f64::from(w) / sum;
        match config.input {
            FmcwInput::Beat => Complex32::new(scaled as f32, 0.0),
            FmcwInput::Sweep => {
                let turned = replica(n) * scaled;
                Complex32::new(turned.re as f32, turned.im as f32)
            }
        }
    };
    used.zip(&window).map(weight).collect()
}
