//! Replays of a recording in memory: time window, speed, loop, seek, stop.

#![allow(clippy::single_range_in_vec_init)] // A recording of one piece is meant as it stands.

mod common;

use common::{FORMAT, bytes_of, interleaved, owned_block};
use rangegate_core::{
    BlockHeader, BoxError, IqBlock, SampleRate, Segment, Source, StreamInfo, TimeAnchor, ToBaseband,
};
use rangegate_pipeline::{Drain, Runner, Stop, Work};
use rangegate_recording::{Kind, Recording, RecordingInfo};
use rangegate_sources::{ReplayOptions, ReplaySource, SegmentPlan, Segmenter, TimePoint};
use std::ops::Range;
use std::time::{Duration, Instant};

const START: &str = "2026-11-22T10:00:00Z";
const RATE_HZ: u64 = 10_000;

/// A recording at 10 kHz that has the samples of some ranges.
struct Fake {
    info: RecordingInfo,
    pieces: Vec<Range<u64>>,
    losses: Vec<String>,
}

impl Fake {
    fn new(pieces: &[Range<u64>]) -> Self {
        let first_sample = pieces[0].start;
        let start_time = START.parse().unwrap();
        let info = RecordingInfo {
            path: "fake.sigmf-meta".into(),
            kind: Kind::Sigmf,
            sample_rate: SampleRate::new(RATE_HZ, 1).unwrap(),
            sample_format: FORMAT,
            n_channels: 1,
            first_sample,
            end_sample: pieces[pieces.len() - 1].end,
            n_samples: Some(pieces.iter().map(|piece| piece.end - piece.start).sum()),
            anchor: Some(TimeAnchor { sample: first_sample, time: start_time }),
            start_time: Some(start_time),
            center_frequency_hz: Some(1e9),
            pulse_len: None,
            mapped: false,
            annotations: Vec::new(),
            metadata: serde_json::Value::Null,
        };
        Self { info, pieces: pieces.to_vec(), losses: Vec::new() }
    }
}

impl Recording for Fake {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(
        &mut self,
        at: u64,
        max_samples: usize,
        block: &mut IqBlock,
    ) -> rangegate_recording::Result<bool> {
        let Some(piece) = self.pieces.iter().find(|piece| at < piece.end) else { return Ok(false) };
        let first_sample = at.max(piece.start);
        let n_samples = (piece.end - first_sample).min(max_samples as u64) as usize;
        let after_gap = first_sample == piece.start && first_sample > self.info.first_sample;
        if after_gap {
            self.losses = vec!["something is missing".to_owned()];
        }
        let header =
            BlockHeader { first_sample, after_gap, anchor: self.info.anchor, center_frequency_hz: Some(1e9) };
        *block = owned_block(header, n_samples, 1);
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }
}

fn options(json: &str) -> ReplayOptions {
    serde_json::from_str(json).unwrap()
}

fn replay(pieces: &[Range<u64>], json: &str) -> ReplaySource {
    ReplaySource::new(Box::new(Fake::new(pieces)), &options(json), ToBaseband::default(), Stop::new())
        .unwrap()
}

/// Ranges of indices as they were given out, each with `after_gap`; adjacent blocks are joined.
fn played(source: &mut ReplaySource) -> Vec<(Range<u64>, bool)> {
    let mut all: Vec<(Range<u64>, bool)> = Vec::new();
    let mut block = IqBlock::default();
    while source.next_block(&mut block).unwrap() {
        let BlockHeader { first_sample, after_gap, .. } = block.header;
        match all.last_mut() {
            Some((range, _)) if range.end == first_sample && !after_gap => range.end = block.end_sample(),
            _ => all.push((first_sample..block.end_sample(), after_gap)),
        }
    }
    all
}

#[test]
fn all_of_a_recording_with_its_gaps_and_losses() {
    let mut source = replay(&[100..5000, 5100..5200], "{}");
    assert_eq!((source.info().first_sample, source.info().n_samples), (100, Some(5000)));
    assert_eq!(played(&mut source), [(100..5000, false), (5100..5200, true)]);
    assert_eq!(source.losses().len(), 1);
}

