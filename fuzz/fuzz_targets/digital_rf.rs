//! A Digital RF channel that says anything of itself, then a few damaged bytes; or one whose properties are the
//! input itself, where that is an HDF5 file.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use rangegate_fuzz::{Channel, folder, is_hdf5, read_all};
use rangegate_recording::OpenOptions;

#[derive(Debug, Arbitrary)]
struct Input {
    channel: Channel,
    /// Damage to the properties or to the first file: place, mask.
    damage: Vec<(u16, u8)>,
    damage_properties: bool,
    no_mmap: bool,
}

fuzz_target!(|data: &[u8]| {
    let folder = folder().join("ch0");
    // New files: the library tells files that it has open apart by their inodes.
    let _ = std::fs::remove_dir_all(&folder);
    if is_hdf5(data) {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(folder.join("drf_properties.h5"), data).expect("the file can be written");
        return read_all(rangegate_recording::open(&folder, &OpenOptions::default()));
    }
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if input.channel.write(&folder).is_err() {
        return;
    }
    let damaged =
        if input.damage_properties { "drf_properties.h5".to_owned() } else { Channel::first_file() };
    let mut bytes = std::fs::read(folder.join(&damaged)).expect("the file was written");
    for &(place, mask) in input.damage.iter().take(4) {
        let n = bytes.len();
        bytes[usize::from(place) % n] ^= mask;
    }
    std::fs::write(folder.join(&damaged), bytes).expect("the file can be written");
    let options = OpenOptions { no_mmap: input.no_mmap, ..OpenOptions::default() };
    read_all(rangegate_recording::open(&folder, &options));
});
