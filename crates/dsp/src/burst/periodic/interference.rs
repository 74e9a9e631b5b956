//! What codes correlate with besides their like: lines in the spectrum, and other, stronger codes.

use super::PeriodicPlan;
use crate::burst::Peak;
use num_complex::Complex64;
use rangegate_core::Complex32;
use std::f64::consts::{PI, TAU};

/// Most power of one harmonic, in units of the mean of those below.
const MAX_LINE: f32 = 32.0;

/// Limits what stands out of a spectrum: a carrier or a spurious line of the receiver, which every code
/// correlates with. Noise stays as it is, and so does a code, whose power is spread over its harmonics.
pub(super) fn limit_lines(spectrum: &mut [Complex32]) {
    let mut limit = f32::INFINITY;
    // Each pass finds lines that stronger ones hid by their share of the mean.
    for _ in 0..3 {
        let below = spectrum.iter().map(|x| x.norm_sqr()).filter(|&power| power <= limit);
        let (sum, n) = below.fold((0.0, 0), |(sum, n), power| (sum + power, n + 1));
        limit = MAX_LINE * sum / n.max(1) as f32;
    }
    for x in spectrum {
        let power = x.norm_sqr();
        if power > limit {
            *x *= (limit / power).sqrt();
        }
    }
}

/// The threshold where the cells of a row spread more than noise.
///
/// The mean of `M` squared magnitudes of noise has variance mean²/M. A row with more holds something that stays
/// through all the sums: the correlation with another code or with many weak lines, which over the delays is
/// like complex Gaussian noise itself. With a share μ of the mean power in it, the M values of a cell have the
/// covariance (1 − μ)·I + μ·11ᵀ and their mean power is a sum of exponential numbers, M − 1 of the mean
/// s = (1 − μ)/M and one of β = s + μ. Its variance is (1 − μ²)/M + μ², which tells μ, and it exceeds t with
/// the probability exp(−t/β)/(1 − s/β)^(M − 1), but for terms that vanish sooner.
pub(super) struct Dispersion {
    n_integrated: f64,
    guard: usize,
    probability: f64,
}

impl Dispersion {
    /// For cells of `n_integrated` squared magnitudes; `guard` cells on each side are the peak's own.
    pub(super) fn new(n_integrated: usize, probability: f64, guard: usize) -> Self {
        Self { n_integrated: n_integrated as f64, guard, probability }
    }

    /// The threshold for a row of so many independent cells with its peak at `cell`; 0 unless the cells spread
    /// more than noise by more than three standard deviations of what is measured.
    pub(super) fn threshold(&self, row: &[f32], cell: usize, n_independent: f64) -> f32 {
        let n = row.len();
        let n_used = n.saturating_sub(2 * self.guard + 1);
        let first = cell + self.guard + 1;
        let (mut sum, mut squares) = (0.0, 0.0);
        for power in (first..first + n_used).map(|i| f64::from(row[i % n])) {
            sum += power;
            squares += power * power;
        }
        let mean = sum / n_used as f64;
        let spread = squares / n_used as f64 / (mean * mean) - 1.0;
        let of_noise = 1.0 / self.n_integrated;
        let deviation = ((2.0 + 6.0 * of_noise) / n_independent).sqrt();
        // A single squared magnitude cannot tell what stays from what does not.
        if self.n_integrated < 2.0 || spread.is_nan() || spread <= of_noise * (1.0 + 3.0 * deviation) {
            return 0.0;
        }
        let share = ((spread - of_noise) / (1.0 - of_noise)).sqrt().min(1.0);
        let small = (1.0 - share) * of_noise;
        let great = small + share;
        let decay = -self.probability.ln() - (self.n_integrated - 1.0) * (-small / great).ln_1p();
        (mean * great * decay) as f32
    }
}

