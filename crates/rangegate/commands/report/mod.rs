//! `report`: what an archive holds, as one page with its plots.

mod args;
mod chart;
mod figures;
mod gather;
mod page;
mod reference;
mod sources;
mod stories;

pub use args::ReportArgs;

use crate::Outcome;
use anyhow::{Context, Result, bail};
use figures::{DetectionFigures, Health, Report, StationFigures};
use gather::{Gathered, gather};
use rangegate_analysis::looks::Gate;
use rangegate_analysis::spans::{Steps, contains, within};
use rangegate_analysis::truth::Truth;
use rangegate_archive::row::{ns_from_time, time_from_ns};
use rangegate_archive::{Filter, Reader, RunRow, Station};
use rangegate_coverage::measured::Interval;
use rangegate_coverage::{Conditions, SiteConfig, Station as Checked, Target};
use reference::{Reference, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;

/// Steps of a report's time, at most.
const STEPS_MAX: usize = 120;
/// Rows from which the time from look to look is learnt.
const LEARN: usize = 20_000;

/// What is known of a station before its rows are read.
struct Known {
    name: Station,
    runs: Vec<RunRow>,
    ran: Vec<Interval>,
    owner: Option<String>,
    look_s: Option<f64>,
    /// Its detections are in the archive.
    has_detections: bool,
}

/// Runs the command.
///
/// # Errors
/// There is no archive, it is damaged, a file cannot be read or is not what it should be, or the report cannot be
/// written.
pub fn report(args: &ReportArgs, quiet: bool) -> Result<Outcome> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        bail!("--from {from} is not before --to {to}");
    }
    let reader = Reader::open(&args.archive)?;
    let sites = args.site.iter().map(|path| sources::sites(path)).collect::<Result<Vec<_>>>()?.concat();
    let target = Target { rcs_m2: args.rcs, false_alarm_probability: args.pfa, ..Target::default() };
    let conditions = Conditions { target, ..Conditions::default() };
    let checked = sites.iter().map(|site| Checked::new(site, &conditions)).collect::<Result<Vec<_>, _>>()?;
    let truth = if args.truth.is_empty() { None } else { Some(sources::truth(&args.truth)?) };
    let stations = stations(&reader, args, &sites)?;
    let window = window(args, &stations);
    let steps =
        window.map_or(Steps { from_ns: 0, step_ns: 1, n: 1 }, |[from, to]| Steps::new(from, to, STEPS_MAX));
    let mut notes = notes(args, &stations, &sites, window, truth.as_ref());
    let mut references = references(args, &stations, &sites, &checked, truth.as_ref(), window);

    let names: Vec<Station> = stations.iter().map(|station| station.name.clone()).collect();
    let span_s = window.map(|[from, to]| (to.saturating_sub(from) / 1_000_000_000) as u64);
    let progress = crate::commands::progress(span_s, quiet || args.json);
    let is_bounded = args.from.is_some() || args.to.is_some();
    let Gathered { tallies, tracks, not_followed } =
        gather(&reader, &names, window, is_bounded, steps, &mut references, &progress)?;
    progress.finish_and_clear();
    if not_followed > 0 {
        notes.push(format!(
            "{not_followed} states are of tracks beyond the first {}: their histories are not told.",
            tracks.len()
        ));
    }
    let by_station: BTreeMap<usize, Checked> = stations
        .iter()
        .enumerate()
        .filter_map(|(at, station)| {
            Some((at, checked.iter().find(|site| *site.name == **station.name.name())?.clone()))
        })
        .collect();
    let told = stories::tell(&reader, &names, &by_station, &tracks, usize::from(args.tracks))?;
    let detection =
        references.into_iter().map(|reference| detection_figures(reference, &stations, &sites, &target));
    let detection: Vec<DetectionFigures> = detection.collect();
    let n_tracks = tracks.len() as u64;
    let figures: Vec<StationFigures> = stations
        .iter()
        .zip(tallies)
        .map(|(known, tally)| station_figures(&reader, known, tally, steps, window))
        .collect::<Result<_>>()?;
    let (from, to) = (window.map(|[from, _]| time_from_ns(from)), window.map(|[_, to]| time_from_ns(to)));
    let report = Report {
        archive: args.archive.clone(),
        from,
        to,
        steps,
        stations: figures,
        tracks: told,
        n_tracks,
        detection,
        target,
        truth: truth.as_ref().map(|truth| truth.counts),
        notes,
    };
    let html = page::page(&report)?;
    std::fs::write(&args.out, html).with_context(|| format!("cannot write {}", args.out.display()))?;
    if args.json {
        crate::commands::print_json(&report)?;
    } else {
        crate::commands::print(&summary(&report, args))?;
    }
    Ok(Outcome::Done)
}

