//! `asterix items`: the tables, for people.

use super::table;
use crate::Outcome;
use crate::commands::print;
use anyhow::Result;
use rangegate_exchange::asterix::spec::{Content, Item, Part, Shape};
use rangegate_exchange::asterix::tables::CATEGORIES;

/// Prints the items of a category, or of all.
pub fn items(number: Option<u8>) -> Result<Outcome> {
    let listed = match number {
        Some(number) => vec![table(number)?],
        None => CATEGORIES.to_vec(),
    };
    let mut text = String::new();
    for category in listed {
        text.push_str(&format!("{:03} {} {}\n", category.number, category.edition, category.title));
        list(&mut text, category.profile, 1);
    }
    print(&text)?;
    Ok(Outcome::Done)
}

fn list(text: &mut String, items: &[Item], depth: usize) {
    let indent = "  ".repeat(depth);
    for Item(name, title, shape) in items {
        if matches!(shape, Shape::Unused) {
            continue;
        }
        text.push_str(&format!("{indent}{name} {title}"));
        list_shape(text, shape, depth);
    }
}

fn list_shape(text: &mut String, shape: &Shape, depth: usize) {
    match shape {
        Shape::Single(bits, content) => text.push_str(&format!(": {}\n", meaning(*bits, content))),
        Shape::Group(parts) => list_parts(text, parts, depth),
        Shape::Extended(extents) => {
            text.push_str(", extended");
            extents.iter().for_each(|parts| list_parts(text, parts, depth));
        }
        Shape::Repeated(of) | Shape::Chained(of) => {
            text.push_str(", repeated");
            list_shape(text, of, depth);
        }
        Shape::Compound(items) => {
            text.push_str(", any of\n");
            list(text, items, depth + 1);
        }
        Shape::Explicit => text.push_str(": octets, hexadecimal\n"),
        Shape::Unused => {}
    }
}

fn list_parts(text: &mut String, parts: &[Part], depth: usize) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for part in parts {
        if let Part::Field(name, bits, content) = part {
            text.push_str(&format!("{}  {name}: {}\n", "  ".repeat(depth), meaning(*bits, content)));
        }
    }
}

fn meaning(bits: usize, content: &Content) -> String {
    let plural = if bits == 1 { "" } else { "s" };
    match content.quantity() {
        Some((step, unit)) => {
            format!("{bits} bit{plural}, {}, {step} {unit}", content.name()).trim_end().to_owned()
        }
        None => format!("{bits} bit{plural}, {}", content.name()),
    }
}
