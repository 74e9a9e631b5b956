//! What can be set on the radio: gain, frequency, antenna, bandwidth, rate, time source.

use crate::arguments::Rates;

/// The sum of the gains, dB, at which samples are untouched: LNA 16, VGA 20.
pub const NOMINAL_GAIN_DB: f64 = 36.0;

pub(crate) const GAINS: [Gain; 2] =
    [Gain { name: "LNA", max_db: 40.0, step_db: 8.0 }, Gain { name: "VGA", max_db: 62.0, step_db: 2.0 }];
pub(crate) const ANTENNAS: [&str; 2] = ["RX1", "RX2"];
pub(crate) const TIME_SOURCES: [&str; 2] = ["internal", "external"];
pub(crate) const SENSORS: [&str; 3] = ["lo_locked", "overflows", "lost_samples"];
pub(crate) const FREQUENCY_HZ: (f64, f64) = (1e6, 6e9);

/// A gain element, from 0 dB in steps.
pub(crate) struct Gain {
    pub(crate) name: &'static str,
    pub(crate) max_db: f64,
    pub(crate) step_db: f64,
}

/// Minimum, maximum, step.
pub(crate) type Span = (f64, f64, f64);

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    gains_db: [f64; GAINS.len()],
    pub(crate) frequency_hz: f64,
    antenna: usize,
    pub(crate) bandwidth_hz: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rates: Rates,
    pub(crate) rate_hz: f64,
    channels: Vec<Channel>,
    time_source: usize,
}

fn place<'a>(
    what: &str,
    name: &str,
    mut all: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, String> {
    all.clone().position(|one| one == name).ok_or_else(|| {
        let first = all.next().unwrap_or_default().to_owned();
        let expected = all.fold(first, |list, one| format!("{list}, {one}"));
        format!("{what} is '{name}', expected one of {expected}")
    })
}

fn gain(name: &str) -> Result<usize, String> {
    place("gain element", name, GAINS.iter().map(|gain| gain.name))
}

fn within(what: &str, hz: f64, (first, last): (f64, f64)) -> Result<f64, String> {
    if (first..=last).contains(&hz) {
        Ok(hz)
    } else {
        Err(format!("{what} is {hz} Hz, expected {first} to {last} Hz"))
    }
}

impl Settings {
    pub(crate) fn new(n_channels: usize, rates: Rates, rate_hz: f64, frequency_hz: f64) -> Self {
        let frequency_hz = frequency_hz.clamp(FREQUENCY_HZ.0, FREQUENCY_HZ.1);
        let bandwidth_hz = rate_hz.min(rates.ends().1);
        let channel = Channel { gains_db: [16.0, 20.0], frequency_hz, antenna: 0, bandwidth_hz };
        Self { rates, rate_hz, channels: vec![channel; n_channels], time_source: 0 }
    }

    pub(crate) fn n_channels(&self) -> usize {
        self.channels.len()
    }

    pub(crate) fn channel(&self, channel: usize) -> Result<&Channel, String> {
        let n = self.channels.len();
        self.channels.get(channel).ok_or_else(|| format!("channel is {channel}, expected 0 to {}", n - 1))
    }

    fn channel_mut(&mut self, channel: usize) -> Result<&mut Channel, String> {
        self.channel(channel)?;
        Ok(&mut self.channels[channel])
    }

    /// What samples of a channel are multiplied by.
    pub(crate) fn scale(&self, channel: usize) -> f32 {
        let sum: f64 =
            self.channels.get(channel).map_or(NOMINAL_GAIN_DB, |channel| channel.gains_db.iter().sum());
        10_f64.powf((sum - NOMINAL_GAIN_DB) / 20.0) as f32
    }

    pub(crate) fn gain_db(&self, channel: usize, name: &str) -> Result<f64, String> {
        Ok(self.channel(channel)?.gains_db[gain(name)?])
    }

    /// Takes the nearest step.
    pub(crate) fn set_gain(&mut self, channel: usize, name: &str, db: f64) -> Result<(), String> {
        let element = gain(name)?;
        if !db.is_finite() {
            return Err(format!("gain {name} is {db} dB, expected a number"));
        }
        let Gain { max_db, step_db, .. } = GAINS[element];
        self.channel_mut(channel)?.gains_db[element] = ((db / step_db).round() * step_db).clamp(0.0, max_db);
        Ok(())
    }

    pub(crate) fn gain_span(name: &str) -> Result<Span, String> {
        let Gain { max_db, step_db, .. } = GAINS[gain(name)?];
        Ok((0.0, max_db, step_db))
    }

    pub(crate) fn set_frequency(&mut self, channel: usize, hz: f64) -> Result<(), String> {
        self.channel_mut(channel)?.frequency_hz = within("frequency", hz, FREQUENCY_HZ)?;
        Ok(())
    }

    pub(crate) fn set_bandwidth(&mut self, channel: usize, hz: f64) -> Result<(), String> {
        // 0 is "as the sample rate" for many radios.
        let hz = if hz.abs() > 0.0 { within("bandwidth", hz, self.rates.ends())? } else { self.rate_hz };
        self.channel_mut(channel)?.bandwidth_hz = hz;
        Ok(())
    }

    pub(crate) fn set_rate(&mut self, hz: f64) -> Result<(), String> {
        self.rate_hz = self.rates.nearest(hz)?;
        Ok(())
    }

    pub(crate) fn rate_spans(&self) -> Vec<Span> {
        match &self.rates {
            Rates::Between(first, last) => vec![(*first, *last, 0.0)],
            Rates::List(rates) => rates.iter().map(|rate| (*rate, *rate, 0.0)).collect(),
        }
    }

    pub(crate) fn antenna(&self, channel: usize) -> Result<&'static str, String> {
        Ok(ANTENNAS[self.channel(channel)?.antenna])
    }

    pub(crate) fn set_antenna(&mut self, channel: usize, name: &str) -> Result<(), String> {
        self.channel_mut(channel)?.antenna = place("antenna", name, ANTENNAS.iter().copied())?;
        Ok(())
    }

    pub(crate) fn time_source(&self) -> &'static str {
        TIME_SOURCES[self.time_source]
    }

    pub(crate) fn set_time_source(&mut self, name: &str) -> Result<(), String> {
        self.time_source = place("time source", name, TIME_SOURCES.iter().copied())?;
        Ok(())
    }
}
