//! A contract and its signatures, in one file.

use super::{Clause, Contract, MutualityTerms, Party};
use crate::canonical::canonical;
use crate::keys::{KeyPair, SIGNATURE_LEN};
use crate::{Error, Registry, hex, unhex};
use rangegate_core::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What a signature of a contract begins with, so that it can be one of nothing else.
const CONTRACT_DOMAIN: &[u8] = b"rangegate contract 1\0";
/// Octets of a contract's text at most.
pub const MAX_TEXT_LEN: usize = 1 << 20;
/// Line with which signatures begin; from the first on, the file holds nothing else.
const SIGNATURE_LINE: &str = "[[signature]]";

/// One owner's signature.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Who signed.
    pub owner: String,
    /// 128 hexadecimal digits in lower case.
    pub ed25519: String,
}

/// A contract as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedContract {
    /// What was agreed.
    pub contract: Contract,
    /// By whom; not verified yet.
    pub signatures: Vec<Signature>,
}

/// All that a file may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    version: u32,
    from: Timestamp,
    until: Timestamp,
    party: [Party; 2],
    #[serde(default)]
    gives: Vec<Clause>,
    mutuality: Option<MutualityTerms>,
    #[serde(default)]
    signature: Vec<Signature>,
}

/// Why a contract does not come into force.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContractRefusal {
    /// A party has not signed.
    #[error("contract {name} version {version}: {owner} has not signed")]
    MissingSignature {
        /// Which contract.
        name: String,
        /// Its version.
        version: u32,
        /// Who has not.
        owner: String,
    },
    /// Forged, or altered since.
    #[error(
        "contract {name} version {version}: the signature of {owner} does not fit: forged, or altered since"
    )]
    BadSignature {
        /// Which contract.
        name: String,
        /// Its version.
        version: u32,
        /// Whose does not.
        owner: String,
    },
    /// Somebody signed who is no party, or signed twice.
    #[error("contract {name}: a signature of {owner}, expected one of each party")]
    StraySignature {
        /// Which contract.
        name: String,
        /// Who signed.
        owner: String,
    },
    /// A party that nobody registered.
    #[error("contract {name}: party {owner} is not registered")]
    UnknownParty {
        /// Which contract.
        name: String,
        /// Who.
        owner: String,
    },
    /// A party with a key that is not the registered one.
    #[error("contract {name}: key of {owner} is {found}, registered is {registered}")]
    WrongKey {
        /// Which contract.
        name: String,
        /// Whose.
        owner: String,
        /// The contract's.
        found: String,
        /// The registry's.
        registered: String,
    },
    /// A party whose key counts no more.
    #[error("contract {name}: key of {owner} was revoked at {at}: {reason}")]
    RevokedKey {
        /// Which contract.
        name: String,
        /// Whose.
        owner: String,
        /// From when on.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// A station that is another's, or nobody's.
    #[error("contract {name}: {station} is not a station of {owner}")]
    WrongStation {
        /// Which contract.
        name: String,
        /// Which station.
        station: String,
        /// Whose it should be.
        owner: String,
    },
    /// Its time has not come.
    #[error("contract {name} version {version} holds from {from} on, it is {now}")]
    NotYetValid {
        /// Which contract.
        name: String,
        /// Its version.
        version: u32,
        /// From when on.
        from: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Its time is over.
    #[error("contract {name} version {version} held until {until}, it is {now}")]
    Expired {
        /// Which contract.
        name: String,
        /// Its version.
        version: u32,
        /// Until when.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// One as new is in force.
    #[error(
        "contract {name} version {found}: version {in_force} is in force{}",
        same_version(found, in_force)
    )]
    OlderVersion {
        /// Which contract.
        name: String,
        /// Its version.
        found: u32,
        /// That of the one in force.
        in_force: u32,
    },
}

fn same_version(found: &u32, in_force: &u32) -> &'static str {
    if found == in_force { " with other terms" } else { "" }
}

impl Contract {
    /// The canonical form (RFC 8785) of what was read: defaults written out, what may be absent and is stays absent,
    /// kinds and stations in order.
    pub fn canonical(&self) -> String {
        canonical(self).expect("names, finite numbers and times are JSON")
    }

    /// SHA-256 of the canonical form.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    fn signed_octets(&self) -> Vec<u8> {
        [CONTRACT_DOMAIN, &self.digest()].concat()
    }

    fn is_signature_of(&self, party: &Party, signature: &Signature) -> bool {
        unhex::<SIGNATURE_LEN>(&signature.ed25519)
            .is_some_and(|octets| party.key.verify(&self.signed_octets(), &octets))
    }
}

