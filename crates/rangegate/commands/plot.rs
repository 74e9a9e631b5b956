//! `plot`: draws again what a run saved.

use crate::Outcome;
use crate::assemble::N_STRONGEST;
use crate::commands::saved::RunFile;
use crate::config::Config;
use crate::maps::MAPS;
use crate::pictures;
use crate::pictures::radar::{self, LookMap, Profiles, WITH_STRONGEST};
use crate::pictures::tracks::{self, TrackPoint};
use crate::pictures::{Found, title};
use crate::plan::Plan;
use crate::tracks::TRACKS;
use anyhow::{Context, Result, bail};
use clap::ValueHint;
use rangegate_core::Detection;
use rangegate_pipeline::Stop;
use rangegate_recording::hdf5::maps::MapFile;
use rangegate_scene::CpiTruth;
use rangegate_sinks::plots::{self, About, Animation, LinePlot, MapPicture, Series, Stroke};
use rangegate_sinks::{Strongest, read_detections};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `rangegate plot`.
#[derive(Debug, clap::Args)]
pub struct PlotArgs {
    /// A folder that a run wrote
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    /// Draw into this folder; default: DIR/plots
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,

    /// Draw the map of every look, all with the same colours: maps/0000.png, maps/0001.png, …
    #[arg(long)]
    pub each: bool,

    /// As --each, and put the maps into one animated PNG too, maps.png, at the speed at which the looks came, but no
    /// more than 25 a second
    #[arg(long)]
    pub animate: bool,
}

/// Runs the command.
///
/// # Errors
/// The folder holds no run, a file in it is damaged, or the pictures cannot be written.
pub fn plot(args: &PlotArgs) -> Result<Outcome> {
    let run = SavedRun::open(&args.dir)?;
    if (args.each || args.animate) && run.maps.is_none() {
        bail!(
            "{} holds no maps: --each and --animate need a run with --maps (or maps = true in [output])",
            args.dir.display()
        );
    }
    let out = args.out.clone().unwrap_or_else(|| args.dir.join("plots"));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut drawn = match &run.maps {
        Some(maps) => run.draw_maps(maps, &out, args)?,
        None => run.draw_log(&out)?,
    };
    if !run.tracks.is_empty() {
        let config = run.config.tracking.clone().unwrap_or_default();
        drawn.extend(tracks::draw(&out, &run.about, &config, &run.tracks, &run.detections)?);
    }
    // A recording that is not what it was hinders only what needs it.
    let again = run.draw_again(&out).unwrap_or_else(|error| {
        tracing::warn!("what needs the recording is left out: {error:#}");
        Vec::new()
    });
    drawn.retain(|path| !again.contains(path));
    drawn.extend(again);
    let mut text = String::new();
    for path in &drawn {
        let _ = writeln!(text, "written: {}", path.display());
    }
    if drawn.is_empty() {
        let _ = writeln!(text, "{}: no maps and no detections, nothing to draw", args.dir.display());
    }
    super::print(&text)?;
    Ok(Outcome::Done)
}

/// What a run left in its folder.
struct SavedRun {
    config: Config,
    about: About,
    detections: Vec<Detection>,
    tracks: Vec<TrackPoint>,
    /// Beside the recording, where that is still in its place and simulated.
    truth: Vec<CpiTruth>,
    /// `None` where there is not one map.
    maps: Option<MapFile>,
}

/// What one pass over all maps gives.
struct Survey {
    profiles: Profiles,
    /// Number of the map with the greatest power outside the notch.
    strongest: usize,
    /// Limits of colours that all maps can share.
    limits: [f64; 2],
}

impl SavedRun {
    fn open(folder: &Path) -> Result<Self> {
        let file = RunFile::read(folder)?;
        let config = file.configuration()?;
        let maps = folder.join(MAPS);
        let maps = maps.exists().then(|| MapFile::open(&maps)).transpose()?;
        Ok(Self {
            about: About {
                title: title(&file.plan.source),
                sample_rate_hz: file.plan.sample_rate_hz,
                center_frequency_hz: None,
                first_sample: file.plan.first_sample,
                start: file.plan.start_time.map(|time| format!("{time:.3}")),
            },
            detections: read_detections(&folder.join("detections.jsonl"))?,
            tracks: tracks::read(&folder.join(TRACKS))?,
            truth: radar::truth(config.source.recording.as_deref()),
            maps: maps.filter(|maps| !maps.looks().is_empty()),
            config,
        })
    }

