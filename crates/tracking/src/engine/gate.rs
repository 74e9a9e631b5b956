//! Gating: which readings may be which track's. Readings are ordered by range, so that each track looks at few.

use super::{Engine, Round};
use crate::associate::Pair;
use crate::measurement::{RANGE, RANGE_RATE, Reading};
use crate::track::Views;

impl<const N: usize, const M: usize> Engine<N, M> {
    /// Fills in views and pairs of the tracks of one round.
    pub(super) fn gate(&mut self, round: Round, station: usize) {
        self.pairs.clear();
        self.views.clear();
        let gate2 = self.plan.config.gate_sigmas.powi(2);
        let at = &self.plan.stations[station];
        let base = at.p_detect.ln() - (1.0 - at.p_detect).ln();
        let n_models = self.plan.models.len();
        let limit = self.plan.config.limits.gated;
        let widest = self.readings.iter().fold(0.0, |most: f64, reading| most.max(reading.variance[RANGE]));
        for index in 0..self.tracks.len() {
            let track = &self.tracks[index];
            if track.is_confirmed() != (round == Round::Confirmed) {
                // Keeps the numbers of views those of tracks; never read.
                self.views.push([crate::filter::View::empty(); crate::plan::MODELS_MAX]);
                continue;
            }
            let views = self.views_of(track, station);
            let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
            for view in &views[..n_models] {
                let half = (gate2 * (view.range_variance() + widest)).sqrt();
                from = from.min(view.value[RANGE] - half);
                to = to.max(view.value[RANGE] + half);
            }
            let first_pair = self.pairs.len();
            let first = self.readings.partition_point(|reading| reading.value[RANGE] < from);
            for (offset, reading) in self.readings[first..].iter().enumerate() {
                if reading.value[RANGE] > to {
                    break;
                }
                let at = first + offset;
                if !self.free[at] || !rates_agree(&views, n_models, reading, gate2) {
                    continue;
                }
                if let Some(ln_likelihood) = track.ln_likelihood(&views, n_models, reading, gate2) {
                    let weight = base + ln_likelihood - self.ln_clutter(station, reading);
                    let (track, reading) = (index as u32, at as u32);
                    self.pairs.push(Pair { track, reading, ln_likelihood, weight, share: 0.0 });
                }
            }
            let own = &mut self.pairs[first_pair..];
            if own.len() > limit {
                own.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.reading.cmp(&b.reading)));
                self.pairs.truncate(first_pair + limit);
            }
            self.views.push(views);
        }
    }
}

/// A cheap necessary condition of the gate.
fn rates_agree<const N: usize, const M: usize>(
    views: &Views<N, M>,
    n_models: usize,
    reading: &Reading,
    gate2: f64,
) -> bool {
    !reading.present[RANGE_RATE]
        || views[..n_models].iter().any(|view| {
            let offset = reading.value[RANGE_RATE] - view.value[RANGE_RATE];
            let variance = view.covariance[(RANGE_RATE, RANGE_RATE)] + reading.variance[RANGE_RATE];
            offset * offset <= gate2 * variance
        })
}
