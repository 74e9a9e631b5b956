//! What a description means: captures, gaps, offsets, times, headers, annotations, archives.

use crate::common::*;
use rangegate_recording::{OpenOptions, open, sigmf};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn starts(recording: &mut dyn rangegate_recording::Recording) -> Vec<(u64, usize, bool)> {
    read_all(recording, usize::MAX)
        .into_iter()
        .map(|piece| (piece.first_sample, piece.bytes.len() / 2, piece.after_gap))
        .collect()
}

fn start(sample: u64) -> Value {
    json!({ "core:sample_start": sample })
}

fn start_at(sample: u64, global: u64) -> Value {
    json!({ "core:sample_start": sample, "core:global_index": global })
}

#[test]
fn a_jump_of_the_global_index_is_a_gap() {
    let captures = json!([start_at(0, 1000), start_at(10, 1010), start_at(25, 2000), start(30)]);
    let annotations = json!([{ "core:sample_start": 24, "core:sample_count": 2, "core:label": "across" }]);
    let (_folder, meta) = pair(json!({}), captures, annotations, &counting(80));
    let mut recording = open_both(&meta, &OpenOptions::default());
    let expected = [(1000, 10, false), (1010, 15, false), (2000, 5, true), (2005, 10, false)];
    assert_eq!(starts(&mut *recording), expected);
    let info = recording.info();
    assert_eq!((info.first_sample, info.end_sample, info.n_samples), (1000, 2015, Some(40)));
    let note = &info.annotations[0];
    assert_eq!((note.first_sample, note.n_samples), (1024, Some(2001 - 1024)));

    // Within a run there is no gap; at its first sample there is.
    let mut block = rangegate_core::IqBlock::default();
    for (at, first, after_gap) in [(1500, 2000, true), (2000, 2000, true), (2001, 2001, false)] {
        assert!(recording.read(at, 3, &mut block).unwrap());
        assert_eq!((block.header.first_sample, block.header.after_gap), (first, after_gap));
    }
}

#[test]
fn headers_and_trailers_are_skipped() {
    let mut file = Vec::new();
    let samples = counting(60);
    for (header, range) in [(5, 0..20), (0, 20..30), (9, 30..60)] {
        file.extend(vec![0xee; header]);
        file.extend(&samples[range]);
    }
    file.extend([0xdd; 7]);
    let captures = json!([
        { "core:sample_start": 0, "core:header_bytes": 5 },
        { "core:sample_start": 10 },
        { "core:sample_start": 15, "core:header_bytes": 9 },
    ]);
    let global = json!({ "core:trailing_bytes": 7, "core:dataset": "x.dat" });
    let (folder, meta) = pair(global, captures, json!([]), &[]);
    std::fs::write(folder.path().join("x.dat"), &file).unwrap();
    let mut recording = open_both(&meta, &OpenOptions::default());
    let bytes: Vec<u8> = read_all(&mut *recording, 4).into_iter().flat_map(|piece| piece.bytes).collect();
    assert_eq!(bytes, samples);
    assert_eq!(recording.losses(), [""; 0]);
}

#[test]
fn the_offset_counts_once() {
    for (offset, captures, expected) in [
        // The specification: indices count from where the offset does.
        (100, json!([start(100), start(110)]), vec![(100, 10, false), (110, 10, false)]),
        (100, json!([start(105)]), vec![(100, 5, false), (105, 15, false)]),
        // Files that count from their own beginning all the same.
        (100, json!([start(0), start(10)]), vec![(100, 10, false), (110, 10, false)]),
        (100, json!([]), vec![(100, 20, false)]),
        (100, json!([start(5)]), vec![(100, 5, false), (105, 15, false)]),
        // The global index is the last word.
        (100, json!([start_at(100, 7)]), vec![(7, 20, false)]),
        (0, json!([start_at(5, 50)]), vec![(45, 5, false), (50, 15, false)]),
    ] {
        let global = json!({ "core:offset": offset });
        let (_folder, meta) = pair(global, captures.clone(), json!([]), &counting(40));
        assert_eq!(starts(&mut *open_both(&meta, &OpenOptions::default())), expected, "{captures}");
    }
}

