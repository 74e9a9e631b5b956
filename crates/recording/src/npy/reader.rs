//! A `.npy` file as a recording.

use super::element::Element;
use super::header::Header;
use super::{Axis, NpyOptions};
use crate::flat::{MAX_CHANNELS, MAX_READ_BYTES, Storage};
use crate::{Error, Kind, OpenOptions, Recording, RecordingInfo, Result};
use rangegate_core::{BlockHeader, IqBlock, Layout, SampleFormat, SampleRate, TimeAnchor};
use serde_json::json;
use std::path::Path;

/// Length of an axis and the distance of its elements in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    len: usize,
    stride: usize,
}

impl Extent {
    const ONE: Self = Self { len: 1, stride: 0 };
}

/// Where the samples of an array stand.
struct Shape {
    /// Slower ones first.
    pulses: Vec<Extent>,
    channels: Extent,
    samples: Extent,
    /// Where I and Q are numbers on their own.
    iq: Option<Extent>,
}

pub(super) struct NpyRecording {
    info: RecordingInfo,
    storage: Storage,
    data_byte: u64,
    element: Element,
    shape: Shape,
    n_pulses: u64,
    scratch: Vec<u8>,
    losses: Vec<String>,
}

impl NpyRecording {
    pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let header = Header::read(path)?;
        let wrong = |message: String| Error::new(path, message);
        let element = Element::new(&header.descr, options.npy.wrapped_int16).map_err(wrong)?;
        let storage = Storage::open(path, options.no_mmap)?;
        let n_left = check_size(&header, element, storage.len()).map_err(wrong)?;
        let shape = shape_of(&header, element, &options.npy, options.sample_format).map_err(wrong)?;
        let sample_rate = sample_rate(path, options)?;

        let n_pulses: u64 = shape.pulses.iter().map(|axis| axis.len as u64).product();
        // No overflow: the file has as many elements.
        let n_samples = n_pulses * shape.samples.len as u64;
        let format = element.format(element.complex || shape.iq.is_some());
        let anchor = options.start_time.map(|time| TimeAnchor { sample: 0, time });
        let losses = if n_left == 0 {
            Vec::new()
        } else {
            vec![format!("{}: {n_left} bytes behind the array were left out", path.display())]
        };
        let mut recording = Self {
            info: RecordingInfo {
                path: path.to_owned(),
                kind: Kind::Npy,
                sample_rate,
                sample_format: format,
                n_channels: shape.channels.len,
                first_sample: 0,
                end_sample: n_samples,
                n_samples: Some(n_samples),
                anchor,
                start_time: options.start_time,
                center_frequency_hz: options.center_frequency_hz,
                pulse_len: (!shape.pulses.is_empty() && n_samples > 0).then_some(shape.samples.len),
                mapped: false,
                annotations: Vec::new(),
                metadata: json!({ "shape": header.shape, "fortran_order": header.fortran_order }),
            },
            storage,
            data_byte: header.data_byte,
            element,
            shape,
            n_pulses,
            scratch: Vec::new(),
            losses,
        };
        recording.info.mapped = recording.storage.is_mapped() && recording.is_plain();
        Ok(recording)
    }

    /// Whether a sample's bytes in the file are those that are handed out.
    fn is_plain(&self) -> bool {
        let together = |iq: Extent| iq.stride == self.element.number_bytes();
        self.element.is_plain() && self.shape.iq.is_none_or(together)
    }

    /// Where a sample of channel 0 stands in the file.
    fn byte_of(&self, mut pulse: u64, sample: usize) -> u64 {
        let mut byte = self.data_byte + (sample * self.shape.samples.stride) as u64;
        for axis in self.shape.pulses.iter().rev() {
            byte += pulse % axis.len as u64 * axis.stride as u64;
            pulse /= axis.len as u64;
        }
        byte
    }

    /// Gathers `n` samples of all channels from the file into a block's own buffer.
    fn gather(&mut self, header: BlockHeader, byte: u64, n: usize, block: &mut IqBlock) -> Result<()> {
        let (format, Extent { len: n_channels, stride }) = (self.info.sample_format, self.shape.channels);
        let item = self.element.bytes();
        let parts = self.shape.iq.map_or(1, |iq| iq.len);
        let part_bytes = format.bytes() / parts;
        let out = block.fill(header, format, n_channels, n);
        for channel in 0..n_channels {
            for part in 0..parts {
                let apart = channel * stride + part * self.shape.iq.map_or(0, |iq| iq.stride);
                let at = byte + apart as u64;
                let span = (n - 1) * self.shape.samples.stride + item;
                let bytes = self.storage.bytes(&self.info.path, at, span, &mut self.scratch)?;
                let to = out.chunks_exact_mut(part_bytes).skip(channel * parts + part);
                for (index, to) in to.step_by(n_channels * parts).enumerate() {
                    let from = &bytes[index * self.shape.samples.stride..][..item];
                    self.element.convert(from, to).map_err(|value| {
                        let found = format!("{value} in sample {}", header.first_sample + index as u64);
                        let expected = "left out: that is no integer from -32768 to 65535";
                        Error::field(&self.info.path, "wrapped_int16", format!("set, with {found}"), expected)
                    })?;
                }
            }
        }
        Ok(())
    }
}

