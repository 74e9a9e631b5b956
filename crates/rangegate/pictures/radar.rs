//! Plots of pulse radars: range over time, the map with the strongest detection, and the A-scope through it.

use super::{Found, read_again, tracks};
use crate::config::ChainConfig;
use crate::maps;
use crate::plan::Plan;
use anyhow::Result;
use rangegate_core::{Detection, Segment};
use rangegate_dsp::pulse_doppler::{BistaticConfig, PulseDopplerPlan, PulseDopplerWorker};
use rangegate_dsp::range_doppler::PowerMap;
use rangegate_recording::hdf5::maps::MapAxes;
use rangegate_scene::CpiTruth;
use rangegate_sinks::plots::{self, About, Legend, LinePlot, MapPicture, Series, Stroke};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most profiles that are kept: about as many as a picture has columns.
const MAX_PROFILES: usize = 1024;

/// Range profiles over time. Where there are too many, neighbours become one, with the greater value of each gate.
#[derive(Default)]
pub struct Profiles {
    /// Where each begins.
    pub samples: Vec<u64>,
    /// The profiles.
    pub rows: Vec<Vec<f32>>,
    /// Looks that a row stands for.
    pub looks_a_row: usize,
    /// Looks in the last row.
    in_last: usize,
}

impl Profiles {
    /// Adds the profile of a look.
    pub fn push(&mut self, sample: u64, profile: &[f32]) {
        self.looks_a_row = self.looks_a_row.max(1);
        if self.in_last > 0
            && self.in_last < self.looks_a_row
            && let Some(last) = self.rows.last_mut()
        {
            greater(last, profile);
            self.in_last += 1;
            return;
        }
        if self.rows.len() == MAX_PROFILES {
            self.halve();
        }
        self.samples.push(sample);
        self.rows.push(profile.to_vec());
        self.in_last = 1;
    }

    fn halve(&mut self) {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        while let Some(mut row) = rows.next() {
            if let Some(next) = rows.next() {
                greater(&mut row, &next);
            }
            self.rows.push(row);
        }
        self.samples = self.samples.iter().copied().step_by(2).collect();
        self.looks_a_row *= 2;
    }
}

fn greater(row: &mut [f32], other: &[f32]) {
    row.iter_mut().zip(other).for_each(|(a, b)| *a = a.max(*b));
}

/// Power in dB.
pub fn db(power: f32) -> f32 {
    10.0 * power.max(1e-20).log10()
}

/// Draws what there is to draw of a pulse radar's run.
pub fn draw(
    plan: &Plan,
    radar: &Arc<PulseDopplerPlan>,
    folder: &Path,
    about: &About,
    profiles: &Profiles,
    found: &Found<'_>,
) -> Result<Vec<PathBuf>> {
    let &Found { detections, strongest, tracks } = found;
    let mut drawn = Vec::new();
    let truth = truth(plan.config.source.recording.as_deref());
    let (bins, axes) = maps::axes(radar);
    if !profiles.rows.is_empty() {
        let path = folder.join("range-time.png");
        plots::draw_map(&path, &range_time(&axes, about, profiles, found, &truth))?;
        drawn.push(path);
    }
    if let ChainConfig::PulseDoppler(chain) = &plan.config.chain
        && let Some(stations) = &chain.bistatic
        && !strongest.is_empty()
    {
        let path = folder.join("ellipses.png");
        plots::draw_lines(&path, &ellipses(radar, about, stations, strongest))?;
        drawn.push(path);
    }
    if plan.config.source.recording.is_none() {
        return Ok(drawn);
    }
    let Some(detection) = strongest.first() else { return Ok(drawn) };
    let Some(look) = Look::read(plan, radar, detection)? else { return Ok(drawn) };
    let path = folder.join("range-doppler.png");
    if let Some(map) = look.map() {
        let values = bins.iter().flat_map(|bin| map.row(*bin).iter().map(|power| db(*power))).collect();
        let shown = LookMap { which: WITH_STRONGEST, values, first_sample: look.first_sample };
        let in_look = detections.iter().filter(|d| d.cpi == detection.cpi);
        let tracks = tracks::until(tracks, detection.cpi);
        let picture = range_doppler(&axes, about, shown, in_look, tracks, &truth);
        plots::draw_map(&path, &picture)?;
        drawn.push(path);
    }
    let path = folder.join("a-scope.png");
    plots::draw_lines(&path, &a_scope(radar, about, &look, detection))?;
    drawn.push(path);
    Ok(drawn)
}

