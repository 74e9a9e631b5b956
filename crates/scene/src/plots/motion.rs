//! Where targets of a scene of plots are.

use super::config::{GeodeticPointConfig, PlotPathConfig, positive};
use crate::SceneError;
use crate::radar::orbit::Orbit;
use crate::radar::path::Path;
use crate::radar::{ArcsConfig, Field, GeodeticConfig, PathConfig, WayPointConfig};
use nalgebra::{Matrix3, Vector3};
use rangegate_tracking::Geodetic;
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::motion::FreeFlight;

/// A leg is cut into pieces no longer than this, m: between two of them a straight line lies 0.1 m below the arc.
const PIECE_M: f64 = 2_000.0;
/// Step of the rocket's integration, s.
const STEP_S: f64 = 0.05;
/// From one kept state of a rocket to the next, s.
const KEEP_S: f64 = 1.0;
/// A rocket that is not down again after this is not down at all, s.
const FLIGHT_MAX_S: f64 = 7_200.0;

/// A path that was checked.
#[derive(Clone, Debug)]
pub(super) enum Motion {
    /// In the frame of a place.
    Framed { frame: Frame, path: Path },
    /// A rocket.
    Rocket { rocket: Rocket, kept: Vec<State> },
}

/// Position and velocity, Earth-centred, Earth-fixed.
pub(super) type State = (Vector3<f64>, Vector3<f64>);

/// What drives a rocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rocket {
    launch_s: f64,
    burn_s: f64,
    thrust: Vector3<f64>,
}

pub(super) fn place(config: &GeodeticConfig) -> Geodetic {
    Geodetic {
        latitude_deg: config.latitude_deg,
        longitude_deg: config.longitude_deg,
        height_m: config.height_m,
    }
}

/// Checks a place.
pub(super) fn check_place(field: &str, config: &GeodeticConfig) -> Result<Geodetic, SceneError> {
    let good = config.latitude_deg.abs() <= 90.0
        && config.longitude_deg.abs() <= 360.0
        && config.height_m.abs() <= 1e8;
    if good {
        return Ok(place(config));
    }
    let found = format!("{}, {}, {}", config.latitude_deg, config.longitude_deg, config.height_m);
    Err(SceneError::field(field, &found, "a latitude, a longitude and a height"))
}

impl Motion {
    pub(super) fn plan(config: &PlotPathConfig, name: &str) -> Result<Self, SceneError> {
        let field = Field(name);
        match config {
            PlotPathConfig::WayPoints { points } => way_points(points, &field),
            PlotPathConfig::Arcs { position, heading_deg, speed_mps, climb_mps, arcs } => {
                let start = check_place(&format!("{name}.path.position"), position)?;
                positive(&format!("{name}.path.speed_mps"), *speed_mps)?;
                let (sin, cos) = heading_deg.to_radians().sin_cos();
                let arcs = ArcsConfig {
                    position_m: [0.0; 3],
                    velocity_mps: [speed_mps * sin, speed_mps * cos, *climb_mps],
                    arcs: arcs.clone(),
                };
                let path = Path::plan(&PathConfig::Arcs(arcs), None, &field)?;
                Ok(Self::Framed { frame: Frame::local(&start), path })
            }
            PlotPathConfig::Kepler { orbit } => {
                // Any place will do: the frame is turned back.
                let origin = GeodeticConfig { latitude_deg: 0.0, longitude_deg: 0.0, height_m: 0.0 };
                let path = Path::Orbit(Box::new(Orbit::plan(orbit, &origin, &field)?));
                Ok(Self::Framed { frame: Frame::local(&place(&origin)), path })
            }
            PlotPathConfig::Rocket { pad, launch_s, azimuth_deg, elevation_deg, thrust_mps2, burn_s } => {
                let pad = check_place(&format!("{name}.path.pad"), pad)?;
                positive(&format!("{name}.path.thrust_mps2"), *thrust_mps2)?;
                positive(&format!("{name}.path.burn_s"), *burn_s)?;
                let (sin, cos) = azimuth_deg.to_radians().sin_cos();
                let (up, along) = elevation_deg.to_radians().sin_cos();
                let thrust = pad.enu_from_ecef().transpose()
                    * Vector3::new(along * sin, along * cos, up)
                    * *thrust_mps2;
                let rocket = Rocket { launch_s: *launch_s, burn_s: *burn_s, thrust };
                let kept = rocket.fly(&pad);
                if !launch_s.is_finite() || kept.len() < 2 {
                    let expected = "more than gravity takes";
                    return Err(field.wrong("path.thrust_mps2", thrust_mps2, expected));
                }
                Ok(Self::Rocket { rocket, kept })
            }
        }
    }