/// The stations of an archive.
fn stations(reader: &Reader, args: &ReportArgs, sites: &[SiteConfig]) -> Result<Vec<Known>> {
    let mut runs: BTreeMap<String, Vec<RunRow>> = BTreeMap::new();
    for run in reader.runs(None)? {
        runs.entry(run.station.clone()).or_default().push(run);
    }
    let known = runs.into_iter().map(|(name, runs)| {
        let name: Station = name.parse().map_err(anyhow::Error::msg)?;
        let (configuration, _) = reader.run_documents(runs[0].run)?;
        let configuration: serde_json::Value = serde_json::from_str(&configuration).unwrap_or_default();
        let of_site = sites.iter().find(|site| *site.name == **name.name()).map(|site| site.owner.clone());
        let owner =
            configuration["owner"].as_str().map(str::to_owned).or(of_site).filter(|owner| !owner.is_empty());
        let look_s = match args.look {
            Some(look_s) => Some(look_s),
            None => look_s(reader, &name, args)?,
        };
        let has_detections = runs.iter().any(|run| run.detections > 0);
        Ok(Known { ran: crate::ran::ran(reader, &name)?, name, runs, owner, look_s, has_detections })
    });
    known.collect()
}

/// The time from look to look: the median of time over number between one CPI with detections and the next, or between
/// the states of one track.
fn look_s(reader: &Reader, name: &Station, args: &ReportArgs) -> Result<Option<f64>> {
    let filter = Filter { station: Some(name.clone()), from: args.from, to: args.to, ..Filter::default() };
    let (mut lengths, mut before, mut n) = (Vec::new(), None, 0);
    let more = |n: &mut usize| {
        *n += 1;
        if *n < LEARN { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    reader.detections(&filter, &mut |row| {
        let d = &row.detection;
        if let (Some(cpi), Some(time_ns)) = (d.cpi, d.time.and_then(ns_from_time)) {
            match before {
                Some((run, then, then_ns)) if run == row.run && cpi > then && time_ns > then_ns => {
                    lengths.push((time_ns - then_ns) as f64 * 1e-9 / (cpi - then) as f64);
                    before = Some((run, cpi, time_ns));
                }
                Some((run, then, _)) if run == row.run && cpi == then => {}
                _ => before = Some((row.run, cpi, time_ns)),
            }
        }
        more(&mut n)
    })?;
    if lengths.is_empty() {
        let (mut latest, mut n) = (BTreeMap::new(), 0);
        reader.tracks(&filter, &mut |row| {
            if let Some(time_ns) = row.time_ns
                && let Some(then_ns) = latest.insert((row.run, row.state.track), time_ns)
                && time_ns > then_ns
            {
                lengths.push((time_ns - then_ns) as f64 * 1e-9);
            }
            more(&mut n)
        })?;
    }
    lengths.sort_unstable_by(f64::total_cmp);
    Ok(lengths.get(lengths.len() / 2).copied())
}

/// From the first to the last that is known, or as asked for.
fn window(args: &ReportArgs, stations: &[Known]) -> Option<Interval> {
    let of_ran = stations.iter().flat_map(|station| &station.ran).copied();
    let of_rows = stations.iter().flat_map(|station| &station.runs).filter_map(|run| {
        let ends = [run.first_time, run.last_time].map(|time| time.and_then(ns_from_time));
        Some([ends[0]?, ends[1]?.saturating_add(1)])
    });
    let all = of_ran.chain(of_rows).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])?;
    let from = args.from.and_then(ns_from_time).unwrap_or(all[0]);
    let to = args.to.and_then(ns_from_time).unwrap_or(all[1]);
    (from < to).then_some([from, to])
}

