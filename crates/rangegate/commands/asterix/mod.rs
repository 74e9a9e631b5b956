//! `asterix`: blocks to lines of JSON and back.

mod args;
mod items;

use crate::Outcome;
use anyhow::{Context, Result, anyhow, bail};
use rangegate_core::Timestamp;
use rangegate_exchange::asterix::spec::Category;
use rangegate_exchange::asterix::tables::{CATEGORIES, category};
use rangegate_exchange::asterix::{Block, decode_block, record_from_json, record_to_json};
use rangegate_exchange::envelope::{Envelope, MAGIC};
use rangegate_exchange::link::{BlockReader, for_each_datagram, is_capture};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

pub use args::{AsterixCommand, DecodeArgs, EncodeArgs};

/// Runs the command.
///
/// # Errors
/// A file cannot be read or written, or holds what is not as its edition says; there is no such category.
pub fn asterix(what: AsterixCommand) -> Result<Outcome> {
    match what {
        AsterixCommand::Decode(args) => decode(&args),
        AsterixCommand::Encode(args) => encode(&args),
        AsterixCommand::Items { category } => items::items(category),
    }
}

/// A record, and of what block.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Number of the block, from 0: records of one number are one block. Without it each record is a block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    /// Packet of the capture, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    envelope: Option<EnvelopeLine>,
    category: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edition: Option<String>,
    record: serde_json::Value,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeLine {
    boot: u64,
    sequence: u64,
    contract_version: u32,
    time: Timestamp,
}

/// What the lines go to, and what went wrong on the way.
struct Lines<W> {
    out: W,
    n_blocks: u64,
    n_wrong: u64,
    keeps_going: bool,
}

impl<W: Write> Lines<W> {
    fn block(&mut self, block: &Block, packet: Option<u64>, envelope: Option<&EnvelopeLine>) -> Result<()> {
        for record in &block.records {
            let line = Line {
                block: Some(self.n_blocks),
                packet,
                envelope: envelope.cloned(),
                category: block.category.number,
                edition: Some(block.category.edition.to_owned()),
                record: record_to_json(record),
            };
            serde_json::to_writer(&mut self.out, &line)?;
            self.out.write_all(b"\n")?;
        }
        self.n_blocks += 1;
        Ok(())
    }

