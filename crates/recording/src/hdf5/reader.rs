//! A plain HDF5 file as a recording.

use super::describe::{dataset_paths, describe, suggestion};
use super::element::Element;
use super::library::{failed, open_file, open_for_reading};
use super::lookup::Lookup;
use super::pulses::{Apart, Pulses, Samples};
use super::samples::{Axis, SampleArray};
use super::select::matches;
use super::{Axes, Each, Hdf5Options};
use crate::{Error, Kind, OpenOptions, Recording, RecordingInfo, Result};
use hdf5::{Dataset, File};
use rangegate_core::{BlockHeader, IqBlock, SampleFormat, SampleRate, TimeAnchor};
use std::path::Path;

pub(crate) struct Hdf5Recording {
    info: RecordingInfo,
    pulses: Pulses,
    /// Each stretch begins a run.
    pulsed: bool,
    /// Absolute index of the first sample.
    first_sample: u64,
}

impl Hdf5Recording {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let file = open_file(path)?;
        let wanted = &options.hdf5;
        let names = select(path, &file, wanted)?;
        drop(file);
        let all = names.iter().flat_map(|(name, q_name)| [Some(name.as_str()), q_name.as_deref()]);
        let file = open_for_reading(path, all.flatten())?;
        let lookup = Lookup::new(path, &file, &names[0].0);
        let sample_rate = sample_rate(path, options, &lookup)?;
        let mut datasets = Vec::with_capacity(names.len());
        for (name, q_name) in &names {
            let axes = wanted.axes.or_else(|| lookup.axes());
            datasets.push(open_samples(path, &file, name, q_name.as_deref(), axes, options)?);
        }
        same_kind(path, &names, &datasets)?;
        let one_axis = datasets.iter().all(|d| d.first().n_pulses() == 1 && d.first().n_channels() == 1);
        let has_pulses = wanted.axes.or_else(|| lookup.axes()) == Some(Axes::PulseSample);
        let each =
            wanted.each.unwrap_or(if datasets.len() > 1 && one_axis { Each::Pulse } else { Each::Append });
        let pulsed = has_pulses || each == Each::Pulse;
        let pulse_len = if pulsed { Some(common_length(path, &names, &datasets)?) } else { None };
        if let (false, Some(pri_s)) = (pulsed, wanted.pri_s) {
            return Err(Error::field(path, "pri_s", pri_s, "left out, because the datasets hold no pulses"));
        }
        let pulses = Pulses::new(path, datasets, wanted.pri_s, sample_rate)?;
        let Some(first) = pulses.datasets().next() else {
            return Err(Error::new(path, "no dataset to read"));
        };
        let start_time = match options.start_time {
            Some(time) => Some(time),
            None => lookup.start_time(wanted.start_time_attribute.as_deref())?,
        };
        let center_frequency_hz = match options.center_frequency_hz {
            Some(hz) => Some(hz),
            None => lookup.center_frequency_hz(wanted.center_frequency_attribute.as_deref())?,
        };
        let first_sample = lookup.first_sample().unwrap_or(0);
        let end_sample = first_sample.checked_add(pulses.end()).ok_or_else(|| {
            Error::field(path, "first_sample", first_sample, "an index that the samples do not run out of")
        })?;
        let info = RecordingInfo {
            path: path.to_owned(),
            kind: Kind::Hdf5,
            sample_rate,
            sample_format: first.format(),
            n_channels: first.first().n_channels(),
            first_sample,
            end_sample,
            n_samples: Some(pulses.n_samples()),
            anchor: start_time.map(|time| TimeAnchor { sample: first_sample, time }),
            start_time,
            center_frequency_hz,
            pulse_len,
            mapped: pulses.datasets().all(Samples::is_mapped),
            annotations: Vec::new(),
            metadata: lookup.metadata(),
        };
        Ok(Self { info, pulses, pulsed, first_sample })
    }
}

impl Recording for Hdf5Recording {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, at: u64, max_samples: usize, block: &mut IqBlock) -> Result<bool> {
        let at = at.saturating_sub(self.first_sample);
        let Some(stretch) = self.pulses.find(at).filter(|_| max_samples > 0) else { return Ok(false) };
        let offset = at.saturating_sub(stretch.start);
        let header = BlockHeader {
            first_sample: self.first_sample + stretch.start + offset,
            anchor: self.info.anchor,
            after_gap: self.pulsed && offset == 0 && stretch.number > 0,
            center_frequency_hz: self.info.center_frequency_hz,
        };
        self.pulses.read(stretch, offset, max_samples, header, block)?;
        Ok(true)
    }
}

