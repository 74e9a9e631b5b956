//! `info`: what a recording is.

use crate::Outcome;
use crate::level::LevelMeter;
use crate::settings;
use anyhow::{Result, anyhow};
use clap::ValueHint;
use rangegate_core::IqBlock;
use rangegate_recording::{self as recording, Kind, OpenOptions, Recording, RecordingInfo};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `rangegate info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// The recording
    #[arg(value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub recording: PathBuf,

    /// Format, where looking at the file is not enough: sigmf, digital_rf, hdf5, npy, wav, or raw samples as
    /// cs16@2.4e6
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,

    /// Which channel of a Digital RF recording that has several
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,

    /// Read all samples: check the checksum, list the gaps, measure level and clipping
    #[arg(long)]
    pub verify: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// The recording cannot be opened.
pub fn info(args: &InfoArgs) -> Result<Outcome> {
    let mut options = match &args.format {
        Some(format) => OpenOptions::parse_format(format).map_err(|e| anyhow!("--format {e}"))?,
        None => OpenOptions::default(),
    };
    options.channel.clone_from(&args.channel);
    let mut opened = match recording::open(&args.recording, &options) {
        Ok(opened) => opened,
        Err(error) if is_hdf5(&args.recording, &options) => return describe_hdf5(args, &error),
        Err(error) => return Err(error.into()),
    };
    let info = opened.info().clone();
    let verified = if args.verify { Some(verify(opened.as_mut())?) } else { None };
    let losses = opened.losses().to_vec();
    if args.json {
        #[derive(Serialize)]
        struct Report<'a> {
            #[serde(flatten)]
            info: &'a RecordingInfo,
            duration_s: f64,
            verified: Option<&'a Verified>,
            losses: &'a [String],
        }
        let duration_s = duration_s(&info);
        super::print_json(&Report { info: &info, duration_s, verified: verified.as_ref(), losses: &losses })?;
    } else {
        super::print(&text(&info, verified.as_ref(), &losses)?)?;
    }
    let is_sound = |v: &Verified| v.checksum_holds != Some(false) && v.bad_samples == 0;
    let intact = losses.is_empty() && verified.as_ref().is_none_or(is_sound);
    Ok(if intact { Outcome::Done } else { Outcome::Differs })
}

fn is_hdf5(path: &Path, options: &OpenOptions) -> bool {
    path.is_file() && options.kind.is_none_or(|kind| kind == Kind::Hdf5) && recording::hdf5::looks_like(path)
}

/// An HDF5 file that does not explain itself: what is in it, and what to put into the configuration.
fn describe_hdf5(args: &InfoArgs, why: &recording::Error) -> Result<Outcome> {
    let datasets = recording::hdf5::describe(&args.recording)?;
    if args.json {
        super::print_json(&datasets)?;
        return Ok(Outcome::Done);
    }
    let mut text = format!("{}: HDF5, {} datasets\n\n", args.recording.display(), datasets.len());
    for dataset in &datasets {
        let shape: Vec<String> = dataset.shape.iter().map(ToString::to_string).collect();
        writeln!(
            text,
            "  /{}  [{}] of {}, {}",
            dataset.path,
            shape.join(" × "),
            dataset.type_text,
            dataset.storage
        )?;
        for (name, value) in &dataset.attributes {
            writeln!(text, "      @{name} = {}", shortened(value))?;
        }
    }
    if let Some(channel) = digital_rf_channel(&args.recording) {
        let channel = channel.display();
        writeln!(text, "\nIt is a part of the Digital RF recording {channel}: give that folder instead.")?;
    } else {
        // The reason ends with a suggestion of its own.
        let reason = why.message.split(". Say which in the configuration").next().unwrap_or_default();
        writeln!(text, "\nIt cannot be read as it is: {reason}.")?;
        writeln!(text, "Put into the configuration:\n\n{}", recording::hdf5::suggestion(&datasets))?;
    }
    super::print(&text)?;
    Ok(Outcome::Done)
}

/// The channel of a Digital RF recording in which a file lies: its properties, or one of its data files.
fn digital_rf_channel(file: &Path) -> Option<&Path> {
    file.ancestors().skip(1).take(2).find(|folder| recording::digital_rf::looks_like(folder))
}

/// What reading every sample shows.
#[derive(Debug, Default, Serialize)]
struct Verified {
    /// Samples a channel.
    n_samples: u64,
    /// Stretches without a gap.
    runs: u64,
    /// Samples that gaps leave out.
    samples_in_gaps: u64,
    /// Mean power against full scale, dB.
    mean_power_db: f64,
    /// Greatest magnitude of I or Q against full scale, dB.
    peak_db: f64,
    /// Part of the samples at full scale, %; null for floats, which have none.
    clipped_percent: Option<f64>,
    /// Samples that are no numbers.
    bad_samples: u64,
    /// Whether the recording's own checksum holds; null where it has none.
    checksum_holds: Option<bool>,
}

/// Samples that are read at a time where they are copied.
const READ_SAMPLES: usize = 1 << 16;

fn verify(recording: &mut dyn Recording) -> Result<Verified> {
    let info = recording.info().clone();
    let mut verified = Verified::default();
    let full_scale = settings::full_scale(&info.create_options().metadata, info.sample_format);
    let mut level = LevelMeter::new(info.sample_format, info.sample_rate, full_scale)?;
    let mut block = IqBlock::default();
    let mut at = info.first_sample;
    while recording.read(at, READ_SAMPLES, &mut block)? {
        let first = block.header.first_sample;
        let follows = verified.n_samples > 0 && !block.header.after_gap && first == at;
        verified.runs += u64::from(!follows);
        verified.samples_in_gaps += first - at;
        level.add(&block);
        verified.n_samples += block.n_samples() as u64;
        at = block.end_sample();
    }
    verified.mean_power_db = level.mean_power_db();
    verified.peak_db = level.peak_db();
    verified.clipped_percent = level.clipped_percent();
    verified.bad_samples = level.bad_samples();
    if info.kind == Kind::Sigmf {
        verified.checksum_holds = recording::sigmf::verify_sha512(&info.path)?;
    }
    Ok(verified)
}

fn duration_s(info: &RecordingInfo) -> f64 {
    (info.end_sample - info.first_sample) as f64 / info.sample_rate.hz()
}

fn text(info: &RecordingInfo, verified: Option<&Verified>, losses: &[String]) -> Result<String> {
    let mut text = format!("{}\n", info.path.display());
    let mut line = |name: &str, value: String| writeln!(text, "  {name:<14} {value}");
    let kind = match info.kind {
        Kind::Sigmf => "SigMF",
        Kind::DigitalRf => "Digital RF",
        Kind::Hdf5 => "HDF5",
        Kind::Npy => "NumPy",
        Kind::Wav => "WAV",
        Kind::Raw => "raw samples",
    };
    let how = if info.mapped { "mapped" } else { "read through buffers" };
    line("format", format!("{kind}, {}, {how}", info.sample_format))?;
    line("sample rate", info.sample_rate.to_string())?;
    line("channels", info.n_channels.to_string())?;
    if let Some(frequency) = info.center_frequency_hz {
        line("centre", format!("{} MHz", rounded(frequency / 1e6)))?;
    }
    let count = info.n_samples.map_or(String::new(), |n| format!(", {n} of them recorded"));
    line("samples", format!("from {} up to, without, {}{count}", info.first_sample, info.end_sample))?;
    line("duration", format!("{:.6} s", duration_s(info)))?;
    if let Some(start) = info.start_time {
        line("start", start.to_string())?;
    }
    if let Some(pulse_len) = info.pulse_len {
        line("pulses", format!("{pulse_len} samples each"))?;
    }
    if !info.annotations.is_empty() {
        line("annotations", info.annotations.len().to_string())?;
    }
    if let Some(v) = verified {
        let gaps = v.runs.saturating_sub(1);
        line(
            "verified",
            format!(
                "{} samples in {} runs, {gaps} gaps of {} samples",
                v.n_samples, v.runs, v.samples_in_gaps
            ),
        )?;
        let clipped = v.clipped_percent.map_or(String::new(), |percent| format!(", {percent:.3} % clipped"));
        line("level", format!("{:.1} dBFS mean, {:.1} dBFS peak{clipped}", v.mean_power_db, v.peak_db))?;
        if v.bad_samples > 0 {
            line("bad samples", format!("{} are no finite numbers, or beyond 1e15", v.bad_samples))?;
        }
        let checksum = match v.checksum_holds {
            Some(true) => "holds",
            Some(false) => "DOES NOT HOLD: the samples are not the ones that were recorded",
            None => "none",
        };
        line("checksum", checksum.to_owned())?;
    }
    for loss in losses {
        line("LOST", loss.clone())?;
    }
    if let serde_json::Value::Object(metadata) = &info.metadata {
        // Annotations have been counted above.
        let shown = metadata.iter().filter(|(name, value)| *name != "annotations" || !is_empty(value));
        for (name, value) in shown.take(40) {
            writeln!(text, "    {name} = {}", shortened(&value.to_string()))?;
        }
    }
    Ok(text)
}

fn is_empty(value: &serde_json::Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// A number without what rounding to binary left behind its 12th digit.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// A value on one line that fits a terminal.
fn shortened(value: &str) -> String {
    let words: Vec<&str> = value.split_whitespace().collect();
    let line = words.join(" ");
    let short: String = line.chars().take(90).collect();
    if short.len() < line.len() { format!("{short}…") } else { line }
}
