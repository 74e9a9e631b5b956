//! Range-Doppler maps of a run, saved look by look.

use crate::plan::Plan;
use anyhow::Result;
use rangegate_dsp::chain::{Chain, SegmentResult};
use rangegate_dsp::pulse_doppler::PulseDopplerPlan;
use rangegate_recording::hdf5::maps::{MapAxes, MapLook, MapWriter};
use std::path::Path;

/// Name of the file in a run's folder.
pub const MAPS: &str = "maps.h5";

/// The maps of the first dwell and channel on their way to [`MAPS`].
pub struct SavedMaps {
    writer: MapWriter,
    /// Doppler bins by rising range rate.
    bins: Vec<usize>,
    first_sample: u64,
    sample_rate_hz: f64,
}

impl SavedMaps {
    /// Creates the file in a run's folder, where the configuration asks for it and the chain makes maps.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(folder: &Path, plan: &Plan) -> Result<Option<Self>> {
        let (true, Chain::PulseDoppler(radar)) = (plan.config.output.maps, &plan.chain) else {
            return Ok(None);
        };
        let (bins, axes) = axes(radar);
        Ok(Some(Self {
            writer: MapWriter::create(&folder.join(MAPS), &axes)?,
            bins,
            first_sample: plan.stream.first_sample,
            sample_rate_hz: plan.stream.sample_rate.hz(),
        }))
    }

    /// Saves the map of a look, where the segment has one.
    ///
    /// # Errors
    /// The disk is full.
    pub fn accept(&mut self, result: &SegmentResult) -> rangegate_recording::Result<()> {
        let look = &result.look;
        let Some(map) = look.map.as_ref().filter(|_| look.worked > 0) else { return Ok(()) };
        let since_start = look.first_sample.saturating_sub(self.first_sample);
        let saved = MapLook {
            cpi: result.sequence,
            first_sample: look.first_sample,
            time_s: since_start as f64 / self.sample_rate_hz,
        };
        self.writer.push(saved, self.bins.iter().map(|bin| map.row(*bin)))
    }

    /// Brings everything to the file.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }
}

/// The Doppler bins of a radar's first maps by rising range rate, and the axes of maps with their rows so.
pub fn axes(radar: &PulseDopplerPlan) -> (Vec<usize>, MapAxes) {
    let Some(map) = radar.maps().next() else { return Default::default() };
    let rate = |bin: usize| radar.geometry().velocity_mps_from_doppler(map.doppler_hz(bin));
    let mut bins: Vec<usize> = (0..map.n_doppler()).collect();
    bins.sort_by(|a, b| rate(*a).total_cmp(&rate(*b)));
    let (range_first_m, range_step_m) = radar.range_axis_m();
    let axes = MapAxes {
        range_first_m,
        range_step_m,
        n_gates: map.n_gates(),
        range_rate_mps: bins.iter().map(|bin| rate(*bin)).collect(),
        in_notch: bins.iter().map(|bin| map.is_in_notch(*bin)).collect(),
        look_s: radar.look_s(),
    };
    (bins, axes)
}
