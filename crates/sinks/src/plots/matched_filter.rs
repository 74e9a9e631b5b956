//! The matched filter's output around detections.

use super::About;
use super::canvas::{
    DATA, LABEL, MARKS, Sample, TICK, axis, legend, polyline, prefix, shortened, text, tick, titled,
    write_png,
};
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
        let entries = [
            (Sample::Line(DATA), "output"),
            (Sample::Line(MARKS[1]), "threshold"),
            (Sample::Ring(MARKS[0]), "detection"),
        ];
        let rest = legend(&rest, &entries)?;
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
    let peak_db = Some(trace.peak_db).filter(|peak| peak.is_finite());
    let high = shown().chain(peak_db).fold(0.0, f64::max) + 6.0;
    // Deep notches say nothing; 15 dB below the noise is enough.
    let low = shown().fold(0.0, f64::min).clamp(-15.0, -5.0);
    let (time, level) = (axis(first * scale, last * scale), axis(low, high));
    let mut chart = ChartBuilder::on(sheet)
        .margin(10)
        .caption(shortened(&trace.title, 60), ("sans-serif", LABEL))
        .x_label_area_size(52)
        .y_label_area_size(72)
        .build_cartesian_2d(time.clone(), level.clone())
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
    let (columns, _) = chart.plotting_area().get_pixel_range();
    let n_columns = columns.len().max(1);
    for (values, colour) in [(&trace.snr_db, DATA), (&trace.threshold_db, MARKS[1])] {
        let within = |(offset, value): (&f64, &f64)| {
            let x = seconds(*offset) * scale;
            let is_shown = value.is_finite() && (time.start..=time.end).contains(&x);
            is_shown.then(|| (x, value.clamp(level.start, level.end)))
        };
        let points = trace.offsets.iter().zip(values).filter_map(within).collect();
        let line = polyline(extremes(points, n_columns), colour.stroke_width(2));
        chart.draw_series(line).map_err(text)?;
    }
    let ring = peak_db.map(|peak| (0.0, peak.clamp(level.start, level.end)));
    let ring = ring.filter(|(x, _)| (time.start..=time.end).contains(x));
    chart.draw_series(ring.map(|at| Circle::new(at, 7, MARKS[0].stroke_width(3)))).map_err(text)?;
    Ok(())
}

/// Of the points that share a column of pixels the lowest and the highest: a picture shows no more, and no less.
fn extremes(points: Vec<(f64, f64)>, n_columns: usize) -> Vec<(f64, f64)> {
    let a_column = points.len() / n_columns;
    if a_column < 3 {
        return points;
    }
    let lowest_and_highest = |column: &[(f64, f64)]| {
        let ends = column.iter().enumerate().map(|(at, point)| (point.1, at));
        let by_value = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0);
        let low = ends.clone().min_by(by_value).map_or(0, |end| end.1);
        let high = ends.max_by(by_value).map_or(0, |end| end.1);
        [column[low.min(high)], column[low.max(high)]]
    };
    points.chunks(a_column).flat_map(lowest_and_highest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_pixels_keep_their_extremes() {
        let mut points: Vec<(f64, f64)> = (0..1000).map(|n| (f64::from(n), 0.0)).collect();
        (points[423].1, points[425].1) = (9.0, -7.0);
        let kept = extremes(points.clone(), 100);
        assert_eq!(kept.len(), 200);
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in the order of time");
        assert!(kept.contains(&(423.0, 9.0)) && kept.contains(&(425.0, -7.0)));
        assert_eq!(extremes(points.clone(), 500), points);
    }
}
