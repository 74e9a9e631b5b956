//! Plots as PNG: pictures that a person can read without the program.
//!
//! What is drawn comes in plain structs, so that any chain can fill them. Every plot has units on its axes; colour
//! maps are viridis, which is perceptually uniform.

mod animation;
mod canvas;
mod cells;
mod delay_doppler;
mod frame;
mod geo_map;
mod heat_map;
mod lines;
mod map;
mod matched_filter;
mod power;
mod spectrogram;
mod waterfall;

pub use animation::Animation;
pub use canvas::Raster;
pub use cells::encode_cells;
pub use delay_doppler::{DelayDoppler, Surface, draw_delay_doppler};
pub use geo_map::{CellClass, GeoMap, draw_geo_map};
pub use lines::{Legend, LinePlot, Series, Stroke, draw_lines};
pub use map::{MapPicture, colour_limits, draw_map};
pub use matched_filter::{MatchedFilterTrace, draw_matched_filter};
pub use power::{Mark, draw_power};
pub use spectrogram::draw_spectrogram;
pub use waterfall::Waterfall;

/// What all plots of a run share.
#[derive(Clone, Debug)]
pub struct About {
    /// What is above each picture: the recording's name.
    pub title: String,
    /// Rate of the samples, Hz.
    pub sample_rate_hz: f64,
    /// Frequency the receiver was tuned to, Hz.
    pub center_frequency_hz: Option<f64>,
    /// Absolute index of the sample at which time begins.
    pub first_sample: u64,
    /// When that was, as text.
    pub start: Option<String>,
}

impl About {
    /// What stands along an axis of time.
    pub fn time_label(&self, unit: &str) -> String {
        match &self.start {
            Some(start) => format!("time since {start} ({unit})"),
            None => format!("time since the start ({unit})"),
        }
    }

    fn seconds_from_sample(&self, sample: u64, fraction: f64) -> f64 {
        (sample.saturating_sub(self.first_sample) as f64 + fraction) / self.sample_rate_hz
    }
}
