//! What is in a scene.

use crate::Scene;
use crate::plan::ROUNDING;
use rangegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One burst in one channel. A line of the truth file; fields are named as a detection's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthRecord {
    /// Absolute index of the sample in which the leading edge lies.
    pub sample: u64,
    /// The leading edge is at `sample + sample_fraction`, 0 ≤ fraction < 1.
    pub sample_fraction: f64,
    /// Time of the leading edge, UTC; null where the scene has no start time.
    pub time: Option<Timestamp>,
    /// Channel, from 0.
    pub channel: u32,
    /// Name of the waveform.
    pub template: String,
    /// Doppler shift, Hz.
    pub doppler_hz: f64,
    /// Phase at the leading edge, degrees, 0 ≤ phase < 360.
    pub phase_deg: f64,
    /// Signal-to-noise ratio behind the matched filter, dB; null where there is no noise.
    pub snr_db: Option<f64>,
    /// Power where the waveform has its peak magnitude, against full scale, dB.
    pub power_db: f64,
    /// Length of the burst in samples.
    pub duration_samples: f64,
    /// Every sample of it is there: no gap took one, and the scene does not end before it.
    pub complete: bool,
}

impl Scene {
    /// All bursts in the order of their leading edges, those that share one in the order of the configuration, then
    /// of channels.
    pub fn truth(&self) -> impl Iterator<Item = TruthRecord> + '_ {
        // The next burst of each train, the earliest on top: positive floats are ordered as their bits are.
        let next = |train: usize, index: u64| {
            let edge = self.trains[train].leading_edge(index);
            (index < self.trains[train].count).then(|| Reverse((edge.to_bits(), train, index)))
        };
        let mut heap: BinaryHeap<_> = (0..self.trains.len()).filter_map(|train| next(train, 0)).collect();
        let bursts = std::iter::from_fn(move || {
            let Reverse((_, train, index)) = heap.pop()?;
            heap.extend(next(train, index + 1));
            Some((train, index))
        });
        bursts.flat_map(move |(train, index)| {
            let channels = &self.trains[train].channels;
            channels.iter().map(move |&channel| self.truth_record(train, index, channel))
        })
    }

    fn truth_record(&self, number: usize, index: u64, channel: usize) -> TruthRecord {
        let train = &self.trains[number];
        let edge = train.leading_edge(index);
        let (first, end) = (edge.floor(), (edge + train.length - ROUNDING).ceil());
        let sample = self.origin() + first as u64;
        let sample_fraction = edge - first;
        TruthRecord {
            sample,
            sample_fraction,
            time: self.info.anchor.and_then(|a| a.time_of(sample, sample_fraction, self.info.sample_rate)),
            channel: channel as u32,
            template: train.name.to_string(),
            doppler_hz: train.doppler_hz,
            phase_deg: train.phase(self, number, index).0 * 360.0,
            snr_db: train.snr_db,
            power_db: 20.0 * train.amplitude.log10(),
            duration_samples: train.length,
            complete: self.runs.iter().any(|run| run.start <= first as u64 && end as u64 <= run.end),
        }
    }
}