#[test]
fn a_time_window_by_seconds_and_by_time() {
    let pieces = [1000..21_000];
    for (json, window) in [
        (r#"{"from":"500ms","to":1.25}"#, 6000..13_500),
        (r#"{"from":"2026-11-22T10:00:00.5Z","to":"2026-11-22T10:00:01.25Z"}"#, 6000..13_500),
        // Between two samples: the first at or after each bound.
        (r#"{"from":0.00005,"to":0.00015}"#, 1001..1002),
        (r#"{"to":"1h"}"#, 1000..21_000),
        (r#"{"from":"2020-01-01T00:00:00Z"}"#, 1000..21_000),
    ] {
        let mut source = replay(&pieces, json);
        assert_eq!(source.info().first_sample, window.start, "{json}");
        assert_eq!(played(&mut source), [(window, false)], "{json}");
    }
    let mut in_a_gap = replay(&[0..100, 200..300, 400..500], r#"{"from":0.015,"to":0.035}"#);
    assert_eq!(played(&mut in_a_gap), [(200..300, false)], "what comes first follows nothing");
    assert_eq!(in_a_gap.info().n_samples, None);
}

#[test]
fn windows_that_cannot_be_are_refused_with_both_sides() {
    let refuse = |fake: Fake, json: &str| {
        let made = ReplaySource::new(Box::new(fake), &options(json), ToBaseband::default(), Stop::new());
        made.err().unwrap().to_string()
    };
    let fake = || Fake::new(&[0..20_000]);
    let text = refuse(fake(), r#"{"from":"2s"}"#);
    assert!(text.contains("fake.sigmf-meta: 'from' is 2s") && text.contains("2 s long"), "{text}");
    assert!(refuse(fake(), r#"{"to":0}"#).contains("'to' is 0s"));
    assert!(refuse(fake(), r#"{"from":1,"to":0.5}"#).contains("'to' is 0.5s"));
    assert!(refuse(fake(), r#"{"from":1,"to":1}"#).contains("at least one sample after"));
    let mut undated = fake();
    undated.info.anchor = None;
    assert!(refuse(undated, r#"{"to":"2026-11-22T10:00:01Z"}"#).contains("does not say when it was made"));
}

#[test]
fn each_round_goes_on_where_the_window_before_it_ended() {
    let mut source = replay(&[1000..21_000], r#"{"from":0.1,"to":0.2,"loop":3}"#);
    assert_eq!(played(&mut source), [(2000..3000, false), (3000..4000, true), (4000..5000, true)]);
    assert_eq!(replay(&[0..100], r#"{"loop":3}"#).info().n_samples, Some(300));
    let mut with_gap = replay(&[0..100, 150..200], r#"{"loop":2}"#);
    assert_eq!(
        played(&mut with_gap),
        [(0..100, false), (150..200, true), (200..300, true), (350..400, true)]
    );
}

#[test]
fn for_ever_is_until_it_is_stopped_and_never_for_nothing() {
    let stop = Stop::new();
    let fake = Box::new(Fake::new(&[0..100, 200..300]));
    let mut source =
        ReplaySource::new(fake, &options(r#"{"loop":"forever"}"#), ToBaseband::default(), stop.clone())
            .unwrap();
    let mut block = IqBlock::default();
    for round in 0..1000 {
        for first in [0, 200] {
            assert!(source.next_block(&mut block).unwrap());
            assert_eq!(block.header.first_sample, round * 300 + first);
            assert_eq!(bytes_of(&block), interleaved(first..first + 100, 1));
        }
    }
    assert_eq!(source.info().n_samples, None);
    stop.set();
    assert!(!source.next_block(&mut block).unwrap());
    // All of this window is a gap.
    let mut nothing = replay(&[0..100, 200..300], r#"{"from":0.011,"to":0.015,"loop":"forever"}"#);
    assert_eq!(played(&mut nothing), []);
}

#[test]
fn a_seek_goes_on_elsewhere_after_a_gap() {
    let mut source = replay(&[0..1_000_000], r#"{"to":60}"#);
    let mut block = IqBlock::default();
    let mut seek = |source: &mut ReplaySource, text: &str| {
        source.seek(text.parse::<TimePoint>().unwrap()).map(|()| {
            assert!(source.next_block(&mut block).unwrap());
            (block.header.first_sample, block.header.after_gap)
        })
    };
    assert_eq!(seek(&mut source, "10"), Ok((100_000, false)), "nothing was given out before");
    assert_eq!(seek(&mut source, "50"), Ok((500_000, true)));
    assert_eq!(seek(&mut source, "2026-11-22T10:00:01Z"), Ok((10_000, true)));
    let text = seek(&mut source, "60").unwrap_err().to_string();
    assert!(text.contains("seek to 60s is sample 600000, expected one from 0 to 599999"), "{text}");
}

#[test]
fn the_pace_is_kept_in_small_blocks() {
    // 1.2 s at four times real time: 0.3 s, in blocks of at most 20 ms or 800 samples.
    let mut source = replay(&[0..6000, 8000..12_000], r#"{"speed":4}"#);
    let started = Instant::now();
    let mut block = IqBlock::default();
    let mut n_blocks = 0;
    while source.next_block(&mut block).unwrap() {
        let due = Duration::from_secs_f64(block.end_sample() as f64 / 40_000.0);
        assert!(started.elapsed() >= due, "{:?} before {due:?}", started.elapsed());
        assert!(block.n_samples() <= 800);
        n_blocks += 1;
    }
    assert!(n_blocks >= 13, "{n_blocks}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn the_flag_ends_a_wait_for_the_pace() {
    let stop = Stop::new();
    let fake = Box::new(Fake::new(&[0..10, 1_000_000_000..1_000_000_010]));
    let mut source =
        ReplaySource::new(fake, &options(r#"{"speed":1}"#), ToBaseband::default(), stop.clone()).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let player = scope.spawn(|| played(&mut source));
        std::thread::sleep(Duration::from_millis(30));
        stop.set();
        player.join().unwrap();
    });
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// A source of some ranges that knows only how to go on.
struct Forward {
    info: StreamInfo,
    fake: Fake,
    at: u64,
}

impl Source for Forward {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        let more = self.fake.read(self.at, 170, block)?;
        self.at = block.end_sample();
        Ok(more)
    }
}

fn replay_made(json: &str) -> Result<ReplaySource, rangegate_sources::ReplayError> {
    let make = || -> Box<dyn Source> {
        let fake = Fake::new(&[1000..5000, 5100..21_000]);
        let info = replay(&[1000..5000, 5100..21_000], "{}").info().clone();
        Box::new(Forward { info, fake, at: 0 })
    };
    let to = ToBaseband { swap_iq: true, ..ToBaseband::default() };
    ReplaySource::of_made(make, 21_000, "fake.toml".into(), &options(json), to, Stop::new())
}

#[test]
fn what_is_made_is_played_as_a_recording_is() {
    for json in [
        "{}",
        r#"{"from":0.3,"to":0.5}"#,
        r#"{"from":0.405,"to":"2026-11-22T10:00:01Z"}"#,
        r#"{"from":0.39,"to":0.45,"loop":3}"#,
        r#"{"loop":2,"speed":1000}"#,
    ] {
        let mut recorded = replay(&[1000..5000, 5100..21_000], json);
        let mut made = replay_made(json).unwrap();
        assert!(made.info().to_baseband.swap_iq);
        assert_eq!(made.info().n_samples, recorded.info().n_samples, "{json}");
        assert_eq!(made.info().first_sample, recorded.info().first_sample, "{json}");
        assert_eq!(made.window(), recorded.window(), "{json}");
        assert_eq!(played(&mut made), played(&mut recorded), "{json}");
    }
    let text = replay_made(r#"{"from":2}"#).err().unwrap().to_string();
    assert!(text.contains("fake.toml: 'from' is 2s"), "{text}");
    let (mut made, mut block) =
        (replay_made(r#"{"from":0.0123,"to":0.05,"loop":2}"#).unwrap(), IqBlock::default());
    let mut at = [1123..1500, 1123..1500].into_iter().flatten();
    while made.next_block(&mut block).unwrap() {
        let first = at.next().unwrap();
        assert_eq!(bytes_of(&block), interleaved(first..first + block.n_samples() as u64, 1));
        at.by_ref().take(block.n_samples() - 1).for_each(drop);
    }
    assert_eq!(at.next(), None);
}

/// Keeps what it sees of a segment.
struct Look;

type Seen = (u64, usize, bool, Vec<u8>);

impl Work<Segment, Seen> for Look {
    fn run(&mut self, job: &Segment, result: &mut Seen) -> Result<(), BoxError> {
        *result = (job.core_first_sample(), job.set, job.block.header.after_gap, bytes_of(&job.block));
        Ok(())
    }
}

#[derive(Default)]
struct Keep(Vec<Seen>);

impl Drain<Seen> for Keep {
    fn accept(&mut self, result: &Seen) -> Result<(), BoxError> {
        self.0.push(result.clone());
        Ok(())
    }
}

#[test]
fn a_recording_runs_through_any_runner_alike() {
    let plan = SegmentPlan {
        core_len: 150,
        lead: 40,
        tail: 20,
        n_sets: 2,
        whole_cores_only: false,
        joins_pulses: false,
    };
    let run = |runner: &Runner| {
        let source = replay(&[0..20_000, 20_100..50_000], r#"{"from":0.1,"loop":2}"#);
        let mut segmenter = Segmenter::new(source, plan).unwrap();
        let mut workers: Vec<Look> = (0..runner.n_workers()).map(|_| Look).collect();
        let (mut slots, mut keep) =
            ((0..runner.n_slots()).map(|_| segmenter.make_segment()).collect::<Vec<_>>(), Keep::default());
        let make = || (slots.pop().unwrap(), Seen::default());
        let report = runner.run(&mut segmenter, &mut workers, &mut keep, make, &Stop::new()).unwrap();
        let counts = segmenter.counts();
        assert_eq!(report.jobs, 2 * counts.segments);
        assert_eq!((counts.samples, counts.runs, counts.gaps, counts.samples_lost), (97_800, 4, 3, 200));
        keep.0
    };
    let expected = run(&Runner::Inline);
    assert_eq!(expected.iter().filter(|seen| seen.2).count(), 6, "three gaps, two sets");
    for workers in [1, 2, 4] {
        assert!(run(&Runner::Threads { workers, pin: None }) == expected, "{workers} workers");
    }
}

#[test]
fn segments_from_any_place_on_are_those_of_a_whole_pass() {
    for whole_cores_only in [false, true] {
        let plan = SegmentPlan {
            core_len: 700,
            lead: 1500,
            tail: 90,
            n_sets: 2,
            whole_cores_only,
            joins_pulses: false,
        };
        let pieces = [300..5000, 5001..5003, 6000..9000];
        let open = || Segmenter::new(replay(&pieces, "{}"), plan).unwrap();
        let look = |segment: &Segment| {
            let Segment { block, core, sequence, starts_run, ends_run, set } = segment;
            (block.header, bytes_of(block), core.clone(), *sequence, *starts_run, *ends_run, *set)
        };
        let rest = |segmenter: &mut Segmenter<ReplaySource>| {
            let (mut segment, mut seen) = (segmenter.make_segment(), Vec::new());
            while segmenter.next_segment(&mut segment).unwrap() {
                seen.push((look(&segment), segmenter.place().unwrap()));
            }
            seen
        };
        let all = rest(&mut open());
        assert!(all.len() > 6, "{}", all.len());
        // Forwards, backwards, and by one that has been elsewhere.
        let mut elsewhere = open();
        for n in (0..all.len()).step_by(2).chain([4, 0]) {
            let place = all[n].1;
            let mut fresh = open();
            fresh.go_to(&place).unwrap();
            assert!(rest(&mut fresh) == all[n..], "from {n}");
            elsewhere.go_to(&place).unwrap();
            assert!(rest(&mut elsewhere) == all[n..], "from {n}, again");
        }
        let mut absent = all[0].1;
        absent.core = 1000;
        assert!(open().go_to(&absent).is_err());
    }
}
