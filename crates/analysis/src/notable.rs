//! Which tracks are worth telling of.

use serde::Serialize;

/// A track in a few numbers, for choosing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Extent {
    /// First state, ns since 1970.
    pub first_ns: i64,
    /// Last state.
    pub last_ns: i64,
    /// States.
    pub updates: u64,
    /// Greatest speed, or where none is known greatest range rate either way, m/s.
    pub fastest_mps: f64,
    /// Lowest and highest height, m.
    pub height_m: Option<[f64; 2]>,
}

impl Extent {
    /// Takes a state.
    pub fn add(&mut self, time_ns: i64, speed_mps: Option<f64>, height_m: Option<f64>) {
        if self.updates == 0 {
            (self.first_ns, self.last_ns) = (time_ns, time_ns);
        }
        self.updates += 1;
        (self.first_ns, self.last_ns) = (self.first_ns.min(time_ns), self.last_ns.max(time_ns));
        if let Some(speed) = speed_mps.filter(|speed| speed.is_finite()) {
            self.fastest_mps = self.fastest_mps.max(speed.abs());
        }
        if let Some(height) = height_m.filter(|height| height.is_finite()) {
            let [low, high] = self.height_m.unwrap_or([height, height]);
            self.height_m = Some([low.min(height), high.max(height)]);
        }
    }
}

/// Why a track was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It lasted.
    Long,
    /// It was fast.
    Fast,
    /// Its height changed.
    Climbing,
}

/// Fewer states make no story.
const LEAST_UPDATES: u64 = 5;

/// The most notable of some tracks, by their places in the list, with the reasons: in turn the longest, the fastest and
/// the one whose height changed most, of those that are left.
pub fn choose(tracks: &[Extent], most: usize) -> Vec<(usize, Vec<Reason>)> {
    let score = |reason: Reason, track: &Extent| match reason {
        Reason::Long => (track.last_ns - track.first_ns) as f64,
        Reason::Fast => track.fastest_mps,
        Reason::Climbing => track.height_m.map_or(0.0, |[low, high]| high - low),
    };
    let order = [Reason::Long, Reason::Fast, Reason::Climbing].map(|reason| {
        let scored = tracks.iter().enumerate().filter(|(_, track)| track.updates >= LEAST_UPDATES);
        let mut scored: Vec<(usize, f64)> =
            scored.map(|(at, track)| (at, score(reason, track))).filter(|(_, score)| *score > 0.0).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored.truncate(most);
        (reason, scored)
    });
    let mut chosen: Vec<(usize, Vec<Reason>)> = Vec::new();
    for rank in 0..most {
        for (reason, scored) in &order {
            let Some((at, _)) = scored.get(rank) else { continue };
            let known = chosen.iter().position(|(other, _)| other == at);
            match known {
                Some(known) => chosen[known].1.push(*reason),
                None if chosen.len() < most => chosen.push((*at, vec![*reason])),
                None => {}
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_turn() {
        let track = |long_s: i64, fast: f64, high: Option<f64>, updates| Extent {
            last_ns: long_s,
            updates,
            fastest_mps: fast,
            height_m: high.map(|high| [0.0, high]),
            ..Extent::default()
        };
        let tracks = [
            track(9, 1.0, None, 9),
            track(1, 9.0, None, 9),
            track(2, 2.0, Some(5.0), 9),
            track(99, 99.0, None, 2),
        ];
        let found = choose(&tracks, 2);
        assert_eq!(found[0].0, 0);
        assert_eq!(found[1].0, 1);
        assert_eq!(choose(&tracks, 9).len(), 3);
        assert_eq!(choose(&tracks, 9)[2], (2, vec![Reason::Climbing, Reason::Long, Reason::Fast]));
        assert!(choose(&[], 3).is_empty());
    }
}
