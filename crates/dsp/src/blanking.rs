//! What takes the pulses of other transmitters out of a pulse cube.
//!
//! A radar that is not in step hits a gate in one pulse of a CPI and hardly ever in the next. Each sample is compared
//! with the other pulses' in its gate: what lies further from their median than targets and noise do is put there,
//! so that clutter still cancels. A target stays: it is about equally far from the median in every pulse.
//!
//! The median is that of real and imaginary part; the scale is the median of the squared distances from it, over ln 2
//! the mean for noise (an exponential law). After M. I. Skolnik, Introduction to Radar Systems, 3rd ed. 2001,
//! section 3.7, on asynchronous pulses.

use crate::range_doppler::PulseCube;
use rangegate_core::Complex32;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// `[chain.map.blanking]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlankingConfig {
    /// Power over that of a gate's noise and moving targets from which a sample is another transmitter's, dB: of
    /// noise alone one in `exp(10^(threshold_db/10))` is.
    pub threshold_db: f64,
}

impl Default for BlankingConfig {
    fn default() -> Self {
        Self { threshold_db: 12.0 }
    }
}

impl BlankingConfig {
    /// Least and greatest level, dB.
    pub const LEVELS_DB: std::ops::RangeInclusive<f64> = 6.0..=100.0;
}

/// Blanks cubes of up to a number of pulses.
#[derive(Debug)]
pub struct Blanker {
    ratio: f32,
    column: Vec<Complex32>,
    sorted: Vec<f32>,
}

impl Blanker {
    /// With room for columns of `n_pulses`.
    pub fn new(config: BlankingConfig, n_pulses: usize) -> Self {
        let ratio = (10f64.powf(config.threshold_db / 10.0) / LN_2) as f32;
        Self { ratio, column: vec![Complex32::ZERO; n_pulses], sorted: vec![0.0; n_pulses] }
    }

    /// Blanks in place. Cost: O(n_pulses) a gate, but with a large factor: it is for those who need it.
    ///
    /// # Panics
    /// The cube has more pulses than there is room for.
    pub fn process(&mut self, cube: &mut PulseCube) {
        let (n_pulses, n_gates, stride) = (cube.n_rows(), cube.n_gates(), cube.stride());
        let data = cube.data_mut();
        for gate in 0..n_gates {
            let column = &mut self.column[..n_pulses];
            column.iter_mut().zip(data[gate..].iter().step_by(stride)).for_each(|(to, x)| *to = *x);
            let sorted = &mut self.sorted[..n_pulses];
            let mut middle = |part: &dyn Fn(&Complex32) -> f32| {
                sorted.iter_mut().zip(column.iter()).for_each(|(to, x)| *to = part(x));
                *sorted.select_nth_unstable_by(n_pulses / 2, f32::total_cmp).1
            };
            let centre = Complex32::new(middle(&|x| x.re), middle(&|x| x.im));
            let most = self.ratio * middle(&|x| (x - centre).norm_sqr());
            for x in data[gate..].iter_mut().step_by(stride).take(n_pulses) {
                if (*x - centre).norm_sqr() > most {
                    *x = centre;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use std::f32::consts::TAU;

    fn noise(rng: &mut ChaCha8Rng, n_pulses: usize, n_gates: usize) -> PulseCube {
        let mut cube = PulseCube::new(n_pulses, n_gates);
        for p in 0..n_pulses {
            for x in cube.row_mut(p) {
                let power = -(1.0 - rng.random_range(0.0..1.0_f32)).ln();
                *x = Complex32::from_polar(power.sqrt(), rng.random_range(0.0..TAU));
            }
        }
        cube
    }

    #[test]
    fn pulses_of_others_go_and_everything_else_stays() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (n_pulses, n_gates) = (30, 500);
        let mut cube = noise(&mut rng, n_pulses, n_gates);
        let clutter = Complex32::new(300.0, -200.0);
        for p in 0..n_pulses {
            cube.row_mut(p)[7] += clutter;
            cube.row_mut(p)[8] += Complex32::from_polar(50.0, 0.7 * p as f32); // a target
        }
        let before = cube.clone();
        let hit = |p: usize| (p * 37) % n_gates;
        for p in 0..n_pulses {
            cube.row_mut(p)[hit(p)] += Complex32::new(80.0, 60.0);
        }
        cube.row_mut(4)[7] += Complex32::new(0.0, 40.0);
        Blanker::new(BlankingConfig::default(), n_pulses).process(&mut cube);
        let mut n_changed = 0;
        for p in 0..n_pulses {
            for gate in 0..n_gates {
                let (x, was) = (cube.row(p)[gate], before.row(p)[gate]);
                if gate == hit(p) || (p, gate) == (4, 7) {
                    let centre = if gate == 7 { clutter } else { Complex32::ZERO };
                    assert!((x - centre).norm() < 2.5, "{p} {gate}: {x}");
                } else {
                    n_changed += u32::from(x != was);
                }
            }
        }
        // exp(−15.8) of noise, more where the median of 30 is low.
        assert!(n_changed < 10, "{n_changed}");
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        let mut cube = PulseCube::new(5, 3);
        cube.data_mut().fill(Complex32::new(f32::NAN, f32::INFINITY));
        Blanker::new(BlankingConfig::default(), 5).process(&mut cube);
    }
}
