//! Keys, signed messages, the registry and replays.

mod support;

use rangegate_contract::registry::Tables;
use rangegate_contract::{
    Guard, KeyPair, PublicKey, Refusal, Registry, Revocation, Role, Stamp, StationEntry, open_message,
    sign_message,
};
use support::{World, at};

#[test]
fn a_seed_comes_back_and_is_for_its_owner_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("south.seed");
    let key = KeyPair::generate(Role::Owner).expect("a key");
    key.write(&path).expect("writes");
    assert!(key.write(&path).is_err(), "never over another");
    let again = KeyPair::read(&path).expect("reads");
    assert_eq!(again.public(), key.public());
    assert_eq!(key.public().role(), Role::Owner);
    assert!(again.public().verify(b"octets", &key.sign(b"octets")));
    let seed = std::fs::read_to_string(&path).expect("reads");
    assert!(seed.starts_with("SA"), "an account's seed");
    assert!(!format!("{key:?}").contains(seed.trim()), "a seed is never shown");
    #[cfg(unix)]
    for mode in [0o640, 0o604, 0o660, 0o644] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("sets");
        let text = KeyPair::read(&path).expect_err("others may read it").to_string();
        assert!(text.contains(&format!("{mode:04o}")) && text.contains("0600"), "{text}");
    }
    let wrong = format!("{}A", &seed.trim()[..57]);
    let text = KeyPair::from_seed(&wrong).map(|_| ()).err().map(|error| error.to_string());
    assert!(wrong == seed.trim() || text.is_some_and(|text| !text.contains(&wrong)), "a seed is never shown");
}

#[test]
fn what_is_no_key_is_refused() {
    let text = KeyPair::generate(Role::Machine).expect("a key").public().to_string();
    assert!(PublicKey::parse(&text).is_ok());
    for at in 0..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = if damaged[at] == b'B' { b'C' } else { b'B' };
        let damaged = String::from_utf8(damaged).expect("ASCII");
        assert!(PublicKey::parse(&damaged).is_err(), "{damaged}");
    }
    for bad in ["", "U", "é", &text[1..], &format!("{text}A")] {
        assert!(PublicKey::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn every_altered_octet_and_every_other_origin_is_refused() {
    let world = World::new();
    let (name, key) = &world.stations[0];
    let message = sign_message(name, key, b"RGE and so on");
    assert_eq!(message.len(), 13 + 64);
    assert_eq!(open_message(name, key.public(), &message), Ok(&b"RGE and so on"[..]));
    for at in 0..message.len() {
        for bit in 0..8 {
            let mut altered = message.clone();
            altered[at] ^= 1 << bit;
            let refusal = open_message(name, key.public(), &altered).expect_err("altered");
            assert_eq!(refusal.code(), "bad_signature", "octet {at}");
        }
    }
    assert!(open_message("armavir", key.public(), &message).is_err(), "of another origin");
    assert!(open_message(name, world.stations[1].1.public(), &message).is_err(), "by another key");
    for len in 0..message.len() {
        assert!(open_message(name, key.public(), &message[..len]).is_err(), "{len} octets");
    }
    assert_eq!(open_message(name, key.public(), &message[..63]).expect_err("short").code(), "not_signed");
}

#[test]
fn a_message_counts_once_and_a_boot_never_comes_back() {
    let mut guard = Guard::default();
    let stamp = |boot, sequence| Stamp { boot, sequence, contract_version: 1 };
    assert_eq!(guard.admit("gabala", stamp(7, 5), 1), Ok(()));
    assert_eq!(guard.admit("gabala", stamp(7, 6), 1), Ok(()));
    assert_eq!(guard.admit("gabala", stamp(7, 6), 1).expect_err("again").code(), "replayed");
    assert_eq!(guard.admit("gabala", stamp(7, 5), 1).expect_err("earlier").code(), "replayed");
    assert_eq!(guard.admit("armavir", stamp(7, 5), 1), Ok(()), "another origin");
    assert_eq!(guard.admit("gabala", stamp(7, 9), 1), Ok(()), "gaps are not replays");
    assert_eq!(guard.admit("gabala", stamp(3, 0), 1), Ok(()), "a new boot");
    assert_eq!(guard.admit("gabala", stamp(7, 10), 1).expect_err("ended").code(), "stale_boot");
    // What is stored is all that counts.
    let stored = serde_json::to_string(guard.state()).expect("JSON");
    let mut guard = Guard::new(serde_json::from_str(&stored).expect("a state"));
    assert_eq!(guard.admit("gabala", stamp(7, 11), 1).expect_err("ended").code(), "stale_boot");
    assert_eq!(guard.admit("gabala", stamp(3, 0), 1).expect_err("again").code(), "replayed");
    let unknown = Stamp { boot: 3, sequence: 1, contract_version: 2 };
    let refusal = guard.admit("gabala", unknown, 1).expect_err("nobody agreed on version 2");
    assert_eq!(refusal, Refusal::ContractVersion { origin: "gabala".into(), found: 2, newest: 1 });
    assert_eq!(guard.admit("gabala", stamp(3, 1), 1), Ok(()), "what was refused left no trace");
}

#[test]
fn a_revoked_key_counts_no_more_from_its_time_on() {
    let mut world = World::new();
    assert_eq!(world.registry.station("nobody", at(0.0)).expect_err("unknown").code(), "unknown");
    let key = world.stations[0].1.public().clone();
    world.registry.revoke(&key, Revocation { at: at(10.0), reason: "laptop stolen".into() });
    world.registry.revoke(&key, Revocation { at: at(20.0), reason: "later".into() });
    assert!(world.registry.station("gabala", at(9.9)).is_ok());
    let refusal = world.registry.station("gabala", at(10.0)).expect_err("revoked");
    assert_eq!(refusal.code(), "revoked");
    assert!(refusal.to_string().contains("laptop stolen"), "{refusal}");
    let text = toml::to_string(&world.registry).expect("TOML");
    assert_eq!(toml::from_str::<Registry>(&text).expect("a registry"), world.registry, "{text}");
}

#[test]
fn a_registry_in_which_two_are_one_is_refused() {
    let world = World::new();
    let refused = |change: &dyn Fn(&mut Tables), word: &str| {
        let mut tables = world.registry.tables().clone();
        change(&mut tables);
        let text = Registry::new(tables).expect_err(word).to_string();
        assert!(text.contains(word), "{text}");
    };
    let entry = |name: &str| world.registry.tables().stations[name].clone();
    let with = |name: &'static str, entry: StationEntry| {
        move |tables: &mut Tables| drop(tables.stations.insert(name.into(), entry.clone()))
    };
    refused(&with("armavir", StationEntry { sic: 0, ..entry("armavir") }), "SAC 1 SIC 0");
    refused(&with("armavir", StationEntry { key: entry("gabala").key, ..entry("armavir") }), "gabala");
    refused(&with("armavir", StationEntry { owner: "West".into(), ..entry("armavir") }), "West");
    let key = world.south.public().clone();
    refused(&with("armavir", StationEntry { key, ..entry("armavir") }), "U… for a station");
    refused(&with("centre", StationEntry { sic: 9, ..entry("armavir") }), "centre");
    refused(&with("a.b", StationEntry { sic: 9, ..entry("armavir") }), "a.b");
}
