//! Plain HDF5 against h5py.

mod hdf5_support;

use hdf5_support::{Read, format, read_all, recordings, reference};
use rangegate_core::IqBlock;
use rangegate_recording::hdf5::{Axes, Each, Hdf5Options, describe, suggestion};
use rangegate_recording::{OpenOptions, Recording, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Recording>> {
    rangegate_recording::hdf5::open(path, options)
}

fn error(path: &Path, options: &OpenOptions) -> String {
    open(path, options).err().expect("an error").to_string()
}

/// Options that name datasets.
fn datasets(names: &[&str]) -> OpenOptions {
    let datasets = names.iter().map(|&name| name.to_owned()).collect();
    OpenOptions {
        sample_rate_hz: Some(1e6),
        hdf5: Hdf5Options { datasets, ..Hdf5Options::default() },
        ..OpenOptions::default()
    }
}

fn with(mut options: OpenOptions, change: impl FnOnce(&mut OpenOptions)) -> OpenOptions {
    change(&mut options);
    options
}

/// Writes a file with h5py; the bytes of each dataset, or `None` where there is no Python.
fn written(folder: &tempfile::TempDir, spec: &Value) -> Option<(PathBuf, impl Fn(&str) -> Vec<u8> + use<>)> {
    let path = folder.path().join("file.h5");
    let sums = reference(1, &["h5-write", path.to_str().unwrap(), &spec.to_string()])?;
    Some((path, move |name: &str| {
        let hex = sums[name].as_str().unwrap();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }))
}

/// Reads mapped and through the library, in blocks of several sizes, which must agree.
fn read(path: &Path, options: &OpenOptions, mapped: bool) -> Read {
    let unmapped = OpenOptions { no_mmap: true, ..options.clone() };
    let mut through_library = open(path, &unmapped).unwrap();
    assert!(!through_library.info().mapped);
    let expected = read_all(through_library.as_mut(), 1 << 20);
    let mut recording = open(path, options).unwrap();
    assert_eq!(recording.info().mapped, mapped);
    for max_samples in [usize::MAX, 100, 7] {
        let Read { stretches, bytes, n_blocks, n_shared } = read_all(recording.as_mut(), max_samples);
        assert!(stretches == expected.stretches && bytes == expected.bytes, "{max_samples} a block");
        assert_eq!(n_shared, if mapped { n_blocks } else { 0 });
    }
    expected
}

#[test]
fn every_type_of_one_axis() {
    let names = ["r,i", "re,im", "real,imag", "I,Q", "i,q"];
    let scalars = ["i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">u8", "<f4", ">f4", "<f8", ">f8"];
    let mut all = serde_json::Map::new();
    for (k, scalar) in scalars.iter().enumerate() {
        let pair: Vec<_> = names[k % names.len()].split(',').collect();
        for (storage, more) in [
            ("plain", json!({})),
            ("chunked", json!({"chunks": [64]})),
            ("gzip", json!({"chunks": [100], "compression": "gzip", "shuffle": true, "fletcher32": true})),
        ] {
            for (kind, of) in
                [("real", json!({"scalar": scalar})), ("complex", json!({"scalar": scalar, "names": pair}))]
            {
                let mut of = of;
                of["shape"] = json!([1000]);
                of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                all.insert(format!("{storage}_{kind}_{k}"), of);
            }
        }
    }
    // Q before I, and padding between and behind.
    all.insert("swapped".to_owned(), json!({"scalar": "<i2", "names": ["i", "r"], "shape": [500]}));
    all.insert(
        "padded".to_owned(),
        json!({"scalar": "<i2", "names": ["r", "i"], "offsets": [0, 2], "itemsize": 8, "shape": [500]}),
    );
    all.insert(
        "spread".to_owned(),
        json!({"scalar": "<i2", "names": ["r", "i"], "offsets": [2, 6], "itemsize": 10, "shape": [500]}),
    );
    let folder = tempfile::tempdir().unwrap();
    let Some((path, bytes)) = written(&folder, &json!({"datasets": all})) else { return };
    for (k, scalar) in scalars.iter().enumerate() {
        let letter = if scalar.ends_with('1') { &scalar[..1] } else { &scalar[1..2] };
        let bits = scalar[scalar.len() - 1..].parse::<usize>().unwrap() * 8;
        let order = if scalar.starts_with('>') { "_be" } else { "" };
        for storage in ["plain", "chunked", "gzip"] {
            for kind in ["real", "complex"] {
                let name = format!("{storage}_{kind}_{k}");
                let read = read(&path, &datasets(&[&name]), storage != "gzip");
                assert_eq!(read.stretches, [(0, 1000)]);
                assert_eq!(read.bytes, bytes(&name), "{name} {scalar}");
                let info = open(&path, &datasets(&[&name])).unwrap().info().clone();
                let prefix = if kind == "complex" { "c" } else { "" };
                assert_eq!(
                    info.sample_format,
                    format(&format!("{prefix}{letter}{bits}{order}")),
                    "{name} {scalar}"
                );
            }
        }
    }
    assert_eq!(read(&path, &datasets(&["padded"]), true).bytes, bytes("padded"));
    assert_eq!(read(&path, &datasets(&["spread"]), false).bytes, bytes("spread"));
    let swapped: Vec<u8> = bytes("swapped").chunks_exact(4).flat_map(|s| [s[2], s[3], s[0], s[1]]).collect();
    assert_eq!(read(&path, &datasets(&["swapped"]), false).bytes, swapped);
}

/// Turns `[rows × columns]` of elements of `size` bytes round.
fn transposed(bytes: &[u8], rows: usize, columns: usize, size: usize) -> Vec<u8> {
    let places = (0..columns).flat_map(|c| (0..rows).map(move |r| (r * columns + c) * size));
    places.flat_map(|at| bytes[at..at + size].to_vec()).collect()
}

#[test]
fn two_axes_mean_what_the_configuration_says() {
    let storage = [
        ("plain", json!({})),
        ("rows", json!({"chunks": [2, 600]})),
        ("tiles", json!({"chunks": [4, 64]})),
        ("gzip", json!({"chunks": [1, 600], "compression": "gzip"})),
    ];
    let mut all = serde_json::Map::new();
    for (name, more) in storage {
        let mut of = json!({"scalar": "<i2", "names": ["r", "i"], "shape": [5, 600]});
        of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all.insert(name.to_owned(), of);
    }
    all.insert("one_row".to_owned(), json!({"scalar": "<f4", "shape": [1, 300]}));
    all.insert("one_column".to_owned(), json!({"scalar": "<f4", "shape": [300, 1]}));
    all.insert("cube".to_owned(), json!({"scalar": "<f4", "shape": [3, 4, 5]}));
    let folder = tempfile::tempdir().unwrap();
    let Some((path, bytes)) = written(&folder, &json!({"datasets": all})) else { return };
    let axes = |name: &str, axes| with(datasets(&[name]), |o| o.hdf5.axes = Some(axes));
    for (name, [pulses, channels, samples]) in [
        ("plain", [true; 3]),
        // Channels that lie in several chunks are not one piece of memory.
        ("rows", [true, false, true]),
        ("tiles", [false; 3]),
        ("gzip", [false; 3]),
    ] {
        let as_pulses = read(&path, &axes(name, Axes::PulseSample), pulses);
        let starts: Vec<_> = (0..5).map(|k| (600 * k, 600)).collect();
        assert_eq!((as_pulses.stretches, &as_pulses.bytes), (starts, &bytes(name)), "{name}");
        let info = open(&path, &axes(name, Axes::PulseSample)).unwrap().info().clone();
        assert_eq!((info.pulse_len, info.n_channels), (Some(600), 1));

        let as_channels = read(&path, &axes(name, Axes::ChannelSample), channels);
        assert_eq!(as_channels.stretches, [(0, 600)]);
        assert_eq!(as_channels.bytes, transposed(&bytes(name), 5, 600, 4), "{name}");

        let as_samples = read(&path, &axes(name, Axes::SampleChannel), samples);
        assert_eq!((as_samples.stretches, as_samples.bytes), (vec![(0, 5)], bytes(name)), "{name}");
    }
    for name in ["one_row", "one_column"] {
        assert_eq!(read(&path, &datasets(&[name]), true).bytes, bytes(name));
    }
    assert!(
        error(&path, &datasets(&["plain"]))
            .contains("'plain' is of shape [5, 600], expected axes = \"pulse_sample\"")
    );
    assert!(error(&path, &datasets(&["cube"])).contains("expected one axis or two"));
    assert!(error(&path, &axes("cube", Axes::PulseSample)).contains("expected 2 axes"));
}

#[test]
fn interleaved_i_and_q() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({"datasets": {
        "flat": {"scalar": "<i2", "shape": [1000]},
        "flat_odd_chunks": {"scalar": ">i2", "shape": [1000], "chunks": [101]},
        "flat_gzip": {"scalar": "<i2", "shape": [1000], "chunks": [100], "compression": "gzip"},
        "pairs": {"scalar": "u1", "shape": [500, 2]},
        "pulses": {"scalar": "<i2", "shape": [4, 200]},
        "pulses_pairs": {"scalar": "<i2", "shape": [4, 100, 2], "chunks": [1, 50, 2], "compression": "gzip"},
        "channels_pairs": {"scalar": "<i2", "shape": [3, 100, 2]},
        "channels_last": {"scalar": "<i2", "shape": [100, 3, 2]},
        "odd": {"scalar": "<i2", "shape": [999]},
    }});
    let Some((path, bytes)) = written(&folder, &spec) else { return };
    let options = |name: &str, complex: &str, axes| {
        with(datasets(&[name]), |o| {
            o.sample_format = Some(format(complex));
            o.hdf5.axes = axes;
        })
    };
    for (name, complex, mapped) in [
        ("flat", "cs16", true),
        ("flat_odd_chunks", "cs16", false),
        ("flat_gzip", "cs16", false),
        ("pairs", "cu8", true),
    ] {
        let read = read(&path, &options(name, complex, None), mapped);
        assert_eq!((read.stretches, read.bytes), (vec![(0, 500)], bytes(name)), "{name}");
    }
    for (name, mapped) in [("pulses", true), ("pulses_pairs", false)] {
        let read = read(&path, &options(name, "cs16", Some(Axes::PulseSample)), mapped);
        let starts: Vec<_> = (0..4).map(|k| (100 * k, 100)).collect();
        assert_eq!((read.stretches, read.bytes), (starts, bytes(name)), "{name}");
    }
    let channels = read(&path, &options("channels_pairs", "cs16", Some(Axes::ChannelSample)), true);
    assert_eq!(channels.bytes, transposed(&bytes("channels_pairs"), 3, 100, 4));
    let channels = read(&path, &options("channels_last", "cs16", Some(Axes::SampleChannel)), true);
    assert_eq!(channels.bytes, bytes("channels_last"));
    assert!(error(&path, &options("odd", "cs16", None)).contains("even length"));
    assert!(error(&path, &options("flat", "cf32", None)).contains("'sample_format' is cf32, expected i16"));
}

#[test]
fn i_and_q_apart() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({"datasets": {
        "I": {"scalar": ">f4", "shape": [300]},
        "Q": {"scalar": ">f4", "shape": [300], "chunks": [64], "compression": "gzip"},
        "p/I_1": {"scalar": "<i2", "shape": [2, 50]}, "p/I_2": {"scalar": "<i2", "shape": [2, 50]},
        "p/Q_1": {"scalar": "<i2", "shape": [2, 50]}, "p/Q_2": {"scalar": "<i2", "shape": [2, 50]},
        "short": {"scalar": ">f4", "shape": [299]},
    }});
    let Some((path, bytes)) = written(&folder, &spec) else { return };
    let apart = |i: &str, q: &str| {
        with(datasets(&[]), |o| {
            (o.hdf5.i_dataset, o.hdf5.q_dataset) = (Some(i.to_owned()), Some(q.to_owned()));
        })
    };
    let woven = |i: &str, q: &str, size: usize| -> Vec<u8> {
        let (i, q) = (bytes(i), bytes(q));
        i.chunks_exact(size).zip(q.chunks_exact(size)).flat_map(|(i, q)| [i, q].concat()).collect()
    };
    let read_apart = read(&path, &apart("I", "Q"), false);
    assert_eq!((read_apart.stretches, read_apart.bytes), (vec![(0, 300)], woven("I", "Q", 4)));
    assert_eq!(open(&path, &apart("I", "Q")).unwrap().info().sample_format, format("cf32_be"));
    let pulses = with(apart("p/I_*", "p/Q_*"), |o| o.hdf5.axes = Some(Axes::PulseSample));
    let read_pulses = read(&path, &pulses, false);
    assert_eq!(read_pulses.stretches, [(0, 50), (50, 50), (100, 50), (150, 50)]);
    assert_eq!(read_pulses.bytes, [woven("p/I_1", "p/Q_1", 2), woven("p/I_2", "p/Q_2", 2)].concat());
    assert!(error(&path, &apart("I", "short")).contains("same type and shape as 'I'"));
    assert!(error(&path, &with(datasets(&[]), |o| o.hdf5.i_dataset = Some("I".to_owned()))).contains("both"));
}

