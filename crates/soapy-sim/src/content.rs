//! What the radio hears: stored samples, or a scene that is made on the way, by position in the stream.

use crate::arguments::Arguments;
use crate::scene::Making;
use rangegate_core::{IqBlock, SampleFormat, Source};
use rangegate_recording::Recording;
use rangegate_scene::{Scene, SceneSource};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Samples that are read at a time where a recording cannot be mapped.
const READ_SAMPLES: usize = 1 << 16;
/// Length of the built-in noise.
const NOISE_SAMPLES: usize = 1 << 20;

/// What is known of it before it is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) format: SampleFormat,
    pub(crate) n_channels: usize,
    pub(crate) rate_hz: f64,
    pub(crate) center_frequency_hz: Option<f64>,
}

/// What stands at a position.
pub(crate) enum Piece<'a> {
    /// These samples of the block.
    Samples(&'a IqBlock, Range<usize>),
    /// So many samples were not recorded.
    Gap(u64),
}

/// What can be read now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// Everything up to this position, and nothing yet from it on.
    pub(crate) to: u64,
    /// Nothing comes behind it.
    pub(crate) ended: bool,
}

pub(crate) enum Content {
    Stored(Stored),
    Scene(Making),
}

impl Content {
    pub(crate) fn open(arguments: &Arguments) -> Result<(Self, About), String> {
        let looped = arguments.looped;
        if let Some(path) = &arguments.scene {
            let scene = open_scene(path)?;
            let about = about_scene(&scene);
            return Ok((Self::Scene(Making::new(Arc::new(scene), looped)), about));
        }
        let Some(path) = &arguments.recording else { return noise(arguments) };
        let recording =
            rangegate_recording::open(path, &arguments.open).map_err(|error| error.to_string())?;
        let info = recording.info();
        if info.end_sample <= info.first_sample {
            return Err(format!("recording {} is empty, expected at least one sample", path.display()));
        }
        let about = About {
            format: info.sample_format,
            n_channels: info.n_channels,
            rate_hz: info.sample_rate.hz(),
            center_frequency_hz: info.center_frequency_hz,
        };
        let samples = info.first_sample..info.end_sample;
        let held = IqBlock::default();
        Ok((Self::Stored(Stored { recording: Some(recording), samples, looped, held }), about))
    }

    /// Begins a stream at position 0; a scene is made ahead by at least `ahead` samples where there is time to.
    pub(crate) fn begin(&mut self, ahead: u64) -> Result<(), String> {
        match self {
            Self::Stored(_) => Ok(()),
            Self::Scene(making) => making.begin(ahead),
        }
    }

    /// What can be read from `at` on. What lies before `at` is forgotten.
    pub(crate) fn ready(&mut self, at: u64) -> Ready {
        match self {
            Self::Stored(stored) if stored.looped => Ready { to: u64::MAX, ended: false },
            Self::Stored(stored) => Ready { to: stored.length(), ended: true },
            Self::Scene(making) => making.ready(at),
        }
    }

    /// What stands at position `at`, which is ready; a gap of up to `max` samples.
    pub(crate) fn piece(&mut self, at: u64, max: u64) -> Result<Piece<'_>, String> {
        match self {
            Self::Stored(stored) => stored.piece(at, max),
            Self::Scene(making) => making.piece(at, max),
        }
    }
}

/// A recording, or a block in memory.
pub(crate) struct Stored {
    recording: Option<Box<dyn Recording>>,
    /// Absolute indices.
    samples: Range<u64>,
    looped: bool,
    /// What was read last: of a mapped recording all that lies together.
    held: IqBlock,
}

impl Stored {
    fn length(&self) -> u64 {
        self.samples.end - self.samples.start
    }

    fn piece(&mut self, at: u64, max: u64) -> Result<Piece<'_>, String> {
        let index = self.samples.start + at % self.length();
        let holds = |held: &IqBlock| (held.header.first_sample..held.end_sample()).contains(&index);
        if !holds(&self.held) {
            let found = match &mut self.recording {
                Some(recording) => recording.read(index, READ_SAMPLES, &mut self.held),
                None => Ok(false),
            };
            if !found.map_err(|error| error.to_string())? {
                return Ok(Piece::Gap(max.min(self.samples.end - index)));
            }
        }
        let first = self.held.header.first_sample;
        if first > index {
            return Ok(Piece::Gap(max.min(first - index)));
        }
        if !holds(&self.held) {
            return Err(format!("the recording has no sample {index}"));
        }
        let skipped = (index - first) as usize;
        let n = (self.held.n_samples() - skipped).min(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(Piece::Samples(&self.held, skipped..skipped + n))
    }
}

fn open_scene(path: &Path) -> Result<Scene, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("scene {}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Scene::from_toml(&text).map_err(|error| wrong(&error))
}

fn about_scene(scene: &Scene) -> About {
    let info = scene.info();
    About {
        format: info.format,
        n_channels: info.n_channels,
        rate_hz: info.sample_rate.hz(),
        center_frequency_hz: info.center_frequency_hz,
    }
}

/// Noise with tones that fit into it a whole number of times, so that it can be looped.
fn noise(arguments: &Arguments) -> Result<(Content, About), String> {
    let rate_hz = arguments.rate_hz.unwrap_or_else(|| {
        let (first, last) = arguments.rates.ends();
        2e6_f64.clamp(first, last)
    });
    let tone_hz = |share: f64| (share * NOISE_SAMPLES as f64).round() / NOISE_SAMPLES as f64 * rate_hz;
    let duration_s = NOISE_SAMPLES as f64 / rate_hz;
    let scene = Scene::from_toml(&format!(
        "sample_rate_hz = {rate_hz:e}\nformat = 'cs16'\nn_channels = {}\nduration_s = {duration_s:e}\nseed = 1\n\
         noise_power_db = -40\n\
         [[interference]]\ntype = 'tone'\nfrequency_hz = {:e}\npower_db = -20\n\
         [[interference]]\ntype = 'tone'\nfrequency_hz = {:e}\npower_db = -35\n",
        arguments.n_channels.unwrap_or(1),
        tone_hz(0.1),
        tone_hz(-0.23),
    ))
    .map_err(|error| format!("built-in noise: {error}"))?;
    let about = about_scene(&scene);
    let mut held = IqBlock::default();
    let mut source = SceneSource::new(Arc::new(scene), NOISE_SAMPLES);
    source.next_block(&mut held).map_err(|error| format!("built-in noise: {error}"))?;
    let samples = held.header.first_sample..held.end_sample();
    Ok((Content::Stored(Stored { recording: None, samples, looped: arguments.looped, held }), about))
}