impl PeriodicPlan {
    /// Drops from the peaks of one dwell, all sets together, those that stronger ones explain: a peak stays if
    /// it is above the threshold for noise and the cross-correlation, as predicted from the stronger peaks'
    /// power, delay and Doppler, together. Leaves them by channel and then replica.
    ///
    /// Near and far: codes of a family are not orthogonal. Those of GPS are 24 to 21 dB below a strong
    /// satellite where the Doppler shifts differ by whole kHz, and that is above noise after integration.
    ///
    /// Cost: two passes over the harmonics for each pair of peaks. Does not allocate.
    pub(super) fn settle(&self, peaks: &mut Vec<Peak>) {
        let by_strength = |a: &Peak, b: &Peak| {
            (a.channel.cmp(&b.channel))
                .then(b.statistic.total_cmp(&a.statistic))
                .then(a.template.cmp(&b.template))
        };
        peaks.sort_unstable_by(by_strength);
        let mut n_kept = 0;
        for i in 0..peaks.len() {
            let peak = peaks[i];
            let stronger = peaks[..n_kept].iter().filter(|s| s.channel == peak.channel);
            let interference: f64 = stronger.map(|s| self.cross_correlation(s, &peak)).sum();
            let noise = 10_f64.powf((peak.power_db - peak.snr_db) / 10.0);
            let cfar = &self.filters[peak.template as usize].cfar;
            let factor = f64::from(cfar.factor(cfar.reach_left(), cfar.reach_left()));
            if f64::from(peak.statistic) > factor * (1.0 + interference / noise) {
                peaks[n_kept] = peak;
                n_kept += 1;
            }
        }
        peaks.truncate(n_kept);
        peaks.sort_unstable_by_key(|peak| (peak.channel, peak.template));
    }

    /// Mean power that the signal behind one peak leaves in the cell of another.
    pub(super) fn cross_correlation(&self, strong: &Peak, weak: &Peak) -> f64 {
        let signal =
            10_f64.powf(strong.power_db / 10.0) - 10_f64.powf((strong.power_db - strong.snr_db) / 10.0);
        let apart = (strong.doppler_hz - weak.doppler_hz) * self.period_s;
        // Delays drift apart; what counts is how they stand at the middle of the dwell.
        let dwell_s = (self.coherent * self.noncoherent) as f64 * self.period_s;
        let drift_s = (strong.doppler_hz - weak.doppler_hz) * self.dilation_per_hz * dwell_s / 2.0;
        let delay_s = weak.delay_s.unwrap_or(0.0) - strong.delay_s.unwrap_or(0.0) + drift_s;
        let [weak, strong] = [weak, strong].map(|p| self.filters[p.template as usize].harmonics.as_slice());
        let near = [apart.floor(), apart.floor() + 1.0].map(|shift| {
            let loss = sinc((apart - shift) * self.coherent as f64);
            let correlation = correlation(weak, strong, -(shift as i64), TAU * delay_s / self.period_s);
            loss * loss * correlation
        });
        signal * (near[0] + near[1])
    }
}

/// `|Σ w[q]·conj(s[q + shift])·exp(j·ramp·q)|² / (Σ|s|²)²`, over harmonics in the order of the inverse transform.
fn correlation(weak: &[Complex32], strong: &[Complex32], shift: i64, ramp: f64) -> f64 {
    let n = weak.len() as i64;
    let wide = |x: Complex32| Complex64::new(f64::from(x.re), f64::from(x.im));
    let step = Complex64::cis(ramp);
    let first = -(n / 2);
    let mut phasor = Complex64::cis(ramp * first as f64);
    let (mut sum, mut power) = (Complex64::ZERO, 0.0);
    for q in first..first + n {
        let other = if (first..first + n).contains(&(q + shift)) {
            wide(strong[(q + shift).rem_euclid(n) as usize])
        } else {
            Complex64::ZERO
        };
        sum += wide(weak[q.rem_euclid(n) as usize]) * other.conj() * phasor;
        power += wide(strong[q.rem_euclid(n) as usize]).norm_sqr();
        phasor *= step;
    }
    sum.norm_sqr() / (power * power)
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_limited_and_the_rest_is_left_alone() {
        let mut spectrum: Vec<_> = (0..4000).map(|k| Complex32::from_polar(1.0, k as f32)).collect();
        let before = spectrum.clone();
        spectrum[7] *= 1e4;
        spectrum[2000] *= 50.0;
        limit_lines(&mut spectrum);
        for (k, (x, y)) in spectrum.iter().zip(&before).enumerate() {
            let expected = if k == 7 || k == 2000 { MAX_LINE.sqrt() } else { 1.0 };
            assert!((x - y * expected).norm() < 0.02 * expected, "{k}: {x}");
        }
    }

    #[test]
    fn a_row_that_spreads_more_than_noise_raises_its_threshold() {
        let dispersion = Dispersion::new(4, 1e-6, 2);
        let is = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() <= 0.03 * expected);
        is(dispersion.threshold(&[1.0; 1000], 3, 1000.0), 0.0);
        // Exponential cells: nothing averages out. The peak is not to count.
        let mut row: Vec<_> = (0..1000).map(|i| -2.0 * ((i as f32 + 0.5) / 1000.0).ln()).collect();
        row[500] = 1e6;
        is(dispersion.threshold(&row, 500, 1000.0), 2.0 * 1e6_f64.ln());
        // Too few cells to know.
        is(dispersion.threshold(&row, 500, 3.0), 0.0);
    }
}