/// Points of a drawn ellipse.
const ELLIPSE_POINTS: usize = 361;

/// Where the strongest detections can be on the ground: ellipses about both stations.
/// Ellipses that can be told apart in one picture.
const MAX_ELLIPSES: usize = 6;
/// Ellipses that are closer are one line in the picture.
const SAME_RANGE_M: f64 = 500.0;

fn ellipses(
    radar: &PulseDopplerPlan,
    about: &About,
    stations: &BistaticConfig,
    strongest: &[Detection],
) -> LinePlot {
    let ([east_t, north_t, _], [east_r, north_r, _]) = (stations.transmitter_m, stations.receiver_m);
    let middle = ((east_t + east_r) / 2.0, (north_t + north_r) / 2.0);
    let (sin, cos) = (north_r - north_t).atan2(east_r - east_t).sin_cos();
    let ellipse = |d: &Detection| -> Option<Series> {
        let [a, b] = radar.geometry().ellipse_m(d.range_m?)?;
        let point = |k: usize| {
            let angle = std::f64::consts::TAU * k as f64 / (ELLIPSE_POINTS - 1) as f64;
            let (x, y) = (a * angle.cos(), b * angle.sin());
            (middle.0 + x * cos - y * sin, middle.1 + x * sin + y * cos)
        };
        let name = format!("{:.0} m, {:.1} m/s", d.range_m?, d.velocity_mps.unwrap_or(0.0));
        Some(Series { name, points: (0..ELLIPSE_POINTS).map(point).collect(), ..Series::default() })
    };
    // A target that was seen in many looks is shown once.
    let mut shown: Vec<&Detection> = Vec::new();
    for detection in strongest {
        let range_m = |d: &Detection| d.range_m.unwrap_or(0.0);
        let same = |other: &&Detection| (range_m(other) - range_m(detection)).abs() < SAME_RANGE_M;
        if shown.len() < MAX_ELLIPSES && !shown.iter().any(same) {
            shown.push(detection);
        }
    }
    let mut series: Vec<Series> = shown.into_iter().filter_map(ellipse).collect();
    for (name, place) in [("transmitter", (east_t, north_t)), ("receiver", (east_r, north_r))] {
        let stroke = if name == "receiver" { Stroke::Rings } else { Stroke::Points };
        let colour = Some(6);
        series.push(Series {
            name: name.to_owned(),
            points: vec![place],
            stroke,
            colour,
            ..Series::default()
        });
    }
    LinePlot {
        title: format!("Where the strongest detections can be, half paths — {}", about.title),
        x_label: "east (m)".to_owned(),
        y_label: "north (m)".to_owned(),
        series,
        y: None,
        is_map: true,
        legend: Legend::UpperRight,
    }
}

