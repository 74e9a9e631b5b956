//! The plots of a run: what the stream gives on the way, and what reading the recording again gives afterwards.

pub mod radar;
mod speed;
pub mod tracks;

use crate::plan::{self, Plan};
use crate::tracks::TRACKS;
use anyhow::{Context, Result, bail};
use rangegate_core::{Detection, Segment};
use rangegate_dsp::burst::periodic::{self, DelayWindow, PeriodicPlan};
use rangegate_dsp::burst::{BurstPlan, Trace};
use rangegate_dsp::chain::{Chain, Overview, SegmentResult};
use rangegate_pipeline::{Lease, Receiver, Stop, Tap, tap};
use rangegate_sinks::plots::{self, About, DelayDoppler, Mark, MatchedFilterTrace, Surface, Waterfall};
use rangegate_sinks::read_detections;
use rangegate_sources::{SegmentPlan, Segmenter, TimePoint};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracks::TrackPoint;

/// Overviews that may be under way to the plots.
const TAP_CAPACITY: usize = 64;
/// Detections whose surroundings are drawn.
const N_TRACES: usize = 6;
/// Dwells that are searched again for their surfaces: each takes a part of the run's own time.
const N_SURFACES: usize = 3;
/// Most detections that are marked.
const MAX_MARKS: usize = 100_000;

/// What leaves the line for the plots.
#[derive(Default)]
pub struct Part {
    first_sample: u64,
    n_samples: usize,
    overview: Overview,
    /// Where the look began, and its range profile; empty where none was worked on.
    look_sample: u64,
    range_profile: Vec<f32>,
    /// Slices of a continuous-wave radar's first channel: where they begin, and their powers one after the other.
    slice_samples: Vec<u64>,
    slice_powers: Vec<f32>,
}

/// The end at which the line offers overviews.
pub struct OverviewTap(Tap<Part>);

impl OverviewTap {
    /// Hands on what a segment shows of the stream, if there is room.
    pub fn offer(&mut self, result: &SegmentResult) {
        self.0.offer(|part| {
            part.first_sample = result.first_sample;
            part.n_samples = result.n_samples;
            part.overview.clone_from(&result.overview);
            part.look_sample = result.look.first_sample;
            part.range_profile.clone_from(&result.look.range_profile);
            let slices = result.cw.slices().iter().filter(|slice| slice.channel == 0);
            part.slice_samples.clear();
            part.slice_powers.clear();
            for slice in slices {
                part.slice_samples.push(slice.first_sample);
                part.slice_powers.extend_from_slice(&slice.power);
            }
        });
    }

    /// Overviews that found no room.
    pub fn dropped(&self) -> u64 {
        self.0.counts().dropped
    }
}

/// A tap for the plots, and what collects behind it.
pub fn overview_tap(core_len: usize) -> (OverviewTap, Receiver<Lease<Part>>) {
    let (tap, receiver) =
        tap(TAP_CAPACITY, || Part { overview: Overview::with_capacity(core_len), ..Part::default() });
    (OverviewTap(tap), receiver)
}

/// What was collected of a run for its plots.
pub struct Collected {
    /// Power and spectrum over time.
    pub waterfall: Waterfall,
    /// Range profiles over time.
    pub profiles: radar::Profiles,
    /// Spectra of speed over time.
    pub speeds: radar::Profiles,
}

/// Sums up overviews until the line closes the tap.
pub fn collect(mut parts: Receiver<Lease<Part>>, first_sample: u64) -> Collected {
    let mut waterfall = Waterfall::new(first_sample, Overview::PART, Overview::N_BINS);
    let mut profiles = radar::Profiles::default();
    let mut speeds = radar::Profiles::default();
    while let Some(part) = parts.recv() {
        if !part.range_profile.is_empty() {
            profiles.push(part.look_sample, &part.range_profile);
        }
        let n_bins = (part.slice_powers.len() / part.slice_samples.len().max(1)).max(1);
        for (sample, powers) in part.slice_samples.iter().zip(part.slice_powers.chunks_exact(n_bins)) {
            speeds.push(*sample, powers);
        }
        let Overview { mean_power, peak_power, spectrum, .. } = &part.overview;
        let spectra = spectrum.chunks(Overview::N_BINS);
        for (at, ((mean, peak), spectrum)) in mean_power.iter().zip(peak_power).zip(spectra).enumerate() {
            let offset = at * Overview::PART;
            let n = Overview::PART.min(part.n_samples - offset);
            waterfall.push(part.first_sample + offset as u64, n, *mean, *peak, spectrum);
        }
    }
    Collected { waterfall, profiles, speeds }
}

