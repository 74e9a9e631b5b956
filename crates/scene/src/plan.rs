//! From what a user wrote to what can be computed.

use crate::interference::{self, Tone};
use crate::radar::{self, Radar};
use crate::random::{Randomness, Seeded};
use crate::{BurstConfig, SceneConfig, SceneError};
use rand::RngExt;
use rangegate_core::{SampleRate, StreamInfo, TimeAnchor, ToBaseband};
use rangegate_dsp::waveform::Signal;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Most channels of a scene.
pub(crate) const MAX_CHANNELS: usize = 64;
/// Most samples of a scene a channel: sums of indices stay far from 64 bits.
const MAX_SAMPLES: f64 = (1_u64 << 60) as f64;
/// Powers and ratios in dB lie within this much of zero, so that amplitudes stay numbers in binary32.
const MAX_DB: f64 = 300.0;

/// Lengths in samples this close to one another are the same: what binary64 leaves of them.
pub(crate) const ROUNDING: f64 = 1e-6;

/// A scene that was checked: its bursts, its radar, its runs between gaps, and what every sample follows from.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(crate) info: StreamInfo,
    /// Standard deviation of each part of the noise; 0 for none.
    pub(crate) noise_deviation: f32,
    /// Stretches of samples that are there, counted from the first sample of the scene.
    pub(crate) runs: Vec<Range<u64>>,
    pub(crate) trains: Vec<Train>,
    pub(crate) tones: Vec<Tone>,
    /// Pulses of others, which are in no truth.
    pub(crate) interference: Vec<Train>,
    pub(crate) radar: Option<Radar>,
    pub(crate) seeded: Seeded,
}

/// A train of bursts, or one. Times are in samples after the first of the scene.
#[derive(Clone, Debug)]
pub(crate) struct Train {
    pub(crate) name: Arc<str>,
    pub(crate) signal: Arc<Signal>,
    /// Length of one burst.
    pub(crate) length: f64,
    pub(crate) channels: Vec<usize>,
    pub(crate) count: u64,
    pub(crate) amplitude: f64,
    pub(crate) snr_db: Option<f64>,
    pub(crate) doppler_hz: f64,
    doppler_cycles_a_sample: f64,
    /// Phase at the first leading edge, cycles; `None` is random for each burst.
    phase_cycles: Option<f64>,
    start: f64,
    interval: f64,
}

impl Train {
    /// Leading edge of burst `index`.
    pub(crate) fn leading_edge(&self, index: u64) -> f64 {
        self.start + index as f64 * self.interval
    }

    /// The bursts that may have something in `samples`, and perhaps one or two more on either side. None but the
    /// last that begins before can reach in, as an interval is no shorter than a burst.
    pub(crate) fn bursts_in(&self, samples: &Range<u64>) -> Range<u64> {
        if self.count == 1 {
            return 0..1;
        }
        let number = |sample: u64| (sample as f64 - self.start) / self.interval;
        // Casts of negative floats give 0.
        (number(samples.start) - 1.0) as u64..((number(samples.end) + 2.0) as u64).min(self.count)
    }

    /// Phase in cycles at the leading edge of burst `index`, and Doppler shift in cycles a sample.
    pub(crate) fn phase(&self, scene: &Scene, train: usize, index: u64) -> (f64, f64) {
        let cycles = match self.phase_cycles {
            Some(first) => first + self.doppler_cycles_a_sample * (self.leading_edge(index) - self.start),
            None => scene.seeded.at(Randomness::Phase { train, index }).random::<f64>(),
        };
        (cycles.rem_euclid(1.0), self.doppler_cycles_a_sample)
    }
}

impl Scene {
    /// Reads a scene from TOML and checks it.
    ///
    /// # Errors
    /// As [`Scene::new`], and text that is no scene.
    pub fn from_toml(text: &str) -> Result<Self, SceneError> {
        Self::new(&toml::from_str(text)?)
    }

