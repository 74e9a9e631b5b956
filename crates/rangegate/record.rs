//! Recordings of what comes from a radio, with a run on it or without.

use crate::commands::capture::RecordArgs;
use crate::plan::Plan;
use crate::settings;
use anyhow::{Context, Result, anyhow, bail};
use rangegate_core::{BoxError, IqBlock, SampleFormat, Source, StreamInfo};
use rangegate_pipeline::{Lease, Pool, Receiver, Sender, Stop, lane, memory, worker};
use rangegate_recording::CreateOptions;
use rangegate_sinks::{Recorded, Recorder, Trigger};
use rangegate_sources::radio::RadioSettings;
use serde_json::Map;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Segments, at most, between the source and a detection.
const SEGMENTS_ON_THEIR_WAY: usize = 64;
/// Blocks between the source and the disk.
const N_BLOCKS: usize = 64;

/// A source whose blocks go to a recorder too. None is lost: where the recorder is late, the source waits.
pub struct Teed {
    source: Box<dyn Source>,
    pool: Pool<IqBlock>,
    sender: Option<Sender<Lease<IqBlock>>>,
}

/// A source that gives the same blocks, and where the recorder gets them.
pub fn tee(source: Box<dyn Source>) -> (Teed, Receiver<Lease<IqBlock>>) {
    let (sender, receiver) = lane(N_BLOCKS);
    (Teed { source, pool: Pool::new(N_BLOCKS, IqBlock::default), sender: Some(sender) }, receiver)
}

impl Source for Teed {
    fn info(&self) -> &StreamInfo {
        self.source.info()
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let more = self.source.next_block(block)?;
        if !more {
            self.sender = None;
            return Ok(false);
        }
        if let Some(sender) = &mut self.sender {
            let mut copy = self.pool.lease();
            copy.copy_from(block);
            if sender.send(copy).is_err() {
                // The recorder has ended, and says why itself.
                self.sender = None;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        self.source.losses()
    }
}

/// The recording of a run.
pub struct Recording {
    recorder: Recorder,
    limits: Limits,
    /// What a detection pulls, and the signal-to-noise ratio from which on it does, dB.
    trigger: Option<(Trigger, f64)>,
    /// What anybody pulls, where the last seconds are held.
    last: Option<Trigger>,
}

impl Recording {
    /// Ready to record the source of a plan.
    ///
    /// # Errors
    /// The recording exists or cannot be made, or the disk is full.
    pub fn new(args: &RecordArgs, out: &Path, plan: &Plan) -> Result<Self> {
        let trigger = Trigger::new();
        // A detection is known when the segments that are on their way are done.
        let (core_len, lead, tail) = plan.chain.core_lead_tail();
        let latency = ((core_len + lead + tail) * SEGMENTS_ON_THEIR_WAY) as u64;
        check_name(args, out, Some(plan.stream.format))?;
        check_memory(args, plan.stream.sample_rate.hz(), frame_bytes(&plan.stream), latency)?;
        let limits = Limits::new(args, out)?;
        let recorder = recorder(args, out, &plan.stream, plan.radio.as_ref(), latency, &trigger)?;
        listen(args, &trigger)?;
        let last = args.last.is_some().then(|| trigger.clone());
        Ok(Self { recorder, limits, last, trigger: args.trigger_snr.map(|snr_db| (trigger, snr_db)) })
    }

    /// What a detection pulls, and the signal-to-noise ratio from which on it does, dB.
    pub fn trigger(&self) -> Option<(Trigger, f64)> {
        self.trigger.clone()
    }

    /// What keeps the last seconds, where they are held.
    pub fn last(&self) -> Option<Trigger> {
        self.last.clone()
    }

    /// Records what comes through a tee until it ends; what ended it early sets `stop`.
    pub fn run(mut self, mut blocks: Receiver<Lease<IqBlock>>, stop: &Stop) -> (Self, Result<()>) {
        let mut ended = Ok(());
        while let Some(block) = blocks.recv() {
            let accepted = self.recorder.accept(&block).map_err(anyhow::Error::from);
            match accepted.and_then(|()| self.limits.are_reached(&self.recorder)) {
                Ok(false) => {}
                reached => {
                    ended = reached.map(drop);
                    stop.set();
                    break;
                }
            }
        }
        // Whoever sends must not wait for a place.
        drop(blocks);
        (self, ended)
    }

    /// Writes what the last detections, which come after the last samples, asked for; what was recorded.
    pub fn finish(mut self) -> (Recorded, Result<()>) {
        let finished = self.recorder.finish().map_err(anyhow::Error::from);
        (self.recorder.recorded().clone(), finished)
    }
}

fn frame_bytes(stream: &StreamInfo) -> usize {
    stream.format.bytes() * stream.n_channels
}

/// Whether a recording can be made under a name, of samples in this format, if that is known.
///
/// # Errors
/// The name says no format or another one, its folder does not exist, or there is something of that name.
pub fn check_name(args: &RecordArgs, out: &Path, format: Option<SampleFormat>) -> Result<()> {
    match args.last {
        // Each recording gets a number.
        Some(_) => rangegate_recording::check_name(out, format)?,
        None => rangegate_recording::check_new(out, format)?,
    }
    Ok(())
}

/// Whether there is memory for what `--last` holds, with `latency` samples besides.
///
/// # Errors
/// There is not: how much it takes, and how much there is.
pub fn check_memory(args: &RecordArgs, rate_hz: f64, frame_bytes: usize, latency: u64) -> Result<()> {
    let Some(before_s) = args.last else { return Ok(()) };
    let needed = (before_s * rate_hz + latency as f64) * frame_bytes as f64;
    memory::check(needed).map_err(|said| anyhow!("--last {before_s} {said}"))
}

/// The recorder that the command line asks for.
///
/// # Errors
/// The recording exists or cannot be made.
pub fn recorder(
    args: &RecordArgs,
    out: &Path,
    stream: &StreamInfo,
    radio: Option<&RadioSettings>,
    latency: u64,
    trigger: &Trigger,
) -> Result<Recorder> {
    let metadata = radio.map_or_else(Map::new, settings::of_radio);
    let description = Some(format!("captured by rangegate {}", env!("CARGO_PKG_VERSION")));
    let options = CreateOptions { description, metadata, fill_gaps: true, ..CreateOptions::default() };
    if let Some(size) = args.size.filter(|size| *size < frame_bytes(stream) as f64) {
        bail!("--size is {size}, expected at least one sample: {} bytes", frame_bytes(stream));
    }
    let samples = |s: f64| (s * stream.sample_rate.hz()).round() as u64;
    let recorder = match args.last {
        None => Recorder::whole(out, stream, options)?,
        Some(before_s) => {
            let around = (samples(before_s), samples(args.after.unwrap_or(before_s)));
            Recorder::last(out, stream, options, around, latency, trigger.clone())
        }
    };
    Ok(recorder.with_max_bytes(args.size.map(|bytes| bytes as u64)))
}

/// Pulls a trigger with SIGUSR1, and with the Enter key where something is held.
///
/// The signal is taken also where there is nothing to trigger: it must not end a recording. Standard input is not: a
/// program in a shell's background is stopped when it reads the terminal.
///
/// # Errors
/// The system gives no thread, or no signal.
pub fn listen(args: &RecordArgs, trigger: &Trigger) -> Result<()> {
    #[cfg(unix)]
    {
        let signal = trigger.clone();
        let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGUSR1])
            .context("cannot listen to SIGUSR1")?;
        worker::start("signal", move || signals.forever().for_each(|_| signal.now()))?;
    }
    if args.last.is_none() {
        return Ok(());
    }
    let key = trigger.clone();
    // It ends with standard input or with the program.
    worker::start("key", move || {
        std::io::stdin().lock().lines().map_while(Result::ok).for_each(|_| key.now());
    })?;
    Ok(())
}

