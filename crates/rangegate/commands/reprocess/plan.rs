//! What is to be done: recordings, their segments, their pieces.

use super::args::{MAX_PIECES, ReprocessArgs, Shard};
use super::summary::Aside;
use crate::commands::sentence;
use crate::config::{self, Config, What};
use crate::plan;
use crate::reprocess::find::{self, Found, PIECES};
use crate::reprocess::identity::{Identity, hex, identity};
use crate::reprocess::job::{Common, Job, configuration_path, write_whole};
use crate::reprocess::mirror::{self, Mirror};
use crate::reprocess::piece::Piece;
use crate::reprocess::survey::{self, Survey, essence};
use anyhow::{Context, Result};
use rangegate_pipeline::Stop;
use rangegate_sources::{Repeat, Speed};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Samples of a piece where the user says nothing: seconds of work, so that little is lost with a worker, and enough
/// pieces that all workers end at about the same time.
const PIECE_SAMPLES: u64 = 1 << 22;

/// One recording.
pub struct Part {
    /// Which.
    pub found: Found,
    /// Its path, or its address in S3.
    pub called: String,
    /// What it is.
    pub identity: Identity,
    /// Its segments.
    pub survey: Survey,
    /// Its pieces, in order.
    pub jobs: Vec<Job>,
    /// The configuration with this recording as its source.
    pub config: Config,
}

/// All of it.
pub struct Work {
    /// What all jobs have in common.
    pub common: Common,
    /// The recordings that can be worked on.
    pub parts: Vec<Part>,
    /// Those that cannot, or not to their end.
    pub set_aside: Vec<Aside>,
    /// What is there of recordings in S3.
    pub mirror: Mirror,
}

impl Work {
    /// Looks at configuration and recordings. What is wrong with a recording is told of it, and hinders no other.
    ///
    /// # Errors
    /// The configuration is wrong, a recording that was named is not there, or the folder cannot be written.
    pub fn plan(args: &ReprocessArgs, stop: &Stop) -> Result<Self> {
        let path = args.config.as_deref().context("--config is missing")?;
        let out = std::path::absolute(args.out.as_deref().context("--out is missing")?)?;
        let mut config = config::load(path)?;
        plan::apply_window(&mut config.source, &args.window)?;
        (config.source.scene, config.source.radio) = (None, None);
        (config.source.speed, config.source.repeat) = (Speed::default(), Repeat::default());
        if config.output.maps {
            tracing::warn!("output.maps: reprocess saves no maps");
            config.output.maps = false;
        }
        let mirror = Mirror::new(&mirror_folder(args, &out)?);
        let named = local(&args.recordings, &mirror)?;
        if config.output.sigmf_annotations && named != args.recordings {
            tracing::warn!(
                "output.sigmf_annotations: there are none for recordings in S3, nor for others beside them"
            );
            config.output.sigmf_annotations = false;
        }
        let found = find::recordings(&named, &config.source.open_options(), &out, &mirror)?;
        let common = Common { configuration: save_configuration(&config, &out)?, out };
        let mut work = Self { common, parts: Vec::new(), set_aside: Vec::new(), mirror };
        for found in found {
            let mut config = config.clone();
            config.source.recording = Some(found.path.clone());
            let called = work.mirror.name(&found.path);
            match work.part(found, config, args, stop) {
                Ok(part) => {
                    work.set_aside.extend(part.survey.broken.clone().map(|r| Aside::of_recording(called, r)));
                    work.parts.push(part);
                }
                Err(error) if stop.is_set() => return Err(error),
                Err(error) => {
                    let reason = work.mirror.say(&sentence(&error));
                    work.set_aside.push(Aside::of_recording(called, reason));
                }
            }
        }
        Ok(work)
    }

    fn part(&self, found: Found, config: Config, args: &ReprocessArgs, stop: &Stop) -> Result<Part> {
        self.mirror.fetch_outline(&found.path, &config.source.open_options())?;
        let identity = identity(&found.path)?;
        let mut survey = self.survey(&found, &identity, &config, stop)?;
        for said in survey.losses.iter_mut().chain(&mut survey.broken) {
            *said = self.mirror.say(said);
        }
        let by_length = survey.counts.samples.div_ceil(PIECE_SAMPLES).min(MAX_PIECES.into());
        let n_pieces = args.pieces.map_or(by_length, u64::from).max(1) as usize;
        found.path.to_str().context("the path is no text")?;
        let called = self.mirror.name(&found.path);
        let job = |(place, end)| Job::new(&self.common, &found.name, called.clone(), &identity, place, end);
        let jobs = survey.pieces(n_pieces).into_iter().map(job).collect();
        Ok(Part { found, called, identity, survey, jobs, config })
    }

