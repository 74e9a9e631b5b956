//! What a run will do: everything that the arguments and the configuration fix, checked before the first sample.

use crate::chain;
use crate::cli::{HowArgs, RunnerKind, WindowArgs, WorkArgs};
use crate::config::{ChainConfig, Config, RunConfig, SourceConfig};
use crate::replicas;
use anyhow::{Context, Result, anyhow, bail};
use rangegate_core::{Source, StreamInfo, Timestamp};
use rangegate_dsp::chain::{Chain, SegmentResult};
use rangegate_dsp::waveform::Replica;
use rangegate_pipeline::{Runner, Stop};
use rangegate_recording::{OpenOptions, RecordingInfo};
use rangegate_scene::{Scene, SceneConfig, SceneSource};
use rangegate_sources::ReplaySource;
use rangegate_sources::radio::{RadioConfig, RadioSettings};
use rangegate_tracking::TrackerPlan;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run, ready to begin.
pub struct Plan {
    /// The configuration with everything that the command line said.
    pub config: Config,
    /// What is fixed for the whole stream.
    pub stream: StreamInfo,
    /// What the recording says of itself; `None` for scenes.
    pub recording: Option<RecordingInfo>,
    /// What the radio really does; `None` for recordings and scenes.
    pub radio: Option<RadioSettings>,
    /// First index of the time window, and one past its last, in the first round.
    pub window: (u64, u64),
    /// The replicas at the stream's rate.
    pub replicas: Vec<Replica>,
    /// The chain with its transforms and thresholds.
    pub chain: Chain,
    /// Which threads do the work.
    pub runner: Runner,
}

impl Plan {
    /// Opens the source and plans the chain for it. The source is returned beside the plan: it is used once.
    ///
    /// # Errors
    /// Whatever can be wrong with a configuration or a recording before the first sample.
    pub fn new(config: Config, stop: &Stop) -> Result<(Self, Box<dyn Source>)> {
        let Opened { source, recording, radio, window } = open(&config.source, stop)?;
        let stream = source.info().clone();
        // From here on it is the configuration that does not fit.
        let (replicas, chain) = Self::fit(&config, &stream, recording.as_ref(), window)
            .with_context(|| config.path.display().to_string())?;
        let runner = runner(&config)?;
        Ok((Self { config, stream, recording, radio, window, replicas, chain, runner }, source))
    }

    /// Plans the chain for a recording that somebody else opened.
    ///
    /// # Errors
    /// The configuration does not fit.
    pub fn of_recording(
        config: Config,
        stream: StreamInfo,
        recording: RecordingInfo,
        window: (u64, u64),
    ) -> Result<Self> {
        let (replicas, chain) = Self::fit(&config, &stream, Some(&recording), window)
            .with_context(|| config.path.display().to_string())?;
        let runner = runner(&config)?;
        Ok(Self { config, stream, recording: Some(recording), radio: None, window, replicas, chain, runner })
    }