    /// What needs the recording, where that is still in its place.
    fn draw_again(&self, out: &Path) -> Result<Vec<PathBuf>> {
        if !self.config.source.recording.as_ref().is_some_and(|path| path.exists()) {
            return Ok(Vec::new());
        }
        let (plan, _) = Plan::new(self.config.clone(), &Stop::new())?;
        let mut strongest = Strongest::new(N_STRONGEST);
        self.detections.iter().for_each(|detection| strongest.consider(detection));
        let strongest = strongest.detections();
        let found = Found { detections: &self.detections, strongest, tracks: &self.tracks };
        pictures::draw_again(&plan, out, &found)
    }

    /// Range over time, the map with the strongest detection, and each map where that is asked for.
    fn draw_maps(&self, maps: &MapFile, out: &Path, args: &PlotArgs) -> Result<Vec<PathBuf>> {
        let Survey { profiles, strongest, limits } = survey(maps)?;
        let mut drawn = vec![out.join("range-time.png"), out.join("range-doppler.png")];
        let (axes, about) = (maps.axes(), &self.about);
        let found = Found { detections: &self.detections, strongest: &[], tracks: &self.tracks };
        let range_time = radar::range_time(axes, about, &profiles, &found, &self.truth);
        plots::draw_map(&drawn[0], &range_time)?;
        // Maps are those of the first channel.
        let detections = self.detections.iter().filter(|d| d.channel == 0);
        let detection = detections.max_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
        let detected = detection.and_then(|d| maps.looks().iter().position(|look| Some(look.cpi) == d.cpi));
        let (look, which) = detected.map_or((strongest, ""), |look| (look, WITH_STRONGEST));
        plots::draw_map(&drawn[1], &self.picture(maps, look, which)?)?;
        if args.each || args.animate {
            drawn.extend(self.draw_each(maps, limits, out, args.animate)?);
        }
        Ok(drawn)
    }

    fn picture(&self, maps: &MapFile, number: usize, which: &'static str) -> Result<MapPicture> {
        let look = &maps.looks()[number];
        let shown = LookMap { which, values: maps.read(number)?, first_sample: look.first_sample };
        let in_look = self.detections.iter().filter(|d| d.cpi == Some(look.cpi) && d.channel == 0);
        let tracks = tracks::until(&self.tracks, Some(look.cpi));
        Ok(radar::range_doppler(maps.axes(), &self.about, shown, in_look, tracks, &self.truth))
    }

    fn draw_each(&self, maps: &MapFile, limits: [f64; 2], out: &Path, animate: bool) -> Result<Vec<PathBuf>> {
        let folder = out.join("maps");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        remove_numbered(&folder)?;
        let mut drawn = Vec::new();
        let animated = out.join("maps.png");
        let mut animation = None;
        if animate {
            let n_frames = u32::try_from(maps.looks().len()).context("too many maps for an animation")?;
            animation = Some(Animation::create(&animated, n_frames, from_look_to_look_s(maps))?);
        }
        for number in 0..maps.looks().len() {
            let path = folder.join(format!("{number:04}.png"));
            let picture = MapPicture { limits: Some(limits), ..self.picture(maps, number, "")? };
            let raster = plots::draw_map(&path, &picture)?;
            if let Some(animation) = &mut animation {
                animation.add(&raster)?;
            }
            drawn.push(path);
        }
        if let Some(animation) = animation {
            animation.finish()?;
            drawn.push(animated);
        }
        Ok(drawn)
    }

