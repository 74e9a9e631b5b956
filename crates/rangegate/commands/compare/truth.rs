//! `compare --truth`: the tracks of a run against what really flew, by GOSPA, OSPA and SIAP.

use super::CompareArgs;
use crate::Outcome;
use crate::commands::saved::RunFile;
use crate::commands::{print, print_json};
use crate::pictures::tracks::{self, TrackPoint};
use crate::tracks::TRACKS;
use anyhow::{Context, Result, bail};
use rangegate_scene::{CpiTruth, Scene};
use rangegate_tracking::Space;
use rangegate_tracking::metrics::{Siap, SiapSums, gospa, ospa};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// How far the tracks of a run are from the truth.
#[derive(Clone, Debug, Serialize)]
pub struct TruthComparison {
    /// CPIs that were compared: those of the truth from the run's first sample to its latest track.
    pub cpis: usize,
    /// Targets that were there in any of them.
    pub targets: usize,
    /// Tracks that were there in any of them.
    pub tracks: usize,
    /// A track farther than this from every target is false, m.
    pub cutoff_m: f64,
    /// Order of GOSPA and OSPA.
    pub order: f64,
    /// Mean over the CPIs.
    pub gospa: MeanGospa,
    /// Mean over the CPIs, m.
    pub ospa_m: f64,
    /// Over all CPIs together.
    pub siap: Siap,
}

/// GOSPA with its parts, means over the CPIs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MeanGospa {
    /// The distance, m.
    pub distance_m: f64,
    /// What errors of position alone would give, m.
    pub localisation_m: f64,
    /// Targets without a track.
    pub missed: f64,
    /// Tracks without a target.
    pub false_tracks: f64,
}

/// Runs the comparison.
///
/// # Errors
/// The folder holds no tracks, the file no truth, or they cannot be compared.
pub fn compare(args: &CompareArgs, truth: &Path) -> Result<Outcome> {
    let folder = if args.dir.is_dir() { &args.dir } else { args.dir.parent().unwrap_or(Path::new(".")) };
    let file = if args.dir.is_dir() { args.dir.join(TRACKS) } else { args.dir.clone() };
    if !file.exists() {
        bail!(
            "{} does not exist: tracks come of [tracking] in a run's configuration, or of `rangegate track`",
            file.display()
        );
    }
    let run = RunFile::read(folder)?;
    let truth_read = read_truth(truth)?;
    let first_sample = run.plan.first_sample;
    let begin_s = |of: &CpiTruth| {
        (of.first_sample as f64 - first_sample as f64 + of.sample_fraction) / run.plan.sample_rate_hz
    };
    let mut truths: Vec<(f64, CpiTruth)> =
        truth_read.into_iter().filter(|of| of.complete).map(|of| (begin_s(&of), of)).collect();
    truths.retain(|(at_s, _)| *at_s >= 0.0);
    if truths.is_empty() {
        bail!("{} has no target of a whole CPI behind the run's first sample", truth.display());
    }
    let comparison = compare_tracks(&tracks::read(&file)?, &truths, args.cutoff_m, args.order)?;
    if args.json {
        print_json(&comparison)?;
    } else {
        print(&text(&comparison))?;
    }
    Ok(Outcome::Done)
}

