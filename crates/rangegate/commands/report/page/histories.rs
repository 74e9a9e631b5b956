//! Track histories: what each did, and where it goes.

use super::{duration, figure, metres, table};
use crate::commands::report::chart::{Axis, Chart, escaped, number};
use crate::commands::report::figures::{Report, Sight, Story};
use rangegate_analysis::notable::Reason;
use rangegate_analysis::predict::Model;
use rangegate_analysis::{Flight, Prediction, Radial};
use rangegate_archive::row::time_from_ns;
use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(super) fn histories(report: &Report, body: &mut String) {
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
