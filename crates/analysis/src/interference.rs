//! What should not be there: echoes that stay, tones, bursts over all ranges, noise that rises.

use crate::histogram::{Axis, Plane, Sum};
use crate::spans::Steps;
use serde::Serialize;
use std::collections::BTreeMap;

/// A kind of finding; each has its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// See [`Rule::text`].
    StandingEcho,
    /// See [`Rule::text`].
    Clutter,
    /// See [`Rule::text`].
    Spur,
    /// See [`Rule::text`].
    Tone,
    /// See [`Rule::text`].
    PulsedInterference,
    /// See [`Rule::text`].
    NoiseRise,
    /// See [`Rule::text`].
    NearClipping,
}

impl Rule {
    /// When it applies.
    pub fn text(self) -> &'static str {
        match self {
            Self::StandingEcho => {
                "zero Doppler, one range cell: at least a fifth of all looks and half of the 64 parts of the time have a detection there"
            }
            Self::Clutter => "the same in more than eight range cells",
            Self::Spur => {
                "one cell of range and Doppler shift, not zero: at least a fifth of all looks and half of the 64 parts of the time have a detection there"
            }
            Self::Tone => {
                "one Doppler shift, not zero, at a third of all ranges or more, in at least half of the 64 parts of the time, eight times as often as the median shift"
            }
            Self::PulsedInterference => {
                "one CPI with at least 20 detections, eight times the median CPI's, in at least half of 16 parts of all ranges"
            }
            Self::NoiseRise => {
                "mean noise (power less SNR) of a step of time 3 dB or more over the median step's"
            }
            Self::NearClipping => "detections within 1 dB of full scale or above",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// Detections, CPIs or steps of time in which it showed.
    pub count: u64,
    /// From and to, m.
    pub range_m: Option<[f64; 2]>,
    /// From and to, Hz.
    pub doppler_hz: Option<[f64; 2]>,
    /// When it was first or most, ns since 1970.
    pub time_ns: Option<i64>,
    /// What else there is to say.
    pub note: String,
}

/// A detection, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// When, ns since 1970.
    pub time_ns: Option<i64>,
    /// Run and CPI.
    pub cpi: Option<(i64, u64)>,
    /// Range, m.
    pub range_m: Option<f64>,
    /// Doppler shift, Hz.
    pub doppler_hz: Option<f64>,
    /// Signal-to-noise ratio, dB.
    pub snr_db: f64,
    /// Power against full scale, dB; of stations that only report, 0.
    pub power_db: f64,
}

/// Detections of a cell, and in which 64ths of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Presence {
    count: u64,
    parts: u64,
}

impl Sum for Presence {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.parts |= other.parts;
    }
}

/// The CPI whose detections come.
#[derive(Clone, Debug, Default)]
struct Cpi {
    key: (i64, u64),
    time_ns: Option<i64>,
    count: u64,
    ranges_m: Vec<f64>,
}

/// Ranges of one CPI that are looked at.
const RANGES_MAX: usize = 1 << 14;
/// Cells by range and by Doppler shift.
const ROWS: usize = 256;
const COLUMNS: usize = 256;
/// Bursts that are remembered.
const BURSTS: usize = 64;
/// Findings of one rule that are told.
const TOLD: usize = 12;

/// Looks through a station's detections, in order of time.
#[derive(Clone, Debug)]
pub struct Survey {
    steps: Steps,
    /// Sum and number of noise levels by step.
    noise: Vec<(f64, u64)>,
    plane: Plane<Presence>,
    cpi: Cpi,
    /// CPIs by the number of their detections, and those of them that reach over half of the ranges.
    cpis: BTreeMap<u64, u64>,
    wide: BTreeMap<u64, u64>,
    /// The greatest of those: detections and time.
    bursts: Vec<(u64, Option<i64>)>,
    farthest_m: f64,
    near_clipping: u64,
    strongest_db: f64,
}

impl Survey {
    /// Nothing yet; `steps` for noise over time.
    pub fn new(steps: Steps) -> Self {
        let (x, y) = (Axis::growing(-128.0, 1.0, COLUMNS), Axis::growing(0.0, 1.0, ROWS));
        Self {
            noise: vec![(0.0, 0); steps.n],
            steps,
            plane: Plane::new(x, y),
            cpi: Cpi::default(),
            cpis: BTreeMap::new(),
            wide: BTreeMap::new(),
            bursts: Vec::new(),
            farthest_m: 0.0,
            near_clipping: 0,
            strongest_db: f64::NEG_INFINITY,
        }
    }

