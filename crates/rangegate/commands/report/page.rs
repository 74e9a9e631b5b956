//! The page: one file, nothing from elsewhere.

use super::chart::{Axis, Chart, escaped, number, seconds};
use super::figures::{DetectionFigures, Map, MapKind, Report, Sight, StationFigures, Story};
use anyhow::Result;
use rangegate_analysis::interference::Rule;
use rangegate_analysis::notable::Reason;
use rangegate_analysis::predict::Model;
use rangegate_analysis::{Flight, Prediction, Proportion, Radial};
use rangegate_archive::row::time_from_ns;
use std::collections::BTreeSet;
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

fn flight_name(kind: Flight) -> &'static str {
    match kind {
        Flight::Unknown => "not known",
        Flight::Climbing => "climbing",
        Flight::Level => "level",
        Flight::Descending => "descending",
        Flight::FreeFlight => "free flight (ballistic arc)",
        Flight::Orbit => "orbit",
    }
}

fn radial_name(kind: Radial) -> &'static str {
    match kind {
        Radial::Unknown => "not known",
        Radial::Approaching => "approaching",
        Radial::Across => "passing across",
        Radial::Receding => "receding",
    }
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Long => "long",
        Reason::Fast => "fast",
        Reason::Climbing => "large change of height",
    }
}

fn metres(value: f64) -> String {
    if value.abs() >= 1e4 { format!("{:.1} km", value / 1e3) } else { format!("{value:.0} m") }
}

fn clock(second: f64) -> String {
    format!("{:.1}", time_from_ns((second * 1e9) as i64))
}

fn sight(sight: &Sight) -> String {
    let mut parts = vec![clock(sight.time_s)];
    if let (Some(lat), Some(lon)) = (sight.latitude_deg, sight.longitude_deg) {
        parts.push(format!("{lat:.4}°, {lon:.4}°"));
    }
    parts.extend(sight.height_m.map(|height| format!("{} high", metres(height))));
    parts.extend(sight.range_m.map(|range| format!("range {}", metres(range))));
    parts.extend(sight.azimuth_deg.map(|azimuth| format!("azimuth {azimuth:.1}°")));
    parts.join(", ")
}

fn histories(report: &Report, body: &mut String) {
    if report.n_tracks == 0 {
        return;
    }
    let _ = write!(
        body,
        "<h2>Track histories</h2><p class=\"muted\">{} of {} tracks: in turn the longest, the fastest, those whose height changed most.</p>",
        report.tracks.len(),
        report.n_tracks
    );
    for story in &report.tracks {
        tell(story, body);
    }
}

fn tell(story: &Story, body: &mut String) {
    let reasons: Vec<&str> = story.reasons.iter().map(|reason| reason_name(*reason)).collect();
    let _ = write!(
        body,
        "<section class=\"story\"><h3>{} · track {}</h3><p class=\"muted\">{} · run {} · {} · {} states</p>",
        escaped(&story.station),
        story.track,
        reasons.join(", "),
        story.run,
        duration(story.last.time_s - story.first.time_s),
        story.updates
    );
    let mut facts = Vec::new();
    let snr = story.first_snr_db.map_or_else(String::new, |snr| format!(", SNR {snr:.1} dB"));
    facts.push(("First seen", sight(&story.first) + &snr));
    let mut phases = |name: &'static str, of: Vec<(f64, f64, &str)>| {
        let told: Vec<String> = of
            .iter()
            .map(|(from, to, kind)| format!("{kind} for {} from {}", duration(to - from), time_of_day(*from)))
            .collect();
        if !told.is_empty() {
            facts.push((name, told.join("; ")));
        }
    };
    phases(
        "Flight",
        story.flight.iter().map(|phase| (phase.from_s, phase.to_s, flight_name(phase.kind))).collect(),
    );
    phases(
        "Range",
        story.radial.iter().map(|phase| (phase.from_s, phase.to_s, radial_name(phase.kind))).collect(),
    );
    if let Some([low, high]) = story.height_m {
        facts.push(("Height", format!("{} to {}", metres(low), metres(high))));
    }
    facts.push(("Fastest", format!("{:.0} m/s", story.fastest_mps)));
    if let Some(closest) = &story.closest {
        facts.push(("Closest", sight(closest)));
    }
    facts.push(("Last seen", sight(&story.last)));
    body.push_str("<dl>");
    for (name, fact) in facts {
        let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", escaped(&fact));
    }
    body.push_str("</dl>");
    predictions(&story.predictions, body);
    body.push_str("<div class=\"grid\">");
    courses(story, body);
    body.push_str("</div></section>");
}

