//! `bench`: the program measures itself.

mod accuracy;
mod matched_filter;
mod measure;
pub mod noise;
mod pipeline;
mod pulse_doppler;

pub use accuracy::accuracy;
pub use matched_filter::matched_filter;
pub use pipeline::pipeline;
pub use pulse_doppler::pulse_doppler;
