//! A dataset as an array of samples: mapped where its bytes allow it, else read through the library.

use super::element::Element;
use super::library::{failed, signature_offset};
use crate::mmap::Mapping;
use crate::{Error, Result};
use hdf5::dataset::Layout as Storage;
use hdf5::{Dataset, Hyperslab, Selection, SliceOrIndex};
use rangegate_core::{BlockHeader, ByteSource, IqBlock, Layout, SampleFormat};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an axis of a dataset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Pulse,
    Channel,
    Sample,
    /// I and Q of an interleaved sample: two elements.
    Iq,
}

/// More channels are taken for a mistake about the axes, or for damage.
pub(crate) const MAX_CHANNELS: usize = 65_536;
/// Largest number of bytes that one read takes through the library.
const MAX_READ_BYTES: usize = 8 << 20;
/// More chunks than this are not looked up one by one: the library's cost grows with their square.
const MAX_MAPPED_CHUNKS: usize = 1024;

/// A dataset `[n_pulses × n_samples × n_channels]`, its axes in any order.
pub(crate) struct SampleArray {
    path: PathBuf,
    dataset: Dataset,
    element: Element,
    axes: Vec<Axis>,
    shape: Vec<usize>,
    /// Elements of the sample axis that make one sample: 2 where I and Q take turns along it.
    per_sample: usize,
    /// Samples that are stored together along the sample axis, where that is the first one.
    chunk_samples: Option<usize>,
    mapped: Option<Mapped>,
    scratch: Vec<u8>,
}

struct Mapped {
    memory: Arc<dyn ByteSource>,
    /// Bytes from one index to the next, for each axis.
    strides: Vec<usize>,
    /// Which indices of the first axis stand where, in order and without hole.
    pieces: Vec<Piece>,
}

struct Piece {
    rows: Range<usize>,
    start: usize,
}

impl SampleArray {
    /// Takes a dataset whose axes mean what `axes` says. `pairs` says that I and Q take turns along the sample
    /// axis, which then is the last one; `map`, whether mapping may be tried.
    ///
    /// # Errors
    /// The type cannot be samples, or the axes do not fit the dataset.
    pub(crate) fn new(path: &Path, dataset: Dataset, axes: &[Axis], pairs: bool, map: bool) -> Result<Self> {
        let name = dataset.name();
        let datatype = dataset.dtype().map_err(|e| failed(path, "read the type of a dataset", &e))?;
        let element =
            Element::of(&datatype).map_err(|e| Error::new(path, format!("dataset '{name}': {e}")))?;
        let shape = dataset.shape();
        let bytes = shape.iter().try_fold(element.stride, |product, &n| product.checked_mul(n));
        if shape.len() != axes.len() || bytes.is_none_or(|n| n > isize::MAX as usize) {
            let expected = format!("{} axes of a size that fits into memory's addresses", axes.len());
            return Err(Error::field(path, &name, format!("of shape {shape:?}"), expected));
        }
        let chunk = if dataset.layout() == Storage::Chunked { dataset.chunk() } else { None };
        let per_sample = if pairs { 2 } else { 1 };
        let along =
            chunk.and_then(|c| c.first().copied()).filter(|n| axes[0] == Axis::Sample && n % per_sample == 0);
        let chunk_samples = along.map(|n| n / per_sample);
        let mut array = Self {
            path: path.to_owned(),
            dataset,
            element,
            axes: axes.to_vec(),
            shape,
            per_sample,
            chunk_samples,
            mapped: None,
            scratch: Vec::new(),
        };
        if array.n_channels() > MAX_CHANNELS {
            let expected = format!("at most {MAX_CHANNELS} channels");
            return Err(Error::field(path, &name, format!("of shape {:?}", array.shape), expected));
        }
        if map && element.plain && bytes != Some(0) {
            array.map()?;
        }
        Ok(array)
    }

    fn extent(&self, axis: Axis) -> usize {
        self.axes.iter().position(|&a| a == axis).map_or(1, |at| self.shape[at])
    }

    pub(crate) fn n_pulses(&self) -> usize {
        self.extent(Axis::Pulse)
    }

    pub(crate) fn n_samples(&self) -> usize {
        self.extent(Axis::Sample) / self.per_sample
    }

    pub(crate) fn n_channels(&self) -> usize {
        self.extent(Axis::Channel)
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }

    /// How a sample of one channel is stored.
    pub(crate) fn format(&self) -> SampleFormat {
        let complex = self.element.format.complex || self.per_sample == 2 || self.axes.contains(&Axis::Iq);
        SampleFormat { complex, ..self.element.format }
    }

