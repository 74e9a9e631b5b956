//! The thread that reads a radio, and the stream that comes out of it.

use super::timeline::{Step, Timeline};
use super::{RadioError, host_time};
use rangegate_core::{BlockHeader, BoxError, IqBlock, SampleRate, Source, StreamInfo, TimeAnchor, Timestamp};
use rangegate_pipeline::{Lease, Pool, Receiver, Sender, Stop, lane, memory, worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
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

/// Longest time that a block collects samples for.
const BLOCK: Duration = Duration::from_millis(5);
/// Longest wait for samples before the stop flag is looked at.
const TIMEOUT: Duration = Duration::from_millis(100);
/// A radio that gave nothing for so long is lost.
const SILENCE: Duration = Duration::from_secs(3);
/// How often a radio that was lost is looked for.
const RETRY: Duration = Duration::from_millis(500);
/// Pause between two looks for a free block.
const NAP: Duration = Duration::from_micros(200);
/// Losses that are told one by one.
const MOST_LOSSES: usize = 100;

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

/// What a radio gave so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RadioCounts {
    /// Samples a channel that came.
    pub samples: u64,
    /// Samples a channel that are known, or estimated, to be missing.
    pub lost: u64,
    /// Overflows that the radio reported.
    pub overflows: u64,
    /// Jumps of the radio's clock that no overflow announced.
    pub jumps: u64,
    /// Times that this program was too late to take what the radio gave.
    pub behind: u64,
    /// Times that the radio was lost and came back.
    pub reconnects: u64,
    /// Times that the radio gave nothing for a tenth of a second. By itself it is no loss: some give much at once.
    pub timeouts: u64,
}

impl RadioCounts {
    /// Gaps, whatever made them.
    pub fn gaps(&self) -> u64 {
        self.overflows + self.jumps + self.behind + self.reconnects
    }
}

/// A radio as a [`Source`]: absolute indices count from 1970, so that two recordings of one place fit together.
///
/// One thread does nothing but read; what it read waits in a fixed number of blocks. Where these are full, a radio with
/// time stamps is kept waiting and says itself what it lost; of one without them, samples are counted and left out.
pub struct RadioSource {
    info: StreamInfo,
    messages: Receiver<Message>,
    pool: Pool<IqBlock>,
    counts: RadioCounts,
    status: Arc<Status>,
    losses: Vec<String>,
    n_losses: u64,
    /// Index behind the last sample that is wanted.
    last: Option<u64>,
    why_ended: Option<String>,
    /// Index behind the last sample that was handed out.
    end_sample: u64,
    ended: bool,
    /// Ends the thread with the source.
    quit: Stop,
    thread: Option<JoinHandle<()>>,
}

/// What the reading thread says besides samples.
#[derive(Default)]
struct Status {
    timeouts: AtomicU64,
    /// The radio was lost, and is looked for.
    is_away: AtomicBool,
}

impl RadioSource {
    /// Lets samples flow and reads the first, and from then on reads in a thread of its own, until `stop` is set.
    pub(super) fn start(
        mut radio: Box<dyn Receive>,
        stream: &StreamInfo,
        reopen: Reopen,
        options: &Options,
        stop: Stop,
    ) -> Result<Self, RadioError> {
        let rate = stream.sample_rate;
        let per_block = (rate.hz() * BLOCK.as_secs_f64()).ceil() as usize;
        let block_samples = per_block.max(options.read_samples.min(1 << 16)).max(1);
        let n_blocks =
            (options.buffer_s * rate.hz() / block_samples as f64).ceil().clamp(4.0, 65_536.0) as usize;
        let bytes = block_samples * stream.format.bytes() * stream.n_channels;
        memory::check(n_blocks as f64 * bytes as f64).map_err(|said| {
            let buffer_s = options.buffer_s;
            RadioError::new(format!("a buffer of {buffer_s} s (--buffer, source.radio.buffer_s) {said}"))
        })?;
        // Touched here: pages that the system gives at the first write would come too late.
        let make = || {
            let mut block = IqBlock::with_capacity(bytes);
            block.fill(BlockHeader::default(), stream.format, stream.n_channels, block_samples).fill(0);
            block
        };
        let pool = Pool::new(n_blocks, make);
        // From here on samples are lost unless they are read.
        radio.activate().map_err(RadioError::new)?;
        let first = first_read(&mut *radio, options.read_samples, &stop)?;
        let Some((n, time_ns)) = first else {
            return Err(RadioError::new("stopped before the first sample"));
        };
        let anchor = anchor(options.time, rate, n, time_ns);
        let info = StreamInfo { first_sample: anchor.sample, anchor: Some(anchor), ..stream.clone() };
        let (sender, messages) = lane(n_blocks + 1);
        let quit = Stop::new();
        let status = Arc::new(Status::default());
        let mut reader = Reader {
            radio,
            reopen,
            timeline: Timeline::new(rate, info.first_sample),
            info: info.clone(),
            block_samples,
            read_samples: options.read_samples,
            reconnect: options.reconnect,
            pool: pool.clone(),
            sender,
            open: None,
            behind: 0,
            waited: false,
            last_in_time: Instant::now(),
            status: Arc::clone(&status),
            stop,
            quit: quit.clone(),
        };
        // Alone on a single core it would only be in the way of itself.
        let cores = worker::cores();
        let pin = options.pin.or_else(|| cores.last().copied().filter(|_| cores.len() > 1));
        let body = move || {
            if let Some(core) = pin
                && let Err(error) = worker::pin(core)
            {
                tracing::warn!("{error}");
            }
            worker::raise_priority();
            reader.take(n, time_ns, None);
            reader.run();
        };
        let thread = worker::start("radio", body).map_err(|error| RadioError::new(error.to_string()))?;
        Ok(Self {
            messages,
            pool,
            counts: RadioCounts::default(),
            status,
            losses: Vec::new(),
            n_losses: 0,
            last: options.n_samples.map(|n| info.first_sample.saturating_add(n)),
            why_ended: None,
            end_sample: info.first_sample,
            info,
            ended: false,
            quit,
            thread: Some(thread),
        })
    }

