//! `completions` and `man`: what packagers install.

use crate::Outcome;
use crate::cli::Args;
use anyhow::{Context, Result};
use clap::CommandFactory;
use std::path::Path;

/// Prints the completions for a shell.
///
/// # Errors
/// Standard output is closed.
pub fn completions(shell: clap_complete::Shell) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "rangegate", &mut text);
    super::print(&String::from_utf8(text)?)?;
    Ok(Outcome::Done)
}

/// Prints the manual page, or writes one page a command into a folder.
///
/// # Errors
/// The folder cannot be written.
pub fn man(out: Option<&Path>) -> Result<Outcome> {
    match out {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Args::command()).render(&mut page)?;
            super::print(&String::from_utf8(page)?)?;
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            clap_mangen::generate_to(Args::command(), folder)
                .with_context(|| format!("cannot write into {}", folder.display()))?;
        }
    }
    Ok(Outcome::Done)
}