/// The datasets to read in order, each with that of Q where I and Q are apart.
fn select(path: &Path, file: &File, wanted: &Hdf5Options) -> Result<Vec<(String, Option<String>)>> {
    match (&wanted.i_dataset, &wanted.q_dataset) {
        (None, None) if wanted.datasets.is_empty() => Ok(vec![(only_fitting(path, file)?, None)]),
        (None, None) => {
            Ok(fitting(path, file, &wanted.datasets)?.into_iter().map(|name| (name, None)).collect())
        }
        (Some(i), Some(q)) if wanted.datasets.is_empty() => {
            let i = fitting(path, file, std::slice::from_ref(i))?;
            let q = fitting(path, file, std::slice::from_ref(q))?;
            if i.len() != q.len() {
                let message = format!(
                    "i_dataset fits {} datasets and q_dataset {}, expected equal numbers",
                    i.len(),
                    q.len()
                );
                return Err(Error::new(path, message));
            }
            Ok(i.into_iter().zip(q.into_iter().map(Some)).collect())
        }
        _ => Err(Error::new(path, "expected either 'datasets', or both 'i_dataset' and 'q_dataset'")),
    }
}

/// The datasets that fit patterns: for each pattern in turn, in the order of their names.
fn fitting(path: &Path, file: &File, patterns: &[String]) -> Result<Vec<String>> {
    let mut all: Option<Vec<String>> = None;
    let mut names = Vec::new();
    for pattern in patterns {
        if !pattern.contains('*') {
            names.push(pattern.clone());
            continue;
        }
        let all = match &all {
            Some(all) => all,
            None => all.insert(dataset_paths(path, file)?),
        };
        let before = names.len();
        names.extend(all.iter().filter(|name| matches(pattern, name)).cloned());
        if names.len() == before {
            let message = format!("no dataset fits '{pattern}'; datasets found: {}", some_of(all));
            return Err(Error::new(path, message));
        }
    }
    Ok(names)
}

fn some_of(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        1..=10 => names.join(", "),
        n => format!("{}, … ({n} in all)", names[..10].join(", ")),
    }
}

/// The one dataset that can be samples, or the only complex one of several.
fn only_fitting(path: &Path, file: &File) -> Result<String> {
    let all = dataset_paths(path, file)?;
    let element = |name: &String| {
        let dataset = file.dataset(name).ok()?;
        let fits = (1..=3).contains(&dataset.ndim()) && dataset.size_is_not_zero();
        Element::of(&dataset.dtype().ok()?).ok().filter(|_| fits)
    };
    let fits: Vec<_> = all.iter().filter_map(|name| Some((name, element(name)?.format.complex))).collect();
    let complex: Vec<_> = fits.iter().filter(|(_, complex)| *complex).collect();
    match (fits.as_slice(), complex.as_slice()) {
        ([(name, _)], _) | (_, [(name, _)]) => Ok((*name).clone()),
        ([], _) => {
            let message =
                format!("no dataset holds numbers that could be samples; datasets found: {}", some_of(&all));
            Err(Error::new(path, message))
        }
        _ => {
            let names: Vec<_> = fits.iter().map(|(name, _)| (*name).clone()).collect();
            let message = format!(
                "{} datasets could be samples: {}. Say which in the configuration, for example:\n{}",
                names.len(),
                some_of(&names),
                suggestion(&describe(path)?)
            );
            Err(Error::new(path, message))
        }
    }
}

trait SizeIsNotZero {
    fn size_is_not_zero(&self) -> bool;
}

impl SizeIsNotZero for Dataset {
    fn size_is_not_zero(&self) -> bool {
        !self.shape().contains(&0)
    }
}

fn sample_rate(path: &Path, options: &OpenOptions, lookup: &Lookup<'_>) -> Result<SampleRate> {
    let hz = match options.sample_rate_hz {
        Some(hz) => Some(hz),
        None => lookup.sample_rate_hz(options.hdf5.sample_rate_attribute.as_deref())?,
    };
    let exact = lookup.exact_sample_rate();
    if let Some(exact) = exact.filter(|exact| hz.is_none_or(|hz| (exact.hz() / hz - 1.0).abs() < 1e-12)) {
        return Ok(exact);
    }
    let Some(hz) = hz else {
        let message = format!(
            "the sample rate is not known: put sample_rate_hz under [source] of the configuration, or \
             sample_rate_attribute under [source.hdf5] with the name of an attribute; attributes found: {}",
            lookup.names()
        );
        return Err(Error::new(path, message));
    };
    SampleRate::from_hz(hz).map_err(|e| Error::new(path, e.to_string()))
}

fn open_samples(
    path: &Path,
    file: &File,
    name: &str,
    q_name: Option<&str>,
    axes: Option<Axes>,
    options: &OpenOptions,
) -> Result<Samples> {
    let open = |name: &str, format: Option<SampleFormat>| {
        let dataset = file.dataset(name).map_err(|e| {
            let message = format!("there is no dataset '{name}' that can be opened ({e})");
            Error::new(path, message)
        })?;
        open_array(path, name, dataset, format, axes, options)
    };
    let Some(q_name) = q_name else { return Ok(Samples::One(open(name, options.sample_format)?)) };
    let (i, q) = (open(name, None)?, open(q_name, None)?);
    let shape = |a: &SampleArray| (a.n_pulses(), a.n_samples(), a.n_channels(), a.format());
    if shape(&i) != shape(&q) || i.format().complex {
        let expected = format!("real and of the same type and shape as '{name}'");
        return Err(Error::field(path, q_name, format!("{} {:?}", q.format(), shape(&q)), expected));
    }
    Ok(Samples::Apart(Box::new(Apart { i, q, blocks: <[IqBlock; 2]>::default() })))
}

