//! What is written is read: gaps, frequencies, times, annotations, also when the writer never finishes.

use crate::common::*;
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, Scalar, TimeAnchor};
use rangegate_recording::{Annotation, CreateOptions, OpenOptions, Writer, create, open, sigmf};
use serde_json::{Value, json};
use std::path::Path;

const CS16: SampleFormat = SampleFormat::complex(Scalar::I16);

pub fn note(first_sample: u64, n_samples: Option<u64>, label: &str) -> Annotation {
    let label = Some(label.to_owned());
    Annotation { first_sample, n_samples, frequency_hz: Some((99e6, 101e6)), label, comment: None }
}

fn put(writer: &mut dyn Writer, header: BlockHeader, bytes: &[u8]) {
    let mut block = IqBlock::default();
    block.fill(header, CS16, 1, bytes.len() / 4).copy_from_slice(bytes);
    writer.write(&block).unwrap();
}

/// Four blocks: one, one right behind it, one after a gap, one after another at another frequency.
pub fn write_gappy(path: &Path, samples: &[u8], finish: bool) {
    let options = CreateOptions {
        description: Some("four blocks".to_owned()),
        annotations: vec![
            note(1030, Some(980), "b"),
            note(1005, Some(10), "a"),
            note(1500, None, "in the gap"),
        ],
        metadata: json!({ "gain_db": 20, "antenna:gain": 3 }).as_object().unwrap().clone(),
        ..CreateOptions::default()
    };
    let stream = stream(CS16, 1, 1000);
    let mut writer = create(path, &stream, &options).unwrap();
    let header = |first_sample, after_gap, frequency| BlockHeader {
        first_sample,
        anchor: stream.anchor,
        after_gap,
        center_frequency_hz: Some(frequency),
    };
    put(&mut *writer, header(1000, false, 100e6), &samples[..80]);
    put(&mut *writer, header(1020, false, 100e6), &samples[80..160]);
    put(&mut *writer, header(2000, true, 100e6), &samples[160..200]);
    put(&mut *writer, header(2010, true, 100e6), &samples[200..240]);
    put(&mut *writer, header(2020, false, 200e6), &samples[240..]);
    if finish {
        writer.finish().unwrap();
        writer.finish().unwrap();
    }
}

#[test]
fn what_is_written_is_read() {
    for finish in [true, false] {
        let folder = tempdir().unwrap();
        let path = folder.path().join("x.sigmf-meta");
        let samples = counting(400);
        write_gappy(&path, &samples, finish);
        let mut recording = open_both(&path, &OpenOptions::default());
        assert_eq!(recording.losses(), [""; 0]);
        assert_eq!(sigmf::verify_sha512(&path).unwrap(), Some(true));

        let pieces = read_all(&mut *recording, usize::MAX);
        let firsts: Vec<_> =
            pieces.iter().map(|p| (p.first_sample, p.bytes.len() / 4, p.after_gap)).collect();
        assert_eq!(firsts, [(1000, 40, false), (2000, 10, true), (2010, 10, true), (2020, 40, false)]);
        assert_eq!(pieces[3].frequency_hz, Some(200e6));
        assert_eq!(pieces[3].time.as_deref(), Some("2026-11-22T10:00:00.00102Z"));
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.bytes).collect();
        assert_eq!(bytes, samples);

        let info = recording.info();
        let expected =
            [note(1005, Some(10), "a"), note(1030, Some(980), "b"), note(2000, None, "in the gap")];
        assert_eq!(info.annotations, expected);
        assert_eq!(info.metadata["global"]["rangegate:gain_db"], 20);
        assert_eq!(info.metadata["global"]["core:extensions"][0]["name"], "antenna");
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
    }
}

