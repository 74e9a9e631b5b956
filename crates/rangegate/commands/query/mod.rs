//! `query`: what the archive knows.

mod args;

pub use args::{FilterArgs, QueryArgs, What};

use crate::Outcome;
use anyhow::{Result, bail};
use rangegate_archive::row::{Record, time_from_ns};
use rangegate_archive::sql::{self, Answer, Cell, Limits};
use rangegate_archive::table::{Value, csv_header, csv_line, csv_text};
use rangegate_archive::{DetectionRow, Filter, Reader, TrackRow};
use rangegate_sinks::detection_log::Line;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::time::Duration;

/// Rows of a table for people, unless they ask for more.
const TABLE_ROWS: u64 = 1_000;

/// Runs the command.
///
/// # Errors
/// There is no archive, it is damaged, or the question cannot be answered.
pub fn query(args: &QueryArgs) -> Result<Outcome> {
    if let Some(sql) = &args.sql {
        return answer_sql(args, sql);
    }
    let filter = filter(&args.filter, args.what)?;
    let reader = Reader::open(&args.dir)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let shape = Shape::of(args);
    let limit = args.limit.unwrap_or(if shape == Shape::Table { TABLE_ROWS } else { u64::MAX });
    let is_cut = match args.what {
        What::Detections => {
            rows(&mut out, shape, limit, detection_table, |each| reader.detections(&filter, each))?
        }
        What::Tracks => rows(&mut out, shape, limit, track_table, |each| reader.tracks(&filter, each))?,
        What::Runs => {
            let mut runs = reader.runs(filter.station.as_ref())?;
            runs.retain(|run| filter.run.is_none_or(|wanted| wanted == run.run));
            objects(&mut out, shape, limit, &runs)?
        }
        What::Gaps => objects(&mut out, shape, limit, &reader.gaps(filter.run)?)?,
        What::Health => objects(&mut out, shape, limit, &reader.health(filter.run)?)?,
        What::Density => {
            let bins = reader.density(filter.station.as_ref(), filter.from, filter.to, args.step_minutes)?;
            objects(&mut out, shape, limit, &bins)?
        }
    };
    out.flush()?;
    if is_cut && args.limit.is_none() {
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(
            stderr,
            "rangegate: the first {limit} rows; there are more, see --limit, --json and --csv"
        );
    }
    Ok(Outcome::Done)
}

/// How rows are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Table,
    Json,
    Csv,
}

impl Shape {
    fn of(args: &QueryArgs) -> Self {
        match (args.json, args.csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Table,
        }
    }
}

/// What the command line asks for.
///
/// # Errors
/// A filter means nothing for these rows, or no time lies in its window.
pub fn filter(args: &FilterArgs, what: What) -> Result<Filter> {
    let is_rows = matches!(what, What::Detections | What::Tracks);
    let is_timed = is_rows || what == What::Density;
    let named = [
        ("--snr", args.snr.is_some() && what != What::Detections),
        ("--template", args.template.is_some() && what != What::Detections),
        ("--range", args.range.is_some() && !is_rows),
        ("--track", args.track.is_some() && !is_rows),
        ("--run", args.run.is_some() && what == What::Density),
        ("--station", args.station.is_some() && matches!(what, What::Gaps | What::Health)),
        ("--from", args.from.is_some() && !is_timed),
        ("--to", args.to.is_some() && !is_timed),
    ];
    if let Some((name, _)) = named.into_iter().find(|(_, is_wrong)| *is_wrong) {
        bail!("{name} means nothing for {}", what.name());
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        bail!("--from {from} is not before --to {to}");
    }
    Ok(Filter {
        station: args.station.clone(),
        from: args.from,
        to: args.to,
        range_m: args.range,
        min_snr_db: args.snr,
        template: args.template.clone(),
        run: args.run,
        track: args.track,
    })
}

/// A row as a JSON object.
pub trait JsonLine {
    /// Writes it, without the end of the line.
    ///
    /// # Errors
    /// Nobody reads.
    fn json(&self, out: &mut dyn Write) -> Result<()>;
}

#[derive(Serialize)]
struct DetectionObject<'a> {
    station: &'a str,
    run: i64,
    number: i64,
    #[serde(flatten)]
    line: Line<'a>,
}

