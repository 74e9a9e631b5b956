//! Any text as a configuration; those that are one are taken as far as their replicas.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rangegate::config::{What, parse};
use rangegate::replicas;

fuzz_target!(|text: &str| {
    let Ok(config) = parse(text) else { return };
    // Recordings are for the other targets.
    let waveforms = config.replicas.into_iter().filter(|replica| matches!(replica.what, What::Waveform(_)));
    let waveforms: Vec<_> = waveforms.take(4).collect();
    for replica in replicas::build(&waveforms, 1e6).unwrap_or_default() {
        assert!(
            replica.energy() > 0.0 && replica.energy().is_finite(),
            "{} has {}",
            replica.name,
            replica.energy()
        );
    }
});