    /// Takes a detection.
    pub fn detection(&mut self, seen: &Seen) {
        let step = seen.time_ns.and_then(|time| self.steps.of(time));
        // Stations that share reports say no power.
        if seen.power_db != 0.0 && seen.power_db.is_finite() {
            if let Some((sum, n)) = step.and_then(|at| self.noise.get_mut(at))
                && seen.snr_db.is_finite()
            {
                *sum += seen.power_db - seen.snr_db;
                *n += 1;
            }
            self.near_clipping += u64::from(seen.power_db >= -1.0);
            self.strongest_db = self.strongest_db.max(seen.power_db);
        }
        if let (Some(range_m), Some(doppler_hz)) = (seen.range_m, seen.doppler_hz)
            && let Some(cell) = self.plane.at(doppler_hz, range_m)
        {
            let part = seen.time_ns.map_or(0, |time_ns| {
                let whole = (self.steps.step_ns as f64 * self.steps.n as f64).max(1.0);
                ((time_ns - self.steps.from_ns) as f64 / whole * 64.0).clamp(0.0, 63.0) as u32
            });
            cell.add(&Presence { count: 1, parts: 1 << part });
        }
        if let Some(key) = seen.cpi {
            if key != self.cpi.key {
                self.end_of_cpi();
                self.cpi = Cpi { key, time_ns: seen.time_ns, ..Cpi::default() };
            }
            self.cpi.count += 1;
            if let Some(range_m) =
                seen.range_m.filter(|range| range.is_finite() && self.cpi.ranges_m.len() < RANGES_MAX)
            {
                self.cpi.ranges_m.push(range_m);
                self.farthest_m = self.farthest_m.max(range_m);
            }
        }
    }

    fn end_of_cpi(&mut self) {
        let Cpi { count, time_ns, ranges_m, .. } = std::mem::take(&mut self.cpi);
        if count == 0 {
            return;
        }
        *self.cpis.entry(count.min(1 << 16)).or_default() += 1;
        let sixteenths = ranges_m.iter().fold(0u16, |parts, range_m| {
            parts | 1 << ((range_m / self.farthest_m.max(1e-9) * 16.0).clamp(0.0, 15.0) as u32)
        });
        if count >= 20 && sixteenths.count_ones() >= 8 {
            *self.wide.entry(count.min(1 << 16)).or_default() += 1;
            let at = self.bursts.partition_point(|(other, _)| *other >= count);
            self.bursts.insert(at, (count, time_ns));
            self.bursts.truncate(BURSTS);
        }
    }

    /// Mean noise of each step, dB against full scale.
    pub fn noise_db(&self) -> Vec<Option<f64>> {
        self.noise.iter().map(|(sum, n)| (*n > 0).then(|| sum / *n as f64)).collect()
    }

    /// What was found. `looks`: how often the station looked, where that is known; `parts`: in which of the 64 parts of
    /// the time it ran.
    pub fn finish(mut self, looks: Option<f64>, parts: u64) -> Vec<Finding> {
        self.end_of_cpi();
        let mut found = Vec::new();
        if let Some(looks) = looks.filter(|looks| *looks >= 20.0) {
            self.cells(looks, parts, &mut found);
        }
        self.pulses(&mut found);
        self.noisy(&mut found);
        if self.near_clipping > 0 {
            let note = format!("the strongest has {:.1} dB", self.strongest_db);
            found.push(Finding { note, ..finding(Rule::NearClipping, self.near_clipping) });
        }
        found
    }

