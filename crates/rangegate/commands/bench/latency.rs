//! `bench latency`: how long after a burst's last sample its detection is written, while samples come in real time.

use super::args::LatencyArgs;
use super::measure::{processor, quantile};
use super::{noise, pipeline};
use crate::assemble::{self, Destination};
use crate::plan::Plan;
use crate::{Outcome, commands};
use anyhow::{Context, Result, bail};
use rangegate_core::{BlockHeader, BoxError, Complex32, IqBlock, Source, StreamInfo};
use rangegate_pipeline::Stop;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Taps of the replica.
const N_TAPS: usize = 1024;
/// From one burst to the next, and what comes before the source begins again, s.
const SPACING_S: f64 = 2e-3;
const N_BURSTS: usize = 50;
/// As radios cut their blocks, s.
const BLOCK_S: f64 = 5e-3;

/// How late detections came with one way of running.
#[derive(Debug, Serialize)]
struct Latency {
    name: String,
    detections: usize,
    median_ms: f64,
    p99_9_ms: f64,
    max_ms: f64,
}

/// The benchmark's result.
#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    work: String,
    rangegate_version: &'static str,
    processor: String,
    cases: Vec<Latency>,
}

/// Runs the command.
///
/// # Errors
/// The chain does not find what is there.
pub fn latency(args: &LatencyArgs) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("no folder for temporary files")?;
    let recording = folder.path().join("noise.cs16");
    let spacing = (SPACING_S * args.rate).round() as usize;
    if spacing < 2 * N_TAPS {
        bail!(
            "--rate is {}, expected at least {} for bursts of {N_TAPS} samples every {SPACING_S} s",
            args.rate,
            2.0 * N_TAPS as f64 / SPACING_S
        );
    }
    let block = args.block.unwrap_or((BLOCK_S * args.rate).round() as usize);
    let n_samples =
        (args.seconds * args.rate) as u64 / (spacing * N_BURSTS) as u64 * (spacing * N_BURSTS) as u64;
    if block == 0 || n_samples == 0 {
        bail!("--block {block}, --seconds {}: nothing to measure", args.seconds);
    }
    std::fs::write(&recording, vec![0; 4 * spacing]).with_context(|| format!("{}", recording.display()))?;
    let config = pipeline::config(&recording, args.rate, N_TAPS)?;
    let mut cases = Vec::new();
    for (name, run) in ways(args.threads) {
        let mut config = config.clone();
        config.run = toml::from_str(&run)?;
        let (plan, _) = Plan::new(config, &Stop::new())?;
        let samples = bursts(&plan.replicas[0].samples, spacing)?;
        let started = Arc::new(OnceLock::new());
        let source = Paced {
            info: plan.stream.clone(),
            samples,
            block,
            at: 0,
            end: n_samples,
            started: started.clone(),
        };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let destination = Destination::to(Box::new(Noted(lines.clone())), "memory");
        assemble::run(&plan, Box::new(source), destination, None, &Stop::new(), true)?;
        let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        let started = *started.get().context("no sample came")?;
        cases.push(of_lines(name, &lines, started, args.rate, spacing, n_samples)?);
    }
    let report = Report {
        bench: "latency",
        work: format!(
            "bursts of {N_TAPS} samples, blocks of {block} at {} MS/s, for {} s; from a burst's last sample to its line",
            args.rate * 1e-6,
            args.seconds
        ),
        rangegate_version: env!("CARGO_PKG_VERSION"),
        processor: processor(),
        cases,
    };
    if args.json {
        commands::print_json(&report)?;
    } else {
        commands::print(&report.text())?;
    }
    Ok(Outcome::Done)
}

/// Names of the ways to run, and their settings: pinned as far as there are cores.
fn ways(n_threads: usize) -> Vec<(String, String)> {
    let n_cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let mut ways = vec![("one thread".to_owned(), "runner = 'inline'".to_owned())];
    for n in 1..=n_threads {
        let cores: Vec<usize> = (0..n).collect();
        let workers = if n == 1 { "1 worker".to_owned() } else { format!("{n} workers") };
        ways.push((workers.clone(), format!("runner = 'threads'\nthreads = {n}")));
        if n <= n_cores {
            ways.push((format!("{workers}, pinned"), format!("runner = 'threads'\npin = {cores:?}")));
        }
    }
    ways
}

