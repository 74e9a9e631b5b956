//! `archive`: looks after what runs left.

mod args;

pub use args::ArchiveCommand;

use super::query::{self, JsonLine, What};
use super::{print, print_json};
use crate::Outcome;
use crate::archiving;
use crate::commands::saved::RunFile;
use crate::unfinished::Unfinished;
use anyhow::{Context, Result, bail};
use args::{ExportArgs, ImportArgs, PruneArgs, SealArgs};
use rangegate_archive::row::Record;
use rangegate_archive::table::{csv_header, csv_line};
use rangegate_archive::{
    DetectionRow, Ending, Filter, Folder, Keep, Overview, Reader, Seal, TrackRow, Upkept, WriteOptions,
    Writer, Written, check, repair, upkeep,
};
use rangegate_core::{Detection, SampleFormat, SampleRate};
use rangegate_recording::{Annotation, Kind, RecordingInfo};
use rangegate_sinks::{annotations_from_detections, detections_of};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Runs the command.
///
/// # Errors
/// There is no archive, it is damaged, or what is asked for cannot be done.
pub fn archive(what: &ArchiveCommand) -> Result<Outcome> {
    match what {
        ArchiveCommand::Info(args) => info(&args.dir, args.json),
        ArchiveCommand::Import(args) => import(args),
        ArchiveCommand::Seal(args) => seal(args),
        ArchiveCommand::Prune(args) => prune(args),
        ArchiveCommand::Export(args) => export(args),
        ArchiveCommand::Check(args) => check_all(&args.dir, args.json),
        ArchiveCommand::Repair(args) => repair_all(&args.dir, args.json),
    }
}

/// An archive that is there: `seal` and `prune` make none.
fn existing(dir: &Path) -> Result<Folder> {
    Reader::open(dir)?;
    Ok(Folder::new(dir))
}

fn info(dir: &Path, json: bool) -> Result<Outcome> {
    let overview = Reader::open(dir)?.overview()?;
    if json {
        print_json(&overview)?;
        return Ok(Outcome::Done);
    }
    let header =
        ["station", "runs", "detections", "of these sealed", "track updates", "files", "MB", "from", "to"];
    let time = |time: Option<jiff::Timestamp>| time.map_or_else(String::new, |time| format!("{time:.0}"));
    let row = |station: &Overview| {
        vec![
            station.station.clone(),
            station.runs.to_string(),
            (station.live_detections + station.sealed_detections).to_string(),
            station.sealed_detections.to_string(),
            station.track_updates.to_string(),
            station.sealed_files.to_string(),
            format!("{:.1}", station.sealed_bytes as f64 / 1e6),
            time(station.first_time),
            time(station.last_time),
        ]
    };
    let bytes = std::fs::metadata(Folder::new(dir).database()).map_or(0, |metadata| metadata.len());
    let database = format!("database: {:.1} MB\n", bytes as f64 / 1e6);
    print(&(query::aligned(&header, &overview.iter().map(row).collect::<Vec<_>>()) + &database))?;
    Ok(Outcome::Done)
}

/// A run that was taken in.
#[derive(Serialize)]
struct Imported {
    folder: PathBuf,
    #[serde(flatten)]
    written: Written,
}

fn import(args: &ImportArgs) -> Result<Outcome> {
    // First all that may be refused.
    let runs = args.runs.iter().map(|run| Saved::read(args, run)).collect::<Result<Vec<_>>>()?;
    let mut imported = Vec::new();
    for run in runs {
        let written = run.import(&Folder::new(&args.dir))?;
        imported.push(Imported { folder: run.folder, written });
    }
    if args.json {
        print_json(&imported)?;
        return Ok(Outcome::Done);
    }
    for Imported { folder, written: Written { run, detections, tracks, .. } } in &imported {
        print(&format!(
            "{}: run {run}, {detections} detections, {tracks} lines of tracks\n",
            folder.display()
        ))?;
    }
    Ok(Outcome::Done)
}

/// A run's folder.
struct Saved {
    folder: PathBuf,
    report: Value,
    start: rangegate_archive::RunStart,
}

impl Saved {
    fn read(args: &ImportArgs, folder: &Path) -> Result<Self> {
        let plan = RunFile::read(folder)?.plan;
        let path = folder.join("run.json");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let report: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let configuration = report["configuration"].clone();
        let named = configuration["archive"]["station"].as_str().map(str::parse).transpose();
        let named = named.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let station = args.station.clone().or(named).unwrap_or_default();
        let start = archiving::run_start(
            &station,
            plan.source,
            plan.sample_rate_hz,
            plan.first_sample,
            plan.start_time,
            configuration,
        );
        let mut n = 0;
        for detection in detections_of(&folder.join("detections.jsonl"))? {
            detection?;
            n += 1;
        }
        let same = match Folder::new(&args.dir).database().exists() && !args.again {
            true => Reader::open(&args.dir)?.same_run(&start, n)?,
            false => None,
        };
        if let Some(run) = same {
            let (folder, archive) = (folder.display(), args.dir.display());
            bail!("{folder} is in {archive} already, as run {run}; --again takes it in once more");
        }
        Ok(Self { folder: folder.to_owned(), report, start })
    }