    /// What the configuration makes of a stream.
    fn fit(
        config: &Config,
        stream: &StreamInfo,
        recording: Option<&RecordingInfo>,
        window: (u64, u64),
    ) -> Result<(Vec<Replica>, Chain)> {
        let rate_hz = stream.sample_rate.hz();
        let shift_hz = stream.to_baseband.intermediate_frequency_hz;
        if shift_hz.abs() > rate_hz {
            bail!(
                "source.intermediate_frequency_hz is {shift_hz:e}, expected at most the sample rate, {rate_hz}"
            );
        }
        let replicas = replicas::build(&config.replicas, rate_hz)?;
        match (&config.chain, replicas.first()) {
            (ChainConfig::Burst(_) | ChainConfig::PulseDoppler(_), None) => {
                bail!("the configuration has no [[replica]]: there is nothing to look for")
            }
            (ChainConfig::Fmcw(_) | ChainConfig::Cw(_), Some(replica)) => bail!(
                "replica '{}' is of no use: this chain makes its own of what [chain] says of the transmitter",
                replica.name
            ),
            _ => {}
        }
        if let (true, ChainConfig::Burst(_) | ChainConfig::Cw(_)) = (config.output.maps, &config.chain) {
            bail!(
                "output.maps (--maps) is set, but this chain makes no range-Doppler maps: expected chain.type \
                 pulse_doppler or fmcw"
            );
        }
        if let Some(tracking) = &config.tracking {
            if let ChainConfig::Burst(_) | ChainConfig::Cw(_) = &config.chain {
                bail!(
                    "[tracking] is set, but this chain knows no ranges of CPIs: expected chain.type pulse_doppler or fmcw"
                );
            }
            TrackerPlan::new(tracking)?;
        }
        check_lengths(&config.source, stream, window, &replicas)?;
        let origin_sample = recording.map_or(stream.first_sample, |recording| recording.first_sample);
        let chain = match &config.chain {
            ChainConfig::Burst(burst) => Chain::burst(burst, stream, &replicas)?,
            ChainConfig::Cw(radar) => Chain::cw(radar, stream)?,
            ChainConfig::Fmcw(radar) => Chain::fmcw(radar, stream)?,
            ChainConfig::PulseDoppler(radar) => {
                check_carrier(radar.carrier_hz, stream);
                Chain::pulse_doppler(radar, stream, &replicas, origin_sample)?
            }
        };
        Ok((replicas, chain))
    }

    /// First index of the round in which a sample was played.
    pub fn round_start(&self, sample: u64) -> u64 {
        let (first, end) = self.window;
        sample - sample.saturating_sub(first) % (end - first).max(1)
    }

    /// What detections may name as their template.
    pub fn template_names(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        let radar = match &self.chain {
            Chain::PulseDoppler(radar) => Some(Arc::clone(radar.name())),
            Chain::Cw(_) => Some(rangegate_dsp::cw::TEMPLATE.into()),
            Chain::Stream(_) | Chain::Periodic(_) => None,
        };
        self.replicas.iter().map(|replica| Arc::clone(&replica.name)).chain(radar)
    }

    /// Path of what samples come from.
    pub fn source_name(&self) -> String {
        source_name(&self.config.source)
    }

    /// When the first sample was taken, where that is known.
    pub fn start_time(&self) -> Option<Timestamp> {
        let stream = &self.stream;
        stream.anchor.and_then(|anchor| anchor.time_of(stream.first_sample, 0.0, stream.sample_rate))
    }

    /// Where a worker puts what it finds, with room for the overview where plots are drawn, and for the map where maps
    /// are saved.
    pub fn make_result(&self, is_drawn: bool) -> SegmentResult {
        let mut result = self.chain.make_result();
        if is_drawn && !matches!(self.chain, Chain::Cw(_)) {
            result = result.with_overview(self.chain.core_lead_tail().0);
        }
        if let (true, Chain::PulseDoppler(radar)) = (self.config.output.maps, &self.chain) {
            result.look.map = radar.maps().next().map(|map| map.make_map());
        }
        result
    }

    /// The plan in figures, for `plan` and for the report.
    pub fn summary(&self) -> Summary {
        let rate_hz = self.stream.sample_rate.hz();
        let replica = |replica: &Replica| ReplicaSummary {
            name: replica.name.to_string(),
            n_samples: replica.samples.len(),
            duration_s: replica.samples.len() as f64 / rate_hz,
        };
        Summary {
            source: source_name(&self.config.source),
            sample_rate_hz: rate_hz,
            sample_format: self.stream.format.to_string(),
            n_channels: self.stream.n_channels,
            first_sample: self.stream.first_sample,
            start_time: self.start_time(),
            n_samples: self.stream.n_samples,
            mapped: self.recording.as_ref().is_some_and(|recording| recording.mapped),
            replicas: self.replicas.iter().map(replica).collect(),
            chain: chain::summary(&self.chain),
            runner: self.runner.clone(),
        }
    }
}

