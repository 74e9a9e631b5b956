//! Range filters: the matched one, windowed or not, and what is known about any.

use super::{CompressionError, FilterConfig, Matched};
use crate::waveform::Replica;
use crate::window::Window;
use rangegate_core::Complex32;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

type C64 = Complex<f64>;

/// What the trimmed ends of a windowed filter may hold of its energy, each.
const TRIMMED_ENERGY: f64 = 1e-5;

/// A filter along range with the gain 1 for its replica: `y[g] = Σ_j conj(taps[j])·x[g − lead + j]`.
#[derive(Clone, Debug)]
pub struct RangeFilter {
    taps: Vec<C64>,
    lead: usize,
    loss_db: f64,
    peak_side_lobe_db: f64,
    coupling_s_per_hz: f64,
}

impl RangeFilter {
    /// Designs the filter of a replica.
    ///
    /// # Errors
    /// A parameter is out of its range.
    pub fn design(config: &FilterConfig, replica: &Replica) -> Result<Self, CompressionError> {
        let s: Vec<C64> = replica.samples.iter().map(|x| C64::new(x.re.into(), x.im.into())).collect();
        let (mut taps, lead, main_lobe) = match config {
            FilterConfig::Matched(Matched { window: Window::Rectangular {} }) => (s.clone(), 0, None),
            FilterConfig::Matched(Matched { window }) => {
                window.validate()?;
                let (taps, lead) = windowed(&s, window);
                (taps, lead, None)
            }
            FilterConfig::Mismatched(config) => {
                let design = config.design(&s)?;
                (design.taps, design.lead, Some(design.main_lobe))
            }
        };
        // Gain 1 for the replica at gate 0.
        let gain: C64 = taps[lead..].iter().zip(&s).map(|(f, x)| f.conj() * x).sum();
        taps.iter_mut().for_each(|f| *f /= gain.conj());
        let energy = |x: &[C64]| x.iter().map(C64::norm_sqr).sum::<f64>();
        Ok(Self {
            loss_db: 10.0 * (energy(&taps) * energy(&s)).log10(),
            peak_side_lobe_db: peak_side_lobe_db(&taps, lead, &s, main_lobe),
            coupling_s_per_hz: coupling_samples_per_cycle(&taps, lead, &s) / replica.sample_rate_hz.powi(2),
            taps,
            lead,
        })
    }

    /// Number of taps.
    pub fn n_taps(&self) -> usize {
        self.taps.len()
    }

    /// The taps, whose conjugates are multiplied with the samples.
    pub fn taps(&self) -> &[Complex<f64>] {
        &self.taps
    }

    /// Samples before the leading edge that an output takes.
    pub fn lead(&self) -> usize {
        self.lead
    }

    /// What the filter costs in signal-to-noise ratio against the matched one, dB, 0 or more.
    pub fn loss_db(&self) -> f64 {
        self.loss_db
    }

    /// Power of white noise after the filter for noise of power 1 before it: `Σ|f|²`.
    pub fn noise_gain(&self) -> f64 {
        self.taps.iter().map(C64::norm_sqr).sum()
    }

    /// The highest side lobe of an echo at a whole gate against its peak, dB; −∞ where there is none. Side lobes begin
    /// at the first minimum beside the peak; those of a mismatched filter at the edge of the main lobe it was given.
    pub fn peak_side_lobe_db(&self) -> f64 {
        self.peak_side_lobe_db
    }

    /// How the delay of the output's peak changes with the echo's Doppler, s/Hz, for small Doppler: −T/B for a chirp
    /// that sweeps up through B in T. An estimate takes it out by subtracting this times the Doppler.
    pub fn range_doppler_coupling_s_per_hz(&self) -> f64 {
        self.coupling_s_per_hz
    }

    /// `conj(F) / fft_len` for correlation by transforms of `fft_len`.
    ///
    /// # Panics
    /// * there are more taps than that.
    pub(super) fn spectrum(&self, fft_len: usize) -> Vec<Complex32> {
        let bins = transform(&self.taps, fft_len);
        let scale = 1.0 / fft_len as f64;
        bins.iter().map(|x| Complex32::new((x.re * scale) as f32, (-x.im * scale) as f32)).collect()
    }
}

/// Forward transform, zero-padded.
///
/// # Panics
/// * `x` is longer than `fft_len`.
pub(super) fn transform(x: &[C64], fft_len: usize) -> Vec<C64> {
    let mut bins = vec![C64::ZERO; fft_len];
    bins[..x.len()].copy_from_slice(x);
    FftPlanner::new().plan_fft_forward(fft_len).process(&mut bins);
    bins
}

/// Frequency of a bin in cycles a sample, −1/2 to 1/2.
fn cycles_from_bin(k: usize, n: usize) -> f64 {
    (if k < n.div_ceil(2) { k as f64 } else { k as f64 - n as f64 }) / n as f64
}