    fn import(&self, archive: &Folder) -> Result<Written> {
        let mut writer = Writer::begin(archive, &self.start, WriteOptions::default())?;
        for detection in detections_of(&self.folder.join("detections.jsonl"))? {
            writer.detection(&detection?);
        }
        let tracks = self.folder.join(crate::tracks::TRACKS);
        if tracks.exists() {
            archiving::add_tracks(&mut writer, &tracks)?;
        }
        let status = self.report["status"].as_str().unwrap_or("done").to_owned();
        let (written, _) = writer.finish(&Ending { status, report: Some(self.report.to_string()) })?;
        Ok(written)
    }
}

fn seal(args: &SealArgs) -> Result<Outcome> {
    let seal = if args.all { Seal::All } else { Seal::Closed };
    let upkept = upkeep(&existing(&args.archive.dir)?, &Keep { seal, ..Keep::default() })?;
    if args.archive.json {
        print_json(&upkept)?;
    } else if upkept.sealed_files == 0 {
        print("nothing to seal\n")?;
    } else {
        print(&format!("{} rows sealed in {} files\n", upkept.sealed_rows, upkept.sealed_files))?;
    }
    Ok(Outcome::Done)
}

fn prune(args: &PruneArgs) -> Result<Outcome> {
    let keep =
        Keep { seal: Seal::None, days: args.keep_days, bytes: args.keep_size.map(|bytes| bytes as u64) };
    let upkept: Upkept = upkeep(&existing(&args.archive.dir)?, &keep)?;
    if args.archive.json {
        print_json(&upkept)?;
    } else {
        print(&format!(
            "{} rows forgotten, {} files removed\n",
            upkept.forgotten_rows, upkept.forgotten_files
        ))?;
    }
    Ok(Outcome::Done)
}

fn check_all(dir: &Path, json: bool) -> Result<Outcome> {
    let found = check(&Folder::new(dir))?;
    let outcome = if found.problems.is_empty() { Outcome::Done } else { Outcome::Differs };
    if json {
        print_json(&found)?;
        return Ok(outcome);
    }
    let mut text = format!(
        "{} rows in the database, {} in {} sealed files\n",
        found.live_rows, found.sealed_rows, found.sealed_files
    );
    for note in &found.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    for problem in &found.problems {
        text.push_str(&format!("wrong: {problem}\n"));
    }
    text.push_str(match found.problems.len() {
        0 => "nothing is wrong\n",
        _ => "`rangegate archive repair` saves what can be saved\n",
    });
    print(&text)?;
    Ok(outcome)
}

fn repair_all(dir: &Path, json: bool) -> Result<Outcome> {
    let repaired = repair(&Folder::new(dir))?;
    let outcome = if repaired.lost_rows > 0 { Outcome::Differs } else { Outcome::Done };
    if json {
        print_json(&repaired)?;
        return Ok(outcome);
    }
    let mut text = repaired.done.iter().map(|line| format!("{line}\n")).collect::<String>();
    if text.is_empty() {
        text.push_str("nothing was wrong\n");
    }
    if repaired.lost_rows > 0 {
        text.push_str(&format!("{} rows are lost\n", repaired.lost_rows));
    }
    print(&text)?;
    Ok(outcome)
}

/// What a file's name says that it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
    Json,
    Sigmf,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::Json),
            Some("sigmf-meta") => Ok(Self::Sigmf),
            _ => bail!("{}: expected a name ending in .parquet, .csv, .jsonl or .sigmf-meta", path.display()),
        }
    }
}

fn export(args: &ExportArgs) -> Result<Outcome> {
    let format = Format::of(&args.out)?;
    let filter = query::filter(&args.filter, args.what)?;
    if args.out.exists() {
        bail!("{} exists: choose another name", args.out.display());
    }
    let reader = Reader::open(&args.dir)?;
    let mut unfinished = Unfinished::default();
    let n = match (args.what, format) {
        (What::Detections, Format::Sigmf) => annotations(&reader, &filter, args)?,
        (_, Format::Sigmf) => bail!("annotations are made of detections, not of {}", args.what.name()),
        (What::Detections, _) => {
            unfinished.file(&args.out);
            write_rows::<DetectionRow>(&args.out, format, |each| reader.detections(&filter, each))?
        }
        (What::Tracks, _) => {
            unfinished.file(&args.out);
            write_rows::<TrackRow>(&args.out, format, |each| reader.tracks(&filter, each))?
        }
        _ => bail!(
            "{} are not exported: `rangegate query {} --csv` prints them",
            args.what.name(),
            args.what.name()
        ),
    };
    unfinished.keep();
    if args.json {
        print_json(&serde_json::json!({ "path": args.out, "rows": n }))?;
    } else {
        print(&format!("{n} rows written: {}\n", args.out.display()))?;
    }
    Ok(Outcome::Done)
}

