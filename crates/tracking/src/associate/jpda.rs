//! Joint probabilistic data association: the probability of each pair over all joint events (Bar-Shalom and Fortmann,
//! *Tracking and Data Association*, 1988), enumerated in small clusters. In large ones belief propagation approximates
//! them, in time that grows as the number of pairs (Williams and Lau, "Approximate evaluation of marginal association
//! probabilities with belief propagation", 2014).

use super::{Cluster, Pair};

/// Rounds of belief propagation at most, and the change at which it is done.
const ROUNDS_MAX: usize = 200;
const CHANGE: f64 = 1e-7;

/// Scratch.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Likelihood of each pair over that of its track's best choice.
    ratio: Vec<f64>,
    miss: Vec<f64>,
    sum: Vec<f64>,
    used: Vec<bool>,
    to_reading: Vec<f64>,
    to_track: Vec<f64>,
    column_sum: Vec<f64>,
}

/// Fills in the shares of a cluster's pairs.
pub(super) fn solve(cluster: &Cluster, joint_events: usize, scratch: &mut Scratch, pairs: &mut [Pair]) {
    let mut events = 1usize;
    for &(from, to) in &cluster.tracks {
        events = events.saturating_mul(1 + (to - from) as usize);
    }
    if events <= joint_events {
        enumerate(cluster, scratch, pairs);
    } else {
        propagate(cluster, scratch, pairs);
    }
}

/// Likelihoods over the best choice of each track, so that products neither overflow nor vanish.
fn fill_ratios(cluster: &Cluster, scratch: &mut Scratch, pairs: &[Pair]) {
    scratch.ratio.clear();
    scratch.miss.clear();
    for &(from, to) in &cluster.tracks {
        let own = &cluster.pairs[from as usize..to as usize];
        let best = own.iter().fold(0.0, |best: f64, &pair| best.max(pairs[pair as usize].weight));
        scratch.miss.push((-best).exp());
        scratch.ratio.extend(own.iter().map(|&pair| (pairs[pair as usize].weight - best).exp()));
    }
}

/// Sums over all joint events.
fn enumerate(cluster: &Cluster, scratch: &mut Scratch, pairs: &mut [Pair]) {
    fill_ratios(cluster, scratch, pairs);
    scratch.sum.clear();
    scratch.sum.resize(cluster.pairs.len(), 0.0);
    scratch.used.clear();
    scratch.used.resize(cluster.readings.len(), false);
    let total = visit(cluster, scratch, 0, 1.0);
    for (&pair, sum) in cluster.pairs.iter().zip(&scratch.sum) {
        pairs[pair as usize].share = sum / total;
    }
}

/// All events that continue the choices made for the tracks before; returns their summed probability.
fn visit(cluster: &Cluster, scratch: &mut Scratch, track: usize, probability: f64) -> f64 {
    let Some(&(from, to)) = cluster.tracks.get(track) else { return probability };
    let mut total = visit(cluster, scratch, track + 1, probability * scratch.miss[track]);
    for index in from as usize..to as usize {
        let column = cluster.column[index] as usize;
        if scratch.used[column] {
            continue;
        }
        scratch.used[column] = true;
        let sum = visit(cluster, scratch, track + 1, probability * scratch.ratio[index]);
        scratch.sum[index] += sum;
        total += sum;
        scratch.used[column] = false;
    }
    total
}

/// Belief propagation between tracks and readings.
fn propagate(cluster: &Cluster, scratch: &mut Scratch, pairs: &mut [Pair]) {
    fill_ratios(cluster, scratch, pairs);
    let Scratch { ratio, miss, to_reading, to_track, column_sum, .. } = scratch;
    to_reading.clear();
    to_reading.resize(cluster.pairs.len(), 0.0);
    to_track.clear();
    to_track.resize(cluster.pairs.len(), 1.0);
    for _ in 0..ROUNDS_MAX {
        column_sum.clear();
        column_sum.resize(cluster.readings.len(), 1.0);
        for (track, &(from, to)) in cluster.tracks.iter().enumerate() {
            let range = from as usize..to as usize;
            let total: f64 = miss[track] + range.clone().map(|i| ratio[i] * to_track[i]).sum::<f64>();
            for i in range {
                let others = (total - ratio[i] * to_track[i]).max(miss[track]).max(f64::MIN_POSITIVE);
                to_reading[i] = (ratio[i] / others).min(1e100);
                column_sum[cluster.column[i] as usize] += to_reading[i];
            }
        }
        let mut change = 0f64;
        for i in 0..to_track.len() {
            let others = (column_sum[cluster.column[i] as usize] - to_reading[i]).max(1.0);
            let message = 1.0 / others;
            change = change.max((message - to_track[i]).abs());
            to_track[i] = message;
        }
        if change < CHANGE {
            break;
        }
    }
    for (track, &(from, to)) in cluster.tracks.iter().enumerate() {
        let range = from as usize..to as usize;
        let total: f64 = miss[track] + range.clone().map(|i| ratio[i] * to_track[i]).sum::<f64>();
        for i in range {
            pairs[cluster.pairs[i] as usize].share = ratio[i] * to_track[i] / total;
        }
    }
}
