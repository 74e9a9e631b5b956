//! The configuration file, as it is written. Unknown fields are refused.

use crate::archiving::ArchiveConfig;
use crate::cli::RunnerKind;
use anyhow::{Context, Result, anyhow, bail};
use rangegate_core::{SampleFormat, Timestamp, ToBaseband};
use rangegate_dsp::burst::BurstConfig;
use rangegate_dsp::cw::CwConfig;
use rangegate_dsp::pulse_doppler::{FmcwChainConfig, PulseDopplerConfig};
use rangegate_dsp::waveform::Waveform;
use rangegate_recording::hdf5::Hdf5Options;
use rangegate_recording::npy::NpyOptions;
use rangegate_recording::wav::WavOptions;
use rangegate_recording::{Kind, OpenOptions};
use rangegate_sources::radio::RadioConfig;
use rangegate_sources::{Repeat, ReplayOptions, Speed, TimePoint};
use rangegate_tracking::TrackingConfig;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A whole configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// Where samples come from.
    #[serde(default)]
    pub source: SourceConfig,
    /// What to look for.
    #[serde(default, rename = "replica")]
    pub replicas: Vec<ReplicaConfig>,
    /// How to look for it.
    pub chain: ChainConfig,
    /// How targets are followed; without it they are not.
    pub tracking: Option<TrackingConfig>,
    /// How to run.
    #[serde(default)]
    pub run: RunConfig,
    /// What to write.
    #[serde(default)]
    pub output: OutputConfig,
    /// The archive that the run goes into; without it into none.
    pub archive: Option<ArchiveConfig>,
}

/// `[source]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Path of a recording, relative to the configuration.
    pub recording: Option<PathBuf>,
    /// Path of a scene, relative to the configuration.
    pub scene: Option<PathBuf>,
    /// A radio.
    pub radio: Option<RadioConfig>,
    /// Format, where looking at the recording is not to decide: `sigmf`, `digital_rf`, `hdf5`, `npy`, `wav`, `raw`.
    pub kind: Option<Kind>,
    /// How a sample is stored, for raw files: `cu8 cs8 cs16 cf32 i8 …`.
    pub sample_format: Option<SampleFormat>,
    /// Samples a second, Hz.
    pub sample_rate_hz: Option<f64>,
    /// Frequency the receiver was tuned to, Hz.
    pub center_frequency_hz: Option<f64>,
    /// When the first sample was taken.
    pub start_time: Option<Timestamp>,
    /// Interleaved channels of a raw file.
    pub n_channels: Option<usize>,
    /// Bytes to skip at the start of a raw file.
    pub header_bytes: Option<u64>,
    /// Which channel of a Digital RF recording that has several.
    pub channel: Option<String>,
    /// Read through buffers even where the file could be mapped.
    pub no_mmap: bool,
    /// What to read from a plain HDF5 file.
    pub hdf5: Hdf5Options,
    /// What the array of a `.npy` file is.
    pub npy: NpyOptions,
    /// What the channels of a WAV file are.
    pub wav: WavOptions,
    /// Q is stored before I.
    pub swap_iq: bool,
    /// The spectrum is mirrored: use I − jQ.
    pub conjugate: bool,
    /// Frequency that is mixed to zero, Hz.
    pub intermediate_frequency_hz: f64,
    /// The first sample at or after this is the first.
    pub from: Option<TimePoint>,
    /// Samples at and after this are left out.
    pub to: Option<TimePoint>,
    /// `"max"`, or a factor of real time.
    pub speed: Speed,
    /// How often, or `"forever"`.
    #[serde(rename = "loop")]
    pub repeat: Repeat,
}

