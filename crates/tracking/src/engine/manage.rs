//! Confirmation, deletion, merging.
//!
//! The score is a likelihood ratio, target against clutter (Sittler 1964; Wald's sequential test). Under clutter a
//! likelihood ratio is a martingale that begins at 1, so it ever reaches e^T with probability e^−T at most: with F false
//! detections in a scan, each of which may begin a track, T = ln(F/f) keeps false tracks below f in a scan. The score
//! leaps, and so mostly far past T, which makes it fewer (Siegmund, *Sequential Analysis*, 1985): see [`OVERSHOOT`].

use super::Engine;
use crate::gaussian::{cholesky, forward};
use crate::track::Track;
use crate::tracker::ScanReport;

/// How many times fewer false tracks there are than the bound says, for what the score leaps past the threshold: three to
/// ten, measured over a million scans in each space.
const OVERSHOOT: f64 = 3.0;

impl<const N: usize, const M: usize> Engine<N, M> {
    pub(super) fn manage(&mut self, station: usize, report: &mut ScanReport) {
        self.confirm(station, report);
        self.find_twins();
        let deletion = &self.plan.config.deletion;
        let initiation = &self.plan.config.initiation;
        let window = u32::MAX >> (32 - initiation.scans);
        let (ended, next) = (&mut self.ended, deletion.merge_scans);
        self.tracks.retain(|track| {
            if !is_sound(track) {
                report.broken += 1;
            } else if !track.is_confirmed() {
                let seen = (track.history & window).count_ones();
                let scans = track.age.min(initiation.scans);
                return track.score > 0.0 && scans - seen.min(scans) <= initiation.scans - initiation.hits;
            } else if track.twin_scans >= next {
                report.merged += 1;
            } else if track.coasted <= deletion.coast_scans && track.quality() >= deletion.quality_min {
                return true;
            }
            if track.is_confirmed() {
                ended.push(track.id);
                report.ended += 1;
            }
            false
        });
        report.tracks = self.tracks.iter().filter(|track| track.is_confirmed()).count();
        report.tentative = self.tracks.len() - report.tracks;
    }

    fn confirm(&mut self, station: usize, report: &mut ScanReport) {
        let initiation = &self.plan.config.initiation;
        let per_scan = self.clutter[station].per_scan;
        let window = u32::MAX >> (32 - initiation.scans);
        let lifetime_s = self.plan.config.deletion.lifetime_s;
        for track in &mut self.tracks {
            if track.is_confirmed() {
                continue;
            }
            if track.age > 2 {
                for &id in track.named.as_slice() {
                    track.origin.push(id);
                }
            }
            let seen = (track.history & window).count_ones();
            let threshold = (per_scan / (OVERSHOOT * track.false_tracks)).ln();
            if seen >= initiation.hits && track.score >= threshold.max(0.0) && track.coasted == 0 {
                track.id = self.next_id;
                self.next_id += 1;
                report.confirmed += 1;
            }
        }
        // From then on the score says whether the target still exists, and targets do not stay for ever.
        for track in self.tracks.iter_mut().filter(|track| track.is_confirmed()) {
            let mean_step_s = (track.time_s - track.began_s) / f64::from(track.age.max(2) - 1);
            let stays = (-mean_step_s / lifetime_s).exp();
            let gone = 1.0 - stays * (1.0 - 1.0 / (1.0 + track.score.min(500.0).exp()));
            track.score = ((1.0 - gone) / gone.max(1e-12)).max(1e-300).ln();
        }
    }

    /// Counts for how many scans a confirmed track was as near to an older, or better, one as if it were the same.
    fn find_twins(&mut self) {
        let merge2 = self.plan.config.deletion.merge_sigmas.powi(2);
        let near = &mut self.near;
        near.clear();
        near.extend(
            (0..self.tracks.len() as u32).filter(|&index| self.tracks[index as usize].is_confirmed()),
        );
        let tracks = &mut self.tracks;
        near.sort_unstable_by(|&a, &b| {
            let (a, b) = (&tracks[a as usize], &tracks[b as usize]);
            a.estimate.mean[0].total_cmp(&b.estimate.mean[0]).then(a.id.cmp(&b.id))
        });
        let widest = near.iter().fold(0.0, |most: f64, &index| {
            let track = &tracks[index as usize];
            if track.named.as_slice().is_empty() { most } else { most.max(track.estimate.covariance[(0, 0)]) }
        });
        let reach = (merge2 * 2.0 * widest).sqrt();
        for (at, &a) in near.iter().enumerate() {
            let mut twin = 0;
            for direction in [-1i64, 1] {
                let mut other = at as i64 + direction;
                while let Some(&b) = usize::try_from(other).ok().and_then(|other| near.get(other)) {
                    let (one, two) = (&tracks[a as usize], &tracks[b as usize]);
                    if (one.estimate.mean[0] - two.estimate.mean[0]).abs() > reach {
                        break;
                    }
                    // The one that has taken more detections stays.
                    let junior = (one.hits, two.id) < (two.hits, one.id);
                    if junior && same(one, two, merge2) {
                        twin = two.id;
                    }
                    other += direction;
                }
            }
            let track = &mut tracks[a as usize];
            track.twin_scans =
                if twin != 0 && twin == track.twin { track.twin_scans + 1 } else { u32::from(twin != 0) };
            track.twin = twin;
        }
    }
}

/// Whether two tracks that both had a detection just now, perhaps the same, are one within their covariances.
fn same<const N: usize>(one: &Track<N>, two: &Track<N>, merge2: f64) -> bool {
    if one.named.as_slice().is_empty() || two.named.as_slice().is_empty() {
        return false;
    }
    let covariance = one.estimate.covariance + two.estimate.covariance;
    let offset = one.estimate.mean - two.estimate.mean;
    cholesky(&covariance).is_some_and(|lower| forward(&lower, &offset).norm_squared() <= merge2)
}

/// Whether an estimate is still one: finite, its covariance positive.
fn is_sound<const N: usize>(track: &Track<N>) -> bool {
    let estimate = &track.estimate;
    track.score.is_finite()
        && estimate.mean.iter().all(|value| value.is_finite())
        && (0..N).all(|i| estimate.covariance[(i, i)] > 0.0 && estimate.covariance[(i, i)] < 1e24)
}