    /// Range, range rate and SNR of detections over time, as far as they have them.
    fn draw_log(&self, out: &Path) -> Result<Vec<PathBuf>> {
        type Of<T> = fn(&T) -> Option<f64>;
        let quantities: [(&str, &str, Of<Detection>, Of<CpiTruth>); 3] = [
            ("detections-range.png", "range (m)", |d| d.range_m, |t| Some(t.range_m)),
            (
                "detections-range-rate.png",
                "range rate (m/s), positive is receding",
                |d| d.velocity_mps,
                |t| Some(t.range_rate_mps),
            ),
            ("detections-snr.png", "SNR (dB)", |d| Some(d.snr_db), |_| None),
        ];
        let mut drawn = Vec::new();
        for (file, label, of_detection, of_truth) in quantities {
            let mut series = self.series(of_detection);
            if series.is_empty() {
                continue;
            }
            let truth = radar::thinned(&self.truth).filter_map(|t| Some((t.time_s, of_truth(t)?)));
            let truth: Vec<(f64, f64)> = truth.collect();
            if !truth.is_empty() {
                let name = "truth".to_owned();
                let stroke = Stroke::Rings;
                series.push(Series { name, points: truth, stroke, ..Series::default() });
            }
            let path = out.join(file);
            let picture = LinePlot {
                title: format!("Detections over time — {}", self.about.title),
                x_label: self.about.time_label("s"),
                y_label: label.to_owned(),
                series,
                ..LinePlot::default()
            };
            plots::draw_lines(&path, &picture)?;
            drawn.push(path);
        }
        Ok(drawn)
    }

    /// A quantity over time, a series for each template; where there are too many, the rest are one.
    fn series(&self, of: fn(&Detection) -> Option<f64>) -> Vec<Series> {
        let mut by_template: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for detection in &self.detections {
            let Some(value) = of(detection) else { continue };
            let samples = detection.sample.saturating_sub(self.about.first_sample) as f64;
            let time_s = (samples + detection.sample_fraction) / self.about.sample_rate_hz;
            by_template.entry(&detection.template).or_default().push((time_s, value));
        }
        let mut templates = by_template.into_iter();
        let of_points = |name: &str, points: Vec<(f64, f64)>| Series {
            name: name.to_owned(),
            points,
            stroke: Stroke::Points,
            ..Series::default()
        };
        let mut series: Vec<Series> =
            templates.by_ref().take(MAX_SERIES).map(|(name, points)| of_points(name, points)).collect();
        let others: Vec<(f64, f64)> = templates.flat_map(|(_, points)| points).collect();
        if !others.is_empty() {
            series.push(of_points("others", others));
        }
        series
    }
}

/// Templates that are told from each other by colour.
const MAX_SERIES: usize = 5;

fn survey(maps: &MapFile) -> Result<Survey> {
    let axes = maps.axes();
    let mut profiles = Profiles::default();
    let (mut lows, mut high) = (Vec::new(), f64::NEG_INFINITY);
    let (mut strongest, mut greatest) = (0, f32::NEG_INFINITY);
    let mut profile = vec![0.0; axes.n_gates];
    for (number, look) in maps.looks().iter().enumerate() {
        let map = maps.read(number)?;
        let [low, top] = plots::colour_limits(&map);
        lows.push(low);
        high = high.max(top);
        profile.fill(f32::NEG_INFINITY);
        for (row, in_notch) in map.chunks_exact(axes.n_gates).zip(&axes.in_notch) {
            if !in_notch {
                profile.iter_mut().zip(row).for_each(|(profile, db)| *profile = profile.max(*db));
            }
        }
        let peak = profile.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if peak > greatest {
            (strongest, greatest) = (number, peak);
        }
        profile.iter_mut().for_each(|db| *db = 10_f32.powf(*db / 10.0));
        profiles.push(look.first_sample, &profile);
    }
    // The usual floor: a look without signal does not darken all others.
    lows.sort_by(f64::total_cmp);
    let low = lows.get(lows.len() / 2).copied().unwrap_or(0.0);
    Ok(Survey { profiles, strongest, limits: [low, high] })
}

fn from_look_to_look_s(maps: &MapFile) -> f64 {
    match maps.looks() {
        [first, .., last] => (last.time_s - first.time_s) / (maps.looks().len() - 1) as f64,
        _ => maps.axes().look_s,
    }
}

/// Removes the maps of an earlier run, of which there may have been more.
fn remove_numbered(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_number = stem.len() >= 4 && stem.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && path.extension().is_some_and(|extension| extension == "png") {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}
