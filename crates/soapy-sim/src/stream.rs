//! A stream: which samples there are by now, which are lost, and when each was taken.

use crate::arguments::FaultArguments;
use crate::clock::Clock;
use crate::content::{Content, Piece, Ready};
use crate::faults::{Fault, Faults};
use crate::numbers::{Digitiser, Number};
use crate::radio::{Counts, Shared};
use rangegate_core::SampleRate;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Most samples that one read gives.
pub(crate) const MTU: usize = 1 << 16;
/// Longest sleep between two looks at the clock.
const NAP: Duration = Duration::from_millis(10);

/// What a read has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Samples {
        n: usize,
        time_ns: i64,
        /// Nothing comes after them.
        last: bool,
    },
    Timeout,
    Overflow,
    Error,
}

/// The one stream that a radio can have.
pub(crate) struct Stream {
    pub(crate) content: Content,
    pub(crate) setup: Option<Setup>,
    pub(crate) active: Option<Active>,
    /// The radio was unplugged.
    pub(crate) gone: bool,
}

/// What is fixed when a stream is set up.
pub(crate) struct Setup {
    pub(crate) format: Number,
    pub(crate) channels: Vec<usize>,
    pub(crate) digitiser: Digitiser,
}

/// A stream that is active. Positions count samples since it was.
pub(crate) struct Active {
    rate: SampleRate,
    /// Hardware time of position 0, and what faults moved it by.
    start_ns: i128,
    /// What is read next.
    at: u64,
    /// Samples that the radio's buffer holds.
    buffer: u64,
    faults: Faults,
    warned: bool,
}

impl Active {
    pub(crate) fn new(
        rate: SampleRate,
        start_ns: i128,
        buffer: u64,
        faults: &FaultArguments,
        paced: bool,
    ) -> Result<Self, String> {
        Ok(Self { rate, start_ns, at: 0, buffer, faults: Faults::new(faults, rate, paced)?, warned: false })
    }

    pub(crate) fn time_ns(&self, position: u64) -> i128 {
        self.start_ns + self.rate.nanos_from_samples(i128::from(position))
    }

    /// The clock was moved by that much.
    pub(crate) fn shift(&mut self, ns: i128) {
        self.start_ns += ns;
    }

    /// Position that the clock stands at.
    fn position(&self, clock: &Clock) -> u64 {
        self.rate.samples_from_nanos(clock.now_ns() - self.start_ns).clamp(0, i128::from(u64::MAX)) as u64
    }

    fn lose(&mut self, n: u64, counts: &Counts) {
        self.at += n;
        counts.overflows.fetch_add(1, Ordering::Relaxed);
        counts.lost_samples.fetch_add(n, Ordering::Relaxed);
    }
}

/// What is there to be read.
enum Available {
    /// Up to this position.
    To(u64),
    /// The reader was late.
    Overflow,
}

impl Stream {
    /// Reads up to `max` samples a channel into `buffers`, as bytes of the stream's format.
    pub(crate) fn read(
        &mut self,
        shared: &Shared,
        buffers: &mut [&mut [u8]],
        max: usize,
        timeout: Duration,
    ) -> Outcome {
        let deadline = Instant::now() + timeout;
        loop {
            if self.gone {
                return Outcome::Error;
            }
            let Some(active) = &mut self.active else {
                // Not for long: whoever activates it waits for this read.
                std::thread::sleep(timeout.min(NAP));
                return Outcome::Timeout;
            };
            if let Some(fault) = active.faults.due(active.at) {
                match self.fault(fault, shared) {
                    Some(outcome) => return outcome,
                    None => continue,
                }
            }
            let ready = self.content.ready(active.at);
            let Available::To(end) = available(active, ready, shared) else {
                if shared.faults.overflow_reported {
                    return Outcome::Overflow;
                }
                continue;
            };
            let mut wanted = (max.min(MTU) as u64).min(active.faults.next_after(active.at) - active.at);
            if ready.ended {
                wanted = wanted.min(ready.to.saturating_sub(active.at));
            }
            let there = end.saturating_sub(active.at).min(wanted);
            let now = Instant::now();
            if there > 0 && (there == wanted || now >= deadline) {
                return self.give(shared, buffers, there, ready);
            }
            if now >= deadline {
                return Outcome::Timeout;
            }
            let missing_ns = active.time_ns(active.at + wanted) - shared.clock().now_ns() + 1;
            let nap = shared.clock().host_time(missing_ns).clamp(Duration::from_micros(50), NAP);
            std::thread::sleep(nap.min(deadline - now));
        }
    }

