//! Where results go: the detection log, recordings, the run's report, annotations, plots, and the table for the terminal.
#![forbid(unsafe_code)]

pub mod annotations;
pub mod detection_log;
pub mod plots;
pub mod recorder;
pub mod report;
pub mod strongest;
pub mod table;

pub use annotations::annotations_from_detections;
pub use detection_log::{DetectionLog, DetectionWriter, detections_of, read_detections};
pub use recorder::{Recorded, Recorder, Trigger};
pub use report::RunReport;
pub use strongest::Strongest;

use std::path::{Path, PathBuf};

/// What is wrong with a file that results go to, or come from.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What was found and what was expected: one sentence without a full stop.
    pub message: String,
    /// What the operating system or a library said.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into(), source: None }
    }

    fn io(path: &Path, doing: &str, source: std::io::Error) -> Self {
        let message = format!("cannot {doing}: {source}");
        Self { path: path.to_owned(), message, source: Some(Box::new(source)) }
    }
}
