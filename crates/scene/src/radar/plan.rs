//! From what a user wrote of a radar to what can be computed.

use super::clutter::{Patch, Taps};
use super::config::{RadarConfig, ReceiverConfig, TargetConfig};
use super::echo::Medium;
use super::fluctuation::{Fluctuation, Interval, Law};
use super::geometry::{LIGHT_MPS, Stations, minus, norm};
use super::path::{MAX_SPEED_MPS, Path};
use super::response::{Leak, Response};
use super::schedule::Schedule;
use super::{Field, Radar, Strength, Target};
use crate::plan::{Planned, Waveforms, beyond, power_from_db};
use crate::random::{Randomness, Seeded};
use crate::{SceneConfig, SceneError};
use rand::RngExt;
use rangegate_core::{SampleFormat, SampleRate};
use rustfft::num_complex::Complex;
use std::f64::consts::{PI, TAU};
use std::sync::Arc;

/// Boltzmann's constant, J/K, and the temperature that noise figures refer to, K.
const BOLTZMANN_JPK: f64 = 1.380_649e-23;
const REFERENCE_K: f64 = 290.0;
/// Most samples that clutter or the leak may reach beyond a pulse.
const MAX_RESPONSE: f64 = (1 << 22) as f64;
/// Positions and lengths are within this many metres: twice as far as the Moon, and 5 s of delay.
const MAX_DISTANCE_M: f64 = 1e9;
/// Places of a path that are looked at before it is used.
const PATH_PROBES: usize = 1000;

/// Plans the radar of a scene; one without must not have what only a radar sees.
pub(crate) fn plan(
    config: &SceneConfig,
    waveforms: &Waveforms<'_>,
    rate: SampleRate,
    n_samples: f64,
    noise_power: f64,
    seeded: &Seeded,
) -> Result<Option<Radar>, SceneError> {
    let Some(radar) = &config.radar else {
        for (name, is_there) in [
            ("target", !config.targets.is_empty()),
            ("clutter", !config.clutter.is_empty()),
            ("truth", config.truth.is_some()),
        ] {
            if is_there {
                return Err(SceneError::field("radar", &"missing", format!("a table, as there is a {name}")));
            }
        }
        return Ok(None);
    };
    let wrong = |name: &str, found: &dyn std::fmt::Display, expected: String| {
        Err(Field("radar").wrong(name, found, expected))
    };
    let carrier_hz = radar.carrier_hz;
    if !(carrier_hz > 0.0 && carrier_hz <= 1e15) {
        return wrong("carrier_hz", &carrier_hz, "a number above zero, 10^15 at most".into());
    }
    if let Some(hz) = config.center_frequency_hz.filter(|hz| (hz - carrier_hz).abs() > 0.0) {
        let expected = format!("radar.carrier_hz, {carrier_hz}, or not given");
        return Err(SceneError::field("center_frequency_hz", &hz, expected));
    }
    let waveform = waveforms.find(&radar.waveform, "radar.waveform".into())?;
    let clocks = Clocks::plan(&radar.receiver, rate.hz(), carrier_hz)?;
    let stations = stations(radar)?;
    let samples_per_s = clocks.samples_per_s;
    let schedule = Schedule::plan(radar, samples_per_s, waveform.signal.duration_s(), n_samples, seeded)?;
    let cpi_pulses = match &config.truth {
        Some(truth) if !(1..=schedule.count()).contains(&truth.cpi_pulses) => {
            let expected = format!("1 to {}, the pulses of the scene", schedule.count());
            return Err(SceneError::field("truth.cpi_pulses", &truth.cpi_pulses, expected));
        }
        truth => truth.as_ref().map(|truth| truth.cpi_pulses),
    };
    let medium = Medium {
        stations,
        carrier_hz,
        samples_per_s,
        signal: Arc::clone(&waveform.signal),
        pulse_length: waveform.signal.duration_s() * samples_per_s,
    };
    let taps = Taps {
        samples_per_s,
        carrier_hz,
        baseline_m: stations.baseline_m(),
        noise_power,
        energy: waveform.energy,
        compression: compression(waveform, rate.hz()),
    };
    let patches = config.clutter.iter().enumerate();
    let patches: Vec<Patch> =
        patches.map(|(k, clutter)| Patch::plan(clutter, k, &taps, seeded)).collect::<Result<_, _>>()?;
    if let Some(k) = patches.iter().position(|patch| patch.end() as f64 > MAX_RESPONSE) {
        let expected = format!("{MAX_RESPONSE} samples of delay at most");
        return Err(SceneError::field(format!("clutter[{k}].to_m"), &config.clutter[k].to_m, expected));
    }
    let leak = leak(radar, &medium)?;
    let link = link_gain(radar, rate.hz(), noise_power)?;
    let shared = Shared { radar, waveform, noise_power, link, cpi_pulses, medium: &medium, seeded };
    let targets = config.targets.iter().enumerate();
    let duration_s = n_samples / samples_per_s;
    let targets: Vec<Target> =
        targets.map(|(k, target)| shared.target(target, k, duration_s)).collect::<Result<_, _>>()?;
    for (k, target) in targets.iter().enumerate() {
        if targets[..k].iter().any(|other| other.name == target.name) {
            return Err(SceneError::field(format!("target[{k}].name"), &target.name, "a name used once"));
        }
    }
    Ok(Some(Radar {
        response: Response::new(&waveform.signal, samples_per_s, leak, patches),
        medium,
        schedule,
        targets,
        detuning_cycles: clocks.detuning_hz / samples_per_s,
        adc_bits: adc_bits(&radar.receiver, config.format)?,
        energy: waveform.energy,
        noise_power,
        cpi_pulses,
        seeded: seeded.clone(),
    }))
}

