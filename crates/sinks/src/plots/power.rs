//! Power over time, with the detections.

use super::canvas::{BEHIND, DATA, LABEL, MARKS, TICK, axis, prefix, text, tick, titled, write_png};
use super::frame::Frame;
use super::{About, Waterfall};
use crate::Error;
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a detection lies and what matched.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Absolute index of its sample.
    pub sample: u64,
    /// Name of the replica.
    pub template: String,
}

/// Templates that get a colour of their own.
const MAX_COLOURS: usize = MARKS.len();

/// Draws mean and greatest power over time, dB against full scale, with a tick for each detection above them;
/// gaps are left white.
///
/// # Errors
/// The file cannot be written.
pub fn draw_power(path: &Path, about: &About, waterfall: &Waterfall, marks: &[Mark]) -> Result<(), Error> {
    let column_s = waterfall.column_samples() as f64 / about.sample_rate_hz;
    let span_s = waterfall.n_columns().max(1) as f64 * column_s;
    let (scale, time_prefix) = prefix(span_s);
    let db = |power: f64| 10.0 * power.max(1e-15).log10();
    let columns: Vec<(f64, Option<(f64, f64)>)> = (0..waterfall.n_columns())
        .map(|at| {
            let power = waterfall.power(at).map(|(mean, peak)| (db(mean), db(peak)));
            (at as f64 * column_s * scale, power.filter(|(mean, peak)| mean.is_finite() && peak.is_finite()))
        })
        .collect();
    let values = || columns.iter().filter_map(|(_, power)| *power);
    let low = values().map(|(mean, _)| mean).fold(f64::INFINITY, f64::min);
    let high = values().map(|(_, peak)| peak).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low.is_finite() { (low - 3.0, high.max(low + 6.0)) } else { (-60.0, 0.0) };
    let time = axis(0.0, span_s * scale);
    // Room above the data for the detections and the legend.
    let top = high + 0.3 * (high - low);
    let carpet = [high + 0.04 * (high - low), high + 0.1 * (high - low)];

    write_png(path, |sheet| {
        let rest = titled(sheet, &format!("Power over time — {}", about.title))?;
        let mut chart = Frame::default().chart(&rest, &time, &axis(low, top))?;
        chart
            .configure_mesh()
            .x_desc(about.time_label(&format!("{time_prefix}s")))
            .y_desc("power (dBFS)")
            .x_labels(10)
            .y_labels(8)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&|value| tick(*value))
            .axis_desc_style(("sans-serif", LABEL))
            .label_style(("sans-serif", TICK))
            .light_line_style(WHITE)
            .draw()
            .map_err(text)?;
        let width = column_s * scale;
        let bars = columns.iter().filter_map(|&(x, power)| {
            let (mean, peak) = power?;
            Some(Rectangle::new([(x, mean), (x + width, peak)], BEHIND.filled()))
        });
        chart
            .draw_series(bars)
            .map_err(text)?
            .label("greatest sample")
            .legend(|(x, y)| Rectangle::new([(x, y - 6), (x + 26, y + 6)], BEHIND.filled()));
        // A line a run: nothing is drawn across gaps.
        for (number, run) in columns.split(|(_, power)| power.is_none()).enumerate() {
            let steps = run.iter().filter_map(|&(x, power)| Some((x, x + width, power?.0)));
            let line = steps.flat_map(|(from, to, mean)| [(from, mean), (to, mean)]);
            let series = chart.draw_series(LineSeries::new(line, DATA.stroke_width(2))).map_err(text)?;
            if number == 0 {
                series
                    .label("mean")
                    .legend(|(x, y)| PathElement::new([(x, y), (x + 26, y)], DATA.stroke_width(3)));
            }
        }
        for (name, samples, colour) in groups(marks) {
            let opacity = if marks.len() > 300 { 0.35 } else { 0.9 };
            let places = samples.iter().map(|&sample| about.seconds_from_sample(sample, 0.0) * scale);
            let ticks = places.filter(|x| time.contains(x)).map(|x| {
                PathElement::new([(x, carpet[0]), (x, carpet[1])], colour.mix(opacity).stroke_width(2))
            });
            chart.draw_series(ticks).map_err(text)?.label(format!("{name}: {}", samples.len())).legend(
                move |(x, y)| PathElement::new([(x + 13, y - 8), (x + 13, y + 8)], colour.stroke_width(3)),
            );
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .legend_area_size(38)
            .margin(8)
            .background_style(WHITE.mix(0.9))
            .border_style(RGBColor(0xb0, 0xb0, 0xb0))
            .label_font(("sans-serif", TICK))
            .draw()
            .map_err(text)
    })
}

/// Detections by template, each with its colour; the templates with the fewest share the last.
fn groups(marks: &[Mark]) -> Vec<(String, Vec<u64>, RGBColor)> {
    let mut by_template: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for mark in marks {
        by_template.entry(&mark.template).or_default().push(mark.sample);
    }
    let mut groups: Vec<_> =
        by_template.into_iter().map(|(name, samples)| (name.to_owned(), samples)).collect();
    groups.sort_by_key(|(_, samples)| std::cmp::Reverse(samples.len()));
    if groups.len() > MAX_COLOURS {
        let rest = groups.split_off(MAX_COLOURS - 1);
        let name = format!("{} others", rest.len());
        groups.push((name, rest.into_iter().flat_map(|(_, samples)| samples).collect()));
    }
    groups.into_iter().zip(MARKS).map(|((name, samples), colour)| (name, samples, colour)).collect()
}
