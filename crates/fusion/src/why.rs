//! Why two stations' tracks are, or are not, one target's.

use crate::bias::Biases;
use crate::fuser::{OWN_MAX_S, Own};
use crate::place::{Covariance, Site, ahead, distance2};
use crate::types::LocalTrack;
use rangegate_tracking::Geodetic;
use serde::{Deserialize, Serialize};

/// Two stations' tracks compared at one time, biases corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// One of the two.
    pub one: LocalTrack,
    /// The other.
    pub other: LocalTrack,
    /// They are held to be one target's.
    pub associated: bool,
    /// Mahalanobis distance of position and velocity.
    pub distance_sigmas: f64,
    /// Beyond it they are not associated.
    pub gate_sigmas: f64,
    /// By component: east, north, up, and their rates, at the middle of both.
    pub components: Vec<Component>,
    /// How much older the one's latest state is than the other's, s.
    pub time_difference_s: f64,
    /// Longest a track's state may be predicted, s.
    pub time_difference_max_s: f64,
    /// Whether each is in the other station's coverage.
    pub in_others_coverage: [bool; 2],
    /// How far what is corrected of biases moved each, m.
    pub bias_correction_m: [f64; 2],
    /// Deviation of position that what is not known of biases adds to each, m.
    pub bias_sigma_m: [f64; 2],
    /// The verdict in one line.
    pub text: String,
}

/// One component of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// `east_m`, `north_m`, `up_m`, `east_mps`, `north_mps` or `up_mps`.
    pub name: String,
    /// The one's less the other's.
    pub difference: f64,
    /// Its standard deviation.
    pub sigma: f64,
    /// Their ratio.
    pub sigmas: f64,
}

/// Compares two tracks at the later one's time.
pub(crate) fn compare(
    sites: &[Site],
    biases: &Biases,
    gate_sigmas: f64,
    sides: [(usize, &LocalTrack, &Own); 2],
    associated: bool,
) -> Why {
    let time_s = sides[0].2.time_s.max(sides[1].2.time_s);
    let now = sides.map(|(station, _, own)| {
        let then = ahead(&own.estimate, time_s - own.time_s);
        biases.corrected_track(&sites[station], station, &then)
    });
    let [(one, ..), (other, ..)] = &now;
    let middle = (one.mean + other.mean) * 0.5;
    let enu = Geodetic::from_ecef_m(&middle.fixed_rows::<3>(0).into()).enu_from_ecef();
    let mut turn = Covariance::zeros();
    turn.fixed_view_mut::<3, 3>(0, 0).copy_from(&enu);
    turn.fixed_view_mut::<3, 3>(3, 3).copy_from(&enu);
    let difference = turn * (one.mean - other.mean);
    let covariance = turn * (one.covariance + other.covariance) * turn.transpose();
    let names = ["east_m", "north_m", "up_m", "east_mps", "north_mps", "up_mps"];
    let components: Vec<Component> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let sigma = covariance[(i, i)].sqrt();
            let difference = difference[i];
            Component { name: (*name).to_owned(), difference, sigma, sigmas: difference.abs() / sigma }
        })
        .collect();
    let distance_sigmas = distance2(one, other).sqrt();
    let in_others_coverage = [sites[sides[1].0].sees(&one.mean), sites[sides[0].0].sees(&other.mean)];
    let time_difference_s = sides[0].2.time_s - sides[1].2.time_s;
    let worst = components.iter().max_by(|a, b| a.sigmas.total_cmp(&b.sigmas));
    let worst = worst.map_or_else(String::new, |of| format!("{} by {:.1} sigma", of.name, of.sigmas));
    let text = if associated {
        format!("one target: {distance_sigmas:.1} sigma apart")
    } else if time_difference_s.abs() > OWN_MAX_S {
        format!("two: {:.0} s lie between their latest states", time_difference_s.abs())
    } else if sides[0].0 == sides[1].0 {
        "two: a station does not see one target twice".to_owned()
    } else if distance_sigmas > gate_sigmas {
        format!("two: {distance_sigmas:.1} sigma apart, gate {gate_sigmas:.1}; most in {worst}")
    } else if in_others_coverage == [false; 2] {
        "near, but neither is in the other's coverage".to_owned()
    } else {
        format!(
            "near ({distance_sigmas:.1} sigma), but each fits another target better, or for too short a time"
        )
    };
    Why {
        one: sides[0].1.clone(),
        other: sides[1].1.clone(),
        associated,
        distance_sigmas,
        gate_sigmas,
        components,
        time_difference_s,
        time_difference_max_s: OWN_MAX_S,
        in_others_coverage,
        bias_correction_m: [now[0].1, now[1].1],
        bias_sigma_m: [now[0].2, now[1].2],
        text,
    }
}
