//! When pulses are sent, in samples of the receiver.

use super::config::{PriConfig, RadarConfig};
use crate::SceneError;
use crate::plan::ROUNDING;
use crate::random::{Randomness, Seeded};
use rand::RngExt;

/// Pulses begin on a grid of this many places a sample, 10⁻⁸ of a sample off at most: so fractions recur where PRIs
/// are whole samples, and what was computed for one pulse serves all.
const PLACES_A_SAMPLE: f64 = (1 << 24) as f64;
/// Most PRIs of a list.
const MAX_PRIS: usize = 4096;

/// The leading edge of a pulse, in the receiver's samples after the first of the scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) sample: i64,
    /// 0 ≤ fraction < 1.
    pub(crate) fraction: f64,
}

impl Edge {
    /// Position in samples; the place of a day's last pulse is exact to 10⁻⁴ of a sample so.
    pub(crate) fn position(&self) -> f64 {
        self.sample as f64 + self.fraction
    }
}

/// When pulses are sent. Lengths are in samples of the receiver.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    start: f64,
    /// PRIs of a cycle; each holds for `pulses_per_pri` pulses.
    pris: Vec<f64>,
    /// Sum of one pulse of each of the PRIs before.
    before: Vec<f64>,
    pulses_per_pri: u64,
    jitter: f64,
    /// Pulses whose nominal leading edge lies in the scene.
    count: u64,
    seeded: Seeded,
}

impl Schedule {
    /// Checks PRIs against the length of the pulse.
    pub(crate) fn plan(
        config: &RadarConfig,
        samples_per_s: f64,
        pulse_s: f64,
        n_samples: f64,
        seeded: &Seeded,
    ) -> Result<Self, SceneError> {
        let (pris_s, is_list) = match &config.pri_s {
            PriConfig::Fixed(pri_s) => (vec![*pri_s], false),
            PriConfig::List(pris_s) => (pris_s.clone(), true),
        };
        if !(1..=MAX_PRIS).contains(&pris_s.len()) {
            let found = format!("a list of {}", pris_s.len());
            return Err(SceneError::field("radar.pri_s", &found, format!("1 to {MAX_PRIS} numbers")));
        }
        let jitter_s = config.pri_jitter_s;
        if !(jitter_s.is_finite() && jitter_s >= 0.0) {
            return Err(SceneError::field("radar.pri_jitter_s", &jitter_s, "a finite number, 0 or more"));
        }
        let least_s = pulse_s + 2.0 * jitter_s;
        for (k, &pri_s) in pris_s.iter().enumerate() {
            if !(pri_s.is_finite() && pri_s >= least_s - ROUNDING / samples_per_s) {
                let name = if is_list { format!("radar.pri_s[{k}]") } else { "radar.pri_s".into() };
                let expected = format!("{least_s} or more, the length of the pulse and twice the jitter");
                return Err(SceneError::field(name, &pri_s, expected));
            }
        }
        if !(1..=1 << 32).contains(&config.pulses_per_pri) {
            let found = config.pulses_per_pri;
            return Err(SceneError::field("radar.pulses_per_pri", &found, "1 to 2^32"));
        }
        let start = config.start_s * samples_per_s;
        if !(0.0..n_samples).contains(&start) {
            let expected = format!("0 to {}, within the scene", n_samples / samples_per_s);
            return Err(SceneError::field("radar.start_s", &config.start_s, expected));
        }
        let pris: Vec<f64> = pris_s.iter().map(|pri_s| pri_s * samples_per_s).collect();
        let mut sum = 0.0;
        let sum_before = |&pri: &f64| {
            sum += pri;
            sum - pri
        };
        let before = pris.iter().map(sum_before).collect();
        let mut schedule = Self {
            start,
            pris,
            before,
            pulses_per_pri: config.pulses_per_pri,
            jitter: jitter_s * samples_per_s,
            count: 0,
            seeded: seeded.clone(),
        };
        let near_end = schedule.near(n_samples).saturating_sub(3);
        let inside = |&index: &u64| schedule.nominal(index).position() < n_samples - ROUNDING;
        schedule.count = near_end + (near_end..near_end + 8).take_while(inside).count() as u64;
        Ok(schedule)
    }

    /// Number of pulses.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The shortest PRI.
    pub(crate) fn least_pri(&self) -> f64 {
        self.pris.iter().copied().fold(f64::INFINITY, f64::min) - 2.0 * self.jitter
    }

    /// Leading edge of pulse `index`.
    pub(crate) fn edge(&self, index: u64) -> Edge {
        if self.jitter <= 0.0 {
            return self.nominal(index);
        }
        let uniform = self.seeded.at(Randomness::Jitter { index }).random::<f64>();
        self.place(index, self.jitter * (2.0 * uniform - 1.0))
    }

    /// Leading edge of pulse `index` without jitter, or where a pulse of that number would be.
    pub(crate) fn nominal(&self, index: u64) -> Edge {
        self.place(index, 0.0)
    }

    fn place(&self, index: u64, late: f64) -> Edge {
        let (pri, cycle, within) = self.parts(index);
        let cycle_length = self.cycle_length();
        // The product in two parts, exact: one binary64 leaves 10⁻⁴ of a sample after a day.
        let product = cycle as f64 * cycle_length;
        let rest = (cycle as f64).mul_add(cycle_length, -product);
        let whole = product.floor();
        let after = self.before[pri] * self.pulses_per_pri as f64 + within as f64 * self.pris[pri];
        let offset = (product - whole) + rest + after + self.start + late;
        let offset = (offset.max(-whole) * PLACES_A_SAMPLE).round() / PLACES_A_SAMPLE;
        Edge { sample: whole as i64 + offset.floor() as i64, fraction: offset - offset.floor() }
    }

