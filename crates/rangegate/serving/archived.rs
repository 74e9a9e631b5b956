//! An archive as the server asks for it. Each question opens it anew: others may write meanwhile.

use super::places::place_of_track;
use anyhow::Result;
use rangegate_archive::row::time_from_ns;
use rangegate_archive::{DetectionRow, Filter, Kind, Overview, Reader, TrackRow};
use rangegate_core::Timestamp;
use rangegate_sinks::detection_log::Line;
use rangegate_tracking::TrackingConfig;
use rangegate_web::{About, Backend, Command, Mode, Query, Refusal, Replay, Rows, Status, Stretch, Timeline};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An archive that is looked at.
pub struct Archived {
    folder: PathBuf,
    /// What there is, and when it was counted: of many rows that takes a while.
    counted: Mutex<Option<(Instant, Vec<Overview>)>>,
}

/// Detections whose times are read for a time line that is finer than minutes; of more, minutes must do.
const FINE_DETECTIONS: i64 = 400_000;
/// How long a count is good.
const COUNT_LIFE: Duration = Duration::from_secs(30);

impl Archived {
    /// An archive in a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Self> {
        Reader::open(folder)?;
        Ok(Self { folder: folder.to_owned(), counted: Mutex::default() })
    }

    fn reader(&self) -> Result<Reader, Refusal> {
        Reader::open(&self.folder).map_err(failed)
    }

    /// What there is, of all stations; nothing where it cannot be read, which questions then tell.
    fn overview(&self) -> Vec<Overview> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, overview)) = counted.as_ref().filter(|(at, _)| at.elapsed() < COUNT_LIFE) {
            return overview.clone();
        }
        let overview = self.reader().and_then(|reader| reader.overview().map_err(failed)).unwrap_or_default();
        *counted = Some((Instant::now(), overview.clone()));
        overview
    }

    /// Begin of the first and end of the last minute with detections, s since 1970.
    fn span_s(&self) -> Option<(f64, f64)> {
        let (first, last) = self.reader().ok()?.span(None).ok()??;
        Some((super::unix_s(first), super::unix_s(last)))
    }

    /// The latest configuration.
    fn latest(&self) -> Value {
        let latest = || {
            let reader = self.reader().ok()?;
            let run = reader.runs(None).ok()?.last()?.run;
            serde_json::from_str(&reader.run_documents(run).ok()?.0).ok()
        };
        latest().unwrap_or_default()
    }
}

// It takes what `map_err` gives.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: rangegate_archive::Error) -> Refusal {
    Refusal::Failed(error.to_string())
}

/// A time, as far as the calendar reaches.
fn time(seconds: f64) -> Timestamp {
    let nanos = (seconds * 1e9).clamp(-9.2e18, 9.2e18) as i64;
    time_from_ns(nanos)
}

fn filter(query: &Query) -> Filter {
    let range_m = (query.min_range_m.is_some() || query.max_range_m.is_some()).then(|| {
        (query.min_range_m.unwrap_or(f64::NEG_INFINITY), query.max_range_m.unwrap_or(f64::INFINITY))
    });
    Filter {
        from: query.from.map(time),
        to: query.to.map(time),
        range_m,
        min_snr_db: query.min_snr_db,
        track: query.track,
        ..Filter::default()
    }
}

/// Rows of a question that takes them from all of its window: from how many places of it.
const PLACES: usize = 12;

/// How rows of a kind are read.
type Read<R> = fn(&Reader, &Filter, &mut dyn FnMut(R) -> ControlFlow<()>) -> rangegate_archive::Result<()>;

/// Rows in order up to the limit; and whether there are more.
fn first<R>(
    reader: &Reader,
    filter: &Filter,
    limit: usize,
    read: Read<R>,
) -> Result<(Vec<R>, bool), Refusal> {
    let (mut rows, mut more) = (Vec::new(), false);
    read(reader, filter, &mut |row| {
        more = rows.len() >= limit;
        if more {
            return ControlFlow::Break(());
        }
        rows.push(row);
        ControlFlow::Continue(())
    })
    .map_err(failed)?;
    Ok((rows, more))
}