/// The truth of CPIs: from its file, or of a scene.
fn read_truth(path: &Path) -> Result<Vec<CpiTruth>> {
    let truth: Vec<CpiTruth> = if path.extension().is_some_and(|extension| extension == "toml") {
        let config = crate::plan::read_scene(path)?;
        Scene::new(&config).with_context(|| path.display().to_string())?.cpi_truth().collect()
    } else {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Lines of bursts, which are of another kind, are none of CPIs.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    if truth.is_empty() {
        bail!(
            "{} has no targets of CPIs: expected a NAME.truth.jsonl that `rangegate simulate` wrote, or a scene with [truth]",
            path.display()
        );
    }
    Ok(truth)
}

/// Position and velocity of a target, or of a track, in the space of the tracks.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    id: u64,
    position: Vec<f64>,
    velocity: Vec<f64>,
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Compares tracks with truths, each with the time at which its CPI begins.
fn compare_tracks(
    points: &[TrackPoint],
    truths: &[(f64, CpiTruth)],
    cutoff_m: f64,
    order: f64,
) -> Result<TruthComparison> {
    let space = points.first().map_or(Space::Range, |point| point.space);
    let n_axes = match space {
        Space::Range => 1,
        Space::Plane => 2,
        Space::Local => 3,
        Space::Earth => bail!("tracks are in space \"earth\", a scene's truth is local: nothing to compare"),
    };
    let mut targets: BTreeMap<&str, u64> = BTreeMap::new();
    let mut cpis: BTreeMap<u64, (f64, Vec<Place>)> = BTreeMap::new();
    for (at_s, truth) in truths {
        let next = targets.len() as u64;
        let id = *targets.entry(&truth.target).or_insert(next);
        let (position, velocity) = match n_axes {
            1 => (vec![truth.range_m], vec![truth.range_rate_mps]),
            n => (truth.position_m[..n].to_vec(), truth.velocity_mps[..n].to_vec()),
        };
        cpis.entry(truth.cpi).or_insert((*at_s, Vec::new())).1.push(Place { id, position, velocity });
    }
    let cpis: Vec<(f64, Vec<Place>)> = cpis.into_values().collect();
    let tracks = by_cpi(points, &cpis, n_axes)?;
    let latest = points.iter().map(|point| point.time_s).fold(f64::NEG_INFINITY, f64::max);
    let n_cpis = cpis.iter().filter(|cpi| cpi.0 <= latest).count();
    // A run without a single track is compared with everything.
    let n_cpis = if points.is_empty() { cpis.len() } else { n_cpis };
    let (mut mean, mut ospa_m, mut sums) = (MeanGospa::default(), 0.0, SiapSums::default());
    for ((at_s, truths), tracks) in cpis.iter().zip(&tracks).take(n_cpis) {
        let distance = |truth: usize, track: usize| apart(&truths[truth].position, &tracks[track].position);
        let found = gospa(truths.len(), tracks.len(), distance, cutoff_m, order);
        mean.distance_m += found.distance;
        mean.localisation_m += found.localisation.powf(1.0 / order);
        mean.missed += found.n_missed as f64;
        mean.false_tracks += found.n_false as f64;
        ospa_m += ospa(truths.len(), tracks.len(), distance, cutoff_m, order);
        // A track follows the nearest target, so that several may follow one.
        let followed: Vec<(u64, u64, f64, f64)> = tracks
            .iter()
            .filter_map(|track| {
                let far = |truth: &&Place| apart(&truth.position, &track.position);
                let truth = truths.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
                let off = far(&truth);
                (off < cutoff_m).then(|| (truth.id, track.id, off, apart(&truth.velocity, &track.velocity)))
            })
            .collect();
        sums.add(*at_s, truths.iter().map(|truth| truth.id), tracks.len(), &followed);
    }
    let n = n_cpis.max(1) as f64;
    let mut names: Vec<u64> = points.iter().map(|point| point.track).collect();
    names.sort_unstable();
    names.dedup();
    Ok(TruthComparison {
        cpis: n_cpis,
        targets: targets.len(),
        tracks: names.len(),
        cutoff_m,
        order,
        gospa: MeanGospa {
            distance_m: mean.distance_m / n,
            localisation_m: mean.localisation_m / n,
            missed: mean.missed / n,
            false_tracks: mean.false_tracks / n,
        },
        ospa_m: ospa_m / n,
        siap: sums.metrics(),
    })
}

/// The tracks of each CPI of the truth: those whose time, which is the CPI's middle, lies in it.
fn by_cpi(points: &[TrackPoint], cpis: &[(f64, Vec<Place>)], n_axes: usize) -> Result<Vec<Vec<Place>>> {
    let mut tracks = vec![Vec::new(); cpis.len()];
    let step_s = cpis.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
    for point in points {
        let Some(state) = point.state.get(..2 * n_axes) else {
            bail!("track {} has {} numbers, too few for its space", point.track, point.state.len());
        };
        let at = cpis.partition_point(|cpi| cpi.0 <= point.time_s).wrapping_sub(1);
        if cpis.get(at).is_some_and(|cpi| point.time_s < cpi.0 + step_s) {
            let (position, velocity) = (state[..n_axes].to_vec(), state[n_axes..].to_vec());
            tracks[at].push(Place { id: point.track, position, velocity });
        }
    }
    Ok(tracks)
}

fn text(of: &TruthComparison) -> String {
    let TruthComparison { cpis, targets, tracks, cutoff_m, order, gospa, ospa_m, siap } = of;
    let MeanGospa { distance_m, localisation_m, missed, false_tracks } = gospa;
    format!(
        "\
{tracks} tracks of {targets} targets in {cpis} CPIs; distances of position, cut off at {cutoff_m} m, order {order}
  GOSPA            {distance_m:10.2} m   localisation {localisation_m:.2} m, {missed:.2} missed, {false_tracks:.2} false in a CPI
  OSPA             {ospa_m:10.2} m
  SIAP
    completeness     {:8.3}     of the targets have a track
    ambiguity        {:8.3}     tracks of each of these
    spuriousness     {:8.3}     of the tracks have no target
    position error   {:8.2} m
    velocity error   {:8.2} m/s
    track changes    {:8.3} /s   of each target
    longest segment  {:8.3}     of a target's life
",
        siap.completeness,
        siap.ambiguity,
        siap.spuriousness,
        siap.position_error,
        siap.velocity_error,
        siap.track_changes_hz,
        siap.longest_segment,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(cpi: u64, target: &str, range_m: f64) -> (f64, CpiTruth) {
        let truth = serde_json::json!({
            "cpi": cpi, "time_s": cpi as f64 + 0.5, "time": null, "first_sample": cpi * 1000, "sample_fraction": 0.0,
            "target": target, "range_m": range_m, "bistatic_range_m": null, "range_rate_mps": 0.0, "doppler_hz": 0.0,
            "azimuth_deg": 0.0, "elevation_deg": 0.0, "snr_db": null, "cpi_snr_db": null,
            "position_m": [0.0, range_m, 0.0], "velocity_mps": [0.0, 0.0, 0.0], "complete": true,
        });
        (cpi as f64, serde_json::from_value(truth).unwrap())
    }

    fn point(track: u64, time_s: f64, state: &[f64]) -> TrackPoint {
        TrackPoint {
            track,
            cpi: time_s as u64,
            time_s,
            space: if state.len() == 2 { Space::Range } else { Space::Plane },
            state: state.to_vec(),
            range_m: state[0],
            range_rate_mps: 0.0,
            position: None,
        }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
    }

    /// Two targets in four CPIs. One track 3 m off, a metre a second too fast; from the third CPI on another 4 m off the
    /// second target; and one far away.
    #[test]
    fn a_case_that_can_be_worked_out_by_hand() {
        let truths: Vec<_> =
            (0..4).flat_map(|cpi| [truth(cpi, "a", 1000.0), truth(cpi, "b", 2000.0)]).collect();
        let mut points = Vec::new();
        for cpi in 0..4 {
            let time_s = f64::from(cpi) + 0.1;
            points.push(point(1, time_s, &[1003.0, 1.0]));
            if cpi >= 2 {
                points.push(point(2, time_s, &[1996.0, 0.0]));
                points.push(point(3, time_s, &[5000.0, 0.0]));
            }
        }
        let found = compare_tracks(&points, &truths, 10.0, 2.0).unwrap();
        assert_eq!((found.cpis, found.targets, found.tracks), (4, 2, 3));
        // Two CPIs of √(9 + 50), two of √(9 + 16 + 50).
        close(found.gospa.distance_m, f64::midpoint(59f64.sqrt(), 75f64.sqrt()));
        close(found.gospa.localisation_m, f64::midpoint(3.0, 5.0));
        close(found.gospa.missed, 0.5);
        close(found.gospa.false_tracks, 0.5);
        close(found.ospa_m, f64::midpoint((109.0f64 / 2.0).sqrt(), (125.0f64 / 3.0).sqrt()));
        let siap = found.siap;
        close(siap.completeness, 6.0 / 8.0);
        close(siap.ambiguity, 1.0);
        close(siap.spuriousness, 2.0 / 8.0);
        close(siap.position_error, (4.0 * 3.0 + 2.0 * 4.0) / 6.0);
        close(siap.velocity_error, 4.0 / 6.0);
        close(siap.track_changes_hz, 0.0);
        // Three seconds of three, and one of three.
        close(siap.longest_segment, 4.0 / 6.0);
        // Two on one target are ambiguous, and one of them false by GOSPA.
        let twins: Vec<_> =
            (0..4).flat_map(|t| [1, 2].map(|id| point(id, f64::from(t), &[1000.0, 0.0]))).collect();
        let found = compare_tracks(&twins, &truths, 10.0, 2.0).unwrap();
        close(found.siap.ambiguity, 2.0);
        close(found.gospa.distance_m, 10.0);
    }

    #[test]
    fn the_plane_is_measured_in_the_plane_and_no_track_misses_all() {
        let truths: Vec<_> = (0..3).map(|cpi| truth(cpi, "a", 1000.0)).collect();
        let points: Vec<_> = (0..3).map(|t| point(1, f64::from(t), &[3.0, 1004.0, 0.0, 0.0])).collect();
        close(compare_tracks(&points, &truths, 10.0, 2.0).unwrap().gospa.distance_m, 5.0);
        let found = compare_tracks(&[], &truths, 10.0, 2.0).unwrap();
        assert_eq!((found.cpis, found.tracks), (3, 0));
        close(found.gospa.distance_m, 50f64.sqrt());
        close(found.ospa_m, 10.0);
    }
}
