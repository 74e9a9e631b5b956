//! Against the Python package `sigmf`: what it writes is read here, what is written here validates there.

use crate::common::*;
use crate::write::{note, write_gappy};
use rangegate_recording::{OpenOptions, open, sigmf};
use serde_json::{Value, json};

/// The bytes of 1000 f32 numbers 0, 1, 2, ...
fn ramp() -> Vec<u8> {
    (0..1000_u16).flat_map(|n| f32::from(n).to_le_bytes()).collect()
}

#[test]
fn what_python_writes_is_read() {
    let folder = tempdir().unwrap();
    if python("sigmf_write.py", &[folder.path()]).is_none() {
        return skipped(4, "RANGEGATE_PYTHON names no interpreter");
    }
    let long = "n".repeat(120);
    for name in ["pair.sigmf-meta", "archive.sigmf"] {
        let path = folder.path().join(name);
        let mut recording = open_both(&path, &OpenOptions::default());
        assert_eq!(sigmf::verify_sha512(&path).unwrap(), Some(true), "{name}");
        assert_eq!(recording.losses(), [""; 0]);
        let pieces = read_all(&mut *recording, usize::MAX);
        assert_eq!(pieces[1].first_sample, 700);
        assert!(pieces[1].after_gap);
        assert_eq!([&pieces[0].bytes[..], &pieces[1].bytes].concat(), ramp(), "{name}");
        let info = recording.info();
        assert_eq!(info.start_time.unwrap().to_string(), "2026-11-22T10:00:00.25Z");
        let across = &info.annotations[0];
        assert_eq!((across.first_sample, across.n_samples), (190, Some(710 - 190)));
        assert_eq!(info.metadata["global"]["core:author"], "a person");
    }
    for name in [long.clone(), format!("{long}.sigmf")] {
        let mut recording = open_both(&folder.path().join(&name), &OpenOptions::default());
        assert_eq!(read_all(&mut *recording, usize::MAX)[0].bytes, ramp(), "{name}");
        assert_eq!(recording.losses(), [""; 0]);
    }
}

#[test]
fn what_is_written_here_validates_in_python() {
    let (source, out) = (tempdir().unwrap(), tempdir().unwrap());
    let meta = source.path().join("x.sigmf-meta");
    let samples: Vec<u8> = (0..200_i16).flat_map(i16::to_le_bytes).collect();
    write_gappy(&meta, &samples, true);

    let gappy = open(&meta, &OpenOptions::default()).unwrap().info().clone();
    let linked = out.path().join("linked.sigmf-meta");
    sigmf::write_annotations(&linked, &gappy, &[note(2003, Some(5), "d")]).unwrap();

    // Bare samples behind a header, and an archive: datasets that do not conform.
    let raw = source.path().join("r.cs16");
    std::fs::write(&raw, [b"head", &samples[..], b"t"].concat()).unwrap();
    let options = OpenOptions { header_bytes: Some(4), ..OpenOptions::parse_format("cs16@1M").unwrap() };
    let headed = out.path().join("headed.sigmf-meta");
    sigmf::write_annotations(&headed, open(&raw, &options).unwrap().info(), &[note(7, None, "d")]).unwrap();
    let packed = [("r/r.sigmf-meta", &std::fs::read(&meta).unwrap()[..]), ("r/r.sigmf-data", &samples)];
    let archive = crate::describe::archive(source.path(), &packed);
    let archived = out.path().join("archived.sigmf-meta");
    let info = open(&archive, &OpenOptions::default()).unwrap().info().clone();
    sigmf::write_annotations(&archived, &info, &[note(2003, Some(5), "d")]).unwrap();

    let mut far = gappy;
    far.kind = rangegate_recording::Kind::DigitalRf;
    let alone = out.path().join("alone.sigmf-meta");
    sigmf::write_annotations(&alone, &far, &[note(2003, Some(5), "d")]).unwrap();

    let Some(printed) = python("sigmf_read.py", &[&meta, &linked, &headed, &archived, &alone]) else {
        return skipped(5, "RANGEGATE_PYTHON names no interpreter");
    };
    let seen: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let captures = json!([[0, 1000], [40, 2000], [50, 2010], [60, 2020]]);
    let sum = json!([9900.0, 10000.0]);
    for n in [0, 1, 3] {
        assert_eq!((&seen[n]["captures"], &seen[n]["sum"]), (&captures, &sum), "{n}");
        assert_eq!(seen[n]["n_samples"], 100);
    }
    assert_eq!(seen[0]["annotations"], json!([[5, 10, "a"], [30, 20, "b"], [40, null, "in the gap"]]));
    for n in [1, 3] {
        assert_eq!(seen[n]["annotations"], json!([[43, 5, "d"]]));
    }
    assert_eq!((&seen[2]["sum"], &seen[2]["annotations"]), (&sum, &json!([[7, null, "d"]])));
    assert_eq!(seen[4]["annotations"], json!([[1003, 5, "d"]]));
}
