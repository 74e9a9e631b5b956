//! One capture: from the radio to the recording until it ends, and what is said of it.

use super::CaptureArgs;
use crate::Outcome;
use crate::level::LevelMeter;
use crate::record::{self, Limits};
use crate::{commands, config, plan};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rangegate_core::{IqBlock, SampleFormat, Source, Timestamp};
use rangegate_sinks::{Recorded, Recorder, Trigger};
use rangegate_sources::radio::{RadioCounts, RadioSettings, RadioSource};
use serde::Serialize;
use std::io::Write;
use std::time::{Duration, Instant};

/// Losses that are told one by one.
const SHOWN: usize = 5;
/// How often the line on the terminal changes.
const REFRESH: Duration = Duration::from_millis(500);

/// What a capture left behind.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    error: Option<String>,
    #[serde(flatten)]
    recorded: Recorded,
    first_sample: u64,
    start_time: Option<Timestamp>,
    duration_s: f64,
    received: RadioCounts,
    losses: Vec<String>,
    n_losses: u64,
    mean_power_db: f64,
    peak_db: f64,
    clipped_percent: Option<f64>,
    elapsed_s: f64,
    /// Time that all threads of this program, and the driver's in it, worked.
    processor_s: Option<f64>,
    radio: RadioSettings,
}

/// Runs the command.
///
/// # Errors
/// The radio or the recording cannot be opened.
pub fn capture(args: &CaptureArgs, quiet: bool) -> Result<Outcome> {
    let stop = commands::run::stop_on_interrupt();
    if let Some(path) = &args.config {
        let mut config = config::load(path)?;
        args.radio.apply(&mut config.source)?;
        if let Some(address) = args.serve {
            #[cfg(feature = "web")]
            {
                let at = (address, &args.web);
                return commands::serve::run(config, &args.how(), &args.record, at, quiet, &stop);
            }
            #[cfg(not(feature = "web"))]
            anyhow::bail!("--serve {address}: {}", commands::NO_WEB);
        }
        return commands::run::go(config, &args.how(), &args.record, quiet, &stop);
    }
    let out = args.out.as_deref().context("--out is missing: where to record to")?;
    let trigger = Trigger::new();
    record::listen(&args.record, &trigger)?;
    // What may be refused is refused before the radio starts.
    record::check_name(&args.record, out, None)?;
    let mut limits = Limits::new(&args.record, out)?;
    let mut source_config = config::SourceConfig::default();
    args.radio.apply(&mut source_config)?;
    let (radio, rate_hz) = plan::open_radio(&source_config)?;
    let settings = radio.settings().clone();
    let format: SampleFormat = settings.sample_format.parse().context("the radio's sample format")?;
    record::check_name(&args.record, out, Some(format))?;
    record::check_memory(&args.record, rate_hz, format.bytes() * settings.channels.len(), 0)?;
    let n_samples = args.record.duration.map(|s| (s * rate_hz).round() as u64);
    // With --last the end is that of listening.
    let source = radio.start(source_config.to_baseband(), n_samples, stop.clone())?;
    let level =
        || LevelMeter::new(source.info().format, source.info().sample_rate, Some(settings.full_scale));
    let (level, recent) = (level()?, level()?);
    let recorder = record::recorder(&args.record, out, source.info(), Some(&settings), 0, &trigger)?;
    let is_holding = args.record.last.is_some();
    let bar = status_line(quiet, is_holding);
    let mut capture = Capture {
        level,
        recent,
        source,
        recorder,
        bar,
        heard: Instant::now(),
        shown: Instant::now(),
        shown_bytes: 0,
        duration_s: args.record.duration,
    };
    let started = Instant::now();
    let first = (capture.source.info().first_sample, capture.source.info().anchor);
    let ended = capture.run(&mut limits);
    capture.level.merge(&capture.recent);
    let finished = capture.recorder.finish().map_err(anyhow::Error::from);
    let ended = ended.and_then(|why| finished.map(|()| why));
    capture.bar.finish_and_clear();
    let counts = capture.source.counts();
    let recorded = capture.recorder.recorded().clone();
    let report = Report {
        status: match &ended {
            Err(_) => "failed",
            Ok(()) if capture.source.why_ended().is_some() => "failed",
            Ok(()) if stop.is_set() => "stopped",
            Ok(()) => "done",
        },
        error: match &ended {
            Err(error) => Some(commands::sentence(error)),
            Ok(()) => capture.source.why_ended().map(str::to_owned),
        },
        n_losses: capture.source.n_losses(),
        duration_s: recorded.samples as f64 / capture.source.info().sample_rate.hz(),
        recorded,
        first_sample: first.0,
        start_time: first.1.map(|anchor| anchor.time),
        received: counts,
        losses: capture.source.losses().to_vec(),
        mean_power_db: capture.level.mean_power_db(),
        peak_db: capture.level.peak_db(),
        clipped_percent: capture.level.clipped_percent(),
        elapsed_s: started.elapsed().as_secs_f64(),
        processor_s: record::processor_s(),
        radio: settings,
    };
    if args.json {
        commands::print_json(&report)?;
    } else {
        commands::print(&report.text())?;
    }
    report.warn();
    Ok(if ended.is_err() || !report.losses.is_empty() { Outcome::Differs } else { Outcome::Done })
}

struct Capture {
    source: RadioSource,
    recorder: Recorder,
    level: LevelMeter,
    /// Since the line on the terminal changed last: whoever turns a knob wants to see it.
    recent: LevelMeter,
    bar: ProgressBar,
    /// When samples came last.
    heard: Instant,
    shown: Instant,
    shown_bytes: u64,
    duration_s: Option<f64>,
}