/// What ends a recording besides its duration.
pub struct Limits {
    max_bytes: Option<u64>,
    keep_free: u64,
    /// Where the recording is.
    folder: PathBuf,
    asked: Option<Instant>,
    free: Option<u64>,
    /// Bytes of the recording when the disk was asked.
    bytes: u64,
}

impl Limits {
    /// How often the disk is asked for its free space.
    const ASK: Duration = Duration::from_millis(250);

    /// The limits of the command line.
    ///
    /// # Errors
    /// The disk has not even now the space that is to stay free.
    pub fn new(args: &RecordArgs, out: &Path) -> Result<Self> {
        let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (max_bytes, keep_free) = (args.size.map(|s| s as u64), args.keep_free as u64);
        let mut limits =
            Self { max_bytes, keep_free, folder: folder.to_owned(), asked: None, free: None, bytes: 0 };
        if let Some(free) = limits.ask(0).filter(|free| *free <= limits.keep_free) {
            let (free, kept) = (free as f64 / 1e9, limits.keep_free as f64 / 1e9);
            bail!(
                "{}: {free:.3} GB are free, expected more than --keep-free, {kept:.3} GB",
                limits.folder.display()
            );
        }
        Ok(limits)
    }

    /// Bytes that are free, by what the disk said last and what was written since.
    fn ask(&mut self, bytes: u64) -> Option<u64> {
        if self.asked.is_none_or(|asked| asked.elapsed() > Self::ASK) {
            (self.asked, self.free, self.bytes) = (Some(Instant::now()), free_bytes(&self.folder), bytes);
        }
        self.free.map(|free| free.saturating_sub(bytes - self.bytes))
    }

    /// Whether a recorder has written as much as it may.
    ///
    /// # Errors
    /// The disk is too full to go on.
    pub fn are_reached(&mut self, recorder: &Recorder) -> Result<bool> {
        if self.ask(recorder.recorded().bytes).is_some_and(|free| free < self.keep_free) {
            let kept = self.keep_free as f64 / 1e9;
            bail!("{}: less than {kept:.3} GB are free (--keep-free)", self.folder.display());
        }
        Ok(recorder.is_full())
    }

    /// Bytes that may still come.
    pub fn bytes_left(&self, bytes: u64) -> Option<u64> {
        let by_disk = self.free.map(|free| free.saturating_sub(self.keep_free));
        let by_size = self.max_bytes.map(|most| most.saturating_sub(bytes));
        by_disk.into_iter().chain(by_size).min()
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let space = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(space.blocks_available() as u64 * space.fragment_size() as u64)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Time that all threads of this program worked so far, s.
pub fn processor_s() -> Option<f64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 * 1e-6;
        Some(seconds(usage.user_time()) + seconds(usage.system_time()))
    }
    #[cfg(not(unix))]
    None
}