/// Noise with a burst at the end of each spacing, as cs16.
fn bursts(replica: &[Complex32], spacing: usize) -> Result<IqBlock> {
    let mut random = noise::Random(1);
    let mut block = IqBlock::default();
    let bytes = block.fill(BlockHeader::default(), "cs16".parse()?, 1, spacing * N_BURSTS);
    let lead = spacing - replica.len();
    for (n, sample) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let echo = (n % spacing).checked_sub(lead).map_or([0.0; 2], |k| [replica[k].re, replica[k].im]);
        for (place, echo) in echo.into_iter().enumerate() {
            let noise = 0.02 * (random.number() as f32 / 2.0_f32.powi(31) - 1.0);
            let number = ((0.2 * echo + noise) * 32_768.0).round() as i16;
            sample[2 * place..][..2].copy_from_slice(&number.to_le_bytes());
        }
    }
    Ok(block)
}

/// The same samples again and again, each block when its last sample is due.
struct Paced {
    info: StreamInfo,
    samples: IqBlock,
    block: usize,
    at: u64,
    end: u64,
    started: Arc<OnceLock<Instant>>,
}

impl Source for Paced {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let n = (self.block as u64).min(self.end - self.at) as usize;
        if n == 0 {
            return Ok(false);
        }
        let started = *self.started.get_or_init(Instant::now);
        let due = started + Duration::from_secs_f64((self.at + n as u64) as f64 / self.info.sample_rate.hz());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let header = BlockHeader { first_sample: self.at, ..BlockHeader::default() };
        let mut bytes = block.fill(header, self.info.format, 1, n);
        let mut from = 4 * (self.at % self.samples.n_samples() as u64) as usize;
        while !bytes.is_empty() {
            let there = &self.samples.bytes()[from..];
            let (now, later) = bytes.split_at_mut(there.len().min(bytes.len()));
            now.copy_from_slice(&there[..now.len()]);
            (bytes, from) = (later, 0);
        }
        self.at += n as u64;
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        &[]
    }
}

/// Lines, and when they were written.
type Lines = Vec<(Instant, Vec<u8>)>;

struct Noted(Arc<Mutex<Lines>>);

impl Write for Noted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is read of a line.
#[derive(Deserialize)]
struct Found {
    sample: u64,
}

/// How late each burst's detection was. Each must be there.
fn of_lines(
    name: String,
    lines: &Lines,
    started: Instant,
    rate_hz: f64,
    spacing: usize,
    n_samples: u64,
) -> Result<Latency> {
    let (spacing, lead) = (spacing as u64, (spacing - N_TAPS) as u64);
    let mut late_ms = Vec::new();
    for (when, text) in lines {
        for found in serde_json::Deserializer::from_slice(text).into_iter::<Found>() {
            let sample = found?.sample;
            if (sample % spacing).abs_diff(lead) > 1 {
                continue; // a false alarm
            }
            let ended_s = (sample + N_TAPS as u64) as f64 / rate_hz;
            late_ms.push((when.duration_since(started).as_secs_f64() - ended_s) * 1e3);
        }
    }
    let wanted = n_samples / spacing;
    if late_ms.len() as u64 != wanted {
        bail!("{} of {wanted} bursts were found: this is a bug", late_ms.len());
    }
    late_ms.sort_by(f64::total_cmp);
    Ok(Latency {
        name,
        detections: late_ms.len(),
        median_ms: quantile(&late_ms, 0.5),
        p99_9_ms: quantile(&late_ms, 0.999),
        max_ms: quantile(&late_ms, 1.0),
    })
}

impl Report {
    fn text(&self) -> String {
        let width = self.cases.iter().map(|case| case.name.chars().count()).max().unwrap_or(0);
        let mut text = format!(
            "{}: {}\n{}\n\n{:width$}  {:>10}  {:>9}  {:>9}  {:>9}\n",
            self.bench, self.work, self.processor, "", "detections", "median", "99.9 %", "greatest"
        );
        for Latency { name, detections, median_ms, p99_9_ms, max_ms } in &self.cases {
            let _ = writeln!(
                text,
                "{name:width$}  {detections:10}  {median_ms:6.2} ms  {p99_9_ms:6.2} ms  {max_ms:6.2} ms"
            );
        }
        text
    }
}