impl Recording for NpyRecording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        if at >= self.info.end_sample || max_samples == 0 {
            return Ok(false);
        }
        let pulse_len = self.shape.samples.len as u64;
        let (pulse, sample) = (at / pulse_len, (at % pulse_len) as usize);
        let header = BlockHeader {
            first_sample: at,
            anchor: self.info.anchor,
            after_gap: sample == 0 && pulse > 0,
            center_frequency_hz: self.info.center_frequency_hz,
        };
        debug_assert!(pulse < self.n_pulses, "pulse {pulse} of {}", self.n_pulses);
        let n = max_samples.min(self.shape.samples.len - sample);
        let byte = self.byte_of(pulse, sample);
        if let (Storage::Mapped(memory), true) = (&self.storage, self.info.mapped) {
            let layout = Layout {
                sample_stride: self.shape.samples.stride,
                channel_stride: self.shape.channels.stride,
            };
            let (format, n_channels) = (self.info.sample_format, self.info.n_channels);
            block.share(header, format, layout, n_channels, n, memory, byte as usize);
            return Ok(true);
        }
        let frame = self.info.sample_format.bytes() * self.info.n_channels;
        let at_most = (MAX_READ_BYTES / frame.max(self.shape.samples.stride)).max(1);
        self.gather(header, byte, n.min(at_most), block)?;
        Ok(true)
    }

    fn losses(&self) -> &[String] {
        &self.losses
    }
}

fn sample_rate(path: &Path, options: &OpenOptions) -> Result<SampleRate> {
    let hz = options.sample_rate_hz.ok_or_else(|| {
        let message = "a .npy file does not tell its sample rate: put sample_rate_hz under [source] of the \
                       configuration, or say --format npy@2.4e6";
        Error::new(path, message)
    })?;
    SampleRate::from_hz(hz).map_err(|error| Error::new(path, error.to_string()))
}

/// Sees that the file holds the array. Returns the number of bytes behind it.
fn check_size(header: &Header, element: Element, file_bytes: u64) -> Result<u64, String> {
    let shape = &header.shape;
    let array_bytes = shape.iter().try_fold(element.bytes(), |product, &len| product.checked_mul(len));
    // An axis of no length hides axes of any length.
    let bounded = shape.iter().try_fold(1_usize, |product, &len| product.checked_mul(len.max(1)));
    let array_bytes = array_bytes.filter(|_| bounded.is_some_and(|n| n < 1 << 59));
    let there = file_bytes.saturating_sub(header.data_byte);
    match array_bytes.map(|bytes| bytes as u64) {
        Some(bytes) if bytes <= there => Ok(there - bytes),
        _ => Err(format!(
            "is cut off, or its header is wrong: an array of shape {shape:?} with {} bytes an element is more than \
             the {there} bytes behind the header",
            element.bytes()
        )),
    }
}

