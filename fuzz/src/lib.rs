//! What the fuzz targets share.

mod channel;
mod layout;
mod value;

pub use channel::Channel;
pub use layout::{ATTRIBUTES, Layout, pick};
pub use value::{Element, Value};

use rangegate_core::IqBlock;
use rangegate_recording::{Recording, Result};
use std::path::PathBuf;

/// Blocks that are read of one recording, at most.
const MAX_BLOCKS: usize = 256;
/// Samples that are asked for at a time.
const MAX_SAMPLES: usize = 1000;

/// The process's own folder for files, empty or not.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rangegate-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

/// Whether the input is an HDF5 file as it stands, as seeds are.
pub fn is_hdf5(data: &[u8]) -> bool {
    data.starts_with(b"\x89HDF\r\n\x1a\n")
}

/// Reads a recording from its start, and sees that every block keeps what [`Recording::read`] promises.
pub fn read_all(recording: Result<Box<dyn Recording>>) {
    let Ok(mut recording) = recording else { return };
    let info = recording.info().clone();
    assert!(info.first_sample <= info.end_sample, "{info:?}");
    let (mut block, mut at) = (IqBlock::default(), info.first_sample);
    for _ in 0..MAX_BLOCKS {
        if !recording.read(at, MAX_SAMPLES, &mut block).unwrap_or(false) {
            break;
        }
        let (first, n) = (block.header.first_sample, block.n_samples());
        assert!(first >= at && (1..=MAX_SAMPLES).contains(&n), "{n} samples at {first}, asked for {at}");
        assert!(block.end_sample() <= info.end_sample, "{} of {}", block.end_sample(), info.end_sample);
        assert_eq!((block.format(), block.n_channels()), (info.sample_format, info.n_channels));
        let span = block.layout().span(block.format(), block.n_channels(), n);
        assert_eq!(block.bytes().len(), span);
        std::hint::black_box(block.bytes().iter().fold(0, |sum, byte| sum ^ byte));
        at = block.end_sample();
    }
    std::hint::black_box(recording.losses());
}