#[test]
fn several_datasets_are_pulses_or_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = serde_json::Map::new();
    for k in [1, 2, 9, 10, 11] {
        all.insert(format!("trace_{k}"), json!({"scalar": "<i2", "shape": [40]}));
    }
    all.insert("trace_12_longer".to_owned(), json!({"scalar": "<i2", "shape": [41]}));
    let Some((path, bytes)) = written(&folder, &json!({"datasets": all})) else { return };
    let five = ["trace_1", "trace_2", "trace_9", "trace_10", "trace_11"];
    let joined: Vec<u8> = five.iter().flat_map(|name| bytes(name)).collect();
    // `trace_*` would fit the longer one too.
    let patterns = datasets(&["trace_1", "trace_2", "trace_9", "trace_10", "trace_11"]);
    let pulses = read(&path, &patterns, true);
    assert_eq!((pulses.stretches, &pulses.bytes), ((0..5).map(|k| (40 * k, 40)).collect(), &joined));
    let appended = read(&path, &with(patterns.clone(), |o| o.hdf5.each = Some(Each::Append)), true);
    assert_eq!((appended.stretches, &appended.bytes), (vec![(0, 200)], &joined));
    let error_text = error(&path, &datasets(&["trace_*"]));
    assert!(error_text.contains("'trace_12_longer' is 41 samples long, expected 40"), "{error_text}");
    let all = read(&path, &with(datasets(&["trace_*"]), |o| o.hdf5.each = Some(Each::Append)), true);
    assert_eq!(
        (all.stretches, all.bytes),
        (vec![(0, 241)], [joined.clone(), bytes("trace_12_longer")].concat())
    );

    // 40 samples of 1 µs each, a pulse every 100.3 µs: rounded to the nearest sample.
    let every = |pri_s| with(patterns.clone(), |o| o.hdf5.pri_s = Some(pri_s));
    let spaced = read(&path, &every(100.3e-6), true);
    assert_eq!(
        (spaced.stretches, &spaced.bytes),
        (vec![(0, 40), (100, 40), (201, 40), (301, 40), (401, 40)], &joined)
    );
    for (pri_s, words) in [
        (39e-6, "no shorter than a pulse, which has 40 samples"),
        (-1.0, "above zero"),
        (f64::NAN, "above zero"),
        (1e17, "count"),
    ] {
        let text = error(&path, &every(pri_s));
        assert!(text.contains("'pri_s'") && text.contains(words), "{text}");
    }
    let mut recording = open(&path, &every(100.3e-6)).unwrap();
    let mut block = IqBlock::default();
    for (at, first, n, gap) in [
        (0, 0, 40, false),
        (39, 39, 1, false),
        (40, 100, 40, true),
        (150, 201, 40, true),
        (410, 410, 31, false),
    ] {
        assert!(recording.read(at, 100, &mut block).unwrap());
        assert_eq!((block.header.first_sample, block.n_samples(), block.header.after_gap), (first, n, gap));
    }
    assert!(!recording.read(441, 100, &mut block).unwrap());
}

