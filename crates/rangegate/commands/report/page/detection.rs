//! The probability of detection against what was really there.

use super::{figure, metres, table};
use crate::commands::report::chart::{Axis, Chart, number};
use crate::commands::report::figures::{DetectionFigures, Report};
use rangegate_analysis::Proportion;
use std::fmt::Write as _;

fn share(found: &Proportion) -> String {
    found
        .estimate
        .map_or_else(|| "no look".to_owned(), |p| format!("{p:.3} ({:.3} to {:.3})", found.low, found.high))
}

pub(super) fn detection(report: &Report, body: &mut String) {
    if report.detection.is_empty() {
        return;
    }
    body.push_str("<h2>Probability of detection</h2>");
    if let Some(counts) = report.truth {
        let _ = write!(
            body,
            "<p class=\"muted\">ADS-B: {} aircraft, {} places in {} files; {} left out (on the ground, stale, not sent by the aircraft).</p>",
            counts.aircraft, counts.places, counts.files, counts.left_out
        );
    }
    let rows = report.detection.iter().map(|of| {
        let found = &of.found;
        let by = if of.by_tracks { format!("{} (its tracks)", of.station) } else { of.station.clone() };
        vec![
            by,
            of.reference.clone(),
            share(&found.all),
            found.all.tries.to_string(),
            share(&found.by_chance),
        ]
    });
    body.push_str(&table(&["station", "against", "detected (95 %)", "looks", "as near by chance"], rows));
    body.push_str("<div class=\"grid\">");
    for of in report.detection.iter().filter(|of| of.found.all.tries > 0) {
        by_range(of, body);
        by_azimuth(of, body);
    }
    let gate = report.detection[0].found.gate;
    let _ = write!(
        body,
        "</div><p class=\"muted\">A look counts where the target is within the station's coverage and over its horizon, while the station ran. \
         Detected is what has a detection within {} and {}° in that look. Bars are Wilson's 95 % intervals, which take looks to be \
         independent. The line, where the site's file has a radar, is the radar equation for {} m² fluctuating after Swerling's case 1, Pfa {:e}.</p>",
        metres(gate.range_m),
        number(gate.azimuth_deg),
        number(report.target.rcs_m2),
        report.target.false_alarm_probability
    );
}

fn by_range(of: &DetectionFigures, body: &mut String) {
    let far = of.found.by_range.last().map_or(1.0, |bin| bin.to);
    let (x, y) = (Axis::of(0.0, far, "range", "m"), Axis::of(0.0, 1.04, "probability of detection", ""));
    let mut chart =
        Chart::new(&format!("detection of {} against {} by range", of.station, of.reference), &x, &y);
    let predicted: Vec<(f64, f64)> = of
        .found
        .by_range
        .iter()
        .zip(&of.predicted_by_range)
        .filter_map(|(bin, predicted)| Some((bin.from.midpoint(bin.to), (*predicted)?)))
        .collect();
    chart.line("mark", &predicted);
    for bin in &of.found.by_range {
        if let Some(p) = bin.detected.estimate {
            chart.interval(bin.from.midpoint(bin.to), p, [bin.detected.low, bin.detected.high]);
        }
    }
    body.push_str(&figure(&chart.finish(), &format!("{} against {}, by range", of.station, of.reference)));
}

fn by_azimuth(of: &DetectionFigures, body: &mut String) {
    let (x, y) = (Axis::of(0.0, 360.0, "azimuth", "°"), Axis::of(0.0, 1.04, "probability of detection", ""));
    let mut chart =
        Chart::new(&format!("detection of {} against {} by azimuth", of.station, of.reference), &x, &y);
    for bin in &of.found.by_azimuth {
        if let Some(p) = bin.detected.estimate {
            chart.interval(bin.from.midpoint(bin.to), p, [bin.detected.low, bin.detected.high]);
        }
    }
    body.push_str(&figure(&chart.finish(), &format!("{} against {}, by azimuth", of.station, of.reference)));
}
