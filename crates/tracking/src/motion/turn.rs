//! Coordinated turns: constant speed, velocity rotates.

use crate::gaussian::{Matrix, Vector};
use nalgebra::Vector3;

/// sin ωT/ω, (1 − cos ωT)/ω², cos ωT, ω·sin ωT, and their derivatives by ω, also where ω is zero.
struct Kernel {
    sine: f64,
    versine: f64,
    cosine: f64,
    swing: f64,
    by_rate: [f64; 4],
}

impl Kernel {
    fn new(rate: f64, t: f64) -> Self {
        let angle = rate * t;
        let cosine = angle.cos();
        let swing = rate * angle.sin();
        let (sine, versine, d_sine, d_versine) = if angle.abs() < 1e-3 {
            let square = angle * angle;
            (
                t * (1.0 - square / 6.0),
                t * t * (0.5 - square / 24.0),
                -rate * t.powi(3) / 3.0,
                -rate * t.powi(4) / 12.0,
            )
        } else {
            let sine = angle.sin() / rate;
            let versine = (1.0 - cosine) / (rate * rate);
            (sine, versine, (t * cosine - sine) / rate, (t * sine - 2.0 * versine) / rate)
        };
        let by_rate = [d_sine, d_versine, -t * angle.sin(), angle.sin() + angle * cosine];
        Self { sine, versine, cosine, swing, by_rate }
    }
}

/// The transition at a given rate about the vertical, positive to the right seen from above; height moves straight on.
pub(super) fn known<const N: usize>(rate_radps: f64, n_axes: usize, step_s: f64) -> Matrix<N, N> {
    let kernel = Kernel::new(rate_radps, step_s);
    let mut f = Matrix::<N, N>::zeros();
    for i in 0..n_axes {
        f[(i, i)] = 1.0;
    }
    let (east, north) = (n_axes, n_axes + 1);
    let turned = kernel.versine * rate_radps;
    f[(0, east)] = kernel.sine;
    f[(0, north)] = turned;
    f[(1, east)] = -turned;
    f[(1, north)] = kernel.sine;
    let sine = rate_radps * kernel.sine;
    f[(east, east)] = kernel.cosine;
    f[(east, north)] = sine;
    f[(north, east)] = -sine;
    f[(north, north)] = kernel.cosine;
    if n_axes == 3 {
        f[(2, 5)] = step_s;
        f[(5, 5)] = 1.0;
    }
    f
}

/// Rate of the turn that velocity and acceleration make, rad/s, and their cross product; zero for who stands still.
fn estimated_rate(v: &Vector3<f64>, a: &Vector3<f64>) -> (f64, Vector3<f64>) {
    let (speed2, cross) = (v.norm_squared(), v.cross(a));
    let size = cross.norm();
    (if speed2 > 1.0 && size > 1e-9 { size / speed2 } else { 0.0 }, cross)
}

/// Velocity and acceleration of a state of third order.
fn moving<const N: usize>(state: &Vector<N>, n_axes: usize) -> (Vector3<f64>, Vector3<f64>) {
    let axes = |from: usize| Vector3::from_fn(|i, _| if i < n_axes { state[from + i] } else { 0.0 });
    (axes(n_axes), axes(2 * n_axes))
}

/// The state alone of [`estimated`].
pub(super) fn estimated_state<const N: usize>(state: &Vector<N>, n_axes: usize, step_s: f64) -> Vector<N> {
    let (v, a) = moving(state, n_axes);
    turned(state, n_axes, &v, &a, &Kernel::new(estimated_rate(&v, &a).0, step_s))
}

fn turned<const N: usize>(
    state: &Vector<N>,
    n_axes: usize,
    v: &Vector3<f64>,
    a: &Vector3<f64>,
    kernel: &Kernel,
) -> Vector<N> {
    let mut moved = *state;
    for i in 0..n_axes {
        moved[i] += kernel.sine * v[i] + kernel.versine * a[i];
        moved[n_axes + i] = kernel.cosine * v[i] + kernel.sine * a[i];
        moved[2 * n_axes + i] = -kernel.swing * v[i] + kernel.cosine * a[i];
    }
    moved
}

/// Turn in the plane of velocity and acceleration at ω = |v × a|/|v|², so that jerk = −ω²·v; with its Jacobian.
pub(super) fn estimated<const N: usize>(
    state: &Vector<N>,
    n_axes: usize,
    step_s: f64,
) -> (Vector<N>, Matrix<N, N>) {
    let (v, a) = moving(state, n_axes);
    let (rate, cross) = estimated_rate(&v, &a);
    // Who stands still turns nowhere.
    let (by_v, by_a) = if rate > 0.0 {
        let speed2 = v.norm_squared();
        let normal = cross / cross.norm();
        (a.cross(&normal) / speed2 - v * (2.0 * rate / speed2), normal.cross(&v) / speed2)
    } else {
        (Vector3::zeros(), Vector3::zeros())
    };
    let kernel = Kernel::new(rate, step_s);
    let moved = turned(state, n_axes, &v, &a, &kernel);
    let mut f = Matrix::<N, N>::identity();
    for i in 0..n_axes {
        let (iv, ia) = (n_axes + i, 2 * n_axes + i);
        f[(i, iv)] = kernel.sine;
        f[(i, ia)] = kernel.versine;
        f[(iv, iv)] = kernel.cosine;
        f[(iv, ia)] = kernel.sine;
        f[(ia, iv)] = -kernel.swing;
        f[(ia, ia)] = kernel.cosine;
    }
    let [d_sine, d_versine, d_cosine, d_swing] = kernel.by_rate;
    for i in 0..n_axes {
        let by_rate = [
            d_sine * v[i] + d_versine * a[i],
            d_cosine * v[i] + d_sine * a[i],
            -d_swing * v[i] + d_cosine * a[i],
        ];
        for (block, derivative) in by_rate.into_iter().enumerate() {
            for j in 0..n_axes {
                f[(block * n_axes + i, n_axes + j)] += derivative * by_v[j];
                f[(block * n_axes + i, 2 * n_axes + j)] += derivative * by_a[j];
            }
        }
    }
    (moved, f)
}
