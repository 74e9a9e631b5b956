//! `bench pipeline`: a burst chain with CFAR from a recording to detections in a file, beside its bare filter.

use super::args::PipelineArgs;
use super::measure::{Case, interleaved, show};
use super::noise;
use super::pages::Pages;
use crate::Outcome;
use crate::assemble::{self, Destination};
use crate::config::Config;
use crate::plan::Plan;
use anyhow::{Context, Result, bail};
use rangegate_core::{Complex32, IqBlock};
use rangegate_dsp::chain::Chain;
use rangegate_dsp::convolver::{Convolver, Output, Samples};
use rangegate_pipeline::Stop;
use rustfft::num_complex::Complex;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Sample rate of the recording, Hz.
const RATE_HZ: f64 = 20e6;
/// Samples that the bare filter runs over at most; a longer recording has them again and again.
const IN_MEMORY: usize = 1 << 26;

/// Runs the command.
///
/// # Errors
/// The recording cannot be written, or the chain fails.
pub fn pipeline(args: &PipelineArgs) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("no folder for temporary files")?;
    let recording = folder.path().join("noise.cs16");
    let block = noise::block("cs16", args.samples.min(IN_MEMORY))?;
    write(&recording, &block, args.samples).with_context(|| format!("{}", recording.display()))?;
    let config = config(&recording, RATE_HZ, args.taps)?;
    let (plan, _) = Plan::new(config.clone(), &Stop::new())?;
    let Chain::Stream(burst) = &plan.chain else { bail!("the chain is none of bursts") };
    let templates = vec![plan.replicas[0].samples.iter().map(wide).collect::<Vec<_>>()];
    let convolver = Convolver::plan(&templates, burst.filter().fft_len());
    let samples = Samples::Cs16(block.bytes().as_chunks().0);
    let mut worker = convolver.make_worker(0);
    let mut out = Pages::new(samples.len())?;
    let filter = move || _ = worker.filter(samples, 0, Output::Power(out.numbers()));
    let mut cases = vec![Case::new("filter alone, to power", block.n_samples(), filter)];
    let mut workers = vec![("one thread".to_owned(), "inline", None)];
    workers.extend((1..=args.threads).map(|n| (format!("{n} workers"), "threads", Some(n))));
    for (name, runner, threads) in workers {
        for no_mmap in [false, true] {
            if no_mmap && threads.is_some() {
                continue;
            }
            let mut config = config.clone();
            config.source.no_mmap = no_mmap;
            config.run = toml::from_str(&match threads {
                None => format!("runner = {runner:?}"),
                Some(n) if args.pin => {
                    format!("runner = {runner:?}\npin = {:?}", (0..n).collect::<Vec<_>>())
                }
                Some(n) => format!("runner = {runner:?}\nthreads = {n}"),
            })?;
            let (out, how) = (folder.path().join("out"), if no_mmap { "read" } else { "mapped" });
            cases.push(Case {
                name: format!("recording to detections, {how}, {name}"),
                samples: args.samples as f64,
                run: Box::new(move || run(&config, &out, args.samples)),
            });
        }
    }
    let work = format!("a chirp of {} taps, ca_cfar, {} samples of cs16", args.taps, args.samples);
    show(&interleaved("pipeline", work, cases, args.time.seconds)?, args.time.json)
}

/// Writes the block again and again.
fn write(path: &Path, block: &IqBlock, n_samples: usize) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    let mut left = 4 * n_samples;
    while left > 0 {
        let n = left.min(block.bytes().len());
        file.write_all(&block.bytes()[..n])?;
        left -= n;
    }
    Ok(())
}

fn wide(x: &Complex32) -> Complex<f64> {
    Complex::new(x.re.into(), x.im.into())
}

/// One run, and how long samples took from the first to the last: what starting a program takes does not count.
fn run(config: &Config, out: &Path, n_samples: usize) -> Result<Duration> {
    let (plan, source) = Plan::new(config.clone(), &Stop::new())?;
    let done = assemble::run(&plan, source, Destination::open(Some(out))?, None, &Stop::new(), true)?;
    if done.report.samples_in != n_samples as u64 {
        bail!("{} samples of {n_samples} were handled: this is a bug", done.report.samples_in);
    }
    Ok(Duration::from_secs_f64(done.report.elapsed_s))
}

/// A recording of cs16 through a burst chain with a chirp as long as told.
///
/// # Errors
/// None that is known: it is this program's own text.
pub fn config(recording: &Path, rate_hz: f64, n_taps: usize) -> Result<Config> {
    let text = format!(
        r#"
        [source]
        recording = {recording:?}
        sample_format = "cs16"
        sample_rate_hz = {rate_hz:?}
        [[replica]]
        name = "chirp"
        type = "linear_chirp"
        start_hz = {:?}
        stop_hz = {:?}
        duration_s = {:?}
        [chain]
        type = "burst"
        false_alarm_probability = 1e-8
        cfar = {{ type = "ca_cfar", guard = 8, training = 32 }}
        [output]
        plots = false
        "#,
        -0.4 * rate_hz,
        0.4 * rate_hz,
        n_taps as f64 / rate_hz
    );
    Ok(toml::from_str(&text)?)
}
