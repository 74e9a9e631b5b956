//! What a job reads.

use super::job::Job;
use super::survey;
use crate::chain::segment_plan;
use crate::config::Config;
use anyhow::{Context, Result};
use rangegate_pipeline::Stop;
use rangegate_sources::{SegmentPlan, Segmenter};
use std::ops::Range;
use std::path::PathBuf;

/// The bytes in which the samples of a job's segments lie, with lead and tail; `None` where they do not lie in a row in
/// one file. The samples themselves need not be there.
///
/// # Errors
/// The recording cannot be opened, or is not the job's.
pub fn bytes(job: &Job, config: &Config) -> Result<Option<(PathBuf, Range<u64>)>> {
    let path = config.source.recording.as_ref().context("no recording")?;
    let recording = rangegate_recording::open(path, &config.source.open_options())?;
    Ok(recording.bytes_of(samples(job, config)?))
}

/// From the first sample of the first segment to the last of the last.
fn samples(job: &Job, config: &Config) -> Result<Range<u64>> {
    let (plan, source) = survey::open(config.clone(), &Stop::new())?;
    let one_set = SegmentPlan { n_sets: 1, ..segment_plan(&plan.chain) };
    let mut segmenter = Segmenter::new(source, one_set)?;
    let mut segment = segmenter.make_segment();
    segmenter.go_to(&job.place).map_err(anyhow::Error::from_boxed)?;
    let (mut first, mut end) = (u64::MAX, 0);
    while segmenter.next_segment(&mut segment).map_err(anyhow::Error::from_boxed)?
        && segment.sequence < job.end
    {
        first = first.min(segment.block.header.first_sample);
        end = end.max(segment.block.end_sample());
    }
    Ok(first..end)
}
