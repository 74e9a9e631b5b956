//! Position, velocity and their covariance, as target reports and tracks have them.

use nalgebra::{DMatrix, Matrix3, Matrix6, Vector3, Vector6};
use rangegate_tracking::geodesy::Frame;
use rangegate_tracking::{Geodetic, Space, TrackState};

/// Where a target is over the Earth, and how it moves there.
#[derive(Clone, Debug, PartialEq)]
pub struct GeodeticState {
    /// Latitude, degrees.
    pub latitude_deg: f64,
    /// Longitude, degrees, positive east.
    pub longitude_deg: f64,
    /// Height over the ellipsoid, m.
    pub height_m: Option<f64>,
    /// Velocity east and north at the target, m/s.
    pub velocity_mps: Option<[f64; 2]>,
    /// Velocity up, m/s.
    pub climb_mps: Option<f64>,
    /// Covariance of position and velocity at the target, in metres and seconds: east, north, up, then their rates;
    /// of east, north and their rates where the height is not known.
    pub covariance: Option<DMatrix<f64>>,
}

impl GeodeticState {
    /// The state of a track that has a place on the Earth; `origin` is that of its space.
    pub fn of_track(track: &TrackState, origin: Option<&Geodetic>) -> Option<Self> {
        let place = track.position?;
        let (n_axes, rotation) = match track.space {
            Space::Range => return None,
            Space::Earth => (3, place.enu_from_ecef()),
            Space::Local => (3, place.enu_from_ecef() * Frame::local(origin?).from_ecef.transpose()),
            Space::Plane => (2, place.enu_from_ecef() * Frame::local(origin?).from_ecef.transpose()),
        };
        let velocity = Vector3::from_fn(|axis, _| match track.state.get(n_axes + axis) {
            Some(&rate) if axis < n_axes => rate,
            _ => 0.0,
        });
        let velocity = rotation * velocity;
        Some(Self {
            latitude_deg: place.latitude_deg,
            longitude_deg: place.longitude_deg,
            height_m: (n_axes == 3).then_some(place.height_m),
            velocity_mps: Some([velocity.x, velocity.y]),
            climb_mps: (n_axes == 3).then_some(velocity.z),
            covariance: rotated(&track.covariance, n_axes, &rotation),
        })
    }

    /// Its place, where the height is known.
    pub fn position(&self) -> Option<Geodetic> {
        let (latitude_deg, longitude_deg) = (self.latitude_deg, self.longitude_deg);
        Some(Geodetic { latitude_deg, longitude_deg, height_m: self.height_m? })
    }

    /// Position and velocity in Earth-centred, Earth-fixed coordinates, m and m/s, where all of them are known.
    pub fn ecef(&self) -> Option<Vector6<f64>> {
        let place = self.position()?;
        let [east, north] = self.velocity_mps?;
        let velocity = place.enu_from_ecef().transpose() * Vector3::new(east, north, self.climb_mps?);
        let position = place.ecef_m();
        Some(Vector6::new(position.x, position.y, position.z, velocity.x, velocity.y, velocity.z))
    }

    /// Covariance of [`ecef`](Self::ecef).
    pub fn ecef_covariance(&self) -> Option<Matrix6<f64>> {
        let local = self.covariance.as_ref().filter(|of| of.nrows() == 6)?;
        let turn = both(&self.position()?.enu_from_ecef().transpose());
        Some(turn * local.fixed_view::<6, 6>(0, 0) * turn.transpose())
    }
}

/// The same rotation for position and velocity.
fn both(rotation: &Matrix3<f64>) -> Matrix6<f64> {
    let mut turn = Matrix6::zeros();
    turn.fixed_view_mut::<3, 3>(0, 0).copy_from(rotation);
    turn.fixed_view_mut::<3, 3>(3, 3).copy_from(rotation);
    turn
}

/// Position and velocity of a state's covariance, rotated; of a plane only what is horizontal.
fn rotated(rows: &[Vec<f64>], n_axes: usize, rotation: &Matrix3<f64>) -> Option<DMatrix<f64>> {
    // Indices in a state of three axes.
    let places: Vec<usize> = (0..2 * n_axes).map(|i| i % n_axes + i / n_axes * 3).collect();
    let mut full = Matrix6::zeros();
    for (i, &row) in places.iter().enumerate() {
        for (j, &column) in places.iter().enumerate() {
            full[(row, column)] = *rows.get(i)?.get(j)?;
        }
    }
    let turn = both(rotation);
    let turned = turn * full * turn.transpose();
    Some(DMatrix::from_fn(places.len(), places.len(), |i, j| turned[(places[i], places[j])]))
}
