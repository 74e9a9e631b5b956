use super::*;
use crate::doppler::DopplerPlan;
use crate::range_doppler::PowerMap;
use crate::window::Window;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

type C64 = Complex<f64>;

fn signed(k: usize, n: usize) -> f64 {
    if k < n / 2 { k as f64 } else { k as f64 - n as f64 }
}

/// The slow twin: all sums by their definition.
fn direct(cube: &PulseCube, plan: &KeystonePlan, relative_band: f64) -> Vec<Vec<C64>> {
    let (n, n_gates, n_range) = (plan.n_pulses, plan.n_gates, plan.range_forward.len());
    let turn = |cycles: f64| C64::from_polar(1.0, TAU * cycles);
    let middle = (n as f64 - 1.0) / 2.0;
    let bins: Vec<f64> = (0..n).map(|i| i as f64 - (n / 2) as f64).collect();
    let mut out = vec![vec![C64::ZERO; n_gates]; n];
    for b in 0..n_range {
        let f = signed(b, n_range);
        let scale = 1.0 + relative_band * f / n_range as f64;
        let spectrum = |m: usize| -> C64 {
            let term = |(g, x): (usize, &Complex32)| {
                C64::new(x.re.into(), x.im.into()) * turn(-f * g as f64 / n_range as f64)
            };
            cube.row(m).iter().enumerate().map(term).sum()
        };
        let x: Vec<C64> = (0..n).map(spectrum).collect();
        let sum = |k: &f64| -> C64 {
            let doppler = k / n as f64 + f64::from(plan.ambiguity);
            x.iter().enumerate().map(|(m, x)| x * turn(-doppler * scale * (m as f64 - middle))).sum()
        };
        let y: Vec<C64> = bins.iter().map(sum).collect();
        for (m, row) in out.iter_mut().enumerate() {
            let term = |(k, y): (&f64, &C64)| y * turn(k * (m as f64 - middle) / n as f64);
            let pulse = bins.iter().zip(&y).map(term).sum::<C64>() / (n * n_range) as f64;
            for (g, out) in row.iter_mut().enumerate() {
                *out += pulse * turn(f * g as f64 / n_range as f64);
            }
        }
    }
    out
}

#[test]
fn agrees_with_its_definition_for_odd_shapes_and_dirty_scratch() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (n_pulses, n_gates, ambiguity, relative_band) in [
        (1, 1, 0, 0.1),
        (1, 9, 0, 1.9),
        (2, 20, 0, 0.3),
        (7, 40, 1, 0.2),
        (16, 50, -2, 0.05),
        (13, 31, 0, 0.5),
    ] {
        let config = KeystoneConfig { ambiguity };
        let plan = Arc::new(KeystonePlan::new(&config, n_pulses, n_gates, relative_band, 1.0).unwrap());
        let mut worker = plan.make_worker();
        for pass in 0..2 {
            let mut cube = PulseCube::new(n_pulses, n_gates);
            let mut number = || rng.random_range(-1.0..1.0);
            cube.data_mut().fill_with(|| Complex32::new(number(), number()));
            let expected = direct(&cube, &plan, relative_band);
            worker.process(&mut cube);
            for (m, row) in expected.iter().enumerate() {
                for (g, (found, y)) in cube.row(m).iter().zip(row).enumerate() {
                    let expected = Complex32::new(y.re as f32, y.im as f32);
                    let case = format!("{plan:?}, pass {pass}, pulse {m}, gate {g}");
                    assert!((found - expected).norm() < 3e-6, "{case}: {found} for {expected}");
                }
            }
            let dirt = Complex32::new(f32::NAN, 1.0);
            worker.spectra.data_mut().fill(dirt);
            for scratch in [&mut worker.pulses, &mut worker.chirp, &mut worker.product, &mut worker.scratch] {
                scratch.fill(dirt);
            }
        }
    }
}

