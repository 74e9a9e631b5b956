//! Two owners, their stations and their contract.
#![allow(dead_code)]

use rangegate_contract::registry::Tables;
use rangegate_contract::{KeyPair, Registry, Role, SignedContract, StationEntry};
use rangegate_core::Timestamp;

pub fn at(seconds: f64) -> Timestamp {
    let start: Timestamp = "2026-12-01T00:00:00Z".parse().expect("a time");
    Timestamp::from_nanosecond(start.as_nanosecond() + (seconds * 1e9).round() as i128).expect("a time")
}

/// South with gabala and shemakha, North with armavir.
pub struct World {
    pub south: KeyPair,
    pub north: KeyPair,
    pub stations: Vec<(&'static str, KeyPair)>,
    pub registry: Registry,
}

impl World {
    pub fn new() -> Self {
        let owner = || KeyPair::generate(Role::Owner).expect("a key");
        let (south, north) = (owner(), owner());
        let stations: Vec<_> = ["gabala", "shemakha", "armavir"]
            .map(|name| (name, KeyPair::generate(Role::Machine).expect("a key")))
            .into();
        let mut tables = Tables::default();
        tables.owners.insert("South".into(), south.public().clone());
        tables.owners.insert("North".into(), north.public().clone());
        for (sic, (name, key)) in stations.iter().enumerate() {
            let owner = if *name == "armavir" { "North" } else { "South" }.to_owned();
            let entry = StationEntry { owner, key: key.public().clone(), sac: 1, sic: sic as u8 };
            tables.stations.insert((*name).into(), entry);
        }
        Self { south, north, stations, registry: Registry::new(tables).expect("a registry") }
    }

    /// Head of a contract of this version, and behind it these clauses.
    pub fn text(&self, version: u32, clauses: &str) -> String {
        format!(
            "name = \"caucasus\"\nversion = {version}\nfrom = \"2026-12-01T00:00:00Z\"\nuntil = \"2027-12-01T00:00:00Z\"\n\n\
             [[party]]\nowner = \"South\"\nkey = \"{}\"\nstations = [\"gabala\", \"shemakha\"]\n\n\
             [[party]]\nowner = \"North\"\nkey = \"{}\"\nstations = [\"armavir\"]\n\n{clauses}",
            self.south.public(),
            self.north.public()
        )
    }

    pub fn signed_text(&self, text: &str) -> String {
        let once = SignedContract::sign(text, &self.south).expect("South signs");
        SignedContract::sign(&once, &self.north).expect("North signs")
    }

    pub fn signed(&self, version: u32, clauses: &str) -> SignedContract {
        SignedContract::parse(&self.signed_text(&self.text(version, clauses))).expect("a contract")
    }
}
