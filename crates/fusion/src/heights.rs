//! Localisation without elevation: a target's height is learnt from where it would be seen if it were that high.
//!
//! Two stations' ranges leave a circle about their baseline, and whoever goes straight on stays on one: ranges and range
//! rates say nothing of where. Azimuths do, little each, together enough. A single filter cannot use them: each range
//! seems to measure along a slightly different line as its estimate moves, and what it "learns" from that along the
//! circle is false (a well-known flaw; Huang, Mourikis and Roumeliotis, 2010). So a track is a sum of normal
//! distributions (Alspach and Sorenson, 1972), one for each elevation that its target may have, each narrow enough for
//! ranges to be straight lines in it, and weighed by how well it foretells what is measured.

use crate::place::{Covariance, Site, State};
use nalgebra::{SVector, Vector3};
use rangegate_tracking::filter::View;
use rangegate_tracking::gaussian::Gaussian;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::measurement::Reading;
use rangegate_tracking::motion::{FreeFlight, Motion};
use rangegate_tracking::{Filter, HeightPrior, ModelConfig};

/// Elevations at a time.
const MEMBERS_MAX: f64 = 64.0;
/// A member that is so much less likely than the best is none, as a logarithm.
const LN_WORST: f64 = -20.0;
/// Deviations of a member in elevation, of the step to the next one.
const WIDTH: f64 = 0.6;
/// For so long a target's climb stays what it is, s.
const CLIMB_S: f64 = 60.0;

/// One elevation, followed.
#[derive(Clone, Copy, Debug)]
struct Member {
    ln_weight: f64,
    estimate: Gaussian<6>,
}

/// Where a target may be, by height.
#[derive(Clone, Debug)]
pub(crate) struct Heights {
    members: Vec<Member>,
    time_s: f64,
    /// How it moves: probabilities of the models.
    moves: Vec<f64>,
}

/// What models of motion a filter of six numbers has; `None` where one needs more.
pub(crate) fn motions(models: &[ModelConfig]) -> Option<Vec<Motion>> {
    let motion = |model: &ModelConfig| match *model {
        ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: psd, .. } => {
            Some(Motion::NearlyConstantVelocity { psd, acceleration_mps2: 0.0 })
        }
        ModelConfig::FreeFlight { acceleration_psd_m2ps3: psd, .. } => {
            Some(Motion::FreeFlight(FreeFlight { frame: Frame::earth(), psd }))
        }
        _ => None,
    };
    models.iter().map(motion).collect()
}

impl Heights {
    /// What a station's range, range rate and azimuth, as the tracker has them, leave open.
    pub fn suppose(
        site: &Site,
        prior: &HeightPrior,
        tracked: &Gaussian<6>,
        time_s: f64,
        moves: &[f64],
    ) -> Option<Self> {
        let seen = Seen::of(site, tracked);
        let range_m = seen.value[0].max(1.0);
        let [low, high] = site.info.coverage.elevation_deg.map(f64::to_radians);
        // Near the station targets are in a band over the horizon, as the tracker has it.
        let mean = (prior.mean_m / range_m).clamp(-0.2, 0.2).asin();
        let sigma = (prior.sigma_m / range_m).min(0.25);
        let (low, high) = (low.max(mean - 3.0 * sigma), high.min(mean + 3.0 * sigma));
        // Within a member the range bends by no more than an eighth of its deviation.
        let step = (seen.sigma[0].max(site.info.accuracy.range_m) / range_m).sqrt();
        let n = ((high - low) / step).ceil().clamp(1.0, MEMBERS_MAX);
        let step = (high - low).max(1e-3) / n;
        let members: Vec<Member> = (0..n as usize)
            .filter_map(|k| {
                let elevation = low + (k as f64 + 0.5) * step;
                let estimate = seen.at(site, elevation, WIDTH * step, prior)?;
                let offset = (elevation - mean) / sigma;
                let ln_weight = -0.5 * offset * offset;
                Some(Member { ln_weight, estimate })
            })
            .collect();
        (!members.is_empty()).then(|| Self { members, time_s, moves: moves.to_vec() })
    }

