//! `bench replay`, `record` and `convert`: how fast recordings are read, written and written anew.
//!
//! All of it goes through the system's cache of files: what the disk itself sustains is another question.

use super::args::RecordingArgs;
use super::measure::{Case, interleaved, show};
use super::noise;
use crate::Outcome;
use crate::cli::{Args, Command};
use crate::commands::convert;
use crate::plan::{self, Opened};
use anyhow::{Context, Result, bail};
use clap::Parser;
use rangegate_core::{
    BlockHeader, Complex32, IqBlock, SampleRate, StreamInfo, TimeAnchor, Timestamp, ToBaseband,
};
use rangegate_dsp::convert::Converter;
use rangegate_pipeline::Stop;
use rangegate_recording::CreateOptions;
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;

const RATE_HZ: u64 = 20_000_000;
/// Index of the first sample, counted from 1970 as Digital RF does.
const FIRST: u64 = 1_790_000_000 * RATE_HZ;
/// Samples of a block in memory: 5 ms, as radios give them.
const BLOCK: usize = 100_000;
/// Formats by the ends of their names.
const FORMATS: [(&str, &str); 3] = [("SigMF", ".sigmf-meta"), ("Digital RF", ""), ("raw", ".raw")];

/// `bench replay`: from a recording to complex numbers, beside the same from memory.
///
/// # Errors
/// A recording cannot be written or read.
pub fn replay(args: &RecordingArgs) -> Result<Outcome> {
    let (folder, blocks) = (folder(args)?, blocks(args)?);
    let stream = stream(&blocks)?;
    let converter = Converter::new(stream.format, ToBaseband::default(), stream.sample_rate)?;
    let kernel = {
        let (blocks, converter, mut numbers) = (&blocks, &converter, vec![Complex32::ZERO; BLOCK]);
        move || blocks.iter().for_each(|block| convert_all(converter, block, &mut numbers))
    };
    let mut cases = vec![Case::new("memory to complex numbers", args.samples, kernel)];
    for (name, end) in FORMATS {
        let path = folder.path().join(format!("played{}", ending(end, args)));
        write(&path, &stream, &blocks)?;
        for no_mmap in [false, true] {
            let mut source =
                crate::config::SourceConfig { recording: Some(path.clone()), no_mmap, ..Default::default() };
            if end == ".raw" {
                source.sample_rate_hz = Some(RATE_HZ as f64);
            }
            let Opened { source: opened, recording, .. } = plan::open(&source, &Stop::new())?;
            drop(opened);
            if !no_mmap && !recording.context("no recording")?.mapped {
                continue;
            }
            let (samples, converter) = (args.samples, &converter);
            let mut numbers = vec![Complex32::ZERO; BLOCK];
            cases.push(Case {
                name: format!("{name}, {}", if no_mmap { "read" } else { "mapped" }),
                samples: samples as f64,
                run: Box::new(move || {
                    let begun = Instant::now();
                    let mut opened = plan::open(&source, &Stop::new())?.source;
                    let (mut block, mut n) = (IqBlock::default(), 0);
                    while opened.next_block(&mut block).map_err(anyhow::Error::from_boxed)? {
                        convert_all(converter, &block, &mut numbers);
                        n += block.n_samples();
                    }
                    all(n, samples)?;
                    Ok(begun.elapsed())
                }),
            });
        }
    }
    show(
        &interleaved(
            "replay",
            work(args, "opened, replayed and made complex numbers"),
            cases,
            args.time.seconds,
        )?,
        args.time.json,
    )
}

/// `bench record`: from blocks in memory to a recording, beside the bytes alone.
///
/// # Errors
/// A recording cannot be written.
pub fn record(args: &RecordingArgs) -> Result<Outcome> {
    let (folder, blocks) = (folder(args)?, blocks(args)?);
    let stream = stream(&blocks)?;
    let bare = folder.path().join("bare");
    let mut cases = vec![Case {
        name: "the bytes alone".to_owned(),
        samples: args.samples as f64,
        run: Box::new(|| {
            let begun = Instant::now();
            let mut file = std::fs::File::create(&bare)?;
            for block in &blocks {
                std::io::Write::write_all(&mut file, block.bytes())?;
            }
            drop(file);
            let took = begun.elapsed();
            std::fs::remove_file(&bare)?;
            Ok(took)
        }),
    }];
    for (name, end) in FORMATS {
        let path = folder.path().join(format!("recorded{}", ending(end, args)));
        let (stream, blocks) = (&stream, &blocks);
        cases.push(Case {
            name: name.to_owned(),
            samples: args.samples as f64,
            run: Box::new(move || {
                let begun = Instant::now();
                write(&path, stream, blocks)?;
                let took = begun.elapsed();
                remove(&path)?;
                Ok(took)
            }),
        });
    }
    show(&interleaved("record", work(args, "written and closed"), cases, args.time.seconds)?, args.time.json)
}

