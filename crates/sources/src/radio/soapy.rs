//! Devices through SoapySDR.

use super::reader::{Options, RadioSource, Receive, Received, Reopen};
use super::{ChannelSettings, RadioConfig, RadioError, RadioSettings};
use bytemuck::Pod;
use num_complex::Complex;
use rangegate_core::{SampleFormat, SampleRate, Scalar, StreamInfo, ToBaseband};
use rangegate_pipeline::Stop;
use soapysdr::{Args, Device, Direction, ErrorCode, Format, Range, RxStream, StreamSample};
use std::collections::BTreeMap;
use std::time::Duration;

const RX: Direction = Direction::Rx;
/// Samples that are asked for at once where the device does not say what it likes.
const USUAL_MTU: usize = 1 << 14;
/// Most samples that are asked for at once.
const MAX_READ: usize = 1 << 18;
/// A rate or frequency that differs by less is what was asked for.
const SAME: f64 = 1e-9;

/// A device that was found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Found {
    /// The arguments that open it.
    pub device: String,
    /// What its driver says of it.
    pub description: BTreeMap<String, String>,
    /// What it can do, or why that is not known.
    pub ability: Result<Ability, String>,
}

/// What a device can do.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Ability {
    /// What it calls itself.
    pub hardware: String,
    /// Channels that receive.
    pub n_channels: usize,
    /// Sample rates of the first channel.
    pub sample_rates: String,
    /// Frequencies.
    pub frequencies: String,
    /// Gain of each stage.
    pub gains: BTreeMap<String, String>,
    /// Antennas.
    pub antennas: Vec<String>,
    /// Formats of samples.
    pub formats: Vec<String>,
    /// The one that the device takes samples in.
    pub native_format: String,
    /// Filter widths.
    pub bandwidths: String,
    /// Whether samples come with the device's time.
    pub has_time: bool,
}

/// Finds the devices that match some arguments (all, if there are none) and asks each what it can do.
///
/// # Errors
/// SoapySDR cannot look for them.
pub fn devices(filter: &str) -> Result<Vec<Found>, RadioError> {
    soapysdr::configure_logging();
    let found = soapysdr::enumerate(filter).map_err(|e| told("cannot look for devices", &e))?;
    Ok(found.into_iter().map(describe).collect())
}

fn describe(args: Args) -> Found {
    let description: BTreeMap<String, String> = pairs(&args);
    let device = ["driver", "serial", "device_id", "remote", "remote:driver", "label"]
        .iter()
        .filter_map(|key| description.get(*key).map(|value| format!("{key}={value}")))
        .take_while(|pair| !pair.starts_with("label"))
        .collect::<Vec<_>>()
        .join(",");
    let ability = Device::new(args).and_then(|device| ability(&device)).map_err(|e| e.message);
    Found { device, description, ability }
}

fn ability(device: &Device) -> Result<Ability, soapysdr::Error> {
    let gain = |name: String| {
        let range = device.gain_element_range(RX, 0, name.as_str())?;
        Ok((name, text(&[range], "dB")))
    };
    Ok(Ability {
        hardware: device.hardware_key()?,
        n_channels: device.num_channels(RX)?,
        sample_rates: text(&device.get_sample_rate_range(RX, 0)?, "Hz"),
        frequencies: text(&device.frequency_range(RX, 0)?, "Hz"),
        gains: device.list_gains(RX, 0)?.into_iter().map(gain).collect::<Result<_, soapysdr::Error>>()?,
        antennas: device.antennas(RX, 0)?,
        formats: device.stream_formats(RX, 0)?.iter().map(ToString::to_string).collect(),
        native_format: device.native_stream_format(RX, 0)?.0.to_string(),
        bandwidths: text(&device.bandwidth_range(RX, 0)?, "Hz"),
        has_time: device.has_hardware_time(None)?,
    })
}

/// A device that was opened and told what to do.
pub struct Radio {
    device: Device,
    config: RadioConfig,
    rate: SampleRate,
    center_frequency_hz: f64,
    format: SampleFormat,
    settings: RadioSettings,
}