/// The replica with a window over its band, and the taps before its leading edge.
///
/// The band is where the middle 90 % of the energy lie, and as much more as makes a flat spectrum whole: that of a
/// chirp, whatever its ripple.
fn windowed(s: &[C64], window: &Window) -> (Vec<C64>, usize) {
    let n = (4 * s.len()).next_power_of_two();
    let mut bins = transform(s, n);
    // By rising frequency from −1/2 on.
    let rising = || (n.div_ceil(2)..n).chain(0..n.div_ceil(2));
    let energy: f64 = bins.iter().map(C64::norm_sqr).sum();
    let quantile = |part: f64| {
        let mut sum = 0.0;
        let reached = |&k: &usize| {
            sum += bins[k].norm_sqr();
            sum >= part * energy
        };
        cycles_from_bin(rising().find(reached).unwrap_or(0), n)
    };
    let (low, high) = (quantile(0.05), quantile(0.95));
    // A replica of one frequency has the width of its transform.
    let width = ((high - low) / 0.9).max(1.0 / s.len() as f64);
    let start = (low + high - width) / 2.0;
    let plan = window.plan(n);
    for (k, bin) in bins.iter_mut().enumerate() {
        let x = (cycles_from_bin(k, n) - start) / width;
        *bin *= if (0.0..=1.0).contains(&x) { plan.at(x) } else { 0.0 };
    }
    FftPlanner::new().plan_fft_inverse(n).process(&mut bins);

    // What the window smears over the ends, up to half a replica on either side.
    let spread = s.len() / 2;
    let taps: Vec<C64> = (0..s.len() + 2 * spread).map(|j| bins[(n + j - spread) % n]).collect();
    let energy: f64 = taps.iter().map(C64::norm_sqr).sum();
    let negligible = |taps: &mut dyn Iterator<Item = &C64>| {
        let mut sum = 0.0;
        let small = |x: &&C64| {
            sum += x.norm_sqr();
            sum < TRIMMED_ENERGY * energy
        };
        taps.take(spread).take_while(small).count()
    };
    let (first, last) = (negligible(&mut taps.iter()), negligible(&mut taps.iter().rev()));
    (taps[first..taps.len() - last].to_vec(), spread - first)
}

/// Outputs for the replica itself, and which of them is gate 0; the others are at lags up to both lengths.
pub(super) fn response(taps: &[C64], lead: usize, s: &[C64]) -> (Vec<C64>, usize) {
    let n_lags = taps.len() + s.len() - 1;
    let n = n_lags.next_power_of_two();
    let mut bins = transform(taps, n);
    bins.iter_mut().zip(transform(s, n)).for_each(|(f, x)| *f = f.conj() * x / n as f64);
    FftPlanner::new().plan_fft_inverse(n).process(&mut bins);
    // Gate g stands at g − lead modulo n; the first is where the last tap meets the first sample.
    let y = (0..n_lags).map(|k| bins[(n + k + 1 - taps.len()) % n]).collect();
    (y, taps.len() - 1 - lead)
}

/// Lags from the peak to the first minimum of `|y|`, where the index moves by `step`.
fn first_minimum(y: &[C64], peak: usize, forward: bool) -> usize {
    let at = |k: usize| {
        let index = if forward { peak.checked_add(k) } else { peak.checked_sub(k) };
        index.and_then(|index| y.get(index)).map_or(0.0, |y| y.norm_sqr())
    };
    (1..y.len()).find(|&k| at(k + 1) >= at(k)).unwrap_or(1)
}

/// Half the width of the main lobe of the matched filter, to its first minimum, samples.
pub(super) fn matched_main_lobe(s: &[C64]) -> usize {
    let (y, peak) = response(s, 0, s);
    first_minimum(&y, peak, true)
}

fn peak_side_lobe_db(taps: &[C64], lead: usize, s: &[C64], main_lobe: Option<usize>) -> f64 {
    let (y, peak) = response(taps, lead, s);
    let before = main_lobe.unwrap_or_else(|| first_minimum(&y, peak, false));
    let after = main_lobe.unwrap_or_else(|| first_minimum(&y, peak, true));
    let early = &y[..(peak + 1).saturating_sub(before)];
    let late = y.get(peak + after..).unwrap_or(&[]);
    let greatest = early.iter().chain(late).map(C64::norm_sqr).fold(0.0, f64::max);
    10.0 * (greatest / y[peak].norm_sqr()).log10()
}

/// How many samples the peak of `|y(t)|²` moves for a Doppler of one cycle a sample: the peak is where the derivative
/// by t is 0, and that derivative changes by its own derivatives by t and by the frequency.
fn coupling_samples_per_cycle(taps: &[C64], lead: usize, s: &[C64]) -> f64 {
    let n = (taps.len() + s.len()).next_power_of_two();
    let filter = transform(taps, n);
    let by_frequency: Vec<C64> =
        s.iter().enumerate().map(|(k, x)| x * C64::new(0.0, TAU * k as f64)).collect();
    let (echo, by_frequency) = (transform(s, n), transform(&by_frequency, n));
    // y, its first and second derivative by t, and the first two again for the derivative by frequency.
    let (mut y, mut y_t, mut y_tt, mut z, mut z_t) = (C64::ZERO, C64::ZERO, C64::ZERO, C64::ZERO, C64::ZERO);
    for k in 0..n {
        let cycles = cycles_from_bin(k, n);
        let by_t = C64::new(0.0, TAU * cycles);
        let weight = filter[k].conj() * C64::from_polar(1.0, -TAU * cycles * lead as f64);
        let (a, b) = (weight * echo[k], weight * by_frequency[k]);
        y += a;
        y_t += a * by_t;
        y_tt += a * by_t * by_t;
        z += b;
        z_t += b * by_t;
    }
    let curvature = y_t.norm_sqr() + (y.conj() * y_tt).re;
    let slope = (z.conj() * y_t + y.conj() * z_t).re;
    if curvature < 0.0 { -slope / curvature } else { 0.0 }
}