    /// What came, and what did not, of the blocks that were handed out.
    pub fn counts(&self) -> RadioCounts {
        RadioCounts { timeouts: self.status.timeouts.load(Ordering::Relaxed), ..self.counts }
    }

    /// Whether the radio was lost, and is waited for.
    pub fn is_away(&self) -> bool {
        self.status.is_away.load(Ordering::Relaxed)
    }

    /// Why the stream ended early, if it did.
    pub fn why_ended(&self) -> Option<&str> {
        self.why_ended.as_deref()
    }

    /// How often something was lost.
    pub fn n_losses(&self) -> u64 {
        self.n_losses
    }

    /// Share of the memory between the radio and here that is in use, 0 to 1.
    pub fn fill(&self) -> f64 {
        1.0 - self.pool.n_free() as f64 / self.pool.capacity() as f64
    }

    fn note(&mut self, sample: u64, loss: Loss) {
        self.counts.lost += loss.lost;
        let (count, what) = match loss.cause {
            Cause::Overflow => (&mut self.counts.overflows, "an overflow in the radio"),
            Cause::Jump => (&mut self.counts.jumps, "a jump of the radio's clock"),
            Cause::ClockBack { nanos } => {
                self.counts.jumps += 1;
                let by_s = nanos as f64 * 1e-9;
                return self.tell(format!(
                    "the radio's clock was set back by {by_s:.9} s before sample {sample}: how many samples were lost \
                     there cannot be known"
                ));
            }
            Cause::Behind => (&mut self.counts.behind, "this computer being too slow"),
            Cause::Reconnected => (&mut self.counts.reconnects, "the radio being away"),
        };
        *count += 1;
        let about = if loss.estimated { "about " } else { "" };
        self.tell(format!("{about}{} samples before sample {sample} by {what}", loss.lost));
    }

    /// The first are kept as they are; the last line counts the others.
    fn tell(&mut self, sentence: String) {
        self.n_losses += 1;
        if self.losses.len() < MOST_LOSSES {
            self.losses.push(sentence);
            return;
        }
        let others = self.n_losses - MOST_LOSSES as u64 + 1;
        if let Some(last) = self.losses.last_mut() {
            *last = format!("{others} times more, {} samples in all; the last: {sentence}", self.counts.lost);
        }
    }
}

impl Source for RadioSource {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        // What was received before somebody said stop still comes.
        if self.is_at_end() {
            return Ok(false);
        }
        let message = self.messages.recv();
        self.take(message, block)
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }
}

impl RadioSource {
    /// As [`Source::next_block`], but waits no longer than to about `deadline`; `None` where nothing came by then.
    ///
    /// # Errors
    /// Those of [`Source::next_block`].
    pub fn next_block_until(
        &mut self,
        deadline: Instant,
        block: &mut IqBlock,
    ) -> Result<Option<bool>, BoxError> {
        if self.is_at_end() {
            return Ok(Some(false));
        }
        match self.messages.recv_until(deadline) {
            Ok(message) => self.take(message, block).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn is_at_end(&self) -> bool {
        self.ended || self.last.is_some_and(|last| self.end_sample >= last)
    }

    fn take(&mut self, message: Option<Message>, block: &mut IqBlock) -> Result<bool, BoxError> {
        match message {
            Some(Message::Block { block: mut next, loss }) => {
                if let Some(loss) = loss {
                    self.note(next.header.first_sample, loss);
                }
                std::mem::swap(block, &mut *next);
                if let Some(last) = self.last {
                    let left = last.saturating_sub(block.header.first_sample);
                    block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                }
                self.counts.samples += block.n_samples() as u64;
                self.end_sample = block.end_sample();
                Ok(!block.is_empty())
            }
            Some(Message::End { behind, why }) => {
                self.ended = true;
                if behind > 0 {
                    let end = self.end_sample + behind;
                    self.note(end, Loss { cause: Cause::Behind, lost: behind, estimated: false });
                }
                if let Some(why) = why {
                    // Before all others: it is what whoever recorded wants to know.
                    self.losses.insert(0, why.clone());
                    self.n_losses += 1;
                    self.why_ended = Some(why);
                }
                Ok(false)
            }
            None => Err("the thread that reads the radio ended by itself".into()),
        }
    }
}

impl Drop for RadioSource {
    fn drop(&mut self) {
        self.quit.set();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told when it happened.
            let _ = thread.join();
        }
    }
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
        let waited = match self.reconnect.as_secs_f64() {
            _ if self.stop.is_set() => " and had not come back when this was ended".to_owned(),
            0.0 => " (--reconnect SECONDS, or source.radio.reconnect_s, waits for it to come back)".to_owned(),
            s => format!(" and did not come back within {s} s"),
        };
        Some(format!("the radio {why}{waited}; the stream ends at sample {}", self.timeline.next()))
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
