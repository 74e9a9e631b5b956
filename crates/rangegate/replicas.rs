//! Replicas at the rate of a stream, from the configuration.

use crate::config::{CutConfig, ReplicaConfig, What};
use anyhow::{Context, Result, bail};
use rangegate_core::{Complex32, IqBlock};
use rangegate_dsp::convert::Converter;
use rangegate_dsp::waveform::Replica;

/// Longest replica that is read from a recording, samples.
const MAX_SAMPLES: usize = 1 << 24;

/// Builds every replica at a sample rate.
///
/// # Errors
/// A waveform's parameter is out of range at this rate, a recording cannot be read, two names are the same.
pub fn build(configs: &[ReplicaConfig], sample_rate_hz: f64) -> Result<Vec<Replica>> {
    let mut replicas: Vec<Replica> = Vec::with_capacity(configs.len());
    for config in configs {
        if replicas.iter().any(|replica| *replica.name == *config.name) {
            bail!("two replicas are named '{}'", config.name);
        }
        let replica = build_one(config, sample_rate_hz);
        replicas.push(replica.with_context(|| format!("replica '{}'", config.name))?);
    }
    Ok(replicas)
}

fn build_one(config: &ReplicaConfig, sample_rate_hz: f64) -> Result<Replica> {
    Ok(match &config.what {
        What::Waveform(waveform) => waveform.replica(config.name.as_str(), sample_rate_hz)?,
        What::Recording(cut) => {
            let (samples, rate_hz) = read_cut(cut)?;
            Replica::from_samples(config.name.as_str(), samples, rate_hz, sample_rate_hz)?
        }
    })
}

fn read_cut(config: &CutConfig) -> Result<(Vec<Complex32>, f64)> {
    let path = config.source.recording.as_ref().context("source.recording is missing")?;
    let mut recording = rangegate_recording::open(path, &config.source.open_options())?;
    let info = recording.info().clone();
    if config.channel >= info.n_channels {
        bail!("channel is {}, but {} has {} channels", config.channel, path.display(), info.n_channels);
    }
    let available = info.end_sample - info.first_sample;
    if config.first_sample >= available {
        bail!("first_sample is {}, but {} has {available} samples", config.first_sample, path.display());
    }
    let to_end = usize::try_from(available - config.first_sample).unwrap_or(usize::MAX);
    let wanted = config.n_samples.unwrap_or(to_end);
    if wanted > to_end || wanted > MAX_SAMPLES || wanted == 0 {
        let most = to_end.min(MAX_SAMPLES);
        bail!(
            "n_samples is {wanted}, expected 1 to {most} (what follows first_sample, at most {MAX_SAMPLES})"
        );
    }
    let converter = Converter::new(info.sample_format, config.source.to_baseband(), info.sample_rate)?;
    let mut block = IqBlock::default();
    let mut cut = vec![Complex32::default(); wanted];
    let mut have = 0;
    while have < wanted {
        let at = info.first_sample + config.first_sample + have as u64;
        if !recording.read(at, wanted - have, &mut block)? || block.header.first_sample != at {
            bail!("{} has a gap at sample {at}, inside the replica", path.display());
        }
        block.truncate(wanted - have);
        let n = block.n_samples();
        let bad = converter.convert(&block, config.channel, 0..n, &mut cut[have..have + n]);
        if bad > 0 {
            bail!(
                "{} has {bad} samples that are no finite numbers, or beyond 1e15, inside the replica",
                path.display()
            );
        }
        have += n;
    }
    Ok((cut, info.sample_rate.hz()))
}