/// Gathers rows up to the limit: the first, or where they are to be spread some from each of many places.
fn gather<R>(
    reader: &Reader,
    query: &Query,
    kind: Kind,
    read: Read<R>,
    item: impl Fn(&R) -> Option<Value>,
) -> Result<Rows, Refusal> {
    let (limit, mut filter) = (query.limit.unwrap_or(usize::MAX), filter(query));
    // What is counted need not be read to be known for too much; what a filter leaves of it nobody counted.
    let is_counted = Filter { from: filter.from, to: filter.to, ..Filter::default() } == filter;
    let at_least = match query.spread && is_counted {
        true => reader.at_least(kind, filter.from, filter.to).map_err(failed)?,
        false => 0,
    };
    let (mut rows, more) = match at_least > limit as u64 {
        true => (Vec::new(), true),
        false => first(reader, &filter, limit, read)?,
    };
    if more && query.spread {
        rows.clear();
        let cuts = cuts(reader, &filter)?;
        // What one place does not use is left to those after it.
        for (at, pair) in cuts.windows(2).enumerate() {
            (filter.from, filter.to) = (Some(time_from_ns(pair[0])), Some(time_from_ns(pair[1])));
            let share = (limit - rows.len()) / (cuts.len() - 1 - at);
            rows.extend(first(reader, &filter, share, read)?.0);
        }
    }
    Ok(Rows { items: rows.iter().filter_map(item).collect(), more })
}

/// Times that cut a window into [`PLACES`] with about as many detections each, ns; its begin and end among them.
fn cuts(reader: &Reader, filter: &Filter) -> Result<Vec<i64>, Refusal> {
    let Some(span) = reader.span(None).map_err(failed)? else { return Ok(Vec::new()) };
    let (from, to) = (filter.from.unwrap_or(span.0).max(span.0), filter.to.unwrap_or(span.1).min(span.1));
    let minutes = super::unix_s(to) / 60.0 - super::unix_s(from) / 60.0;
    let ns = |time: Timestamp| i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
    let (from_ns, to_ns) = (ns(from), ns(to));
    if minutes < (4 * PLACES) as f64 {
        let step_ns = (to_ns.saturating_sub(from_ns) / PLACES as i64).max(1);
        return Ok((0..PLACES as i64).map(|at| from_ns + at * step_ns).chain([to_ns]).collect());
    }
    let step = (minutes / 1000.0).ceil().clamp(1.0, 1e6) as u32;
    let density = reader.density(None, Some(from), Some(to), step).map_err(failed)?;
    let total: i64 = density.iter().map(|bin| bin.detections).sum();
    let mut cuts = vec![from_ns];
    let mut before = 0;
    for bin in density {
        if before * PLACES as i64 >= total * cuts.len() as i64 {
            cuts.push(ns(bin.time).max(from_ns));
        }
        before += bin.detections;
    }
    cuts.push(to_ns);
    cuts.dedup();
    Ok(cuts)
}

fn detection(row: &DetectionRow) -> Option<Value> {
    #[derive(Serialize)]
    struct Item<'a> {
        time_s: Option<f64>,
        station: &'a str,
        run: i64,
        #[serde(flatten)]
        line: Line<'a>,
    }
    let (station, run, line) = (row.station.name(), row.run, Line::from(&row.detection));
    serde_json::to_value(Item { time_s: row.detection.time.map(super::unix_s), station, run, line }).ok()
}

fn track(row: &TrackRow) -> Option<Value> {
    let mut item: Map<String, Value> = serde_json::from_str(&row.line).ok()?;
    place_of_track(&mut item);
    item.insert("time_s".to_owned(), json!(row.time_ns.map(|ns| ns as f64 * 1e-9)));
    item.insert("station".to_owned(), row.station.to_string().into());
    item.insert("run".to_owned(), row.run.into());
    Some(Value::Object(item))
}

