//! Files of `coverage`: stations and heights of the ground in, JSON out.

use anyhow::{Context, Result, bail};
use rangegate_coverage::{HeightGrid, SiteConfig, Terrain};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// No height grid is larger, bytes.
const MAX_BYTES: u64 = 1 << 30;

/// A station's file.
pub fn site(path: &Path) -> Result<SiteConfig> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is no station's file", path.display()))
}

/// A height grid, or all of a folder in the order of their names.
pub fn terrain(path: &Path) -> Result<Terrain> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = entries.with_context(|| format!("cannot read {}", path.display()))?;
        paths = entries.iter().map(fs::DirEntry::path).filter(|path| is_grid(path)).collect();
        paths.sort();
        if paths.is_empty() {
            bail!("no .hgt or .tif file in {}", path.display());
        }
    }
    let grids = paths.iter().map(|path| grid(path)).collect::<Result<Vec<_>>>()?;
    Ok(Terrain::new(grids))
}

fn is_grid(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["hgt", "tif", "tiff"].iter().any(|known| ending == *known)
}

fn grid(path: &Path) -> Result<HeightGrid> {
    let failed = || format!("cannot read {}", path.display());
    let length = fs::metadata(path).with_context(failed)?.len();
    if length > MAX_BYTES {
        bail!("{} has {length} bytes, expected at most {MAX_BYTES}", path.display());
    }
    Ok(HeightGrid::read(&path.to_string_lossy(), &fs::read(path).with_context(failed)?)?)
}

/// Writes a value as JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)?;
    fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}
