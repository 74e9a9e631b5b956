//! The thread that reads a radio.

mod source;

pub use source::{RadioCounts, RadioSource};

use super::timeline::{Step, Timeline};
use super::{RadioError, host_time};
use rangegate_core::{BlockHeader, IqBlock, SampleRate, StreamInfo, TimeAnchor, Timestamp};
use rangegate_pipeline::{Lease, Pool, Sender, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a read of a radio gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Received {
    /// So many samples, and the time of the first by the radio's clock, ns.
    Samples { n: usize, time_ns: Option<i64> },
    /// Samples were lost.
    Overflow,
    /// None came in time.
    TimedOut,
    /// The radio is gone, or as good as that.
    Failed(String),
}

/// A radio's stream.
pub(super) trait Receive: Send {
    /// Lets samples flow.
    fn activate(&mut self) -> Result<(), String>;

    /// Reads up to `max_samples`, channel by channel, waiting for the first no longer than `timeout`.
    fn receive(&mut self, max_samples: usize, timeout: Duration) -> Received;

    /// Puts the samples of the last read, channels side by side, into `out`.
    fn copy_to(&self, out: &mut [u8]);
}

/// Brings a radio that was lost back, if it is there again.
pub(super) type Reopen = Box<dyn FnMut() -> Option<Box<dyn Receive>> + Send>;

/// How a radio is read.
pub(super) struct Options {
    pub(super) time: super::TimeBase,
    /// Samples that are asked for at once.
    pub(super) read_samples: usize,
    pub(super) buffer_s: f64,
    /// How long to wait for a radio that was lost.
    pub(super) reconnect: Duration,
    pub(super) pin: Option<usize>,
    /// Samples after which the stream ends.
    pub(super) n_samples: Option<u64>,
}

/// Longest wait for samples before the stop flag is looked at.
const TIMEOUT: Duration = Duration::from_millis(100);
/// A radio that gave nothing for so long is lost.
const SILENCE: Duration = Duration::from_secs(3);
/// How often a radio that was lost is looked for.
const RETRY: Duration = Duration::from_millis(500);
/// Pause between two looks for a free block.
const NAP: Duration = Duration::from_micros(200);
/// Why samples are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Overflow,
    Jump,
    ClockBack { nanos: i128 },
    Behind,
    Reconnected,
}

/// What stands before a block.
#[derive(Clone, Copy, Debug)]
struct Loss {
    cause: Cause,
    lost: u64,
    estimated: bool,
}

enum Message {
    Block {
        block: Lease<IqBlock>,
        loss: Option<Loss>,
    },
    /// Samples that were left out before it, and why it came early.
    End {
        behind: u64,
        why: Option<String>,
    },
}

/// What the reading thread says besides samples.
#[derive(Default)]
struct Status {
    timeouts: AtomicU64,
    /// The radio was lost, and is looked for.
    is_away: AtomicBool,
}

