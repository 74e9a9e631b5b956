//! What recordings keep of a radio's settings, and what becomes of it when they are converted.

use crate::level::full_scale_of;
use rangegate_core::{SampleFormat, StreamInfo};
use rangegate_sources::radio::{ChannelSettings, RadioSettings};
use serde_json::{Map, Value};

/// Lists with a place for each channel: its number first.
const CHANNELS: &str = "channels";
const GAINS: &str = "gains_db";
const BANDWIDTHS: &str = "bandwidths_hz";

/// A radio's settings, one level deep, as recordings keep them.
pub fn of_radio(radio: &RadioSettings) -> Map<String, Value> {
    let mut fields = Map::new();
    let Ok(Value::Object(settings)) = serde_json::to_value(radio) else { return fields };
    for (name, value) in settings {
        match value {
            Value::Null => {}
            Value::Object(parts) => fields.extend(parts.into_iter().map(|(k, v)| (format!("device_{k}"), v))),
            Value::Array(_) => {}
            value => drop(fields.insert(name, value)),
        }
    }
    let list = |of: fn(&ChannelSettings) -> Value| Value::Array(radio.channels.iter().map(of).collect());
    fields.insert(CHANNELS.to_owned(), list(|c| c.channel.into()));
    fields.insert(GAINS.to_owned(), list(|c| c.gain_db.into()));
    fields.insert(BANDWIDTHS.to_owned(), list(|c| c.bandwidth_hz.into()));
    for channel in &radio.channels {
        fields.insert(format!("antenna_{}", channel.channel), channel.antenna.as_str().into());
        for (stage, &db) in &channel.gains_db {
            fields.insert(format!("gain_{stage}_{}_db", channel.channel), db.into());
        }
    }
    fields
}

/// The full scale of the device that samples in this format came from, in units of it, where settings have it.
pub fn full_scale(settings: &Map<String, Value>, format: SampleFormat) -> Option<f64> {
    // Others may mean something else by the name.
    let is_ours = settings.get("sample_format").is_some_and(|name| *name == format.to_string());
    settings.get("full_scale").filter(|_| is_ours)?.as_f64()
}

/// Makes settings of one stream those of another, which has these channels of it at another rate or in other numbers.
pub fn convert(
    settings: &mut Map<String, Value>,
    input: &StreamInfo,
    channels: &[usize],
    output: &StreamInfo,
) {
    if let Some(full_scale) = full_scale(settings, input.format) {
        let converted = full_scale / full_scale_of(input.format) * full_scale_of(output.format);
        settings.insert("full_scale".to_owned(), converted.into());
    }
    for (name, value) in [
        ("sample_rate_hz", Value::from(output.sample_rate.hz())),
        ("sample_format", output.format.to_string().into()),
    ] {
        settings.entry(name).and_modify(|before| *before = value);
    }
    // Of what is called so and is no list of these channels nothing is known.
    let is_list = |value: &Value| value.as_array().is_some_and(|list| list.len() == input.n_channels);
    let Some(numbers) = settings.get(CHANNELS).filter(|value| is_list(value)).cloned() else { return };
    for name in [CHANNELS, GAINS, BANDWIDTHS] {
        if let Some(list) = settings.get_mut(name).filter(|value| is_list(value)) {
            *list = channels.iter().map(|&channel| list[channel].clone()).collect();
        }
    }
    let is_dropped = |channel: &usize| !channels.contains(channel);
    for number in (0..input.n_channels).filter(is_dropped).filter_map(|channel| numbers[channel].as_f64()) {
        let (antenna, gain) = (format!("antenna_{number}"), format!("_{number}_db"));
        settings.retain(|name, _| *name != antenna && !(name.starts_with("gain_") && name.ends_with(&gain)));
    }
}