/// Plots that runs write, besides `delay-doppler-TEMPLATE.png`.
const NAMES: [&str; 8] = [
    "ellipses.png",
    "power.png",
    "spectrogram.png",
    "matched-filter.png",
    "range-time.png",
    "range-doppler.png",
    "a-scope.png",
    "speed.png",
];

/// Removes the plots of an earlier run from a folder, and the folder where nothing else is in it.
pub fn remove(folder: &Path) {
    let is_plot = |name: &str| {
        NAMES.contains(&name)
            || tracks::NAMES.contains(&name)
            || name.starts_with("delay-doppler-") && name.ends_with(".png")
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_plot) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    // One with anything else in it stays.
    let _ = std::fs::remove_dir(folder);
}

/// Draws everything that there is to draw into a folder, and says what it drew. What cannot be drawn is told, and
/// hinders neither the rest nor the run that is done. Once `stop` is set, only what needs no reading is drawn.
pub fn draw(
    plan: &Plan,
    folder: &Path,
    collected: &Collected,
    strongest: &[Detection],
    stop: &Stop,
) -> Vec<PathBuf> {
    let about = about(plan);
    let detections = match begin(folder) {
        Ok(detections) => detections,
        Err(error) => return drawn(Err(error)),
    };
    let mut paths = drawn(draw_overview(plan, folder, &about, &collected.waterfall, &detections));
    if stop.is_set() {
        tracing::warn!("stopped: the plots that take their time are left out");
        return paths;
    }
    let Collected { profiles, speeds, .. } = collected;
    if let Chain::Cw(tone) = &plan.chain {
        paths.extend(drawn(speed::draw(tone, folder, &about, speeds, &detections)));
    }
    let tracks = tracks_of(plan, folder, &about, &detections, &mut paths);
    let found = Found { detections: &detections, strongest, tracks: &tracks };
    paths.extend(drawn(draw_strongest(plan, folder, &about, profiles, &found, stop)));
    paths
}

/// Draws what is drawn from the recording: what surrounds the strongest detections. For a run that is over.
///
/// # Errors
/// The recording cannot be read, or the pictures cannot be written.
pub fn draw_again(plan: &Plan, folder: &Path, found: &Found<'_>) -> Result<Vec<PathBuf>> {
    draw_strongest(plan, folder, &about(plan), &radar::Profiles::default(), found, &Stop::new())
}

/// Pictures that cannot be drawn are told of, and hinder nothing else.
fn drawn(plots: Result<Vec<PathBuf>>) -> Vec<PathBuf> {
    plots.unwrap_or_else(|error| {
        tracing::warn!("plots are missing: {error:#}");
        Vec::new()
    })
}

/// What a run found.
pub struct Found<'a> {
    /// All detections.
    pub detections: &'a [Detection],
    /// The strongest of them.
    pub strongest: &'a [Detection],
    /// The tracks through them.
    pub tracks: &'a [TrackPoint],
}