fn open_array(
    path: &Path,
    name: &str,
    dataset: Dataset,
    format: Option<SampleFormat>,
    axes: Option<Axes>,
    options: &OpenOptions,
) -> Result<SampleArray> {
    let shape = dataset.space().map_err(|e| failed(path, "read the shape of a dataset", &e))?.shape();
    let datatype = dataset.dtype().map_err(|e| failed(path, "read the type of a dataset", &e))?;
    let element = Element::of(&datatype).map_err(|e| Error::new(path, format!("dataset '{name}': {e}")))?;
    if shape.is_empty() || shape.contains(&0) {
        return Err(Error::field(path, name, format!("of shape {shape:?}"), "at least one sample"));
    }
    let stored = element.format;
    let interleaved = match format {
        Some(wanted) if wanted.scalar != stored.scalar || (stored.complex && !wanted.complex) => {
            return Err(Error::field(
                path,
                "sample_format",
                wanted,
                format!("{stored}, which dataset '{name}' holds"),
            ));
        }
        Some(wanted) => wanted.complex && !stored.complex,
        None => false,
    };
    let axes = axes_of(path, name, &shape, axes, interleaved)?;
    let pairs = interleaved && !axes.contains(&Axis::Iq);
    SampleArray::new(path, dataset, &axes, pairs, !options.no_mmap)
}

/// What the axes of a dataset are. Where I and Q are interleaved and there is an axis more, two long, it is theirs;
/// where not, every two numbers of the last axis are a sample.
fn axes_of(
    path: &Path,
    name: &str,
    shape: &[usize],
    axes: Option<Axes>,
    interleaved: bool,
) -> Result<Vec<Axis>> {
    let roles: &[Axis] = match (axes, shape) {
        (Some(Axes::PulseSample), _) => &[Axis::Pulse, Axis::Sample],
        (Some(Axes::ChannelSample), _) => &[Axis::Channel, Axis::Sample],
        (Some(Axes::SampleChannel), _) => &[Axis::Sample, Axis::Channel],
        (None, [_]) => &[Axis::Sample],
        (None, [_, 2]) if interleaved => &[Axis::Sample],
        (None, [_, 1]) => &[Axis::Sample, Axis::Channel],
        (None, [1, _]) => &[Axis::Channel, Axis::Sample],
        (None, [_, _] | [_, _, 2]) => {
            let expected =
                "axes = \"pulse_sample\", \"channel_sample\" or \"sample_channel\" in the configuration";
            return Err(Error::field(path, name, format!("of shape {shape:?}"), expected));
        }
        (None, _) => &[],
    };
    let mut axes = roles.to_vec();
    if interleaved && shape.len() == roles.len() + 1 && shape.ends_with(&[2]) {
        axes.push(Axis::Iq);
    }
    let pairs_fit = !interleaved
        || axes.ends_with(&[Axis::Iq])
        || (axes.ends_with(&[Axis::Sample]) && shape.last().is_some_and(|n| n % 2 == 0));
    if axes.len() == shape.len() && pairs_fit {
        return Ok(axes);
    }
    let expected = match (roles.len(), interleaved) {
        (0, _) => "one axis or two".to_owned(),
        (n, true) => {
            format!("{n} axes, the last of even length for I and Q in turn, or an axis more of length 2")
        }
        (n, false) => format!("{n} axes"),
    };
    Err(Error::field(path, name, format!("of shape {shape:?}"), expected))
}

/// Datasets that follow one another must hold the same kind of samples.
fn same_kind(path: &Path, names: &[(String, Option<String>)], datasets: &[Samples]) -> Result<()> {
    let kind = |d: &Samples| (d.format(), d.first().n_channels());
    for ((name, _), dataset) in names.iter().zip(datasets) {
        let (found, expected) = (kind(dataset), kind(&datasets[0]));
        if found != expected {
            let words = |(format, n): (SampleFormat, usize)| format!("{format} in {n} channel(s)");
            let expected = format!("{}, as '{}' is", words(expected), names[0].0);
            return Err(Error::field(path, name, words(found), expected));
        }
    }
    Ok(())
}

/// Samples of a pulse, which must be equally many in all datasets.
fn common_length(path: &Path, names: &[(String, Option<String>)], datasets: &[Samples]) -> Result<usize> {
    let expected = datasets[0].first().n_samples();
    for ((name, _), dataset) in names.iter().zip(datasets) {
        let found = dataset.first().n_samples();
        if found != expected {
            let expected = format!("{expected}, as in '{}'; or each = \"append\"", names[0].0);
            return Err(Error::field(path, name, format!("{found} samples long"), expected));
        }
    }
    Ok(expected)
}
