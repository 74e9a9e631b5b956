//! Numbers as users write them.

/// Reads a number with an optional SI suffix: `2.4M`, `20e6`, `440k`, `1.09G`.
///
/// # Errors
/// The text is no finite number; the message says so.
pub fn si(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (digits, factor) = match trimmed.char_indices().last() {
        Some((at, 'k' | 'K')) => (&trimmed[..at], 1e3),
        Some((at, 'M')) => (&trimmed[..at], 1e6),
        Some((at, 'G')) => (&trimmed[..at], 1e9),
        Some((at, 'm')) => (&trimmed[..at], 1e-3),
        Some((at, 'u')) => (&trimmed[..at], 1e-6),
        _ => (trimmed, 1.0),
    };
    match digits.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number * factor),
        _ => Err(format!("'{text}' is not a number; expected one such as 2.4M, 20e6 or 0.5")),
    }
}

#[cfg(test)]
mod tests {
    use super::si;

    #[test]
    fn suffixes_and_exponents() {
        for (text, value) in [("20M", 20e6), ("2.4e6", 2.4e6), ("440k", 440e3), (" 1.09G ", 1.09e9), ("-3", -3.0)] {
            assert_eq!(si(text), Ok(value), "{text}");
        }
        for text in ["", "M", "2.4X", "nan", "inf", "1e999", "2..4"] {
            assert!(si(text).is_err(), "{text}");
        }
    }
}
