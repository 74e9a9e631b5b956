//! Radar scenes: a transmitter's pulses as a receiver hears them, straight and by way of targets and clutter.

mod clutter;
mod config;
mod echo;
mod fluctuation;
mod geometry;
pub(crate) mod orbit;
pub(crate) mod path;
mod plan;
mod response;
mod schedule;
mod truth;

pub use config::{
    ClutterConfig, GeodeticConfig, InterferenceConfig, LeakConfig, PriConfig, RadarConfig, ReceiverConfig,
    TargetConfig, TransmitterConfig, TruthConfig,
};
pub use orbit::KeplerConfig;
pub use path::{ArcConfig, ArcsConfig, FreeFallConfig, PathConfig, WayPointConfig, WayPointsConfig};
pub(crate) use plan::plan;
pub use truth::CpiTruth;

use crate::SceneError;
use crate::interference::turning;
use crate::plan::power_from_db;
use crate::random::Seeded;
use echo::{Echo, Medium};
use fluctuation::Fluctuation;
use path::Path;
use rangegate_core::Complex32;
use response::{Response, ResponseWorker};
use schedule::{Edge, Schedule};
use std::fmt::Display;
use std::sync::Arc;

/// A radar and all that it sees, checked.
#[derive(Clone, Debug)]
pub(crate) struct Radar {
    medium: Medium,
    schedule: Schedule,
    targets: Vec<Target>,
    response: Response,
    /// How far the receiver is tuned above the carrier, cycles a sample.
    detuning_cycles: f64,
    pub(crate) adc_bits: Option<u32>,
    /// Energy of the replica, and power of the noise.
    energy: f64,
    noise_power: f64,
    cpi_pulses: Option<u64>,
    seeded: Seeded,
}

#[derive(Clone, Debug)]
struct Target {
    name: Arc<str>,
    path: Path,
    strength: Strength,
    fluctuation: Fluctuation,
}

/// Mean power of an echo against full scale.
#[derive(Clone, Copy, Debug)]
enum Strength {
    /// At any range.
    Power(f64),
    /// Over the squares of both ways in metres.
    CrossSection(f64),
}

impl Strength {
    fn power(self, out_m: f64, back_m: f64) -> f64 {
        match self {
            Self::Power(power) => power,
            Self::CrossSection(gain) => gain / (out_m * back_m).powi(2),
        }
    }
}

impl Radar {
    /// Power of target `target` in pulse `index` over its mean, and phase in cycles.
    fn draw(&self, target: &Target, index: u64) -> (f64, f64) {
        let position = |index| self.schedule.nominal(index).position();
        target.fluctuation.draw(&self.seeded, index, || position(index) - position(0))
    }

    /// The target's echo of pulse `index`; `None` while something hides it.
    fn echo<'a>(&'a self, target: &'a Target, index: u64, edge: Edge) -> Option<Echo<'a>> {
        let (medium, path) = (&self.medium, &target.path);
        let reflection = medium
            .stations
            .reflection_sent(path, (edge.position() + medium.pulse_length / 2.0) / medium.samples_per_s);
        if !path.sees(reflection.target.position_m) {
            return None;
        }
        let (relative, phase_cycles) = self.draw(target, index);
        let mean = target.strength.power(reflection.out_m, reflection.back_m);
        Some(Echo { medium, path, edge, amplitude: (mean * relative).sqrt(), phase_cycles })
    }
}

/// Makes what a radar's receiver hears; owns its scratch.
#[derive(Debug)]
pub(crate) struct RadarWorker {
    response: ResponseWorker,
    /// One chunk.
    signal: Vec<Complex32>,
}

/// Samples between two exact phases of the detuning.
const PHASE_BLOCK: usize = 128;

impl RadarWorker {
    pub(crate) fn new(radar: &Radar, chunk: usize) -> Self {
        let response = ResponseWorker::new(&radar.response, radar.schedule.least_pri());
        Self { response, signal: vec![Complex32::ZERO; chunk] }
    }