    /// The segments of a recording, which an earlier start may have counted.
    fn survey(&self, found: &Found, identity: &Identity, config: &Config, stop: &Stop) -> Result<Survey> {
        let mut hash = Sha256::new();
        for text in [env!("CARGO_PKG_VERSION"), &self.common.configuration, &identity.sha256] {
            hash.update(text);
        }
        let name = format!("survey-{}", &hex(&hash.finalize())[..16]);
        let path = self.common.out.join(PIECES).join(&found.name).join(name);
        let saved = std::fs::read(&path).ok().filter(|bytes| bytes.len() > 32);
        let saved = saved.and_then(|bytes| {
            let (body, sum) = bytes.split_at(bytes.len() - 32);
            (Sha256::digest(body)[..] == *sum).then(|| postcard::from_bytes::<Survey>(body).ok())?
        });
        if let Some(survey) = saved {
            return Ok(survey);
        }
        let (plan, source) = survey::open(config.clone(), stop)?;
        let survey = Survey::new(&plan, source, stop)?;
        // What could not be read may be readable the next time.
        if survey.broken.is_none() && survey.losses.is_empty() {
            let mut body = postcard::to_allocvec(&survey)?;
            let sum = Sha256::digest(&body);
            body.extend_from_slice(&sum);
            write_whole(&path, &body)?;
        }
        Ok(survey)
    }

    /// The pieces of a share.
    fn jobs(&self, shard: Option<Shard>) -> impl Iterator<Item = &Job> {
        let all = self.parts.iter().flat_map(|part| &part.jobs).enumerate();
        let is_ours = move |n: usize| shard.is_none_or(|shard| n % shard.of == shard.number);
        all.filter(move |(n, _)| is_ours(*n)).map(|(_, job)| job)
    }

    /// How many pieces there are.
    pub fn n_jobs(&self, shard: Option<Shard>) -> u64 {
        self.jobs(shard).count() as u64
    }

    /// The pieces that are not there yet.
    pub fn missing(&self, shard: Option<Shard>) -> Vec<&Job> {
        self.jobs(shard).filter(|job| !Piece::is_there(job)).collect()
    }
}

/// Where copies of objects are kept.
fn mirror_folder(args: &ReprocessArgs, out: &Path) -> Result<PathBuf> {
    Ok(match &args.cache {
        Some(folder) => std::path::absolute(folder)?,
        None => out.join(PIECES).join("s3"),
    })
}

/// What was named, as files and folders of this machine.
fn local(named: &[PathBuf], mirror: &Mirror) -> Result<Vec<PathBuf>> {
    let local = |named: &PathBuf| match named.to_str().filter(|_| mirror::is_address(named)) {
        Some(address) => mirror.list(address),
        None => Ok(named.clone()),
    };
    named.iter().map(local).collect()
}

/// Puts what decides about pieces of a configuration where workers find it, and gives its hash.
fn save_configuration(config: &Config, out: &Path) -> Result<String> {
    let mut config = essence(config);
    let mut hash = Sha256::new();
    for replica in &mut config.replicas {
        if let What::Recording(cut) = &mut replica.what
            && let Some(path) = &mut cut.source.recording
        {
            *path = std::path::absolute(&path)?;
            hash.update(identity(path)?.sha256);
        }
    }
    let text = toml::to_string(&config).context("the configuration cannot be written")?;
    hash.update(&text);
    let sha256 = hex(&hash.finalize());
    let path = configuration_path(out, &sha256);
    if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(sha256);
    }
    write_whole(&path, text.as_bytes())?;
    Ok(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_read_the_very_configuration() {
        let out = tempfile::tempdir().unwrap();
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let mut n = 0;
        for entry in std::fs::read_dir(configs).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let config = config::load(&path).unwrap();
            let sha256 = save_configuration(&config, out.path()).unwrap();
            let read = config::load(&configuration_path(out.path(), &sha256)).unwrap();
            // Texts of numbers that are read as they were written are the same only if the numbers are.
            let text = |config: &Config| serde_json::to_string(&essence(config)).unwrap();
            assert_eq!(text(&read), text(&config), "{}", path.display());
            assert_eq!(save_configuration(&read, out.path()).unwrap(), sha256);
            n += 1;
        }
        assert!(n > 10);
    }
}