/// A capture that cost a new description each would cost the square of their number.
#[cfg(unix)]
#[test]
fn thousands_of_gaps_find_room_in_a_description_that_is_always_whole() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.sigmf-meta");
    let stream = stream(CS16, 1, 0);
    let mut writer = create(&path, &stream, &CreateOptions::default()).unwrap();
    let (n_gaps, mut inodes) = (4000, Vec::new());
    for n in 0..n_gaps {
        let header = BlockHeader { first_sample: 1000 * n, anchor: stream.anchor, ..Default::default() };
        put(&mut *writer, header, &counting(8));
        if n % 97 == 0 || n < 40 {
            assert_eq!(document(&path)["captures"].as_array().unwrap().len() as u64, n + 1);
        }
        inodes.push(std::fs::metadata(&path).unwrap().ino());
    }
    // Killed here.
    let mut recording = open(&path, &OpenOptions::default()).unwrap();
    let firsts: Vec<u64> = read_all(&mut *recording, 9).iter().map(|piece| piece.first_sample).collect();
    assert!(firsts.iter().copied().eq((0..n_gaps).map(|n| 1000 * n)));
    inodes.dedup();
    assert!(inodes.len() < 10, "the description was made anew {} times", inodes.len());
    writer.finish().unwrap();
    assert_eq!(document(&path)["captures"][3999]["core:sample_start"], 7998);
    assert_eq!(sigmf::verify_sha512(&path).unwrap(), Some(true));
}

#[test]
fn every_datatype_is_written_as_it_is_read() {
    for name in [
        "cu8", "cs8", "i8", "u8", "cs16", "cs16_be", "cu16", "i16", "cs32", "u32_be", "cf32", "cf64_be",
        "f64",
    ] {
        let format: SampleFormat = name.parse().unwrap();
        let folder = tempdir().unwrap();
        let path = folder.path().join("x.sigmf-data");
        let mut writer = create(&path, &stream(format, 2, 0), &CreateOptions::default()).unwrap();
        let mut block = IqBlock::default();
        let samples = counting(format.bytes() * 2 * 5);
        block.fill(BlockHeader::default(), format, 2, 5).copy_from_slice(&samples);
        writer.write(&block).unwrap();
        writer.finish().unwrap();
        let mut recording = open_both(&path, &OpenOptions::default());
        assert_eq!((recording.info().sample_format, recording.info().n_channels), (format, 2));
        assert_eq!(read_all(&mut *recording, 9)[0].bytes, samples);
    }
    let folder = tempdir().unwrap();
    let wide = stream(SampleFormat::complex(Scalar::I64), 1, 0);
    let message =
        create(&folder.path().join("x.sigmf-meta"), &wide, &CreateOptions::default()).err().unwrap();
    assert!(message.to_string().contains("no datatype for cs64"), "{message}");
}

#[test]
fn nothing_is_overwritten_and_nothing_written_is_an_empty_recording() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.sigmf-meta");
    drop(create(&path, &stream(CS16, 1, 77), &CreateOptions::default()).unwrap());
    let recording = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!((recording.info().first_sample, recording.info().n_samples), (77, Some(0)));
    assert!(create(&path, &stream(CS16, 1, 0), &CreateOptions::default()).is_err());
    std::fs::remove_file(&path).unwrap();
    assert!(
        create(&path, &stream(CS16, 1, 0), &CreateOptions::default()).is_err(),
        "the data are still there"
    );
    for (name, fragment) in [("x.hdf", ".hdf"), ("x.sigmf", ".sigmf"), ("no/x.cs16", "there is no folder")] {
        let message =
            create(&folder.path().join(name), &stream(CS16, 1, 0), &CreateOptions::default()).err().unwrap();
        assert!(message.to_string().contains(fragment), "{message}");
    }
}

/// A disk without room, where the system has one to offer.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.cs16");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    // A new file is wanted, so the link itself is refused; the meta file is written through a temporary one.
    assert!(create(&path, &stream(CS16, 1, 0), &CreateOptions::default()).is_err());
    let info = open_both(&written(folder.path()), &OpenOptions::default()).info().clone();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("y.sigmf-meta.tmp")).unwrap();
    let error =
        sigmf::write_annotations(&folder.path().join("y.sigmf-meta"), &info, &[]).unwrap_err().to_string();
    assert!(error.contains("y.sigmf-meta: cannot write") && error.contains("space"), "{error}");
}