/// What cannot be said, and why.
fn notes(
    args: &ReportArgs,
    stations: &[Known],
    sites: &[SiteConfig],
    window: Option<Interval>,
    truth: Option<&Truth>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if stations.is_empty() {
        notes.push("The archive is empty: it holds no run.".to_owned());
    } else if window.is_none() {
        notes.push(
            "Nothing in the archive has a time within the window: there is nothing over time.".to_owned(),
        );
    } else if stations.iter().all(|station| within(&station.ran, window.unwrap_or_default()).is_empty()) {
        notes.push("No station ran within the window: nothing follows from nothing seen.".to_owned());
    }
    let names: BTreeSet<&str> = stations.iter().map(|station| &**station.name.name()).collect();
    for site in sites.iter().filter(|site| !names.contains(&*site.name)) {
        let known: Vec<&str> = names.iter().copied().collect();
        notes.push(format!(
            "The archive holds nothing of the site {}; it knows {}.",
            site.name,
            known.join(", ")
        ));
    }
    if args.site.is_empty() && !stations.is_empty() {
        notes.push("No probability of detection: --site FILE gives a station's place.".to_owned());
    }
    if let (Some(truth), Some([from, to])) = (truth, window) {
        match truth.span_s() {
            None => notes.push("The truth holds no place of an aircraft.".to_owned()),
            Some([first_s, last_s]) if first_s * 1e9 >= to as f64 || last_s * 1e9 < from as f64 => {
                let time = |second: f64| time_from_ns((second * 1e9) as i64);
                notes.push(format!(
                    "The truth is of another time: {:.0} to {:.0}, expected {:.0} to {:.0}.",
                    time(first_s),
                    time(last_s),
                    time_from_ns(from),
                    time_from_ns(to)
                ));
            }
            Some(_) => {}
        }
    }
    notes
}

/// Each station whose place is known, against each other's tracks, and against aircraft.
fn references<'a>(
    args: &ReportArgs,
    stations: &[Known],
    sites: &[SiteConfig],
    checked: &[Checked],
    truth: Option<&'a Truth>,
    window: Option<Interval>,
) -> Vec<Reference<'a>> {
    let mut references = Vec::new();
    for (at, station) in stations.iter().enumerate() {
        let Some(place) = sites.iter().position(|site| *site.name == **station.name.name()) else { continue };
        let look_ns = (station.look_s.unwrap_or(1.0) * 1e9).clamp(1e3, 1e13) as i64;
        let gate = Gate { range_m: args.gate, azimuth_deg: args.gate_azimuth, look_ns };
        let ran = window.map_or(Vec::new(), |window| within(&station.ran, window));
        let of = |source| {
            Reference::new(
                at,
                source,
                (&sites[place], checked[place].clone()),
                !station.has_detections,
                gate,
                ran.clone(),
            )
        };
        references
            .extend((0..stations.len()).filter(|other| *other != at).map(|other| of(Source::Station(other))));
        references.extend(truth.map(|truth| of(Source::Truth(truth))));
    }
    references
}

fn detection_figures(
    reference: Reference<'_>,
    stations: &[Known],
    sites: &[SiteConfig],
    target: &Target,
) -> DetectionFigures {
    let (station, by_tracks) = (stations[reference.station].name.to_string(), reference.by_tracks);
    let name = match reference.source {
        Source::Station(other) => stations[other].name.to_string(),
        Source::Truth(_) => "ADS-B".to_owned(),
    };
    let radar = sites.iter().find(|site| site.name == station && site.transmitter.is_none());
    let radar = radar.and_then(|site| site.radar.as_ref());
    let found = reference.finish();
    let predicted = |bin: &rangegate_analysis::looks::Bin| {
        let middle_m = bin.from.midpoint(bin.to);
        radar.map(|radar| radar.detection_probability(target, middle_m, middle_m))
    };
    let predicted_by_range = found.by_range.iter().map(predicted).collect();
    DetectionFigures { station, reference: name, by_tracks, found, predicted_by_range }
}

