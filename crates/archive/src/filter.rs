//! Which rows are asked for.

use crate::Kind;
use crate::layout::Station;
use crate::row::{DetectionRow, TrackRow, ns_from_time};
use rangegate_core::Timestamp;
use rusqlite::types::Value as Sql;

/// Which rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this station only.
    pub station: Option<Station>,
    /// At or after this time. Rows without a time are left out where a time is asked for.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Range from and to, m, both included.
    pub range_m: Option<(f64, f64)>,
    /// SNR at least, dB; tracks have none and are all let through.
    pub min_snr_db: Option<f64>,
    /// Of this template.
    pub template: Option<String>,
    /// Of this run.
    pub run: Option<i64>,
    /// Of the track of this number: its updates, or the detections that it is made of.
    pub track: Option<i64>,
}

impl Filter {
    pub(crate) fn has_time(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// From and to in nanoseconds: the second is not included.
    pub(crate) fn window_ns(&self) -> (i64, i64) {
        let ns = |time: Option<Timestamp>, default: i64| {
            let clamped = |time: Timestamp| if time.as_nanosecond() < 0 { i64::MIN } else { i64::MAX };
            time.map_or(default, |time| ns_from_time(time).unwrap_or_else(|| clamped(time)))
        };
        (ns(self.from, i64::MIN), ns(self.to, i64::MAX))
    }

    /// What of it the database can say.
    pub(crate) fn sql(&self, kind: Kind) -> (String, Vec<Sql>) {
        let (mut sql, mut values) = (String::new(), Vec::new());
        let mut and = |condition: &str, value: Sql| {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        };
        if let Some((from_m, to_m)) = self.range_m {
            and("range_m >= ?", Sql::Real(from_m));
            and("range_m <= ?", Sql::Real(to_m));
        }
        if let Some(run) = self.run {
            and("run = ?", Sql::Integer(run));
        }
        match kind {
            Kind::Detections => {
                if let Some(snr_db) = self.min_snr_db {
                    and("snr_db >= ?", Sql::Real(snr_db));
                }
                if let Some(template) = &self.template {
                    and("template = (SELECT id FROM template WHERE name = ?)", Sql::Text(template.clone()));
                }
            }
            Kind::Tracks => {
                if let Some(track) = self.track {
                    and("track = ?", Sql::Integer(track));
                }
            }
        }
        (sql, values)
    }
}

/// What a row is tried by where the database did not do it.
pub(crate) trait Matches {
    fn matches(&self, filter: &Filter) -> bool;
}

fn is_in_range(range_m: Option<f64>, filter: &Filter) -> bool {
    filter.range_m.is_none_or(|(from, to)| range_m.is_some_and(|range_m| (from..=to).contains(&range_m)))
}

impl Matches for DetectionRow {
    fn matches(&self, filter: &Filter) -> bool {
        let d = &self.detection;
        is_in_range(d.range_m, filter)
            && filter.min_snr_db.is_none_or(|least_db| d.snr_db >= least_db)
            && filter.template.as_ref().is_none_or(|template| **template == *d.template)
            && filter.run.is_none_or(|run| run == self.run)
    }
}

impl Matches for TrackRow {
    fn matches(&self, filter: &Filter) -> bool {
        is_in_range(self.state.range_m, filter)
            && filter.track.is_none_or(|track| track == self.state.track)
            && filter.run.is_none_or(|run| run == self.run)
    }
}
