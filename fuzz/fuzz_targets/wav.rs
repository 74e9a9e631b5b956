//! A WAV file of any chunks, with any sizes.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use rangegate_fuzz::{folder, pick, read_all};
use rangegate_recording::wav::{Channels, WavOptions};
use rangegate_recording::{Kind, OpenOptions};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    form: u8,
    /// A format that is one, before all others.
    format: Option<(u8, u8, u8)>,
    chunks: Vec<Chunk<'a>>,
    iq: Option<bool>,
    no_mmap: bool,
}

#[derive(Debug, Arbitrary)]
struct Chunk<'a> {
    id: u8,
    /// In place of the content's own.
    size: Option<u32>,
    content: &'a [u8],
}

impl Chunk<'_> {
    fn put(&self, file: &mut Vec<u8>) {
        file.extend(pick(&[b"fmt ", b"data", b"auxi", b"ds64", b"LIST"], self.id));
        file.extend(self.size.unwrap_or(self.content.len() as u32).to_le_bytes());
        file.extend(self.content);
        file.resize(file.len().next_multiple_of(2), 0);
    }
}

impl Input<'_> {
    fn file(&self) -> Vec<u8> {
        let form = pick(&[b"RIFF", b"RF64", b"BW64"], self.form);
        let mut file = [&form[..], &[255; 4], b"WAVE"].concat();
        if let Some((tag, n_channels, bytes)) = self.format {
            let frame = u16::from(n_channels) * u16::from(bytes % 9);
            let bits = u16::from(bytes % 9) * 8;
            // Tag, channels, two words each of samples and bytes a second, bytes of a frame, bits.
            let words = [pick(&[1, 3, 0xfffe], tag), n_channels.into(), 48_000, 0, 0, 0, frame, bits];
            let content: Vec<u8> = words.into_iter().flat_map(u16::to_le_bytes).collect();
            Chunk { id: 0, size: None, content: &content }.put(&mut file);
        }
        self.chunks.iter().take(8).for_each(|chunk| chunk.put(&mut file));
        file
    }
}

fuzz_target!(|input: Input<'_>| {
    let path = folder().join("a.wav");
    std::fs::write(&path, input.file()).expect("the file can be written");
    let channels = input.iq.map(|iq| if iq { Channels::Iq } else { Channels::Audio });
    let options = OpenOptions {
        kind: Some(Kind::Wav),
        no_mmap: input.no_mmap,
        wav: WavOptions { channels },
        ..OpenOptions::default()
    };
    read_all(rangegate_recording::open(&path, &options));
});