fn time_of_day(second: f64) -> String {
    time_from_ns((second * 1e9) as i64).strftime("%H:%M:%S").to_string()
}

fn predictions(all: &[Prediction], body: &mut String) {
    let Some(first) = all.first() else { return };
    let model = match first.model {
        Model::ConstantVelocity => "constant velocity",
        Model::FreeFlight => "free flight under gravity",
    };
    let by = if first.trials > 0.0 {
        format!(
            "as it would have predicted this track's own past best ({:.0} independent trials)",
            first.trials
        )
    } else {
        "as is usual: the track is too short to be tried".to_owned()
    };
    let _ = write!(
        body,
        "<p class=\"muted\">Prediction by {model}, {by}; accelerations of {} m²/s³.</p>",
        number(rounded(first.acceleration_psd_m2ps3))
    );
    let rows = all.iter().map(|p| {
        let place = p.place.map_or_else(
            || p.range_m.map_or_else(String::new, |range| format!("range {}", metres(range))),
            |at| {
                let height = if at.height_m < 0.0 {
                    "down before".to_owned()
                } else {
                    format!("{} high", metres(at.height_m))
                };
                format!("{:.4}°, {:.4}°, {height}", at.latitude_deg, at.longitude_deg)
            },
        );
        let within = match (p.ellipse_95_m, p.ellipse_azimuth_deg, p.range_sigma_m) {
            (Some([long, short]), Some(_), _) if short > 0.9 * long => format!("{} around", metres(long)),
            (Some([long, short]), Some(azimuth), _) => {
                format!("{} × {} along {azimuth:.0}°", metres(long), metres(short))
            }
            (_, _, Some(sigma)) => format!("± {}", metres(1.96 * sigma)),
            _ => String::new(),
        };
        let height = p.height_sigma_m.map_or_else(String::new, |sigma| format!("± {}", metres(1.96 * sigma)));
        vec![format!("{:.0} s", p.ahead_s), place, within, height]
    });
    body.push_str(&table(&["after", "where", "with 95 % within", "height"], rows));
}

fn rounded(value: f64) -> f64 {
    let power = 10f64.powf(value.abs().max(1e-12).log10().floor() - 1.0);
    (value / power).round() * power
}

fn courses(story: &Story, body: &mut String) {
    let (first, last) = (story.first.time_s, story.last.time_s);
    let flight = story.flight.iter().map(|phase| ([phase.from_s, phase.to_s], phase.kind as usize));
    let radial = story.radial.iter().map(|phase| ([phase.from_s, phase.to_s], phase.kind as usize));
    for (what, values, bands) in [
        (
            "height",
            story.course.iter().filter_map(|c| Some((c.0, c.2?))).collect::<Vec<_>>(),
            flight.collect::<Vec<_>>(),
        ),
        ("range", story.course.iter().filter_map(|c| Some((c.0, c.1?))).collect(), radial.collect()),
    ] {
        if values.len() < 2 {
            continue;
        }
        let low = values.iter().map(|value| value.1).fold(f64::INFINITY, f64::min);
        let high = values.iter().map(|value| value.1).fold(f64::NEG_INFINITY, f64::max);
        let room = (0.08 * (high - low)).max(1.0);
        let (x, y) =
            (Axis::of_time(first, last), Axis::of((low - room).min(low.max(0.0)), high + room, what, "m"));
        let mut chart = Chart::new(&format!("{what} of track {} over time", story.track), &x, &y);
        for (span, kind) in bands {
            chart.area(&format!("phase{kind}"), span, y.limits, 0.22);
        }
        chart.line("line", &values);
        body.push_str(&figure(&chart.finish(), &format!("Track {}: {what}", story.track)));
    }
    if story.flight.is_empty() && story.radial.is_empty() {
        return;
    }
    let flights: BTreeSet<Flight> = story.flight.iter().map(|phase| phase.kind).collect();
    let radials: BTreeSet<Radial> = story.radial.iter().map(|phase| phase.kind).collect();
    let names = flights.iter().map(|kind| (*kind as usize, flight_name(*kind)));
    let names = names.chain(radials.iter().map(|kind| (*kind as usize, radial_name(*kind))));
    body.push_str("<p class=\"key\">");
    for (kind, name) in names {
        let _ = write!(body, "<span class=\"key{kind}\"></span>{name} ");
    }
    body.push_str("</p>");
}

