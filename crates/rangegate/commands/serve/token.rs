//! `token`: who may look at the web view.

use super::{TokenArgs, TokenScope};
use crate::Outcome;
use crate::commands::print;
use anyhow::Result;
use rangegate_web::{Scope, Tokens};

/// Makes a token, and prints it.
///
/// # Errors
/// The file holds something else, or cannot be written.
pub fn token(args: &TokenArgs) -> Result<Outcome> {
    let scope = match args.scope {
        TokenScope::Read => Scope::Read,
        TokenScope::Operate => Scope::Operate,
        TokenScope::Admin => Scope::Admin,
    };
    let token = Tokens::add(&args.file, &args.name, scope)?;
    print(&format!("{token}\n"))?;
    Ok(Outcome::Done)
}
