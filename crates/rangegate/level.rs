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
    /// What a clipped number is not below.
    full_scale: f32,
    is_integer: bool,
    count: u64,
    power: f64,
    peak: f32,
    clipped: u64,
    bad: u64,
}

impl LevelMeter {
    /// Nothing measured.
    ///
    /// # Errors
    /// The format cannot be converted.
    pub fn new(format: SampleFormat, rate: SampleRate) -> Result<Self> {
        // The greatest number of an n-bit format is one step below full scale; floats have no greatest.
        let full_scale = match format.scalar {
            scalar if !scalar.is_integer() => f32::INFINITY,
            scalar if scalar.size() == 1 => 127.0 / 128.0,
            scalar if scalar.size() == 2 => 32767.0 / 32768.0,
            _ => 1.0 - 1e-7,
        };
        Ok(Self {
            converter: Converter::new(format, ToBaseband::default(), rate)?,
            samples: vec![Complex32::ZERO; PIECE],
            full_scale,
            is_integer: format.scalar.is_integer(),
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
                        clipped[lane] += u32::from(greatest >= self.full_scale);
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
        10.0 * (self.power / self.count.max(1) as f64).max(1e-30).log10()
    }

    /// Greatest magnitude of I or Q against full scale, dB.
    pub fn peak_db(&self) -> f64 {
        20.0 * f64::from(self.peak).max(1e-15).log10()
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
