//! The files of `rangegate station` and `rangegate centre`.

use crate::centre::Clock;
use crate::site::SiteConfig;
use crate::station::ShareConfig;
use crate::{Error, Result};
use rangegate_fusion::{AlertConfig, FusionConfig};
use rangegate_tracking::TrackingConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// `[exchange]`: where station and centre meet, and who one is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeConfig {
    /// A folder that both open, or a server: `nats://HOST:PORT`, `tls://HOST:PORT`.
    pub at: String,
    /// Secret key that signs messages, a file.
    pub key: PathBuf,
    /// Secret key that logs on to the server, a file; the signing key where none is given.
    pub login: Option<PathBuf>,
    /// Certificates of who may have signed the server's, a file (PEM).
    pub ca: Option<PathBuf>,
}

/// `[radar]` of a station: one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RadarConfig {
    /// A configuration of `rangegate run`: any recording, scene or radio.
    pub run: Option<PathBuf>,
    /// A scene of plots: what the station would detect, without samples.
    pub plots: Option<PathBuf>,
    /// When a scene of plots begins; the same for all stations of it.
    pub start_time: Option<rangegate_core::Timestamp>,
    /// Seconds of a scene of plots that pass in one; not given: as fast as possible.
    pub speed: Option<f64>,
    /// How long a scene of plots lasts, s; not given: as long as it says.
    pub duration_s: Option<f64>,
}

/// A station's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationConfig {
    /// Who it is.
    pub site: SiteConfig,
    /// Where it meets the centre.
    pub exchange: ExchangeConfig,
    /// The centre's public key: what it did not sign is refused.
    pub centre_key: String,
    /// What leaves it.
    #[serde(default)]
    pub share: ShareConfig,
    /// What it sees with.
    pub radar: RadarConfig,
    /// How detections of plots are followed; a run follows as its own configuration says.
    pub tracking: Option<TrackingConfig>,
    /// Folder of what it leaves: detections, tracks, its outbox, its archive.
    pub folder: PathBuf,
    /// Address of its web view.
    pub serve: Option<SocketAddr>,
    /// What stations should see, for its web view: a file of `rangegate coverage`.
    #[serde(default)]
    pub coverage_file: Option<PathBuf>,
}

/// `[[station]]` of a centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberConfig {
    /// Who it is.
    pub site: SiteConfig,
    /// Its public key.
    pub key: String,
    /// Its key was lost or its owner left: since when, and why.
    pub revoked: Option<Revoked>,
    /// Secret key that logs on to its account of the server, a file.
    pub login: Option<PathBuf>,
}

/// When and why a key lost its force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// What it signed later is refused.
    pub since: rangegate_core::Timestamp,
    /// Why.
    pub reason: String,
}

/// A centre's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreConfig {
    /// Its name.
    pub name: String,
    /// System area code of its picture.
    pub sac: u8,
    /// System identification code of its picture.
    pub sic: u8,
    /// Where it meets the stations.
    pub exchange: ExchangeConfig,
    /// Public key of each owner, `A…`.
    pub owners: BTreeMap<String, String>,
    /// Its stations.
    #[serde(rename = "station")]
    pub stations: Vec<MemberConfig>,
    /// The contracts between owners, files; without one nothing passes from one to the other.
    #[serde(default)]
    pub contracts: Vec<PathBuf>,
    /// What "now" is.
    #[serde(default)]
    pub clock: Clock,
    /// How the common picture is made.
    #[serde(default)]
    pub fusion: FusionConfig,
    /// What somebody is told of.
    #[serde(default)]
    pub alerts: AlertConfig,
    /// Where alerts are posted as JSON: an address of `http`.
    pub webhook: Option<String>,
    /// Folder of what it leaves: pictures, alerts, audit logs, its archive.
    pub folder: PathBuf,
    /// Address of its web view.
    pub serve: Option<SocketAddr>,
    /// What stations should see, for its web view: a file of `rangegate coverage`.
    #[serde(default)]
    pub coverage_file: Option<PathBuf>,
}

/// Reads a file of TOML; its paths are relative to it.
///
/// # Errors
/// It cannot be read, or says what it may not.
fn load<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    toml::from_str(&text).map_err(|error| Error::Config(format!("{}: {error}", path.display())))
}

/// The folder that a file's paths are relative to.
fn base(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

impl ExchangeConfig {
    fn relative_to(&mut self, base: &Path) {
        if !self.at.contains("://") {
            self.at = base.join(&self.at).display().to_string();
        }
        self.key = base.join(&self.key);
        for path in self.login.iter_mut().chain(&mut self.ca) {
            *path = base.join(&*path);
        }
    }

    /// The key that logs on.
    pub fn login(&self) -> &Path {
        self.login.as_deref().unwrap_or(&self.key)
    }
}

impl StationConfig {
    /// Reads a station's file.
    ///
    /// # Errors
    /// It cannot be read, or says what it may not: file, field, found, expected.
    pub fn load(path: &Path) -> Result<Self> {
        let mut config: Self = load(path)?;
        let base = base(path);
        config.exchange.relative_to(base);
        config.folder = base.join(&config.folder);
        let files = config.radar.run.iter_mut().chain(&mut config.radar.plots);
        for path in files.chain(&mut config.coverage_file) {
            *path = base.join(&*path);
        }
        let named = |error: Error| Error::Config(format!("{}: {error}", path.display()));
        config.check().map_err(named)?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        self.site.check()?;
        self.share.check()?;
        let RadarConfig { run, plots, start_time, speed, duration_s } = &self.radar;
        if run.is_some() == plots.is_some() {
            return Err(Error::Config("[radar] needs one of run and plots".to_owned()));
        }
        if plots.is_some() && (start_time.is_none() || self.tracking.is_none()) {
            return Err(Error::Config(
                "a station of plots needs radar.start_time and a section [tracking]".to_owned(),
            ));
        }
        for (field, value) in [("speed", speed), ("duration_s", duration_s)] {
            if let Some(value) = value.filter(|value| !(*value > 0.0 && *value <= 1e9)) {
                return Err(Error::Config(format!("radar.{field} is {value}, expected a positive number")));
            }
        }
        Ok(())
    }
}

impl CentreConfig {
    /// Reads a centre's file.
    ///
    /// # Errors
    /// As [`StationConfig::load`].
    pub fn load(path: &Path) -> Result<Self> {
        let mut config: Self = load(path)?;
        let base = base(path);
        config.exchange.relative_to(base);
        config.folder = base.join(&config.folder);
        for path in config.contracts.iter_mut().chain(&mut config.coverage_file) {
            *path = base.join(&*path);
        }
        for member in &mut config.stations {
            member.login = member.login.take().map(|login| base.join(login));
        }
        let named = |error: Error| Error::Config(format!("{}: {error}", path.display()));
        config.check().map_err(named)?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if self.stations.is_empty() {
            return Err(Error::Config("there is no [[station]], expected one or more".to_owned()));
        }
        let (mut names, mut sources) = (BTreeSet::new(), BTreeSet::from([(self.sac, self.sic)]));
        names.insert(self.name.as_str());
        for member in &self.stations {
            let site = &member.site;
            site.check()?;
            if !names.insert(&site.name) {
                return Err(Error::Config(format!("station {:?} is there twice", site.name)));
            }
            if !sources.insert((site.sac, site.sic)) {
                return Err(Error::Config(format!(
                    "station {:?} has SAC/SIC {}/{}, which another has too",
                    site.name, site.sac, site.sic
                )));
            }
        }
        self.fusion.check().map_err(|error| Error::Config(error.to_string()))
    }
}
