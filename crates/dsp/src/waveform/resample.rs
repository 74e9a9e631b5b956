//! Band-limited resampling of a short record.

use super::ROUNDING;
use crate::window::Window;
use rangegate_core::Complex32;
use rustfft::num_complex::Complex;
use std::f64::consts::PI;

/// Zero crossings of the sinc on either side.
const ZERO_CROSSINGS: f64 = 32.0;

/// `y[m] = Σ x[k]·h(m·fs/ft − k)`, with `h` a windowed sinc cut off at the lower of both Nyquist frequencies;
/// zero is taken for what lies before and after the record. The same samples where the rates are the same.
pub(super) fn resample(samples: Vec<Complex32>, source_hz: f64, target_hz: f64) -> Vec<Complex32> {
    let ratio = source_hz / target_hz;
    if (ratio - 1.0).abs() < 1e-12 {
        return samples;
    }
    let cutoff = (1.0 / ratio).min(1.0);
    let reach = ZERO_CROSSINGS / cutoff;
    let window = Window::Kaiser { beta: 8.0 }.plan(0);
    let kernel = |t: f64| {
        let x = PI * cutoff * t;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        cutoff * sinc * window.at(0.5 + 0.5 * t / reach)
    };
    let n_out = ((samples.len() as f64 / ratio - ROUNDING).ceil() as usize).max(1);
    let value = |m: usize| {
        let center = m as f64 * ratio;
        let first = (center - reach).ceil().max(0.0) as usize;
        let end = ((center + reach).floor() as usize + 1).min(samples.len());
        let mut sum = Complex::<f64>::ZERO;
        for (k, x) in samples.iter().enumerate().take(end).skip(first) {
            sum += Complex::new(f64::from(x.re), f64::from(x.im)) * kernel(center - k as f64);
        }
        Complex32::new(sum.re as f32, sum.im as f32)
    };
    (0..n_out).map(value).collect()
}
