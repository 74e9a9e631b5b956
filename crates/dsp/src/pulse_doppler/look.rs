//! A look: the dwells that are worked on together, and when each of their pulses is sent.

use super::config::DwellConfig;
use std::ops::Range;

/// Pulses of one look, over all its dwells, on the receiver's nominal clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    /// Start of each pulse after the look's first, s; then the end of the look.
    times_s: Vec<f64>,
    /// The same in samples of the recording, where recorded pulses may follow one another without their pauses.
    offsets: Vec<f64>,
    dwells: Vec<Range<usize>>,
    cycle_samples: f64,
}

impl Look {
    /// `pulse_len` is the length of recorded pulses, where the recording holds pulses that were cut out.
    pub fn new(dwells: &[DwellConfig], sample_rate_hz: f64, pulse_len: Option<usize>) -> Self {
        let mut times_s = vec![0.0];
        let mut ranges = Vec::with_capacity(dwells.len());
        for dwell in dwells {
            let first = times_s.len() - 1;
            let begins_s = times_s[first];
            let pattern_s: f64 = dwell.pri_s.list().iter().sum();
            for pulse in 1..=dwell.n_pulses {
                // By multiples, not by sums: no error adds up.
                let list = dwell.pri_s.list();
                let within: f64 = list[..pulse % list.len()].iter().sum();
                times_s.push(begins_s + (pulse / list.len()) as f64 * pattern_s + within);
            }
            ranges.push(first..times_s.len() - 1);
        }
        let offset = |(pulse, time_s): (usize, &f64)| match pulse_len {
            Some(len) => (pulse * len) as f64,
            None => time_s * sample_rate_hz,
        };
        let offsets: Vec<f64> = times_s.iter().enumerate().map(offset).collect();
        let whole = offsets[offsets.len() - 1];
        let cycle_samples = match dwells {
            [one] if pulse_len.is_none() => one.pri_s.list().iter().sum::<f64>() * sample_rate_hz,
            _ => whole,
        };
        Self { times_s, offsets, dwells: ranges, cycle_samples }
    }

    pub fn n_pulses(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Pulses of each dwell.
    pub fn dwells(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.dwells.iter().cloned()
    }

    /// Time of a pulse after the look's first, s.
    pub fn time_s(&self, pulse: usize) -> f64 {
        self.times_s[pulse]
    }

    /// Leading edge of a pulse after that of the look's first, samples; that of the pulse after the last is the
    /// look's length.
    pub fn offset_samples(&self, pulse: usize) -> f64 {
        self.offsets[pulse]
    }

    /// Length, samples.
    pub fn len_samples(&self) -> f64 {
        self.offsets[self.offsets.len() - 1]
    }

    /// Samples after which the pattern of pulses repeats.
    pub fn cycle_samples(&self) -> f64 {
        self.cycle_samples
    }
}
