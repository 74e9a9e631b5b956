//! One track: an estimate for each model of motion, and what is known of the target's existence.

use crate::config::Filter;
use crate::filter::{View, predict};
use crate::gaussian::{Gaussian, Mixture};
use crate::initiate::Point;
use crate::measurement::Reading;
use crate::plan::{MODELS_MAX, TrackerPlan};

/// Detections that a track names, at most.
pub(crate) const NAMED_MAX: usize = 8;

/// Views of one track, by model.
pub(crate) type Views<const N: usize, const M: usize> = [View<N, M>; MODELS_MAX];

/// A track.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Track<const N: usize> {
    /// Its number once confirmed; 0 while tentative.
    pub id: u64,
    /// Estimate and probability of each model.
    pub modes: [Gaussian<N>; MODELS_MAX],
    pub probability: [f64; MODELS_MAX],
    /// All models in one.
    pub estimate: Gaussian<N>,
    pub time_s: f64,
    /// Time of its first detection.
    pub began_s: f64,
    /// Logarithm of the likelihood ratio of target against clutter; once confirmed, of its existence.
    pub score: f64,
    /// False tracks that may begin in the scan in which it began.
    pub false_tracks: f64,
    /// Scans since the last detection.
    pub coasted: u32,
    /// Scans and detections since it began.
    pub age: u32,
    pub hits: u32,
    /// A bit for each of the latest scans, newest lowest: detected or not.
    pub history: u32,
    /// What it took in the latest scan.
    pub named: Names,
    /// What it was made of until it was confirmed.
    pub origin: Names,
    /// Another track that is as near as if it were the same, and for how many scans.
    pub twin: u64,
    pub twin_scans: u32,
}

/// A few numbers of detections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Names {
    ids: [u64; NAMED_MAX],
    n: usize,
}

impl Names {
    pub fn push(&mut self, id: u64) {
        if self.n < NAMED_MAX {
            self.ids[self.n] = id;
            self.n += 1;
        }
    }

    pub fn as_slice(&self) -> &[u64] {
        &self.ids[..self.n]
    }
}

impl<const N: usize> Track<N> {
    /// A track of one point.
    pub fn new(plan: &TrackerPlan, estimate: Gaussian<N>, point: &Point) -> Self {
        let mut probability = [0.0; MODELS_MAX];
        probability[..plan.begins.len()].copy_from_slice(&plan.begins);
        let mut origin = Names::default();
        origin.push(point.reading.id);
        Self {
            id: 0,
            modes: [estimate; MODELS_MAX],
            probability,
            estimate,
            time_s: point.time_s,
            began_s: point.time_s,
            score: 0.0,
            false_tracks: point.false_tracks,
            coasted: 0,
            age: 1,
            hits: 1,
            history: 1,
            named: origin,
            origin,
            twin: 0,
            twin_scans: 0,
        }
    }

    pub fn is_confirmed(&self) -> bool {
        self.id != 0
    }

    /// Filter of this track. While it is tentative little is known of its velocity across the line of sight, whose square
    /// bends range and range rate: sigma points see that, a Jacobian at the mean does not.
    pub fn filter(&self, plan: &TrackerPlan) -> Filter {
        if self.is_confirmed() { plan.filter } else { Filter::Unscented }
    }

    /// Mixes the models (Blom and Bar-Shalom, 1988) and moves each to `time_s`.
    pub fn predict(&mut self, plan: &TrackerPlan, time_s: f64) {
        let step_s = time_s - self.time_s;
        if step_s <= 0.0 {
            return;
        }
        let n = plan.models.len();
        if n > 1 {
            self.mix(plan, step_s);
        }
        let filter = self.filter(plan);
        for (mode, model) in self.modes.iter_mut().zip(&plan.models) {
            *mode = predict(filter, model, mode, plan.n_axes, step_s);
        }
        self.time_s = time_s;
        self.combine(n);
    }

    fn mix(&mut self, plan: &TrackerPlan, step_s: f64) {
        let n = plan.models.len();
        let before = self.modes;
        let mut after = [0.0; MODELS_MAX];
        for to in 0..n {
            let mut mixture = Mixture::around(before[to].mean);
            let mut total = 0.0;
            for (from, mode) in before[..n].iter().enumerate() {
                let stay = (-step_s / plan.sojourn_s[from]).exp();
                let go = if from == to { stay } else { (1.0 - stay) / (n - 1) as f64 };
                let weight = go * self.probability[from];
                total += weight;
                if weight > 0.0 {
                    mixture.add(weight, mode);
                }
            }
            after[to] = total;
            if total > 1e-300 {
                self.modes[to] = mixture.matched();
            }
        }
        self.probability = after;
    }

    /// Makes `estimate` of the models.
    pub fn combine(&mut self, n_models: usize) {
        if n_models == 1 {
            self.estimate = self.modes[0];
            return;
        }
        let mut mixture = Mixture::around(self.modes[0].mean);
        for (mode, &probability) in self.modes[..n_models].iter().zip(&self.probability) {
            mixture.add(probability, mode);
        }
        self.estimate = mixture.matched();
    }

    /// Logarithm of the likelihood of a reading, over all models; `None` outside every model's gate.
    pub fn ln_likelihood<const M: usize>(
        &self,
        views: &Views<N, M>,
        n_models: usize,
        reading: &Reading,
        gate2: f64,
    ) -> Option<f64> {
        let mut inside = false;
        let mut terms = [f64::NEG_INFINITY; MODELS_MAX];
        let mut most = f64::NEG_INFINITY;
        for (model, view) in views[..n_models].iter().enumerate() {
            let Some(innovation) = view.innovation(reading) else { continue };
            inside |= innovation.distance2 <= gate2;
            terms[model] = innovation.ln_likelihood + self.probability[model].ln();
            most = most.max(terms[model]);
        }
        if !inside || most == f64::NEG_INFINITY {
            return None;
        }
        Some(most + terms[..n_models].iter().map(|term| (term - most).exp()).sum::<f64>().ln())
    }

    /// Takes in readings, each with the probability that it is this track's and the logarithm of its likelihood. What
    /// is left to one is the probability that none is.
    pub fn update<'a, const M: usize>(
        &mut self,
        views: &Views<N, M>,
        n_models: usize,
        shares: &(impl Iterator<Item = (&'a Reading, f64, f64)> + Clone),
    ) {
        let miss = (1.0 - shares.clone().map(|share| share.1).sum::<f64>()).max(0.0);
        let mut total = 0.0;
        for (model, view) in views[..n_models].iter().enumerate() {
            let prior = self.modes[model];
            let mut mixture = Mixture::around(prior.mean);
            let mut weight = 0.0;
            if miss > 0.0 {
                mixture.add(miss, &prior);
                weight += miss;
            }
            for (reading, share, ln_likelihood) in shares.clone() {
                let Some(innovation) = view.innovation(reading) else { continue };
                let own = share * (innovation.ln_likelihood - ln_likelihood).exp();
                if own > 1e-12 {
                    mixture.add(own, &view.updated(&prior, reading, &innovation));
                    weight += own;
                }
            }
            if weight > 0.0 {
                self.modes[model] = mixture.matched();
            }
            // A model that is never likely must be able to come back.
            self.probability[model] = (self.probability[model] * weight).max(1e-9);
            total += self.probability[model];
        }
        for probability in &mut self.probability[..n_models] {
            *probability /= total;
        }
        self.combine(n_models);
    }

    /// Probability that the target exists.
    pub fn quality(&self) -> f64 {
        1.0 / (1.0 + (-self.score).exp())
    }
}