    /// Entry of the list, number of the cycle, and number among the pulses of the entry.
    fn parts(&self, index: u64) -> (usize, u64, u64) {
        let dwell = index / self.pulses_per_pri;
        let n = self.pris.len() as u64;
        ((dwell % n) as usize, dwell / n, index % self.pulses_per_pri)
    }

    fn cycle_length(&self) -> f64 {
        self.pris.iter().sum::<f64>() * self.pulses_per_pri as f64
    }

    /// The pulses that may begin between two positions, and a few on either side.
    pub(crate) fn pulses_between(&self, from: f64, to: f64) -> std::ops::Range<u64> {
        let first = self.near(from - self.jitter).saturating_sub(2);
        first..(self.near(to + self.jitter) + 3).min(self.count)
    }

    /// The pulse that nominally begins at or before a position, or one beside it; 0 before the first.
    fn near(&self, position: f64) -> u64 {
        let elapsed = position - self.start;
        if elapsed <= 0.0 {
            return 0;
        }
        let cycles = (elapsed / self.cycle_length()).floor();
        let within = (elapsed - cycles * self.cycle_length()).max(0.0);
        let per_pri = self.pulses_per_pri as f64;
        let entry = self.before.partition_point(|before| before * per_pri <= within).max(1) - 1;
        let pulse = ((within - self.before[entry] * per_pri) / self.pris[entry]).floor().min(per_pri - 1.0);
        let dwell = cycles as u64 * self.pris.len() as u64 + entry as u64;
        dwell.saturating_mul(self.pulses_per_pri).saturating_add(pulse as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str, samples_per_s: f64, duration_s: f64) -> Schedule {
        let text = format!("waveform = 'w'\ncarrier_hz = 1e9\n{text}");
        let config = toml::from_str(&text).unwrap();
        Schedule::plan(&config, samples_per_s, 10e-6, duration_s * samples_per_s, &Seeded::new(2)).unwrap()
    }

    #[test]
    fn pulses_follow_their_list() {
        let staggered = schedule("pri_s = [1e-3, 1.25e-3]\nstart_s = 1e-4", 1e6, 1.0);
        let positions: Vec<f64> = (0..4).map(|k| staggered.edge(k).position()).collect();
        assert_eq!(positions, [100.0, 1100.0, 2350.0, 3350.0]);
        let dwells = schedule("pri_s = [1e-3, 1.25e-3]\npulses_per_pri = 3", 1e6, 1.0);
        let positions: Vec<f64> = (0..8).map(|k| dwells.edge(k).position()).collect();
        assert_eq!(positions, [0.0, 1000.0, 2000.0, 3000.0, 4250.0, 5500.0, 6750.0, 7750.0]);
    }

    #[test]
    fn pulses_are_found_by_place() {
        for text in [
            "pri_s = 1e-3",
            "pri_s = [1e-3, 1.3e-3, 1.1e-3]\nstart_s = 0.01234",
            "pri_s = [0.5e-3, 2e-3]\npulses_per_pri = 7",
            "pri_s = 1e-3\npri_jitter_s = 4e-4",
        ] {
            let schedule = schedule(text, 1e6, 0.5);
            let edges: Vec<f64> = (0..schedule.count()).map(|k| schedule.edge(k).position()).collect();
            assert!(edges.is_sorted());
            assert!(schedule.nominal(schedule.count() - 1).position() < 5e5);
            assert!(schedule.nominal(schedule.count()).position() >= 5e5);
            for from in (-3000..500_000).step_by(777) {
                let (from, to) = (f64::from(from), f64::from(from) + 4096.0);
                let range = schedule.pulses_between(from, to);
                assert!(range.end - range.start < 20, "{text}: {range:?}");
                for (k, edge) in edges.iter().enumerate() {
                    assert!(!(from..to).contains(edge) || range.contains(&(k as u64)), "{text}: {from} {k}");
                }
            }
        }
    }

    #[test]
    fn the_last_pulse_of_a_day_stands_on_its_sample() {
        // A third of a millisecond, 20 MS/s: 6666 and two thirds of a sample.
        let schedule = schedule("pri_s = 3.3333333333333335e-4", 20e6, 86_400.0);
        assert_eq!(schedule.count(), 3 * 86_400_000);
        for index in [3, 3 * 1000, 3 * 86_399_999] {
            let edge = schedule.edge(index);
            let error = (edge.sample as i128 - 20_000 * i128::from(index / 3)) as f64 + edge.fraction;
            assert!(
                error.abs() < 2.0 / PLACES_A_SAMPLE + 1e-16 * 20_000.0 * index as f64,
                "{index}: {error}"
            );
        }
    }

    #[test]
    fn jitter_is_uniform() {
        let schedule = schedule("pri_s = 1e-3\npri_jitter_s = 2e-4\nstart_s = 1e-3", 1e6, 10.0);
        let late: Vec<f64> =
            (0..9000).map(|k| schedule.edge(k).position() - schedule.nominal(k).position()).collect();
        assert!(late.iter().all(|late| late.abs() <= 200.0));
        let n = late.len() as f64;
        let mean = late.iter().sum::<f64>() / n;
        let variance = late.iter().map(|x| x * x).sum::<f64>() / n;
        let expected = 200.0_f64.powi(2) / 3.0;
        assert!(mean.abs() < 4.0 * (expected / n).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 4.0 * (0.8 / n).sqrt(), "{variance}");
    }
}