    fn document(&mut self, document: &str, envelope: &EnvelopeLine) -> Result<()> {
        let document: serde_json::Value =
            serde_json::from_str(document).unwrap_or_else(|_| serde_json::Value::String(document.to_owned()));
        serde_json::to_writer(
            &mut self.out,
            &serde_json::json!({ "envelope": envelope, "document": document }),
        )?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// What is wrong ends it all, or is told and counted.
    fn wrong(&mut self, error: anyhow::Error) -> Result<()> {
        self.n_wrong += 1;
        if !self.keeps_going {
            self.out.flush()?;
            return Err(error);
        }
        crate::commands::complain(&error);
        Ok(())
    }
}

/// Prints records as JSON.
fn decode(args: &DecodeArgs) -> Result<Outcome> {
    let name = args.file.display();
    let mut file = BufReader::new(File::open(&args.file).with_context(|| format!("{name}"))?);
    let out = BufWriter::new(std::io::stdout().lock());
    let mut lines = Lines { out, n_blocks: 0, n_wrong: 0, keeps_going: args.keep_going };
    let first = file.fill_buf().with_context(|| format!("{name}"))?;
    let done = if is_capture(first) {
        decode_capture(args, &mut lines)
    } else if first.starts_with(&MAGIC) {
        decode_envelopes(&args.file, &mut lines)
    } else {
        decode_blocks(file, &mut lines)
    };
    done.with_context(|| format!("{name}"))?;
    lines.out.flush()?;
    Ok(if lines.n_wrong == 0 { Outcome::Done } else { Outcome::Differs })
}

fn decode_blocks<W: Write>(file: impl std::io::Read, lines: &mut Lines<W>) -> Result<()> {
    let mut reader = BlockReader::new(file);
    loop {
        let start = reader.offset();
        // Behind a header that is wrong nothing can be found.
        let decoded = match reader.next_octets() {
            Ok(None) => return Ok(()),
            Ok(Some(octets)) => decode_block(octets, start),
            Err(error) => return lines.wrong(error.into()),
        };
        match decoded {
            Ok((block, _)) => lines.block(&block, None, None)?,
            Err(error) => lines.wrong(error.into())?,
        }
    }
}

fn decode_envelopes<W: Write>(path: &Path, lines: &mut Lines<W>) -> Result<()> {
    let octets = std::fs::read(path)?;
    let mut at = 0;
    while at < octets.len() {
        let (envelope, len) = match Envelope::decode(&octets[at..], at as u64) {
            Ok(decoded) => decoded,
            Err(error) => return lines.wrong(error.into()),
        };
        let Envelope { boot, sequence, contract_version, time, .. } = envelope;
        let header = EnvelopeLine { boot, sequence, contract_version, time };
        for block in &envelope.blocks {
            lines.block(block, None, Some(&header))?;
        }
        if let Some(document) = &envelope.document {
            lines.document(document, &header)?;
        }
        at += len;
    }
    Ok(())
}

fn decode_capture<W: Write>(args: &DecodeArgs, lines: &mut Lines<W>) -> Result<()> {
    let mut failed = None;
    let capture = std::fs::read(&args.file)?;
    for_each_datagram(&capture, |datagram| {
        if failed.is_some() || args.port.is_some_and(|port| port != datagram.port) {
            return Ok(());
        }
        let mut reader = BlockReader::new(&*datagram.octets);
        let mut each = || -> Result<()> {
            while let Some(block) = reader.next_block()? {
                lines.block(&block, Some(datagram.packet), None)?;
            }
            Ok(())
        };
        if let Err(error) = each() {
            let error = error.context(format!("packet {}", datagram.packet));
            failed = lines.wrong(error).err();
        }
        Ok(())
    })?;
    failed.map_or(Ok(()), Err)
}

/// Writes blocks of lines of JSON.
fn encode(args: &EncodeArgs) -> Result<Outcome> {
    let name = args.file.display();
    let file = BufReader::new(File::open(&args.file).with_context(|| format!("{name}"))?);
    let mut out = Encoder { out: Vec::new(), block: None, envelope: None };
    for (number, line) in file.lines().enumerate() {
        out.line(&line?).with_context(|| format!("{name}: line {}", number + 1))?;
    }
    out.end_envelope().with_context(|| format!("{name}: the last line"))?;
    std::fs::write(&args.out, &out.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(Outcome::Done)
}

/// Gathers records to blocks, and blocks to envelopes.
struct Encoder {
    out: Vec<u8>,
    block: Option<(Option<u64>, Block)>,
    envelope: Option<(EnvelopeLine, Vec<Block>)>,
}

impl Encoder {
    fn line(&mut self, line: &str) -> Result<()> {
        if line.trim().is_empty() {
            return Ok(());
        }
        let Line { block: number, envelope, category: of, edition, record, .. } = serde_json::from_str(line)?;
        let category = table(of)?;
        if edition.as_ref().is_some_and(|edition| edition != category.edition) {
            bail!(
                "category {of:03}: found edition {}, expected {}",
                edition.unwrap_or_default(),
                category.edition
            );
        }
        let record = record_from_json(category, &record)?;
        if self.envelope.as_ref().map(|of| &of.0) != envelope.as_ref() {
            self.end_envelope()?;
            self.envelope = envelope.map(|header| (header, Vec::new()));
        }
        match &mut self.block {
            Some((open, block)) if number.is_some() && *open == number && block.category == category => {
                block.records.push(record);
            }
            _ => {
                self.end_block()?;
                self.block = Some((number, Block { category, records: vec![record] }));
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let Some((_, block)) = self.block.take() else { return Ok(()) };
        match &mut self.envelope {
            Some((_, blocks)) => blocks.push(block),
            None => block.encode_into(&mut self.out)?,
        }
        Ok(())
    }

    fn end_envelope(&mut self) -> Result<()> {
        self.end_block()?;
        let Some((header, blocks)) = self.envelope.take() else { return Ok(()) };
        let EnvelopeLine { boot, sequence, contract_version, time } = header;
        self.out
            .extend(Envelope { boot, sequence, contract_version, time, blocks, document: None }.encode()?);
        Ok(())
    }
}

fn table(number: u8) -> Result<&'static Category> {
    category(number).ok_or_else(|| {
        let known: Vec<String> = CATEGORIES.iter().map(|known| known.number.to_string()).collect();
        anyhow!("found category {number}, expected one of {}", known.join(", "))
    })
}
