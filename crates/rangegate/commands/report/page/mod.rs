//! The page: one file, nothing from elsewhere. Each chapter has a file.

mod detection;
mod histories;
mod interference;
mod maps;

use super::chart::{Axis, Chart, escaped, number, seconds};
use super::figures::{Report, StationFigures};
use anyhow::Result;
use detection::detection;
use histories::histories;
use interference::interference;
use maps::maps;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// The page of a report.
pub fn page(report: &Report) -> Result<String> {
    let mut body = String::new();
    let name = report.archive.file_name().map_or_else(|| "archive".into(), |name| name.to_string_lossy());
    let span = match (report.from, report.to) {
        (Some(from), Some(to)) => format!("{from:.0} to {to:.0}"),
        _ => "no time".to_owned(),
    };
    let _ = write!(body, "<h1>{}</h1><p class=\"muted\">{}</p>", escaped(&name), escaped(&span));
    for note in &report.notes {
        let _ = write!(body, "<p class=\"note\">{}</p>", escaped(note));
    }
    body.push_str(&overview(report));
    if report.from.is_some() {
        body.push_str(&traffic(report));
    }
    histories(report, &mut body);
    maps(report, &mut body)?;
    detection(report, &mut body);
    interference(report, &mut body);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><title>Rangegate report: {}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escaped(&name)
    ))
}

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{s:.3} s"),
        s if s < 60.0 => format!("{} s", tenths(s)),
        s if s < 7_200.0 => format!("{} min", tenths(s / 60.0)),
        s if s < 172_800.0 => format!("{} h", tenths(s / 3_600.0)),
        s => format!("{} days", tenths(s / 86_400.0)),
    }
}

fn tenths(value: f64) -> String {
    number((value * 10.0).round() / 10.0)
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = String::from("<div class=\"wide\"><table><thead><tr>");
    for name in header {
        let _ = write!(text, "<th>{}</th>", escaped(name));
    }
    text.push_str("</tr></thead><tbody>");
    for row in rows {
        text.push_str("<tr>");
        for cell in row {
            let is_number =
                cell.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '−');
            let _ =
                write!(text, "<td{}>{}</td>", if is_number { " class=\"n\"" } else { "" }, escaped(&cell));
        }
        text.push_str("</tr>");
    }
    text.push_str("</tbody></table></div>");
    text
}

fn figure(svg: &str, caption: &str) -> String {
    format!("<figure>{svg}<figcaption>{}</figcaption></figure>", escaped(caption))
}

/// The window.
fn time_axis(report: &Report) -> Axis {
    let [from, to] =
        [report.from, report.to].map(|time| time.unwrap_or_default().as_nanosecond() as f64 * 1e-9);
    Axis::of_time(from, to)
}

fn whose(station: &StationFigures) -> String {
    station.owner.as_ref().map_or_else(|| station.name.clone(), |owner| format!("{} ({owner})", station.name))
}

fn overview(report: &Report) -> String {
    let rows = report.stations.iter().map(|station| {
        let bad = |name: &str| {
            station.health.iter().find(|figure| figure.name == name).map_or(0.0, |figure| figure.value)
        };
        vec![
            whose(station),
            station.runs.to_string(),
            duration(station.observed_s),
            number(bad("gaps")),
            station.detections.to_string(),
            station.look_s.map_or_else(String::new, duration),
            station.interference.len().to_string(),
        ]
    });
    if report.stations.is_empty() {
        return String::new();
    }
    table(&["station", "runs", "observed", "gaps", "detections", "look every", "findings"], rows)
}

fn traffic(report: &Report) -> String {
    let mut text = String::from("<h2>Traffic</h2><div class=\"grid\">");
    let steps = &report.steps;
    let step = duration(steps.step_ns as f64 * 1e-9);
    for station in &report.stations {
        for (what, counts) in
            [("detections", &station.detections_by_step), ("tracks", &station.tracks_by_step)]
        {
            let most = counts.iter().copied().max().unwrap_or(0);
            let others = station.detections_by_step.iter().chain(&station.tracks_by_step);
            // Nothing at all is said once.
            if most == 0 && (what == "tracks" || others.sum::<u64>() > 0) {
                continue;
            }
            let (x, y) = (time_axis(report), Axis::of_counts(most, &format!("{what} in {step}")));
            let mut chart = Chart::new(&format!("{what} of {} over time", station.name), &x, &y);
            chart.gaps(steps, &station.observed_by_step_s);
            for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                chart.area("data", seconds(steps, at), [0.0, *count as f64], 1.0);
            }
            text.push_str(&figure(
                &chart.finish(),
                &format!("{}: {what} in steps of {step}", whose(station)),
            ));
        }
    }
    text.push_str("</div><p class=\"muted\"><span class=\"swatch\"></span>not observed: no run, or samples missing, darker the more of the step. Where nothing is drawn on plain ground the station ran and saw nothing.</p>");
    text
}

fn metres(value: f64) -> String {
    if value.abs() >= 1e4 { format!("{:.1} km", value / 1e3) } else { format!("{value:.0} m") }
}
