//! Contracts that are forged, altered, or out of their time.
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod support;

use rangegate_contract::registry::Tables;
use rangegate_contract::{Contract, ContractRefusal, KeyPair, Registry, Revocation, Role, SignedContract};
use support::{World, at};

const CLAUSES: &str = "[[gives]]
owner = \"South\"
kinds = [\"detections\", \"tracks\"]
areas = [{ polygon = [[40.0, 40.0], [50.0, 40.0], [50.0, 46.0]] }, { circle = { centre = [45.0, 42.5], radius_m = 2e5 } }]
heights_m = [0.0, 2e6]
delay_s = 2.5
quality = { min_snr_db = 12.0 }
max_rate_per_s = 100.0

[[gives]]
owner = \"North\"
kinds = [\"health\"]

[mutuality]
kinds = [\"health\"]
window_s = 10.0
grace_s = 30.0
";

#[test]
fn the_canonical_form_is_as_documented_whatever_the_text_looks_like() {
    let world = World::new();
    let contract = SignedContract::parse(&world.text(3, CLAUSES)).expect("a contract").contract;
    let (south, north) = (world.south.public(), world.north.public());
    let expected = format!(
        "{{\"from\":\"2026-12-01T00:00:00Z\",\"gives\":[{{\"areas\":[{{\"polygon\":[[40,40],[50,40],[50,46]]}},\
         {{\"circle\":{{\"centre\":[45,42.5],\"radius_m\":200000}}}}],\"delay_s\":2.5,\"heights_m\":[0,2000000],\
         \"kinds\":[\"detections\",\"tracks\"],\"max_rate_per_s\":100,\"owner\":\"South\",\
         \"quality\":{{\"min_snr_db\":12}}}},{{\"delay_s\":0,\"kinds\":[\"health\"],\"owner\":\"North\"}}],\
         \"mutuality\":{{\"grace_s\":30,\"kinds\":[\"health\"],\"min_ratio\":0,\"min_reports\":1,\"window_s\":10}},\
         \"name\":\"caucasus\",\"party\":[{{\"key\":\"{south}\",\"owner\":\"South\",\"stations\":[\"gabala\",\"shemakha\"]}},\
         {{\"key\":\"{north}\",\"owner\":\"North\",\"stations\":[\"armavir\"]}}],\
         \"until\":\"2027-12-01T00:00:00Z\",\"version\":3}}"
    );
    assert_eq!(contract.canonical(), expected);
    let other = world
        .text(3, CLAUSES)
        .replace("delay_s = 2.5", "# late\ndelay_s   = 25e-1")
        .replace("\"detections\", \"tracks\"", "'tracks', \"detections\"")
        .replace("2e6", "2000000");
    assert_eq!(SignedContract::parse(&other).expect("a contract").contract.digest(), contract.digest());
    let shown = contract.to_string();
    assert!(shown.contains("SNR 12 dB or more") && shown.contains("2.5 s late"), "{shown}");
}

#[test]
fn signing_keeps_the_text_and_drops_what_fits_no_more() {
    let world = World::new();
    let text = format!("# What we give.\n{}", world.text(1, CLAUSES));
    let once = SignedContract::sign(&text, &world.north).expect("signs");
    assert!(once.starts_with(text.trim_end()), "{once}");
    let refusal = SignedContract::parse(&once).expect("reads").check_signatures().expect_err("South has not");
    assert!(
        matches!(&refusal, ContractRefusal::MissingSignature { owner, .. } if owner == "South"),
        "{refusal}"
    );
    let both = SignedContract::sign(&once, &world.south).expect("signs");
    assert_eq!(SignedContract::parse(&both).expect("reads").check_signatures(), Ok(()));
    assert_eq!(SignedContract::sign(&both, &world.south).expect("signs"), both, "again is the same");
    let changed = both.replace("delay_s = 2.5", "delay_s = 0");
    let refusal = SignedContract::parse(&changed).expect("reads").check_signatures().expect_err("altered");
    assert!(matches!(refusal, ContractRefusal::BadSignature { .. }), "{refusal}");
    let resigned = SignedContract::sign(&changed, &world.south).expect("signs");
    assert_eq!(
        SignedContract::parse(&resigned).expect("reads").signatures.len(),
        1,
        "North has to sign anew"
    );
    let stranger = KeyPair::generate(Role::Owner).expect("a key");
    assert!(SignedContract::sign(&text, &stranger).is_err());
    let behind = format!("{once}\n[[gives]]\nowner = \"South\"\nkinds = [\"health\"]\n");
    assert!(SignedContract::sign(&behind, &world.south).is_err(), "terms behind a signature");
}

#[test]
fn not_one_altered_octet_gets_through() {
    let world = World::new();
    let text = world.signed_text(&world.text(1, CLAUSES));
    let signed = SignedContract::parse(&text).expect("reads");
    let (mut n_altered, mut n_same) = (0, 0);
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 1 << bit;
            let Ok(altered) = String::from_utf8(octets) else {
                continue;
            };
            let Ok(altered) = SignedContract::parse(&altered) else {
                continue;
            };
            // Blanks may change, and which way 2.5 is written: not what it means.
            if altered == signed {
                n_same += 1;
                continue;
            }
            n_altered += 1;
            let verdict = altered.check_signatures();
            assert!(verdict.is_err(), "octet {at}, bit {bit}: {altered:?}");
        }
    }
    println!("{n_altered} could be read and were refused, {n_same} mean the same");
    assert!(n_altered > 500 && n_same < 400, "{n_altered} {n_same}");
}

#[test]
fn each_reason_to_refuse_is_told() {
    let mut world = World::new();
    let signed = world.signed(2, CLAUSES);
    let now = at(1.0);
    let admit = |signed: &SignedContract, registry: &Registry, now, in_force: Option<&Contract>| {
        signed.admit(registry, now, in_force).map_err(|refusal| refusal.to_string())
    };
    let registry = world.registry.clone();
    assert_eq!(admit(&signed, &registry, now, None), Ok(()));
    assert_eq!(admit(&signed, &registry, now, Some(&signed.contract)), Ok(()), "the same again");
    let refused = |verdict: Result<(), String>, word: &str| {
        let text = verdict.expect_err(word);
        assert!(text.contains(word), "{text}");
    };
    refused(admit(&signed, &registry, at(-1.0), None), "holds from");
    refused(admit(&signed, &registry, at(400.0 * 86_400.0), None), "held until");
    refused(
        admit(&signed, &registry, now, Some(&world.signed(3, CLAUSES).contract)),
        "version 3 is in force",
    );
    let other = world.signed(2, &CLAUSES.replace("2.5", "3.5"));
    refused(admit(&signed, &registry, now, Some(&other.contract)), "with other terms");
    let mut stray = signed.clone();
    stray.signatures.push(stray.signatures[0].clone());
    refused(admit(&stray, &registry, now, None), "one of each party");
    let mut swapped = signed.clone();
    let [first, second] = &mut swapped.signatures[..] else { panic!("two signatures") };
    std::mem::swap(&mut first.ed25519, &mut second.ed25519);
    refused(admit(&swapped, &registry, now, None), "does not fit");
    // A forger can make a whole contract, but not with the keys that are registered.
    let forger = World::new();
    refused(admit(&forger.signed(9, CLAUSES), &registry, now, None), "registered is");
    let changed = |change: &dyn Fn(&mut Tables)| {
        let mut tables = registry.tables().clone();
        change(&mut tables);
        Registry::new(tables).expect("a registry")
    };
    let moved =
        changed(&|tables| tables.stations.get_mut("shemakha").expect("is there").owner = "North".into());
    refused(admit(&signed, &moved, now, None), "shemakha is not a station of South");
    let alone = changed(&|tables| {
        tables.owners.remove("North");
        tables.stations.remove("armavir");
    });
    refused(admit(&signed, &alone, now, None), "North is not registered");
    let key = world.north.public().clone();
    world.registry.revoke(&key, Revocation { at: at(0.5), reason: "lost".into() });
    refused(admit(&signed, &world.registry, now, None), "revoked");
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let world = World::new();
    let good = world.text(1, CLAUSES);
    for (from, to, word) in [
        ("version = 1", "version = 0", "version"),
        ("version = 1", "version = 1\nversoin = 1", "versoin"),
        ("name = \"caucasus\"", "name = \"a b\"", "name"),
        ("2027-12-01", "2025-12-01", "until"),
        ("owner = \"North\"\nkinds", "owner = \"West\"\nkinds", "gives 2"),
        ("kinds = [\"detections\", \"tracks\"]", "kinds = []", "kinds"),
        ("\"tracks\"]", "\"trakcs\"]", "trakcs"),
        ("[50.0, 46.0]", "[50.0, 96.0]", "latitude"),
        ("radius_m = 2e5", "radius_m = -1.0", "radius_m"),
        ("[0.0, 2e6]", "[2e6, 0.0]", "heights_m"),
        ("delay_s = 2.5", "delay_s = nan", "delay_s"),
        ("delay_s = 2.5", "delay_s = -1", "delay_s"),
        ("min_snr_db = 12.0", "min_snr_db = inf", "min_snr_db"),
        ("max_rate_per_s = 100.0", "max_rate_per_s = 0", "max_rate_per_s"),
        ("grace_s = 30.0", "grace_s = 9.0", "grace_s"),
        ("stations = [\"armavir\"]", "stations = [\"gabala\"]", "gabala"),
    ] {
        assert!(good.contains(from), "{from}");
        let text = SignedContract::parse(&good.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(text.contains(word), "{to}: {text}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/two-stations/contract.toml");
    let example = std::fs::read_to_string(path).expect("the example");
    let keyed = example
        .replace("KEY_OF_SOUTH", world.south.public().as_str())
        .replace("KEY_OF_NORTH", world.north.public().as_str());
    assert!(SignedContract::parse(&example).is_err(), "placeholders are no keys");
    let signed = SignedContract::parse(&world.signed_text(&keyed)).expect("the example is a contract");
    assert_eq!(signed.check_signatures(), Ok(()));
}
