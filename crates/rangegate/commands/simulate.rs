//! `simulate`: a recording, with its truth, from a scene.

use crate::Outcome;
use crate::unfinished::Unfinished;
use anyhow::{Context, Result, bail};
use clap::ValueHint;
use rangegate_core::{IqBlock, Source};
use rangegate_recording::CreateOptions;
use rangegate_scene::SceneSource;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `rangegate simulate`.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// The scene (TOML)
    #[arg(value_name = "SCENE", value_hint = ValueHint::FilePath)]
    pub scene: PathBuf,

    /// The recording to write: NAME.sigmf-meta, NAME.h5, NAME.cs16 (raw), or a folder name (Digital RF)
    #[arg(short, long, value_name = "RECORDING", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,

    /// Seed, instead of the scene's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

/// What was written.
#[derive(Serialize)]
struct Written {
    recording: PathBuf,
    truth: PathBuf,
    samples: u64,
    bursts: u64,
    /// CPIs times targets.
    cpi_targets: u64,
}

/// Runs the command.
///
/// # Errors
/// The scene is wrong, the recording exists already, or the disk is full.
pub fn simulate(args: &SimulateArgs, quiet: bool) -> Result<Outcome> {
    let mut config = crate::plan::read_scene(&args.scene)?;
    config.seed = args.seed.unwrap_or(config.seed);
    let scene = rangegate_scene::Scene::new(&config).with_context(|| format!("{}", args.scene.display()))?;
    let scene = Arc::new(scene);
    let description =
        format!("simulated by rangegate {} with seed {}", env!("CARGO_PKG_VERSION"), config.seed);
    let options = CreateOptions { description: Some(description), ..CreateOptions::default() };
    let truth = truth_path(&args.out);
    if truth.exists() {
        bail!("{} exists already: choose another name", truth.display());
    }
    let mut unfinished = Unfinished::default();
    let mut writer = rangegate_recording::create(&args.out, scene.info(), &options)?;
    unfinished.recording(&args.out);
    unfinished.file(&truth);
    let mut source = SceneSource::new(Arc::clone(&scene), BLOCK_SAMPLES);
    let bar = super::progress(scene.info().n_samples, quiet);
    let mut block = IqBlock::default();
    let mut samples = 0;
    while source.next_block(&mut block).map_err(anyhow::Error::from_boxed)? {
        writer.write(&block)?;
        samples += block.n_samples() as u64;
        bar.set_position(samples);
    }
    writer.finish()?;
    bar.finish_and_clear();
    let (bursts, cpi_targets) =
        write_truth(&scene, &truth).with_context(|| format!("cannot write {}", truth.display()))?;
    unfinished.keep();
    let written = Written { recording: args.out.clone(), truth, samples, bursts, cpi_targets };
    if args.json {
        super::print_json(&written)?;
    } else {
        let cpis =
            if config.radar.is_some() { format!(", {cpi_targets} targets of CPIs") } else { String::new() };
        super::print(&format!(
            "{}: {samples} samples\n{}: {bursts} bursts{cpis}\n",
            written.recording.display(),
            written.truth.display()
        ))?;
    }
    Ok(Outcome::Done)
}

/// Samples that are made at a time.
const BLOCK_SAMPLES: usize = 1 << 17;

/// `NAME.truth.jsonl` beside the recording.
fn truth_path(recording: &Path) -> PathBuf {
    recording.with_extension("truth.jsonl")
}

/// Bursts, then CPIs with their targets, a record a line; how many of each.
fn write_truth(scene: &rangegate_scene::Scene, path: &Path) -> Result<(u64, u64)> {
    let mut file = BufWriter::new(File::create(path)?);
    let bursts = write_lines(scene.truth(), &mut file)?;
    let cpi_targets = write_lines(scene.cpi_truth(), &mut file)?;
    file.flush()?;
    Ok((bursts, cpi_targets))
}

fn write_lines<T: Serialize>(records: impl Iterator<Item = T>, file: &mut impl Write) -> Result<u64> {
    let mut n = 0;
    for record in records {
        serde_json::to_writer(&mut *file, &record)?;
        file.write_all(b"\n")?;
        n += 1;
    }
    Ok(n)
}
