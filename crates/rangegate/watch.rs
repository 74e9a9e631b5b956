//! A run that is watched while it goes on: what leaves the line for whoever looks on, which is dropped (and counted)
//! rather than waited for, and how the replay of a recording is held up.

mod control;

pub use control::{Control, Ended, Gated};

use crate::chain::Worker;
use crate::plan::Plan;
use rangegate_core::{BoxError, Detection, Segment, Timestamp};
use rangegate_dsp::chain::{Chain, Extras, Overview, SegmentResult};
use rangegate_dsp::range_doppler::PowerMap;
use rangegate_pipeline::{Lease, Receiver, Sender, Tap, TapCounts, Work, lane, tap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Cells of the largest map that is watched: each slot of a run holds one.
const MAX_CELLS: usize = 1 << 22;
/// Items that may be under way to the views.
const MAPS: usize = 2;
const PARTS: usize = 64;
const DETECTIONS: usize = 4096;
const TRACK_LINES: usize = 4096;
/// |x|² from which a part of the stream is clipped.
const CLIPPED: f32 = 0.98;
/// How often the level is measured where nobody looks.
const LEVEL_EVERY: Duration = Duration::from_secs(1);
/// Jobs whose time is remembered until they are done.
const TIMED: usize = 4096;

/// What somebody wants to see; a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Maps.
    Map = 1,
    /// Range profiles, or slices of a continuous wave: all of them.
    Rows = 2,
    /// Spectrum and power.
    Overview = 4,
}

/// What a watched run counts, and what is wanted of it. Outlives the run: a recording may be played again.
pub struct Shared {
    started: Instant,
    wanted: AtomicU32,
    /// Time from map to map, and from overview to overview.
    interval_us: AtomicU64,
    map_due_us: AtomicU64,
    overview_due_us: AtomicU64,
    /// Time at work of the feed, the drain, and each worker, ns.
    pub(crate) feed_ns: AtomicU64,
    pub(crate) drain_ns: AtomicU64,
    pub(crate) worker_ns: Vec<AtomicU64>,
    pub(crate) jobs_fed: AtomicU64,
    pub(crate) jobs_done: AtomicU64,
    /// When jobs were fed, µs, by their number.
    fed_us: Vec<AtomicU64>,
    pub(crate) latency_us: AtomicU64,
    pub(crate) samples: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
    pub(crate) detections: AtomicU64,
    pub(crate) offered: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) clipped: AtomicU64,
    /// Mean power, as bits; what has none has not been measured.
    pub(crate) level: AtomicU32,
    pub(crate) has_level: AtomicBool,
    /// Holds up the feed.
    pub control: Control,
}

impl Shared {
    /// Nothing counted, nothing wanted.
    pub fn new(n_workers: usize, control: Control) -> Self {
        let many = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        Self {
            started: Instant::now(),
            wanted: AtomicU32::new(0),
            interval_us: AtomicU64::new(33_000),
            map_due_us: AtomicU64::new(0),
            overview_due_us: AtomicU64::new(0),
            feed_ns: AtomicU64::new(0),
            drain_ns: AtomicU64::new(0),
            worker_ns: many(n_workers),
            jobs_fed: AtomicU64::new(0),
            jobs_done: AtomicU64::new(0),
            fed_us: many(TIMED),
            latency_us: AtomicU64::new(0),
            samples: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            lost_samples: AtomicU64::new(0),
            detections: AtomicU64::new(0),
            offered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            clipped: AtomicU64::new(0),
            level: AtomicU32::new(0),
            has_level: AtomicBool::new(false),
            control,
        }
    }