type Each<'a, R> = &'a mut dyn FnMut(R) -> ControlFlow<()>;

fn write_rows<R: Record + JsonLine>(
    path: &Path,
    format: Format,
    read: impl FnOnce(Each<'_, R>) -> rangegate_archive::Result<()>,
) -> Result<u64> {
    if format == Format::Parquet {
        return Ok(rangegate_archive::table::write_parquet::<R>(path, read)?);
    }
    let failed = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create_new(path).with_context(failed)?);
    if format == Format::Csv {
        out.write_all(csv_header::<R>().as_bytes()).with_context(failed)?;
    }
    let (mut values, mut text, mut n, mut ended) = (Vec::new(), String::new(), 0, Ok(()));
    read(&mut |row| {
        let written = if format == Format::Csv {
            text.clear();
            csv_line(&row, &mut values, &mut text);
            out.write_all(text.as_bytes()).map_err(Into::into)
        } else {
            row.json(&mut out).and_then(|()| Ok(out.write_all(b"\n")?))
        };
        n += 1;
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                ended = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    ended.with_context(failed)?;
    out.flush().and_then(|()| out.get_ref().sync_all()).with_context(failed)?;
    Ok(n)
}

/// Most annotations, which are held in memory.
const MAX_ANNOTATIONS: usize = 1_000_000;

/// Writes the detections of one run as SigMF annotations, without samples.
fn annotations(reader: &Reader, filter: &Filter, args: &ExportArgs) -> Result<u64> {
    let mut detections: Vec<Detection> = Vec::new();
    let (mut run, mut wrong) = (filter.run, None);
    reader.detections(filter, &mut |row| {
        if *run.get_or_insert(row.run) != row.run {
            wrong = Some(format!(
                "the detections are of more than one run ({} and others): choose one with --run",
                row.run
            ));
        } else if detections.len() >= MAX_ANNOTATIONS {
            wrong = Some(format!(
                "there are more than {MAX_ANNOTATIONS} detections: narrow them with --from and --to"
            ));
        } else {
            detections.push(row.detection);
        }
        if wrong.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(wrong) = wrong {
        bail!("{}: {wrong}", args.dir.display());
    }
    let Some(run) = run.filter(|_| !detections.is_empty()) else {
        bail!("{}: no detections pass: there is nothing to annotate", args.dir.display());
    };
    let report: Value = match reader.run_documents(run)?.1 {
        Some(report) => serde_json::from_str(&report)?,
        None => bail!("run {run} has no end yet, and so no report: export it when it has"),
    };
    detections.sort_by_key(|detection| detection.sample);
    let replicas = report["plan"]["replicas"].as_array();
    let length_of = |name: &str| {
        let replica = replicas?.iter().find(|replica| replica["name"] == name)?;
        replica["n_samples"].as_u64()
    };
    let notes: Vec<Annotation> = annotations_from_detections(&detections, length_of);
    let info = recording_of(&report).with_context(|| format!("run {run}"))?;
    rangegate_recording::sigmf::write_annotations(&args.out, &info, &notes)?;
    Ok(notes.len() as u64)
}

/// What a run's report says of the recording that its samples came from.
fn recording_of(report: &Value) -> Result<RecordingInfo> {
    let (plan, recording) = (&report["plan"], &report["recording"]);
    let rate_hz = plan["sample_rate_hz"].as_f64().context("its report has no plan.sample_rate_hz")?;
    let format = plan["sample_format"].as_str().context("its report has no plan.sample_format")?;
    let sample_format: SampleFormat = format.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    // Samples are counted from the recording's first, not from where the run began.
    let of = if recording["first_sample"].is_u64() { recording } else { plan };
    let first_sample = of["first_sample"].as_u64().unwrap_or(0);
    Ok(RecordingInfo {
        path: PathBuf::from(plan["source"].as_str().unwrap_or_default()),
        // A kind whose samples no annotation file lies beside.
        kind: Kind::Npy,
        sample_rate: SampleRate::from_hz(rate_hz)?,
        sample_format,
        n_channels: plan["n_channels"].as_u64().unwrap_or(1) as usize,
        first_sample,
        end_sample: u64::MAX,
        n_samples: None,
        anchor: None,
        start_time: of["start_time"].as_str().and_then(|time| time.parse().ok()),
        center_frequency_hz: recording["center_frequency_hz"].as_f64(),
        pulse_len: None,
        mapped: false,
        annotations: Vec::new(),
        metadata: Value::Null,
    })
}