    /// The chunk that begins with sample `first`, counted from the start of the scene.
    pub(crate) fn make(&mut self, radar: &Radar, first: u64) -> &[Complex32] {
        self.signal.fill(Complex32::ZERO);
        self.add_response(radar, first);
        for target in &radar.targets {
            self.add_echoes(radar, target, first);
        }
        if radar.detuning_cycles.abs() > 0.0 {
            for (block, signal) in self.signal.chunks_mut(PHASE_BLOCK).enumerate() {
                let n = first + (block * PHASE_BLOCK) as u64;
                let mut turning = turning(0.0, -radar.detuning_cycles, n);
                for x in signal {
                    let turn = turning.next();
                    *x *= Complex32::new(turn.re as f32, turn.im as f32);
                }
            }
        }
        &self.signal
    }

    fn add_response(&mut self, radar: &Radar, first: u64) {
        let length = radar.response.length;
        if length == 0 {
            return;
        }
        let end = first + self.signal.len() as u64;
        for index in radar.schedule.pulses_between(first as f64 - length as f64, end as f64) {
            let edge = radar.schedule.edge(index);
            // Never before the scene.
            let begins = edge.sample as u64;
            let (from, to) = (begins.max(first), (begins + length as u64).min(end));
            if from >= to {
                continue;
            }
            let response = self.response.of_pulse(&radar.response, index, edge);
            let piece = &response[(from - begins) as usize..(to - begins) as usize];
            for (x, y) in self.signal[(from - first) as usize..].iter_mut().zip(piece) {
                *x += y;
            }
        }
    }

    fn add_echoes(&mut self, radar: &Radar, target: &Target, first: u64) {
        let end = first + self.signal.len() as u64;
        // Emission of what arrives at either end of the chunk: a target slower than light keeps the order.
        let emission = |sample: u64| sample as f64 - radar.medium.delay(&target.path, sample as f64);
        let sent = emission(first) - radar.medium.pulse_length - 3.0..emission(end) + 3.0;
        for index in radar.schedule.pulses_between(sent.start, sent.end) {
            let edge = radar.schedule.edge(index);
            if !sent.contains(&edge.position()) {
                continue;
            }
            let Some(echo) = radar.echo(target, index, edge) else { continue };
            let heard = echo.samples();
            let samples = heard.start.max(first)..heard.end.min(end);
            if samples.start < samples.end {
                let place = (samples.start - first) as usize..(samples.end - first) as usize;
                echo.add(samples, &mut self.signal[place]);
            }
        }
    }
}

/// Names the fields of a table in errors.
pub(crate) struct Field<'a>(pub(crate) &'a str);

impl Field<'_> {
    pub(crate) fn wrong(&self, name: &str, found: &dyn Display, expected: impl Into<String>) -> SceneError {
        SceneError::field(format!("{}.{name}", self.0), found, expected)
    }

    /// The one of some powers in dB that is given, times its reference; one over the noise needs noise.
    fn power<const N: usize>(
        &self,
        choices: [(&str, Option<f64>, f64); N],
        noise_power: f64,
    ) -> Result<f64, SceneError> {
        let mut given = choices.iter().filter(|(_, db, _)| db.is_some());
        let names = choices.map(|(name, _, _)| name).join(", ");
        match (given.next(), given.next()) {
            (Some(&(name, Some(db), reference)), None) => {
                if noise_power <= 0.0 && name != "power_db" {
                    let expected = "power_db, as the scene has no noise_power_db";
                    return Err(self.wrong(name, &"given", expected));
                }
                Ok(power_from_db(&format!("{}.{name}", self.0), db)? * reference)
            }
            (Some(&(name, _, _)), Some(&(other, _, _))) => {
                Err(self.wrong(name, &format!("given beside {other}"), format!("one of {names}")))
            }
            _ => Err(self.wrong(choices[0].0, &"missing", format!("one of {names}"))),
        }
    }
}