    /// Takes a station's reading.
    pub fn take(
        &mut self,
        site: &Site,
        reading: &Reading,
        prior: &HeightPrior,
        motions: &[Motion],
        time_s: f64,
        moves: &[f64],
    ) {
        self.moves = moves.to_vec();
        let step_s = time_s - self.time_s;
        self.time_s = time_s;
        let climb_variance = prior.climb_sigma_mps.powi(2) * CLIMB_S / step_s.max(1e-3);
        for member in &mut self.members {
            let mut predicted = moved(&member.estimate, motions, moves, step_s);
            level(&mut predicted, climb_variance);
            let view = View::<6, 4>::of(Filter::Unscented, &site.geometry, &predicted, 3);
            match view.innovation(reading) {
                Some(innovation) => {
                    member.estimate = view.updated(&predicted, reading, &innovation);
                    member.ln_weight += innovation.ln_likelihood;
                }
                None => member.ln_weight = f64::NEG_INFINITY,
            }
        }
        let best = self.members.iter().fold(f64::NEG_INFINITY, |best, of| best.max(of.ln_weight));
        for member in &mut self.members {
            member.ln_weight -= best;
        }
        self.members.retain(|of| of.ln_weight > LN_WORST);
    }

    /// The likeliest member.
    pub fn likeliest(&self) -> Option<&Gaussian<6>> {
        self.members.iter().max_by(|a, b| a.ln_weight.total_cmp(&b.ln_weight)).map(|of| &of.estimate)
    }

    /// All members in one, at a time not before the latest reading.
    pub fn at(&self, motions: &[Motion], time_s: f64) -> Option<Gaussian<6>> {
        let ahead = |of: &Member| {
            (of.ln_weight.exp(), moved(&of.estimate, motions, &self.moves, time_s - self.time_s))
        };
        let parts: Vec<(f64, Gaussian<6>)> = self.members.iter().map(ahead).collect();
        mixed(&parts)
    }
}

/// A track as a station sees it, but for its height.
struct Seen {
    /// Range, range rate, azimuth; m, m/s, rad.
    value: [f64; 3],
    sigma: [f64; 3],
    /// Speed across the line of sight over ground, and its deviation, m/s.
    across_mps: f64,
    across_sigma_mps: f64,
}

impl Seen {
    fn of(site: &Site, tracked: &Gaussian<6>) -> Self {
        let (value, by_state) = site.geometry.observe::<6, 4>(&tracked.mean, 3);
        let spread = by_state * tracked.covariance * by_state.transpose();
        let across = across(site, value[2]);
        let velocity = tracked.mean.fixed_rows::<3>(3);
        let velocity_spread = tracked.covariance.fixed_view::<3, 3>(3, 3);
        Self {
            value: [value[0], value[1], value[2]],
            sigma: [0, 1, 2].map(|c| spread[(c, c)].max(0.0).sqrt()),
            across_mps: across.dot(&velocity),
            across_sigma_mps: (across.dot(&(velocity_spread * across))).max(0.0).sqrt(),
        }
    }

    /// The state at an elevation, flying level: six equations with six unknowns.
    fn at(&self, site: &Site, elevation: f64, width: f64, prior: &HeightPrior) -> Option<Gaussian<6>> {
        let geometry = &site.geometry;
        let to_frame = geometry.horizon_from_frame.transpose();
        let [range_m, rate_mps, azimuth] = self.value;
        let ahead = to_frame * Vector3::new(azimuth.sin(), azimuth.cos(), 0.0);
        let up = to_frame.column(2).into_owned();
        let direction = ahead * elevation.cos() + up * elevation.sin();
        let path_m = 2.0 * (range_m + geometry.offset_m);
        let baseline = geometry.transmitter_m - geometry.receiver_m;
        let below = path_m - direction.dot(&baseline);
        let distance_m = 0.5 * (path_m * path_m - baseline.norm_squared()) / below;
        if !(below > 0.0 && distance_m > 0.0 && distance_m.is_finite()) {
            return None;
        }
        let across = across(site, azimuth);
        let mut state = State::zeros();
        state.fixed_rows_mut::<3>(0).copy_from(&(geometry.receiver_m + direction * distance_m));
        let gradient = geometry.observe::<6, 4>(&state, 3).1.fixed_view::<1, 3>(0, 0).transpose();
        let along = gradient.dot(&ahead);
        if along < 0.1 {
            return None;
        }
        let speed_mps = (rate_mps - self.across_mps * gradient.dot(&across)) / along;
        state.fixed_rows_mut::<3>(3).copy_from(&(ahead * speed_mps + across * self.across_mps));

        let mut rows = Covariance::zeros();
        rows.fixed_rows_mut::<4>(0).copy_from(&geometry.observe::<6, 4>(&state, 3).1);
        rows.fixed_view_mut::<1, 3>(4, 3).copy_from(&up.transpose());
        rows.fixed_view_mut::<1, 3>(5, 3).copy_from(&across.transpose());
        let [range, rate, azimuth] = self.sigma;
        let sigma =
            SVector::from([range, rate, azimuth, width, prior.climb_sigma_mps, self.across_sigma_mps]);
        let inverse = rows.try_inverse()? * Covariance::from_diagonal(&sigma);
        let covariance = inverse * inverse.transpose();
        covariance.cholesky().map(|_| Gaussian { mean: state, covariance })
    }
}