impl SignedContract {
    /// Reads the text of a contract's file and checks all but the signatures.
    ///
    /// # Errors
    /// It is no contract: the text says which field.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_LEN {
            let found = format!("{} octets", text.len());
            return Err(Error::value("contract", found, format!("{MAX_TEXT_LEN} at most")));
        }
        let document: Document = toml::from_str(text)
            .map_err(|error| Error::Text { what: "contract".to_owned(), reason: error.to_string() })?;
        let Document { name, version, from, until, party: parties, gives, mutuality, signature } = document;
        let contract = Contract { name, version, from, until, parties, gives, mutuality };
        contract.check()?;
        Ok(Self { contract, signatures: signature })
    }

    /// The text with this owner's signature at its end, comments and all else kept; a signature of the same owner, and
    /// those that do not fit (the text was altered since), go.
    ///
    /// # Errors
    /// The text is no contract, the key is that of no party, or signatures are not at the end of the text.
    pub fn sign(text: &str, key: &KeyPair) -> Result<String, Error> {
        let signed = Self::parse(text)?;
        let contract = &signed.contract;
        let Some(signer) = contract.parties.iter().find(|party| party.key == *key.public()) else {
            let [a, b] = &contract.parties;
            let expected = format!("{} of {} or {} of {}", a.key, a.owner, b.key, b.owner);
            return Err(Error::value("key", key.public(), expected));
        };
        let mut out = String::new();
        for line in text.lines().take_while(|line| line.trim() != SIGNATURE_LINE) {
            out.push_str(line);
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        for party in &contract.parties {
            let kept = signed.signatures.iter().find(|signature| {
                signature.owner == party.owner && contract.is_signature_of(party, signature)
            });
            let ed25519 = match kept {
                _ if party == signer => hex(&key.sign(&contract.signed_octets())),
                Some(signature) => signature.ed25519.clone(),
                None => continue,
            };
            out.push_str(&format!(
                "\n\n{SIGNATURE_LINE}\nowner = \"{}\"\ned25519 = \"{ed25519}\"",
                party.owner
            ));
        }
        out.push('\n');
        match Self::parse(&out) {
            Ok(again) if again.contract == *contract => Ok(out),
            _ => {
                Err(Error::value("contract", "terms behind a signature", "signatures at the end of the file"))
            }
        }
    }

    /// Verifies that both parties signed just this, with the keys that it names.
    ///
    /// # Errors
    /// A signature is missing, does not fit, or is of somebody else.
    pub fn check_signatures(&self) -> Result<(), ContractRefusal> {
        let contract = &self.contract;
        let name = || contract.name.clone();
        let version = contract.version;
        for (at, Signature { owner, .. }) in self.signatures.iter().enumerate() {
            let is_again = self.signatures[..at].iter().any(|before| before.owner == *owner);
            if contract.party(owner).is_none() || is_again {
                return Err(ContractRefusal::StraySignature { name: name(), owner: owner.clone() });
            }
        }
        for party in &contract.parties {
            let owner = party.owner.clone();
            match self.signatures.iter().find(|signature| signature.owner == owner) {
                None => return Err(ContractRefusal::MissingSignature { name: name(), version, owner }),
                Some(signature) if !contract.is_signature_of(party, signature) => {
                    return Err(ContractRefusal::BadSignature { name: name(), version, owner });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether it may come into force now, in place of the one that is.
    ///
    /// # Errors
    /// A signature is missing or forged, a party is not who is registered, its key is revoked, a station is another's,
    /// its time has not come or is over, or one as new is in force. The same contract again is no error.
    pub fn admit(
        &self,
        registry: &Registry,
        now: Timestamp,
        in_force: Option<&Contract>,
    ) -> Result<(), ContractRefusal> {
        self.check_signatures()?;
        let contract = &self.contract;
        let name = || contract.name.clone();
        for party in &contract.parties {
            check_party(contract, party, registry, now)?;
        }
        let version = contract.version;
        if now < contract.from {
            return Err(ContractRefusal::NotYetValid { name: name(), version, from: contract.from, now });
        }
        if now >= contract.until {
            return Err(ContractRefusal::Expired { name: name(), version, until: contract.until, now });
        }
        match in_force {
            Some(other) if version < other.version || (version == other.version && contract != other) => {
                Err(ContractRefusal::OlderVersion { name: name(), found: version, in_force: other.version })
            }
            _ => Ok(()),
        }
    }
}

fn check_party(
    contract: &Contract,
    party: &Party,
    registry: &Registry,
    now: Timestamp,
) -> Result<(), ContractRefusal> {
    let name = || contract.name.clone();
    let owner = || party.owner.clone();
    let Some(registered) = registry.owner_key(&party.owner) else {
        return Err(ContractRefusal::UnknownParty { name: name(), owner: owner() });
    };
    if *registered != party.key {
        let (found, registered) = (party.key.to_string(), registered.to_string());
        return Err(ContractRefusal::WrongKey { name: name(), owner: owner(), found, registered });
    }
    if let Some(revocation) = registry.revocation(&party.key, now) {
        let (at, reason) = (revocation.at, revocation.reason.clone());
        return Err(ContractRefusal::RevokedKey { name: name(), owner: owner(), at, reason });
    }
    match party.stations.iter().find(|station| registry.owner_of(station) != Some(&party.owner)) {
        Some(station) => {
            Err(ContractRefusal::WrongStation { name: name(), station: station.clone(), owner: owner() })
        }
        None => Ok(()),
    }
}