impl Radio {
    /// Opens a device, sets it, and reads back what it made of that.
    ///
    /// # Errors
    /// There is none, or it cannot do what it is told: with what it can.
    pub fn open(
        config: &RadioConfig,
        sample_rate_hz: f64,
        center_frequency_hz: f64,
    ) -> Result<Self, RadioError> {
        soapysdr::configure_logging();
        config.validate().map_err(|message| RadioError::new(format!("source.radio: {message}")))?;
        let name = &config.device;
        let wrong = |message: String| RadioError::new(format!("{name}: {message}"));
        let device =
            Device::new(name.as_str()).map_err(|error| match soapysdr::enumerate(name.as_str()) {
                Ok(found) if found.is_empty() => wrong(format!(
                    "no such device was found ({}); `rangegate devices` lists those that there are",
                    error.message
                )),
                _ => wrong(error.message),
            })?;
        let set = Setter { device: &device, config };
        set.all(sample_rate_hz, center_frequency_hz).map_err(wrong)?;
        let (format, full_scale) = set.format().map_err(wrong)?;
        let settings = set.read_back(format, full_scale).map_err(|e| wrong(e.message))?;
        let rate = SampleRate::from_hz(settings.sample_rate_hz).map_err(|e| wrong(e.to_string()))?;
        let tuned_hz = settings.channels.first().map_or(center_frequency_hz, |c| c.center_frequency_hz);
        Ok(Self { config: config.clone(), device, rate, center_frequency_hz: tuned_hz, format, settings })
    }

    /// What the device really does.
    pub fn settings(&self) -> &RadioSettings {
        &self.settings
    }

    /// Starts to receive, until `stop` is set, or for so many samples.
    ///
    /// # Errors
    /// The device gives no samples.
    pub fn start(
        self,
        to_baseband: ToBaseband,
        n_samples: Option<u64>,
        stop: Stop,
    ) -> Result<RadioSource, RadioError> {
        let name = self.config.device.clone();
        let wrong = |message: String| RadioError::new(format!("{name}: {message}"));
        let (radio, read_samples) = self.stream().map_err(wrong)?;
        let stream = StreamInfo {
            sample_rate: self.rate,
            n_channels: self.config.channels.len(),
            format: self.format,
            to_baseband,
            center_frequency_hz: Some(self.center_frequency_hz),
            first_sample: 0,
            anchor: None,
            n_samples,
            pulse_len: None,
        };
        let options = Options {
            time: self.config.time,
            read_samples,
            buffer_s: self.config.buffer_s,
            reconnect: Duration::from_secs_f64(self.config.reconnect_s),
            pin: self.config.pin,
            n_samples,
        };
        let (config, rate_hz, tuned_hz) = (self.config.clone(), self.rate.hz(), self.center_frequency_hz);
        let reopen: Reopen = Box::new(move || {
            let radio = Self::open(&config, rate_hz, tuned_hz).ok()?;
            // The stream keeps the device open.
            let (mut stream, _) = radio.stream().ok()?;
            stream.activate().ok().map(|()| stream)
        });
        RadioSource::start(radio, &stream, reopen, &options, stop).map_err(|e| wrong(e.to_string()))
    }

    /// Sets up a stream; how many samples it likes to give at once.
    fn stream(&self) -> Result<(Box<dyn Receive>, usize), String> {
        match self.format.scalar {
            Scalar::U8 => self.stream_of::<Complex<u8>>(),
            Scalar::I8 => self.stream_of::<Complex<i8>>(),
            Scalar::U16 => self.stream_of::<Complex<u16>>(),
            Scalar::I16 => self.stream_of::<Complex<i16>>(),
            Scalar::I32 => self.stream_of::<Complex<i32>>(),
            Scalar::F64 => self.stream_of::<Complex<f64>>(),
            _ => self.stream_of::<Complex<f32>>(),
        }
    }

    fn stream_of<E: StreamSample + Pod + Send>(&self) -> Result<(Box<dyn Receive>, usize), String> {
        let mut args = Args::new();
        for (key, value) in &self.config.stream_args {
            args.set(key.as_str(), value.as_str());
        }
        let failed = |e: soapysdr::Error| format!("cannot set up its stream: {}", e.message);
        let stream = self.device.rx_stream_args::<E, _>(&self.config.channels, args).map_err(failed)?;
        let read_samples = stream.mtu().unwrap_or(USUAL_MTU).clamp(1, MAX_READ);
        let scratch = vec![vec![E::zeroed(); read_samples]; self.config.channels.len()];
        let stream = Stream { stream, scratch, has_time: self.settings.has_time, last_ns: None };
        Ok((Box::new(stream), read_samples))
    }
}