#[test]
fn rate_frequency_and_time_come_from_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({
        "datasets": {
            "a/known": {"scalar": "<i2", "shape": [4], "attributes": {"Sample Rate": 2e6, "t0": 0, "freq": [5e9]}},
            "a/above": {"scalar": "<i2", "shape": [4]},
            "b/own": {"scalar": "<i2", "shape": [4], "attributes": {"dt_inv": "250e3", "when": "2020-02-03 04:05:06"}},
        },
        "groups": {"a": {"fs": 3e6, "start_time": 1_700_000_000.5}, "b": {"note": "nothing"}, "/": {"fc": 7.0}},
    });
    let Some((path, _)) = written(&folder, &spec) else { return };
    let named = |name: &str| with(datasets(&[name]), |o| o.sample_rate_hz = None);
    let info = |options: &OpenOptions| {
        let info = open(&path, options).unwrap().info().clone();
        (info.sample_rate.hz(), info.center_frequency_hz, info.start_time.map(|t| t.to_string()))
    };
    let time = Some("2023-11-14T22:13:20.5Z".to_owned());
    assert_eq!(info(&named("a/known")), (2e6, Some(5e9), time.clone()));
    assert_eq!(info(&named("a/above")), (3e6, Some(7.0), time));
    let own = with(named("b/own"), |o| {
        o.hdf5.sample_rate_attribute = Some("dt_inv".to_owned());
        o.hdf5.start_time_attribute = Some("b/own@when".to_owned());
        o.hdf5.center_frequency_attribute = Some("a@fs".to_owned());
    });
    assert_eq!(info(&own), (250e3, Some(3e6), Some("2020-02-03T04:05:06Z".to_owned())));
    let told = with(own, |o| (o.sample_rate_hz, o.center_frequency_hz) = (Some(1.0), Some(2.0)));
    assert_eq!((info(&told).0, info(&told).1), (1.0, Some(2.0)));
    let missing = error(&path, &named("b/own"));
    assert!(
        missing.contains("sample_rate_hz")
            && missing.contains("'b/own@dt_inv'")
            && missing.contains("'b@note'"),
        "{missing}"
    );
    let wrong = with(named("b/own"), |o| o.hdf5.sample_rate_attribute = Some("when".to_owned()));
    assert!(error(&path, &wrong).contains("expected a number of Hz"), "{}", error(&path, &wrong));
    let absent = with(named("b/own"), |o| o.hdf5.sample_rate_attribute = Some("x@y".to_owned()));
    assert!(error(&path, &absent).contains("'x@y', which is not there"), "{}", error(&path, &absent));
}