impl SourceConfig {
    /// What the recording's reader needs to know.
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            kind: self.kind,
            sample_format: self.sample_format,
            sample_rate_hz: self.sample_rate_hz,
            center_frequency_hz: self.center_frequency_hz,
            start_time: self.start_time,
            n_channels: self.n_channels,
            header_bytes: self.header_bytes,
            channel: self.channel.clone(),
            no_mmap: self.no_mmap,
            hdf5: self.hdf5.clone(),
            npy: self.npy.clone(),
            wav: self.wav.clone(),
        }
    }

    /// Which part is replayed, how fast and how often.
    pub fn replay_options(&self) -> ReplayOptions {
        ReplayOptions { from: self.from, to: self.to, speed: self.speed, repeat: self.repeat }
    }

    /// What turns the stored numbers into baseband.
    pub fn to_baseband(&self) -> ToBaseband {
        ToBaseband {
            swap_iq: self.swap_iq,
            conjugate: self.conjugate,
            intermediate_frequency_hz: self.intermediate_frequency_hz,
        }
    }
}

/// `[[replica]]`: a name, and a waveform by its `type` and parameters, or `type = "recording"`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct ReplicaConfig {
    /// Name that detections carry.
    pub name: String,
    /// What is looked for.
    #[serde(flatten)]
    pub what: What,
}

/// What a replica is made from.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum What {
    /// A waveform by its definition.
    Waveform(Waveform),
    /// Samples cut out of a recording.
    Recording(Box<CutConfig>),
}

/// `type = "recording"`: a replica cut out of a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename = "recording")]
pub struct CutConfig {
    /// First sample, from the start of the recording.
    #[serde(default)]
    pub first_sample: u64,
    /// Number of samples; default: to the end.
    pub n_samples: Option<usize>,
    /// Channel that the samples are taken from, from 0.
    #[serde(default)]
    pub channel: usize,
    /// The recording, with the fields of `[source]`.
    pub source: SourceConfig,
}

impl TryFrom<toml::Table> for ReplicaConfig {
    type Error = String;

    fn try_from(mut table: toml::Table) -> Result<Self, String> {
        let name = match table.remove("name") {
            Some(toml::Value::String(name)) => name,
            other => return Err(format!("replica.name is {}, expected a text", shown(other.as_ref()))),
        };
        let what = match table.get("type") {
            Some(toml::Value::String(kind)) if kind == "recording" => table.try_into().map(What::Recording),
            Some(toml::Value::String(_)) => table.try_into().map(What::Waveform),
            other => return Err(format!("replica '{name}': type is {}, expected a text", shown(other))),
        };
        let what = what.map_err(|error| format!("replica '{name}': {}", error.message()))?;
        Ok(Self { name, what })
    }
}

fn shown(value: Option<&toml::Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), ToString::to_string)
}

/// `[chain]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChainConfig {
    /// A continuous stream against one or many replicas.
    Burst(BurstConfig),
    /// Pulses of a radar, integrated coherently.
    PulseDoppler(Box<PulseDopplerConfig>),
    /// Chirps of a swept radar.
    Fmcw(Box<FmcwChainConfig>),
    /// The tone of a continuous-wave radar: speeds.
    Cw(Box<CwConfig>),
}

/// `[run]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// Worker threads; default: one a core.
    pub threads: Option<u16>,
    /// Where the work runs.
    pub runner: Option<RunnerKind>,
    /// Cores that the workers are pinned to.
    pub pin: Option<Vec<usize>>,
}

/// `[output]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Draw plots.
    pub plots: bool,
    /// Write SigMF annotations beside a link to the samples.
    pub sigmf_annotations: bool,
    /// Save the range-Doppler map of every look, of the first dwell and channel.
    pub maps: bool,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { plots: true, sigmf_annotations: true, maps: false }
    }
}

/// Largest configuration that is read.
const MAX_BYTES: u64 = 4 << 20;

/// Most replicas that one table may stand for.
const MAX_EXPANDED: usize = 4096;