/// Echoes of a point: a band-limited pulse at a delay that changes from pulse to pulse, with the carrier's phase.
struct Target {
    gate: f64,
    /// Doppler over PRF, folded or not.
    doppler: f64,
}

const N_PULSES: usize = 128;
const N_GATES: usize = 100;

/// Bandwidth over sample rate, and over carrier such that `doppler` makes `crossed` gates in a CPI.
fn cube_of(target: &Target, relative_band: f64) -> PulseCube {
    const BAND: f64 = 0.8;
    let mut cube = PulseCube::new(N_PULSES, N_GATES);
    for m in 0..N_PULSES {
        let from_middle = m as f64 - (N_PULSES as f64 - 1.0) / 2.0;
        // Positive Doppler: the delay shrinks by doppler/carrier a second.
        let delay = target.gate - target.doppler * relative_band * from_middle;
        let phase = C64::from_polar(1.0, TAU * (target.doppler * from_middle).fract());
        for (g, x) in cube.row_mut(m).iter_mut().enumerate() {
            let t = std::f64::consts::PI * BAND * (g as f64 - delay);
            let y = phase * if t.abs() < 1e-9 { 1.0 } else { t.sin() / t };
            *x = Complex32::new(y.re as f32, y.im as f32);
        }
    }
    cube
}

/// Greatest power, dB, its Doppler bin and its gate.
fn peak(cube: &PulseCube) -> (f32, usize, usize) {
    let plan = Arc::new(DopplerPlan::new(N_PULSES, 4 * N_PULSES, &Window::Rectangular {}, N_GATES).unwrap());
    let mut map: PowerMap = plan.make_map();
    plan.make_worker().process(cube, &mut map);
    let cells = (0..4 * N_PULSES).flat_map(|k| map.row(k).iter().enumerate().map(move |(g, &p)| (p, k, g)));
    let (power, bin, gate) = cells.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (10.0 * power.log10(), bin, gate)
}

#[test]
fn a_target_that_crosses_four_gates_loses_nothing_to_speak_of() {
    for (doppler, ambiguity) in [(0.31, 0), (-0.31, 0), (0.47, 0), (1.2, 1), (-2.13, -2)] {
        let relative_band: f64 = 4.0 / (N_PULSES as f64 * f64::abs(doppler));
        let still = cube_of(&Target { gate: 50.0, doppler }, 0.0);
        let mut moving = cube_of(&Target { gate: 50.0, doppler }, relative_band);
        let (reference, bin, _) = peak(&still);
        let (before, ..) = peak(&moving);
        let plan =
            KeystonePlan::new(&KeystoneConfig { ambiguity }, N_PULSES, N_GATES, relative_band, 1.0).unwrap();
        Arc::new(plan).make_worker().process(&mut moving);
        let (after, bin_after, gate) = peak(&moving);
        let case =
            format!("Doppler {doppler}: {reference:.2} dB still, {before:.2} dB without, {after:.2} dB with");
        assert!(reference - before > 3.0, "{case}");
        assert!((reference - after).abs() < 0.3, "{case}");
        assert!(gate == 50 && bin_after.abs_diff(bin) <= 1, "{case}: gate {gate}, bin {bin_after} for {bin}");
    }
}

#[test]
fn impossible_plans_are_refused() {
    let plan = |n_pulses, n_gates, band, ambiguity| {
        KeystonePlan::new(&KeystoneConfig { ambiguity }, n_pulses, n_gates, band, 1.0)
            .unwrap_err()
            .to_string()
    };
    assert!(plan(0, 5, 0.1, 0).contains("0 pulses of 5 gates"));
    assert!(plan(5, 5, 2.0, 0).contains("carrier_frequency_hz is 1"));
    assert!(plan(5, 5, f64::NAN, 0).contains("sample rate of NaN"));
    assert!(plan(100, 5, 0.1, 2).contains("ambiguity is 2, expected −1 to 1"));
}