#[test]
fn captures_bring_their_frequency_and_time() {
    let captures = json!([
        { "core:sample_start": 0, "core:frequency": 1e8, "core:datetime": "2026-11-22T10:00:00.5Z" },
        { "core:sample_start": 10, "core:frequency": 2e8 },
        { "core:sample_start": 15, "core:global_index": 1015, "core:datetime": "2026-11-22T10:00:01.515Z" },
    ]);
    let (_folder, meta) = pair(json!({}), captures, json!([]), &counting(40));
    let mut recording = open_both(&meta, &OpenOptions::default());
    let pieces = read_all(&mut *recording, usize::MAX);
    let times: Vec<_> = pieces.iter().map(|piece| piece.time.as_deref().unwrap()).collect();
    assert_eq!(times, ["2026-11-22T10:00:00.5Z", "2026-11-22T10:00:00.51Z", "2026-11-22T10:00:01.515Z"]);
    assert_eq!(pieces.iter().map(|p| p.frequency_hz).collect::<Vec<_>>(), [Some(1e8), Some(2e8), None]);
    assert_eq!(recording.info().center_frequency_hz, Some(1e8));

    let options = OpenOptions {
        start_time: Some("2000-01-01T00:00:00Z".parse().unwrap()),
        center_frequency_hz: Some(3e8),
        sample_rate_hz: Some(100.0),
        ..Default::default()
    };
    let pieces = read_all(&mut *open(&meta, &options).unwrap(), usize::MAX);
    assert_eq!(pieces[2].time.as_deref(), Some("2000-01-01T00:00:10.15Z"));
    assert!(pieces.iter().all(|piece| piece.frequency_hz == Some(3e8)));
}

#[test]
fn a_time_that_jumps_without_the_index_is_a_gap() {
    // 10 samples are 10 ms; what is written to the millisecond may be off by one or two, and what is written to
    // the second by a second, whichever of the two it is.
    for (first, second, is_gap) in [
        ("00.000", "00.010", false),
        ("00.000", "00.012", false),
        ("00.000", "00.014", true),
        ("00.000", "00.000", true),
        ("00.000", "00", false),
        ("00.000", "03", true),
        ("00", "00.900", false),
        ("00", "01.900", true),
    ] {
        let captures = json!([
            { "core:sample_start": 0, "core:datetime": format!("2026-11-22T10:00:{first}Z") },
            { "core:sample_start": 10, "core:datetime": format!("2026-11-22T10:00:{second}Z") },
        ]);
        let (_folder, meta) = pair(json!({}), captures, json!([]), &counting(40));
        let mut recording = open(&meta, &OpenOptions::default()).unwrap();
        assert_eq!(starts(&mut *recording), [(0, 10, false), (10, 10, is_gap)], "{first} {second}");
    }
}

