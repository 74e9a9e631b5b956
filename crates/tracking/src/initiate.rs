//! Initiation: a detection that no track explains waits as a point for a second one which range and range rate (and
//! angles) put on the way of the same target. Two points make a tentative track: the first alone gives a state with all
//! velocities that a target may have, the second updates it; where the range rate is not measured this is two-point
//! differencing, with the greatest speed as prior.

use crate::measurement::{AZIMUTH, COMPONENTS, RANGE, RANGE_RATE, Reading, wrapped};
use crate::plan::TrackerPlan;

/// A detection that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub reading: Reading,
    pub station: usize,
    pub time_s: f64,
    /// Scans that it waited.
    pub waited: u32,
    /// False tracks that may begin in the scan that it is of.
    pub false_tracks: f64,
}

/// A point and a reading that may be one target's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub point: u32,
    pub reading: u32,
    cost: f64,
}

/// Finds partners for points.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    pub matches: Vec<Match>,
    point_taken: Vec<bool>,
    reading_taken: Vec<bool>,
}

impl Matcher {
    /// Leaves in `matches` the pairs that are likely one target's, the likeliest first chosen, each point and reading once.
    ///
    /// `points` may come in any order; `readings` are ordered by range, `free` says which may be used.
    pub fn run(
        &mut self,
        plan: &TrackerPlan,
        points: &[Point],
        readings: &[Reading],
        free: &[bool],
        station: usize,
        time_s: f64,
    ) {
        self.matches.clear();
        let bound = 4 * plan.config.limits.detections;
        'points: for (index, point) in points.iter().enumerate() {
            if point.station != station || time_s <= point.time_s {
                continue;
            }
            let expected = Expected::new(plan, point, time_s);
            let half = plan.config.gate_sigmas * (2.0 * expected.variance[RANGE]).sqrt();
            let (from, to) = (expected.value[RANGE] - half, expected.value[RANGE] + half);
            let first = readings.partition_point(|reading| reading.value[RANGE] < from);
            for (offset, reading) in readings[first..].iter().enumerate() {
                if reading.value[RANGE] > to {
                    break;
                }
                let at = first + offset;
                if !free[at] {
                    continue;
                }
                if let Some(cost) = expected.cost(point, reading, plan.config.gate_sigmas.powi(2)) {
                    self.matches.push(Match { point: index as u32, reading: at as u32, cost });
                    // Without range rates everything matches everything: bounded, and soon told apart.
                    if self.matches.len() >= bound {
                        break 'points;
                    }
                }
            }
        }
        self.choose(points.len(), readings.len());
    }

    fn choose(&mut self, n_points: usize, n_readings: usize) {
        self.matches.sort_unstable_by(|a, b| {
            a.cost.total_cmp(&b.cost).then((a.point, a.reading).cmp(&(b.point, b.reading)))
        });
        self.point_taken.clear();
        self.point_taken.resize(n_points, false);
        self.reading_taken.clear();
        self.reading_taken.resize(n_readings, false);
        let (points, readings) = (&mut self.point_taken, &mut self.reading_taken);
        self.matches.retain(|pair| {
            let (point, reading) = (&mut points[pair.point as usize], &mut readings[pair.reading as usize]);
            let chosen = !*point && !*reading;
            if chosen {
                (*point, *reading) = (true, true);
            }
            chosen
        });
    }
}

/// What the second detection of a point's target would measure, roughly.
struct Expected {
    value: [f64; COMPONENTS],
    variance: [f64; COMPONENTS],
}

impl Expected {
    fn new(plan: &TrackerPlan, point: &Point, time_s: f64) -> Self {
        let t = time_s - point.time_s;
        let initiation = &plan.config.initiation;
        let speed2 = initiation.speed_max_mps.powi(2) / 3.0;
        let range = point.reading.value[RANGE].max(1.0);
        // Flying past bends the range by v²/r; no more than the speed allows.
        let past2 = if plan.n_axes == 1 { 0.0 } else { (2.0 * speed2 / range).powi(2) };
        let acceleration2 = initiation.acceleration_max_mps2.powi(2) / 3.0 + past2;
        let mut expected = Self { value: point.reading.value, variance: point.reading.variance };
        if point.reading.present[RANGE_RATE] {
            expected.value[RANGE] += point.reading.value[RANGE_RATE] * t;
            expected.variance[RANGE] += point.reading.variance[RANGE_RATE] * t * t
                + (acceleration2 * t.powi(4) / 4.0).min(speed2 * t * t);
        } else {
            expected.variance[RANGE] += speed2 * t * t;
            expected.variance[RANGE_RATE] = speed2;
        }
        expected.variance[RANGE_RATE] += (acceleration2 * t * t).min(4.0 * speed2);
        // Half a bistatic path may belong to a target much nearer to the receiver; angles are then only a hint.
        for c in AZIMUTH..COMPONENTS {
            expected.variance[c] += speed2 * t * t / (range * range);
        }
        expected
    }

    /// How unlikely a reading is, or that it is too much so.
    fn cost(&self, point: &Point, reading: &Reading, gate2: f64) -> Option<f64> {
        let mut cost = 0.0;
        for c in 0..COMPONENTS {
            if !(point.reading.present[c] && reading.present[c]) {
                continue;
            }
            let mut offset = reading.value[c] - self.value[c];
            if c == AZIMUTH {
                offset = wrapped(offset);
            }
            let variance = self.variance[c] + reading.variance[c];
            let distance2 = offset * offset / variance;
            if distance2 > gate2 {
                return None;
            }
            cost += distance2 + variance.ln();
        }
        Some(cost)
    }
}
