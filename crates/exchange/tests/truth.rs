//! Readers that others wrote read every field as it was encoded: libasterix, asterix_decoder and tshark.
#![allow(clippy::print_stdout, reason = "skipped cases are said loudly")]

mod random;

use rangegate_exchange::asterix::spec::{Content, Item, Part, Shape, Typed};
use rangegate_exchange::asterix::{Block, Record, Value, record_to_json, tables::CATEGORIES};
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::io::Write;
use std::process::Command;

/// Blocks of each category that a reader reads.
const BLOCKS: usize = 50;

/// The fields of an item in order: bits, and value where that is another.
fn leaves(shape: &Shape, value: &Value, json: &Json, out: &mut Vec<Json>) {
    let mut leaf = |content: &Content, raw: u64, json: &Json| {
        out.push(if *content == Content::Raw { json!([raw, null]) } else { json!([raw, json]) });
    };
    match (shape, value) {
        (Shape::Single(_, content), Value::Number(raw)) => leaf(content, *raw, json),
        (Shape::Group(parts), Value::Fields(raws)) => fields(parts.iter(), raws, json, &mut leaf),
        (Shape::Extended(extents), Value::Fields(raws)) => {
            fields(extents.iter().copied().flatten(), raws, json, &mut leaf);
        }
        (Shape::Repeated(of) | Shape::Chained(of), Value::List(list)) => {
            list.iter().enumerate().for_each(|(i, element)| leaves(of, element, &json[i], out));
        }
        (Shape::Compound(items), Value::Compound(values)) => {
            for (Item(name, _, shape), value) in items.iter().zip(values) {
                if let Some(value) = value {
                    leaves(shape, value, &json[*name], out);
                }
            }
        }
        _ => out.push(json!([null, json])),
    }
}

fn fields<'a>(
    parts: impl Iterator<Item = &'a Part>,
    raws: &[u64],
    json: &Json,
    leaf: &mut impl FnMut(&Content, u64, &Json),
) {
    let of = parts.filter_map(|part| match part {
        Part::Field(name, _, content) => Some((name, content)),
        Part::Spare(_) => None,
    });
    of.zip(raws).for_each(|((name, content), &raw)| leaf(content, raw, &json[*name]));
}

fn record_fields(record: &Record) -> Json {
    let json = record_to_json(record);
    let items = record.category().profile.iter().zip(record.items());
    let there = items.filter_map(|(Item(name, _, shape), value)| {
        let mut out = Vec::new();
        leaves(shape, value.as_ref()?, &json[*name], &mut out);
        Some(((*name).to_owned(), Json::Array(out)))
    });
    Json::Object(there.collect())
}

fn line(block: &Block) -> Json {
    let octets = block.encode().expect("encodes");
    let octets: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let records: Vec<Json> = block.records.iter().map(record_fields).collect();
    json!({ "category": block.category.number, "octets": octets, "records": records })
}

/// A block without the items that a reader does not know, as far as anything is left.
fn known(block: &Block, knows: &impl Fn(u8, &str) -> bool) -> Option<Block> {
    let category = block.category;
    let strip = |record: &Record| {
        let items = category.profile.iter().zip(record.items());
        let left: Vec<_> =
            items.map(|(item, value)| value.clone().filter(|_| knows(category.number, item.0))).collect();
        left.iter().any(Option::is_some).then(|| Record::from_items(category, left))
    };
    let records: Vec<Record> = block.records.iter().filter_map(strip).collect();
    (!records.is_empty()).then_some(Block { category, records })
}

