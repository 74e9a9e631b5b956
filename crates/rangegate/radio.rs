//! What the command line says of a radio, put over the configuration.

use crate::cli::{CaptureArgs, HowArgs, RadioArgs, WindowArgs};
use crate::config::SourceConfig;
use anyhow::{Context, Result, bail};
use rangegate_sources::TimePoint;
use rangegate_sources::radio::RadioConfig;

impl RadioArgs {
    /// Makes this radio, set like this, the source.
    ///
    /// # Errors
    /// A gain cannot be understood, or no radio is named.
    pub fn apply(&self, source: &mut SourceConfig) -> Result<()> {
        (source.recording, source.scene) = (None, None);
        let mut radio = match (source.radio.take(), &self.device) {
            (Some(radio), None) => radio,
            (Some(radio), Some(device)) => RadioConfig { device: device.clone(), ..radio },
            (None, Some(device)) => RadioConfig::new(device),
            (None, None) => bail!("--device is missing: which radio; `rangegate devices` lists them"),
        };
        source.sample_rate_hz = self.rate.or(source.sample_rate_hz);
        source.center_frequency_hz = self.freq.or(source.center_frequency_hz);
        self.apply_gain(&mut radio)?;
        let or = |said: &Option<String>, before: Option<String>| said.clone().or(before);
        radio.antenna = or(&self.antenna, radio.antenna);
        radio.clock_source = or(&self.clock_source, radio.clock_source);
        radio.time_source = or(&self.time_source, radio.time_source);
        radio.bandwidth_hz = self.bandwidth.or(radio.bandwidth_hz);
        radio.sample_format = self.sample_format.or(radio.sample_format);
        radio.buffer_s = self.buffer.unwrap_or(radio.buffer_s);
        radio.reconnect_s = self.reconnect.unwrap_or(radio.reconnect_s);
        if !self.channels.is_empty() {
            radio.channels.clone_from(&self.channels);
        }
        radio.settings.extend(self.setting.iter().cloned());
        radio.stream_args.extend(self.stream_arg.iter().cloned());
        source.radio = Some(radio);
        Ok(())
    }

    fn apply_gain(&self, radio: &mut RadioConfig) -> Result<()> {
        if self.gain.is_empty() {
            return Ok(());
        }
        (radio.automatic_gain, radio.gain_db) = (false, None);
        radio.gains_db.clear();
        for gain in &self.gain {
            let decibels = |text: &str| {
                let db = text.parse::<f64>().ok().filter(|db| db.is_finite());
                db.with_context(|| format!("--gain {gain}: expected dB, as in 30 or LNA=24,VGA=20, or auto"))
            };
            match gain.split_once('=') {
                Some((stage, db)) => drop(radio.gains_db.insert(stage.to_owned(), decibels(db)?)),
                None if gain == "auto" => radio.automatic_gain = true,
                None => radio.gain_db = Some(decibels(gain)?),
            }
        }
        Ok(())
    }
}

impl CaptureArgs {
    /// How a configuration is run while the radio is recorded.
    pub fn how(&self) -> HowArgs {
        let nanos = |s: f64| TimePoint::FromStart { nanos: (s * 1e9) as _ };
        let to = self.record.duration.map(nanos);
        HowArgs {
            out: self.results.clone(),
            record: self.out.clone(),
            window: WindowArgs { to, ..WindowArgs::default() },
            json: self.json,
            ..HowArgs::default()
        }
    }
}