fn written(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("x.sigmf-meta");
    write_gappy(&path, &counting(400), true);
    path
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn annotations_stand_beside_a_link_to_the_samples() {
    let (source, out) = (tempdir().unwrap(), tempdir().unwrap());
    let path = written(source.path());
    let info = open(&path, &OpenOptions::default()).unwrap().info().clone();
    let beside = out.path().join("detections.sigmf-meta");
    let notes = [note(2005, Some(1), "late"), note(1010, Some(2), "early")];
    sigmf::write_annotations(&beside, &info, &notes).unwrap();
    sigmf::write_annotations(&beside, &info, &notes).unwrap(); // a second run replaces the first
    let mut linked = open_both(&beside, &OpenOptions::default());
    assert_eq!(linked.info().annotations, [notes[1].clone(), notes[0].clone()]);
    assert_eq!(document(&beside)["annotations"][1]["core:sample_start"], 45);
    assert_eq!(sigmf::verify_sha512(&beside).unwrap(), Some(true));
    let mut original = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(read_all(&mut *linked, usize::MAX), read_all(&mut *original, usize::MAX));

    // Never over the source.
    let message = sigmf::write_annotations(&path, &info, &notes).unwrap_err().to_string();
    assert!(message.contains("the recording's own description"), "{message}");
    let in_the_way = out.path().join("y.sigmf-data");
    std::fs::write(&in_the_way, b"precious").unwrap();
    let message =
        sigmf::write_annotations(&out.path().join("y.sigmf-meta"), &info, &notes).unwrap_err().to_string();
    assert!(message.contains("in the way"), "{message}");
    assert_eq!(std::fs::read(&in_the_way).unwrap(), b"precious");
}

#[test]
fn annotations_stand_beside_raw_samples_and_archives() {
    let (source, out) = (tempdir().unwrap(), tempdir().unwrap());
    let samples = counting(400);
    let meta = written(source.path());
    let packed = [("r/r.sigmf-data", &samples[..]), ("r/r.sigmf-meta", &std::fs::read(meta).unwrap())];
    let archive = crate::describe::archive(source.path(), &packed);
    let raw = source.path().join("r.cs16");
    std::fs::write(&raw, &samples).unwrap();
    let raw_options = |header_bytes| OpenOptions {
        header_bytes: Some(header_bytes),
        start_time: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        ..OpenOptions::parse_format("cs16@1M").unwrap()
    };
    for (case, path, options, link) in [
        ("archive", &archive, OpenOptions::default(), "a.sigmf"),
        ("raw", &raw, raw_options(0), "raw.sigmf-data"),
        ("headed", &raw, raw_options(6), "r.cs16"),
    ] {
        let mut original = open(path, &options).unwrap();
        let info = original.info().clone();
        let beside = out.path().join(case).with_extension("sigmf-meta");
        let notes = [note(info.first_sample + 3, Some(4), "x")];
        sigmf::write_annotations(&beside, &info, &notes).unwrap();
        assert!(out.path().join(link).is_symlink(), "{case}");
        let mut linked = open_both(&beside, &OpenOptions::default());
        assert_eq!(linked.info().annotations, notes, "{case}");
        assert_eq!(read_all(&mut *linked, usize::MAX), read_all(&mut *original, usize::MAX), "{case}");
    }
}

#[test]
fn annotations_on_what_sigmf_cannot_link_say_so() {
    let (source, out) = (tempdir().unwrap(), tempdir().unwrap());
    let mut info = open(&written(source.path()), &OpenOptions::default()).unwrap().info().clone();
    info.kind = rangegate_recording::Kind::DigitalRf;
    let beside = out.path().join("detections.sigmf-meta");
    sigmf::write_annotations(&beside, &info, &[note(2005, Some(1), "x")]).unwrap();
    let document = document(&beside);
    assert_eq!(document["global"]["core:metadata_only"], true);
    assert_eq!(document["captures"][0]["core:global_index"], 1000);
    assert_eq!(document["captures"][0]["core:datetime"], "2026-11-22T10:00:00Z");
    assert_eq!(document["annotations"][0]["core:sample_start"], 1005);
}

#[test]
fn times_survive_a_rational_rate() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.sigmf-meta");
    let mut stream = stream(CS16, 1, 94_958_000_000);
    stream.sample_rate = rangegate_core::SampleRate::new(200, 3).unwrap();
    stream.anchor = Some(TimeAnchor { sample: 0, time: "1970-01-01T00:00:00Z".parse().unwrap() });
    let mut writer = create(&path, &stream, &CreateOptions::default()).unwrap();
    let header =
        BlockHeader { first_sample: stream.first_sample, anchor: stream.anchor, ..Default::default() };
    put(&mut *writer, header, &counting(40));
    writer.finish().unwrap();
    let recording = open(&path, &OpenOptions::default()).unwrap();
    let info = recording.info();
    assert_eq!(info.sample_rate, stream.sample_rate);
    assert_eq!(info.first_sample, stream.first_sample);
    assert_eq!(info.start_time.unwrap().to_string(), "2015-02-19T18:20:00Z");
}
