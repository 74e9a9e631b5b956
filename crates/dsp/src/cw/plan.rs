//! What of a continuous-wave radar's processing is settled before the first sample.

use super::{CwConfig, CwResult, CwWorker, Slice};
use crate::convert::{ConvertError, Converter};
use crate::detect::{CellStatistics, CfarConfig, CfarError, CfarPlan};
use crate::window::WindowError;
use num_complex::Complex64;
use rangegate_core::{SampleRate, StreamInfo};
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Speed of light, m/s.
const SPEED_OF_LIGHT_MPS: f64 = 299_792_458.0;
/// Longest slice, and longest hop.
const MAX_FFT: usize = 1 << 20;
/// A segment's core is about this long.
const CORE: usize = 1 << 15;
/// Most cells that the slices of a segment hold, unless one slice has more.
const MAX_CELLS: usize = 1 << 22;
const MAX_PEAKS: usize = 4096;
/// Steps from a bin to half-way to the next in the table of the window's main lobe.
const LOBE_STEPS: usize = 64;

/// Why a continuous-wave radar's processing cannot be planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CwError {
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
    /// The detector cannot be planned.
    #[error("cfar: {0}")]
    Cfar(#[from] CfarError),
    /// A window that is none.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The samples cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

fn refused(field: &'static str, found: &impl ToString, expected: impl Into<String>) -> CwError {
    CwError::Setting { field, found: found.to_string(), expected: expected.into() }
}

/// Speed measurement by continuous wave, planned for one stream. Immutable; share it by [`Arc`].
pub struct CwPlan {
    pub(super) converter: Converter,
    pub(super) fft: Arc<dyn Fft<f32>>,
    /// Scaled so that a tone of amplitude A gives A.
    pub(super) window: Vec<f32>,
    pub(super) cfar: CfarPlan,
    pub(super) lobe: MainLobe,
    /// Which bins of a slice are tested, in rows of their own.
    pub(super) tested: Vec<RangeInclusive<usize>>,
    pub(super) signed: bool,
    pub(super) n_channels: usize,
    pub(super) hop: usize,
    pub(super) max_peaks: usize,
    slices_a_segment: usize,
    bin_hz: f64,
    wave_length_m: f64,
    sample_rate: SampleRate,
}

impl CwPlan {
    /// Plans for a stream.
    ///
    /// # Errors
    /// A setting is out of its range, or does not fit the stream: the message says which and what would.
    pub fn new(config: &CwConfig, stream: &StreamInfo) -> Result<Self, CwError> {
        let hop = config.hop.unwrap_or(config.n_fft / 4);
        check(config, stream, hop)?;
        let (n, rate_hz) = (config.n_fft, stream.sample_rate.hz());
        let real = !stream.format.complex;
        // Mixing has made a complex signal of a real one.
        let signed = !real || stream.to_baseband.intermediate_frequency_hz != 0.0;
        let (bin_hz, wave_length_m) = (rate_hz / n as f64, SPEED_OF_LIGHT_MPS / config.carrier_hz);
        let tested = tested(config, signed, 0.5 * wave_length_m * bin_hz)?;

        let mut window = config.window.samples(n);
        let lobe = MainLobe::new(&window);
        let statistics =
            CellStatistics::SquareLaw { n_integrated: 1, correlation: correlation(&window, config) };
        let cfar = CfarPlan::new(&config.cfar, config.false_alarm_probability, &statistics, 0)?;
        let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
        let gain = if real { 2.0 } else { 1.0 } / sum;
        window.iter_mut().for_each(|w| *w = (f64::from(*w) * gain) as f32);
        let slices_at_most = MAX_CELLS / (n * stream.n_channels);
        Ok(Self {
            converter: Converter::new(stream.format, stream.to_baseband, stream.sample_rate)?,
            fft: FftPlanner::new().plan_fft_forward(n),
            window,
            cfar,
            lobe,
            tested,
            signed,
            n_channels: stream.n_channels,
            hop,
            max_peaks: config.max_peaks,
            slices_a_segment: (CORE / hop).min(slices_at_most).max(1),
            bin_hz,
            wave_length_m,
            sample_rate: stream.sample_rate,
        })
    }

    /// Samples a second.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// Samples of a slice.
    pub fn n_fft(&self) -> usize {
        self.window.len()
    }

    /// Samples from one slice to the next.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Length of a segment's core, samples.
    pub fn core_len(&self) -> usize {
        self.slices_a_segment * self.hop
    }

    /// How much of what follows the core has to come with it, samples.
    pub fn tail(&self) -> usize {
        self.n_fft().saturating_sub(self.hop)
    }

    /// Whether speeds have a sign.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// Bins of a slice: all frequencies, or those from zero up for a real signal.
    pub fn n_bins(&self) -> usize {
        if self.signed { self.n_fft() } else { self.n_fft() / 2 + 1 }
    }

    /// The bins that speeds are looked for in, those of the least and of the greatest range rate: of a complex signal
    /// on both sides of zero.
    pub fn shown_bins(&self) -> std::ops::Range<usize> {
        let first = self.tested.iter().map(|bins| *bins.start()).min().unwrap_or(0);
        let end = self.tested.iter().map(|bins| *bins.end() + 1).max().unwrap_or(self.n_bins());
        if self.signed { first..end } else { 0..end }
    }

    /// Doppler shift of a bin of a slice, whole or between two, Hz. They rise from −fs/2, or from 0 for a real
    /// signal.
    pub fn doppler_hz_from_bin(&self, bin: f64) -> f64 {
        let zero = if self.signed { self.n_fft() / 2 } else { 0 };
        (bin - zero as f64) * self.bin_hz
    }

    /// Range rate that goes with a Doppler shift, m/s: `−f·λ/2`.
    pub fn velocity_mps_from_doppler_hz(&self, doppler_hz: f64) -> f64 {
        -0.5 * self.wave_length_m * doppler_hz
    }

    /// What works on segments, with all its memory.
    pub fn make_worker(self: &Arc<Self>) -> CwWorker {
        CwWorker::new(self)
    }

    /// Where a worker puts what it finds, with all its memory.
    pub fn make_result(&self) -> CwResult {
        let slice = || Slice {
            power: vec![0.0; self.n_bins()],
            peaks: Vec::with_capacity(self.max_peaks),
            ..Slice::default()
        };
        let n_slices = self.slices_a_segment * self.n_channels;
        CwResult { slices: (0..n_slices).map(|_| slice()).collect(), ..CwResult::default() }
    }
}

fn check(config: &CwConfig, stream: &StreamInfo, hop: usize) -> Result<(), CwError> {
    // Written so that NaN is refused too.
    if !(1.0..=1e15).contains(&config.carrier_hz) {
        return Err(refused(
            "carrier_hz",
            &config.carrier_hz,
            "the radar's frequency in Hz, such as 24.125e9",
        ));
    }
    if !(8..=MAX_FFT).contains(&config.n_fft) || !config.n_fft.is_multiple_of(2) {
        return Err(refused("n_fft", &config.n_fft, format!("an even number from 8 to {MAX_FFT}")));
    }
    if !(1..=MAX_FFT).contains(&hop) {
        return Err(refused("hop", &hop, format!("1 to {MAX_FFT} samples")));
    }
    if !(1..=MAX_PEAKS).contains(&config.max_peaks) {
        return Err(refused("max_peaks", &config.max_peaks, format!("1 to {MAX_PEAKS}")));
    }
    if !(1..=1 << 16).contains(&stream.n_channels) {
        return Err(refused("n_channels", &stream.n_channels, "1 to 65536 channels"));
    }
    if let Some(samples) = stream.n_samples.filter(|&samples| samples < config.n_fft as u64) {
        return Err(refused("n_fft", &config.n_fft, format!("at most the recording's {samples} samples")));
    }
    config.window.validate()?;
    Ok(())
}

/// Which bins may hold a speed, once for each sign.
fn tested(config: &CwConfig, signed: bool, mps_per_bin: f64) -> Result<Vec<RangeInclusive<usize>>, CwError> {
    let half = config.n_fft / 2;
    // Of a complex signal half the rate is the lowest negative frequency.
    let last = if signed { half - 1 } else { half };
    let greatest_mps = last as f64 * mps_per_bin;
    let max_mps = config.max_speed_mps.unwrap_or(greatest_mps);
    let least = config.min_speed_mps;
    if !(0.0..greatest_mps).contains(&least) {
        let expected = format!("0 to less than {greatest_mps} m/s, where the sample rate ends");
        return Err(refused("min_speed_mps", &least, expected));
    }
    let (low, high) = ((least / mps_per_bin).ceil().max(1.0), (max_mps / mps_per_bin).floor());
    if !(low <= high && max_mps <= greatest_mps) {
        let expected =
            format!("at least a bin of {mps_per_bin} m/s above min_speed_mps, and at most {greatest_mps}");
        return Err(refused("max_speed_mps", &max_mps, expected));
    }
    let (low, high) = (low as usize, high as usize);
    Ok(if signed { vec![half - high..=half - low, half + low..=half + high] } else { vec![low..=high] })
}

/// |ρ[1]|, |ρ[2]|, …: how bins that are so far apart correlate under white noise.
fn correlation(window: &[f32], config: &CwConfig) -> Vec<f32> {
    let (guard, training) = match &config.cfar {
        CfarConfig::CaCfar(w) | CfarConfig::GoCfar(w) | CfarConfig::SoCfar(w) => (w.guard, w.training),
        CfarConfig::OsCfar(w) => (w.guard, w.training),
    };
    let n_lags = guard.saturating_add(training).saturating_mul(2).min(window.len() / 2);
    let mut bins: Vec<Complex64> =
        window.iter().map(|&w| Complex64::new(f64::from(w).powi(2), 0.0)).collect();
    FftPlanner::new().plan_fft_forward(bins.len()).process(&mut bins);
    let rho = |bin: &Complex64| (bin.norm() / bins[0].re).min(1.0) as f32;
    // What is rounding would only cost time.
    bins[1..=n_lags].iter().map(rho).map(|rho| if rho < 1e-6 { 0.0 } else { rho }).collect()
}

/// The window's spectrum next to its peak: what a tone between two bins looks like in both.
pub(super) struct MainLobe {
    /// Amplitude in the nearer bin, for offsets of 0 to 1/2 bin.
    near: Vec<f64>,
    /// Amplitude in the farther bin over that in the nearer one, rising to 1.
    ratio: Vec<f64>,
}

impl MainLobe {
    fn new(window: &[f32]) -> Self {
        let n = window.len() as f64;
        let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
        let amplitude = |offset: f64| {
            let middle = 0.5 * (n - 1.0);
            let terms = window
                .iter()
                .enumerate()
                .map(|(k, &w)| f64::from(w) * (TAU * offset * (k as f64 - middle) / n).cos());
            terms.sum::<f64>().abs() / sum
        };
        let offsets = || (0..=LOBE_STEPS).map(|step| 0.5 * step as f64 / LOBE_STEPS as f64);
        let near: Vec<f64> = offsets().map(amplitude).collect();
        let ratio = offsets().zip(&near).map(|(offset, near)| amplitude(1.0 - offset) / near).collect();
        Self { near, ratio }
    }

    /// Where between the bins a tone lies, −1/2 to 1/2 from the peak, and its amplitude over that of the peak, from
    /// the amplitudes of the peak and its neighbours.
    pub(super) fn between(&self, lower: f64, peak: f64, higher: f64) -> (f64, f64) {
        let (sign, ratio) = if higher >= lower { (1.0, higher / peak) } else { (-1.0, lower / peak) };
        let above = self.ratio.partition_point(|&r| r < ratio).clamp(1, LOBE_STEPS);
        let (r0, r1) = (self.ratio[above - 1], self.ratio[above]);
        let part = ((ratio - r0) / (r1 - r0)).clamp(0.0, 1.0);
        let part = if part.is_nan() { 0.0 } else { part };
        let near = self.near[above - 1] + part * (self.near[above] - self.near[above - 1]);
        (sign * 0.5 * ((above - 1) as f64 + part) / LOBE_STEPS as f64, 1.0 / near)
    }
}