/// What the receiver's oscillators do.
struct Clocks {
    /// True samples a second.
    samples_per_s: f64,
    /// How far the receiver is tuned above the carrier.
    detuning_hz: f64,
}

impl Clocks {
    fn plan(config: &ReceiverConfig, rate_hz: f64, carrier_hz: f64) -> Result<Self, SceneError> {
        let field = Field("radar.receiver");
        if config.oscillator_offset_ppm.is_some() {
            for (name, other) in [
                ("sample_clock_offset_ppm", config.sample_clock_offset_ppm),
                ("carrier_offset_hz", config.carrier_offset_hz),
            ] {
                if other.is_some() {
                    let expected = "one of the two: the one oscillator makes sample clock and carrier";
                    return Err(field.wrong(name, &"given beside oscillator_offset_ppm", expected));
                }
            }
        }
        for (name, ppm) in [
            ("oscillator_offset_ppm", config.oscillator_offset_ppm),
            ("sample_clock_offset_ppm", config.sample_clock_offset_ppm),
        ] {
            if let Some(ppm) = ppm.filter(|ppm| beyond(*ppm, 1000.0)) {
                return Err(field.wrong(name, &ppm, "at most 1000 either way"));
            }
        }
        if let Some(hz) = config.carrier_offset_hz.filter(|hz| beyond(*hz, rate_hz / 2.0)) {
            let expected = format!("at most {} either way", rate_hz / 2.0);
            return Err(field.wrong("carrier_offset_hz", &hz, expected));
        }
        let both = config.oscillator_offset_ppm.map(|ppm| ppm * 1e-6);
        let clock = both.or(config.sample_clock_offset_ppm.map(|ppm| ppm * 1e-6)).unwrap_or(0.0);
        Ok(Self {
            samples_per_s: rate_hz * (1.0 + clock),
            detuning_hz: both.map(|both| both * carrier_hz).or(config.carrier_offset_hz).unwrap_or(0.0),
        })
    }
}

fn stations(radar: &RadarConfig) -> Result<Stations, SceneError> {
    let transmitter_m = radar.transmitter.position_m;
    let receiver_m = radar.receiver.position_m.unwrap_or(transmitter_m);
    for (name, position_m) in [("transmitter.position_m", transmitter_m), ("receiver.position_m", receiver_m)]
    {
        if beyond(norm(position_m), MAX_DISTANCE_M) {
            let expected = format!("within {MAX_DISTANCE_M} m of the origin");
            return Err(Field("radar").wrong(name, &format!("{position_m:?}"), expected));
        }
    }
    if let Some(origin) = &radar.origin {
        for (name, number, limit) in [
            ("latitude_deg", origin.latitude_deg, 90.0),
            ("longitude_deg", origin.longitude_deg, 360.0),
            ("height_m", origin.height_m, 1e7),
        ] {
            if beyond(number, limit) {
                let expected = format!("at most {limit} either way");
                return Err(Field("radar.origin").wrong(name, &number, expected));
            }
        }
    }
    Ok(Stations { transmitter_m, receiver_m })
}

fn adc_bits(receiver: &ReceiverConfig, format: SampleFormat) -> Result<Option<u32>, SceneError> {
    // Samples are binary32 before they are stored.
    let most = if format.scalar.is_integer() { (8 * format.scalar.size() as u32).min(24) } else { 24 };
    match receiver.adc_bits {
        Some(bits) if !(2..=most).contains(&bits) => {
            let expected = format!("2 to {most} for {format}");
            Err(Field("radar.receiver").wrong("adc_bits", &bits, expected))
        }
        bits => Ok(bits),
    }
}

