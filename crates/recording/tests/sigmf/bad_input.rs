//! What is wrong is said: file, field, what was found, what was expected. Never a panic.

use crate::common::*;
use proptest::prelude::*;
use rangegate_core::IqBlock;
use rangegate_recording::{OpenOptions, open, sigmf};
use serde_json::{Value, json};

/// A description that is right, to be spoiled in one place.
fn right() -> Value {
    json!({
        "global": { "core:version": "1.2.0", "core:datatype": "cu8", "core:sample_rate": 1000.0 },
        "captures": [
            { "core:sample_start": 0, "core:global_index": 0 },
            { "core:sample_start": 10, "core:global_index": 20 },
        ],
        "annotations": [{ "core:sample_start": 3, "core:sample_count": 2 }],
    })
}

fn write(document: &[u8]) -> (TempDir, std::path::PathBuf) {
    let (folder, meta) = pair(json!({}), json!([]), json!([]), &counting(40));
    std::fs::write(&meta, document).unwrap();
    (folder, meta)
}

#[test]
fn each_wrong_field_is_named() {
    let long = "x".repeat(1000);
    let cases: &[(&str, Value, &[&str])] = &[
        ("/global", json!([]), &["'global'", "an array of 0", "an object"]),
        ("/captures", json!({}), &["'captures'", "an array"]),
        ("/captures/1", json!(7), &["'captures[1]' is 7", "an object"]),
        ("/annotations", json!(null), &["'annotations' is null", "an array"]),
        ("/global/core:datatype", json!("cf12_le"), &["global.core:datatype", "\"cf12_le\"", "cf32_le"]),
        ("/global/core:datatype", json!("cs16"), &["global.core:datatype", "\"cs16\""]),
        ("/global/core:datatype", json!("f32"), &["global.core:datatype"]),
        ("/global/core:datatype", json!(long), &["a string of 1000 characters"]),
        ("/global/core:datatype", json!("é"), &["global.core:datatype"]),
        ("/global/core:sample_rate", json!(0), &["global.core:sample_rate", "is 0", "above zero"]),
        ("/global/core:sample_rate", json!(-1.5), &["global.core:sample_rate", "-1.5"]),
        ("/global/core:sample_rate", json!("1M"), &["global.core:sample_rate", "\"1M\""]),
        ("/global/core:sample_rate", json!(1e300), &["global.core:sample_rate"]),
        ("/global/core:version", json!(1.2), &["global.core:version", "1.2"]),
        ("/global/core:version", json!("2.0.0"), &["global.core:version", "2.0.0"]),
        ("/global/core:num_channels", json!(0), &["global.core:num_channels", "is 0"]),
        ("/global/core:num_channels", json!(9e18), &["global.core:num_channels"]),
        ("/global/core:num_channels", json!(1_000_000_000), &["global.core:num_channels", "65536"]),
        ("/global/core:num_channels", json!(1.5), &["global.core:num_channels", "1.5"]),
        ("/global/core:offset", json!(-1), &["global.core:offset", "-1"]),
        ("/global/core:trailing_bytes", json!(41), &["global.core:trailing_bytes", "is 41", "40 bytes"]),
        ("/global/core:dataset", json!("../x"), &["global.core:dataset", "../x", "same folder"]),
        ("/global/core:dataset", json!("/etc/passwd"), &["global.core:dataset"]),
        ("/global/core:dataset", json!(""), &["global.core:dataset"]),
        ("/global/core:dataset", json!("gone.wav"), &["global.core:dataset", "gone.wav"]),
        ("/global/core:sha512", json!("abc"), &["global.core:sha512", "128"]),
        ("/global/core:metadata_only", json!(1), &["global.core:metadata_only", "true or false"]),
        (
            "/global/core:extensions",
            json!([{ "name": "zip", "version": "1.0.0", "optional": false }]),
            &["global.core:extensions", "zip"],
        ),
        ("/captures/0/core:sample_start", json!("0"), &["captures[0].core:sample_start", "\"0\""]),
        (
            "/captures/1/core:sample_start",
            json!(21),
            &["captures[1].core:sample_start", "is 21", "holds 20 samples"],
        ),
        (
            "/captures/0/core:sample_start",
            json!(11),
            &["captures[1].core:sample_start", "is 10", "at least 11"],
        ),
        ("/captures/1/core:sample_start", json!(u64::MAX), &["captures[1].core:sample_start"]),
        (
            "/captures/1/core:global_index",
            json!(9),
            &["captures[1].core:global_index", "is 9", "at least 10"],
        ),
        ("/captures/0/core:header_bytes", json!(1_000), &["captures[0].core:sample_start"]),
        ("/captures/0/core:header_bytes", json!(i64::MAX), &["captures[0].core:sample_start"]),
        ("/captures/0/core:frequency", json!("1 GHz"), &["captures[0].core:frequency", "Hz"]),
        ("/captures/0/core:datetime", json!("yesterday"), &["captures[0].core:datetime", "yesterday"]),
        ("/captures/0/core:datetime", json!("2020-13-01T00:00:00Z"), &["captures[0].core:datetime"]),
        ("/captures/0/core:datetime", json!("é.éZ"), &["captures[0].core:datetime"]),
        ("/annotations/0/core:sample_start", json!(null), &["annotations[0].core:sample_start", "null"]),
        (
            "/annotations/0/core:sample_count",
            json!([1, 2]),
            &["annotations[0].core:sample_count", "an array of 2"],
        ),
        ("/annotations/0/core:label", json!(5), &["annotations[0].core:label", "a string"]),
        (
            "/annotations/0/core:freq_lower_edge",
            json!(1),
            &["annotations[0].core:freq_upper_edge", "missing"],
        ),
    ];
    for (pointer, value, fragments) in cases {
        let mut document = right();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.insert(name.to_owned(), value.clone())),
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            _ => unreachable!("{pointer}"),
        }
        let (_folder, meta) = write(document.to_string().as_bytes());
        let message = refusal(&meta, &OpenOptions::default());
        for fragment in fragments.iter().chain([&"x.sigmf-meta"]) {
            assert!(message.contains(fragment), "{pointer} = {value}: {message}");
        }
    }
}

