//! Pictures one after the other in one animated PNG.

use super::canvas::{Raster, SIZE, encoder};
use crate::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Pixels to either side that become one: frames are half as wide and as high as pictures that stand alone.
const SHRUNK: u32 = 2;
/// How long a frame may be shown, ms: at most what an eye follows, at least what it waits for.
const SHOWN_MS: [f64; 2] = [40.0, 1000.0];

/// Writes an animated PNG (PNG, 3rd edition, 2023) frame by frame; it repeats for ever.
pub struct Animation {
    path: PathBuf,
    writer: png::Writer<BufWriter<File>>,
    frame: Vec<u8>,
}

impl Animation {
    /// Creates the file for so many frames of `frame_s` seconds each, or as near as an eye can follow.
    ///
    /// # Errors
    /// It cannot be written, or there is no frame.
    pub fn create(path: &Path, n_frames: u32, frame_s: f64) -> Result<Self, Error> {
        let failed = |source: std::io::Error| Error::io(path, "write", source);
        let mut encoder = encoder(path, (SIZE.0 / SHRUNK, SIZE.1 / SHRUNK)).map_err(failed)?;
        let shown_ms = (1e3 * frame_s).clamp(SHOWN_MS[0], SHOWN_MS[1]);
        let animated = encoder.set_animated(n_frames, 0);
        let animated = animated.and_then(|()| encoder.set_frame_delay(shown_ms.round() as u16, 1000));
        let writer = animated.and_then(|()| encoder.write_header()).map_err(|error| failed(error.into()))?;
        Ok(Self { path: path.to_owned(), writer, frame: Vec::new() })
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// The disk is full, or the frame is one more than was said.
    pub fn add(&mut self, picture: &Raster) -> Result<(), Error> {
        shrink(&picture.pixels, &mut self.frame);
        let added = self.writer.write_image_data(&self.frame);
        added.map_err(|error| Error::io(&self.path, "write", error.into()))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The disk is full, or frames are missing.
    pub fn finish(self) -> Result<(), Error> {
        let Self { path, writer, .. } = self;
        writer.finish().map_err(|error| Error::io(&path, "write", error.into()))
    }
}

/// Means over squares of pixels.
fn shrink(pixels: &[u8], out: &mut Vec<u8>) {
    let (side, width) = (SHRUNK as usize, SIZE.0 as usize);
    out.clear();
    for rows in pixels.chunks_exact(side * 3 * width) {
        for x in (0..width).step_by(side) {
            for colour in 0..3 {
                let square = (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx)));
                let sum: u32 =
                    square.map(|(dy, dx)| u32::from(rows[3 * (dy * width + x + dx) + colour])).sum();
                out.push(((sum + SHRUNK * SHRUNK / 2) / (SHRUNK * SHRUNK)) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("animation.png");
        let raster = |grey: u8| Raster { pixels: vec![grey; (SIZE.0 * SIZE.1 * 3) as usize] };
        let mut animation = Animation::create(&path, 3, 0.2).unwrap();
        for grey in [10, 20, 30] {
            animation.add(&raster(grey)).unwrap();
        }
        animation.finish().unwrap();
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(File::open(&path).unwrap())).read_info().unwrap();
        let animated = reader.info().animation_control.unwrap();
        assert_eq!((animated.num_frames, animated.num_plays), (3, 0));
        let mut frame = vec![0; reader.output_buffer_size().unwrap()];
        for grey in [10, 20, 30] {
            reader.next_frame(&mut frame).unwrap();
            assert!(frame.iter().all(|value| *value == grey));
            assert_eq!(reader.info().frame_control.unwrap().delay_num, 200);
        }
        assert!(Animation::create(&path, 0, 0.2).is_err());
    }

    #[test]
    fn squares_become_their_means() {
        let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
        pixels[0] = 40;
        pixels[3 * SIZE.0 as usize + 3] = 81;
        let mut out = Vec::new();
        shrink(&pixels, &mut out);
        assert_eq!(out.len() * 4, pixels.len());
        assert_eq!(out[..6], [30, 0, 0, 0, 0, 0]);
    }
}
