//! Files cut off anywhere, and with any byte changed: read or refused, and never more than that.

use crate::{at_rate, noise, read_all};
use rangegate_recording::npy::NpyOptions;
use rangegate_recording::{Kind, OpenOptions, open};

/// Opens and reads the content as this kind, both ways. Whatever comes back, it must come back, and be no longer
/// than a small file can be.
fn survive(kind: Kind, content: &[u8], name: &str) {
    let folder = std::env::temp_dir().join(format!("rangegate-damage-{}-{name}", std::process::id()));
    std::fs::write(&folder, content).unwrap();
    for (no_mmap, wrapped_int16) in [(false, false), (true, false), (true, true)] {
        let npy = NpyOptions { wrapped_int16, ..NpyOptions::default() };
        let options = OpenOptions { kind: Some(kind), no_mmap, npy, ..at_rate() };
        match open(&folder, &options) {
            Ok(mut recording) => {
                if let Ok((bytes, _)) = read_all(recording.as_mut(), 1000) {
                    assert!(bytes.len() <= 4 * content.len());
                }
            }
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
    }
    std::fs::remove_file(&folder).unwrap();
}

fn damage_everywhere(kind: Kind, content: &[u8], name: &str) {
    for len in 0..content.len() {
        survive(kind, &content[..len], name);
    }
    for at in 0..content.len().min(300) {
        let original = content[at];
        for changed in
            [0, 1, b'(', b'0', b'9', 0x7f, 0x80, 0xff, original ^ 1, original ^ 0x20, original ^ 0x80]
        {
            let mut damaged = content.to_vec();
            damaged[at] = changed;
            survive(kind, &damaged, name);
        }
    }
}

#[test]
fn npy_files_may_be_damaged_anywhere() {
    damage_everywhere(Kind::Npy, &crate::npy::npy("'<i2'", "(2, 3, 4)", &noise(48)), "plain.npy");
    let fields = crate::npy::npy("[('r', '<i2'), ('i', '<i2')]", "(3, 4)", &noise(48));
    damage_everywhere(Kind::Npy, &fields, "fields.npy");
}

#[test]
fn wav_files_may_be_damaged_anywhere() {
    damage_everywhere(Kind::Wav, &crate::wav::everything(), "everything.wav");
}