    /// Number of samples from `sample` on that one [`SampleArray::read`] gives.
    pub(crate) fn run(&self, sample: usize, max_samples: usize) -> usize {
        let n = max_samples.min(self.n_samples().saturating_sub(sample));
        let first_axis = self.axes[0] == Axis::Sample;
        match &self.mapped {
            _ if n == 0 => 0,
            Some(mapped) if first_axis => {
                let row = sample * self.per_sample;
                n.min((mapped.piece(row).rows.end - row) / self.per_sample)
            }
            Some(_) => n,
            None => {
                let n = n.min((MAX_READ_BYTES / (self.format().bytes() * self.n_channels())).max(1));
                // Up to the end of a chunk, so that damage to one costs no other.
                match self.chunk_samples {
                    Some(chunk) if chunk >= 1024 => n.min(chunk - sample % chunk),
                    _ => n,
                }
            }
        }
    }

    /// Puts samples of one pulse, from `sample` on and as many as [`SampleArray::run`] says, into `block`.
    ///
    /// # Errors
    /// The library cannot read them.
    pub(crate) fn read(
        &mut self,
        pulse: usize,
        sample: usize,
        max_samples: usize,
        header: BlockHeader,
        block: &mut IqBlock,
    ) -> Result<()> {
        let n = self.run(sample, max_samples);
        match &self.mapped {
            Some(mapped) => {
                let (start, layout) = mapped.locate(
                    &self.axes,
                    pulse,
                    sample * self.per_sample,
                    self.format(),
                    self.per_sample,
                );
                block.share(header, self.format(), layout, self.n_channels(), n, &mapped.memory, start);
                Ok(())
            }
            None => self.read_through_library(pulse, sample..sample + n, header, block),
        }
    }

    fn read_through_library(
        &mut self,
        pulse: usize,
        samples: Range<usize>,
        header: BlockHeader,
        block: &mut IqBlock,
    ) -> Result<()> {
        let (format, n_channels) = (self.format(), self.n_channels());
        let out = block.fill(header, format, n_channels, samples.len());
        let place = |axes: &[Axis], channel: Option<usize>| -> Selection {
            let slices = axes.iter().map(|axis| match axis {
                Axis::Pulse => SliceOrIndex::Index(pulse),
                Axis::Channel => channel.map_or((0..n_channels).into(), SliceOrIndex::Index),
                Axis::Sample => (samples.start * self.per_sample..samples.end * self.per_sample).into(),
                Axis::Iq => (0..2).into(),
            });
            Selection::from(Hyperslab::from(slices.collect::<Vec<_>>()))
        };
        let result = if self.axes.ends_with(&[Axis::Sample, Axis::Channel]) {
            self.element.read(&self.dataset, place(&self.axes, None), 2, out)
        } else {
            let n_axes = 1 + usize::from(self.axes.contains(&Axis::Iq));
            let one_channel = |channel: usize, out: &mut [u8]| {
                self.element.read(&self.dataset, place(&self.axes, Some(channel)), n_axes, out)
            };
            if n_channels == 1 {
                one_channel(0, out)
            } else {
                self.scratch.resize(format.bytes() * samples.len(), 0);
                (0..n_channels).try_for_each(|channel| {
                    one_channel(channel, &mut self.scratch)?;
                    let of_channel = out.chunks_exact_mut(format.bytes()).skip(channel).step_by(n_channels);
                    for (to, from) in of_channel.zip(self.scratch.chunks_exact(format.bytes())) {
                        to.copy_from_slice(from);
                    }
                    Ok(())
                })
            }
        };
        result.map_err(|e| {
            let what = format!("read samples {samples:?} of dataset '{}'", self.dataset.name());
            failed(&self.path, &what, &e)
        })
    }

