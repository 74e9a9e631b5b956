//! What speaks of interference.

use super::{figure, metres, table, time_axis, whose};
use crate::commands::report::chart::{Axis, Chart, escaped, number, seconds};
use crate::commands::report::figures::{Report, StationFigures};
use rangegate_analysis::interference::Rule;
use rangegate_archive::row::time_from_ns;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::StandingEcho => "standing echo",
        Rule::Clutter => "clutter",
        Rule::Spur => "spur",
        Rule::Tone => "constant tone",
        Rule::PulsedInterference => "pulsed interference",
        Rule::NoiseRise => "noise rises",
        Rule::NearClipping => "near clipping",
    }
}

pub(super) fn interference(report: &Report, body: &mut String) {
    if report.stations.is_empty() {
        return;
    }
    body.push_str("<h2>Interference</h2>");
    let span = |[from, to]: [f64; 2], unit: &str| {
        if unit == "m" {
            format!("{} to {}", metres(from), metres(to))
        } else {
            format!("{} to {} {unit}", number(from), number(to))
        }
    };
    let found = report
        .stations
        .iter()
        .flat_map(|station| station.interference.iter().map(move |finding| (station, finding)));
    let mut rules = BTreeSet::new();
    let rows: Vec<Vec<String>> = found
        .map(|(station, finding)| {
            rules.insert(finding.rule);
            vec![
                station.name.clone(),
                rule_name(finding.rule).to_owned(),
                finding.count.to_string(),
                finding.range_m.map_or_else(String::new, |range| span(range, "m")),
                finding.doppler_hz.map_or_else(String::new, |shift| span(shift, "Hz")),
                finding.time_ns.map_or_else(String::new, |time| format!("{:.1}", time_from_ns(time))),
                finding.note.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        body.push_str("<p>No rule found anything in the detections.</p>");
    } else {
        body.push_str(&table(
            &["station", "finding", "count", "range", "Doppler", "time", "more"],
            rows.into_iter(),
        ));
    }
    let health = report.stations.iter().flat_map(|station| {
        station.health.iter().filter(|figure| figure.is_bad).map(move |figure| {
            vec![station.name.clone(), figure.name.replace('_', " "), number(figure.value)]
        })
    });
    let health: Vec<_> = health.collect();
    if !health.is_empty() {
        body.push_str(&table(&["station", "lost or dropped", "how many"], health.into_iter()));
    }
    body.push_str("<div class=\"grid\">");
    for station in &report.stations {
        noise(report, station, body);
    }
    body.push_str("</div>");
    let mut told = String::new();
    for rule in [
        Rule::StandingEcho,
        Rule::Clutter,
        Rule::Spur,
        Rule::Tone,
        Rule::PulsedInterference,
        Rule::NoiseRise,
        Rule::NearClipping,
    ] {
        let _ = write!(told, "<dt>{}</dt><dd>{}</dd>", rule_name(rule), escaped(rule.text()));
    }
    let _ = write!(
        body,
        "<details{}><summary>The rules</summary><dl>{told}</dl></details>",
        if rules.is_empty() { "" } else { " open" }
    );
}

fn noise(report: &Report, station: &StationFigures, body: &mut String) {
    let known: Vec<(f64, f64)> = station
        .noise_db
        .iter()
        .enumerate()
        .filter_map(|(at, level)| {
            let [from, to] = seconds(&report.steps, at);
            Some((from.midpoint(to), (*level)?))
        })
        .collect();
    if known.len() < 2 {
        return;
    }
    let low = known.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let high = known.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (time_axis(report), Axis::of(low.min(high - 6.0) - 1.0, high + 1.0, "noise", "dB"));
    let mut chart = Chart::new(&format!("noise of {} over time", station.name), &x, &y);
    chart.gaps(&report.steps, &station.observed_by_step_s);
    // A line does not go over steps in which nothing is known.
    let step_s = report.steps.step_ns as f64 * 1e-9;
    for run in known.chunk_by(|a, b| b.0 - a.0 < 1.5 * step_s) {
        match run {
            [one] => chart.interval(one.0, one.1, [one.1, one.1]),
            _ => chart.line("line", run),
        }
    }
    body.push_str(&figure(
        &chart.finish(),
        &format!("{}: noise beside detections, against full scale", whose(station)),
    ));
}