impl Backend for Archived {
    fn about(&self) -> About {
        let span_s = self.span_s();
        let configuration: Value = self.latest();
        About {
            mode: Mode::Archive,
            views: Vec::new(),
            station: tracking(&configuration).as_ref().and_then(super::station_of),
            detector: Value::Null,
            duration_s: span_s.map(|(start, end)| end - start),
            start_time_s: span_s.map(|(start, _)| start),
            sample_rate_hz: None,
            first_sample: None,
            channels: 1,
            transmitter: tracking(&configuration).as_ref().and_then(super::transmitter_of),
            max_range_m: None,
            archive: true,
            exchange: false,
        }
    }

    fn configuration(&self) -> Value {
        self.latest()
    }

    fn status(&self) -> Status {
        let detections: i64 =
            self.overview().iter().map(|of| of.live_detections + of.sealed_detections).sum();
        Status {
            time_s: self.span_s().map_or(0.0, |(_, end)| end),
            detections: u64::try_from(detections).unwrap_or(0),
            ..Status::default()
        }
    }

    fn replay(&self) -> Option<Replay> {
        None
    }

    fn command(&self, _: Command) -> Result<Replay, Refusal> {
        Err(Refusal::Impossible("this is an archive: nothing is replayed".to_owned()))
    }

    fn trigger(&self) -> Result<(), Refusal> {
        Err(Refusal::Impossible("this is an archive: nothing is held".to_owned()))
    }

    fn detections(&self, query: &Query) -> Result<Rows, Refusal> {
        gather(&self.reader()?, query, Kind::Detections, Reader::detections, detection)
    }

    fn tracks(&self, query: &Query) -> Result<Rows, Refusal> {
        gather(&self.reader()?, query, Kind::Tracks, Reader::tracks, track)
    }

    fn timeline(&self, stretch: &Stretch, bins: usize) -> Result<Timeline, Refusal> {
        let reader = self.reader()?;
        let span_s = reader
            .span(None)
            .map_err(failed)?
            .map(|(first, last)| (super::unix_s(first), super::unix_s(last)));
        let start_s = stretch.from.or(span_s.map(|span| span.0)).unwrap_or(0.0);
        let end_s = stretch.to.or(span_s.map(|span| span.1)).unwrap_or(0.0).max(start_s + 1e-3);
        // Minutes are what the archive counts by.
        let minutes = ((end_s - start_s) / 60.0 / bins as f64).ceil().clamp(1.0, 5_256_000.0);
        let density =
            reader.density(None, Some(time(start_s)), Some(time(end_s)), minutes as u32).map_err(failed)?;
        let detections: i64 = density.iter().map(|bin| bin.detections).sum();
        if end_s - start_s < 60.0 * bins as f64 && detections <= FINE_DETECTIONS {
            let counts = reader.fine_density(None, time(start_s), time(end_s), bins).map_err(failed)?;
            return Ok(Timeline { start_s, end_s, counts });
        }
        let step_s = 60.0 * minutes;
        let (first, end) = ((start_s / step_s).floor(), (end_s / step_s).ceil());
        let mut counts = vec![0; ((end - first) as usize).clamp(1, bins + 1)];
        for bin in density {
            let at = (super::unix_s(bin.time) / step_s).round() - first;
            if let Some(count) = counts.get_mut(at.max(0.0) as usize) {
                *count += u64::try_from(bin.detections).unwrap_or(0);
            }
        }
        Ok(Timeline {
            start_s: first * step_s,
            end_s: first.mul_add(step_s, step_s * counts.len() as f64),
            counts,
        })
    }
}

/// The tracking of an archived configuration, which says where the station is.
fn tracking(configuration: &Value) -> Option<TrackingConfig> {
    serde_json::from_value(configuration.get("tracking")?.clone()).ok()
}
