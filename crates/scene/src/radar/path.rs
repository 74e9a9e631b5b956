//! How targets move.

use super::geometry::{LIGHT_MPS, State, Vector, add_scaled, minus, norm};
use super::orbit::{KeplerConfig, Orbit};
use super::{Field, GeodeticConfig};
use crate::SceneError;
use crate::plan::beyond;
use serde::{Deserialize, Serialize};

/// `[target.path]`: a way to move other than straight on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PathConfig {
    /// From point to point, each leg straight and at constant speed. Before the first and after the last point
    /// the target is not there.
    WayPoints(WayPointsConfig),
    /// Level turns of constant rate, one after the other.
    Arcs(ArcsConfig),
    /// Constant acceleration.
    FreeFall(FreeFallConfig),
    /// A satellite of the Earth, heard while it is above the origin's horizon.
    Kepler(KeplerConfig),
}

/// Way points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayPointsConfig {
    /// Two or more, in the order of time.
    pub points: Vec<WayPointConfig>,
}

/// One way point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayPointConfig {
    /// When the target is there, s after the start of the scene.
    pub time_s: f64,
    /// Where, m.
    pub position_m: Vector,
}

/// Level turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArcsConfig {
    /// Position at the start of the scene, m.
    pub position_m: Vector,
    /// Velocity at the start of the scene, m/s; its vertical part stays.
    pub velocity_mps: Vector,
    /// One after the other; the last goes on for ever.
    pub arcs: Vec<ArcConfig>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArcConfig {
    /// Turn rate, degrees a second; positive to the right, 0 straight on.
    pub turn_rate_degps: f64,
    /// How long, s; not given for the last.
    pub duration_s: Option<f64>,
}

/// Constant acceleration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreeFallConfig {
    /// Position at the start of the scene, m.
    pub position_m: Vector,
    /// Velocity at the start of the scene, m/s.
    pub velocity_mps: Vector,
    /// Acceleration, m/s².
    #[serde(default = "gravity")]
    pub gravity_mps2: Vector,
}

fn gravity() -> Vector {
    [0.0, 0.0, -9.806_65]
}

/// Speeds from here on are refused, m/s: nothing here knows of relativity.
pub(crate) const MAX_SPEED_MPS: f64 = LIGHT_MPS / 100.0;

/// A path that was checked.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    /// Constant acceleration; none is straight on.
    Fall { start: State, acceleration_mps2: Vector },
    /// Way points, by time.
    Legs(Vec<WayPointConfig>),
    /// Turns, by the time at which they begin.
    Turns(Vec<Turn>),
    /// A satellite.
    Orbit(Box<Orbit>),
}

#[derive(Clone, Debug)]
pub(crate) struct Turn {
    start_s: f64,
    start: State,
    /// To the right.
    rate_radps: f64,
}

impl Path {
    /// Straight on.
    pub(crate) fn straight(position_m: Vector, velocity_mps: Vector) -> Self {
        Self::Fall { start: State { position_m, velocity_mps }, acceleration_mps2: [0.0; 3] }
    }

    /// Checks a path; fields are named behind `field`.
    pub(crate) fn plan(
        config: &PathConfig,
        origin: Option<&GeodeticConfig>,
        field: &Field<'_>,
    ) -> Result<Self, SceneError> {
        Ok(match config {
            PathConfig::FreeFall(fall) => Self::Fall {
                start: State { position_m: fall.position_m, velocity_mps: fall.velocity_mps },
                acceleration_mps2: fall.gravity_mps2,
            },
            PathConfig::WayPoints(points) => Self::Legs(legs(&points.points, field)?),
            PathConfig::Arcs(arcs) => Self::Turns(turns(arcs, field)?),
            PathConfig::Kepler(kepler) => {
                let Some(origin) = origin else {
                    return Err(SceneError::field(
                        "radar.origin",
                        &"missing",
                        "given, as a target has an orbit",
                    ));
                };
                Self::Orbit(Box::new(Orbit::plan(kepler, origin, field)?))
            }
        })
    }

