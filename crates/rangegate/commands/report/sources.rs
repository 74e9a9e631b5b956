//! Files of `report`: stations' places, and truth.

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use rangegate_analysis::truth::Truth;
use rangegate_core::AntennaCoverage;
use rangegate_coverage::SiteConfig;
use rangegate_tracking::Geodetic;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No file of truth is longer, bytes, once unpacked.
const MAX_BYTES: u64 = 1 << 30;

/// The stations of a file: a station's own, or a configuration with `[site]` or `[[station]]`.
pub fn sites(path: &Path) -> Result<Vec<SiteConfig>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table =
        toml::from_str(&text).with_context(|| format!("{} is no TOML", path.display()))?;
    let entries = match (table.get("site"), table.get("station")) {
        (Some(site), _) => vec![site.clone()],
        (_, Some(toml::Value::Array(stations))) => stations.clone(),
        _ => return Ok(vec![crate::commands::coverage::files::site(path)?]),
    };
    let site = |(at, entry): (usize, &toml::Value)| {
        let place = || format!("{}: station {at}", path.display());
        let field = |name: &str| entry.get(name).cloned();
        let name = field("name").and_then(|name| name.as_str().map(str::to_owned));
        let position = field("position").with_context(|| format!("{}: no position", place()))?;
        let coverage: Option<AntennaCoverage> = field("coverage")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| format!("{}: coverage", place()))?;
        let transmitter: Option<Geodetic> = field("transmitter")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| format!("{}: transmitter", place()))?;
        let radar = field("radar")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| format!("{}: radar", place()))?;
        Ok(SiteConfig {
            name: name.with_context(|| format!("{}: no name", place()))?,
            owner: field("owner").and_then(|owner| owner.as_str().map(str::to_owned)).unwrap_or_default(),
            position: position.try_into().with_context(|| format!("{}: position", place()))?,
            antenna_height_m: 0.0,
            transmitter,
            coverage: coverage.unwrap_or_default(),
            radar,
        })
    };
    entries.iter().enumerate().map(site).collect()
}

/// Reads files, and folders of them with all below.
pub fn truth(paths: &[PathBuf]) -> Result<Truth> {
    let mut truth = Truth::default();
    for path in paths {
        if path.is_dir() {
            let before = truth.counts.files;
            folder(path, &mut truth)?;
            if truth.counts.files == before {
                bail!("{} holds no .json or .json.gz file", path.display());
            }
        } else {
            file(path, &mut truth)?;
        }
    }
    truth.sort();
    Ok(truth)
}

fn folder(path: &Path, truth: &mut Truth) -> Result<()> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries = entries.with_context(|| format!("cannot read {}", path.display()))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().with_context(|| format!("cannot read {}", path.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() {
            folder(&entry.path(), truth)?;
        } else if kind.is_file()
            && (name.ends_with(".json") || name.ends_with(".json.gz") || name.ends_with(".jsonl"))
            && !is_other(&name)
        {
            file(&entry.path(), truth)?;
        }
    }
    Ok(())
}

/// What readsb writes beside.
fn is_other(name: &str) -> bool {
    ["receiver.", "stats.", "outline.", "status."].iter().any(|begin| name.starts_with(begin))
}

fn file(path: &Path, truth: &mut Truth) -> Result<()> {
    let failed = || format!("cannot read {}", path.display());
    let packed = std::fs::read(path).with_context(failed)?;
    // readsb's history is packed under names that do not say so.
    let mut text = Vec::new();
    if packed.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(&packed[..]).take(MAX_BYTES + 1).read_to_end(&mut text).with_context(failed)?;
    } else {
        text = packed;
    }
    if text.len() as u64 > MAX_BYTES {
        bail!("{} has more than {MAX_BYTES} bytes, expected at most so many", path.display());
    }
    truth.read(&text).map_err(|message| anyhow::anyhow!("{} {message}", path.display()))
}
