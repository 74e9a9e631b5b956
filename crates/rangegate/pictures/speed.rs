//! The spectrogram of speed of a continuous-wave radar.

use super::radar::{Profiles, db};
use anyhow::Result;
use rangegate_core::Detection;
use rangegate_dsp::cw::CwPlan;
use rangegate_sinks::plots::{self, About, MapPicture};
use std::path::{Path, PathBuf};

/// Draws speed over time.
pub fn draw(
    plan: &CwPlan,
    folder: &Path,
    about: &About,
    slices: &Profiles,
    detections: &[Detection],
) -> Result<Vec<PathBuf>> {
    let (Some(first), Some(last)) = (slices.samples.first(), slices.samples.last()) else {
        return Ok(Vec::new());
    };
    let shown = plan.shown_bins();
    let seconds = |sample: u64| (sample.saturating_sub(about.first_sample)) as f64 / about.sample_rate_hz;
    // A slice is that of its middle, as its detections are.
    let middle_s = (plan.n_fft() as f64 - plan.hop() as f64) / 2.0 / about.sample_rate_hz;
    // Of a real signal the magnitude; of a complex one, rising range rate is falling Doppler shift.
    let rate = |bin: f64| plan.velocity_mps_from_doppler_hz(plan.doppler_hz_from_bin(bin));
    let bins: Vec<usize> =
        if plan.is_signed() { shown.clone().rev().collect() } else { shown.clone().collect() };
    let ends = [rate(shown.start as f64 - 0.5), rate(shown.end as f64 - 0.5)]
        .map(|mps| if plan.is_signed() { mps } else { mps.abs() });
    let values = bins.iter().flat_map(|&bin| slices.rows.iter().map(move |row| db(row[bin])));
    let picture = MapPicture {
        title: format!("Speed over time — {}", about.title),
        x_label: about.time_label("s"),
        y_label: if plan.is_signed() { "range rate (m/s), positive is receding" } else { "speed (m/s)" }
            .to_owned(),
        value_label: "dBFS".to_owned(),
        values: values.collect(),
        n_columns: slices.rows.len(),
        x: [
            seconds(*first) + middle_s,
            seconds(*last) + middle_s + plan.hop() as f64 * slices.looks_a_row as f64 / about.sample_rate_hz,
        ],
        y: [ends[0].min(ends[1]), ends[0].max(ends[1])],
        limits: None,
        detections: detections
            .iter()
            .filter(|d| d.channel == 0)
            .filter_map(|d| Some((seconds(d.sample), d.velocity_mps?)))
            .collect(),
        truth: Vec::new(),
        tracks: Vec::new(),
    };
    let path = folder.join("speed.png");
    plots::draw_map(&path, &picture)?;
    Ok(vec![path])
}