fn draw_strongest(
    plan: &Plan,
    folder: &Path,
    about: &About,
    profiles: &radar::Profiles,
    found: &Found<'_>,
    stop: &Stop,
) -> Result<Vec<PathBuf>> {
    let strongest = found.strongest;
    // A scene cannot be read again at a place of its own.
    let can_read = plan.config.source.recording.is_some() && !strongest.is_empty();
    match &plan.chain {
        Chain::Stream(burst) if can_read => draw_bursts(plan, burst, folder, about, strongest, stop),
        Chain::Periodic(dwells) if can_read => draw_dwells(plan, dwells, folder, about, strongest, stop),
        Chain::PulseDoppler(pulses) => radar::draw(plan, pulses, folder, about, profiles, found),
        Chain::Stream(_) | Chain::Periodic(_) | Chain::Cw(_) => Ok(Vec::new()),
    }
}

/// The tracks beside the folder, drawn.
fn tracks_of(
    plan: &Plan,
    folder: &Path,
    about: &About,
    detections: &[Detection],
    paths: &mut Vec<PathBuf>,
) -> Vec<TrackPoint> {
    let Some(config) = &plan.config.tracking else { return Vec::new() };
    let points = tracks::read(&folder.with_file_name(TRACKS)).unwrap_or_else(|error| {
        tracing::warn!("plots are without tracks: {error:#}");
        Vec::new()
    });
    paths.extend(drawn(tracks::draw(folder, about, config, &points, detections)));
    points
}

/// Makes the folder, and reads the detections beside it.
fn begin(folder: &Path) -> Result<Vec<Detection>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(read_detections(&folder.with_file_name("detections.jsonl"))?)
}

/// Power and spectrum over time.
fn draw_overview(
    plan: &Plan,
    folder: &Path,
    about: &About,
    waterfall: &Waterfall,
    detections: &[Detection],
) -> Result<Vec<PathBuf>> {
    // A chain may have none.
    if waterfall.n_columns() == 0 {
        return Ok(Vec::new());
    }
    let mark = |d: &Detection| Mark { sample: d.sample, template: d.template.to_string() };
    let marks: Vec<Mark> = detections.iter().take(MAX_MARKS).map(mark).collect();
    let about = About { title: format!("{}{}", about.title, first_of(plan)), ..about.clone() };
    let (power, spectrogram) = (folder.join("power.png"), folder.join("spectrogram.png"));
    plots::draw_power(&power, &about, waterfall, &marks)?;
    plots::draw_spectrogram(&spectrogram, &about, waterfall)?;
    Ok(vec![power, spectrogram])
}

/// What power and spectrum over time are of, where that needs to be said.
fn first_of(plan: &Plan) -> &'static str {
    if plan.stream.n_channels > 1 { ", channel 0" } else { "" }
}