fn leak(radar: &RadarConfig, medium: &Medium) -> Result<Option<Leak>, SceneError> {
    let Some(leak) = &radar.leak else { return Ok(None) };
    let field = Field("radar.leak");
    let power = power_from_db("radar.leak.power_db", leak.power_db)?;
    if !leak.phase_deg.is_finite() {
        return Err(field.wrong("phase_deg", &leak.phase_deg, "a finite number"));
    }
    let delay_s = medium.stations.baseline_m() / LIGHT_MPS + leak.delay_s;
    let delay = delay_s * medium.samples_per_s;
    if !(leak.delay_s >= 0.0 && delay + medium.pulse_length <= MAX_RESPONSE) {
        let expected = format!("0 or more, and pulse and delay {MAX_RESPONSE} samples long at most");
        return Err(field.wrong("delay_s", &leak.delay_s, expected));
    }
    let cycles = leak.phase_deg / 360.0 - (medium.carrier_hz * delay_s).fract();
    Ok(Some(Leak { delay, amplitude: Complex::cis(TAU * cycles) * power.sqrt() }))
}

/// What a cross-section of 1 m² is received with against full scale, times the squares of both ways in metres: the
/// radar equation `Pt·Gt·Gr·λ²·σ / ((4π)³·Rt²·Rr²·L)` over the noise `k·T₀·fs·F`, which is `noise_power` at full scale's
/// measure. `None` where the transmitter's power or the noise is not known.
fn link_gain(radar: &RadarConfig, rate_hz: f64, noise_power: f64) -> Result<Option<f64>, SceneError> {
    let ratio = |name: &str, db: f64| power_from_db(&format!("radar.{name}"), db);
    let gains = ratio("transmitter.antenna_gain_db", radar.transmitter.antenna_gain_db)?
        * ratio("receiver.antenna_gain_db", radar.receiver.antenna_gain_db)?
        / ratio("losses_db", radar.losses_db)?;
    let noise_w = BOLTZMANN_JPK
        * REFERENCE_K
        * rate_hz
        * ratio("receiver.noise_figure_db", radar.receiver.noise_figure_db)?;
    let Some(power_w) = radar.transmitter.power_w else { return Ok(None) };
    if !(power_w > 0.0 && power_w <= 1e15) {
        let expected = "a number above zero, 10^15 at most";
        return Err(Field("radar.transmitter").wrong("power_w", &power_w, expected));
    }
    let wavelength_m = LIGHT_MPS / radar.carrier_hz;
    let received_w = power_w * gains * wavelength_m.powi(2) / (4.0 * PI).powi(3);
    Ok((noise_power > 0.0).then(|| noise_power * received_w / noise_w))
}

/// `Σ|χ[k]|²` over all lags of the replica's normalised autocorrelation `χ`, as `Σ|H|⁴` over frequency.
fn compression(waveform: &Planned, rate_hz: f64) -> f64 {
    let n = waveform.signal.n_samples();
    let size = (2 * n).next_power_of_two();
    let mut spectrum: Vec<Complex<f64>> = (0..n)
        .map(|k| waveform.signal.value(k as f64 / rate_hz))
        .chain(std::iter::repeat(Complex::ZERO))
        .take(size)
        .collect();
    rustfft::FftPlanner::new().plan_fft_forward(size).process(&mut spectrum);
    let energy = spectrum.iter().map(|x| x.norm_sqr()).sum::<f64>() / size as f64;
    spectrum.iter().map(|x| x.norm_sqr().powi(2)).sum::<f64>() / size as f64 / energy.powi(2)
}

/// What the planning of all targets needs.
struct Shared<'a> {
    radar: &'a RadarConfig,
    waveform: &'a Planned,
    noise_power: f64,
    link: Option<f64>,
    cpi_pulses: Option<u64>,
    medium: &'a Medium,
    seeded: &'a Seeded,
}