    /// Where the target is; `None` while it is not there.
    pub(super) fn state(&self, time_s: f64) -> Option<State> {
        match self {
            Self::Framed { frame, path } => {
                let (from_s, to_s) = path.span_s();
                if !(from_s..=to_s).contains(&time_s) {
                    return None;
                }
                let state = path.state(time_s);
                let velocity = frame.from_ecef.transpose() * Vector3::from(state.velocity_mps);
                Some((frame.ecef_m(&state.position_m.into()), velocity))
            }
            Self::Rocket { rocket, kept } => {
                let flown_s = time_s - rocket.launch_s;
                let last_s = (kept.len() - 1) as f64 * KEEP_S;
                if !(0.0..last_s).contains(&flown_s) {
                    return None;
                }
                let index = (flown_s / KEEP_S) as usize;
                let began_s = index as f64 * KEEP_S;
                Some(rocket.from(kept[index], began_s, flown_s - began_s))
            }
        }
    }
}

impl Rocket {
    /// States each [`KEEP_S`] until it is down again.
    fn fly(&self, pad: &Geodetic) -> Vec<State> {
        let mut state = (pad.ecef_m(), Vector3::zeros());
        let mut kept = vec![state];
        while kept.len() as f64 * KEEP_S < FLIGHT_MAX_S {
            state = self.from(state, (kept.len() - 1) as f64 * KEEP_S, KEEP_S);
            kept.push(state);
            if Geodetic::from_ecef_m(&state.0).height_m < pad.height_m {
                break;
            }
        }
        kept
    }

    /// Flies on from a state at `flown_s` for `ahead_s`, by Runge and Kutta.
    fn from(&self, state: State, flown_s: f64, ahead_s: f64) -> State {
        let n = (ahead_s / STEP_S).ceil().max(1.0);
        let h = ahead_s / n;
        let (mut p, mut v) = state;
        for k in 0..n as usize {
            // The thrust ends between two steps: as much of one as burns counts.
            let burns = ((self.burn_s - flown_s - k as f64 * h) / h.max(1e-9)).clamp(0.0, 1.0);
            let a = |p: &Vector3<f64>, v: &Vector3<f64>| acceleration(p, v) + self.thrust * burns;
            let a1 = a(&p, &v);
            let (p2, v2) = (p + v * (h / 2.0), v + a1 * (h / 2.0));
            let a2 = a(&p2, &v2);
            let (p3, v3) = (p + v2 * (h / 2.0), v + a2 * (h / 2.0));
            let a3 = a(&p3, &v3);
            let (p4, v4) = (p + v3 * h, v + a3 * h);
            let a4 = a(&p4, &v4);
            p += (v + v2 * 2.0 + v3 * 2.0 + v4) * (h / 6.0);
            v += (a1 + a2 * 2.0 + a3 * 2.0 + a4) * (h / 6.0);
        }
        (p, v)
    }
}

fn acceleration(p: &Vector3<f64>, v: &Vector3<f64>) -> Vector3<f64> {
    FreeFlight { frame: Frame::earth(), psd: 0.0 }.acceleration(p, v).0
}

/// Great circles, cut into short straight legs.
fn way_points(points: &[GeodeticPointConfig], field: &Field<'_>) -> Result<Motion, SceneError> {
    let mut places = Vec::with_capacity(points.len());
    for (i, point) in points.iter().enumerate() {
        let config = GeodeticConfig {
            latitude_deg: point.latitude_deg,
            longitude_deg: point.longitude_deg,
            height_m: point.height_m,
        };
        places.push(check_place(&format!("{}.path.points[{i}]", field.0), &config)?);
    }
    let Some(first) = places.first() else {
        return Err(field.wrong("path.points", &"an empty list", "two points or more"));
    };
    let frame = Frame::local(first);
    let local = |place: &Geodetic| frame.position_m(&place.ecef_m()).into();
    let mut legs = vec![WayPointConfig { time_s: points[0].time_s, position_m: local(first) }];
    for (pair, ends) in points.windows(2).zip(places.windows(2)) {
        let way_m = (ends[1].ecef_m() - ends[0].ecef_m()).norm();
        let pieces = (way_m / PIECE_M).ceil().clamp(1.0, 50_000.0);
        for k in 1..=pieces as usize {
            let part = k as f64 / pieces;
            legs.push(WayPointConfig {
                time_s: pair[0].time_s + (pair[1].time_s - pair[0].time_s) * part,
                position_m: local(&between(&ends[0], &ends[1], part)),
            });
        }
    }
    let path = Path::plan(&PathConfig::WayPoints(crate::WayPointsConfig { points: legs }), None, field)?;
    Ok(Motion::Framed { frame, path })
}

/// On the great circle of the normals of two places.
fn between(one: &Geodetic, other: &Geodetic, part: f64) -> Geodetic {
    let up = |place: &Geodetic| {
        let enu: Matrix3<f64> = place.enu_from_ecef();
        enu.row(2).transpose()
    };
    let (a, b) = (up(one), up(other));
    let angle = a.cross(&b).norm().atan2(a.dot(&b));
    let normal = if angle < 1e-12 {
        a
    } else {
        (a * ((1.0 - part) * angle).sin() + b * (part * angle).sin()) / angle.sin()
    };
    Geodetic {
        latitude_deg: normal.z.atan2(normal.x.hypot(normal.y)).to_degrees(),
        longitude_deg: normal.y.atan2(normal.x).to_degrees(),
        height_m: one.height_m + (other.height_m - one.height_m) * part,
    }
}