#[test]
fn test_bsi_is_twenty_pulses() {
    let Some(folder) = recordings(1) else { return };
    let path = folder.join("pulsed_hdf5/test_bsi.h5");
    let options =
        with(datasets(&["line_*/location_*/datacapture_0/echogram_0"]), |o| o.sample_rate_hz = Some(250e6));
    let mut recording = open(&path, &options).unwrap();
    let info = recording.info().clone();
    assert_eq!((info.pulse_len, info.sample_format, info.n_channels), (Some(2976), format("f64_be"), 1));
    let read = read_all(recording.as_mut(), 1000);
    assert_eq!(read.stretches, (0..20).map(|k| (2976 * k, 2976)).collect::<Vec<_>>());
    let names: Vec<_> =
        (0..20).map(|k| format!("line_{}/location_{}/datacapture_0/echogram_0", k / 10, k % 10)).collect();
    let list = serde_json::to_string(&names).unwrap();
    let Some(python) = reference(1, &["h5-read", path.to_str().unwrap(), &list]) else { return };
    for (name, bytes) in names.iter().zip(read.bytes.chunks_exact(2976 * 8)) {
        assert_eq!(python[name]["hex"], hdf5_support::sha256(bytes), "{name}");
    }

    let found = describe(&path).unwrap();
    assert_eq!(found.len(), 20);
    assert_eq!(
        (found[2].path.as_str(), &found[2].shape),
        ("line_0/location_2/datacapture_0/echogram_0", &vec![2976])
    );
    assert_eq!((found[2].type_text.as_str(), found[2].storage.as_str()), ("big-endian f64", "chunks of [1]"));
    assert!(
        found[0]
            .attributes
            .iter()
            .any(|(name, text)| name == "Digitizer-MetaData_xml" && text.contains("<Name>"))
    );
    let text = suggestion(&found);
    let options = from_toml(&text);
    assert_eq!(options.hdf5.datasets, ["line_*/location_*/datacapture_*/echogram_*"]);
    assert_eq!(open(&path, &options).unwrap().info().end_sample, 20 * 2976);
    let nothing = error(&path, &OpenOptions::default());
    assert!(
        nothing.contains("20 datasets could be samples") && nothing.contains("[source.hdf5]"),
        "{nothing}"
    );
}

