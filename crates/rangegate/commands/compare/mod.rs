//! `compare`: the detections of a run against golden ones; `--truth` is a file of its own.

mod args;
mod truth;

pub use args::CompareArgs;

use super::{print, print_json};
use crate::Outcome;
use anyhow::{Context, Result, bail};
use rangegate_core::Detection;
use rangegate_sinks::read_detections;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What differs between two lists of detections.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    /// Detections of the run.
    pub detections: usize,
    /// Detections that there should be.
    pub golden: usize,
    /// Of these, found in the run with every field within its tolerance.
    pub equal: usize,
    /// Golden detections that the run does not have.
    pub missing: Vec<Detection>,
    /// Detections of the run that are not golden.
    pub extra: Vec<Detection>,
    /// Detections at the right place with a field out of its tolerance.
    pub different: Vec<Difference>,
}

/// One field out of its tolerance.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Absolute index of the golden detection's sample.
    pub sample: u64,
    /// Its template.
    pub template: String,
    /// The field.
    pub field: &'static str,
    /// What the run has.
    pub found: String,
    /// What is golden.
    pub expected: String,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.different.is_empty()
    }
}

/// How far fields may be apart.
#[derive(Clone, Copy, Debug)]
pub struct Tolerances {
    /// Position, samples; delays likewise, in sample periods of their own.
    pub samples: f64,
    /// SNR and power, dB.
    pub db: f64,
    /// Doppler, Hz.
    pub hz: f64,
    /// Range, m.
    pub m: f64,
    /// Range rate, m/s.
    pub mps: f64,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read or holds no detections.
pub fn compare(args: &CompareArgs) -> Result<Outcome> {
    if let Some(truth) = &args.truth {
        return truth::compare(args, truth);
    }
    let Some(golden) = &args.golden else { bail!("neither golden detections nor --truth") };
    let found = read_detections(&detections_in(&args.dir)).context("reading what was found")?;
    let golden = read_detections(&detections_in(golden)).context("reading what was expected")?;
    let tolerances = Tolerances {
        samples: args.tolerance_samples,
        db: args.tolerance_db,
        hz: args.tolerance_hz,
        m: args.tolerance_m,
        mps: args.tolerance_mps,
    };
    let comparison = compare_detections(&found, &golden, tolerances);
    if args.json {
        print_json(&comparison)?;
    } else {
        print(&text(&comparison))?;
    }
    Ok(if comparison.is_equal() { Outcome::Done } else { Outcome::Differs })
}

fn detections_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("detections.jsonl") } else { path.to_owned() }
}

/// Pairs detections of the same channel and template that lie within the tolerance, each once, in stream
/// order, then compares every field.
pub fn compare_detections(found: &[Detection], golden: &[Detection], tolerances: Tolerances) -> Comparison {
    let mut comparison =
        Comparison { detections: found.len(), golden: golden.len(), ..Comparison::default() };
    let mut unpaired: VecDeque<&Detection> = in_order(found).into();
    let mut passed: Vec<&Detection> = Vec::new();
    for golden in in_order(golden) {
        // Whatever ends before this one's reach can pair with nothing that is still to come.
        while unpaired.front().is_some_and(|found| distance(found, golden) < -(tolerances.samples + 1.0)) {
            passed.extend(unpaired.pop_front());
        }
        let place = unpaired
            .iter()
            .take_while(|found| distance(found, golden) <= tolerances.samples + 1.0)
            .enumerate()
            .filter(|(_, found)| is_same_target(found, golden, tolerances))
            // Several targets may share a range gate.
            .min_by(|(_, a), (_, b)| doppler_apart(a, golden).total_cmp(&doppler_apart(b, golden)))
            .map(|(place, _)| place);
        match place.and_then(|place| unpaired.remove(place)) {
            Some(found) => {
                let before = comparison.different.len();
                compare_fields(found, golden, tolerances, &mut comparison.different);
                comparison.equal += usize::from(comparison.different.len() == before);
            }
            None => comparison.missing.push(golden.clone()),
        }
    }
    comparison.extra = passed.into_iter().chain(unpaired).cloned().collect();
    comparison
}

fn in_order(detections: &[Detection]) -> Vec<&Detection> {
    let mut order: Vec<&Detection> = detections.iter().collect();
    order.sort_by(|a, b| (a.sample, a.channel, &a.template).cmp(&(b.sample, b.channel, &b.template)));
    order
}

/// Samples from the second's leading edge to the first's.
fn distance(a: &Detection, b: &Detection) -> f64 {
    let whole = i128::from(a.sample) - i128::from(b.sample);
    whole as f64 + (a.sample_fraction - b.sample_fraction)
}

fn is_same_target(a: &Detection, b: &Detection, tolerances: Tolerances) -> bool {
    a.channel == b.channel
        && a.template == b.template
        && a.cpi == b.cpi
        && (a.sample == b.sample || distance(a, b).abs() <= tolerances.samples)
}

fn doppler_apart(a: &Detection, b: &Detection) -> f64 {
    (a.doppler_hz.unwrap_or(0.0) - b.doppler_hz.unwrap_or(0.0)).abs()
}

