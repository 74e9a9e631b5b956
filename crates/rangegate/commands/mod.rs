//! A file or a folder a command, with what it is told.

pub mod archive;
pub mod asterix;
pub mod bench;
pub mod capture;
pub mod compare;
pub mod convert;
pub mod coverage;
#[cfg(feature = "soapy")]
pub mod devices;
pub mod federation;
pub mod info;
pub mod plan;
pub mod plot;
pub mod query;
pub mod report;
pub mod reprocess;
pub mod run;
pub mod saved;
pub mod serve;
pub mod shell;
pub mod simulate;
pub mod track;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;

/// What a build without the web view says.
pub const NO_WEB: &str = "this build has no web view: build Rangegate with its default features";

/// Prints text on standard output.
///
/// # Errors
/// Standard output is closed or full.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints a value as indented JSON on standard output.
///
/// # Errors
/// Standard output is closed or full.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// A bar that shows how many of so many samples are done; none where their number is not known.
pub fn progress(n_samples: Option<u64>, quiet: bool) -> ProgressBar {
    match n_samples {
        Some(n) if !quiet => ProgressBar::new(n).with_style(
            ProgressStyle::with_template("{wide_bar} {percent:>3} %  {per_sec} samples  {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        ),
        _ => ProgressBar::hidden(),
    }
}

/// What went wrong, as one sentence: causes that the words before them already hold are left out.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !message.contains(cause.trim()) {
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(cause.trim());
        }
    }
    message
}

/// Says on standard error what went wrong.
pub fn complain(error: &anyhow::Error) {
    // Nobody is left to tell where standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "rangegate: {}", sentence(error));
}
