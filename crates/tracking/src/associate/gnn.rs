//! Global nearest neighbour: the assignment of greatest joint likelihood, by the crate `pathfinding`.

use super::{Cluster, Pair};
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Weights become whole numbers in these units: the solver wants a total order.
const UNITS: f64 = 1e6;
/// What may not be assigned.
const FORBIDDEN: i64 = -1_000_000_000_000_000;

/// Each track takes one reading or none, each reading goes to one track or none.
pub(super) fn solve(cluster: &Cluster, pairs: &mut [Pair]) {
    for &pair in &cluster.pairs {
        pairs[pair as usize].share = 0.0;
    }
    if let [(from, to)] = cluster.tracks[..] {
        let own = &cluster.pairs[from as usize..to as usize];
        let best = own.iter().max_by(|&&a, &&b| {
            let (a, b) = (&pairs[a as usize], &pairs[b as usize]);
            a.weight.total_cmp(&b.weight).then(b.reading.cmp(&a.reading))
        });
        if let Some(&best) = best.filter(|&&best| pairs[best as usize].weight > 0.0) {
            pairs[best as usize].share = 1.0;
        }
        return;
    }
    // A column for each reading, and one for each track's miss.
    let n_readings = cluster.readings.len();
    let mut weights = Matrix::new(cluster.tracks.len(), n_readings + cluster.tracks.len(), FORBIDDEN);
    for (row, &(from, to)) in cluster.tracks.iter().enumerate() {
        weights[(row, n_readings + row)] = 0;
        for index in from as usize..to as usize {
            let weight = pairs[cluster.pairs[index] as usize].weight;
            weights[(row, cluster.column[index] as usize)] = (weight.clamp(-1e6, 1e6) * UNITS) as i64;
        }
    }
    let (_, columns) = kuhn_munkres(&weights);
    for (&(from, to), column) in cluster.tracks.iter().zip(columns) {
        for index in from as usize..to as usize {
            if cluster.column[index] as usize == column {
                pairs[cluster.pairs[index] as usize].share = 1.0;
            }
        }
    }
}
