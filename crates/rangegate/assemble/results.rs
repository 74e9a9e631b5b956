//! What comes out of the chain, in order, and whom it is given to.

use crate::archiving::Archiving;
use crate::maps::SavedMaps;
use crate::pictures;
use crate::plan::Plan;
use crate::tracks::Follower;
use crate::watch::Watch;
use indicatif::ProgressBar;
use rangegate_core::{BoxError, Detection};
use rangegate_dsp::chain::{Collector, SegmentResult};
use rangegate_pipeline::Drain;
use rangegate_sinks::{DetectionWriter, Strongest, Trigger};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// Detections that the summary and the plots show.
pub const N_STRONGEST: usize = 10;

/// Results in the order of the stream: peaks become detections, and those go to the log. Nothing in here
/// allocates for a detection or a segment, but the HDF5 library for maps.
pub struct Results {
    pub(super) collector: Collector,
    pub(crate) log: DetectionWriter<Box<dyn Write + Send>>,
    /// Lines that have left memory.
    told: u64,
    pub(super) strongest: Strongest,
    pub(super) by_template: BTreeMap<Arc<str>, u64>,
    pub(super) bad_samples: u64,
    pub(super) peaks_dropped: u64,
    pub(super) overview: Option<pictures::OverviewTap>,
    pub(super) maps: Option<SavedMaps>,
    pub(crate) follower: Option<Follower>,
    /// Why nothing is followed any more.
    pub(crate) not_followed: Option<anyhow::Error>,
    pub(super) tap_drops: BTreeMap<String, u64>,
    pub(super) bar: ProgressBar,
    failed: Option<BoxError>,
    /// Pulled by detections of this signal-to-noise ratio, dB.
    pub(super) trigger: Option<(Trigger, f64)>,
    pub(super) archive: Option<Archiving>,
    pub(super) watch: Option<Watch>,
}

impl Results {
    /// Everything planned, nothing accepted.
    pub fn new(plan: &Plan, log: DetectionWriter<Box<dyn Write + Send>>) -> Self {
        Self {
            collector: plan.chain.make_collector(),
            log,
            told: 0,
            strongest: Strongest::new(N_STRONGEST),
            by_template: plan.template_names().map(|name| (name, 0)).collect(),
            bad_samples: 0,
            peaks_dropped: 0,
            overview: None,
            maps: None,
            follower: None,
            not_followed: None,
            tap_drops: BTreeMap::new(),
            bar: ProgressBar::hidden(),
            failed: None,
            trigger: None,
            archive: None,
            watch: None,
        }
    }

    /// Takes the result of a segment, or the end of the stream.
    pub(crate) fn emit(&mut self, finish: Option<&SegmentResult>) -> Result<(), BoxError> {
        let Self {
            collector,
            log,
            strongest,
            by_template,
            failed,
            trigger,
            follower,
            not_followed,
            archive,
            watch,
            ..
        } = self;
        let emit = |detection: &Detection| {
            // All that a run leaves holds the same digits.
            let detection = &detection.rounded();
            strongest.consider(detection);
            if let Some((trigger, least_db)) = trigger
                && detection.snr_db >= *least_db
            {
                trigger.at(detection.sample);
            }
            if let Some(count) = by_template.get_mut(&detection.template) {
                *count += 1;
            }
            if let Some(archive) = archive {
                archive.detection(detection);
            }
            if let Some(watch) = watch {
                watch.detection(detection);
            }
            if failed.is_none() {
                *failed = log.write(detection).err().map(Into::into);
            }
            if let Some(following) = follower {
                // What cannot be followed hinders no detection.
                if let Err(error) = following.push(detection) {
                    (*follower, *not_followed) = (None, Some(error));
                }
            }
        };
        match finish {
            Some(result) => collector.accept(result, emit),
            None => collector.finish(emit),
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Hands on what a segment had: whoever reads along sees it at once. A write a segment costs little.
    fn tell(&mut self) -> Result<(), BoxError> {
        if self.log.count() > self.told {
            self.log.flush()?;
            self.told = self.log.count();
        }
        Ok(())
    }
}

impl Drain<SegmentResult> for Results {
    fn accept(&mut self, result: &SegmentResult) -> Result<(), BoxError> {
        let began = self.watch.is_some().then(std::time::Instant::now);
        self.bad_samples += result.bad_samples;
        self.peaks_dropped += result.peaks_dropped;
        if result.set == 0 {
            if let Some(overview) = &mut self.overview {
                overview.offer(result);
            }
            self.bar.set_position(result.first_sample);
            if let Some(archive) = &mut self.archive {
                archive.progress(result.first_sample, self.bad_samples, self.peaks_dropped);
            }
        }
        if let Some(maps) = &mut self.maps {
            maps.accept(result)?;
        }
        let emitted = self.emit(Some(result)).and_then(|()| self.tell());
        if let (Some(watch), Some(began)) = (&mut self.watch, began) {
            watch.accept(result);
            let spent = began.elapsed().as_nanos() as u64;
            watch.shared.drain_ns.fetch_add(spent, std::sync::atomic::Ordering::Relaxed);
        }
        emitted
    }
}

/// Lets go of the tap to the plots at the end of its life, also where a panic ends it: what collects behind the tap
/// waits for that, and whoever joins it with it.
pub(super) struct Tapped<'a>(pub(super) &'a mut Results);

impl Drop for Tapped<'_> {
    fn drop(&mut self) {
        let dropped = self.0.overview.take().map(|tap| ("plots".to_owned(), tap.dropped()));
        self.0.tap_drops.extend(dropped);
        let dropped = self.0.watch.as_ref().map(|watch| ("web".to_owned(), watch.dropped()));
        self.0.tap_drops.extend(dropped);
    }
}
