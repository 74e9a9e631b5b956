//! What the command line says of a radio, put over the configuration.

use crate::cli::si;
use crate::config::SourceConfig;
use anyhow::{Context, Result, bail};
use rangegate_core::SampleFormat;
use rangegate_sources::radio::RadioConfig;

/// Which radio, and what it is to do.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RadioArgs {
    /// The radio, as SoapySDR names it, such as driver=hackrf or driver=uhd,serial=30F41A2; see `rangegate devices`
    #[arg(short, long, value_name = "ARGS")]
    pub device: Option<String>,

    /// Samples a second, such as 20M
    #[arg(short, long, value_name = "HZ", value_parser = si)]
    pub rate: Option<f64>,

    /// Frequency to tune to, such as 1090M
    #[arg(short, long, value_name = "HZ", value_parser = si)]
    pub freq: Option<f64>,

    /// Gain in dB, or stage by stage as LNA=24,VGA=20, or `auto`
    #[arg(short, long, value_name = "DB", value_delimiter = ',', allow_negative_numbers = true)]
    pub gain: Vec<String>,

    /// Which antenna
    #[arg(long, value_name = "NAME")]
    pub antenna: Option<String>,

    /// Width of the radio's filter
    #[arg(long, value_name = "HZ", value_parser = si)]
    pub bandwidth: Option<f64>,

    /// Which channels of the radio, such as 0,1
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub channels: Vec<usize>,

    /// How samples come from the radio: cs8, cs16, cf32; default: as it takes them
    #[arg(long, value_name = "FORMAT")]
    pub sample_format: Option<SampleFormat>,

    /// What its clock runs by, such as external or gpsdo
    #[arg(long, value_name = "NAME")]
    pub clock_source: Option<String>,

    /// What sets its time
    #[arg(long, value_name = "NAME")]
    pub time_source: Option<String>,

    /// A setting that only this radio has; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub setting: Vec<(String, String)>,

    /// An argument of its stream, such as remote:prot=tcp; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub stream_arg: Vec<(String, String)>,

    /// Signal that is held in memory while disk or workers are late, s
    #[arg(long, value_name = "SECONDS")]
    pub buffer: Option<f64>,

    /// Wait so long for a radio that was lost, instead of ending
    #[arg(long, value_name = "SECONDS")]
    pub reconnect: Option<f64>,
}

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

/// `KEY=VALUE`.
fn key_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "expected KEY=VALUE".to_owned())
}
