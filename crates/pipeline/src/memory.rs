//! Whether there is memory for what is to be allocated: Linux gives what it has not, and ends the program later.

use crate::error::Error;

/// Share of the free memory that may be taken: the rest is for whoever else works here.
const SHARE: f64 = 0.8;

/// Whether so many bytes may be allocated. Where the system does not tell how many are free, they may.
///
/// # Errors
/// [`Error::NoMemory`] has both numbers.
pub fn check(bytes: f64) -> Result<(), Error> {
    match available() {
        Some(free) if bytes > SHARE * free => {
            Err(Error::NoMemory { needed_gb: bytes / 1e9, expected_gb: SHARE * free / 1e9 })
        }
        _ => Ok(()),
    }
}

/// Memory that programs may still take, bytes.
fn available() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused_with_both_numbers() {
        assert!(check(1e3).is_ok());
        if cfg!(target_os = "linux") {
            let message = check(1e18).unwrap_err().to_string();
            assert!(message.starts_with("takes 1000000000.0 GB of memory, expected at most"), "{message}");
        }
    }
}
