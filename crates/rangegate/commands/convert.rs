//! `convert`: a recording written anew.

use crate::Outcome;
use crate::cli::WindowArgs;
use crate::config::SourceConfig;
use crate::conversion::{Conversion, Counts, Wanted};
use crate::plan::{self, Opened};
use crate::settings;
use crate::unfinished::Unfinished;
use anyhow::{Context, Result, bail};
use clap::ValueHint;
use rangegate_core::{IqBlock, SampleFormat, SampleRate, ToBaseband};
use rangegate_pipeline::Stop;
use rangegate_recording::{CreateOptions, Filled, RecordingInfo, Writer, raw};
use serde::Serialize;
use std::path::PathBuf;

/// `rangegate convert`.
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// The recording: a Digital RF folder, a SigMF, HDF5, NumPy or WAV file, raw samples
    #[arg(value_name = "IN", value_hint = ValueHint::AnyPath)]
    pub recording: PathBuf,

    /// The recording to write; it must not exist
    #[arg(value_name = "OUT", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,

    /// Which samples, and how to read them.
    #[command(flatten)]
    pub window: WindowArgs,

    /// Keep these channels, in this order, such as 0,2
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub channels: Option<Vec<usize>>,

    /// How samples are stored: cs8, cs16, cf32, …; default: as the name of OUT says, else as they were. Numbers are scaled
    /// from full scale to full scale, rounded and clipped
    #[arg(long, value_name = "FORMAT")]
    pub sample_format: Option<SampleFormat>,

    /// Keep one sample of N, behind a low-pass filter: sample k is the time of sample k·N
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub decimate: usize,

    /// Fill gaps of up to 10 minutes with zeros where the format cannot hold them (raw, WAV, NumPy, plain HDF5)
    #[arg(long)]
    pub fill_gaps: bool,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// The setting under which a recording tells what turns its numbers into baseband.
const TO_BASEBAND: &str = "to_baseband";