/// What a plan comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Where samples come from.
    pub source: String,
    /// Samples a second and channel, Hz.
    pub sample_rate_hz: f64,
    /// How one sample is stored.
    pub sample_format: String,
    /// Coherent channels.
    pub n_channels: usize,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// When it was taken, where that is known.
    pub start_time: Option<Timestamp>,
    /// Samples a channel, where that is known.
    pub n_samples: Option<u64>,
    /// Whether samples are read from mapped memory.
    pub mapped: bool,
    /// What is looked for.
    pub replicas: Vec<ReplicaSummary>,
    /// How.
    pub chain: serde_json::Value,
    /// In which threads.
    pub runner: Runner,
}

/// One replica.
#[derive(Clone, Debug, Serialize)]
pub struct ReplicaSummary {
    /// Its name.
    pub name: String,
    /// Its length, samples.
    pub n_samples: usize,
    /// Its length, s.
    pub duration_s: f64,
}

/// Samples that a scene makes at a time.
const SCENE_BLOCK_SAMPLES: usize = 1 << 16;

/// A source, and what its recording says of itself.
pub struct Opened {
    /// The source.
    pub source: Box<dyn Source>,
    /// The recording, where there is one.
    pub recording: Option<RecordingInfo>,
    /// What the radio really does, where it is one.
    pub radio: Option<RadioSettings>,
    /// First index of the time window, and one past its last.
    pub window: (u64, u64),
}

/// Opens what `[source]` names.
///
/// # Errors
/// It names nothing or two things, or what it names cannot be opened.
pub fn open(config: &SourceConfig, stop: &Stop) -> Result<Opened> {
    match (&config.recording, &config.scene, &config.radio) {
        (Some(path), None, None) => {
            let recording = rangegate_recording::open(path, &config.open_options())?;
            let info = recording.info().clone();
            let source =
                ReplaySource::new(recording, &config.replay_options(), config.to_baseband(), stop.clone())?;
            let window = source.window();
            Ok(Opened { window, source: Box::new(source), recording: Some(info), radio: None })
        }
        (None, Some(path), None) => {
            let source = open_scene(config, path, stop)?;
            Ok(Opened { window: source.window(), source: Box::new(source), recording: None, radio: None })
        }
        (None, None, Some(_)) => open_radio_source(config, stop),
        (None, None, None) => bail!(
            "no source: give a recording, or put source.recording, source.scene or source.radio into the configuration"
        ),
        _ => bail!(
            "source.recording, source.scene and source.radio: more than one is set, expected one of them"
        ),
    }
}

fn open_scene(config: &SourceConfig, path: &Path, stop: &Stop) -> Result<ReplaySource> {
    let scene_config = read_scene(path)?;
    let scene = Scene::new(&scene_config).with_context(|| format!("{}", path.display()))?;
    let length = (scene_config.duration_s * scene.info().sample_rate.hz()).round();
    let (scene, options) = (Arc::new(scene), config.replay_options());
    let make =
        move || -> Box<dyn Source> { Box::new(SceneSource::new(Arc::clone(&scene), SCENE_BLOCK_SAMPLES)) };
    let end_sample = scene_config.first_sample.saturating_add(length as u64);
    let to_baseband = config.to_baseband();
    let path = path.to_owned();
    Ok(ReplaySource::of_made(make, end_sample, path, &options, to_baseband, stop.clone())?)
}

#[cfg(feature = "soapy")]
fn open_radio_source(config: &SourceConfig, stop: &Stop) -> Result<Opened> {
    use rangegate_sources::{Repeat, Speed, TimePoint};
    let (radio, rate_hz) = open_radio(config)?;
    let n_samples = match (config.from, config.to) {
        (None, None) => None,
        (None, Some(TimePoint::FromStart { nanos })) => Some((nanos as f64 * 1e-9 * rate_hz).round() as u64),
        _ => bail!("a radio is heard from now on: --from means nothing, and --to takes seconds"),
    };
    if config.speed != Speed::default() || config.repeat != Repeat::default() {
        bail!("a radio cannot be heard faster or again: --speed and --loop are for recordings");
    }
    let settings = radio.settings().clone();
    let source = radio.start(config.to_baseband(), n_samples, stop.clone())?;
    let first = source.info().first_sample;
    let window = (first, n_samples.map_or(u64::MAX, |n| first.saturating_add(n)));
    Ok(Opened { window, source: Box::new(source), recording: None, radio: Some(settings) })
}