    /// Checks a scene and plans it.
    ///
    /// # Errors
    /// A value is out of range: the message names the field, what was found and what was expected.
    pub fn new(config: &SceneConfig) -> Result<Self, SceneError> {
        let wrong = |name: &str, found: &dyn std::fmt::Display, expected: String| {
            SceneError::field(name, found, expected)
        };
        let rate = SampleRate::from_hz(config.sample_rate_hz).map_err(|_| {
            wrong("sample_rate_hz", &config.sample_rate_hz, "a finite number of Hz above zero".into())
        })?;
        if !config.format.complex {
            return Err(wrong(
                "format",
                &config.format,
                "a complex format, such as cs8, cs16 or cf32".into(),
            ));
        }
        if !(1..=MAX_CHANNELS).contains(&config.n_channels) {
            return Err(wrong("n_channels", &config.n_channels, format!("1 to {MAX_CHANNELS}")));
        }
        let length = (config.duration_s * rate.hz()).round();
        if !(1.0..=MAX_SAMPLES).contains(&length) {
            let expected = format!("1 to {MAX_SAMPLES} samples at {rate}");
            return Err(wrong("duration_s", &config.duration_s, expected));
        }
        if config.first_sample > 1 << 63 {
            return Err(wrong("first_sample", &config.first_sample, "2^63 at most".into()));
        }
        if let Some(hz) = config.center_frequency_hz.filter(|hz| !hz.is_finite()) {
            return Err(wrong("center_frequency_hz", &hz, "a finite number".into()));
        }
        let noise_power =
            config.noise_power_db.map(|db| power_from_db("noise_power_db", db)).transpose()?.unwrap_or(0.0);
        let runs = runs(config, rate, length as u64)?;
        let seeded = Seeded::new(config.seed);
        let waveforms = Waveforms::plan(config, rate)?;
        let (tones, interference) = interference::plan(config, &waveforms, rate.hz(), length, &seeded)?;
        let radar = radar::plan(config, &waveforms, rate, length, noise_power, &seeded)?;
        let carrier_hz = config.radar.as_ref().map(|radar| radar.carrier_hz);
        let anchor = config.start_time.map(|time| TimeAnchor { sample: config.first_sample, time });
        Ok(Self {
            noise_deviation: (noise_power / 2.0).sqrt() as f32,
            trains: trains(config, &waveforms, rate, length, noise_power)?,
            tones,
            interference,
            radar,
            seeded,
            info: StreamInfo {
                sample_rate: rate,
                n_channels: config.n_channels,
                format: config.format,
                to_baseband: ToBaseband::default(),
                center_frequency_hz: config.center_frequency_hz.or(carrier_hz),
                first_sample: config.first_sample + runs[0].start,
                anchor,
                n_samples: Some(runs.iter().map(|run| run.end - run.start).sum()),
                pulse_len: None,
            },
            runs,
        })
    }

    /// What is fixed for the whole stream.
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// Absolute index of the scene's first sample, lost or not.
    pub(crate) fn origin(&self) -> u64 {
        self.info.first_sample - self.runs[0].start
    }
}

/// Not within `limit` of zero; NaN is not.
pub(crate) fn beyond(number: f64, limit: f64) -> bool {
    number.is_nan() || number.abs() > limit
}

pub(crate) fn power_from_db(field: &str, db: f64) -> Result<f64, SceneError> {
    if db.abs() <= MAX_DB {
        return Ok(10_f64.powf(db / 10.0));
    }
    Err(SceneError::field(field, &db, format!("a number from −{MAX_DB} to {MAX_DB} dB")))
}

/// What the gaps leave of `length` samples.
fn runs(config: &SceneConfig, rate: SampleRate, length: u64) -> Result<Vec<Range<u64>>, SceneError> {
    let mut runs = Vec::with_capacity(config.gaps.len() + 1);
    let mut at = 0;
    for (k, gap) in config.gaps.iter().enumerate() {
        let start = (gap.start_s * rate.hz()).ceil();
        if !(start >= at as f64 && start <= length as f64) {
            let expected =
                format!("{} to {}, in the order of time", at as f64 / rate.hz(), config.duration_s);
            return Err(SceneError::field(format!("gap[{k}].start_s"), &gap.start_s, expected));
        }
        let end = ((gap.start_s + gap.duration_s) * rate.hz()).ceil();
        // Written so that NaN is refused too.
        if !(gap.duration_s > 0.0 && end > start) {
            let expected = "a number above zero that reaches a sample";
            return Err(SceneError::field(format!("gap[{k}].duration_s"), &gap.duration_s, expected));
        }
        runs.push(at..start as u64);
        at = (end as u64).min(length);
    }
    runs.push(at..length);
    runs.retain(|run| !run.is_empty());
    if runs.is_empty() {
        let found = format!("{} gaps from start to end", config.gaps.len());
        return Err(SceneError::field("gap", &found, "gaps that leave a sample"));
    }
    Ok(runs)
}

/// A waveform at the scene's rate.
pub(crate) struct Planned {
    pub(crate) name: Arc<str>,
    pub(crate) signal: Arc<Signal>,
    /// Energy of its replica.
    pub(crate) energy: f64,
}

/// The waveforms of a scene by name.
pub(crate) struct Waveforms<'a>(BTreeMap<&'a str, Planned>);

impl<'a> Waveforms<'a> {
    fn plan(config: &'a SceneConfig, rate: SampleRate) -> Result<Self, SceneError> {
        let mut waveforms = BTreeMap::new();
        for (k, entry) in config.waveforms.iter().enumerate() {
            let name: Arc<str> = entry.name.as_str().into();
            let failed = |source| SceneError::Waveform { name: entry.name.clone(), source };
            let signal = Arc::new(entry.waveform.signal(rate.hz()).map_err(failed)?);
            let energy = entry.waveform.replica(Arc::clone(&name), rate.hz()).map_err(failed)?.energy();
            if waveforms.insert(entry.name.as_str(), Planned { name, signal, energy }).is_some() {
                let field = format!("waveform[{k}].name");
                return Err(SceneError::field(field, &entry.name, "a name used once"));
            }
        }
        Ok(Self(waveforms))
    }

