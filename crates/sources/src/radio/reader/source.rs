//! The stream that comes out of the reading thread.

use super::{Cause, Loss, Message, Options, Reader, Receive, Reopen, Status, anchor, first_read};
use crate::radio::RadioError;
use crate::radio::timeline::Timeline;
use rangegate_core::{BlockHeader, BoxError, IqBlock, Source, StreamInfo};
use rangegate_pipeline::{Pool, Receiver, Stop, lane, memory, worker};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest time that a block collects samples for.
const BLOCK: Duration = Duration::from_millis(5);
/// Losses that are told one by one.
const MOST_LOSSES: usize = 100;

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

impl RadioSource {
    /// Lets samples flow and reads the first, and from then on reads in a thread of its own, until `stop` is set.
    pub(in crate::radio) fn start(
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
                if let Some(mut loss) = loss {
                    // Behind the end of what is wanted nothing is missed.
                    loss.lost = loss
                        .lost
                        .min(self.last.map_or(u64::MAX, |last| last.saturating_sub(self.end_sample)));
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