/// What the axes are, and how far apart their elements stand.
fn shape_of(
    header: &Header,
    element: Element,
    options: &NpyOptions,
    wanted: Option<SampleFormat>,
) -> Result<Shape, String> {
    let axes: &[Axis] = match (options.axes.as_slice(), header.shape.len()) {
        ([], 0 | 1) => &[Axis::Sample],
        ([], 2) => &[Axis::Pulse, Axis::Sample],
        ([], 3) => &[Axis::Pulse, Axis::Channel, Axis::Sample],
        ([], _) => &[],
        (axes, _) => axes,
    };
    let count = |axis: Axis| axes.iter().filter(|&&a| a == axis).count();
    if axes.len() != header.shape.len()
        || count(Axis::Sample) != 1
        || count(Axis::Channel) > 1
        || count(Axis::Iq) > 1
    {
        return Err(format!(
            "field 'npy.axes' is {axes:?}, expected one of pulse, channel, sample, iq for each axis of an array of \
             shape {:?}: just one sample, at most one channel and one iq",
            header.shape
        ));
    }
    let mut shape = Shape { pulses: Vec::new(), channels: Extent::ONE, samples: Extent::ONE, iq: None };
    for (&axis, extent) in axes.iter().zip(extents(header, element)) {
        match axis {
            Axis::Pulse => shape.pulses.push(extent),
            Axis::Channel => shape.channels = extent,
            Axis::Sample => shape.samples = extent,
            Axis::Iq => shape.iq = Some(extent),
        }
    }
    if !(1..=MAX_CHANNELS).contains(&shape.channels.len) {
        return Err(format!("has {} channels, expected 1 to {MAX_CHANNELS}", shape.channels.len));
    }
    if let Some(iq) = shape.iq.filter(|iq| iq.len != 2 || element.complex) {
        let what = if element.complex { "complex" } else { "real" };
        return Err(format!("axis 'iq' is {} {what} numbers long, expected 2 real ones: I and Q", iq.len));
    }
    pair_up(&mut shape, element, wanted)?;
    Ok(shape)
}

/// Takes every two numbers of the sample axis for I and Q where the user says that they are.
fn pair_up(shape: &mut Shape, element: Element, wanted: Option<SampleFormat>) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    let stored = element.format(element.complex || shape.iq.is_some());
    if wanted.scalar != stored.scalar || (stored.complex && !wanted.complex) {
        return Err(format!("field 'sample_format' is {wanted}, expected {stored}, which the array holds"));
    }
    if wanted.complex && !stored.complex {
        let Extent { len, stride } = shape.samples;
        if !len.is_multiple_of(2) {
            return Err(format!(
                "field 'sample_format' is {wanted}, expected an even number of {stored}, not {len}"
            ));
        }
        shape.samples = Extent { len: len / 2, stride: 2 * stride };
        shape.iq = Some(Extent { len: 2, stride });
    }
    Ok(())
}

/// Lengths and distances of the axes, in C order or Fortran's. [`check_size`] has seen that they fit.
fn extents(header: &Header, element: Element) -> Vec<Extent> {
    let mut extents: Vec<_> = header.shape.iter().map(|&len| Extent { len, stride: 0 }).collect();
    let mut stride = element.bytes();
    let fill = |extent: &mut Extent| {
        extent.stride = stride;
        stride *= extent.len.max(1);
    };
    if header.fortran_order {
        extents.iter_mut().for_each(fill);
    } else {
        extents.iter_mut().rev().for_each(fill);
    }
    extents
}