/// Lets a reader read random blocks of the items that it knows.
fn read_by(python: &OsString, reader: &str, n: usize, knows: impl Fn(u8, &str) -> bool) {
    let mut rng = random::seeded(5);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    for category in CATEGORIES {
        for _ in 0..n {
            if let Some(block) = known(&random::block(&mut rng, category), &knows) {
                writeln!(file, "{}", line(&block)).expect("written");
            }
        }
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/read_asterix.py");
    let output =
        Command::new(python).args([script, reader]).arg(file.path()).output().expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{reader}: {said}");
    assert!(output.status.success(), "{reader}: {said}{}", String::from_utf8_lossy(&output.stderr));
}

/// A Python that an environment variable names and that can import `asterix`, or `None`, loudly.
fn python(variable: &str, package: &str) -> Option<OsString> {
    let Some(python) = std::env::var_os(variable) else {
        println!("SKIPPED 1 case: set {variable} to a Python that has {package}");
        return None;
    };
    let has =
        Command::new(&python).args(["-c", "import asterix"]).output().is_ok_and(|of| of.status.success());
    if !has {
        println!("SKIPPED 1 case: the Python of {variable} has no {package}");
    }
    has.then_some(python)
}

#[test]
fn libasterix_reads_every_field() {
    let Some(python) = python("RANGEGATE_PYTHON", "libasterix (scripts/requirements.txt)") else { return };
    read_by(&python, "libasterix", BLOCKS, |_, _| true);
}

#[test]
fn asterix_decoder_reads_every_field() {
    let package = "asterix_decoder (scripts/requirements-asterix-decoder.txt)";
    let Some(python) = python("RANGEGATE_PYTHON_ASTERIX_DECODER", package) else { return };
    read_by(&python, "asterix_decoder", BLOCKS, |category, item| match category {
        // It shows 40 bits as 0, half of what is signed without its sign, the chain of 030 not at all, and a part less.
        15 => !["030", "480", "600", "601", "602", "603", "604", "605", "626", "628", "631", "SP"]
            .contains(&item),
        // It has none.
        16 => false,
        34 => !["120", "RE", "SP"].contains(&item),
        // Of editions 1.21, 1.18 and 1.3, where these have fewer octets or other fields.
        48 => !["020", "030", "250", "260", "RE", "SP"].contains(&item),
        62 => !["080", "340", "380", "RE", "SP"].contains(&item),
        63 => !["060", "RE", "SP"].contains(&item),
        _ => !["RE", "SP"].contains(&item),
    });
}

#[test]
fn tshark_reads_every_field() {
    if !Command::new("tshark").arg("--version").output().is_ok_and(|of| of.status.success()) {
        println!("SKIPPED 1 case: install tshark");
        return;
    }
    let python = std::env::var_os("RANGEGATE_PYTHON").unwrap_or_else(|| "python3".into());
    read_by(&python, "tshark", BLOCKS, |category, item| match (category, item) {
        // It shows of a chain the first, and has heights without their sign.
        (15 | 48, "030") | (62, "510") | (34, "120") | (48, "090") => false,
        // Of editions 1.31, 1.19 and 1.6, where these have fewer octets.
        (48, "020") | (62, "080") | (63, "060") => false,
        (_, "RE" | "SP") => false,
        _ => true,
    });
}

/// The block that was encoded by hand from the specification: a bistatic plot.
#[test]
fn the_plot_encoded_by_hand_reads_as_its_maker_meant() {
    let text = "0f002af70907a0fa01020140546040004e000301e240a003944700012cc0ffcfc70060a08e660b611011";
    let octets: Vec<u8> =
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect();
    let blocks = rangegate_exchange::asterix::decode(&octets).expect("decodes");
    let record = &blocks[0].records[0];
    assert_eq!(record.quantity("625/R"), Some(23_456.7));
    assert_eq!(record.quantity("626/DV"), Some(-123.45));
    assert!((record.quantity("627/AZ").expect("an azimuth") - 200.2478).abs() < 1e-4);
    assert_eq!(record.quantity("630/RPS"), Some(17.0));
    assert_eq!(record.get("400/PID"), Some(Typed::Integer(3)));
    assert_eq!(blocks[0].encode().expect("encodes"), octets);
}
