//! The segments of a recording, counted without working on them.

use crate::chain::segment_plan;
use crate::config::Config;
use crate::plan::Plan;
use anyhow::{Context, Result, anyhow};
use rangegate_core::Source;
use rangegate_pipeline::Stop;
use rangegate_sources::{Place, Repeat, ReplaySource, SegmentPlan, Segmenter, Speed, StreamCounts};
use serde::{Deserialize, Serialize};

/// Places that are kept at most; beyond that every second one goes.
const MOST_PLACES: usize = 8192;

/// What of a configuration decides what is found in a recording, and in which all the rest is nothing.
pub fn essence(config: &Config) -> Config {
    let mut config = config.clone();
    let source = &mut config.source;
    (source.recording, source.scene, source.radio) = (None, None, None);
    (source.speed, source.repeat) = (Speed::default(), Repeat::default());
    config.run = Default::default();
    config.output = Default::default();
    (config.tracking, config.archive) = (None, None);
    config
}

/// Opens the recording of a configuration.
///
/// # Errors
/// It cannot be opened, or the configuration does not fit.
pub fn open(config: Config, stop: &Stop) -> Result<(Plan, ReplaySource)> {
    let path = config.source.recording.as_ref().context("no recording")?;
    let recording = rangegate_recording::open(path, &config.source.open_options())?;
    let info = recording.info().clone();
    let (options, to_baseband) = (config.source.replay_options(), config.source.to_baseband());
    let source = ReplaySource::new(recording, &options, to_baseband, stop.clone())?;
    let plan = Plan::of_recording(config, source.info().clone(), info, source.window())?;
    Ok((plan, source))
}

/// The segments of a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Segments.
    pub n_segments: u64,
    /// What came through on the way.
    pub counts: StreamCounts,
    /// What could not be read.
    pub losses: Vec<String>,
    /// Where reading ended before the recording did, and why.
    pub broken: Option<String>,
    /// Segments from one place to the next.
    stride: u64,
    places: Vec<Place>,
}

impl Survey {
    /// Goes through a recording. Where that is mapped its samples are not touched.
    ///
    /// # Errors
    /// Segments are too long.
    pub fn new(plan: &Plan, source: ReplaySource, stop: &Stop) -> Result<Self> {
        let one_set = SegmentPlan { n_sets: 1, ..segment_plan(&plan.chain) };
        let mut segmenter = Segmenter::new(source, one_set)?;
        let mut segment = segmenter.make_segment();
        let mut survey = Self { stride: 1, ..Self::default() };
        loop {
            match segmenter.next_segment(&mut segment) {
                Ok(true) => survey.take(segmenter.place()),
                Ok(false) => break,
                Err(error) => {
                    survey.broken = Some(crate::commands::sentence(&anyhow::Error::from_boxed(error)));
                    break;
                }
            }
        }
        if stop.is_set() {
            return Err(anyhow!("stopped"));
        }
        survey.counts = segmenter.counts();
        survey.losses = segmenter.source().losses().to_vec();
        Ok(survey)
    }

    fn take(&mut self, place: Option<Place>) {
        if let Some(place) = place.filter(|place| place.sequence % self.stride == 0) {
            self.places.push(place);
            if self.places.len() > MOST_PLACES {
                self.stride *= 2;
                let stride = self.stride;
                self.places.retain(|place| place.sequence % stride == 0);
            }
        }
        self.n_segments += 1;
    }

    /// So many pieces, or as many as there can be: where each begins, and the number of the segment after it.
    pub fn pieces(&self, n: usize) -> Vec<(Place, u64)> {
        let n = n.min(self.places.len());
        let begin = |piece: usize| piece * self.places.len() / n;
        let cut = |piece: usize| {
            let end = self.places.get(begin(piece + 1)).map_or(self.n_segments, |place| place.sequence);
            (self.places[begin(piece)], end)
        };
        (0..n).map(cut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_one_another_from_the_first_segment_to_the_last() {
        for n_segments in [0, 1, 5, 64, 8192, 8193, 100_000] {
            let mut survey = Survey { stride: 1, ..Survey::default() };
            for sequence in 0..n_segments {
                survey.take(Some(Place { sequence, ..Place::default() }));
            }
            assert!(survey.places.len() <= MOST_PLACES);
            for n in [1, 3, 64, 5000] {
                let pieces = survey.pieces(n);
                assert!(pieces.len() == n.min(survey.places.len()), "{n_segments} in {n}");
                let mut next = 0;
                for (place, end) in pieces {
                    assert!(place.sequence == next && end > next, "{n_segments} in {n}");
                    next = end;
                }
                assert_eq!(next, n_segments);
            }
        }
    }
}