fn compare_fields(found: &Detection, golden: &Detection, t: Tolerances, different: &mut Vec<Difference>) {
    let fraction_tolerance = if found.sample == golden.sample { t.samples.max(1e-3) } else { f64::INFINITY };
    // A delay is compared as tightly as the position that it belongs to.
    let fields = [
        ("sample_fraction", Some(found.sample_fraction), Some(golden.sample_fraction), fraction_tolerance),
        ("snr_db", Some(found.snr_db), Some(golden.snr_db), t.db),
        ("power_db", Some(found.power_db), Some(golden.power_db), t.db),
        ("doppler_hz", found.doppler_hz, golden.doppler_hz, t.hz),
        ("delay_s", found.delay_s, golden.delay_s, 1e-9),
        ("range_m", found.range_m, golden.range_m, t.m),
        ("velocity_mps", found.velocity_mps, golden.velocity_mps, t.mps),
        ("azimuth_deg", found.azimuth_deg, golden.azimuth_deg, 0.01),
    ];
    let mut differ = |field, found: String, expected: String| {
        different.push(Difference {
            sample: golden.sample,
            template: golden.template.to_string(),
            field,
            found,
            expected,
        });
    };
    for (field, found, golden, tolerance) in fields {
        let same = match (found, golden) {
            (Some(found), Some(golden)) => (found - golden).abs() <= tolerance,
            (found, golden) => found.is_none() && golden.is_none(),
        };
        if !same {
            let show = |value: Option<f64>| value.map_or("null".to_owned(), |value| value.to_string());
            differ(field, show(found), show(golden));
        }
    }
    if found.after_gap != golden.after_gap {
        differ("after_gap", found.after_gap.to_string(), golden.after_gap.to_string());
    }
    if found.time != golden.time && found.sample == golden.sample {
        let show =
            |time: Option<rangegate_core::Timestamp>| time.map_or("null".to_owned(), |t| t.to_string());
        let nanos = |time: Option<rangegate_core::Timestamp>| time.map(|t| t.as_nanosecond());
        let apart = nanos(found.time).zip(nanos(golden.time)).map(|(a, b)| (a - b).abs());
        if apart.is_none_or(|apart| t.samples <= 0.0 && apart > 1000) {
            differ("time", show(found.time), show(golden.time));
        }
    }
}

/// At most this many lines of each kind are printed.
const MOST_LINES: usize = 20;

fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut list = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        let _ = writeln!(text, "{title} ({}):", lines.len());
        for line in lines.iter().take(MOST_LINES) {
            let _ = writeln!(text, "  {line}");
        }
        if lines.len() > MOST_LINES {
            let _ = writeln!(text, "  … and {} more", lines.len() - MOST_LINES);
        }
    };
    let line = |d: &Detection| {
        format!(
            "sample {} + {:.2}  {}  channel {}  {:.1} dB",
            d.sample, d.sample_fraction, d.template, d.channel, d.snr_db
        )
    };
    list("missing from the run", comparison.missing.iter().map(line).collect());
    list("in the run, but not golden", comparison.extra.iter().map(line).collect());
    let differences = comparison.different.iter();
    let differences = differences.map(|d| {
        format!("sample {}  {}  {}: {}, expected {}", d.sample, d.template, d.field, d.found, d.expected)
    });
    list("different", differences.collect());
    let verdict = if comparison.is_equal() { "equal" } else { "DIFFERENT" };
    let _ = writeln!(
        text,
        "{verdict}: {} of {} golden detections are equal; the run has {}",
        comparison.equal, comparison.golden, comparison.detections
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Tolerances = Tolerances { samples: 0.0, db: 0.01, hz: 0.01, m: 0.01, mps: 0.01 };

    fn detection(sample: u64, template: &str) -> Detection {
        Detection {
            cpi: None,
            sample,
            sample_fraction: 0.25,
            time: None,
            channel: 0,
            template: template.into(),
            delay_s: None,
            range_m: None,
            doppler_hz: Some(10.0),
            velocity_mps: None,
            azimuth_deg: None,
            snr_db: 17.0,
            power_db: -41.0,
            after_gap: false,
        }
    }

    #[test]
    fn order_of_lines_does_not_matter() {
        let golden = [detection(1, "a"), detection(1, "b"), detection(9, "a")];
        let found = [golden[2].clone(), golden[1].clone(), golden[0].clone()];
        let comparison = compare_detections(&found, &golden, TIGHT);
        assert!(comparison.is_equal(), "{comparison:?}");
        assert_eq!(comparison.equal, 3);
    }

    #[test]
    fn each_kind_of_difference_is_seen() {
        let golden = [detection(10, "a"), detection(20, "a")];
        let missing = compare_detections(&golden[..1], &golden, TIGHT);
        assert_eq!((missing.missing.len(), missing.extra.len()), (1, 0));
        let extra = compare_detections(&golden, &golden[..1], TIGHT);
        assert_eq!((extra.missing.len(), extra.extra.len()), (0, 1));
        let mut louder = golden.clone();
        louder[1].snr_db += 0.02;
        louder[1].doppler_hz = None;
        let different = compare_detections(&louder, &golden, TIGHT).different;
        assert_eq!(different.iter().map(|d| d.field).collect::<Vec<_>>(), ["snr_db", "doppler_hz"]);
    }

    #[test]
    fn a_shift_within_the_tolerance_is_the_same_target() {
        let mut found = detection(11, "a");
        found.sample_fraction = 0.0;
        let golden = [detection(10, "a")];
        assert!(!compare_detections(&[found.clone()], &golden, TIGHT).is_equal());
        let loose = Tolerances { samples: 0.8, ..TIGHT };
        assert!(compare_detections(&[found], &golden, loose).is_equal());
    }
}