/// Puts a configuration into a device.
struct Setter<'a> {
    device: &'a Device,
    config: &'a RadioConfig,
}

impl Setter<'_> {
    fn all(&self, sample_rate_hz: f64, center_frequency_hz: f64) -> Result<(), String> {
        let Self { device, config } = *self;
        let n_channels = device.num_channels(RX).map_err(|e| e.message)?;
        if let Some(channel) = config.channels.iter().find(|&&channel| channel >= n_channels) {
            return Err(format!("has no channel {channel}: it has {n_channels}, from 0 on"));
        }
        if let Some(name) = &config.clock_source {
            one_of("clock_source", name, &device.list_clock_sources().map_err(|e| e.message)?)?;
            device
                .set_clock_source(name.as_str())
                .map_err(|e| format!("clock_source {name}: {}", e.message))?;
        }
        if let Some(name) = &config.time_source {
            one_of("time_source", name, &device.list_time_sources().map_err(|e| e.message)?)?;
            device
                .set_time_source(name.as_str())
                .map_err(|e| format!("time_source {name}: {}", e.message))?;
        }
        for (key, value) in &config.settings {
            device
                .write_setting(key.as_str(), value.as_str())
                .map_err(|e| format!("settings.{key} = {value}: {}", e.message))?;
        }
        config
            .channels
            .iter()
            .try_for_each(|&channel| self.channel(channel, sample_rate_hz, center_frequency_hz))
    }

    fn channel(&self, channel: usize, rate_hz: f64, tuned_hz: f64) -> Result<(), String> {
        let Self { device, config } = *self;
        let failed = |what: &str, e: soapysdr::Error| format!("cannot set its {what}: {}", e.message);
        if let Some(antenna) = &config.antenna {
            one_of("antenna", antenna, &device.antennas(RX, channel).map_err(|e| e.message)?)?;
            device.set_antenna(RX, channel, antenna.as_str()).map_err(|e| failed("antenna", e))?;
        }
        within("sample rate", rate_hz, "Hz", &device.get_sample_rate_range(RX, channel).unwrap_or_default())?;
        device.set_sample_rate(RX, channel, rate_hz).map_err(|e| failed("sample rate", e))?;
        within("frequency", tuned_hz, "Hz", &device.frequency_range(RX, channel).unwrap_or_default())?;
        device.set_frequency(RX, channel, tuned_hz, ()).map_err(|e| failed("frequency", e))?;
        if let Some(hz) = config.bandwidth_hz {
            within("bandwidth", hz, "Hz", &device.bandwidth_range(RX, channel).unwrap_or_default())?;
            device.set_bandwidth(RX, channel, hz).map_err(|e| failed("bandwidth", e))?;
        }
        self.gain(channel)
    }

    fn gain(&self, channel: usize) -> Result<(), String> {
        let Self { device, config } = *self;
        let failed = |e: soapysdr::Error| format!("cannot set its gain: {}", e.message);
        let can_choose = device.has_gain_mode(RX, channel).unwrap_or(false);
        if config.automatic_gain && !can_choose {
            return Err("cannot set its gain by itself (automatic_gain)".to_owned());
        }
        let is_set = config.gain_db.is_some() || !config.gains_db.is_empty();
        if can_choose && (config.automatic_gain || is_set) {
            device.set_gain_mode(RX, channel, config.automatic_gain).map_err(failed)?;
        }
        if let Some(db) = config.gain_db {
            within("gain", db, "dB", device.gain_range(RX, channel).as_slice_or_none())?;
            device.set_gain(RX, channel, db).map_err(failed)?;
        }
        if config.gains_db.is_empty() {
            return Ok(());
        }
        let stages = device.list_gains(RX, channel).map_err(|e| e.message)?;
        for (stage, &db) in &config.gains_db {
            one_of("gain stage", stage, &stages)?;
            let range = device.gain_element_range(RX, channel, stage.as_str());
            within(&format!("gain {stage}"), db, "dB", range.as_slice_or_none())?;
            device.set_gain_element(RX, channel, stage.as_str(), db).map_err(failed)?;
        }
        Ok(())
    }

    /// The format that samples come in, and its full scale.
    fn format(&self) -> Result<(SampleFormat, f64), String> {
        let channel = self.config.channels[0];
        let (native, full_scale) = self.device.native_stream_format(RX, channel).map_err(|e| e.message)?;
        let offered = self.device.stream_formats(RX, channel).map_err(|e| e.message)?;
        let known: Vec<SampleFormat> = offered.iter().filter_map(from_soapy).collect();
        let Some(wanted) = self.config.sample_format else {
            // Twelve packed bits, and what else has no name here, come as 16 bits.
            let usual = from_soapy(&native).or_else(|| {
                [Scalar::I16, Scalar::F32].map(SampleFormat::complex).into_iter().find(|f| known.contains(f))
            });
            let format =
                usual.ok_or_else(|| format!("gives samples only as {offered:?}, none of which is read"))?;
            return Ok((format, scale(&native, full_scale, format)));
        };
        if !known.contains(&wanted) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            return Err(format!("does not give {wanted}, expected one of {}", known.join(", ")));
        }
        Ok((wanted, scale(&native, full_scale, wanted)))
    }

    fn read_back(&self, format: SampleFormat, full_scale: f64) -> Result<RadioSettings, soapysdr::Error> {
        let Self { device, config } = *self;
        let channel = |&channel: &usize| {
            let stages = device.list_gains(RX, channel)?.into_iter();
            let gains: Result<_, soapysdr::Error> =
                stages.map(|s| device.gain_element(RX, channel, s.as_str()).map(|db| (s, db))).collect();
            Ok(ChannelSettings {
                channel,
                center_frequency_hz: device.frequency(RX, channel)?,
                gain_db: device.gain(RX, channel)?,
                gains_db: gains?,
                automatic_gain: device.gain_mode(RX, channel).unwrap_or(false),
                antenna: device.antenna(RX, channel)?,
                bandwidth_hz: device.bandwidth(RX, channel)?,
            })
        };
        let mut about = pairs(&device.hardware_info()?);
        about.insert("hardware".to_owned(), device.hardware_key()?);
        Ok(RadioSettings {
            device: about,
            driver: device.driver_key()?,
            sample_rate_hz: device.sample_rate(RX, config.channels[0])?,
            sample_format: format.to_string(),
            full_scale,
            has_time: device.has_hardware_time(None)?,
            clock_source: device.get_clock_source().ok().filter(|name| !name.is_empty()),
            time_source: device.get_time_source().ok().filter(|name| !name.is_empty()),
            channels: config.channels.iter().map(channel).collect::<Result<_, soapysdr::Error>>()?,
        })
    }
}