/// `bench convert`: `convert` from one recording to another, beside a copy of the file.
///
/// # Errors
/// A recording cannot be written or read.
pub fn convert(args: &RecordingArgs) -> Result<Outcome> {
    let (folder, blocks) = (folder(args)?, blocks(args)?);
    let stream = stream(&blocks)?;
    let from = folder.path().join("from.sigmf-meta");
    write(&from, &stream, &blocks)?;
    let (data, copy) = (from.with_extension("sigmf-data"), folder.path().join("copy"));
    let mut cases = vec![Case {
        name: "a copy of the file".to_owned(),
        samples: args.samples as f64,
        run: Box::new(|| {
            let begun = Instant::now();
            std::fs::copy(&data, &copy)?;
            let took = begun.elapsed();
            std::fs::remove_file(&copy)?;
            Ok(took)
        }),
    }];
    let ways: [(&str, &str, &[&str]); 6] = [
        ("to Digital RF", "digital-rf", &[]),
        ("to cs8", "to.sigmf-meta", &["--sample-format", "cs8"]),
        ("to cs16", "to.sigmf-meta", &["--sample-format", "cs16"]),
        ("to cf32", "to.sigmf-meta", &["--sample-format", "cf32"]),
        ("a sample of 2", "to.sigmf-meta", &["--decimate", "2"]),
        ("a sample of 8", "to.sigmf-meta", &["--decimate", "8"]),
    ];
    for (name, to, options) in ways {
        let to = folder.path().join(to);
        let line = ["rangegate".as_ref(), "convert".as_ref(), from.as_os_str(), to.as_os_str()];
        let parsed = Args::try_parse_from(line.into_iter().chain(options.iter().map(AsRef::as_ref)))?;
        let Command::Convert(told) = parsed.command else {
            bail!("the command line became another: this is a bug")
        };
        let fewer = told.decimate as u64;
        let samples = args.samples;
        cases.push(Case {
            name: name.to_owned(),
            samples: samples as f64,
            run: Box::new(move || {
                let begun = Instant::now();
                let converted = convert::write(&told, &Stop::new(), true)?;
                let took = begun.elapsed();
                all(converted.samples as usize, (samples as u64).div_ceil(fewer) as usize)?;
                remove(&to)?;
                Ok(took)
            }),
        });
    }
    show(&interleaved("convert", work(args, "of SigMF"), cases, args.time.seconds)?, args.time.json)
}

fn work(args: &RecordingArgs, what: &str) -> String {
    format!("{} samples of {}, {what}", args.samples, args.format)
}

/// Raw files say their format in their name.
fn ending(end: &str, args: &RecordingArgs) -> String {
    if end == ".raw" { format!(".{}", args.format) } else { end.to_owned() }
}

fn folder(args: &RecordingArgs) -> Result<TempDir> {
    match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir).with_context(|| format!("no folder in {}", dir.display())),
        None => tempfile::tempdir().context("no folder for temporary files"),
    }
}

/// The recording, cut as a radio cuts it.
fn blocks(args: &RecordingArgs) -> Result<Vec<IqBlock>> {
    if args.samples == 0 {
        bail!("--samples is 0, expected 1 or more");
    }
    let whole = noise::block(&args.format, args.samples)?;
    let size = whole.format().bytes();
    let cut = |(k, bytes): (usize, &[u8])| {
        let mut block = IqBlock::default();
        let header = BlockHeader { first_sample: FIRST + (k * BLOCK) as u64, ..BlockHeader::default() };
        block.fill(header, whole.format(), 1, bytes.len() / size).copy_from_slice(bytes);
        block
    };
    Ok(whole.bytes().chunks(BLOCK * size).enumerate().map(cut).collect())
}

/// What a radio would say of them.
fn stream(blocks: &[IqBlock]) -> Result<StreamInfo> {
    Ok(StreamInfo {
        sample_rate: SampleRate::new(RATE_HZ, 1)?,
        n_channels: 1,
        format: blocks[0].format(),
        to_baseband: ToBaseband::default(),
        center_frequency_hz: Some(1e9),
        first_sample: FIRST,
        anchor: Some(TimeAnchor { sample: 0, time: Timestamp::UNIX_EPOCH }),
        n_samples: None,
        pulse_len: None,
    })
}

fn write(path: &Path, stream: &StreamInfo, blocks: &[IqBlock]) -> Result<()> {
    let mut writer = rangegate_recording::create(path, stream, &CreateOptions::default())?;
    for block in blocks {
        writer.write(block)?;
    }
    Ok(writer.finish()?)
}

/// Removes a recording, whatever files it has.
fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(std::fs::remove_dir_all(path)?);
    }
    let _ = std::fs::remove_file(path.with_extension("sigmf-data"));
    Ok(std::fs::remove_file(path)?)
}

fn convert_all(converter: &Converter, block: &IqBlock, numbers: &mut [Complex32]) {
    let mut first = 0;
    while first < block.n_samples() {
        let n = numbers.len().min(block.n_samples() - first);
        converter.convert(block, 0, first..first + n, &mut numbers[..n]);
        first += n;
    }
    std::hint::black_box(numbers);
}

fn all(found: usize, wanted: usize) -> Result<()> {
    if found != wanted {
        bail!("{found} samples of {wanted} came: this is a bug");
    }
    Ok(())
}