impl Capture {
    fn run(&mut self, limits: &mut Limits) -> Result<()> {
        let mut block = IqBlock::default();
        loop {
            let next = self.source.next_block_until(self.shown + REFRESH, &mut block);
            match next.map_err(anyhow::Error::from_boxed)? {
                Some(false) => return Ok(()),
                Some(true) => {
                    self.heard = Instant::now();
                    self.recent.add(&block);
                    self.recorder.accept(&block)?;
                }
                None => {}
            }
            if limits.are_reached(&self.recorder)? {
                return Ok(());
            }
            if self.shown.elapsed() >= REFRESH {
                self.show(limits);
            }
        }
    }

    fn show(&mut self, limits: &Limits) {
        let info = self.source.info();
        let counts = self.source.counts();
        let recorded = self.recorder.recorded();
        let rate_hz = info.sample_rate.hz();
        let disk_bps = (recorded.bytes - self.shown_bytes) as f64 / self.shown.elapsed().as_secs_f64();
        let left_s = match self.duration_s {
            Some(duration_s) => Some(duration_s - (counts.samples + counts.lost) as f64 / rate_hz),
            None => limits
                .bytes_left(recorded.bytes)
                .filter(|_| disk_bps > 0.0)
                .map(|bytes| bytes as f64 / disk_bps),
        };
        let silent = self.heard.elapsed();
        if silent >= REFRESH {
            let what =
                if self.source.is_away() { "the radio is away" } else { "nothing comes from the radio" };
            let (recorded, since) = (clock(counts.samples as f64 / rate_hz), clock(silent.as_secs_f64()));
            self.bar.set_message(format!("{recorded}  {what}, since {since}"));
            self.shown = Instant::now();
            return;
        }
        let clipped = self
            .recent
            .clipped_percent()
            .map_or(String::new(), |percent| format!(", {percent:.2} % clipped"));
        let left = left_s.map_or(String::new(), |s| format!(" (-{})", clock(s.max(0.0))));
        self.bar.set_message(format!(
            "{}{left}  {:.2} MS/s, {:.1} dBFS (peak {:.1}){clipped}, {} overflows, {:.0} MB/s, memory {:.0} %",
            clock(counts.samples as f64 / rate_hz),
            rate_hz / 1e6,
            self.recent.mean_power_db(),
            self.recent.peak_db(),
            counts.overflows + counts.behind,
            disk_bps / 1e6,
            100.0 * self.source.fill(),
        ));
        self.level.merge(&self.recent);
        self.recent.reset();
        (self.shown, self.shown_bytes) = (Instant::now(), recorded.bytes);
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for path in &self.recorded.paths {
            text.push_str(&format!("{}\n", path.display()));
        }
        if self.recorded.paths.is_empty() {
            text.push_str("nothing was recorded: no trigger came\n");
        }
        let lost = match (self.received.lost, self.received.gaps()) {
            (0, 0) => "none was lost".to_owned(),
            (lost, times) => format!("{lost} were lost in {times} gaps"),
        };
        let clipped =
            self.clipped_percent.map_or(String::new(), |percent| format!(", {percent:.3} % clipped"));
        text.push_str(&format!(
            "{} samples, {:.3} s at {:.6} MS/s, {:.1} MB; {} were received, {lost}\n",
            self.recorded.samples,
            self.duration_s,
            self.radio.sample_rate_hz / 1e6,
            self.recorded.bytes as f64 / 1e6,
            self.received.samples,
        ));
        if self.received.timeouts > 0 {
            text.push_str(&format!("{} time-outs of 0.1 s\n", self.received.timeouts));
        }
        text.push_str(&format!(
            "level {:.1} dBFS mean, {:.1} dBFS peak{clipped}\n",
            self.mean_power_db, self.peak_db
        ));
        text
    }

    fn warn(&self) {
        let mut stderr = std::io::stderr().lock();
        let losses = || self.losses.iter().filter(|loss| Some(*loss) != self.error.as_ref());
        for loss in losses().take(SHOWN) {
            let _ = writeln!(stderr, "rangegate: lost: {loss}");
        }
        let told = self.losses.len() - losses().count() + SHOWN;
        let others = self.n_losses.saturating_sub(told as u64);
        if others > 0 {
            let _ = writeln!(stderr, "rangegate: lost: {others} times more");
        }
        if self.recorded.filled > 0 {
            let filled = self.recorded.filled;
            let _ = writeln!(
                stderr,
                "rangegate: {filled} zeros stand for lost samples: the format has no place for a gap"
            );
        }
        if self.recorded.missed_triggers > 0 {
            let missed = self.recorded.missed_triggers;
            let _ = writeln!(
                stderr,
                "rangegate: {missed} triggers came when their samples were gone: raise --last"
            );
        }
        if let Some(error) = &self.error {
            let _ = writeln!(stderr, "rangegate: {error}; everything until then is kept");
        }
    }
}

/// `1:02:03`.
fn clock(seconds: f64) -> String {
    let s = seconds as u64;
    let (hours, minutes, seconds) = (s / 3600, s / 60 % 60, s % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn status_line(quiet: bool, is_holding: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    if is_holding {
        let _ =
            writeln!(std::io::stderr(), "press Enter (or send SIGUSR1) to keep what is held; Ctrl-C ends");
    }
    let style = ProgressStyle::with_template("{spinner} {wide_msg}");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
