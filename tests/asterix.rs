//! `rangegate asterix`: files to JSON and back, and what is wrong told by its place.

mod common;

use common::{run, run_fails, run_ok, stderr, text};

const PLOT: &str = "crates/exchange/tests/data/bistatic-plot.ast";

#[test]
fn what_is_decoded_encodes_to_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let octets = std::fs::read(common::repository(PLOT)).expect("the plot").repeat(3);
    let (file, lines, again) =
        (folder.path().join("a.ast"), folder.path().join("a.jsonl"), folder.path().join("b.ast"));
    std::fs::write(&file, &octets).expect("written");
    let decoded = run_ok(&["asterix", "decode", text(&file)]);
    assert_eq!(decoded.lines().count(), 3);
    let first: serde_json::Value =
        serde_json::from_str(decoded.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["record"]["625"]["R"], 23_456.7);
    assert_eq!(first["record"]["626"]["DV"], -123.45);
    std::fs::write(&lines, decoded).expect("written");
    run_ok(&["asterix", "encode", text(&lines), "-o", text(&again)]);
    assert_eq!(std::fs::read(&again).expect("read"), octets);
}

#[test]
fn what_is_wrong_is_told_and_what_follows_read_on_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.ast");
    let mut octets = std::fs::read(common::repository(PLOT)).expect("the plot").repeat(2);
    octets[11] |= 2;
    std::fs::write(&file, &octets).expect("written");
    let message = run_fails(&["asterix", "decode", text(&file)], 2);
    assert!(message.contains("offset 11: I015/020: found spare bits 1, expected zeros"), "{message}");
    let output = run(&["asterix", "decode", "--keep-going", text(&file)]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(output.stdout.iter().filter(|&&octet| octet == b'\n').count(), 1);
    std::fs::write(&file, r#"{"category":15,"record":{"010":{"SAC":1}}}"#).expect("written");
    let message = run_fails(&["asterix", "encode", text(&file), "-o", text(&file)], 2);
    assert!(message.contains("line 1: I015/010/SIC: found nothing, expected a value"), "{message}");
}

#[test]
fn a_capture_is_read_as_what_it_carries() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pcap");
    let octets = std::fs::read(common::repository(PLOT)).expect("the plot");
    let udp_len = 8 + octets.len() as u16;
    let ip_len = 20 + udp_len;
    let mut packet = vec![0x45, 0];
    packet.extend(ip_len.to_be_bytes());
    packet.extend([0, 0, 0, 0, 1, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0x9c, 0x40, 0x21, 0x98]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(&octets);
    // pcap of microseconds, version 2.4, raw IP.
    let mut capture: Vec<u8> = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    for word in [0, 0, 262_144, 101, 0, 0, u32::from(ip_len), u32::from(ip_len)] {
        capture.extend(u32::to_le_bytes(word));
    }
    capture.extend(packet);
    std::fs::write(&file, &capture).expect("written");
    let decoded = run_ok(&["asterix", "decode", "--port", "8600", text(&file)]);
    assert!(decoded.contains(r#""packet":1"#) && decoded.contains("23456.7"), "{decoded}");
    assert_eq!(run_ok(&["asterix", "decode", "--port", "8601", text(&file)]), "");
    std::fs::write(&file, &capture[..capture.len() - 3]).expect("written");
    run_fails(&["asterix", "decode", text(&file)], 2);
}

#[test]
fn every_category_is_listed() {
    let listed = run_ok(&["asterix", "items"]);
    for number in ["015 1.2", "016 1.0", "034 1.29", "048 1.32", "062 1.21", "063 1.7", "247 1.3"] {
        assert!(listed.contains(number), "{number}");
    }
    assert!(run_ok(&["asterix", "items", "15"]).contains("R Range: 24 bits, signed, 0.1 m"));
}