fn station_figures(
    reader: &Reader,
    known: &Known,
    tally: gather::Tally,
    steps: Steps,
    window: Option<Interval>,
) -> Result<StationFigures> {
    let ran = window.map_or(Vec::new(), |window| within(&known.ran, window));
    let observed_by_step_s = steps.observed_s(&ran);
    let observed_s = observed_by_step_s.iter().sum();
    let whole_ns = steps.step_ns.saturating_mul(steps.n as i64);
    let part = |at: i64| steps.from_ns.saturating_add((whole_ns as f64 * (at as f64 + 0.5) / 64.0) as i64);
    let parts = (0..64).filter(|&at| contains(&ran, part(at))).fold(0u64, |parts, at| parts | 1 << at);
    let looks = known.look_s.filter(|_| known.has_detections).map(|look_s| observed_s / look_s);
    Ok(StationFigures {
        name: known.name.to_string(),
        owner: known.owner.clone(),
        runs: known.runs.len() as u64,
        observed_s,
        observed_by_step_s,
        maps: tally.maps(),
        detections_by_step: tally.detections_by_step,
        tracks_by_step: tally.tracks_by_step,
        detections: tally.detections,
        undated: tally.undated,
        look_s: known.look_s,
        health: health(reader, known, window)?,
        noise_db: tally.survey.noise_db(),
        interference: tally.survey.finish(looks, parts),
    })
}

/// What was lost: the last that each run says, summed up, of runs that touch the window.
fn health(reader: &Reader, known: &Known, window: Option<Interval>) -> Result<Vec<Health>> {
    const NAMES: [&str; 4] = ["samples_lost", "bad_samples", "peaks_dropped", "archive_dropped"];
    let (mut sums, mut is_said, mut gaps, mut dropped) = ([0.0; 4], [false; 4], 0, 0);
    for run in &known.runs {
        let ends = [run.start_time.or(run.first_time), run.last_time].map(|time| time.and_then(ns_from_time));
        let is_outside = window.is_some_and(|[from, to]| {
            ends[0].is_some_and(|start| start >= to) || ends[1].is_some_and(|end| end < from)
        });
        if is_outside {
            continue;
        }
        let mut latest = [None; 4];
        for row in reader.health(Some(run.run))? {
            if let Some(at) = NAMES.iter().position(|name| *name == row.name) {
                latest[at] = Some(row.value);
            }
        }
        for at in 0..4 {
            sums[at] += latest[at].unwrap_or(0.0);
            is_said[at] |= latest[at].is_some();
        }
        gaps += reader.gaps(Some(run.run))?.len();
        dropped += run.dropped;
    }
    let figure = |name: &'static str, value: f64| Health { name, value, is_bad: value > 0.0 };
    let mut health = vec![figure("gaps", gaps as f64), figure("rows_dropped", dropped as f64)];
    let said = NAMES.into_iter().zip(sums).zip(is_said).filter(|(_, is_said)| *is_said);
    health.extend(said.map(|((name, value), _)| figure(name, value)));
    Ok(health)
}

/// What stands on the terminal.
fn summary(report: &Report, args: &ReportArgs) -> String {
    let mut text = String::new();
    for station in &report.stations {
        let findings = station.interference.len();
        let _ = writeln!(
            text,
            "{}: observed {}, {} detections, {findings} sign{} of interference",
            station.name,
            page::duration(station.observed_s),
            station.detections,
            if findings == 1 { "" } else { "s" },
        );
    }
    let _ = writeln!(text, "{} tracks, {} told", report.n_tracks, report.tracks.len());
    for of in &report.detection {
        let all = &of.found.all;
        match all.estimate {
            Some(p) => {
                let _ = writeln!(
                    text,
                    "{} detects what {} says with {p:.3} ({:.3} to {:.3}, {} looks)",
                    of.station, of.reference, all.low, all.high, all.tries
                );
            }
            None => {
                let _ = writeln!(text, "{} had no look at what {} says", of.station, of.reference);
            }
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "{note}");
    }
    let _ = writeln!(text, "written: {}", args.out.display());
    text
}