/// Reads a configuration. Paths in it become relative to where it lies.
///
/// # Errors
/// The file cannot be read, or is no configuration: the message names file, line and field.
pub fn load(path: &Path) -> Result<Config> {
    let text = read_text(path)?;
    let mut config = parse(&text).and_then(checked).with_context(|| format!("{}", path.display()))?;
    config.path = path.to_owned();
    let base = path.parent().unwrap_or(Path::new(""));
    relative_to(base, &mut config.source);
    if let Some(archive) = &mut config.archive {
        archive.path = base.join(&archive.path);
    }
    for replica in &mut config.replicas {
        if let What::Recording(cut) = &mut replica.what {
            relative_to(base, &mut cut.source);
        }
    }
    Ok(config)
}

/// Most worker threads.
pub const MAX_THREADS: u16 = 1024;

/// A configuration whose values are possible, whatever the stream.
fn checked(config: Config) -> Result<Config> {
    check_source("source", &config.source)?;
    for replica in &config.replicas {
        if replica.name.trim().is_empty() {
            bail!("replica.name is '{}', expected a name", replica.name);
        }
        if let What::Recording(cut) = &replica.what {
            check_source(&format!("replica '{}': source", replica.name), &cut.source)?;
        }
    }
    if let Some(threads) = config.run.threads.filter(|threads| !(1..=MAX_THREADS).contains(threads)) {
        bail!("run.threads is {threads}, expected 1 to {MAX_THREADS}");
    }
    if let Some(archive) = &config.archive {
        archive.check()?;
    }
    Ok(config)
}

fn check_source(name: &str, source: &SourceConfig) -> Result<()> {
    if let Some(hz) = source.sample_rate_hz.filter(|hz| !(hz.is_finite() && *hz > 0.0)) {
        bail!("{name}.sample_rate_hz is {hz:e}, expected a finite number above zero");
    }
    if let Some(hz) = source.center_frequency_hz.filter(|hz| !hz.is_finite()) {
        bail!("{name}.center_frequency_hz is {hz}, expected a finite number");
    }
    if let Some(radio) = &source.radio {
        radio.validate().map_err(|message| anyhow!("{name}.radio: {message}"))?;
    }
    if source.n_channels == Some(0) {
        bail!("{name}.n_channels is 0, expected 1 or more");
    }
    if !source.intermediate_frequency_hz.is_finite() {
        let hz = source.intermediate_frequency_hz;
        bail!("{name}.intermediate_frequency_hz is {hz}, expected a finite number");
    }
    Ok(())
}