/// What a configuration's `[source]` would be.
fn from_toml(text: &str) -> OpenOptions {
    #[derive(serde::Deserialize)]
    struct Configuration {
        source: OpenOptions,
    }
    toml::from_str::<Configuration>(text).unwrap_or_else(|e| panic!("{e}\n{text}")).source
}

#[test]
fn what_is_suggested_opens() {
    for (datasets, kept) in [
        (
            json!({"x": {"scalar": "<i2", "shape": [1000], "names": ["r", "i"]}, "time": {"scalar": "<f8", "shape": [9]}}),
            1000,
        ),
        (json!({"x": {"scalar": "<i2", "shape": [500, 2]}}), 500),
        (
            json!({"x y/\"z\"": {"scalar": "<f4", "shape": [5, 7], "attributes": {"fs": 5e6}}, "a": {"scalar": "<f4", "shape": [3]}}),
            35,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some((path, _)) = written(&folder, &json!({"datasets": datasets})) else { return };
        let text = suggestion(&describe(&path).unwrap());
        assert_eq!(open(&path, &from_toml(&text)).unwrap().info().end_sample, kept, "{text}");
    }
}

#[test]
fn odd_files_are_told_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let spec = json!({
        "userblock": 1024,
        "datasets": {"good": {"scalar": "<i2", "shape": [100]}, "chunked": {"scalar": "<i2", "shape": [100], "chunks": [10]}},
        "more": r#"
file["text"] = "hello"
file.create_dataset("texts", data=["a", "b"], dtype=h5py.string_dtype())
file.create_dataset("lists", (3,), dtype=h5py.vlen_dtype(np.int32))
file.create_dataset("null", data=h5py.Empty("f4"))
file.create_dataset("none", shape=(0,), maxshape=(None,), dtype="<i2")
file.create_dataset("scalar", data=np.float32(1))
file.create_dataset("huge", shape=(2**40, 2**15), chunks=(1, 1024), dtype="<i2")
file.create_dataset("larger than memory's addresses", shape=(2**62,), chunks=(1024,), dtype="<f8")
file.create_dataset("never written", shape=(10,), dtype="<i2", fillvalue=7)
file.create_dataset("flags", data=np.array([True, False]))
file.create_dataset("record", data=np.zeros(3, dtype=[("t", "f8"), ("x", "i4"), ("y", "i4")]))
file.create_dataset("array", (3,), dtype=np.dtype(("<i2", (2,))))[...] = np.arange(6).reshape(3, 2)
file.create_dataset("half", data=np.zeros(3, dtype="<f2"))
file["loop"] = h5py.SoftLink("/loop")
file["away"] = h5py.ExternalLink("nowhere.h5", "/x")
file["soft"] = h5py.SoftLink("/good")
group = file.create_group("group")
group["up"] = file["/"]
group["again"] = group
for k in range(200):
    group = group.create_group("g")
group["deep"] = [1.0]
file["good"].attrs["strange"] = np.zeros(3, dtype=[("a", "i4")])
file["good"].attrs["empty"] = h5py.Empty("f4")
file["good"].attrs["long"] = np.arange(5000)
"#,
    });
    let Some((path, bytes)) = written(&folder, &spec) else { return };
    assert!(rangegate_recording::hdf5::looks_like(&path));
    assert_eq!(read(&path, &datasets(&["good"]), true).bytes, bytes("good"));
    assert_eq!(read(&path, &datasets(&["/good"]), true).bytes, bytes("good"));
    assert_eq!(read(&path, &datasets(&["soft"]), true).bytes, bytes("good"));
    // The library does not say where chunks lie behind a user block.
    assert_eq!(read(&path, &datasets(&["chunked"]), false).bytes, bytes("chunked"));
    assert_eq!(read(&path, &datasets(&["never written"]), false).bytes, [7, 0].repeat(10));
    for (name, words) in [
        ("text", "text cannot be samples"),
        ("texts", "text cannot be samples"),
        ("lists", "lists of i32 cannot be samples"),
        ("null", "at least one sample"),
        ("none", "of shape [0], expected at least one sample"),
        ("scalar", "at least one sample"),
        ("larger than memory's addresses", "memory's addresses"),
        ("flags", "bool cannot be samples"),
        ("record", "{t: f64, x: i32, y: i32} cannot be samples"),
        ("half", "cannot"),
        ("loop", "there is no dataset 'loop'"),
        ("away", "there is no dataset 'away'"),
        ("group", "there is no dataset 'group'"),
        ("nothing", "there is no dataset 'nothing'"),
        ("nothing*", "no dataset fits 'nothing*'"),
    ] {
        let text = error(&path, &datasets(&[name]));
        assert!(text.contains(words), "{name}: {text}");
    }
    assert_eq!(read(&path, &datasets(&["array"]), true).bytes, [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    let many = with(datasets(&["huge"]), |o| o.hdf5.axes = Some(Axes::ChannelSample));
    assert!(error(&path, &many).contains("at most 65536 channels"));
    let huge = with(datasets(&["huge"]), |o| o.hdf5.axes = Some(Axes::SampleChannel));
    let mut recording = open(&path, &huge).unwrap();
    let mut block = IqBlock::default();
    assert!(recording.read(123, usize::MAX, &mut block).unwrap());
    assert!(block.n_samples() <= 128, "one read is bounded, but gave {}", block.n_samples());
    let found = describe(&path).unwrap();
    assert_eq!(found.len(), 15, "{:?}", found.iter().map(|d| &d.path).collect::<Vec<_>>());
    let good = found.iter().find(|d| d.path == "good").unwrap();
    assert_eq!(
        good.attributes,
        [
            ("empty".to_owned(), "null".to_owned()),
            ("long".to_owned(), "(i64 of shape [5000])".to_owned()),
            ("strange".to_owned(), "({a: i32})".to_owned()),
        ]
    );
}

#[test]
fn what_is_no_hdf5_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.h5");
    std::fs::write(&path, "this is text ".repeat(1000)).unwrap();
    assert!(!rangegate_recording::hdf5::looks_like(&path));
    assert!(error(&path, &OpenOptions::default()).contains("not an HDF5 file"));
    assert!(!rangegate_recording::hdf5::looks_like(folder.path()));
    assert!(error(folder.path(), &OpenOptions::default()).contains("not an HDF5 file"));
    let missing = folder.path().join("missing.h5");
    assert!(!rangegate_recording::hdf5::looks_like(&missing));
    assert!(error(&missing, &OpenOptions::default()).contains("cannot open"));
}