/// The first samples, for which a radio may take its time; `None` if the flag was set before.
fn first_read(
    radio: &mut dyn Receive,
    max_samples: usize,
    stop: &Stop,
) -> Result<Option<(usize, Option<i64>)>, RadioError> {
    let deadline = Instant::now() + 2 * SILENCE;
    while !stop.is_set() {
        match radio.receive(max_samples, TIMEOUT) {
            Received::Samples { n, time_ns } if n > 0 => return Ok(Some((n, time_ns))),
            Received::Failed(why) => return Err(RadioError::new(why)),
            _ if Instant::now() > deadline => {
                let seconds = 2 * SILENCE.as_secs();
                return Err(RadioError::new(format!("gives no samples: waited {seconds} s")));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The index and time of the first sample, of which and of `n - 1` more this computer has just heard.
fn anchor(base: super::TimeBase, rate: SampleRate, n: usize, time_ns: Option<i64>) -> TimeAnchor {
    /// A device's clock that differs by less tells UTC.
    const TELLS_UTC_NS: i128 = 60_000_000_000;
    let host_ns = host_time().as_nanosecond() - rate.nanos_from_samples(n as i128);
    let device_ns = time_ns.map(i128::from);
    let is_utc = |ns: &i128| match base {
        super::TimeBase::Auto => (ns - host_ns).abs() < TELLS_UTC_NS,
        super::TimeBase::Device => true,
        super::TimeBase::Host => false,
    };
    let nanos = device_ns.filter(is_utc).unwrap_or(host_ns);
    let sample = rate.samples_from_nanos_up(nanos).max(0);
    let time = Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeAnchor { sample: u64::try_from(sample).unwrap_or(0), time }
}

/// What the thread holds.
struct Reader {
    radio: Box<dyn Receive>,
    reopen: Reopen,
    timeline: Timeline,
    info: StreamInfo,
    block_samples: usize,
    read_samples: usize,
    reconnect: Duration,
    pool: Pool<IqBlock>,
    sender: Sender<Message>,
    /// The block that is being filled.
    open: Option<Open>,
    /// Samples that were left out because no block was free.
    behind: u64,
    /// The radio was kept waiting since it last lost something.
    waited: bool,
    last_in_time: Instant,
    status: Arc<Status>,
    stop: Stop,
    quit: Stop,
}

struct Open {
    block: Lease<IqBlock>,
    n: usize,
    loss: Option<Loss>,
}

impl Reader {
    fn run(&mut self) {
        let mut missing = None;
        let mut last_heard = Instant::now();
        let why = loop {
            if self.stop.is_set() || self.quit.is_set() {
                break None;
            }
            match self.radio.receive(self.read_samples, TIMEOUT) {
                Received::Samples { n: 0, .. } | Received::TimedOut => {
                    self.status.timeouts.fetch_add(1, Ordering::Relaxed);
                    if last_heard.elapsed() > SILENCE {
                        let why = format!("gave nothing for {} s", SILENCE.as_secs());
                        match self.wait_for_it(&why) {
                            Some(why) => break Some(why),
                            None => (missing, last_heard) = (Some(Cause::Reconnected), Instant::now()),
                        }
                    }
                }
                Received::Samples { n, time_ns } => {
                    last_heard = Instant::now();
                    self.take(n, time_ns, missing.take());
                }
                Received::Overflow => missing = missing.or(Some(Cause::Overflow)),
                Received::Failed(why) => match self.wait_for_it(&why) {
                    Some(why) => break Some(why),
                    None => (missing, last_heard) = (Some(Cause::Reconnected), Instant::now()),
                },
            }
        };
        self.flush();
        let _ = self.sender.send(Message::End { behind: self.behind, why });
    }

    /// Puts what was just read where it belongs; `missing` says why something is between it and what was before.
    fn take(&mut self, n: usize, time_ns: Option<i64>, missing: Option<Cause>) {
        let now = Instant::now();
        let elapsed = now.duration_since(std::mem::replace(&mut self.last_in_time, now));
        // By this computer's clock, counted from when the read before came in.
        let rate_hz = self.info.sample_rate.hz();
        let estimate = || ((elapsed.as_secs_f64() * rate_hz) as u64).saturating_sub(n as u64).max(1);
        // A radio that came back may have begun its time anew.
        let time_ns = time_ns.filter(|_| missing != Some(Cause::Reconnected));
        let loss = match self.timeline.place(time_ns, missing.is_some(), estimate) {
            Step::Follows => {
                self.waited &= missing.is_some();
                None
            }
            Step::Gap { lost, estimated } => {
                let cause = match missing {
                    Some(Cause::Overflow) if std::mem::take(&mut self.waited) => Cause::Behind,
                    missing => missing.unwrap_or(Cause::Jump),
                };
                Some(Loss { cause, lost, estimated })
            }
            Step::WentBack { nanos } => {
                Some(Loss { cause: Cause::ClockBack { nanos }, lost: 0, estimated: true })
            }
        };
        self.append(n, loss);
        self.timeline.advance(n as u64);
    }

    fn append(&mut self, n: usize, loss: Option<Loss>) {
        if loss.is_some() || self.open.as_ref().is_some_and(|open| open.n + n > self.block_samples.max(n)) {
            self.flush();
        }
        if self.open.is_none() && !self.begin(n, loss) {
            return;
        }
        let frame = self.info.format.bytes() * self.info.n_channels;
        let Some(open) = &mut self.open else { return };
        self.radio.copy_to(&mut open.block.bytes_mut()[open.n * frame..][..n * frame]);
        open.n += n;
        if open.n >= self.block_samples {
            self.flush();
        }
    }

    /// Begins a block; `false` if none is free, and then what was read is left out and counted.
    fn begin(&mut self, n: usize, loss: Option<Loss>) -> bool {
        let Some(mut block) = self.free_block() else {
            self.behind += n as u64 + loss.map_or(0, |loss| loss.lost);
            return false;
        };
        let behind = std::mem::take(&mut self.behind);
        let loss = match (behind, loss) {
            (0, loss) => loss,
            (behind, loss) => {
                let lost = behind + loss.map_or(0, |loss| loss.lost);
                Some(Loss { cause: Cause::Behind, lost, estimated: loss.is_some_and(|loss| loss.estimated) })
            }
        };
        let header = BlockHeader {
            first_sample: self.timeline.next(),
            anchor: self.info.anchor,
            after_gap: loss.is_some(),
            center_frequency_hz: self.info.center_frequency_hz,
        };
        block.fill(header, self.info.format, self.info.n_channels, self.block_samples.max(n));
        self.open = Some(Open { block, n: 0, loss });
        true
    }

    /// A block to be filled. A radio that tells the time is kept waiting for one: what it loses meanwhile it tells itself.
    fn free_block(&mut self) -> Option<Lease<IqBlock>> {
        loop {
            let block = self.pool.try_lease();
            if block.is_some() || !self.timeline.has_clock() || self.quit.is_set() || self.stop.is_set() {
                return block;
            }
            self.waited = true;
            std::thread::sleep(NAP);
        }
    }

    fn flush(&mut self) {
        let Some(Open { mut block, n, loss }) = self.open.take() else { return };
        block.truncate(n);
        // The lane has a place for every block there is.
        let _ = self.sender.try_send(Message::Block { block, loss });
    }

    /// Waits for a radio that was lost; why, if it stays away.
    fn wait_for_it(&mut self, why: &str) -> Option<String> {
        self.flush();
        // As long as it is held it cannot be opened anew.
        self.radio = Box::new(Gone);
        let deadline = Instant::now() + self.reconnect;
        self.status.is_away.store(true, Ordering::Relaxed);
        while Instant::now() < deadline && !self.quit.is_set() {
            if let Some(radio) = (self.reopen)() {
                self.radio = radio;
                self.status.is_away.store(false, Ordering::Relaxed);
                return None;
            }
            if !self.stop.sleep_until((Instant::now() + RETRY).min(deadline)) {
                break;
            }
        }
        self.status.is_away.store(false, Ordering::Relaxed);
        let (seconds, end) = (self.reconnect.as_secs_f64(), self.timeline.next());
        let why = format!("the radio {why}; the stream ends at sample {end}");
        Some(if self.stop.is_set() {
            why
        } else if seconds > 0.0 {
            format!("{why}: it did not come back within {seconds} s")
        } else {
            format!("{why} (--reconnect SECONDS, or source.radio.reconnect_s, waits for it to come back)")
        })
    }
}

/// A radio that was lost.
struct Gone;

impl Receive for Gone {
    fn activate(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn receive(&mut self, _: usize, _: Duration) -> Received {
        Received::TimedOut
    }

    fn copy_to(&self, _: &mut [u8]) {}
}
