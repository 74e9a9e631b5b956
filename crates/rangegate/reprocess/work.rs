//! A worker process: jobs come in on standard input, how they went goes out on standard output.
//!
//! In: length (u32 LE) and [`Job`]. Out, lines of text: `segments N` now and then, at last `done` or `failed REASON`.
//! A worker knows no queue, so that nothing of one is lost when it dies.

use super::identity::identity;
use super::job::{Job, configuration_path};
use super::mirror::{self, Mirror};
use super::piece::{Piece, PieceWriter};
use super::{reach, survey};
use crate::chain::segment_plan;
use crate::commands::sentence;
use crate::config;
use crate::plan::Plan;
use anyhow::{Context, Result, bail};
use rangegate_core::Segment;
use rangegate_dsp::chain::{ChainWorker, SegmentResult};
use rangegate_pipeline::Stop;
use rangegate_sources::{ReplaySource, Segmenter};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a worker says that it goes on.
const NEWS: Duration = Duration::from_millis(200);
/// Longest job.
const MAX_JOB: u32 = 1 << 20;

/// What works on pieces of one recording, with all its memory.
pub struct Bench {
    of: (String, String, String),
    segmenter: Segmenter<ReplaySource>,
    worker: ChainWorker,
    segment: Segment,
    result: SegmentResult,
}

impl Bench {
    /// For a job and others of its recording.
    ///
    /// # Errors
    /// The recording or the configuration is not what the job says, or cannot be read.
    pub fn new(job: &Job, mirror: &Mirror) -> Result<Self> {
        let path = mirror.local(&job.recording);
        let mut config = config::load(&configuration_path(&job.out, &job.configuration))?;
        let lacks_samples = mirror.fetch_outline(&path, &config.source.open_options())?;
        if identity(&path)? != job.identity {
            bail!("{} is not what it was when the work was planned", path.display());
        }
        config.source.recording = Some(path);
        if lacks_samples && let Some((file, bytes)) = reach::bytes(job, &config)? {
            mirror.fetch(&file, bytes)?;
        }
        let (plan, source) = survey::open(config, &Stop::new())?;
        Self::of(job, &plan, source)
    }

    fn of(job: &Job, plan: &Plan, source: ReplaySource) -> Result<Self> {
        let segmenter = Segmenter::new(source, segment_plan(&plan.chain))?;
        let (core_len, lead, tail) = plan.chain.core_lead_tail();
        let mut worker = plan.chain.make_worker();
        worker.reserve(&plan.stream, core_len + lead + tail);
        Ok(Self {
            of: Self::key(job),
            segment: segmenter.make_segment(),
            segmenter,
            worker,
            result: plan.chain.make_result(),
        })
    }

    fn key(job: &Job) -> (String, String, String) {
        (job.identity.sha256.clone(), job.configuration.clone(), job.recording.clone())
    }

    /// Whether it can do a job: one of this recording and configuration. What is fetched for a job is not written into
    /// a file that this process has mapped, so that of S3 each has a bench of its own.
    pub fn is_for(&self, job: &Job) -> bool {
        self.of == Self::key(job) && !mirror::is_address(Path::new(&job.recording))
    }

    /// Works on the segments of a job until `news`, which hears how many are done, says no. False: it said so.
    ///
    /// # Errors
    /// The recording cannot be read, or `take` fails.
    pub fn work(
        &mut self,
        job: &Job,
        mut take: impl FnMut(&SegmentResult) -> Result<()>,
        mut news: impl FnMut(u64) -> Result<bool>,
    ) -> Result<bool> {
        let (first, end) = (job.place.sequence, job.end);
        self.segmenter.go_to(&job.place).map_err(anyhow::Error::from_boxed)?;
        loop {
            let segment = &mut self.segment;
            let more = self.segmenter.next_segment(segment).map_err(anyhow::Error::from_boxed)?;
            if more && segment.sequence < end {
                self.worker.process(segment, &mut self.result);
                take(&self.result)?;
                if news(segment.sequence - first)? {
                    continue;
                }
                return Ok(false);
            }
            let next = if more { segment.sequence } else { self.segmenter.counts().segments };
            if next < end {
                bail!("{}: ends before segment {end}: it is not what it was", job.recording);
            }
            return Ok(true);
        }
    }
}

/// Does a job, unless its result is there. False: it was given up.
///
/// # Errors
/// What is wrong with the recording, or with the place of results.
pub fn perform(
    bench: &mut Option<Bench>,
    job: &Job,
    mirror: &Mirror,
    news: impl FnMut(u64) -> Result<bool>,
) -> Result<bool> {
    if Piece::is_there(job) {
        return Ok(true);
    }
    let mut at_work = match bench.take().filter(|bench| bench.is_for(job)) {
        Some(bench) => bench,
        None => Bench::new(job, mirror)?,
    };
    let mut writer = PieceWriter::new(job)?;
    let whole = at_work.work(job, |result| writer.push(result), news)?;
    if whole {
        writer.finish()?;
    }
    *bench = Some(at_work);
    Ok(whole)
}

/// Does jobs until there are no more, or whoever gives them is gone. Those of S3 it does in `mirror`.
///
/// # Errors
/// Nobody listens any more.
pub fn serve(mut jobs: impl Read, mut answers: impl Write, mirror: &Mirror) -> Result<()> {
    let mut bench = None;
    let parent = parent_id();
    while let Some(bytes) = next_job(&mut jobs)? {
        let mut told = Instant::now();
        let done = Job::decode(&bytes).and_then(|job| {
            perform(&mut bench, &job, mirror, |n| {
                if told.elapsed() >= NEWS {
                    told = Instant::now();
                    writeln!(answers, "segments {n}").and_then(|()| answers.flush())?;
                }
                // Without its parent the process has no more to do: whoever goes on does so from what is there.
                Ok(parent_id() == parent)
            })
        });
        match done {
            Ok(true) => writeln!(answers, "done")?,
            Ok(false) => return Ok(()),
            Err(error) => {
                let reason = mirror.say(&sentence(&error)).replace(['\n', '\r'], " ");
                writeln!(answers, "failed {reason}")?;
            }
        }
        answers.flush()?;
    }
    Ok(())
}

fn parent_id() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    0
}

fn next_job(jobs: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match jobs.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error).context("cannot read a job"),
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_JOB {
        bail!("a job has {length} bytes, expected at most {MAX_JOB}");
    }
    let mut bytes = vec![0; length as usize];
    jobs.read_exact(&mut bytes).context("cannot read a job")?;
    Ok(Some(bytes))
}

/// Hands a job to a worker.
///
/// # Errors
/// It is gone.
pub fn hand(job: &[u8], worker: &mut impl Write) -> std::io::Result<()> {
    worker.write_all(&(job.len() as u32).to_le_bytes())?;
    worker.write_all(job)?;
    worker.flush()
}