/// Reads a text file that a person wrote, refusing what no person writes.
///
/// # Errors
/// It cannot be read, or is larger than 4 MB, or is no UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if size.is_dir() {
        bail!("{} is a folder, expected a TOML file", path.display());
    }
    if size.len() > MAX_BYTES {
        bail!("{} has {} bytes, expected a TOML file of at most {MAX_BYTES}", path.display(), size.len());
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn relative_to(base: &Path, source: &mut SourceConfig) {
    for path in [&mut source.recording, &mut source.scene].into_iter().flatten() {
        *path = base.join(&path);
    }
}

/// Parses the text of a configuration.
///
/// # Errors
/// It is no TOML, or a field is unknown, missing, or holds something else than it should.
pub fn parse(text: &str) -> Result<Config> {
    if !text.contains("for_each") {
        return Ok(toml::from_str(text)?);
    }
    let mut table: toml::Table = toml::from_str(text)?;
    if let Some(toml::Value::Array(replicas)) = table.get_mut("replica") {
        *replicas = expand_all(std::mem::take(replicas))?;
    }
    Ok(table.try_into()?)
}

fn expand_all(replicas: Vec<toml::Value>) -> Result<Vec<toml::Value>> {
    let mut expanded = Vec::new();
    for replica in replicas {
        expand(replica, &mut expanded)?;
        if expanded.len() > MAX_EXPANDED {
            bail!("more than {MAX_EXPANDED} replicas");
        }
    }
    Ok(expanded)
}

/// A replica with `for_each = { prn = "1-32" }` stands for one replica a value: the value goes into the field
/// of that name, and, with two digits at least, into `{prn}` in the name.
fn expand(mut replica: toml::Value, expanded: &mut Vec<toml::Value>) -> Result<()> {
    let Some(each) = replica.as_table_mut().and_then(|table| table.remove("for_each")) else {
        expanded.push(replica);
        return Ok(());
    };
    let each = each.as_table().filter(|each| each.len() == 1);
    let (field, values) = each
        .and_then(|each| each.iter().next())
        .ok_or_else(|| anyhow!("replica.for_each must be one field, such as {{ prn = \"1-32\" }}"))?;
    for value in integers(field, values)? {
        let mut one = replica.clone();
        if let Some(table) = one.as_table_mut() {
            table.insert(field.clone(), toml::Value::Integer(value));
            if let Some(toml::Value::String(name)) = table.get_mut("name") {
                *name = name.replace(&format!("{{{field}}}"), &format!("{value:02}"));
            }
        }
        expanded.push(one);
    }
    Ok(())
}

fn integers(field: &str, values: &toml::Value) -> Result<Vec<i64>> {
    let expected =
        || anyhow!("replica.for_each.{field} must be a range such as \"1-32\", or a list of integers");
    match values {
        toml::Value::String(range) => {
            let (first, last) = range.split_once('-').ok_or_else(expected)?;
            let first: i64 = first.trim().parse().map_err(|_| expected())?;
            let last: i64 = last.trim().parse().map_err(|_| expected())?;
            if first > last || last.saturating_sub(first) >= MAX_EXPANDED as i64 {
                bail!(
                    "replica.for_each.{field} is \"{range}\", expected a rising range of at most {MAX_EXPANDED}"
                );
            }
            Ok((first..=last).collect())
        }
        toml::Value::Array(list) => {
            list.iter().map(|value| value.as_integer().ok_or_else(expected)).collect()
        }
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPS: &str = r#"
        [[replica]]
        name = "gps-prn-{prn}"
        for_each = { prn = "1-32" }
        type = "gps_l1_ca"

        [chain]
        type = "burst"
        false_alarm_probability = 1e-3
        cfar = { type = "ca_cfar", guard = 4, training = 32 }
    "#;

    #[test]
    fn one_table_stands_for_all_satellites() {
        let config = parse(GPS).unwrap();
        assert_eq!(config.replicas.len(), 32);
        assert_eq!(config.replicas[4].name, "gps-prn-05");
        assert_eq!(serde_json::to_value(&config.replicas[4]).unwrap()["prn"], 5);
    }

    #[test]
    fn values_that_cannot_be_are_named() {
        for (wrong, expected) in [
            ("[source]\nsample_rate_hz = 0", "source.sample_rate_hz is 0"),
            ("[source]\nsample_rate_hz = inf", "source.sample_rate_hz is inf"),
            ("[source]\nn_channels = 0", "source.n_channels is 0"),
            ("[source]\nintermediate_frequency_hz = nan", "source.intermediate_frequency_hz is NaN"),
            ("[run]\nthreads = 0", "run.threads is 0"),
        ] {
            let message = format!("{:#}", parse(&format!("{GPS}\n{wrong}")).and_then(checked).unwrap_err());
            assert!(message.contains(expected), "{wrong}: {message}");
        }
        let unnamed = GPS.replace("gps-prn-{prn}", " ");
        assert!(parse(&unnamed).and_then(checked).unwrap_err().to_string().contains("expected a name"));
        parse(GPS).and_then(checked).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, expected) in [
            ("guard", "gaurd", "gaurd"),
            ("ca_cfar", "cfar", "cfar"),
            ("\"burst\"", "\"brust\"", "brust"),
            ("1-32", "32-1", "32-1"),
            ("prn = \"1-32\"", "prn = 1.5", "for_each.prn"),
            ("[chain]", "[chian]", "chian"),
            ("1e-3", "\"x\"", "x"),
        ] {
            let message = format!("{:#}", parse(&GPS.replace(from, to)).unwrap_err());
            assert!(message.contains(expected), "{from} -> {to}: {message}");
        }
    }
}