    /// Echoes that stay, and tones.
    fn cells(&self, looks: f64, parts: u64, found: &mut Vec<Finding>) {
        let (x, y) = (&self.plane.x, &self.plane.y);
        let lasts = |presence: &Presence| {
            parts.count_ones() > 0 && 2 * (presence.parts & parts).count_ones() >= parts.count_ones()
        };
        let is_often = |presence: &Presence| presence.count as f64 >= 0.2 * looks && lasts(presence);
        // Both bins beside zero are zero.
        let zero = x.bin(0.0).unwrap_or(0);
        let is_zero = |column: usize| column == zero || column + 1 == zero;
        let zero_hz = [x.edge(zero.saturating_sub(1)), x.edge(zero + 1)];
        let mut standing = Vec::new();
        let mut columns = vec![(Presence::default(), 0_usize); x.n()];
        let mut spurs = Vec::new();
        for row in 0..y.n() {
            let range_m = Some([y.edge(row), y.edge(row + 1)]);
            let mut at_zero = Presence::default();
            for (column, (sum, rows)) in columns.iter_mut().enumerate() {
                let cell = self.plane.cell(column, row);
                sum.add(cell);
                *rows += usize::from(cell.count > 0);
                if is_zero(column) {
                    at_zero.add(cell);
                } else if is_often(cell) {
                    let doppler_hz = Some([x.edge(column), x.edge(column + 1)]);
                    spurs.push(Finding { range_m, doppler_hz, ..finding(Rule::Spur, cell.count) });
                }
            }
            if is_often(&at_zero) {
                let doppler_hz = Some(zero_hz);
                standing.push(Finding { range_m, doppler_hz, ..finding(Rule::StandingEcho, at_zero.count) });
            }
        }
        if standing.len() > 8 {
            let count = standing.iter().map(|finding| finding.count).sum();
            let edges = standing.iter().filter_map(|finding| finding.range_m).reduce(|a, b| [a[0], b[1]]);
            let note = format!("{} range cells", standing.len());
            found.push(Finding {
                range_m: edges,
                doppler_hz: Some(zero_hz),
                note,
                ..finding(Rule::Clutter, count)
            });
        } else {
            found.append(&mut standing);
        }
        spurs.sort_by_key(|finding| std::cmp::Reverse(finding.count));
        let n_rows = y.bin(self.farthest_m).map_or(y.n(), |row| row + 1);
        let mut counts: Vec<u64> =
            columns.iter().map(|(sum, _)| sum.count).filter(|count| *count > 0).collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
        let is_tone = |column: usize| {
            let (sum, rows) = &columns[column];
            !is_zero(column)
                && 3 * rows >= n_rows
                && n_rows >= 8
                && lasts(sum)
                && sum.count >= 8 * median
                && sum.count >= 20
        };
        let tones: Vec<usize> = (0..x.n()).filter(|&column| is_tone(column)).collect();
        // What a tone does at one range is no finding of its own.
        spurs.retain(|spur| {
            spur.doppler_hz.is_none_or(|[from, _]| {
                tones.iter().all(|&tone| (x.edge(tone) - from).abs() > 0.5 * x.width())
            })
        });
        spurs.truncate(TOLD);
        found.append(&mut spurs);
        for &column in tones.iter().take(TOLD) {
            let (sum, rows) = &columns[column];
            let doppler_hz = Some([x.edge(column), x.edge(column + 1)]);
            let note = format!("at {rows} of {n_rows} ranges");
            found.push(Finding { doppler_hz, note, ..finding(Rule::Tone, sum.count) });
        }
    }

    /// Bursts over all ranges.
    fn pulses(&self, found: &mut Vec<Finding>) {
        let n_cpis: u64 = self.cpis.values().sum();
        let mut before = 0;
        let median = self.cpis.iter().find(|(_, n)| {
            before += **n;
            2 * before >= n_cpis
        });
        let least = 20.max(8 * median.map_or(0, |(count, _)| *count));
        let count: u64 = self.wide.range(least.min(1 << 16)..).map(|(_, n)| n).sum();
        if count > 0 {
            let (greatest, time_ns) = self.bursts.first().copied().unwrap_or_default();
            let note = format!("the greatest has {greatest} detections, the median CPI {}", least / 8);
            found.push(Finding { time_ns, note, ..finding(Rule::PulsedInterference, count) });
        }
    }

    /// Noise that rises.
    fn noisy(&self, found: &mut Vec<Finding>) {
        let mut known: Vec<f64> = self.noise_db().into_iter().flatten().collect();
        known.sort_unstable_by(f64::total_cmp);
        let Some(median) = known.get(known.len() / 2).copied() else { return };
        let levels = self.noise_db();
        let risen = levels
            .iter()
            .enumerate()
            .filter_map(|(at, level)| Some((at, (*level)?)))
            .filter(|(_, level)| *level >= median + 3.0);
        let risen: Vec<(usize, f64)> = risen.collect();
        if let Some((at, level)) = risen.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            let note = format!("up to {level:.1} dB, the median is {median:.1} dB");
            let time_ns = Some(self.steps.interval(*at)[0]);
            found.push(Finding { time_ns, note, ..finding(Rule::NoiseRise, risen.len() as u64) });
        }
    }
}

fn finding(rule: Rule, count: u64) -> Finding {
    Finding { rule, count, range_m: None, doppler_hz: None, time_ns: None, note: String::new() }
}

#[cfg(test)]
#[path = "interference_tests.rs"]
mod tests;
