//! Which detection belongs to which track, from pairs that passed the gate.
//!
//! A pair's weight is the logarithm of how much likelier it is than a miss and a false detection:
//! ln(P_D·l/λ) − ln(1 − P_D), with the likelihood l and the density of false detections λ. Tracks that compete for no
//! detection do not meet: each cluster is solved alone (Blackman and Popoli, *Modern Tracking Systems*, 1999).

mod gnn;
mod jpda;

use crate::config::Associator;

/// A detection in a track's gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub track: u32,
    pub reading: u32,
    /// Logarithm of the likelihood of the reading.
    pub ln_likelihood: f64,
    /// Logarithm of the ratio against a miss.
    pub weight: f64,
    /// Result: the probability that the reading is this track's, 0 to 1.
    pub share: f64,
}

/// Scratch of the associators.
#[derive(Debug, Default)]
pub(crate) struct Association {
    root: Vec<u32>,
    owner: Vec<u32>,
    order: Vec<u32>,
    first_pair: Vec<u32>,
    cluster: Cluster,
    events: jpda::Scratch,
}

/// Tracks that compete, and their pairs, with readings numbered anew from 0.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// Indices into the pairs, by track.
    pairs: Vec<u32>,
    /// For each track the range of `pairs` that is its own.
    tracks: Vec<(u32, u32)>,
    /// For each pair the number of its reading in the cluster.
    column: Vec<u32>,
    readings: Vec<u32>,
}

const NOBODY: u32 = u32::MAX;

impl Association {
    /// Fills in the shares. Pairs are ordered by track; tracks and readings are numbered from 0.
    pub fn solve(
        &mut self,
        associator: Associator,
        joint_events: usize,
        n_tracks: usize,
        n_readings: usize,
        pairs: &mut [Pair],
    ) {
        self.find_clusters(n_tracks, n_readings, pairs);
        let mut from = 0;
        while from < self.order.len() {
            let root = self.root[self.order[from] as usize];
            let mut to = from + 1;
            while to < self.order.len() && self.root[self.order[to] as usize] == root {
                to += 1;
            }
            self.gather(from, to, pairs);
            match associator {
                Associator::Gnn => gnn::solve(&self.cluster, pairs),
                Associator::Jpda => jpda::solve(&self.cluster, joint_events, &mut self.events, pairs),
            }
            from = to;
        }
    }

    /// Union of tracks that share a reading; afterwards `order` lists tracks that have pairs, cluster by cluster.
    fn find_clusters(&mut self, n_tracks: usize, n_readings: usize, pairs: &[Pair]) {
        self.root.clear();
        self.root.extend(0..n_tracks as u32);
        self.owner.clear();
        self.owner.resize(n_readings, NOBODY);
        self.first_pair.clear();
        self.first_pair.resize(n_tracks, NOBODY);
        self.order.clear();
        for (index, pair) in pairs.iter().enumerate() {
            if self.first_pair[pair.track as usize] == NOBODY {
                self.first_pair[pair.track as usize] = index as u32;
                self.order.push(pair.track);
            }
            let owner = &mut self.owner[pair.reading as usize];
            if *owner == NOBODY {
                *owner = pair.track;
            } else {
                let (a, b) = (find(&mut self.root, *owner), find(&mut self.root, pair.track));
                // The lower number leads, so that the result does not depend on the way there.
                self.root[a.max(b) as usize] = a.min(b);
            }
        }
        for track in 0..n_tracks as u32 {
            find(&mut self.root, track);
        }
        let root = &self.root;
        self.order.sort_unstable_by_key(|&track| (root[track as usize], track));
    }

    fn gather(&mut self, from: usize, to: usize, pairs: &[Pair]) {
        let cluster = &mut self.cluster;
        cluster.pairs.clear();
        cluster.tracks.clear();
        cluster.column.clear();
        cluster.readings.clear();
        for &track in &self.order[from..to] {
            let first = cluster.pairs.len() as u32;
            let mut index = self.first_pair[track as usize] as usize;
            while index < pairs.len() && pairs[index].track == track {
                cluster.pairs.push(index as u32);
                cluster.readings.push(pairs[index].reading);
                index += 1;
            }
            cluster.tracks.push((first, cluster.pairs.len() as u32));
        }
        cluster.readings.sort_unstable();
        cluster.readings.dedup();
        for &pair in &cluster.pairs {
            // Every reading was put there above.
            let column = cluster.readings.binary_search(&pairs[pair as usize].reading).unwrap_or(0);
            cluster.column.push(column as u32);
        }
    }
}

/// The leader of a track's cluster, shortening the way there.
fn find(root: &mut [u32], track: u32) -> u32 {
    let mut leader = track;
    while root[leader as usize] != leader {
        leader = root[leader as usize];
    }
    let mut walker = track;
    while root[walker as usize] != leader {
        walker = std::mem::replace(&mut root[walker as usize], leader);
    }
    leader
}

#[cfg(test)]
mod tests;