/// The truth that lies beside a simulated recording; none where there is none.
pub fn truth(recording: Option<&Path>) -> Vec<CpiTruth> {
    let beside = |path: &Path| [path.with_extension("truth.jsonl"), path.with_file_name("truth.jsonl")];
    let paths = recording.map(beside).into_iter().flatten();
    let text = paths.into_iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    // Lines of bursts, which are of another kind, are none of CPIs.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A look that was worked on again.
struct Look {
    worker: PulseDopplerWorker,
    first_sample: u64,
}

impl Look {
    /// Reads the look of a detection again.
    fn read(plan: &Plan, radar: &Arc<PulseDopplerPlan>, detection: &Detection) -> Result<Option<Self>> {
        let first = radar.look_first_sample(detection.sample, detection.delay_s.unwrap_or(0.0));
        // Somewhat before, so that the leak is found from the same pulse on.
        let early = radar.early_samples();
        let round_start = plan.round_start(detection.sample);
        let core_first = first.saturating_sub(early).max(round_start);
        let block_first = core_first.saturating_sub(radar.lead() as u64).max(round_start);
        let n_samples = (core_first - block_first) as usize + radar.core_len() + radar.tail();
        let mut segment: Segment = read_again(plan, block_first, n_samples)?;
        let start = core_first.saturating_sub(segment.block.header.first_sample) as usize;
        segment.core = start..(start + radar.core_len()).min(segment.block.n_samples());
        if segment.core.is_empty() {
            return Ok(None);
        }
        let mut worker = radar.make_worker();
        let mut result = radar.make_result();
        worker.process(&segment, &mut result);
        let first_sample = result.look.first_sample;
        Ok((result.look.worked > 0).then_some(Self { worker, first_sample }))
    }

    fn map(&self) -> Option<&PowerMap> {
        self.worker.maps().next()
    }
}

/// Range over time from the profiles of looks.
pub fn range_time(
    axes: &MapAxes,
    about: &About,
    profiles: &Profiles,
    found: &Found<'_>,
    truth: &[CpiTruth],
) -> MapPicture {
    let seconds = |sample: u64| (sample.saturating_sub(about.first_sample)) as f64 / about.sample_rate_hz;
    let from_s = profiles.samples.first().map_or(0.0, |sample| seconds(*sample));
    let row_s = axes.look_s * profiles.looks_a_row as f64;
    // Columns are as long as a row is; where samples were lost they stay without a value.
    let last_s = profiles.samples.last().map_or(from_s, |sample| seconds(*sample));
    let n_columns = ((last_s - from_s) / row_s).round().clamp(0.0, MAX_COLUMNS) as usize + 1;
    let column_s = ((last_s - from_s + row_s) / n_columns as f64).max(f64::MIN_POSITIVE);
    let mut rows: Vec<Option<&Vec<f32>>> = vec![None; n_columns];
    for (sample, row) in profiles.samples.iter().zip(&profiles.rows) {
        let first = ((seconds(*sample) - from_s) / column_s).round() as usize;
        let n = (row_s / column_s).round().max(1.0) as usize;
        rows.iter_mut().skip(first).take(n).for_each(|column| *column = Some(row));
    }
    let rows = &rows;
    let value = |row: &Option<&Vec<f32>>, gate: usize| row.map_or(f32::NAN, |row| db(row[gate]));
    let values = (0..axes.n_gates).flat_map(|gate| rows.iter().map(move |row| value(row, gate)));
    let detected = found.detections.iter().filter(|d| d.channel == 0);
    MapPicture {
        title: format!("Range over time, greatest power of all Doppler bins — {}", about.title),
        x_label: about.time_label("s"),
        y_label: "range (m)".to_owned(),
        value_label: "dBFS".to_owned(),
        values: values.collect(),
        n_columns,
        x: [from_s, from_s + column_s * n_columns as f64],
        y: ranges_m(axes),
        limits: None,
        detections: detected.filter_map(|d| Some((seconds(d.sample), d.range_m?))).collect(),
        truth: thinned(truth).map(|t| (t.time_s, t.range_m)).collect(),
        tracks: tracks::over_time(found.tracks),
    }
}

/// Most columns of a picture, however long its gaps are.
const MAX_COLUMNS: f64 = 4096.0;

/// Edges of the first and of the last gate.
fn ranges_m(axes: &MapAxes) -> [f64; 2] {
    let edge = |gate: f64| axes.range_first_m + axes.range_step_m * (gate - 0.5);
    [edge(0.0), edge(axes.n_gates as f64)]
}

/// Lower edge of the first row and upper edge of the last.
fn range_rates_mps(axes: &MapAxes) -> [f64; 2] {
    let rates = &axes.range_rate_mps;
    let (Some(first), Some(last)) = (rates.first(), rates.last()) else { return [0.0, 1.0] };
    let half = if rates.len() > 1 { (last - first) / (rates.len() - 1) as f64 / 2.0 } else { 0.5 };
    [first - half, last + half]
}

/// About so many points of a truth that the picture stays readable.
const MAX_TRUTH: usize = 60;

/// Truth that leaves the picture readable: not every look's.
pub fn thinned(truth: &[CpiTruth]) -> impl Iterator<Item = &CpiTruth> {
    let last = truth.last().map_or(0, |record| record.cpi);
    let n_targets = truth.iter().take_while(|record| record.cpi == truth[0].cpi).count().max(1) as u64;
    let step = ((last + 1) * n_targets).div_ceil(MAX_TRUTH as u64).max(1);
    truth.iter().filter(move |record| record.cpi.is_multiple_of(step))
}

/// A look's map as it is drawn.
pub struct LookMap {
    /// What is special about the look, behind a comma, or nothing.
    pub which: &'static str,
    /// dB relative to full scale, rows by rising range rate.
    pub values: Vec<f32>,
    /// Absolute index of the sample at which the look begins.
    pub first_sample: u64,
}

/// A range-Doppler map with the detections of its look, and the truth of the time.
pub fn range_doppler<'a>(
    axes: &MapAxes,
    about: &About,
    look: LookMap,
    detections: impl Iterator<Item = &'a Detection>,
    tracks: Vec<Vec<(f64, f64)>>,
    truth: &[CpiTruth],
) -> MapPicture {
    let nearest = truth.iter().min_by_key(|t| t.first_sample.abs_diff(look.first_sample)).map(|t| t.cpi);
    let begins_s = look.first_sample.saturating_sub(about.first_sample) as f64 / about.sample_rate_hz;
    let at_s = begins_s + axes.look_s / 2.0;
    MapPicture {
        title: format!("Range-Doppler map at {at_s:.3} s{} — {}", look.which, about.title),
        x_label: "range (m)".to_owned(),
        y_label: "range rate (m/s), positive is receding".to_owned(),
        value_label: "dBFS".to_owned(),
        values: look.values,
        n_columns: axes.n_gates,
        x: ranges_m(axes),
        y: range_rates_mps(axes),
        limits: None,
        detections: detections.filter_map(|d| Some((d.range_m?, d.velocity_mps?))).collect(),
        truth: truth
            .iter()
            .filter(|t| Some(t.cpi) == nearest)
            .map(|t| (t.range_m, t.range_rate_mps))
            .collect(),
        tracks,
    }
}