    /// Where the target is at `time_s` and how it moves; beyond its first and last way point, as if it went on.
    pub(crate) fn state(&self, time_s: f64) -> State {
        match self {
            Self::Fall { start, acceleration_mps2 } => {
                let half_way = add_scaled(start.velocity_mps, time_s / 2.0, *acceleration_mps2);
                State {
                    position_m: add_scaled(start.position_m, time_s, half_way),
                    velocity_mps: add_scaled(start.velocity_mps, time_s, *acceleration_mps2),
                }
            }
            Self::Legs(points) => {
                let after = points.partition_point(|p| p.time_s <= time_s).clamp(1, points.len() - 1);
                let (a, b) = (&points[after - 1], &points[after]);
                let velocity_mps =
                    minus(b.position_m, a.position_m).map(|way_m| way_m / (b.time_s - a.time_s));
                State { position_m: add_scaled(a.position_m, time_s - a.time_s, velocity_mps), velocity_mps }
            }
            Self::Turns(turns) => {
                let after = turns.partition_point(|turn| turn.start_s <= time_s).max(1);
                turns[after - 1].state(time_s)
            }
            Self::Orbit(orbit) => orbit.state(time_s),
        }
    }

    /// From when to when the target is there, s.
    pub(crate) fn span_s(&self) -> (f64, f64) {
        match self {
            Self::Legs(points) => (points[0].time_s, points[points.len() - 1].time_s),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Nothing hides a target at this position.
    pub(crate) fn sees(&self, position_m: Vector) -> bool {
        !matches!(self, Self::Orbit(_)) || position_m[2] > 0.0
    }
}

impl Turn {
    fn state(&self, time_s: f64) -> State {
        let elapsed_s = time_s - self.start_s;
        let [east, north, up] = self.start.velocity_mps;
        let angle = self.rate_radps * elapsed_s;
        let (sin, cos) = angle.sin_cos();
        // ∫cos and ∫sin over the turn; their limits where it is no turn, without loss of digits near it.
        let half = sinc(angle / 2.0) * elapsed_s;
        let (along, across) = (half * (angle / 2.0).cos(), half * (angle / 2.0).sin());
        let way_m = [east * along + north * across, north * along - east * across, up * elapsed_s];
        State {
            position_m: add_scaled(self.start.position_m, 1.0, way_m),
            velocity_mps: [east * cos + north * sin, north * cos - east * sin, up],
        }
    }
}

/// `sin(x)/x`.
fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-4 { 1.0 - x * x / 6.0 } else { x.sin() / x }
}

fn legs(points: &[WayPointConfig], field: &Field<'_>) -> Result<Vec<WayPointConfig>, SceneError> {
    if points.len() < 2 {
        return Err(field.wrong("path.points", &format!("a list of {}", points.len()), "two points or more"));
    }
    for (k, pair) in points.windows(2).enumerate() {
        let name = format!("path.points[{}]", k + 1);
        let duration_s = pair[1].time_s - pair[0].time_s;
        // Written so that NaN is refused too.
        if !(duration_s > 0.0 && pair[0].time_s.is_finite() && pair[1].time_s.is_finite()) {
            let expected = format!("later than {}, the time of the point before", pair[0].time_s);
            return Err(field.wrong(&format!("{name}.time_s"), &pair[1].time_s, expected));
        }
        let speed_mps = norm(minus(pair[1].position_m, pair[0].position_m)) / duration_s;
        if beyond(speed_mps, MAX_SPEED_MPS) {
            let found = format!("reached at {speed_mps} m/s");
            let expected = format!("less than {MAX_SPEED_MPS} m/s, a hundredth of light's");
            return Err(field.wrong(&format!("{name}.position_m"), &found, expected));
        }
    }
    Ok(points.to_vec())
}

fn turns(config: &ArcsConfig, field: &Field<'_>) -> Result<Vec<Turn>, SceneError> {
    let Some(last) = config.arcs.len().checked_sub(1) else {
        return Err(field.wrong("path.arcs", &"an empty list", "one arc or more"));
    };
    let mut start_s = 0.0;
    let mut start = State { position_m: config.position_m, velocity_mps: config.velocity_mps };
    let mut turns = Vec::with_capacity(config.arcs.len());
    for (k, arc) in config.arcs.iter().enumerate() {
        if !arc.turn_rate_degps.is_finite() {
            let name = format!("path.arcs[{k}].turn_rate_degps");
            return Err(field.wrong(&name, &arc.turn_rate_degps, "a finite number"));
        }
        let turn = Turn { start_s, start, rate_radps: arc.turn_rate_degps.to_radians() };
        match arc.duration_s {
            Some(duration_s) if duration_s > 0.0 && duration_s.is_finite() => start_s += duration_s,
            None if k == last => {}
            found => {
                let found = found.map_or("missing".into(), |s| s.to_string());
                let name = format!("path.arcs[{k}].duration_s");
                return Err(field.wrong(
                    &name,
                    &found,
                    "a finite number above zero, or none for the last arc",
                ));
            }
        }
        start = turn.state(start_s);
        turns.push(turn);
    }
    Ok(turns)
}

#[cfg(test)]
mod tests;
