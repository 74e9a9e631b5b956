//! What is written is read, and damage is an error.

use crate::{Column, Field, Kind, Reader, Writer};
use std::path::Path;

const FIELDS: &[Field] = &[
    Field { name: "time", kind: Kind::Time },
    Field { name: "number", kind: Kind::Int },
    Field { name: "sample", kind: Kind::Count },
    Field { name: "snr_db", kind: Kind::Real },
    Field { name: "after_gap", kind: Kind::Flag },
    Field { name: "template", kind: Kind::Text },
];

fn group(first: i64, n: i64) -> Vec<Column> {
    let rows = || first..first + n;
    let some = |at: i64| at % 7 != 3;
    vec![
        Column::Int(rows().map(|at| some(at).then_some(1_790_000_000_000_000_000 + at * 1_000)).collect()),
        Column::Int(rows().map(|at| Some(at - 50)).collect()),
        Column::Int(rows().map(|at| Some(u64::MAX.wrapping_sub(at as u64) as i64)).collect()),
        Column::Real(rows().map(|at| some(at).then_some(at as f64 * 0.1)).collect()),
        Column::Flag(rows().map(|at| Some(at % 3 == 0)).collect()),
        Column::Text(rows().map(|at| Some(if at % 5 == 0 { "chirp".into() } else { "Δ".into() })).collect()),
    ]
}

fn part(column: &Column, from: usize, to: usize) -> Column {
    match column {
        Column::Int(values) => Column::Int(values[from..to].to_vec()),
        Column::Real(values) => Column::Real(values[from..to].to_vec()),
        Column::Flag(values) => Column::Flag(values[from..to].to_vec()),
        Column::Text(values) => Column::Text(values[from..to].to_vec()),
    }
}

fn write(path: &Path, groups: &[Vec<Column>]) {
    let mut writer = Writer::create(path, FIELDS, &[("station", "A".to_owned())]).unwrap();
    for group in groups {
        writer.write(group).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), groups.iter().map(|group| group[0].len() as u64).sum::<u64>());
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let groups = [group(0, 1000), group(1000, 1), group(1001, 70_000)];
    write(&path, &groups);
    let reader = Reader::open(&path, FIELDS).unwrap();
    assert_eq!((reader.n_groups(), reader.n_rows()), (3, 71_001));
    for (at, expected) in groups.iter().enumerate() {
        assert_eq!(&reader.read(at).unwrap(), expected);
    }
    // From anywhere, bit by bit, as all at once; also across pages.
    for (at, first, step) in [(2, 0, 30_000), (2, 20_001, 9_999), (2, 69_999, 7), (0, 1000, 1), (0, 5_000, 1)]
    {
        let mut rows = reader.rows(at, first).unwrap();
        let whole = &groups[at];
        let mut from = first.min(whole[0].len());
        loop {
            let columns = rows.read(step).unwrap();
            let to = (from + step).min(whole[0].len());
            assert_eq!(columns, whole.iter().map(|column| part(column, from, to)).collect::<Vec<_>>());
            if from == to {
                break;
            }
            from = to;
        }
    }
    for (at, column) in groups[2].iter().enumerate() {
        assert_eq!(&reader.read_column(2, at).unwrap(), column);
    }
    assert_eq!(reader.bounds(0, 1), Some((-50, 949)));
    assert_eq!(reader.bounds(0, 3), None);
    assert!(Writer::create(&path, FIELDS, &[]).is_err(), "a file that is there stays as it is");
}

#[test]
fn another_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &[group(0, 10)]);
    let message = |fields: &[Field]| Reader::open(&path, fields).err().expect("an error").to_string();
    assert!(message(&FIELDS[1..]).contains("expected [\"number\""), "{}", message(&FIELDS[1..]));
    let mut other = FIELDS.to_vec();
    other[3].kind = Kind::Text;
    assert!(message(&other).contains("has the columns"));
    std::fs::write(&path, "no Parquet").unwrap();
    assert!(message(FIELDS).contains("no Parquet file"));
}

/// Every byte turned over in its turn, and every length: an error or other values, never a panic.
#[test]
fn damage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &[group(0, 50)]);
    let whole = std::fs::read(&path).unwrap();
    // The library's panics are caught; their words are not for the test's output.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let reader = Reader::open(&path, FIELDS)?;
        (0..reader.n_groups())
            .map(|at| {
                reader.rows(at, 30)?.read(10)?;
                reader.read(at)
            })
            .collect::<Result<Vec<_>, _>>()
    };
    let mut n_errors = 0;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        n_errors += usize::from(read(&damaged).is_err());
        assert!(read(&whole[..at]).is_err(), "cut to {at} bytes");
    }
    std::panic::set_hook(hook);
    assert!(n_errors > whole.len() / 4, "{n_errors} of {} were noticed", whole.len());
}
