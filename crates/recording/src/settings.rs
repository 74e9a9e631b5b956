//! What a recording says of itself that a copy in another format should say too.

use crate::{CreateOptions, Kind, RecordingInfo};
use serde_json::{Map, Value};

/// What a SigMF file says of its own form.
const OF_SIGMF: [&str; 12] = [
    "core:datatype",
    "core:sample_rate",
    "core:num_channels",
    "core:version",
    "core:sha512",
    "core:offset",
    "core:dataset",
    "core:metadata_only",
    "core:trailing_bytes",
    "core:extensions",
    "core:recorder",
    "core:description",
];
/// What is a field of [`RecordingInfo`], under the names of the formats that this crate writes.
const KNOWN: [&str; 8] = [
    "sample_rate",
    "sample_rate_numerator",
    "sample_rate_denominator",
    "first_sample",
    "axes",
    "start_time",
    "center_frequency",
    "center_frequencies",
];
/// The namespace of this project in SigMF.
const NAMESPACE: &str = "rangegate:";

impl RecordingInfo {
    /// What a writer has to be told to keep what this recording says of itself: its description, its notes, and its
    /// settings by their names, but for what follows from the samples themselves.
    pub fn create_options(&self) -> CreateOptions {
        let mut metadata = Map::new();
        match self.kind {
            Kind::Sigmf => keep(&self.metadata["global"], &OF_SIGMF, &mut metadata),
            Kind::DigitalRf => keep(&self.metadata["metadata"], &KNOWN, &mut metadata),
            Kind::Hdf5 => {
                let objects = self.metadata.as_object().into_iter().flat_map(Map::values);
                objects.for_each(|object| keep(object, &KNOWN, &mut metadata));
            }
            // Theirs speaks of their form alone.
            Kind::Npy | Kind::Wav | Kind::Raw => {}
        }
        let description = match self.kind {
            Kind::Sigmf => self.metadata["global"]["core:description"].as_str().map(str::to_owned),
            _ => metadata.remove("description").and_then(|text| text.as_str().map(str::to_owned)),
        };
        CreateOptions { description, annotations: self.annotations.clone(), metadata, ..Default::default() }
    }
}

fn keep(fields: &Value, but: &[&str], settings: &mut Map<String, Value>) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        if !but.contains(&name.as_str()) {
            let name = name.strip_prefix(NAMESPACE).unwrap_or(name);
            settings.entry(name).or_insert_with(|| value.clone());
        }
    }
}