/// Up where a target is, nearly: the Earth's flattening tilts it by a fifth of a degree.
fn upwards(estimate: &Gaussian<6>) -> Vector3<f64> {
    estimate.mean.fixed_rows::<3>(0).normalize()
}

/// Level, to the right of an azimuth.
fn across(site: &Site, azimuth: f64) -> Vector3<f64> {
    site.geometry.horizon_from_frame.transpose() * Vector3::new(azimuth.cos(), -azimuth.sin(), 0.0)
}

/// Where it will be, moving in each way as likely as that is. Whatever turns or hastens a target that is kept up by air
/// or a motor leaves its climb alone: up and down it is disturbed no more than in the quietest model.
fn moved(estimate: &Gaussian<6>, motions: &[Motion], moves: &[f64], step_s: f64) -> Gaussian<6> {
    if step_s <= 0.0 {
        return *estimate;
    }
    let up = &upwards(estimate);
    let steps: Vec<_> = motions.iter().map(|motion| motion.step(&estimate.mean, 3, step_s)).collect();
    let upward = |noise: &Covariance| up.dot(&(noise.fixed_view::<3, 3>(3, 3) * up)).max(1e-12);
    let quietest = steps.iter().map(|step| upward(&step.noise)).fold(f64::INFINITY, f64::min);
    let parts: Vec<(f64, Gaussian<6>)> = steps
        .iter()
        .zip(moves)
        .map(|(step, &weight)| {
            let lessened = up * up.transpose() * (1.0 - (quietest / upward(&step.noise)).sqrt());
            let mut calm = Covariance::identity();
            for at in [0, 3] {
                let mut block = calm.fixed_view_mut::<3, 3>(at, at);
                block -= lessened;
            }
            let noise = calm * step.noise * calm;
            let covariance = step.jacobian * estimate.covariance * step.jacobian.transpose() + noise;
            (weight, Gaussian { mean: step.state, covariance: (covariance + covariance.transpose()) * 0.5 })
        })
        .collect();
    mixed(&parts).unwrap_or(*estimate)
}

/// The normal distribution with the moments of a weighted sum.
fn mixed(parts: &[(f64, Gaussian<6>)]) -> Option<Gaussian<6>> {
    let whole: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let reference = parts.first()?.1.mean;
    let mean: State = parts.iter().map(|(weight, of)| (of.mean - reference) * (weight / whole)).sum();
    let covariance: Covariance = parts
        .iter()
        .map(|(weight, of)| {
            let offset = of.mean - reference - mean;
            (of.covariance + offset * offset.transpose()) * (weight / whole)
        })
        .sum();
    (whole > 0.0).then_some(Gaussian { mean: reference + mean, covariance })
}

/// Takes in that targets climb slowly: a measurement of zero of the vertical speed.
fn level(state: &mut Gaussian<6>, variance: f64) {
    let mut row = State::zeros();
    row.fixed_rows_mut::<3>(3).copy_from(&upwards(state));
    let cross = state.covariance * row;
    let gain = cross / (row.dot(&cross) + variance);
    state.mean -= gain * row.dot(&state.mean);
    state.covariance -= gain * cross.transpose();
}