/// What stands above pictures: the name of what samples come from, without its folders.
pub fn title(source_name: &str) -> String {
    Path::new(source_name).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What stands on every picture of a run.
pub fn about(plan: &Plan) -> About {
    let stream = &plan.stream;
    About {
        title: title(&plan.source_name()),
        sample_rate_hz: stream.sample_rate.hz(),
        center_frequency_hz: stream.center_frequency_hz,
        first_sample: stream.first_sample,
        start: plan.start_time().map(|time| format!("{time:.3}")),
    }
}

/// Reads samples of the recording again: a segment of `n_samples` from an absolute index on, in whichever round that was
/// played.
fn read_again(plan: &Plan, first_sample: u64, n_samples: usize) -> Result<Segment> {
    let mut source = plan.config.source.clone();
    let Some(recording) = &plan.recording else { bail!("no recording to read again") };
    let shift = plan.round_start(first_sample).saturating_sub(plan.window.0);
    let offset = i128::from((first_sample - shift).saturating_sub(recording.first_sample));
    // Half a sample early, so that rounding to nanoseconds does not begin with the sample after.
    let nanos = recording.sample_rate.nanos_from_samples(2 * offset - 1).max(0) / 2;
    source.from = Some(TimePoint::FromStart { nanos: u64::try_from(nanos).unwrap_or(u64::MAX) });
    (source.speed, source.repeat) = Default::default();
    let opened = plan::open(&source, &Stop::new())?;
    let cut = SegmentPlan {
        core_len: n_samples,
        lead: 0,
        tail: 0,
        n_sets: 1,
        whole_cores_only: false,
        // As the run did.
        joins_pulses: crate::chain::segment_plan(&plan.chain).joins_pulses,
    };
    let mut segmenter = Segmenter::new(opened.source, cut)?;
    let mut segment = segmenter.make_segment();
    if !segmenter.next_segment(&mut segment).map_err(anyhow::Error::from_boxed)? {
        bail!("sample {first_sample} is not there any more");
    }
    segment.block.header.first_sample += shift;
    Ok(segment)
}

/// From one index to another, samples: exact where the indices themselves are too great for a float.
fn samples_between(from: u64, to: u64) -> f64 {
    (i128::from(to) - i128::from(from)) as f64
}

/// Cells to either side of a detection that its panel shows: the replica and a little more.
fn half_width(replica_len: usize) -> usize {
    (replica_len + replica_len / 2).max(40)
}

/// The filter's output around a detection, or `None` where it cannot be had any more.
fn trace(plan: &Plan, burst: &Arc<BurstPlan>, detection: &Detection) -> Result<Option<Trace>> {
    let Some(template) = plan.replicas.iter().position(|replica| replica.name == detection.template) else {
        return Ok(None);
    };
    let half = half_width(plan.replicas[template].samples.len()).min(burst.core_len() / 2);
    let round_start = plan.round_start(detection.sample);
    let core_first = detection.sample.saturating_sub(half as u64).max(round_start);
    let first = core_first.saturating_sub(burst.lead() as u64).max(round_start);
    let n_samples = (core_first - first) as usize + 2 * half + burst.tail();
    let mut segment = read_again(plan, first, n_samples)?;
    let block_first = segment.block.header.first_sample;
    let start = core_first.saturating_sub(block_first) as usize;
    segment.core = start..(start + 2 * half).min(segment.block.n_samples());
    if segment.core.is_empty() || start > burst.lead() {
        return Ok(None);
    }
    Ok(Some(burst.make_worker().trace(&segment, template, detection.channel as usize)))
}

fn draw_bursts(
    plan: &Plan,
    burst: &Arc<BurstPlan>,
    folder: &Path,
    about: &About,
    strongest: &[Detection],
    stop: &Stop,
) -> Result<Vec<PathBuf>> {
    let mut drawn = Vec::new();
    let mut panels = Vec::new();
    for detection in strongest.iter().take(N_TRACES).take_while(|_| !stop.is_set()) {
        let Some(trace) = trace(plan, burst, detection)? else { continue };
        if trace.n_cells == 0 {
            continue;
        }
        if panels.is_empty() && trace.doppler_hz.len() > 1 {
            let path = folder.join(format!("delay-doppler-{}.png", file_name(&detection.template)));
            plots::draw_delay_doppler(&path, about, &surface_of_trace(plan, detection, &trace))?;
            drawn.push(path);
        }
        panels.push(panel(detection, &trace));
    }
    if !panels.is_empty() {
        let path = folder.join("matched-filter.png");
        plots::draw_matched_filter(&path, about, &panels)?;
        drawn.insert(0, path);
    }
    Ok(drawn)
}

/// The row of the hypothesis nearest to the detection's Doppler shift.
fn panel(detection: &Detection, trace: &Trace) -> MatchedFilterTrace {
    let doppler_hz = detection.doppler_hz.unwrap_or(0.0);
    let distance = |row: &usize| (trace.doppler_hz[*row] - doppler_hz).abs();
    let nearest = (0..trace.doppler_hz.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
    let row = nearest * trace.n_cells..(nearest + 1) * trace.n_cells;
    let db = |power: &f32| 10.0 * f64::from(power.max(1e-9)).log10();
    let first = samples_between(detection.sample, trace.first_sample) - detection.sample_fraction;
    MatchedFilterTrace {
        title: format!("{}, sample {}, {:.1} dB", detection.template, detection.sample, detection.snr_db),
        offsets: (0..trace.n_cells).map(|cell| first + cell as f64).collect(),
        snr_db: trace.snr[row.clone()].iter().map(db).collect(),
        threshold_db: trace.threshold[row].iter().map(db).collect(),
        peak_db: detection.snr_db,
    }
}

fn surface_of_trace(plan: &Plan, detection: &Detection, trace: &Trace) -> DelayDoppler {
    let period_s = 1.0 / plan.stream.sample_rate.hz();
    let first = samples_between(detection.sample, trace.first_sample) - detection.sample_fraction;
    let surface = |columns: std::ops::Range<usize>| {
        let rows = trace.snr.chunks_exact(trace.n_cells);
        Surface {
            power: rows.flat_map(|row| row[columns.clone()].iter().copied()).collect(),
            doppler_hz: [trace.doppler_hz[0], trace.doppler_hz[trace.doppler_hz.len() - 1]],
            n_doppler: trace.doppler_hz.len(),
            delay_s: [(first + columns.start as f64) * period_s, (first + columns.end as f64) * period_s],
            n_delay: columns.len(),
        }
    };
    let near = (trace.n_cells / 8).max(8);
    let centre = (-first).max(0.0) as usize;
    DelayDoppler {
        title: format!("Delay and Doppler of {}, sample {}", detection.template, detection.sample),
        delay_label: "time from the leading edge".to_owned(),
        full: surface(0..trace.n_cells),
        near: surface(centre.saturating_sub(near)..(centre + near).min(trace.n_cells)),
        detection: (0.0, detection.doppler_hz.unwrap_or(0.0)),
    }
}

/// Code delays around the peak that the second panel shows, as a part of the period.
const NEAR_PART: f64 = 0.02;

fn draw_dwells(
    plan: &Plan,
    dwells: &Arc<PeriodicPlan>,
    folder: &Path,
    about: &About,
    strongest: &[Detection],
    stop: &Stop,
) -> Result<Vec<PathBuf>> {
    let mut drawn = Vec::new();
    let mut worker = dwells.make_worker();
    for detection in strongest.iter().take(N_SURFACES).take_while(|_| !stop.is_set()) {
        let (Some(delay_s), Some(doppler_hz)) = (detection.delay_s, detection.doppler_hz) else { continue };
        let Some(replica) = plan.replicas.iter().position(|r| r.name == detection.template) else { continue };
        // The dwell began before the leading edge by the delay.
        let before = delay_s * plan.stream.sample_rate.hz() - detection.sample_fraction;
        let first = detection.sample.saturating_sub(before.round() as u64);
        let segment = read_again(plan, first, dwells.core_len())?;
        let near_s = NEAR_PART * dwells.cell_s() * dwells.n_delay_cells() as f64;
        let windows = [DelayWindow::full(), DelayWindow::around(delay_s, near_s)];
        let surfaces = worker.surfaces(&segment, detection.channel as usize, replica, windows);
        let Some([full, near]) = surfaces.map(|surfaces| surfaces.map(surface_of_dwell)) else { continue };
        let path = folder.join(format!("delay-doppler-{}.png", file_name(&detection.template)));
        let picture = DelayDoppler {
            title: format!("Delay and Doppler of {}, {:.1} dB", detection.template, detection.snr_db),
            delay_label: "code delay".to_owned(),
            full,
            near,
            detection: (delay_s, doppler_hz),
        };
        plots::draw_delay_doppler(&path, about, &picture)?;
        if !drawn.contains(&path) {
            drawn.push(path);
        }
    }
    Ok(drawn)
}

fn surface_of_dwell(surface: periodic::Surface) -> Surface {
    let end_s = surface.delay_start_s + surface.delay_step_s * surface.n_delay as f64;
    let rows = &surface.doppler_hz;
    Surface {
        doppler_hz: [rows.first().copied().unwrap_or(0.0), rows.last().copied().unwrap_or(0.0)],
        n_doppler: rows.len(),
        delay_s: [surface.delay_start_s, end_s],
        n_delay: surface.n_delay,
        power: surface.power,
    }
}

/// A template's name as part of a file's name.
pub fn file_name(template: &str) -> String {
    template.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