#[cfg(not(feature = "soapy"))]
fn open_radio_source(_: &SourceConfig, _: &Stop) -> Result<Opened> {
    bail!(NO_SOAPY)
}

/// What a build without the library says.
pub const NO_SOAPY: &str = "this build has no SoapySDR: install it (Debian: libsoapysdr-dev) and build Rangegate with \
                            --features soapy";

/// Opens the radio of a source, and tells its sample rate, Hz.
///
/// # Errors
/// Rate or frequency are missing, or the radio cannot be opened or set.
#[cfg(feature = "soapy")]
pub fn open_radio(config: &SourceConfig) -> Result<(rangegate_sources::radio::Radio, f64)> {
    let radio =
        config.radio.as_ref().context("no radio: say which with --device; `rangegate devices` lists them")?;
    let rate_hz = config
        .sample_rate_hz
        .context("the sample rate is missing: source.sample_rate_hz, or --rate of `capture`")?;
    let tuned_hz = config
        .center_frequency_hz
        .context("the frequency is missing: source.center_frequency_hz, or --freq of `capture`")?;
    let radio = rangegate_sources::radio::Radio::open(radio, rate_hz, tuned_hz)?;
    let rate_hz = radio.settings().sample_rate_hz;
    Ok((radio, rate_hz))
}

/// Reads a scene as it is written.
///
/// # Errors
/// The file cannot be read, or is no scene.
pub fn read_scene(path: &Path) -> Result<SceneConfig> {
    let text = crate::config::read_text(path)?;
    toml::from_str(&text).with_context(|| format!("{}", path.display()))
}

/// Puts what the command line says of how to run over what the configuration says.
///
/// # Errors
/// `--format` or `--source` cannot be understood.
pub fn apply_how(config: &mut Config, how: &HowArgs) -> Result<()> {
    apply_window(&mut config.source, &how.window)?;
    config.source.speed = how.speed.unwrap_or(config.source.speed);
    config.source.repeat = how.repeat.unwrap_or(config.source.repeat);
    config.output.plots &= !how.no_plots;
    config.output.maps |= how.maps;
    if let Some(path) = &how.archive {
        config.archive.get_or_insert_default().path.clone_from(path);
    }
    if let Some(station) = &how.station {
        let archive =
            config.archive.as_mut().context("--station is of an archive: say which with --archive")?;
        archive.station = station.clone();
    }
    apply_work(&mut config.run, &how.work)
}

/// Puts `--threads`, `--runner` and `--pin` over the configuration.
///
/// # Errors
/// Threads for work that stays in one.
pub fn apply_work(run: &mut RunConfig, work: &WorkArgs) -> Result<()> {
    if let (Some(RunnerKind::Inline), Some(threads)) = (work.runner, work.threads) {
        bail!("--threads {threads} needs --runner threads: inline work has one");
    }
    run.threads = work.threads.or(run.threads);
    run.runner = work.runner.or(run.runner);
    if work.pin.is_some() {
        run.pin.clone_from(&work.pin);
    }
    Ok(())
}

/// Puts `--format`, `--channel`, `--from`, `--to` and `--no-mmap` over the configuration.
///
/// # Errors
/// `--format` cannot be understood, or there is none and the recording is plainly not of the configured format.
pub fn apply_window(source: &mut SourceConfig, window: &WindowArgs) -> Result<()> {
    if let Some(format) = &window.format {
        let said =
            OpenOptions::parse_format(format).map_err(|message| anyhow!("--format {format}: {message}"))?;
        source.kind = said.kind.or(source.kind);
        source.sample_format = said.sample_format.or(source.sample_format);
        source.sample_rate_hz = said.sample_rate_hz.or(source.sample_rate_hz);
    } else {
        check_kind(source)?;
    }
    if window.channel.is_some() {
        source.channel.clone_from(&window.channel);
    }
    source.from = window.from.or(source.from);
    source.to = window.to.or(source.to);
    source.no_mmap |= window.no_mmap;
    Ok(())
}

