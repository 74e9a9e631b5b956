//! Power over delay and Doppler.

use super::About;
use super::canvas::{Sample, legend, prefix, titled, write_png};
use super::heat_map::{HeatMap, RING};
use crate::Error;
use std::path::Path;

/// Power over a stretch of delays, and Doppler hypotheses.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// Power `[n_doppler × n_delay]`, in any unit.
    pub power: Vec<f32>,
    /// Rows: first and last Doppler hypothesis, Hz.
    pub doppler_hz: [f64; 2],
    /// Number of rows.
    pub n_doppler: usize,
    /// Columns: first and last delay, s.
    pub delay_s: [f64; 2],
    /// Number of columns.
    pub n_delay: usize,
}

/// A detection on its surface.
#[derive(Clone, Debug)]
pub struct DelayDoppler {
    /// Name of the replica, and what else is to stand above the picture.
    pub title: String,
    /// What the delay counts from.
    pub delay_label: String,
    /// All delays.
    pub full: Surface,
    /// The surroundings of the peak.
    pub near: Surface,
    /// Delay and Doppler shift of the detection.
    pub detection: (f64, f64),
}

/// Draws the whole surface and, beside it, the surroundings of the detection; dB over the median.
///
/// # Errors
/// The file cannot be written.
pub fn draw_delay_doppler(path: &Path, about: &About, data: &DelayDoppler) -> Result<(), Error> {
    write_png(path, |sheet| {
        let rest = titled(sheet, &format!("{}, over the median — {}", data.title, about.title))?;
        let rest = legend(&rest, &[(Sample::Ring(RING), "detection")])?;
        let panels = rest.split_evenly((1, 2));
        let median = median(&data.full.power);
        for (panel, surface) in panels.iter().zip([&data.full, &data.near]) {
            draw_surface(panel, surface, data, median)?;
        }
        Ok(())
    })
}

fn draw_surface(
    sheet: &super::canvas::Sheet<'_>,
    surface: &Surface,
    data: &DelayDoppler,
    median: f64,
) -> Result<(), String> {
    if surface.n_delay == 0 || surface.n_doppler == 0 {
        return Ok(());
    }
    let value = |column: usize, row: usize| {
        let power = f64::from(*surface.power.get(row * surface.n_delay + column)?);
        Some(10.0 * (power / median).max(1e-6).log10())
    };
    let greatest = surface
        .power
        .iter()
        .filter(|power| power.is_finite())
        .map(|power| f64::from(*power))
        .fold(0.0, f64::max);
    let high = (10.0 * (greatest / median).max(1.0).log10()).max(6.0);
    let (delay_scale, delay_prefix) = prefix(surface.delay_s[1].abs().max(surface.delay_s[0].abs()));
    let (doppler_scale, doppler_prefix) =
        prefix(surface.doppler_hz[1].abs().max(surface.doppler_hz[0].abs()));
    // A row reaches half a step to both sides of its hypothesis.
    let [low_hz, high_hz] = surface.doppler_hz;
    let half_hz =
        if surface.n_doppler > 1 { (high_hz - low_hz) / (surface.n_doppler - 1) as f64 / 2.0 } else { 0.5 };
    HeatMap {
        x_label: &format!("{} ({delay_prefix}s)", data.delay_label),
        y_label: &format!("Doppler shift ({doppler_prefix}Hz)"),
        value_label: "dB",
        x: surface.delay_s.map(|delay| delay * delay_scale),
        y: [(low_hz - half_hz) * doppler_scale, (high_hz + half_hz) * doppler_scale],
        n_columns: surface.n_delay,
        n_rows: surface.n_doppler,
        value: &value,
        limits: [-1.0, high],
        rings: &[(data.detection.0 * delay_scale, data.detection.1 * doppler_scale)],
        crosses: &[],
        lines: &[],
    }
    .draw(sheet)
}

fn median(power: &[f32]) -> f64 {
    let mut sorted: Vec<f32> = power.iter().copied().filter(|power| power.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).map_or(1.0, |median| f64::from(*median).max(1e-30))
}
