//! What users write on a command line, read into [`OpenOptions`].

use crate::{Kind, OpenOptions};
use rangegate_core::SampleFormat;

/// Reads a number with an SI suffix: `2.4M`, `20k`, `1G`, `2.4e6`, `-300`.
///
/// # Errors
/// A sentence that says what was found and what was expected.
pub fn parse_si(text: &str) -> Result<f64, String> {
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'M')) => (&text[..at], 1e6),
        Some((at, 'G')) => (&text[..at], 1e9),
        Some((at, 'T')) => (&text[..at], 1e12),
        _ => (text, 1.0),
    };
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() && digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
            Ok(number * factor)
        }
        _ => Err(format!("'{text}' is no number; expected one such as 2.4e6, 2.4M or 100k")),
    }
}

impl OpenOptions {
    /// Reads a `--format`: `sigmf`, `digital_rf`, `hdf5`, `npy`, `wav`, or a sample format for bare samples, with the
    /// sample rate behind an `@` if wanted (`cs16@2.4e6`, `cu8@2.4M`, `hdf5@250M`).
    ///
    /// # Errors
    /// A sentence that says what was found and what was expected.
    pub fn parse_format(text: &str) -> Result<Self, String> {
        let (name, rate) = match text.split_once('@') {
            Some((name, rate)) => (name, Some(rate)),
            None => (text, None),
        };
        let mut options = Self::default();
        match name {
            "sigmf" => options.kind = Some(Kind::Sigmf),
            "digital_rf" => options.kind = Some(Kind::DigitalRf),
            "hdf5" => options.kind = Some(Kind::Hdf5),
            "npy" => options.kind = Some(Kind::Npy),
            "wav" => options.kind = Some(Kind::Wav),
            _ => {
                let format = name.parse::<SampleFormat>().map_err(|_| {
                    format!(
                        "unknown format '{name}': expected sigmf, digital_rf, hdf5, npy or wav, or for bare samples one of \
                         cu8 cs8 cs16 cs32 cf32 cf64 u8 i8 i16 i32 f32 f64 with the sample rate, as in cs16@2.4e6"
                    )
                })?;
                options.kind = Some(Kind::Raw);
                options.sample_format = Some(format);
            }
        }
        if let Some(rate) = rate {
            let hz = parse_si(rate).map_err(|message| format!("sample rate of '{text}': {message}"))?;
            if hz <= 0.0 {
                return Err(format!("sample rate of '{text}' is {hz} Hz, expected a number above zero"));
            }
            options.sample_rate_hz = Some(hz);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rangegate_core::Scalar;

    #[test]
    fn numbers_take_si_suffixes() {
        for (text, number) in [("2.4M", 2.4e6), ("2.4e6", 2.4e6), ("20k", 2e4), ("1G", 1e9), ("-3.5", -3.5)] {
            assert!((parse_si(text).unwrap() - number).abs() < 1e-6, "{text}");
        }
        for text in ["", "M", "k5", "2,4M", "nan", "inf", "infinityk", "1e999", "2 M", "é"] {
            assert!(parse_si(text).unwrap_err().contains("expected one such as"), "{text}");
        }
    }

    #[test]
    fn formats_name_a_kind_or_a_sample() {
        let raw = OpenOptions::parse_format("cs16@2.4M").unwrap();
        assert_eq!(raw.kind, Some(Kind::Raw));
        assert_eq!(raw.sample_format, Some(SampleFormat::complex(Scalar::I16)));
        assert_eq!(raw.sample_rate_hz, Some(2.4e6));
        assert_eq!(OpenOptions::parse_format("sigmf").unwrap().kind, Some(Kind::Sigmf));
        assert_eq!(OpenOptions::parse_format("i8").unwrap().sample_rate_hz, None);
        for (text, fragment) in
            [("cs12", "'cs12'"), ("cu8@", "cu8@"), ("cu8@0", "above zero"), ("", "expected sigmf")]
        {
            let message = OpenOptions::parse_format(text).unwrap_err();
            assert!(message.contains(fragment), "{text}: {message}");
        }
    }
}