impl JsonLine for DetectionRow {
    fn json(&self, out: &mut dyn Write) -> Result<()> {
        let line = Line::from(&self.detection);
        let object =
            DetectionObject { station: self.station.name(), run: self.run, number: self.number, line };
        Ok(serde_json::to_writer(out, &object)?)
    }
}

impl JsonLine for TrackRow {
    fn json(&self, out: &mut dyn Write) -> Result<()> {
        let (station, run, number) = (self.station.name(), self.run, self.number);
        // A line is an object, and goes on where this one has begun.
        let rest = self.line.trim_start().trim_start_matches('{');
        Ok(write!(out, "{{\"station\":\"{station}\",\"run\":{run},\"number\":{number},{rest}")?)
    }
}

type Each<'a, R> = &'a mut dyn FnMut(R) -> ControlFlow<()>;

/// Writes rows as they come, or as a table at the end; whether there were more than the limit.
fn rows<R: Record + JsonLine>(
    out: &mut dyn Write,
    shape: Shape,
    limit: u64,
    table: fn(&[R]) -> String,
    read: impl FnOnce(Each<'_, R>) -> rangegate_archive::Result<()>,
) -> Result<bool> {
    let (mut n, mut is_cut, mut failed) = (0, false, None);
    let (mut held, mut values, mut text) = (Vec::new(), Vec::<Value>::new(), String::new());
    if shape == Shape::Csv {
        out.write_all(csv_header::<R>().as_bytes())?;
    }
    let mut write = |row: R| -> Result<()> {
        match shape {
            Shape::Table => held.push(row),
            Shape::Json => {
                row.json(out)?;
                out.write_all(b"\n")?;
            }
            Shape::Csv => {
                text.clear();
                csv_line(&row, &mut values, &mut text);
                out.write_all(text.as_bytes())?;
            }
        }
        Ok(())
    };
    read(&mut |row| {
        is_cut = n >= limit;
        n += 1;
        failed = if is_cut { None } else { write(row).err() };
        if is_cut || failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if shape == Shape::Table {
        out.write_all(table(&held).as_bytes())?;
    }
    Ok(is_cut)
}

fn shown(value: Option<f64>, decimals: usize, unit: &str) -> String {
    value.map_or_else(String::new, |value| format!("{value:.decimals$} {unit}"))
}

fn detection_table(rows: &[DetectionRow]) -> String {
    let header = [
        "station",
        "run",
        "number",
        "time",
        "template",
        "SNR",
        "range",
        "range rate",
        "Doppler",
        "azimuth",
        "delay",
    ];
    let cells = rows.iter().map(|row| {
        let d = &row.detection;
        vec![
            row.station.to_string(),
            row.run.to_string(),
            row.number.to_string(),
            d.time.map_or_else(String::new, |time| format!("{time:.6}")),
            d.template.to_string(),
            shown(Some(d.snr_db), 1, "dB"),
            shown(d.range_m, 2, "m"),
            shown(d.velocity_mps, 2, "m/s"),
            shown(d.doppler_hz, 1, "Hz"),
            shown(d.azimuth_deg, 1, "°"),
            // Where the range is known, the delay says nothing more.
            shown(d.delay_s.filter(|_| d.range_m.is_none()).map(|delay_s| delay_s * 1e6), 3, "µs"),
        ]
    });
    format!("{}{}\n", aligned(&header, &cells.collect::<Vec<_>>()), counted(rows.len(), "detection"))
}

fn track_table(rows: &[TrackRow]) -> String {
    let header =
        ["station", "run", "track", "time", "range", "range rate", "azimuth", "hits", "quality", "coasting"];
    let cells = rows.iter().map(|row| {
        let state = &row.state;
        vec![
            row.station.to_string(),
            row.run.to_string(),
            state.track.to_string(),
            row.time_ns.map_or_else(String::new, |time_ns| format!("{:.3}", time_from_ns(time_ns))),
            shown(state.range_m, 2, "m"),
            shown(state.range_rate_mps, 2, "m/s"),
            shown(state.azimuth_deg, 1, "°"),
            state.hits.map_or_else(String::new, |hits| hits.to_string()),
            state.quality.map_or_else(String::new, |quality| format!("{quality:.2}")),
            if state.coasting == Some(true) { "yes".to_owned() } else { String::new() },
        ]
    });
    format!("{}{}\n", aligned(&header, &cells.collect::<Vec<_>>()), counted(rows.len(), "update"))
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Columns under their names, numbers to the right. Columns that say nothing are left out; so is all where there are no
/// rows.
pub fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let columns: Vec<(usize, usize)> = (0..header.len())
        .filter_map(|at| {
            width(at).filter(|width| *width > 0).map(|width| (at, width.max(header[at].chars().count())))
        })
        .collect();
    let is_number = |cell: &str| cell.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells = columns.iter().map(|&(at, width)| {
            let text = cell(at);
            let to_right =
                rows.iter().filter_map(|row| row.get(at)).all(|cell| cell.is_empty() || is_number(cell));
            if to_right { format!("{text:>width$}") } else { format!("{text:<width$}") }
        });
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&|at| header[at].to_owned());
    for row in rows {
        text.push_str(&line(&|at| row.get(at).cloned().unwrap_or_default()));
    }
    text
}

/// Objects without a shape of their own, by their fields.
fn objects<T: Serialize>(out: &mut dyn Write, shape: Shape, limit: u64, rows: &[T]) -> Result<bool> {
    let n = usize::try_from(limit).unwrap_or(usize::MAX).min(rows.len());
    let is_cut = n < rows.len();
    let rows = rows[..n].iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    if shape == Shape::Json {
        for row in &rows {
            writeln!(out, "{row}")?;
        }
        return Ok(is_cut);
    }
    let header: Vec<&str> = rows
        .first()
        .and_then(serde_json::Value::as_object)
        .map_or(Vec::new(), |row| row.keys().map(String::as_str).collect());
    let cell = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cells = rows.iter().map(|row| header.iter().map(|name| cell(&row[*name])).collect()).collect();
    write_cells(out, shape, &header, cells)?;
    Ok(is_cut)
}

fn write_cells(out: &mut dyn Write, shape: Shape, header: &[&str], rows: Vec<Vec<String>>) -> Result<()> {
    if shape == Shape::Table {
        let n = rows.len();
        writeln!(out, "{}{}", aligned(header, &rows), counted(n, "row"))?;
        return Ok(());
    }
    let names = header.iter().map(|name| (*name).to_owned()).collect();
    for row in std::iter::once(names).chain(rows) {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            csv_text(cell, &mut line)?;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn answer_sql(args: &QueryArgs, sql: &str) -> Result<Outcome> {
    let others = &args.filter;
    let is_plain = others.range.is_none()
        && others.snr.is_none()
        && others.template.is_none()
        && others.run.is_none()
        && others.track.is_none();
    if !is_plain {
        bail!("--sql goes with --station, --from and --to only: say the rest in the query");
    }
    let window = filter(others, What::Detections)?;
    let limits = Limits {
        rows: args.limit.map_or(Limits::default().rows, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        time: Duration::from_secs_f64(args.timeout),
        ..Limits::default()
    };
    let Answer { columns, rows, is_cut } = sql::query(&args.dir, sql, &window, &limits)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let header: Vec<&str> = columns.iter().map(String::as_str).collect();
    match Shape::of(args) {
        Shape::Json => {
            for row in &rows {
                let object: serde_json::Map<_, _> =
                    columns.iter().cloned().zip(row.iter().map(json_cell)).collect();
                writeln!(out, "{}", serde_json::Value::Object(object))?;
            }
        }
        shape => {
            let cells = rows.iter().map(|row| row.iter().map(text_cell).collect()).collect();
            write_cells(&mut out, shape, &header, cells)?;
        }
    }
    out.flush()?;
    if is_cut && args.limit.is_none() {
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "rangegate: the first {} rows; there are more, see --limit", rows.len());
        // A program that reads them must know.
        return Ok(if Shape::of(args) == Shape::Table { Outcome::Done } else { Outcome::Differs });
    }
    Ok(Outcome::Done)
}

fn json_cell(cell: &Cell) -> serde_json::Value {
    serde_json::to_value(cell).unwrap_or_default()
}

fn text_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Int(value) => value.to_string(),
        Cell::Real(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
    }
}