    /// Maps the dataset where all of it lies open in the file; leaves it unmapped where not.
    fn map(&mut self) -> Result<()> {
        let row_bytes: usize = self.element.stride * self.shape[1..].iter().product::<usize>();
        let Some(pieces) = self.pieces(row_bytes)? else { return Ok(()) };
        let Some(memory) = Mapping::open(&self.path)? else { return Ok(()) };
        let size = memory.bytes().len();
        let inside = |p: &Piece| {
            p.rows
                .len()
                .checked_mul(row_bytes)
                .and_then(|n| n.checked_add(p.start))
                .is_some_and(|end| end <= size)
        };
        if !pieces.iter().all(inside) {
            let name = self.dataset.name();
            let message = format!("dataset '{name}' reaches past the end of the file: the file is cut off");
            return Err(Error::new(&self.path, message));
        }
        let mut strides = vec![self.element.stride; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        self.mapped = Some(Mapped { memory, strides, pieces });
        if !self.mapped_as_the_library_reads()? {
            self.mapped = None;
        }
        Ok(())
    }

    /// The pieces of the file that hold the dataset as it is, or `None` where there are no such pieces.
    fn pieces(&self, row_bytes: usize) -> Result<Option<Vec<Piece>>> {
        let n_rows = self.shape[0];
        match self.dataset.layout() {
            Storage::Contiguous => {
                let start = self.dataset.offset().and_then(|at| usize::try_from(at).ok());
                Ok(start.map(|start| vec![Piece { rows: 0..n_rows, start }]))
            }
            Storage::Chunked => {
                // The library tells chunk addresses without the user block.
                let at = signature_offset(&self.path).map_err(|e| Error::io(&self.path, "read", e))?;
                Ok(if at == Some(0) { self.chunk_pieces(row_bytes) } else { None })
            }
            _ => Ok(None),
        }
    }

    /// Chunks that no filter has touched and that span all axes but the first.
    fn chunk_pieces(&self, row_bytes: usize) -> Option<Vec<Piece>> {
        let chunk = self.dataset.chunk()?;
        let whole_rows = chunk.get(1..) == self.shape.get(1..);
        let whole_samples = self.axes[0] != Axis::Sample || chunk[0] % self.per_sample == 0;
        if !whole_rows || !whole_samples || chunk[0] == 0 || !self.dataset.filters().is_empty() {
            return None;
        }
        // Samples in channel-major order need all channels in one piece.
        if self.axes[0] == Axis::Channel && chunk[0] < self.shape[0] {
            return None;
        }
        let n_chunks = self.shape[0].div_ceil(chunk[0]);
        if n_chunks > MAX_MAPPED_CHUNKS || self.dataset.num_chunks() != Some(n_chunks) {
            return None;
        }
        let mut pieces = Vec::with_capacity(n_chunks);
        for index in 0..n_chunks {
            let info = self.dataset.chunk_info(index)?;
            let first = usize::try_from(*info.offset.first()?).ok()?;
            let start = usize::try_from(info.addr).ok()?;
            if info.size != (chunk[0] * row_bytes) as u64 {
                return None;
            }
            pieces.push(Piece { rows: first..(first + chunk[0]).min(self.shape[0]), start });
        }
        pieces.sort_by_key(|p| p.rows.start);
        let follow = pieces.windows(2).all(|pair| pair[0].rows.end == pair[1].rows.start);
        (follow && pieces[0].rows.start == 0).then_some(pieces)
    }

    /// Whether the first samples are the same mapped as read through the library: types of odd precision and
    /// addresses that mean something else than expected are caught here.
    fn mapped_as_the_library_reads(&mut self) -> Result<bool> {
        let n = self.run(0, 8);
        let (mut mapped, mut read) = (IqBlock::default(), IqBlock::default());
        self.read(0, 0, n, BlockHeader::default(), &mut mapped)?;
        self.read_through_library(0, 0..n, BlockHeader::default(), &mut read)?;
        let mut bytes = Vec::new();
        interleave(&mapped, 0..n, self.format(), &mut bytes);
        Ok(bytes == read.bytes())
    }
}

impl Mapped {
    fn piece(&self, row: usize) -> &Piece {
        let after = self.pieces.partition_point(|p| p.rows.start <= row);
        &self.pieces[after - 1]
    }

    /// Byte of a sample of channel 0, and how the samples after it and its channels lie.
    fn locate(
        &self,
        axes: &[Axis],
        pulse: usize,
        row: usize,
        format: SampleFormat,
        per_sample: usize,
    ) -> (usize, Layout) {
        let index = |axis: Axis| match axis {
            Axis::Pulse => pulse,
            Axis::Sample => row,
            Axis::Channel | Axis::Iq => 0,
        };
        let stride = |axis: Axis| axes.iter().position(|&a| a == axis).map(|at| self.strides[at]);
        let first = index(axes[0]);
        let piece = self.piece(first);
        let mut start = piece.start + (first - piece.rows.start) * self.strides[0];
        for (&axis, stride) in axes.iter().zip(&self.strides).skip(1) {
            start += index(axis) * stride;
        }
        let layout = Layout {
            sample_stride: stride(Axis::Sample).map_or(format.bytes(), |bytes| bytes * per_sample),
            channel_stride: stride(Axis::Channel).unwrap_or(format.bytes()),
        };
        (start, layout)
    }
}

/// Appends samples of a block to `out`, channels side by side, with the byte order of `to`.
pub(crate) fn interleave(block: &IqBlock, samples: Range<usize>, to: SampleFormat, out: &mut Vec<u8>) {
    let (format, layout, n_channels) = (block.format(), block.layout(), block.n_channels());
    let (bytes, size) = (block.bytes(), format.bytes());
    let begin = out.len();
    if layout == Layout::interleaved(format, n_channels) {
        out.extend_from_slice(&bytes[samples.start * size * n_channels..samples.end * size * n_channels]);
    } else {
        for sample in samples {
            for channel in 0..n_channels {
                let at = sample * layout.sample_stride + channel * layout.channel_stride;
                out.extend_from_slice(&bytes[at..at + size]);
            }
        }
    }
    if format.order != to.order {
        out[begin..].chunks_exact_mut(format.scalar.size()).for_each(<[u8]>::reverse);
    }
}
