//! Free flight: gravity with the Earth's oblateness, in a frame that turns with the Earth; no drag.

use super::Moved;
use crate::gaussian::{Matrix, Vector};
use crate::geodesy::Frame;
use nalgebra::{Matrix3, Vector3};

/// Gravitational parameter, m³/s² (WGS-84).
const MU_M3PS2: f64 = 3.986_004_418e14;
/// Second zonal harmonic (EGM96).
const J2: f64 = 1.082_626_68e-3;
/// Equatorial radius, m (WGS-84).
const EQUATOR_M: f64 = 6_378_137.0;
/// Rotation of the Earth, rad/s (WGS-84).
const EARTH_RATE_RADPS: f64 = 7.292_115e-5;
/// Longest step of the integrator, s: at orbital speed its error stays below a millimetre.
const STEP_MAX_S: f64 = 5.0;

/// Free flight in a frame that is fixed to the Earth.
#[derive(Clone, Copy, Debug)]
pub struct FreeFlight {
    /// The frame of the state.
    pub frame: Frame,
    /// Spectral density of the acceleration that is not gravity, m²/s³.
    pub psd: f64,
}

impl FreeFlight {
    /// Acceleration at a position and velocity of the frame, m/s², and its derivative by position.
    pub fn acceleration(
        &self,
        position_m: &Vector3<f64>,
        velocity_mps: &Vector3<f64>,
    ) -> (Vector3<f64>, Matrix3<f64>) {
        let r = self.frame.ecef_m(position_m);
        let axis = Vector3::z();
        // Inside the Earth the formulas would run to infinity.
        let distance = r.norm().max(1e6);
        let (d2, z) = (distance * distance, r.z);
        let mu_d3 = MU_M3PS2 / (d2 * distance);
        let zz = 5.0 * z * z / d2;
        let j = 1.5 * J2 * EQUATOR_M * EQUATOR_M / d2;
        // Central term and J2 (Montenbruck and Gill, Satellite Orbits, 2000, section 3.2).
        let gravity = Vector3::new(
            r.x * (1.0 + j * (1.0 - zz)),
            r.y * (1.0 + j * (1.0 - zz)),
            z * (1.0 + j * (3.0 - zz)),
        ) * -mu_d3;
        let spin = axis * EARTH_RATE_RADPS;
        let centrifugal = -spin.cross(&spin.cross(&r));
        // The gradient of J2 is a thousandth of the central term's: left out of the Jacobian's, not of the motion.
        let gradient = (r * r.transpose() * (3.0 / d2) - Matrix3::identity()) * mu_d3
            + (Matrix3::identity() - axis * axis.transpose()) * (EARTH_RATE_RADPS * EARTH_RATE_RADPS);
        let to_frame = self.frame.from_ecef;
        let coriolis = spin.cross(&(to_frame.transpose() * velocity_mps)) * -2.0;
        (to_frame * (gravity + centrifugal + coriolis), to_frame * gradient * to_frame.transpose())
    }

    /// Moves `[p, v]` by `step_s`: fourth-order Runge-Kutta; the transition is the exponential of the Jacobian.
    pub(super) fn step<const N: usize>(&self, state: &Vector<N>, step_s: f64) -> Moved<N> {
        let (n_steps, h) = steps(step_s);
        let (mut p, mut v) = split(state);
        let mut jacobian = Matrix::<N, N>::identity();
        let mut noise = Matrix::<N, N>::zeros();
        let step_noise = super::white_acceleration::<N>(3, self.psd, 0.0, h);
        let spin = self.frame.from_ecef * Vector3::z() * (-2.0 * EARTH_RATE_RADPS);
        for _ in 0..n_steps {
            let gradient;
            (p, v, gradient) = self.runge_kutta(&p, &v, h);
            let transition = exponential::<N>(&gradient, &spin.cross_matrix(), h);
            jacobian = transition * jacobian;
            noise = transition * noise * transition.transpose() + step_noise;
        }
        Moved { state: joined(state, &p, &v), jacobian, noise }
    }

    /// The state alone of [`step`](Self::step).
    pub(super) fn state_after<const N: usize>(&self, state: &Vector<N>, step_s: f64) -> Vector<N> {
        let (n_steps, h) = steps(step_s);
        let (mut p, mut v) = split(state);
        for _ in 0..n_steps {
            (p, v, _) = self.runge_kutta(&p, &v, h);
        }
        joined(state, &p, &v)
    }

    /// One step of the integrator, and the gradient of gravity in its middle.
    fn runge_kutta(
        &self,
        p: &Vector3<f64>,
        v: &Vector3<f64>,
        h: f64,
    ) -> (Vector3<f64>, Vector3<f64>, Matrix3<f64>) {
        let (a1, _) = self.acceleration(p, v);
        let (p2, v2) = (p + v * (h / 2.0), v + a1 * (h / 2.0));
        let (a2, gradient) = self.acceleration(&p2, &v2);
        let (p3, v3) = (p + v2 * (h / 2.0), v + a2 * (h / 2.0));
        let (a3, _) = self.acceleration(&p3, &v3);
        let (p4, v4) = (p + v3 * h, v + a3 * h);
        let (a4, _) = self.acceleration(&p4, &v4);
        (
            p + (v + v2 * 2.0 + v3 * 2.0 + v4) * (h / 6.0),
            v + (a1 + a2 * 2.0 + a3 * 2.0 + a4) * (h / 6.0),
            gradient,
        )
    }
}

/// Number and length of the integrator's steps.
fn steps(step_s: f64) -> (usize, f64) {
    let n_steps = (step_s.abs() / STEP_MAX_S).ceil().max(1.0);
    (n_steps as usize, step_s / n_steps)
}

fn split<const N: usize>(state: &Vector<N>) -> (Vector3<f64>, Vector3<f64>) {
    (Vector3::new(state[0], state[1], state[2]), Vector3::new(state[3], state[4], state[5]))
}

/// A state with other position and velocity.
fn joined<const N: usize>(state: &Vector<N>, p: &Vector3<f64>, v: &Vector3<f64>) -> Vector<N> {
    let mut moved = *state;
    for i in 0..3 {
        moved[i] = p[i];
        moved[3 + i] = v[i];
    }
    moved
}

/// exp(A·h) with A = [0 I; gradient coriolis], to fourth order.
fn exponential<const N: usize>(gradient: &Matrix3<f64>, coriolis: &Matrix3<f64>, h: f64) -> Matrix<N, N> {
    let mut a = Matrix::<N, N>::zeros();
    for i in 0..3 {
        a[(i, 3 + i)] = h;
        for j in 0..3 {
            a[(3 + i, j)] = gradient[(i, j)] * h;
            a[(3 + i, 3 + j)] = coriolis[(i, j)] * h;
        }
    }
    let one = Matrix::<N, N>::identity();
    one + a * (one + a * 0.5 * (one + a * (1.0 / 3.0) * (one + a * 0.25)))
}
