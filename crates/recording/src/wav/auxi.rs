//! The `auxi` chunk of SDR programs: when and where in the spectrum a recording was made.

use rangegate_core::Timestamp;

/// Bytes of the part that all programs write: two times of eight 16-bit words, then 32-bit words, the first of
/// which is the centre frequency.
pub(super) const BYTES: usize = 68;

/// What the chunk says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Auxi {
    pub start_time: Option<Timestamp>,
    pub center_frequency_hz: Option<f64>,
}

impl Auxi {
    /// Reads the chunk. A time that is none and a frequency of 0 are left out.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
        let hz = bytes.get(32..36).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Self {
            start_time: (|| time([word(0)?, word(2)?, word(6)?, word(8)?, word(10)?, word(12)?, word(14)?]))(
            ),
            center_frequency_hz: hz.filter(|&hz| hz > 0).map(f64::from),
        }
    }

    /// The chunk's bytes. A frequency that is no 32-bit number of hertz is left out.
    pub(super) fn to_bytes(self, sample_rate_hz: f64) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        if let Some(time) = self.start_time {
            let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            let weekday = time.weekday().to_sunday_zero_offset();
            let words = [
                time.year(),
                time.month().into(),
                weekday.into(),
                time.day().into(),
                time.hour().into(),
                time.minute().into(),
                time.second().into(),
                time.millisecond(),
            ];
            for (to, word) in bytes.chunks_exact_mut(2).zip(words) {
                to.copy_from_slice(&word.to_le_bytes());
            }
        }
        let whole = |hz: f64| if (0.0..=f64::from(u32::MAX)).contains(&hz) { hz.round() as u32 } else { 0 };
        bytes[32..36].copy_from_slice(&whole(self.center_frequency_hz.unwrap_or(0.0)).to_le_bytes());
        bytes[36..40].copy_from_slice(&whole(sample_rate_hz).to_le_bytes());
        bytes
    }
}

fn time([year, month, day, hour, minute, second, millisecond]: [u16; 7]) -> Option<Timestamp> {
    let small = |n: u16| i8::try_from(n).ok();
    let nanos = i32::from(millisecond).checked_mul(1_000_000)?;
    // Year 0 is what stands where nobody filled in a time.
    let year = i16::try_from(year).ok().filter(|&year| year > 1600)?;
    let time = jiff::civil::DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanos,
    );
    Some(time.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let auxi = Auxi {
            start_time: Some("2026-11-22T10:00:01.25Z".parse().unwrap()),
            center_frequency_hz: Some(1.0905e9),
        };
        assert_eq!(Auxi::parse(&auxi.to_bytes(2e6)), auxi);
        assert_eq!(Auxi::parse(&Auxi::default().to_bytes(2e6)), Auxi::default());
        for n in 0..BYTES {
            Auxi::parse(&vec![255; n]);
        }
    }
}