/// A format in the configuration is for another recording where this one plainly has its own.
fn check_kind(source: &SourceConfig) -> Result<()> {
    let (Some(path), Some(kind)) = (&source.recording, source.kind) else { return Ok(()) };
    match rangegate_recording::detect(path, &source.open_options()) {
        Ok(found) if found != kind => bail!(
            "{}: source.kind is '{}', but this is plainly '{}': say which with --format, or leave source.kind out",
            path.display(),
            kind.name(),
            found.name()
        ),
        // What cannot be told is for whoever opens it.
        _ => Ok(()),
    }
}

/// Takes samples from what `--source` names instead.
///
/// # Errors
/// It names a kind of source that does not exist.
pub fn apply_source(source: &mut SourceConfig, named: &str) -> Result<()> {
    (source.recording, source.scene) = (None, None);
    match named.split_once(':') {
        Some(("scene", path)) => source.scene = Some(PathBuf::from(path)),
        Some(("soapy", device)) => match &mut source.radio {
            Some(radio) => device.clone_into(&mut radio.device),
            None => source.radio = Some(RadioConfig::new(device)),
        },
        _ => source.recording = Some(PathBuf::from(named)),
    }
    if !named.starts_with("soapy:") {
        source.radio = None;
    }
    Ok(())
}

fn source_name(source: &SourceConfig) -> String {
    if let Some(radio) = &source.radio {
        return format!("soapy:{}", radio.device);
    }
    let path = source.recording.as_ref().or(source.scene.as_ref());
    path.map_or_else(String::new, |path| path.display().to_string())
}

fn runner(config: &Config) -> Result<Runner> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let pin = config.run.pin.clone();
    let default = pin.as_ref().map_or(cores, Vec::len);
    let workers = config.run.threads.map_or(default, usize::from);
    let runner = match config.run.runner.unwrap_or(RunnerKind::Threads) {
        RunnerKind::Inline if pin.is_some() => {
            bail!("--pin needs --runner threads: inline work stays where it is")
        }
        RunnerKind::Inline => Runner::Inline,
        RunnerKind::Threads => Runner::Threads { workers, pin },
    };
    runner.check()?;
    Ok(runner)
}

/// A carrier far from what the receiver was tuned to is probably mistyped, but may also be that before a mixer.
fn check_carrier(carrier_hz: Option<f64>, stream: &StreamInfo) {
    let (Some(carrier_hz), Some(tuned_hz)) = (carrier_hz, stream.center_frequency_hz) else { return };
    let half_hz = stream.sample_rate.hz() / 2.0;
    if (carrier_hz - tuned_hz).abs() > half_hz {
        tracing::warn!(
            "chain.carrier_hz is {carrier_hz:e}, but the receiver was tuned to {tuned_hz:e} ± {half_hz:e} Hz: range \
             rates go by chain.carrier_hz"
        );
    }
}

/// A replica that cannot lie in the recording, or in one of its pulses, is never found: better to say so.
fn check_lengths(
    source: &SourceConfig,
    stream: &StreamInfo,
    window: (u64, u64),
    replicas: &[Replica],
) -> Result<()> {
    let length = stream.n_samples.unwrap_or(window.1 - window.0);
    let pulse = stream.pulse_len.map(|len| len as u64);
    let limits = [(Some(length), "the recording has"), (pulse, "each pulse has")];
    for replica in replicas {
        let len = replica.samples.len() as u64;
        for (limit, whose) in limits {
            if let Some(limit) = limit.filter(|limit| *limit < len) {
                bail!(
                    "{}: replica '{}' is {len} samples long, but {whose} {limit} samples",
                    source_name(source),
                    replica.name
                );
            }
        }
    }
    Ok(())
}