    /// Lets a fault happen; `None` goes on reading.
    fn fault(&mut self, fault: Fault, shared: &Shared) -> Option<Outcome> {
        let active = self.active.as_mut()?;
        match fault {
            Fault::Loss(n) => {
                active.lose(n, &shared.counts);
                shared.faults.overflow_reported.then_some(Outcome::Overflow)
            }
            Fault::Jump(ns) => {
                active.shift(ns);
                shared.clock().shift(ns);
                None
            }
            Fault::Error => Some(Outcome::Error),
            Fault::Timeout => Some(Outcome::Timeout),
            Fault::Unplug => {
                let long = shared.faults.unplug.and_then(|(_, long)| long);
                self.gone = crate::plugs::unplug(&shared.serial, long);
                self.gone.then_some(Outcome::Error)
            }
        }
    }

    /// Gives the next `n` samples, which are there.
    fn give(&mut self, shared: &Shared, buffers: &mut [&mut [u8]], n: u64, ready: Ready) -> Outcome {
        let (Some(active), Some(setup)) = (&mut self.active, &mut self.setup) else { return Outcome::Error };
        let Setup { format, channels, digitiser } = setup;
        let size = format.bytes();
        let mut done = 0;
        while done < n {
            let (from, piece) = (done as usize * size, self.content.piece(active.at + done, n - done));
            match piece {
                Ok(Piece::Samples(block, samples)) => {
                    let to = from + samples.len() * size;
                    for (buffer, &channel) in buffers.iter_mut().zip(&*channels) {
                        let gain = shared.settings().scale(channel);
                        let bytes = &mut buffer[from..to];
                        digitiser.write(block, channel, samples.clone(), gain, *format, bytes);
                    }
                    done += samples.len() as u64;
                }
                Ok(Piece::Gap(missing)) => {
                    let to = from + missing as usize * size;
                    buffers.iter_mut().for_each(|buffer| buffer[from..to].fill(0));
                    done += missing;
                }
                Err(error) => {
                    crate::boundary::log(crate::boundary::LOG_ERROR, &error);
                    return Outcome::Error;
                }
            }
        }
        let time_ns = active.time_ns(active.at) as i64;
        active.at += n;
        let last = ready.ended && active.at == ready.to;
        if !shared.paced {
            shared.clock().set(active.time_ns(active.at));
        }
        Outcome::Samples { n: n as usize, time_ns, last }
    }
}

/// Up to where samples are there now; a reader that is too late loses what the buffer did not hold.
fn available(active: &mut Active, ready: Ready, shared: &Shared) -> Available {
    if !shared.paced {
        return Available::To(ready.to);
    }
    let mut clock = shared.clock();
    let mut now = active.position(&clock);
    if ready.ended {
        now = now.min(ready.to);
    } else if now > ready.to && ready.to < active.at.saturating_add(active.buffer) {
        hold_back(active, now - ready.to, &mut clock);
        now = ready.to;
    }
    if let Some(held_back) = active.faults.stalled(now) {
        return Available::To(held_back);
    }
    if now > active.at.saturating_add(active.buffer) {
        active.lose(now - active.at, &shared.counts);
        return Available::Overflow;
    }
    Available::To(now)
}

/// The content is not made in time: the clock waits for it.
fn hold_back(active: &mut Active, samples: u64, clock: &mut MutexGuard<'_, Clock>) {
    clock.shift(-active.rate.nanos_from_samples(i128::from(samples)));
    if !active.warned {
        active.warned = true;
        let message =
            "rangegate: the scene is made more slowly than it is played: the hardware clock waits for it";
        crate::boundary::log(crate::boundary::LOG_WARNING, message);
    }
}