    /// Says what somebody wants to see, and how often.
    pub fn want(&self, wanted: u32, interval: Duration) {
        self.wanted.store(wanted, Relaxed);
        self.interval_us.store(interval.as_micros() as u64, Relaxed);
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    fn is_wanted(&self, what: Wanted) -> bool {
        self.wanted.load(Relaxed) & what as u32 != 0
    }

    /// Whether something is due, to one who asks; the next is an interval later.
    fn is_due(&self, due_us: &AtomicU64, interval_us: u64) -> bool {
        let (now_us, due) = (self.now_us(), due_us.load(Relaxed));
        // On the grid, where it is kept to.
        let next = due.max(now_us.saturating_sub(interval_us)) + interval_us;
        now_us >= due && due_us.compare_exchange(due, next, Relaxed, Relaxed).is_ok()
    }

    /// What of the next result is made.
    fn extras(&self, always: Extras) -> Extras {
        let interval_us = self.interval_us.load(Relaxed);
        let overview_us =
            if self.is_wanted(Wanted::Overview) { interval_us } else { LEVEL_EVERY.as_micros() as u64 };
        Extras {
            overview: self.is_due(&self.overview_due_us, overview_us) || always.overview,
            range_profile: always.range_profile || self.is_wanted(Wanted::Rows),
            // While paused each step is shown.
            map: always.map
                || self.is_wanted(Wanted::Map)
                    && (self.is_due(&self.map_due_us, interval_us) || self.control.is_stepping()),
        }
    }

    pub(crate) fn fed(&self) {
        let number = self.jobs_fed.fetch_add(1, Relaxed);
        self.fed_us[number as usize % TIMED].store(self.now_us(), Relaxed);
    }

    fn done(&self) {
        let number = self.jobs_done.fetch_add(1, Relaxed);
        let fed_us = self.fed_us[number as usize % TIMED].load(Relaxed);
        self.latency_us.store(self.now_us().saturating_sub(fed_us), Relaxed);
    }

    /// A run began anew: jobs that were under way when it was ended are no more.
    pub(crate) fn begin_round(&self) {
        self.jobs_done.store(self.jobs_fed.load(Relaxed), Relaxed);
    }
}

/// A worker that makes what is wanted, and says how long it works.
pub struct WatchedWorker {
    worker: Worker,
    watch: Option<(Arc<Shared>, usize, Extras)>,
}

impl WatchedWorker {
    /// Worker `number`, which makes `always` whoever looks on; watched or not.
    pub fn new(plan: &Plan, number: usize, watch: Option<&Watch>, always: Extras) -> Self {
        let watch = watch.map(|watch| (Arc::clone(&watch.shared), number, always));
        Self { worker: Worker::new(&plan.chain, &plan.stream), watch }
    }
}

impl Work<Segment, SegmentResult> for WatchedWorker {
    fn run(&mut self, segment: &Segment, result: &mut SegmentResult) -> Result<(), BoxError> {
        let Some((shared, number, always)) = &self.watch else { return self.worker.run(segment, result) };
        result.extras = shared.extras(*always);
        let began = Instant::now();
        let done = self.worker.run(segment, result);
        shared.worker_ns[*number].fetch_add(began.elapsed().as_nanos() as u64, Relaxed);
        done
    }
}

/// The map of a look.
#[derive(Default)]
pub struct MapPart {
    /// First sample of the look, and its time.
    pub sample: u64,
    /// See `sample`.
    pub time: Option<Timestamp>,
    /// The map.
    pub map: PowerMap,
}

/// What a segment shows besides its map.
#[derive(Default)]
pub struct Part {
    /// First sample of the core, and its time.
    pub sample: u64,
    /// See `sample`.
    pub time: Option<Timestamp>,
    /// Length of the core, samples.
    pub n_samples: usize,
    /// A look was worked on, or slices.
    pub is_look: bool,
    /// Greatest power by range, where it was asked for.
    pub range_profile: Vec<f32>,
    /// Mean spectrum of the core; empty where none was asked for.
    pub spectrum: Vec<f32>,
    /// Greatest power of each part of the core, likewise.
    pub peaks: Vec<f32>,
    /// Slices of a continuous-wave radar: first samples, and powers one after the other.
    pub slice_samples: Vec<u64>,
    /// See `slice_samples`.
    pub slice_powers: Vec<f32>,
}

/// The end at which the line offers.
pub struct Watch {
    /// What is counted.
    pub shared: Arc<Shared>,
    maps: Option<Tap<MapPart>>,
    parts: Tap<Part>,
    detections: Tap<Option<(u64, Detection)>>,
    n_detections: u64,
    tracks: Option<Sender<String>>,
    counts: TapCounts,
    stream: rangegate_core::StreamInfo,
    next_sample: Option<u64>,
}

/// The end at which it is seen.
pub struct Watching {
    /// Maps.
    pub maps: Option<Receiver<Lease<MapPart>>>,
    /// Whatever else segments show.
    pub parts: Receiver<Lease<Part>>,
    /// Detections, and their lines in the log, from 0.
    pub detections: Receiver<Lease<Option<(u64, Detection)>>>,
    /// Lines of `tracks.jsonl`.
    pub tracks: Receiver<String>,
}

/// Whether the maps of a plan are watched.
pub fn has_maps(plan: &Plan) -> bool {
    match &plan.chain {
        Chain::PulseDoppler(radar) => {
            radar.maps().next().is_some_and(|map| map.n_doppler() * map.n_gates() <= MAX_CELLS)
        }
        _ => false,
    }
}

/// Gives a result room for what may be wanted.
pub fn make_room(plan: &Plan, result: &mut SegmentResult) {
    if let (true, None, Chain::PulseDoppler(radar)) = (has_maps(plan), &result.look.map, &plan.chain) {
        result.look.map = radar.maps().next().map(|map| map.make_map());
    }
}

/// Watches a run: what the line gets, and what looks on.
pub fn watch(plan: &Plan, shared: &Arc<Shared>) -> (Watch, Watching) {
    let core_len = plan.chain.core_lead_tail().0;
    let maps = match &plan.chain {
        Chain::PulseDoppler(radar) if has_maps(plan) => {
            radar.maps().next().map(|map| tap(MAPS, || MapPart { map: map.make_map(), ..MapPart::default() }))
        }
        _ => None,
    };
    let (maps_in, maps_out) = maps.unzip();
    let (parts_in, parts_out) = tap(PARTS, || Part {
        spectrum: Vec::with_capacity(Overview::N_BINS),
        peaks: Vec::with_capacity(core_len.div_ceil(Overview::PART)),
        ..Part::default()
    });
    let (detections_in, detections_out) = tap(DETECTIONS, || None);
    let (tracks_in, tracks_out) = lane(TRACK_LINES);
    shared.begin_round();
    let watch = Watch {
        shared: Arc::clone(shared),
        maps: maps_in,
        parts: parts_in,
        detections: detections_in,
        n_detections: 0,
        tracks: Some(tracks_in),
        counts: TapCounts::default(),
        stream: plan.stream.clone(),
        next_sample: None,
    };
    (watch, Watching { maps: maps_out, parts: parts_out, detections: detections_out, tracks: tracks_out })
}

impl Watch {
    /// What takes the lines of tracks; once.
    pub fn take_tracks(&mut self) -> Option<Sender<String>> {
        self.tracks.take()
    }