/// A stream of one type of samples.
struct Stream<E: StreamSample> {
    stream: RxStream<E>,
    /// What was read last, channel by channel.
    scratch: Vec<Vec<E>>,
    has_time: bool,
    last_ns: Option<i64>,
}

impl<E: StreamSample + Pod + Send> Receive for Stream<E> {
    fn activate(&mut self) -> Result<(), String> {
        self.stream.activate(None).map_err(|e| format!("cannot start its stream: {}", e.message))
    }

    fn receive(&mut self, max_samples: usize, timeout: Duration) -> Received {
        let timeout_us = i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX);
        let read = match self.scratch.as_mut_slice() {
            [one] => self.stream.read(&mut [&mut one[..max_samples]], timeout_us),
            all => {
                let mut all: Vec<&mut [E]> = all.iter_mut().map(|one| &mut one[..max_samples]).collect();
                self.stream.read(&mut all, timeout_us)
            }
        };
        match read {
            Ok(n) => {
                // A driver that tells no time with these samples leaves the time before.
                let time_ns =
                    Some(self.stream.time_ns()).filter(|ns| self.has_time && self.last_ns != Some(*ns));
                self.last_ns = time_ns.or(self.last_ns);
                Received::Samples { n, time_ns }
            }
            Err(error) => match error.code {
                ErrorCode::Timeout => Received::TimedOut,
                ErrorCode::Overflow | ErrorCode::Corruption => Received::Overflow,
                ErrorCode::StreamError => Received::Failed(format!(
                    "gives no more samples, as when it is unplugged (stream error{})",
                    if error.message.is_empty() { String::new() } else { format!(": {}", error.message) }
                )),
                _ if error.message.is_empty() => Received::Failed(format!("reported {:?}", error.code)),
                _ => Received::Failed(format!("reported {:?}: {}", error.code, error.message)),
            },
        }
    }

    fn copy_to(&self, out: &mut [u8]) {
        if let [one] = self.scratch.as_slice() {
            out.copy_from_slice(&bytemuck::cast_slice(one)[..out.len()]);
            return;
        }
        let size = size_of::<E>();
        let frame = size * self.scratch.len();
        for (channel, samples) in self.scratch.iter().enumerate() {
            for (frame, sample) in out.chunks_exact_mut(frame).zip(samples) {
                frame[channel * size..][..size].copy_from_slice(bytemuck::bytes_of(sample));
            }
        }
    }
}