impl Shared<'_> {
    fn target(&self, config: &TargetConfig, number: usize, duration_s: f64) -> Result<Target, SceneError> {
        let field = Field(&format!("target[{number}]"));
        let path = match (&config.path, config.position_m) {
            (None, Some(position_m)) => Path::straight(position_m, config.velocity_mps.unwrap_or([0.0; 3])),
            (Some(path), None) if config.velocity_mps.is_none() => {
                Path::plan(path, self.radar.origin.as_ref(), &field)?
            }
            (None, None) => return Err(field.wrong("position_m", &"missing, as is path", "one of the two")),
            (Some(_), _) => {
                let name = if config.position_m.is_some() { "position_m" } else { "velocity_mps" };
                return Err(field.wrong(name, &"given beside path", "one of the two"));
            }
        };
        self.probe(&path, duration_s, &field)?;
        Ok(Target {
            name: config.name.as_str().into(),
            path,
            strength: self.strength(config, &field)?,
            fluctuation: self.fluctuation(config, number, &field)?,
        })
    }

    /// Looks at a path from end to end.
    fn probe(&self, path: &Path, duration_s: f64, field: &Field<'_>) -> Result<(), SceneError> {
        let wavelength_m = LIGHT_MPS / self.medium.carrier_hz;
        let (from_s, to_s) = path.span_s();
        let (from_s, to_s) = (from_s.max(0.0), to_s.min(duration_s));
        if from_s > to_s {
            let expected = format!("a stay between 0 and {duration_s} s, the scene");
            return Err(field.wrong("path", &"outside the scene", expected));
        }
        for k in 0..=PATH_PROBES {
            let time_s = from_s + (to_s - from_s) * k as f64 / PATH_PROBES as f64;
            let state = path.state(time_s);
            let speed_mps = norm(state.velocity_mps);
            if beyond(speed_mps, MAX_SPEED_MPS) {
                let expected = format!("less than {MAX_SPEED_MPS}, a hundredth of light's speed");
                return Err(field.wrong("velocity_mps", &format!("{speed_mps} m/s at {time_s} s"), expected));
            }
            if beyond(norm(state.position_m), MAX_DISTANCE_M) {
                let expected = format!("within {MAX_DISTANCE_M} m of the origin");
                return Err(field.wrong(
                    "position_m",
                    &format!("{:?} at {time_s} s", state.position_m),
                    expected,
                ));
            }
            let stations = &self.medium.stations;
            for (name, station_m) in
                [("transmitter", stations.transmitter_m), ("receiver", stations.receiver_m)]
            {
                let distance_m = norm(minus(state.position_m, station_m));
                if distance_m < wavelength_m {
                    let found = format!("{distance_m} m from the {name} at {time_s} s");
                    let expected = format!("{wavelength_m} m away or more, the wavelength");
                    return Err(field.wrong("position_m", &found, expected));
                }
            }
        }
        Ok(())
    }

    fn strength(&self, config: &TargetConfig, field: &Field<'_>) -> Result<Strength, SceneError> {
        let Some(rcs_m2) = config.rcs_m2 else {
            let per_pulse = self.noise_power / self.waveform.energy;
            let choices = [("snr_db", config.snr_db, per_pulse), ("power_db", config.power_db, 1.0)];
            return field.power(choices, self.noise_power).map(Strength::Power);
        };
        for (name, other) in [("snr_db", config.snr_db), ("power_db", config.power_db)] {
            if other.is_some() {
                return Err(field.wrong(name, &"given beside rcs_m2", "one of rcs_m2, snr_db, power_db"));
            }
        }
        if !(rcs_m2 > 0.0 && rcs_m2 <= 1e15) {
            return Err(field.wrong("rcs_m2", &rcs_m2, "a number above zero, 10^15 at most"));
        }
        let Some(link) = self.link else {
            let expected = "snr_db or power_db, as radar.transmitter.power_w or noise_power_db is missing";
            return Err(field.wrong("rcs_m2", &"given", expected));
        };
        Ok(Strength::CrossSection(link * rcs_m2))
    }

    fn fluctuation(
        &self,
        config: &TargetConfig,
        target: usize,
        field: &Field<'_>,
    ) -> Result<Fluctuation, SceneError> {
        if config.swerling != 0 && config.phase_deg.is_some() {
            return Err(field.wrong("phase_deg", &"given", "none, as swerling is not 0 and draws it"));
        }
        let interval = match (config.swerling, config.fluctuation_interval_s) {
            (1 | 3, Some(interval_s)) => {
                if !(interval_s > 0.0 && interval_s.is_finite()) {
                    let expected = "a finite number above zero";
                    return Err(field.wrong("fluctuation_interval_s", &interval_s, expected));
                }
                Interval::Samples(interval_s * self.medium.samples_per_s)
            }
            (_, Some(_)) => {
                return Err(field.wrong(
                    "fluctuation_interval_s",
                    &"given",
                    "none, unless swerling is 1 or 3",
                ));
            }
            (1 | 3, None) => self.cpi_pulses.map_or(Interval::Scene, Interval::Pulses),
            (_, None) => Interval::Pulses(1),
        };
        let law = match config.swerling {
            0 => {
                let random = || self.seeded.at(Randomness::TargetPhase { target }).random::<f64>();
                let phase_cycles = config.phase_deg.map_or_else(random, |deg| deg / 360.0);
                if !phase_cycles.is_finite() {
                    return Err(field.wrong("phase_deg", &(phase_cycles * 360.0), "a finite number"));
                }
                Law::Steady(phase_cycles)
            }
            1 | 2 => Law::Exponential,
            3 | 4 => Law::ChiSquare4,
            found => return Err(field.wrong("swerling", &found, "0 to 4")),
        };
        Ok(Fluctuation { target, law, interval })
    }
}