    /// The waveform that `field` names.
    pub(crate) fn find(&self, name: &str, field: String) -> Result<&Planned, SceneError> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().copied().collect();
            SceneError::field(field, &name, format!("the name of a [[waveform]], one of {names:?}"))
        })
    }
}

fn trains(
    config: &SceneConfig,
    waveforms: &Waveforms<'_>,
    rate: SampleRate,
    length: f64,
    noise_power: f64,
) -> Result<Vec<Train>, SceneError> {
    let plan = |(k, burst): (usize, &BurstConfig)| {
        let field = |name: &str| format!("burst[{k}].{name}");
        let waveform = waveforms.find(&burst.waveform, field("waveform"))?;
        train(burst, waveform, config.n_channels, rate.hz(), length, noise_power, &field)
    };
    config.bursts.iter().enumerate().map(plan).collect()
}

/// Checks a train of bursts; `field` makes paths of fields' names.
pub(crate) fn train(
    burst: &BurstConfig,
    waveform: &Planned,
    n_channels: usize,
    rate_hz: f64,
    length: f64,
    noise_power: f64,
    field: &dyn Fn(&str) -> String,
) -> Result<Train, SceneError> {
    let wrong = |name, found: &dyn std::fmt::Display, expected: String| {
        Err(SceneError::field(field(name), found, expected))
    };
    let (start, name, given) = match (burst.time_s, burst.sample) {
        (Some(time_s), None) => (time_s * rate_hz, "time_s", time_s),
        (None, Some(sample)) => (sample, "sample", sample),
        (time_s, _) => {
            let found = if time_s.is_some() { "given beside sample" } else { "missing, as is sample" };
            return wrong("time_s", &found, "one of the two".into());
        }
    };
    if !(0.0..length).contains(&start) {
        let end = if name == "time_s" { length / rate_hz } else { length };
        return wrong(name, &given, format!("0 to {end}, within the scene"));
    }
    let waveform_length = waveform.signal.duration_s() * rate_hz;
    let interval = burst.interval_s.unwrap_or(0.0) * rate_hz;
    if let Some(interval_s) =
        burst.interval_s.filter(|_| !interval.is_finite() || interval < waveform_length - ROUNDING)
    {
        let expected = format!("{} or more, the length of the waveform", waveform.signal.duration_s());
        return wrong("interval_s", &interval_s, expected);
    }
    let within = match burst.interval_s {
        Some(_) => ((length - start) / interval).ceil().max(1.0) as u64,
        None => 1,
    };
    let count = burst.count.unwrap_or(within);
    if count == 0 || count > 1 && burst.interval_s.is_none() {
        return wrong("count", &count, "1 or more, and an interval_s with more than one".into());
    }
    if burst.doppler_hz.is_nan() || burst.doppler_hz.abs() > rate_hz / 2.0 {
        return wrong("doppler_hz", &burst.doppler_hz, format!("at most {} either way", rate_hz / 2.0));
    }
    if let Some(phase_deg) = burst.phase_deg.filter(|deg| !deg.is_finite()) {
        return wrong("phase_deg", &phase_deg, "a finite number".into());
    }
    let channels = burst.channels.clone().unwrap_or_else(|| (0..n_channels).collect());
    let ascending = channels.windows(2).all(|pair| pair[0] < pair[1]);
    if channels.is_empty() || !ascending || channels.iter().any(|&channel| channel >= n_channels) {
        let expected = format!("rising numbers from 0 to {}", n_channels - 1);
        return wrong("channels", &format!("{channels:?}"), expected);
    }
    let power = match (burst.snr_db, burst.power_db) {
        (Some(_), None) if noise_power <= 0.0 => {
            return wrong("snr_db", &"given", "power_db, as the scene has no noise_power_db".into());
        }
        (Some(db), None) => power_from_db(&field("snr_db"), db)? * noise_power / waveform.energy,
        (None, Some(db)) => power_from_db(&field("power_db"), db)?,
        (snr_db, _) => {
            let found = if snr_db.is_some() { "given beside power_db" } else { "missing, as is power_db" };
            return wrong("snr_db", &found, "one of the two".into());
        }
    };
    Ok(Train {
        name: Arc::clone(&waveform.name),
        signal: Arc::clone(&waveform.signal),
        length: waveform_length,
        channels,
        count: count.min(within),
        amplitude: power.sqrt(),
        snr_db: (noise_power > 0.0).then(|| 10.0 * (power * waveform.energy / noise_power).log10()),
        doppler_hz: burst.doppler_hz,
        doppler_cycles_a_sample: burst.doppler_hz / rate_hz,
        phase_cycles: burst.phase_deg.map(|deg| deg / 360.0),
        start,
        interval,
    })
}
