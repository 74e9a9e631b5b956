//! When stations ran, as an archive knows it.

use anyhow::Result;
use rangegate_archive::row::{Gap, ns_from_time};
use rangegate_archive::sql::{self, Cell, Limits};
use rangegate_archive::{Filter, Reader, Station};
use rangegate_core::Timestamp;
use rangegate_coverage::measured::{Interval, without};
use std::collections::BTreeMap;
use std::time::Duration;

/// When a station ran: from each run's start to the last that is known of it (detection, track, health), without gaps
/// between its samples.
///
/// # Errors
/// The archive is damaged.
pub fn ran(reader: &Reader, name: &Station) -> Result<Vec<Interval>> {
    let mut last_ns = last_tracks(reader, name)?;
    for row in reader.health(None)? {
        if let Some(time_ns) = row.time.and_then(ns_from_time) {
            let last = last_ns.entry(row.run).or_insert(time_ns);
            *last = time_ns.max(*last);
        }
    }
    let (mut ran, mut outages) = (Vec::new(), Vec::new());
    for run in reader.runs(Some(name))? {
        let Some(start_ns) = run.start_time.and_then(ns_from_time) else { continue };
        let ends = [run.last_time.and_then(ns_from_time), last_ns.get(&run.run).copied()];
        // The last moment itself belongs to it.
        let end_ns = ends.into_iter().flatten().fold(start_ns, i64::max).saturating_add(1);
        ran.push([start_ns, end_ns]);
        let length_ns = |gap: &Gap| (gap.samples as f64 / run.sample_rate_hz * 1e9) as i64;
        let gaps = reader.gaps(Some(run.run))?;
        outages.extend(gaps.iter().filter_map(|gap| {
            let from_ns = gap.time.and_then(ns_from_time)?;
            Some([from_ns, from_ns.saturating_add(length_ns(gap))])
        }));
    }
    Ok(without(&ran, &outages))
}

/// Time of the latest update of a track by run. A sealed hour does not say of which run it is: it counts for the one that
/// had begun last.
fn last_tracks(reader: &Reader, name: &Station) -> Result<BTreeMap<i64, i64>> {
    // No sealed row is laid out for a moment without any.
    let moment = Filter {
        station: Some(name.clone()),
        from: Some(Timestamp::MIN),
        to: Some(Timestamp::MIN),
        ..Filter::default()
    };
    let limits = Limits { rows: usize::MAX, time: Duration::from_secs(3_600), ..Limits::default() };
    let ask = |sql: &str| sql::query(reader.folder().path(), sql, &moment, &limits);
    let mut last_ns = BTreeMap::new();
    let live = format!(
        "SELECT run, max(time_ns) FROM track_update WHERE station = (SELECT id FROM station WHERE name = '{name}') GROUP BY run"
    );
    for row in ask(&live)?.rows {
        if let [Cell::Int(run), Cell::Int(time_ns)] = row[..] {
            last_ns.insert(run, time_ns);
        }
    }
    let runs = reader.runs(Some(name))?;
    let starts: Vec<(i64, i64)> =
        runs.iter().filter_map(|run| Some((run.start_time.and_then(ns_from_time)?, run.run))).collect();
    let sealed = format!(
        "SELECT min_ns, max_ns FROM sealed WHERE kind = 'tracks' AND station = (SELECT id FROM station WHERE name = '{name}')"
    );
    for row in ask(&sealed)?.rows {
        if let [Cell::Int(min_ns), Cell::Int(max_ns)] = row[..]
            && let Some((_, run)) = starts.iter().filter(|(start, _)| *start <= min_ns).max()
        {
            let last = last_ns.entry(*run).or_insert(max_ns);
            *last = max_ns.max(*last);
        }
    }
    Ok(last_ns)
}