/// What was written.
#[derive(Serialize)]
pub struct Converted {
    recording: PathBuf,
    sample_rate: SampleRate,
    sample_format: SampleFormat,
    channels: usize,
    /// Samples of each channel, without those that fill gaps.
    pub samples: u64,
    /// Absolute index of the first, and one past the last.
    first_sample: u64,
    end_sample: u64,
    /// Gaps, those that were filled among them, and the samples that they leave out.
    gaps: u64,
    samples_in_gaps: u64,
    filled: Filled,
    /// Samples beyond the full scale of their new format.
    clipped: u64,
    /// Samples that were no numbers, and are 0 now.
    bad: u64,
    /// What of the recording could not be read.
    losses: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The recording cannot be read, what is wanted of it cannot be, the new one exists already, the disk is full, or the
/// user has broken it off. Then nothing of the new recording is left.
pub fn convert(args: &ConvertArgs, quiet: bool) -> Result<Outcome> {
    let converted = write(args, &super::run::stop_on_interrupt(), quiet)?;
    if args.json {
        super::print_json(&converted)?;
    } else {
        super::print(&converted.text())?;
    }
    Ok(if converted.losses.is_empty() { Outcome::Done } else { Outcome::Differs })
}

/// Converts without a word.
///
/// # Errors
/// As [`convert`].
pub fn write(args: &ConvertArgs, stop: &Stop, quiet: bool) -> Result<Converted> {
    let mut source = SourceConfig { recording: Some(args.recording.clone()), ..SourceConfig::default() };
    plan::apply_window(&mut source, &args.window)?;
    let opened = plan::open(&source, stop)?;
    let info = opened.recording.clone().context("no recording")?;
    let (mut options, to_baseband) = told(&info);
    let mut input = opened.source.info().clone();
    input.to_baseband = to_baseband;
    let format = args.sample_format.or_else(|| raw::format_from_name(&args.out));
    let wanted = Wanted { channels: args.channels.clone(), format, factor: args.decimate };
    let conversion = Conversion::new(&input, &wanted)?;
    settings::convert(&mut options.metadata, &input, conversion.channels(), conversion.stream());
    if conversion.stream().to_baseband == ToBaseband::default() {
        options.metadata.remove(TO_BASEBAND);
    }
    options.fill_gaps = args.fill_gaps;
    options.annotations =
        info.annotations.iter().filter_map(|note| conversion.note(note, opened.window)).collect();

    let mut unfinished = Unfinished::default();
    let mut writer = rangegate_recording::create(&args.out, conversion.stream(), &options)?;
    unfinished.recording(&args.out);
    let converted = copy(args, opened, conversion, writer.as_mut(), stop, quiet);
    drop(writer);
    let converted = converted?;
    unfinished.keep();
    Ok(converted)
}

/// What a recording says of itself, for the new one; and what turns its numbers into baseband, where it says that.
fn told(info: &RecordingInfo) -> (CreateOptions, ToBaseband) {
    let options = info.create_options();
    let told = options.metadata.get(TO_BASEBAND);
    // HDF5 has it as text.
    let of_text = || serde_json::from_str(told?.as_str()?).ok();
    let to_baseband = told.and_then(|told| serde_json::from_value(told.clone()).ok()).or_else(of_text);
    (options, to_baseband.unwrap_or_default())
}

/// Brings all samples over.
fn copy(
    args: &ConvertArgs,
    opened: Opened,
    mut conversion: Conversion,
    writer: &mut dyn Writer,
    stop: &Stop,
    quiet: bool,
) -> Result<Converted> {
    let (mut source, (first, end)) = (opened.source, opened.window);
    let bar = super::progress(Some(end - first), quiet);
    let mut written = Written::default();
    let mut block = IqBlock::default();
    let mut write = |block: &IqBlock| {
        writer.write(block)?;
        written.count(block);
        Ok(())
    };
    while source.next_block(&mut block).map_err(anyhow::Error::from_boxed)? {
        conversion.push(&block, &mut write)?;
        bar.set_position(block.end_sample().saturating_sub(first));
    }
    conversion.finish(&mut write)?;
    if stop.is_set() {
        bar.finish_and_clear();
        bail!("broken off: nothing of {} was kept", args.out.display());
    }
    writer.finish()?;
    bar.finish_and_clear();
    let (stream, Counts { clipped, bad }) = (conversion.stream(), conversion.counts());
    Ok(Converted {
        recording: args.out.clone(),
        sample_rate: stream.sample_rate,
        sample_format: stream.format,
        channels: stream.n_channels,
        samples: written.samples,
        first_sample: written.first.unwrap_or(stream.first_sample),
        end_sample: written.first.map_or(stream.first_sample, |_| written.end),
        gaps: written.gaps,
        samples_in_gaps: written.samples_in_gaps,
        filled: writer.filled(),
        clipped,
        bad,
        losses: source.losses().to_vec(),
    })
}

/// What went to the writer.
#[derive(Default)]
struct Written {
    first: Option<u64>,
    end: u64,
    samples: u64,
    gaps: u64,
    samples_in_gaps: u64,
}

impl Written {
    fn count(&mut self, block: &IqBlock) {
        let first = block.header.first_sample;
        if self.first.is_some() && (block.header.after_gap || first != self.end) {
            self.gaps += 1;
            self.samples_in_gaps += first.saturating_sub(self.end);
        }
        self.first.get_or_insert(first);
        self.samples += block.n_samples() as u64;
        self.end = block.end_sample();
    }
}

impl Converted {
    fn text(&self) -> String {
        let channels =
            if self.channels > 1 { format!(" of {} channels", self.channels) } else { String::new() };
        let mut text = format!(
            "{}: {} samples{channels} of {} at {}\n",
            self.recording.display(),
            self.samples,
            self.sample_format,
            self.sample_rate
        );
        let mut say = |n: u64, what: String| {
            if n > 0 {
                text += &format!("  {what}\n");
            }
        };
        let Filled { gaps, samples } = self.filled;
        say(self.gaps, format!("{} gaps of {} samples", self.gaps, self.samples_in_gaps));
        say(gaps, format!("{gaps} gaps filled with zeros: {samples} samples"));
        say(
            self.clipped,
            format!("{} samples clipped at the full scale of {}", self.clipped, self.sample_format),
        );
        say(self.bad, format!("{} samples were no finite numbers, or beyond 1e15: they are 0 now", self.bad));
        for loss in &self.losses {
            text += &format!("  LOST {loss}\n");
        }
        text
    }
}