fn maps(report: &Report, body: &mut String) -> Result<()> {
    if report.stations.iter().all(|station| station.maps.is_empty()) {
        return Ok(());
    }
    body.push_str("<h2>Heat maps</h2><div class=\"grid\">");
    for station in &report.stations {
        for map in &station.maps {
            body.push_str(&heat_map(report, station, map)?);
        }
    }
    body.push_str("</div><p class=\"muted\">Colours go with the logarithm of the counts, from dark blue (1) to yellow; where there is no colour nothing was seen.</p>");
    Ok(())
}

/// Limits of the rows or columns that have anything, with a cell of room.
fn used(map: &Map, at: usize) -> [f64; 2] {
    let [origin, width] = if at == 0 { map.x } else { map.y };
    let first = map.cells.iter().map(|cell| cell[at]).min().unwrap_or(0) as f64;
    let last = map.cells.iter().map(|cell| cell[at]).max().unwrap_or(0) as f64;
    [origin + width * (first - 1.0), origin + width * (last + 2.0)]
}

fn heat_map(report: &Report, station: &StationFigures, map: &Map) -> Result<String> {
    let most = map.cells.iter().map(|cell| cell[2]).max().unwrap_or(1);
    let begin_s = report.steps.from_ns as f64 * 1e-9;
    let [low, high] = used(map, 1);
    let (_, range) = (low, Axis::of(0.0, high, "range", "m"));
    let (x, y, what) = match map.kind {
        MapKind::RangeTime => (time_axis(report), range, "detections by range and time"),
        MapKind::RangeAzimuth => {
            (Axis::of(0.0, 360.0, "azimuth", "°"), range, "detections by range and azimuth")
        }
        MapKind::RangeDoppler => {
            let [low, high] = used(map, 0);
            (
                Axis::of(low, high, "Doppler shift", "Hz"),
                range,
                "detections by range and Doppler shift (where none is known, range rate in m/s)",
            )
        }
        MapKind::Places => {
            let [west, east] = used(map, 0);
            (
                Axis::of(west, east, "longitude", "°"),
                Axis::of(low, high, "latitude", "°"),
                "states of tracks by place",
            )
        }
    };
    let mut chart = Chart::new(&format!("{what} of {}", station.name), &x, &y);
    if map.kind == MapKind::RangeTime {
        chart.gaps(&report.steps, &station.observed_by_step_s);
        // Columns count from the begin of the first step.
        let shifted = Map { x: [begin_s + map.x[0], map.x[1]], cells: map.cells.clone(), ..*map };
        chart.cells(&shifted, most)?;
    } else {
        chart.cells(map, most)?;
    }
    Ok(figure(&chart.finish(), &format!("{}: {what}; the brightest cell has {most}", whose(station))))
}

fn share(found: &Proportion) -> String {
    found
        .estimate
        .map_or_else(|| "no look".to_owned(), |p| format!("{p:.3} ({:.3} to {:.3})", found.low, found.high))
}

fn detection(report: &Report, body: &mut String) {
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

fn interference(report: &Report, body: &mut String) {
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
