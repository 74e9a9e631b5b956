//! How long work takes: cases side by side, one round after the other, so that a machine that slows down slows all.

use crate::{Outcome, commands};
use anyhow::Result;
use rangegate_dsp::convolver::Path;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Work that is timed.
pub struct Case<'a> {
    /// What it is.
    pub name: String,
    /// Samples that one run handles, over all channels and threads.
    pub samples: f64,
    /// One run of it, and how long the part took that counts.
    pub run: Box<dyn FnMut() -> Result<Duration> + 'a>,
}

impl<'a> Case<'a> {
    /// Work all of which counts.
    pub fn new(name: impl Into<String>, samples: usize, mut work: impl FnMut() + 'a) -> Self {
        let run = move || {
            let begun = Instant::now();
            work();
            Ok(begun.elapsed())
        };
        Self { name: name.into(), samples: samples as f64, run: Box::new(run) }
    }
}

/// What a case came to.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// What it is.
    pub name: String,
    /// Median over the rounds.
    pub msamples_per_s: f64,
    /// Of the slowest and of the fastest round.
    pub spread_msamples_per_s: [f64; 2],
    /// Median over the rounds of the rate over that of the first case in the same round, which is the kernel.
    pub ratio_to_kernel: f64,
}

/// A benchmark's result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which benchmark.
    pub bench: &'static str,
    /// What was done, in words.
    pub work: String,
    /// Version of the program.
    pub rangegate_version: &'static str,
    /// The processor.
    pub processor: String,
    /// Its cores, as far as this program may use them.
    pub cores: usize,
    /// Which instructions convolutions take.
    pub path: &'static str,
    /// Rounds that each case ran.
    pub rounds: usize,
    /// The cases, the kernel first.
    pub cases: Vec<Timing>,
}

/// Times cases, each once a round, until the time is up, five rounds at least after one that does not count.
///
/// # Errors
/// A case fails.
pub fn interleaved(
    bench: &'static str,
    work: String,
    mut cases: Vec<Case<'_>>,
    seconds: f64,
) -> Result<Report> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for case in &mut cases {
        (case.run)()?;
    }
    let begun = Instant::now();
    while times[0].len() < MIN_ROUNDS
        || (begun.elapsed().as_secs_f64() < seconds && times[0].len() < MAX_ROUNDS)
    {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            times.push((case.run)()?.as_secs_f64().max(1e-9));
        }
    }
    let kernel: Vec<f64> = times[0].iter().map(|s| cases[0].samples / s).collect();
    let timing = |(case, times): (&Case<'_>, &Vec<f64>)| {
        let mut rates: Vec<f64> = times.iter().map(|s| case.samples / s * 1e-6).collect();
        let mut ratios: Vec<f64> =
            rates.iter().zip(&kernel).map(|(rate, kernel)| rate * 1e6 / kernel).collect();
        let msamples_per_s = median(&mut rates);
        Timing {
            name: case.name.clone(),
            msamples_per_s,
            spread_msamples_per_s: [rates[0], rates[rates.len() - 1]],
            ratio_to_kernel: median(&mut ratios),
        }
    };
    Ok(Report {
        bench,
        work,
        rangegate_version: env!("CARGO_PKG_VERSION"),
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        path: Path::chosen().name(),
        rounds: times[0].len(),
        cases: cases.iter().zip(&times).map(timing).collect(),
    })
}

const MIN_ROUNDS: usize = 5;
const MAX_ROUNDS: usize = 10_000;

/// The middle value; sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// The smallest of sorted values that a share of them does not exceed; NaN where there is none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let n_below = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(n_below.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// The processor's name, where the system tells it.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Prints a report for people or for programs.
///
/// # Errors
/// Standard output is closed.
pub fn show(report: &Report, as_json: bool) -> Result<Outcome> {
    if as_json {
        commands::print_json(report)?;
    } else {
        commands::print(&table(report))?;
    }
    Ok(Outcome::Done)
}

fn table(report: &Report) -> String {
    let width = report.cases.iter().map(|case| case.name.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{}: {}\n{}, {} cores, {}; medians of {} rounds\n\n{:width$}  {:>9}  {:>17}  {:>9}\n",
        report.bench,
        report.work,
        report.processor,
        report.cores,
        report.path,
        report.rounds,
        "",
        "MS/s",
        "slowest, fastest",
        "of kernel"
    );
    for case in &report.cases {
        let [slowest, fastest] = case.spread_msamples_per_s;
        let spread = format!("{slowest:.1}, {fastest:.1}");
        let _ = writeln!(
            text,
            "{:width$}  {:9.1}  {spread:>17}  {:9.3}",
            case.name, case.msamples_per_s, case.ratio_to_kernel
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        let found = [0.0, 0.5, 0.999, 1.0].map(|share| quantile(&values, share));
        assert!(
            found.iter().zip([1.0, 500.0, 999.0, 1000.0]).all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn ratios_are_those_of_rates() {
        let case = |name: &str, samples, micros| Case {
            name: name.to_owned(),
            samples,
            run: Box::new(move || Ok(Duration::from_micros(micros))),
        };
        let cases = vec![case("kernel", 1e6, 1000), case("twice the work", 2e6, 4000)];
        let report = interleaved("test", String::new(), cases, 0.0).unwrap();
        assert_eq!(report.rounds, MIN_ROUNDS);
        let found: Vec<_> = report.cases.iter().map(|c| (c.msamples_per_s, c.ratio_to_kernel)).collect();
        assert!((found[0].0 - 1000.0).abs() < 1e-6 && (found[0].1 - 1.0).abs() < 1e-9, "{found:?}");
        assert!((found[1].0 - 500.0).abs() < 1e-6 && (found[1].1 - 0.5).abs() < 1e-9, "{found:?}");
        assert!(table(&report).contains("twice the work      500.0"), "{}", table(&report));
    }
}
