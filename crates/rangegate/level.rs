//! How strong samples are, and how many touch the greatest number there is.

use anyhow::Result;
use rangegate_core::{Complex32, IqBlock, SampleFormat, SampleRate, ToBaseband};
use rangegate_dsp::convert::Converter;

/// Samples that are converted at a time.
const PIECE: usize = 1 << 12;
/// Samples that are measured side by side.
const LANES: usize = 16;

/// Power, peak and clipping of samples.
pub struct LevelMeter {
    converter: Converter,
    samples: Vec<Complex32>,
    /// What is 0 dB, in units of the format's own full scale.
    full_scale: f64,
    /// What a clipped number is not below, in the same.
    greatest: f32,
    is_integer: bool,
    count: u64,
    power: f64,
    peak: f32,
    clipped: u64,
    bad: u64,
}

impl LevelMeter {
    /// Nothing measured. `full_scale` is the device's, in units of the format, where that is not the format's own: 12
    /// bits that come in 16 have 2048.
    ///
    /// # Errors
    /// The format cannot be converted.
    pub fn new(format: SampleFormat, rate: SampleRate, full_scale: Option<f64>) -> Result<Self> {
        let (of_format, is_integer) = (full_scale_of(format), format.scalar.is_integer());
        // What cannot be is taken for what some drivers say who do not know.
        let least = if is_integer { 2.0 } else { f64::MIN_POSITIVE };
        let full_scale = full_scale.filter(|full_scale| (least..=of_format).contains(full_scale));
        let full_scale = full_scale.unwrap_or(of_format);
        // The greatest number of an n-bit format is one step below full scale; floats have no greatest.
        let greatest = ((full_scale - 1.0) / of_format).min(1.0 - 1e-7) as f32;
        Ok(Self {
            converter: Converter::new(format, ToBaseband::default(), rate)?,
            samples: vec![Complex32::ZERO; PIECE],
            full_scale: full_scale / of_format,
            greatest: if is_integer { greatest } else { f32::INFINITY },
            is_integer,
            count: 0,
            power: 0.0,
            peak: 0.0,
            clipped: 0,
            bad: 0,
        })
    }

    /// Measures every sample of a block, of every channel.
    pub fn add(&mut self, block: &IqBlock) {
        for channel in 0..block.n_channels() {
            for start in (0..block.n_samples()).step_by(PIECE) {
                let end = (start + PIECE).min(block.n_samples());
                let samples = &mut self.samples[..end - start];
                self.bad += self.converter.convert(block, channel, start..end, samples) as u64;
                // In lanes of their own, which a compiler makes vectors of.
                let (mut power, mut peak, mut clipped) = ([0.0_f32; LANES], [0.0_f32; LANES], [0_u32; LANES]);
                for samples in samples.chunks(LANES) {
                    for (lane, sample) in samples.iter().enumerate() {
                        let greatest = sample.re.abs().max(sample.im.abs());
                        power[lane] += sample.norm_sqr();
                        peak[lane] = peak[lane].max(greatest);
                        clipped[lane] += u32::from(greatest >= self.greatest);
                    }
                }
                self.power += power.iter().map(|&p| f64::from(p)).sum::<f64>();
                self.peak = peak.iter().fold(self.peak, |most, p| most.max(*p));
                self.clipped += clipped.iter().map(|&n| u64::from(n)).sum::<u64>();
                self.count += samples.len() as u64;
            }
        }
    }

    /// Adds what another has measured.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.power += other.power;
        self.peak = self.peak.max(other.peak);
        self.clipped += other.clipped;
        self.bad += other.bad;
    }

    /// Mean power against full scale, dB.
    pub fn mean_power_db(&self) -> f64 {
        let power = self.power / self.count.max(1) as f64 / self.full_scale.powi(2);
        10.0 * power.max(1e-30).log10()
    }

    /// Greatest magnitude of I or Q against full scale, dB.
    pub fn peak_db(&self) -> f64 {
        20.0 * (f64::from(self.peak) / self.full_scale).max(1e-15).log10()
    }

    /// Part of the samples at full scale, %; `None` for floats, which have none.
    pub fn clipped_percent(&self) -> Option<f64> {
        self.is_integer.then_some(100.0 * self.clipped as f64 / self.count.max(1) as f64)
    }

    /// Samples that are no numbers.
    pub fn bad_samples(&self) -> u64 {
        self.bad
    }

    /// Forgets what was measured.
    pub fn reset(&mut self) {
        (self.count, self.power, self.peak, self.clipped, self.bad) = (0, 0.0, 0.0, 0, 0);
    }
}

/// Full scale of a format: one step above its greatest number, 1 for floats.
pub fn full_scale_of(format: SampleFormat) -> f64 {
    if format.scalar.is_integer() { 2.0_f64.powi(8 * format.scalar.size() as i32 - 1) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangegate_core::BlockHeader;

    /// Peak, mean power and clipped percentage of these numbers, each as I and as Q.
    fn measured(numbers: &[i16], full_scale: Option<f64>) -> (f64, f64, f64) {
        let format: SampleFormat = "cs16".parse().unwrap();
        let mut meter = LevelMeter::new(format, SampleRate::new(1000, 1).unwrap(), full_scale).unwrap();
        let mut block = IqBlock::default();
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| [*n, *n]).flat_map(i16::to_le_bytes).collect();
        block.fill(BlockHeader::default(), format, 1, numbers.len()).copy_from_slice(&bytes);
        meter.add(&block);
        (meter.peak_db(), meter.mean_power_db(), meter.clipped_percent().unwrap())
    }

    #[test]
    fn levels_are_against_the_full_scale_of_the_device() {
        // Twelve bits in sixteen.
        let (peak_db, mean_db, clipped) = measured(&[2047, -2048, 2046, -2047], Some(2048.0));
        assert!(peak_db.abs() < 1e-3 && (mean_db - 3.01).abs() < 0.01, "{peak_db} {mean_db}");
        assert!((clipped - 75.0).abs() < 1e-9, "{clipped}");
        // The same numbers of sixteen bits, as a device has them that says so or nothing, or nonsense.
        for full_scale in [None, Some(32_768.0), Some(1.0), Some(f64::NAN), Some(1e9)] {
            let (peak_db, _, clipped) = measured(&[2047, -2048, 2046, -2047], full_scale);
            assert!((peak_db + 24.08).abs() < 0.01 && clipped == 0.0, "{full_scale:?}: {peak_db} {clipped}");
        }
        assert!((measured(&[32_767, -32_768, 0, 0], None).2 - 50.0).abs() < 1e-9);
    }
}
