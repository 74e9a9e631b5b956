//! Why two stations' tracks are, or are not, one target's.

use crate::bias::Biases;
use crate::fuser::{OWN_MAX_S, Own, OwnKey};
use crate::place::{Covariance, Site, ahead, distance2};
use crate::types::LocalTrack;
use rangegate_tracking::Geodetic;
use rangegate_tracking::gaussian::Gaussian;
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

/// A station's own track, as the fuser knows it.
pub(crate) type Side<'a> = (OwnKey, &'a Own);

/// Two stations' tracks at the later one's time, biases corrected.
pub(crate) struct Pair<'a> {
    sites: &'a [Site],
    sides: [Side<'a>; 2],
    /// Estimate, how far what is corrected of biases moved it, and the deviation that what is not known of them adds.
    now: [(Gaussian<6>, f64, f64); 2],
    /// Mahalanobis distance of position and velocity.
    pub distance_sigmas: f64,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(sites: &'a [Site], biases: &Biases, sides: [Side<'a>; 2]) -> Self {
        let time_s = sides[0].1.time_s.max(sides[1].1.time_s);
        let now = sides.map(|((station, ..), own)| {
            let then = ahead(&own.estimate, time_s - own.time_s);
            biases.corrected_track(&sites[station], station, &then)
        });
        Self { sites, sides, now, distance_sigmas: distance2(&now[0].0, &now[1].0).sqrt() }
    }

    /// What speaks for and against one target.
    pub(crate) fn why(&self, gate_sigmas: f64, associated: bool) -> Why {
        let [(one, ..), (other, ..)] = &self.now;
        let [a, b] = self.sides.map(|((station, ..), _)| &self.sites[station]);
        let name = |((_, boot, number), _): Side<'_>, site: &Site| LocalTrack {
            station: site.info.name.clone(),
            boot,
            number,
        };
        let mut why = Why {
            one: name(self.sides[0], a),
            other: name(self.sides[1], b),
            associated,
            distance_sigmas: self.distance_sigmas,
            gate_sigmas,
            components: components(one, other),
            time_difference_s: self.sides[0].1.time_s - self.sides[1].1.time_s,
            time_difference_max_s: OWN_MAX_S,
            in_others_coverage: [b.sees(&one.mean), a.sees(&other.mean)],
            bias_correction_m: [self.now[0].1, self.now[1].1],
            bias_sigma_m: [self.now[0].2, self.now[1].2],
            text: String::new(),
        };
        why.text = why.verdict();
        why
    }
}

impl Why {
    fn verdict(&self) -> String {
        let Self { distance_sigmas, gate_sigmas, .. } = self;
        let worst = self.components.iter().max_by(|a, b| a.sigmas.total_cmp(&b.sigmas));
        let worst = worst.map_or_else(String::new, |of| format!("{} by {:.1} sigma", of.name, of.sigmas));
        if self.associated {
            format!("one target: {distance_sigmas:.1} sigma apart")
        } else if self.time_difference_s.abs() > OWN_MAX_S {
            format!("two: {:.0} s lie between their latest states", self.time_difference_s.abs())
        } else if self.one.station == self.other.station {
            "two: a station does not see one target twice".to_owned()
        } else if distance_sigmas > gate_sigmas {
            format!("two: {distance_sigmas:.1} sigma apart, gate {gate_sigmas:.1}; most in {worst}")
        } else if self.in_others_coverage == [false; 2] {
            "near, but neither is in the other's coverage".to_owned()
        } else {
            format!(
                "near ({distance_sigmas:.1} sigma), but each fits another target better, or for too short a time"
            )
        }
    }
}

/// Differences east, north and up at the middle of both.
fn components(one: &Gaussian<6>, other: &Gaussian<6>) -> Vec<Component> {
    let middle = (one.mean + other.mean) * 0.5;
    let enu = Geodetic::from_ecef_m(&middle.fixed_rows::<3>(0).into()).enu_from_ecef();
    let mut turn = Covariance::zeros();
    turn.fixed_view_mut::<3, 3>(0, 0).copy_from(&enu);
    turn.fixed_view_mut::<3, 3>(3, 3).copy_from(&enu);
    let difference = turn * (one.mean - other.mean);
    let covariance = turn * (one.covariance + other.covariance) * turn.transpose();
    let names = ["east_m", "north_m", "up_m", "east_mps", "north_mps", "up_mps"];
    names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let sigma = covariance[(i, i)].sqrt();
            let difference = difference[i];
            Component { name: (*name).to_owned(), difference, sigma, sigmas: difference.abs() / sigma }
        })
        .collect()
}