#[test]
fn each_missing_field_is_named() {
    for (parent, name) in [
        ("", "global"),
        ("", "captures"),
        ("", "annotations"),
        ("/global", "core:datatype"),
        ("/global", "core:version"),
        ("/global", "core:sample_rate"),
        ("/captures/1", "core:sample_start"),
        ("/annotations/0", "core:sample_start"),
    ] {
        let mut document = right();
        document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        let (_folder, meta) = write(document.to_string().as_bytes());
        let message = refusal(&meta, &OpenOptions::default());
        assert!(message.contains(name) && message.contains("is missing, expected"), "{message}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for (text, fragment) in [
        ("", "is not JSON: EOF"),
        ("{", "line 1"),
        ("[]", "an array of 0, expected a JSON object"),
        ("{\"global\": NaN}", "is not JSON"),
        (&"[".repeat(100_000), "recursion limit"),
    ] {
        let (_folder, meta) = write(text.as_bytes());
        let message = refusal(&meta, &OpenOptions::default());
        assert!(message.contains(fragment), "{message}");
    }
    let (_folder, meta) = write(b"{\"global\": \"\xff\"}");
    assert!(refusal(&meta, &OpenOptions::default()).contains("is not JSON"));

    // A byte order mark is no error.
    let (_folder, meta) = write(format!("\u{feff}{}", right()).as_bytes());
    open(&meta, &OpenOptions::default()).unwrap();
}

#[test]
fn a_huge_description_is_not_read() {
    let (_folder, meta) = write(b"");
    std::fs::File::options().write(true).open(&meta).unwrap().set_len(1 << 40).unwrap(); // sparse
    let message = refusal(&meta, &OpenOptions::default());
    assert!(message.contains("1099511627776") && message.contains("268435456"), "{message}");
}

#[test]
fn samples_left_out_on_purpose_are_said_so() {
    let mut document = right();
    document["global"]["core:metadata_only"] = true.into();
    let (folder, meta) = write(document.to_string().as_bytes());
    open(&meta, &OpenOptions::default()).unwrap(); // they are there all the same
    std::fs::remove_file(folder.path().join("x.sigmf-data")).unwrap();
    assert!(refusal(&meta, &OpenOptions::default()).contains("core:metadata_only"));
    std::fs::write(&meta, right().to_string()).unwrap();
    assert!(refusal(&meta, &OpenOptions::default()).contains("x.sigmf-data: does not exist"));
}

/// An archive with one member of a kind that has no business there.
fn archive_with(
    folder: &std::path::Path,
    kind: tar::EntryType,
    name: &[u8],
    size: u64,
) -> std::path::PathBuf {
    let path = folder.join("a.sigmf");
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend([0; 1024]);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn archives_with_traps_are_refused() {
    use tar::EntryType;
    let folder = tempdir().unwrap();
    for (kind, name, size, fragment) in [
        (EntryType::Regular, &b"../x.sigmf-meta"[..], 0, "outside the archive's folder"),
        (EntryType::Regular, b"/etc/x.sigmf-meta", 0, "outside the archive's folder"),
        (EntryType::Symlink, b"x.sigmf-data", 0, "a link"),
        (EntryType::Link, b"x.sigmf-data", 0, "a link"),
        (EntryType::Fifo, b"x.sigmf-data", 0, "of a special type"),
        (EntryType::XHeader, b"x", 1 << 30, "header extension of 1073741824 bytes"),
        (EntryType::GNULongName, b"x", 1 << 30, "header extension of 1073741824 bytes"),
        (EntryType::Regular, b"x.txt", 0, "without a .sigmf-meta"),
    ] {
        let path = archive_with(folder.path(), kind, name, size);
        let message = refusal(&path, &OpenOptions::default());
        assert!(message.contains(fragment) && message.contains("a.sigmf"), "{message}");
    }
    let path = folder.path().join("a.sigmf");
    std::fs::write(&path, b"\x1f\x8b compressed").unwrap();
    assert!(refusal(&path, &OpenOptions::default()).contains("is no tar archive"));
    let meta = right().to_string();
    let path = crate::describe::archive(
        folder.path(),
        &[("a.sigmf-meta", meta.as_bytes()), ("b.sigmf-meta", meta.as_bytes())],
    );
    assert!(refusal(&path, &OpenOptions::default()).contains("2 recordings (a.sigmf-meta, b.sigmf-meta"));
}

#[test]
fn what_is_no_recording_is_told_apart() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, bytes) in
        [("x.iq", &b"1234"[..]), ("x.cs16", b"1234"), ("x.sigmf-collection", b"{}"), ("x", b"")]
    {
        std::fs::write(path(name), bytes).unwrap();
    }
    std::fs::create_dir(path("folder")).unwrap();
    let none = OpenOptions::default();
    let with = |text| OpenOptions::parse_format(text).unwrap();
    for (name, options, fragment) in [
        ("gone", &none, "gone: does not exist"),
        ("gone.sigmf-meta", &none, "gone.sigmf-meta: does not exist"),
        ("gone.sigmf", &none, "does not exist"),
        ("gone", &with("sigmf"), "does not exist"),
        ("gone", &with("cs16@1M"), "cannot open"),
        ("folder", &none, "no Digital RF recording"),
        ("folder", &with("cs16@1M"), "is a folder, expected a file"),
        ("x", &none, "of no known format"),
        ("x.iq", &none, "--format cs16@2.4e6"),
        ("x.iq", &with("sigmf"), "is no tar archive"),
        ("x.cs16", &none, "do not tell their sample rate"),
        ("x.sigmf-collection", &none, "is a collection"),
    ] {
        let message = refusal(&path(name), options);
        assert!(message.contains(fragment), "{name}: {message}");
    }
    let mut options = with("cs16@1M");
    options.header_bytes = Some(5);
    assert!(
        refusal(&path("x.iq"), &options).contains("'header_bytes' is 5, expected at most the file's 4 bytes")
    );
    options.n_channels = Some(0);
    assert!(refusal(&path("x.iq"), &options).contains("'n_channels' is 0"));
    options.sample_rate_hz = Some(f64::NAN);
    assert!(refusal(&path("x.iq"), &options).contains("NaN Hz, expected"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.cs16");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        return skipped(1, "no mkfifo");
    }
    let message = refusal(&path, &OpenOptions::parse_format("cs16@1M").unwrap());
    assert!(message.contains("a pipe or device"), "{message}");
}

/// Opens whatever stands at the path and reads all of it, to see that nothing panics.
fn exercise(meta: &std::path::Path) {
    if let Ok(mut recording) = open(meta, &OpenOptions::default()) {
        let (mut at, mut block) = (0, IqBlock::default());
        while recording.read(at, 16, &mut block).unwrap() {
            at = block.end_sample();
        }
        let beside = meta.with_file_name("y.sigmf-meta");
        let _ = sigmf::write_annotations(&beside, recording.info(), &recording.info().annotations);
    }
    let _ = sigmf::verify_sha512(meta);
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (0_u64..25).prop_map(Value::from),
        2 => any::<u64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => prop::sample::select(vec![i64::MAX as u64, i64::MAX as u64 - 1, 0]).prop_map(Value::from),
    ]
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(names), number()), 1..4).prop_map(|fields| {
        let mut object = json!({ "core:sample_start": 0 });
        for (name, value) in fields {
            object[name] = value;
        }
        object
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..300) {
        exercise(&write(&bytes).1);
        // Damage in the middle of a right description finds more.
        let mut document = right().to_string().into_bytes();
        let at = at % document.len();
        document[at] = bytes.first().copied().unwrap_or(b'9');
        exercise(&write(&document).1);
        let folder = tempdir().unwrap();
        let path = crate::describe::archive(folder.path(), &[("r.sigmf-meta", &document), ("r.sigmf-data", &bytes)]);
        let mut archive = std::fs::read(&path).unwrap();
        for (n, byte) in bytes.iter().take(4).enumerate() {
            archive[(at * 7 + n * 151) % 1536] = *byte;
        }
        std::fs::write(&path, archive).unwrap();
        exercise(&path);
    }

    #[test]
    fn no_numbers_make_it_panic(
        global in object(&["core:offset", "core:trailing_bytes", "core:num_channels", "core:sample_rate"]),
        captures in prop::collection::vec(
            object(&["core:sample_start", "core:global_index", "core:header_bytes", "core:frequency"]), 0..4),
        notes in prop::collection::vec(object(&["core:sample_start", "core:sample_count"]), 0..3),
        time in "(20|99|00)[0-9]{2}-0[0-9]-0[0-9]T0[0-9]:00:0[0-9](\\.[0-9]{0,12})?Z?",
    ) {
        let mut captures = captures;
        if let Some(capture) = captures.first_mut() {
            capture["core:datetime"] = time.into();
        }
        let (_folder, meta) = pair(global, captures.into(), notes.into(), &counting(40));
        exercise(&meta);
    }
}
