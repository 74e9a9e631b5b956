//! Any bytes as the description of a SigMF recording.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rangegate_fuzz::{folder, read_all};
use rangegate_recording::OpenOptions;
use std::fs::write;
use std::sync::LazyLock;

static META: LazyLock<std::path::PathBuf> = LazyLock::new(|| {
    let folder = folder();
    let samples: Vec<u8> = (0..=255).cycle().take(5000).collect();
    write(folder.join("a.sigmf-data"), samples).expect("the samples can be written");
    folder.join("a.sigmf-meta")
});

fuzz_target!(|bytes: &[u8]| {
    write(&*META, bytes).expect("the description can be written");
    for no_mmap in [false, true] {
        read_all(rangegate_recording::open(&META, &OpenOptions { no_mmap, ..OpenOptions::default() }));
    }
});