/// Stands in the title of the map that has it.
pub const WITH_STRONGEST: &str = ", with the strongest detection";

fn a_scope(radar: &PulseDopplerPlan, about: &About, look: &Look, detection: &Detection) -> LinePlot {
    let (Some(map), Some(plan)) = (look.map(), radar.maps().next()) else { return LinePlot::default() };
    let doppler_hz = detection.doppler_hz.unwrap_or(0.0);
    let distance = |bin: &usize| {
        let cycles = (plan.doppler_hz(*bin) - doppler_hz) / plan.span_hz();
        (cycles - cycles.round()).abs()
    };
    let bin = (0..map.n_rows()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
    let (first_m, step_m) = radar.range_axis_m();
    let range_m = |gate: usize| first_m + gate as f64 * step_m;
    let row = map.row(bin);
    let points = |value: &dyn Fn(usize) -> Option<f32>| -> Vec<(f64, f64)> {
        (0..row.len()).filter_map(|gate| Some((range_m(gate), f64::from(db(value(gate)?))))).collect()
    };
    let velocity = radar.geometry().velocity_mps_from_doppler(plan.doppler_hz(bin));
    // Where the row shows it: what a canceller took off is part of the detection's power, but not of the map.
    let found_m = detection.range_m.unwrap_or(0.0);
    let gate = (((found_m - first_m) / step_m).round().max(0.0) as usize).min(row.len().saturating_sub(1));
    let peak = (found_m, row.get(gate).map_or(0.0, |power| f64::from(db(*power))));
    LinePlot {
        title: format!("A-scope at {velocity:.1} m/s, through the strongest detection — {}", about.title),
        x_label: "range (m)".to_owned(),
        y_label: "power (dBFS)".to_owned(),
        series: vec![
            Series { name: "power".to_owned(), points: points(&|gate| Some(row[gate])), ..Series::default() },
            Series {
                name: "threshold".to_owned(),
                points: points(&|gate| plan.threshold(map, bin, gate)),
                ..Series::default()
            },
            Series {
                name: "detection".to_owned(),
                points: vec![peak],
                stroke: Stroke::Rings,
                ..Series::default()
            },
        ],
        y: None,
        is_map: false,
        legend: Legend::UpperRight,
    }
}
