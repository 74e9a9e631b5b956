//! The matched filter's output around detections.

use super::About;
use super::canvas::{DATA, LABEL, MARKS, TICK, prefix, shortened, text, tick, titled, write_png};
use crate::Error;
use plotters::prelude::*;
use std::path::Path;

/// The filter's output around one detection.
#[derive(Clone, Debug, Default)]
pub struct MatchedFilterTrace {
    /// What is above the panel.
    pub title: String,
    /// Position of each cell from the detection's leading edge, in samples.
    pub offsets: Vec<f64>,
    /// Power of each cell over the noise level beside it, dB.
    pub snr_db: Vec<f64>,
    /// Threshold over the same level, dB.
    pub threshold_db: Vec<f64>,
    /// SNR of the detection, dB.
    pub peak_db: f64,
}

/// Panels in a picture.
const COLUMNS: usize = 2;
const ROWS: usize = 3;

/// Draws up to six traces, the strongest first.
///
/// # Errors
/// The file cannot be written.
pub fn draw_matched_filter(path: &Path, about: &About, traces: &[MatchedFilterTrace]) -> Result<(), Error> {
    let n_rows = traces.len().div_ceil(COLUMNS).clamp(1, ROWS);
    let n_columns = if traces.len() < 2 { 1 } else { COLUMNS };
    write_png(path, |sheet| {
        let title = format!("Matched filter around the strongest detections — {}", about.title);
        let rest = titled(sheet, &title)?;
        for (panel, trace) in rest.split_evenly((n_rows, n_columns)).iter().zip(traces) {
            draw_panel(panel, about, trace)?;
        }
        Ok(())
    })
}

fn draw_panel(
    sheet: &super::canvas::Sheet<'_>,
    about: &About,
    trace: &MatchedFilterTrace,
) -> Result<(), String> {
    let seconds = |offset: f64| offset / about.sample_rate_hz;
    let (first, last) = match (trace.offsets.first(), trace.offsets.last()) {
        (Some(first), Some(last)) if first < last => (seconds(*first), seconds(*last)),
        _ => (-1e-6, 1e-6),
    };
    let (scale, unit) = prefix(first.abs().max(last.abs()));
    let shown = || trace.snr_db.iter().copied().filter(|value| value.is_finite());
    let high = shown().fold(trace.peak_db, f64::max) + 6.0;
    // Deep notches say nothing; 30 dB below the noise is enough.
    let low = shown().fold(0.0, f64::min).clamp(-15.0, -5.0);
    let mut chart = ChartBuilder::on(sheet)
        .margin(10)
        .caption(shortened(&trace.title, 60), ("sans-serif", LABEL))
        .x_label_area_size(52)
        .y_label_area_size(72)
        .build_cartesian_2d(first * scale..last * scale, low..high)
        .map_err(text)?;
    chart
        .configure_mesh()
        .x_desc(format!("time from the leading edge ({unit}s)"))
        .y_desc("over noise (dB)")
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .axis_desc_style(("sans-serif", TICK))
        .label_style(("sans-serif", TICK - 2))
        .light_line_style(WHITE)
        .draw()
        .map_err(text)?;
    let points = |values: &[f64]| -> Vec<(f64, f64)> {
        let xs = trace.offsets.iter().map(|offset| seconds(*offset) * scale);
        xs.zip(values.iter().map(|value| value.clamp(low, high))).filter(|(_, y)| y.is_finite()).collect()
    };
    chart
        .draw_series(LineSeries::new(points(&trace.snr_db), DATA.stroke_width(2)))
        .map_err(text)?
        .label("output")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], DATA.stroke_width(2)));
    chart
        .draw_series(LineSeries::new(points(&trace.threshold_db), MARKS[1].stroke_width(2)))
        .map_err(text)?
        .label("threshold")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], MARKS[1].stroke_width(2)));
    chart
        .draw_series([Circle::new((0.0, trace.peak_db), 7, MARKS[0].stroke_width(3))])
        .map_err(text)?
        .label("detection")
        .legend(|(x, y)| Circle::new((x + 11, y), 6, MARKS[0].stroke_width(3)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .legend_area_size(30)
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", TICK - 2))
        .draw()
        .map_err(text)
}
