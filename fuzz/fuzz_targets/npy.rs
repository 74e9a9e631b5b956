//! A NumPy file with any header, read as any configuration says.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use rangegate_fuzz::{folder, pick, read_all};
use rangegate_recording::npy::{Axis, NpyOptions};
use rangegate_recording::{Kind, OpenOptions};

const TYPES: [&str; 14] = [
    "'<c16'",
    "'<c8'",
    "'|u1'",
    "'|i1'",
    "'>i2'",
    "'<u2'",
    "'<f2'",
    "'<f4'",
    "'>f8'",
    "'<i8'",
    "[('r', '<i2'), ('i', '<i2')]",
    "[('a', '|u1')]",
    "'|O'",
    "'<U3'",
];

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    /// Any text in place of a header that is well formed.
    text: Option<&'a str>,
    version: u8,
    /// Any length in place of the header's own.
    len: Option<u32>,
    kind: u8,
    fortran_order: bool,
    shape: Vec<u8>,
    /// One of the lengths.
    wild: Option<u64>,
    axes: Vec<u8>,
    wrapped_int16: bool,
    pairs: bool,
    no_mmap: bool,
    body: &'a [u8],
}

impl Input<'_> {
    fn file(&self) -> Vec<u8> {
        let mut shape: Vec<u64> = self.shape.iter().take(6).map(|&len| (len % 16).into()).collect();
        shape.extend(self.wild);
        let shape: String = shape.iter().map(|len| format!("{len}, ")).collect();
        let order = if self.fortran_order { "True" } else { "False" };
        let descr = pick(&TYPES, self.kind);
        let text = self.text.map_or_else(
            || format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': ({shape}), }}\n"),
            str::to_owned,
        );
        let len = self.len.unwrap_or(text.len() as u32).to_le_bytes();
        let len = if self.version == 1 { &len[..2] } else { &len[..] };
        [&b"\x93NUMPY"[..], &[self.version, 0], len, text.as_bytes(), self.body].concat()
    }

    fn options(&self) -> OpenOptions {
        let axis = |&n: &u8| pick(&[Axis::Pulse, Axis::Channel, Axis::Sample, Axis::Iq], n);
        let axes = self.axes.iter().take(8).map(axis).collect();
        OpenOptions {
            kind: Some(Kind::Npy),
            sample_rate_hz: Some(1e6),
            sample_format: self.pairs.then(|| "cs16".parse().expect("a format")),
            no_mmap: self.no_mmap,
            npy: NpyOptions { axes, wrapped_int16: self.wrapped_int16 },
            ..OpenOptions::default()
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let path = folder().join("a.npy");
    std::fs::write(&path, input.file()).expect("the file can be written");
    read_all(rangegate_recording::open(&path, &input.options()));
});