    /// Hands on what a segment shows, if there is room, and counts it.
    pub fn accept(&mut self, result: &SegmentResult) {
        self.shared.done();
        if result.set != 0 {
            return;
        }
        self.count(result);
        let rate = self.stream.sample_rate;
        let time_of = |sample| result.anchor.and_then(|anchor| anchor.time_of(sample, 0.0, rate));
        let look = &result.look;
        if let (Some(tap), Some(map), true, true) =
            (&mut self.maps, &look.map, result.extras.map, look.worked > 0)
        {
            tap.offer(|part| {
                (part.sample, part.time) = (look.first_sample, time_of(look.first_sample));
                part.map.clone_from(map);
            });
        }
        self.parts.offer(|part| {
            let slices = || result.cw.slices().iter().filter(|slice| slice.channel == 0);
            part.is_look = look.worked > 0 || slices().next().is_some();
            part.sample = if look.worked > 0 { look.first_sample } else { result.first_sample };
            (part.time, part.n_samples) = (time_of(part.sample), result.n_samples);
            part.range_profile.clone_from(&look.range_profile);
            part.peaks.clone_from(&result.overview.peak_power);
            mean_spectrum(&result.overview, &mut part.spectrum);
            part.slice_samples.clear();
            part.slice_powers.clear();
            for slice in slices() {
                part.slice_samples.push(slice.first_sample);
                part.slice_powers.extend_from_slice(&slice.power);
            }
        });
        self.tell_counts();
    }

    /// Hands on a detection, if there is room.
    pub fn detection(&mut self, detection: &Detection) {
        self.shared.detections.fetch_add(1, Relaxed);
        let number = self.n_detections;
        self.n_detections += 1;
        self.detections.offer(|place| *place = Some((number, detection.clone())));
    }

    fn count(&mut self, result: &SegmentResult) {
        let shared = &self.shared;
        shared.samples.fetch_add(result.n_samples as u64, Relaxed);
        if let Some(next) = self.next_sample.filter(|_| result.after_gap) {
            shared.gaps.fetch_add(1, Relaxed);
            shared.lost_samples.fetch_add(result.first_sample.saturating_sub(next), Relaxed);
        }
        self.next_sample = Some(result.first_sample + result.n_samples as u64);
        shared.control.at(result.first_sample + result.n_samples as u64);
        let powers = &result.overview.mean_power;
        if !powers.is_empty() {
            let mean = powers.iter().sum::<f32>() / powers.len() as f32;
            shared.level.store(mean.to_bits(), Relaxed);
            shared.has_level.store(true, Relaxed);
            let clipped = result.overview.peak_power.iter().filter(|peak| **peak >= CLIPPED).count();
            shared.clipped.fetch_add(clipped as u64, Relaxed);
        }
    }

    fn tell_counts(&mut self) {
        let maps = self.maps.as_ref().map_or(TapCounts::default(), Tap::counts);
        let all = [maps, self.parts.counts(), self.detections.counts()];
        let counts = all.iter().fold(TapCounts::default(), |sum, one| TapCounts {
            offered: sum.offered + one.offered,
            dropped: sum.dropped + one.dropped,
        });
        self.shared.offered.fetch_add(counts.offered - self.counts.offered, Relaxed);
        self.shared.dropped.fetch_add(counts.dropped - self.counts.dropped, Relaxed);
        self.counts = counts;
    }

    /// Items that found no room in this run.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped
    }
}

/// The mean over the parts of an overview; empty where there is none.
fn mean_spectrum(overview: &Overview, out: &mut Vec<f32>) {
    out.clear();
    let n_parts = overview.spectrum.len() / Overview::N_BINS;
    if n_parts == 0 {
        return;
    }
    out.resize(Overview::N_BINS, 0.0);
    for spectrum in overview.spectrum.chunks_exact(Overview::N_BINS) {
        out.iter_mut().zip(spectrum).for_each(|(sum, power)| *sum += power);
    }
    out.iter_mut().for_each(|sum| *sum /= n_parts as f32);
}
