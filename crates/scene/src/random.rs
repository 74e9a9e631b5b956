//! Where in the generator's sequence each random number has its place.

use crate::plan::MAX_CHANNELS;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for; each has its own place in the generator's sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Randomness {
    /// Noise of one chunk of a channel.
    Noise { chunk: u64, channel: usize },
    /// Phase of a burst, of interference too.
    Phase { train: usize, index: u64 },
    /// How late a pulse is.
    Jitter { index: u64 },
    /// One draw of a target's cross-section.
    Fluctuation { target: usize, draw: u64 },
    /// Phase of a steady target.
    TargetPhase { target: usize },
    /// All of a patch of clutter, in sequence.
    Clutter { patch: usize },
    /// Phase of a tone.
    Tone { index: usize },
}

/// The generator that a scene's seed makes.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(ChaCha8Rng);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The generator at the place of what is to be drawn.
    pub(crate) fn at(&self, what: Randomness) -> ChaCha8Rng {
        // Noise has the streams below 2⁶², bursts those from 2⁶³ on.
        let stream = |kind: u64, number: usize| 1 << 62 | kind << 32 | number as u64;
        let (stream, word) = match what {
            Randomness::Noise { chunk, channel } => (chunk * MAX_CHANNELS as u64 + channel as u64, 0),
            Randomness::Phase { train, index } => (1 << 63 | train as u64, 2 * u128::from(index)),
            Randomness::Jitter { index } => (stream(0, 0), 2 * u128::from(index)),
            // Three numbers of two words.
            Randomness::Fluctuation { target, draw } => (stream(1, target), 8 * u128::from(draw)),
            Randomness::TargetPhase { target } => (stream(2, target), 0),
            Randomness::Clutter { patch } => (stream(3, patch), 0),
            Randomness::Tone { index } => (stream(4, index), 0),
        };
        let mut rng = self.0.clone();
        rng.set_stream(stream);
        rng.set_word_pos(word);
        rng
    }
}
