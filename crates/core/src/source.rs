//! The two ends of every run: where samples come from and where results go.

use crate::{IqBlock, SampleFormat, SampleRate, TimeAnchor};
use serde::{Deserialize, Serialize};

/// An error of the world (a file, a device, a peer) on its way to whoever can tell the user.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What turns stored samples into complex baseband, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToBaseband {
    /// Q is stored before I.
    pub swap_iq: bool,
    /// The spectrum is mirrored (Q inverted): use I − jQ.
    pub conjugate: bool,
    /// Frequency that is mixed to zero, Hz: each sample is multiplied by exp(−j·2π·f·n/fs), with n its
    /// absolute index. For real recordings with an intermediate frequency.
    pub intermediate_frequency_hz: f64,
}

/// What is fixed for a whole stream of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// Samples a second and channel.
    pub sample_rate: SampleRate,
    /// Coherent channels.
    pub n_channels: usize,
    /// How each sample is stored.
    pub format: SampleFormat,
    /// What turns the stored numbers into baseband.
    pub to_baseband: ToBaseband,
    /// Frequency the receiver was tuned to at the start, Hz.
    pub center_frequency_hz: Option<f64>,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// Ties indices to time at the start; `None` where that is unknown.
    pub anchor: Option<TimeAnchor>,
    /// Number of samples a channel that will come, where that is known: what a progress bar needs.
    pub n_samples: Option<u64>,
    /// Samples in one pulse, where the recording holds pulses that were cut out: each begins a run.
    pub pulse_len: Option<usize>,
}

/// A stream of samples: a radio, a recording, a scene.
pub trait Source: Send {
    /// What is fixed for the whole stream.
    fn info(&self) -> &StreamInfo;

    /// Puts the next samples into `block`. `Ok(false)` at the end, with the block left as it was.
    ///
    /// Indices only grow. A block never holds a gap: samples on both sides of one come in two blocks, the
    /// second with `after_gap` set.
    ///
    /// # Errors
    /// What the world did to the source. A source that can go on past the damage counts it in
    /// [`Source::losses`] instead and marks a gap.
    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError>;

    /// What was lost so far, one sentence a loss; empty if nothing was.
    fn losses(&self) -> &[String] {
        &[]
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn info(&self) -> &StreamInfo {
        (**self).info()
    }

    fn next_block(&mut self, block: &mut IqBlock) -> Result<bool, BoxError> {
        (**self).next_block(block)
    }

    fn losses(&self) -> &[String] {
        (**self).losses()
    }
}

/// Where results go.
pub trait Sink<T>: Send {
    /// Takes one result, in order.
    ///
    /// # Errors
    /// What the world did to the sink (a full disk).
    fn accept(&mut self, item: &T) -> Result<(), BoxError>;

    /// Brings everything accepted so far to its final place.
    ///
    /// # Errors
    /// What the world did to the sink.
    fn finish(&mut self) -> Result<(), BoxError>;
}
