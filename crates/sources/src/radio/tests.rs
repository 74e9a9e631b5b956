//! The reading thread, on radios that are made up.

use super::TimeBase;
use super::reader::{Options, RadioSource, Receive, Received, Reopen};
use rangegate_core::{IqBlock, SampleRate, Source, StreamInfo, ToBaseband};
use rangegate_pipeline::Stop;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What happens next.
#[derive(Clone, Copy)]
enum Event {
    Samples(usize),
    Overflow { lost: u64 },
    Jump { lost: i64 },
    Timeout,
    Unplugged,
}

use Event::*;

/// Samples whose values are the low 32 bits of their indices, in two channels.
struct MadeUp {
    events: Arc<Mutex<VecDeque<Event>>>,
    at: u64,
    read: (u64, usize),
    has_time: bool,
}

const RATE: u64 = 1_000_000;
/// A day in 2026, ns.
const START_NS: i64 = 1_790_000_000_000_000_000;

impl Receive for MadeUp {
    fn activate(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn receive(&mut self, max_samples: usize, _: Duration) -> Received {
        let Some(event) = self.events.lock().unwrap().pop_front() else {
            return Received::Failed("was unplugged".to_owned());
        };
        match event {
            Samples(n) => {
                assert!(n <= max_samples);
                self.read = (self.at, n);
                let time_ns = self.has_time.then_some(START_NS + self.at as i64 * 1000);
                self.at += n as u64;
                Received::Samples { n, time_ns }
            }
            Overflow { lost } => {
                self.at += lost;
                Received::Overflow
            }
            Jump { lost } => {
                self.at = self.at.saturating_add_signed(lost);
                self.receive(max_samples, Duration::ZERO)
            }
            Timeout => Received::TimedOut,
            Unplugged => Received::Failed("was unplugged".to_owned()),
        }
    }

    fn copy_to(&self, out: &mut [u8]) {
        let (first, n) = self.read;
        assert_eq!(out.len(), n * 8);
        for (k, out) in out.chunks_exact_mut(8).enumerate() {
            out[..4].copy_from_slice(&((first + k as u64) as u32).to_le_bytes());
            out[4..].copy_from_slice(&(!(first + k as u64) as u32).to_le_bytes());
        }
    }
}

struct Setup {
    has_time: bool,
    buffer_s: f64,
    reconnect: Duration,
    /// What happens after the radio came back.
    again: Vec<Event>,
}

const USUAL: Setup = Setup { has_time: true, buffer_s: 10.0, reconnect: Duration::ZERO, again: Vec::new() };

#[allow(clippy::needless_pass_by_value, reason = "made where it is used")]
fn start(events: &[Event], setup: Setup) -> RadioSource {
    let made_up = |events: &[Event], has_time| -> Box<dyn Receive> {
        let events = Arc::new(Mutex::new(events.iter().copied().collect()));
        Box::new(MadeUp { events, at: 0, read: (0, 0), has_time })
    };
    let stream = StreamInfo {
        sample_rate: SampleRate::new(RATE, 1).unwrap(),
        n_channels: 2,
        format: "cs16".parse().unwrap(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1e9),
        first_sample: 0,
        anchor: None,
        n_samples: None,
        pulse_len: None,
    };
    let options = Options {
        time: TimeBase::Device,
        read_samples: 4096,
        buffer_s: setup.buffer_s,
        reconnect: setup.reconnect,
        pin: None,
        n_samples: None,
    };
    let mut again = (!setup.again.is_empty()).then(|| made_up(&setup.again, setup.has_time));
    let reopen: Reopen = Box::new(move || again.take());
    RadioSource::start(made_up(events, setup.has_time), &stream, reopen, &options, Stop::new()).unwrap()
}

/// Runs of samples, by index from the first; each sample must have the value of its index.
fn runs(source: &mut RadioSource) -> Vec<(u64, u64)> {
    let origin = source.info().first_sample;
    let (mut runs, mut block) = (Vec::<(u64, u64)>::new(), IqBlock::default());
    while source.next_block(&mut block).unwrap() {
        let first = block.header.first_sample - origin;
        for (k, sample) in block.bytes().chunks_exact(8).enumerate() {
            let value = u32::from_le_bytes(sample[..4].try_into().unwrap());
            let other = u32::from_le_bytes(sample[4..].try_into().unwrap());
            assert_eq!((value, other), ((first + k as u64) as u32, !(first + k as u64) as u32));
        }
        let end = first + block.n_samples() as u64;
        match runs.last_mut() {
            Some(run) if !block.header.after_gap => {
                assert_eq!(run.1, first, "a jump without a mark");
                run.1 = end;
            }
            _ => runs.push((first, end)),
        }
    }
    runs
}

#[test]
fn what_is_lost_is_a_gap_of_as_many_samples_whatever_the_reads_are_like() {
    let mut events = vec![Samples(1000), Samples(1), Overflow { lost: 77 }, Samples(4096), Timeout];
    events.extend([Samples(3000); 10]);
    events.extend([Jump { lost: 5 }, Samples(10), Overflow { lost: 1 }, Overflow { lost: 2 }, Samples(20)]);
    let mut source = start(&events, USUAL);
    assert_eq!(source.info().first_sample, START_NS as u64 / 1000, "the index is that of the radio's time");
    let runs = runs(&mut source);
    assert_eq!(runs, [(0, 1001), (1078, 35_174), (35_179, 35_189), (35_192, 35_212)]);
    let counts = source.counts();
    assert_eq!((counts.overflows, counts.jumps, counts.lost), (2, 1, 77 + 5 + 3));
    assert_eq!(counts.samples, 1001 + 34_096 + 10 + 20);
    assert_eq!(counts.timeouts, 1);
    let losses = source.losses();
    // Why it ended comes first.
    assert!(losses[0].contains("unplugged") && losses[0].contains("--reconnect"), "{losses:?}");
    assert!(losses[1].contains("77 samples") && losses[1].contains("overflow"), "{losses:?}");
}

#[test]
fn a_clock_that_was_set_back_leaves_a_mark_and_indices_that_grow() {
    let events = [Samples(1000), Jump { lost: -500 }, Samples(10), Samples(10)];
    let mut source = start(&events, USUAL);
    let (mut firsts, mut block) = (Vec::new(), IqBlock::default());
    while source.next_block(&mut block).unwrap() {
        firsts.push((block.header.first_sample - source.info().first_sample, block.header.after_gap));
    }
    assert_eq!(firsts, [(0, false), (1000, true)]);
    assert!(source.losses()[1].contains("set back by 0.000500000 s"), "{:?}", source.losses());
}

#[test]
fn where_nobody_takes_the_samples_they_are_counted_and_left_out() {
    // Four blocks of 5,000 samples are all there is room for, and without a clock the radio is not kept waiting.
    let mut source = start(&[Samples(1000); 100], Setup { has_time: false, buffer_s: 0.01, ..USUAL });
    std::thread::sleep(Duration::from_millis(200));
    let runs = runs(&mut source);
    assert_eq!(runs, [(0, 20_000)]);
    // Nothing comes after the loss that could carry it; the end is told.
    assert!(source.losses()[1].contains("80000"), "{:?}", source.losses());
    assert_eq!(source.counts().lost, 80_000);
}

#[test]
fn without_a_clock_losses_are_estimates_and_told_so() {
    let events = [Samples(1000), Overflow { lost: 0 }, Samples(1000)];
    let mut source = start(&events, Setup { has_time: false, ..USUAL });
    let mut block = IqBlock::default();
    assert!(source.next_block(&mut block).unwrap());
    let end = block.end_sample();
    assert!(source.next_block(&mut block).unwrap());
    assert!(block.header.after_gap && block.header.first_sample > end);
    assert!(source.losses()[0].starts_with("about "), "{:?}", source.losses());
}

#[test]
fn whoever_hears_a_radio_that_is_away_is_told_so() {
    let setup = Setup { reconnect: Duration::from_secs(3600), ..USUAL };
    let mut source = start(&[Samples(1000), Unplugged], setup);
    let mut block = IqBlock::default();
    assert!(source.next_block(&mut block).unwrap());
    while !source.is_away() {
        let soon = Instant::now() + Duration::from_millis(5);
        assert_eq!(source.next_block_until(soon, &mut block).unwrap(), None);
    }
    assert_eq!(source.next_block_until(Instant::now(), &mut block).unwrap(), None);
}

#[test]
fn a_radio_that_comes_back_goes_on_after_a_gap() {
    let again = vec![Samples(500), Samples(500)];
    let setup = Setup { has_time: false, reconnect: Duration::from_secs(5), again, ..USUAL };
    let mut source = start(&[Samples(1000), Unplugged], setup);
    let mut block = IqBlock::default();
    assert!(source.next_block(&mut block).unwrap());
    let end = block.end_sample();
    assert!(source.next_block(&mut block).unwrap());
    assert_eq!(block.n_samples(), 1000);
    assert!(block.header.after_gap && block.header.first_sample > end);
    assert_eq!(source.counts().reconnects, 1);
}