fn from_soapy(format: &Format) -> Option<SampleFormat> {
    let scalar = match format {
        Format::CU8 => Scalar::U8,
        Format::CS8 => Scalar::I8,
        Format::CU16 => Scalar::U16,
        Format::CS16 => Scalar::I16,
        Format::CS32 => Scalar::I32,
        Format::CF32 => Scalar::F32,
        Format::CF64 => Scalar::F64,
        _ => return None,
    };
    // The driver gives numbers in the order of this machine.
    let order = if cfg!(target_endian = "big") {
        rangegate_core::ByteOrder::Big
    } else {
        rangegate_core::ByteOrder::Little
    };
    Some(SampleFormat::complex(scalar).with_order(order))
}

/// Full scale of samples in a format: the device's own where that is the one, else what a conversion gives.
fn scale(native: &Format, native_scale: f64, format: SampleFormat) -> f64 {
    if from_soapy(native) == Some(format) || (*native == Format::CS12 && format.scalar == Scalar::I16) {
        return native_scale;
    }
    match format.scalar {
        Scalar::F32 | Scalar::F64 => 1.0,
        scalar => 2.0_f64.powi(8 * scalar.size() as i32 - 1),
    }
}

trait AsSlice {
    /// The range, or none where the device does not know it.
    fn as_slice_or_none(&self) -> &[Range];
}

impl AsSlice for Result<Range, soapysdr::Error> {
    fn as_slice_or_none(&self) -> &[Range] {
        self.as_ref().map_or(&[], std::slice::from_ref)
    }
}

/// Whether a value lies in one of the ranges; a device that tells none takes anything.
fn within(what: &str, value: f64, unit: &str, ranges: &[Range]) -> Result<(), String> {
    let slack = value.abs() * SAME;
    let fits = |r: &Range| (r.minimum - slack..=r.maximum + slack).contains(&value);
    if ranges.is_empty() || ranges.iter().any(fits) {
        return Ok(());
    }
    Err(format!("cannot do a {what} of {}, expected {}", number(value, unit), text(ranges, unit)))
}

fn one_of(what: &str, wanted: &str, known: &[String]) -> Result<(), String> {
    if known.iter().any(|name| name == wanted) {
        return Ok(());
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("has no {what} '{wanted}'; it has: {known}"))
}

/// Ranges as a person reads them: `2 MHz to 20 MHz, 25 MHz`.
fn text(ranges: &[Range], unit: &str) -> String {
    let one = |range: &Range| {
        let most = number(range.maximum, unit);
        if range.minimum >= range.maximum {
            most
        } else {
            format!("{} to {most}", number(range.minimum, unit))
        }
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A number with its unit and an SI prefix.
fn number(value: f64, unit: &str) -> String {
    let (scale, prefix) = match value.abs() {
        v if v >= 1e9 => (1e9, "G"),
        v if v >= 1e6 => (1e6, "M"),
        v if v >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{} {prefix}{unit}", value / scale)
}

fn pairs(args: &Args) -> BTreeMap<String, String> {
    args.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn told(what: &str, error: &soapysdr::Error) -> RadioError {
    RadioError::new(format!("{what}: {}", error.message))
}
