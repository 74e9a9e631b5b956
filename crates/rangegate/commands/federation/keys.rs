//! `key`, `contract`, `audit`: what owners do without a station.

use super::args::{AuditCommand, ContractCommand, KeyArgs};
use crate::Outcome;
use crate::commands::print;
use anyhow::{Context, Result};
use rangegate_contract::audit::{self, Agreement};
use rangegate_contract::{KeyPair, PublicKey, Role, SignedContract};
use std::fmt::Write as _;
use std::path::Path;

/// Makes a key where there is none, and prints its public half.
///
/// # Errors
/// The file holds something else, others may read it, or it cannot be written.
pub fn key(args: &KeyArgs) -> Result<Outcome> {
    let key = if args.file.exists() {
        KeyPair::read(&args.file)?
    } else {
        let key = KeyPair::generate(if args.owner { Role::Owner } else { Role::Machine })?;
        key.write(&args.file)?;
        key
    };
    print(&format!("{}\n", key.public()))?;
    Ok(Outcome::Done)
}

/// Reads a contract.
pub(super) fn read_contract(path: &Path) -> Result<SignedContract> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    SignedContract::parse(&text).with_context(|| path.display().to_string())
}

/// Signs a contract, or says whether it is signed.
///
/// # Errors
/// It is none, not signed, or the key is no party's.
pub fn contract(command: &ContractCommand) -> Result<Outcome> {
    match command {
        ContractCommand::Sign { file, key } => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let signed = SignedContract::sign(&text, &KeyPair::read(key)?);
            let signed = signed.with_context(|| file.display().to_string())?;
            std::fs::write(file, &signed).with_context(|| format!("cannot write {}", file.display()))?;
            let names: Vec<String> =
                SignedContract::parse(&signed)?.signatures.into_iter().map(|of| of.owner).collect();
            print(&format!("signed by {}\n", names.join(" and ")))?;
        }
        ContractCommand::Show { file } => print(&read_contract(file)?.contract.to_string())?,
        ContractCommand::Verify { file } => {
            let signed = read_contract(file)?;
            signed.check_signatures().with_context(|| file.display().to_string())?;
            print(&format!("signed by both\n{}", signed.contract))?;
        }
    }
    Ok(Outcome::Done)
}

/// Checks audit logs.
///
/// # Errors
/// A log is not as the centre wrote it.
pub fn audit(command: &AuditCommand) -> Result<Outcome> {
    match command {
        AuditCommand::Verify { log, key } => {
            let verified = audit::verify(log, &PublicKey::parse(key)?)?;
            let audit::Verified { log, entries, hash, unsigned, .. } = verified;
            print(&format!(
                "log of {log}: {entries} entries, as they were written; {unsigned} behind the last signed head\nhash {hash}\n"
            ))?;
            Ok(Outcome::Done)
        }
        AuditCommand::Compare { one, other, key } => {
            match audit::compare(one, other, &PublicKey::parse(key)?)? {
                Agreement::Agree { shared, only_first, only_second } => {
                    let mut text =
                        format!("both logs are as they were written, and agree on {shared} entries\n");
                    for (log, more) in [(one, only_first), (other, only_second)] {
                        if more > 0 {
                            let _ = writeln!(text, "{} has {more} more at its end", log.display());
                        }
                    }
                    print(&text)?;
                    Ok(Outcome::Done)
                }
                Agreement::Differ { at, first, second } => {
                    let [first, second] = [serde_json::to_string(&first)?, serde_json::to_string(&second)?];
                    print(&format!(
                        "entry {at} of those that concern both differs:\n  {first}\n  {second}\n"
                    ))?;
                    Ok(Outcome::Differs)
                }
            }
        }
    }
}
