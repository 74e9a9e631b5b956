//! Alerts posted as JSON to an address of `http`, by a thread of its own: who does not answer holds up nothing.

use anyhow::{Context, Result};
use rangegate_fusion::Alert;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Alerts that wait for an answer at most; more are dropped, and told.
const WAITING: usize = 64;
/// How long somebody may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts alerts.
pub struct Webhook {
    sender: SyncSender<String>,
    thread: JoinHandle<()>,
}

impl Webhook {
    /// To an address.
    ///
    /// # Errors
    /// It is none of `http`; what speaks `https` stands behind a proxy on this machine.
    pub fn new(address: &str) -> Result<Self> {
        let uri: ureq::http::Uri = address.parse().with_context(|| format!("webhook is {address:?}"))?;
        anyhow::ensure!(
            uri.scheme_str() == Some("http") && uri.host().is_some(),
            "webhook is {address:?}, expected an address of http"
        );
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build();
        let (agent, address) = (ureq::Agent::new_with_config(config), address.to_owned());
        let (sender, alerts) = sync_channel::<String>(WAITING);
        let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(move || {
            for alert in alerts {
                let posted =
                    agent.post(&address).header("Content-Type", "application/json").send(alert.as_bytes());
                if let Err(error) = posted {
                    tracing::warn!("an alert was not posted: {error}");
                }
            }
        })?;
        Ok(Self { sender, thread })
    }

    /// Posts an alert before long.
    pub fn post(&self, alert: &Alert) {
        let text = serde_json::to_string(alert).unwrap_or_default();
        if self.sender.try_send(text).is_err() {
            tracing::warn!("an alert was not posted: {WAITING} wait already");
        }
    }

    /// Lets what waits go out, for as long as somebody may take to answer.
    pub fn finish(self) {
        let Self { sender, thread } = self;
        drop(sender);
        let began = Instant::now();
        while !thread.is_finished() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
