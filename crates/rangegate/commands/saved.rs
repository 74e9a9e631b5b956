//! What a run left in its folder, for the commands that go on from there.

use crate::config::Config;
use anyhow::{Context, Result, bail};
use rangegate_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What of `run.json` is needed afterwards.
#[derive(Deserialize)]
pub struct RunFile {
    /// The plan.
    pub plan: PlanPart,
    configuration: Value,
    #[serde(skip)]
    path: PathBuf,
}

/// What of the plan.
#[derive(Deserialize)]
pub struct PlanPart {
    /// Where samples came from.
    pub source: String,
    /// Samples a second, Hz.
    pub sample_rate_hz: f64,
    /// Absolute index of the first sample.
    pub first_sample: u64,
    /// When it was taken, where that is known.
    pub start_time: Option<Timestamp>,
}

impl RunFile {
    /// Reads the report in a run's folder.
    ///
    /// # Errors
    /// The folder holds no run.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("run.json");
        if !folder.is_dir() {
            bail!("{} is no folder: expected one that a run wrote (--out)", folder.display());
        }
        if !path.exists() {
            bail!("{} holds no run.json: expected a folder that a run wrote (--out)", folder.display());
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is no report of a run", path.display()))?;
        Ok(Self { path, ..file })
    }

    /// The configuration that it ran with.
    ///
    /// # Errors
    /// It is that of another version.
    pub fn configuration(&self) -> Result<Config> {
        serde_json::from_value(without_nulls(self.configuration.clone()))
            .with_context(|| format!("{} has no configuration of this version", self.path.display()))
    }
}

/// The configuration as it was read: what is not set is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        value => value,
    }
}