#[test]
fn times_are_read_as_people_write_them() {
    for (text, expected) in [
        ("2021-06-18T23:17:51Z", "2021-06-18T23:17:51Z"),
        ("2021-06-18T23:17:51.1234567899999Z", "2021-06-18T23:17:51.123456789Z"),
        ("2021-06-18T23:17:51.5", "2021-06-18T23:17:51.5Z"),
        ("2021-06-18T23:17:51.5+00:00", "2021-06-18T23:17:51.5Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
    ] {
        let captures = json!([{ "core:sample_start": 0, "core:datetime": text }]);
        let (_folder, meta) = pair(json!({}), captures, json!([]), &counting(4));
        let start = open(&meta, &OpenOptions::default()).unwrap().info().start_time.unwrap();
        assert_eq!(start.to_string(), expected);
    }
}

#[test]
fn what_is_missing_is_counted() {
    let note = json!([{ "core:sample_start": 10, "core:sample_count": 20 }]);
    let (_folder, meta) = pair(json!({}), json!([start(0), start(12)]), note, &counting(41));
    let mut recording = open_both(&meta, &OpenOptions::default());
    assert_eq!(starts(&mut *recording), [(0, 12, false), (12, 8, false)]);
    let losses = recording.losses().join("; ");
    assert!(losses.contains("the last 1 bytes"), "{losses}");
    assert!(
        losses.contains("ends at sample 20, but its annotations reach to 30: at least 10 samples"),
        "{losses}"
    );
}

#[test]
fn an_empty_dataset_is_an_empty_recording() {
    let (_folder, meta) = pair(json!({}), json!([start_at(0, 500)]), json!([]), &[]);
    let mut recording = open_both(&meta, &OpenOptions::default());
    assert_eq!((recording.info().first_sample, recording.info().end_sample), (500, 500));
    assert_eq!(starts(&mut *recording), []);
}

#[test]
fn what_is_not_understood_is_kept() {
    let annotations = json!([
        { "core:sample_start": 1, "core:freq_lower_edge": -5.0, "core:freq_upper_edge": 5.0, "core:comment": "c" },
        { "core:sample_start": 2, "signal:detail": { "type": "analog" } },
    ]);
    let global = json!({ "antenna:gain": 12.5, "core:hw": "a radio" });
    let (_folder, meta) = pair(global, json!([]), annotations, &counting(40));
    let recording = open(&meta, &OpenOptions::default()).unwrap();
    let info = recording.info();
    assert_eq!(info.metadata["global"]["antenna:gain"], 12.5);
    assert_eq!(info.metadata["annotations"].as_array().unwrap().len(), 1);
    assert_eq!(info.metadata["annotations"][0]["signal:detail"]["type"], "analog");
    assert_eq!(info.annotations[0].frequency_hz, Some((-5.0, 5.0)));
    assert_eq!(info.annotations[0].comment.as_deref(), Some("c"));
}

#[test]
fn every_name_of_a_recording_opens_it() {
    let (folder, meta) = pair(json!({}), json!([]), json!([]), &counting(40));
    for name in ["x.sigmf-meta", "x.sigmf-data", "x"] {
        let recording = open(&folder.path().join(name), &OpenOptions::default()).unwrap();
        assert_eq!(recording.info().n_samples, Some(20), "{name}");
    }
    std::fs::remove_file(&meta).unwrap();
    let message = refusal(&folder.path().join("x.sigmf-data"), &OpenOptions::default());
    assert!(message.contains("x.sigmf-meta: does not exist"), "{message}");
}

#[test]
fn a_hash_is_verified_on_request() {
    let (folder, meta) = pair(json!({}), json!([]), json!([]), b"abc");
    assert_eq!(sigmf::verify_sha512(&meta).unwrap(), None);
    // FIPS 180-2, appendix C.1.
    let hash = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let (_folder, meta) = pair(json!({ "core:sha512": hash }), json!([]), json!([]), b"abc");
    assert_eq!(sigmf::verify_sha512(&meta).unwrap(), Some(true));
    std::fs::write(meta.with_extension("sigmf-data"), b"abd").unwrap();
    assert_eq!(sigmf::verify_sha512(&meta).unwrap(), Some(false));
    drop(folder);
}

/// Packs files into a tar archive beside them.
pub fn archive(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let path = folder.join("a.sigmf");
    let mut builder = tar::Builder::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.finish().unwrap();
    path
}

#[test]
fn archives_are_read_where_they_lie() {
    let (folder, meta) = pair(json!({}), json!([start_at(0, 5)]), json!([]), &[]);
    let (meta, samples) = (std::fs::read(&meta).unwrap(), counting(4001 * 2));
    let path = archive(
        folder.path(),
        &[("r/r.sigmf-data", &samples), ("r/note.txt", b"?"), ("r/r.sigmf-meta", &meta)],
    );
    let mut recording = open_both(&path, &OpenOptions::default());
    assert!(recording.info().mapped);
    assert_eq!(recording.losses(), [""; 0]);
    assert_eq!(read_all(&mut *recording, usize::MAX)[0].bytes, samples);

    // By content, under any name; and cut short, with the description in front.
    let path = archive(folder.path(), &[("r.sigmf-meta", &meta), ("r.sigmf-data", &samples)]);
    let other = folder.path().join("renamed.tar");
    let whole = std::fs::read(&path).unwrap();
    let n_missing = 3000;
    std::fs::write(&other, &whole[..2048 + samples.len() - n_missing]).unwrap();
    let mut recording = open_both(&other, &OpenOptions::default());
    assert!(recording.losses()[0].contains("the archive ends"), "{:?}", recording.losses());
    let pieces = read_all(&mut *recording, usize::MAX);
    assert_eq!(pieces[0].bytes[..], samples[..pieces[0].bytes.len()]);
    assert!(pieces[0].bytes.len() >= samples.len() - n_missing - 1024);
}
