//! Time × frequency.

use super::canvas::{prefix, titled, write_png};
use super::heat_map::{HeatMap, robust_limits};
use super::{About, Waterfall};
use crate::Error;
use std::path::Path;

/// Draws the spectrogram of a stream: power a bin, dB against full scale, over time and frequency. The
/// frequency is absolute where the receiver's is known, else baseband.
///
/// # Errors
/// The file cannot be written.
pub fn draw_spectrogram(path: &Path, about: &About, waterfall: &Waterfall) -> Result<(), Error> {
    let (n_columns, n_bins) = (waterfall.n_columns().max(1), waterfall.n_bins().max(1));
    let value = |column, bin| waterfall.bin(column, bin).map(|power: f64| 10.0 * power.max(1e-20).log10());
    let mut values: Vec<f64> =
        (0..n_columns).flat_map(|column| (0..n_bins).filter_map(move |bin| value(column, bin))).collect();
    let limits = robust_limits(&mut values);

    let span_s = n_columns as f64 * waterfall.column_samples() as f64 / about.sample_rate_hz;
    let (time_scale, time_prefix) = prefix(span_s);
    let half_hz = about.sample_rate_hz / 2.0;
    let (frequency_scale, frequency_prefix) =
        prefix(half_hz + about.center_frequency_hz.unwrap_or(0.0).abs());
    let centre_hz = about.center_frequency_hz.unwrap_or(0.0);
    let frequency = if about.center_frequency_hz.is_some() { "frequency" } else { "baseband frequency" };
    let map = HeatMap {
        x_label: &about.time_label(&format!("{time_prefix}s")),
        y_label: &format!("{frequency} ({frequency_prefix}Hz)"),
        value_label: "dBFS / bin",
        x: [0.0, span_s * time_scale],
        y: [(centre_hz - half_hz) * frequency_scale, (centre_hz + half_hz) * frequency_scale],
        n_columns,
        n_rows: n_bins,
        value: &value,
        limits,
        rings: &[],
        crosses: &[],
        lines: &[],
    };
    write_png(path, |sheet| {
        let rest = titled(sheet, &format!("Spectrogram — {}", about.title))?;
        map.draw(&rest)
    })
}
