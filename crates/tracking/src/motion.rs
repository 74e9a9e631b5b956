//! How targets move: from a state and a time step to the state after it, its Jacobian and the noise it gathered.
//!
//! A state is position, velocity and, of third order, acceleration: `[p, v]` or `[p, v, a]`, each of `n_axes` numbers.
//! All models of one tracker share one state, so that they mix without translation. In a state of third order a model
//! that knows no acceleration gives it zero mean and its own spread, which keeps mixing unbiased (Granström, Willett,
//! Bar-Shalom, "Systematic approach to IMM mixing for unequal dimension states", 2015). The models are those of Li and
//! Jilkov, "Survey of maneuvering target tracking, part I", 2003.

mod free_flight;
mod turn;

use crate::gaussian::{Matrix, Vector};
use crate::geodesy::Frame;

pub use free_flight::FreeFlight;

/// A model of motion, planned.
#[derive(Clone, Copy, Debug)]
pub enum Motion {
    /// White acceleration of this spectral density, m²/s³.
    NearlyConstantVelocity {
        /// Spectral density, m²/s³.
        psd: f64,
        /// Spread that acceleration gets in a state of third order, m/s².
        acceleration_mps2: f64,
    },
    /// White jerk.
    ConstantAcceleration {
        /// Spectral density, m²/s⁵.
        psd: f64,
    },
    /// Turn at a rate that is given.
    KnownTurn {
        /// Rate, rad/s, positive to the right.
        rate_radps: f64,
        /// Spectral density, m²/s³.
        psd: f64,
        /// Spread that acceleration gets in a state of third order, m/s².
        acceleration_mps2: f64,
    },
    /// Turn at the rate that the state's acceleration gives.
    EstimatedTurn {
        /// Spectral density, m²/s⁵.
        psd: f64,
    },
    /// Gravity and rotation of the Earth.
    FreeFlight(FreeFlight),
}

/// A state, moved.
#[derive(Clone, Copy, Debug)]
pub struct Moved<const N: usize> {
    /// State after the step.
    pub state: Vector<N>,
    /// Its derivative by the state before.
    pub jacobian: Matrix<N, N>,
    /// Covariance of the noise gathered.
    pub noise: Matrix<N, N>,
}

impl Motion {
    /// Whether the Jacobian is the same for all states, so that nothing needs linearising.
    pub fn is_linear(&self) -> bool {
        !matches!(self, Self::EstimatedTurn { .. } | Self::FreeFlight(_))
    }

    /// Free flight in a frame.
    pub fn free_flight(frame: Frame, psd: f64) -> Self {
        Self::FreeFlight(FreeFlight { frame, psd })
    }

    /// Moves a state by `step_s` seconds.
    pub fn step<const N: usize>(&self, state: &Vector<N>, n_axes: usize, step_s: f64) -> Moved<N> {
        match *self {
            Self::NearlyConstantVelocity { psd, acceleration_mps2 } => {
                let mut jacobian = Matrix::<N, N>::zeros();
                for i in 0..n_axes {
                    jacobian[(i, i)] = 1.0;
                    jacobian[(i, n_axes + i)] = step_s;
                    jacobian[(n_axes + i, n_axes + i)] = 1.0;
                }
                let noise = white_acceleration(n_axes, psd, acceleration_mps2, step_s);
                Moved { state: jacobian * state, jacobian, noise }
            }
            Self::ConstantAcceleration { psd } => {
                let mut jacobian = Matrix::<N, N>::identity();
                for i in 0..n_axes {
                    jacobian[(i, n_axes + i)] = step_s;
                    jacobian[(i, 2 * n_axes + i)] = 0.5 * step_s * step_s;
                    jacobian[(n_axes + i, 2 * n_axes + i)] = step_s;
                }
                Moved { state: jacobian * state, jacobian, noise: white_jerk(n_axes, psd, step_s) }
            }
            Self::KnownTurn { rate_radps, psd, acceleration_mps2 } => {
                let jacobian = turn::known(rate_radps, n_axes, step_s);
                let noise = white_acceleration(n_axes, psd, acceleration_mps2, step_s);
                Moved { state: jacobian * state, jacobian, noise }
            }
            Self::EstimatedTurn { psd } => {
                let (state, jacobian) = turn::estimated(state, n_axes, step_s);
                Moved { state, jacobian, noise: white_jerk(n_axes, psd, step_s) }
            }
            Self::FreeFlight(flight) => flight.step(state, step_s),
        }
    }
}

impl Motion {
    /// The state alone that [`step`](Self::step) gives, for those who need no more.
    pub fn state_after<const N: usize>(&self, state: &Vector<N>, n_axes: usize, step_s: f64) -> Vector<N> {
        match self {
            Self::EstimatedTurn { .. } => turn::estimated_state(state, n_axes, step_s),
            Self::FreeFlight(flight) => flight.state_after(state, step_s),
            _ => self.step(state, n_axes, step_s).state,
        }
    }
}

/// Noise of white acceleration over a step; acceleration itself, where the state has it, is drawn anew.
fn white_acceleration<const N: usize>(
    n_axes: usize,
    psd: f64,
    acceleration_mps2: f64,
    step_s: f64,
) -> Matrix<N, N> {
    let mut noise = Matrix::<N, N>::zeros();
    for i in 0..n_axes {
        let v = n_axes + i;
        noise[(i, i)] = psd * step_s.powi(3) / 3.0;
        noise[(i, v)] = psd * step_s.powi(2) / 2.0;
        noise[(v, i)] = noise[(i, v)];
        noise[(v, v)] = psd * step_s;
        if N >= 3 * n_axes {
            noise[(2 * n_axes + i, 2 * n_axes + i)] = acceleration_mps2 * acceleration_mps2;
        }
    }
    noise
}

/// Noise of white jerk over a step.
fn white_jerk<const N: usize>(n_axes: usize, psd: f64, step_s: f64) -> Matrix<N, N> {
    // Of position, velocity, acceleration; integrals of powers of the time left.
    let block = [
        [step_s.powi(5) / 20.0, step_s.powi(4) / 8.0, step_s.powi(3) / 6.0],
        [step_s.powi(4) / 8.0, step_s.powi(3) / 3.0, step_s.powi(2) / 2.0],
        [step_s.powi(3) / 6.0, step_s.powi(2) / 2.0, step_s],
    ];
    let mut noise = Matrix::<N, N>::zeros();
    for i in 0..n_axes {
        for (row, values) in block.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                noise[(row * n_axes + i, column * n_axes + i)] = psd * value;
            }
        }
    }
    noise
}
