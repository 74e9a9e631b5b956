//! A contract for people.

use super::{Clause, Contract};
use crate::area::Area;
use std::fmt;

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "contract {}, version {}, from {} until {}",
            self.name, self.version, self.from, self.until
        )?;
        writeln!(f, "digest {}", crate::hex(&self.digest()))?;
        for party in &self.parties {
            let stations: Vec<&str> = party.stations.iter().map(String::as_str).collect();
            writeln!(f, "\n{} ({}), key {}, gives:", party.owner, stations.join(", "), party.key)?;
            let mut clauses =
                self.gives.iter().enumerate().filter(|(_, of)| of.owner == party.owner).peekable();
            if clauses.peek().is_none() {
                writeln!(f, "  nothing")?;
            }
            for (at, clause) in clauses {
                writeln!(f, "  {}. {}", at + 1, Shown(clause))?;
            }
        }
        match &self.mutuality {
            None => writeln!(f, "\nno mutuality: each gives whether or not the other does"),
            Some(terms) => {
                let kinds: Vec<&str> = terms.kinds.iter().map(|kind| kind.name()).collect();
                write!(f, "\neach owes {} reports in {} s", terms.min_reports, terms.window_s)?;
                if terms.min_ratio > 0.0 {
                    write!(f, " and {} times what the other gives", terms.min_ratio)?;
                }
                writeln!(f, " ({} count); grace {} s", kinds.join(", "), terms.grace_s)
            }
        }
    }
}

struct Shown<'a>(&'a Clause);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clause = self.0;
        let kinds: Vec<&str> = clause.kinds.iter().map(|kind| kind.name()).collect();
        write!(f, "{}", kinds.join(", "))?;
        if clause.areas.is_empty() {
            write!(f, ", everywhere")?;
        }
        for (at, area) in clause.areas.iter().enumerate() {
            write!(f, "{}", if at == 0 { ", within " } else { " or " })?;
            match area {
                Area::Polygon(corners) => write!(f, "a polygon of {} corners", corners.len())?,
                Area::Circle(circle) => {
                    let [longitude_deg, latitude_deg] = circle.centre;
                    write!(f, "{} m of {latitude_deg}° N {longitude_deg}° E", circle.radius_m)?;
                }
            }
        }
        if let Some([low, high]) = clause.heights_m {
            write!(f, ", heights {low} to {high} m")?;
        }
        if clause.delay_s > 0.0 {
            write!(f, ", {} s late", clause.delay_s)?;
        }
        if let Some(snr_db) = clause.quality.min_snr_db {
            write!(f, ", SNR {snr_db} dB or more")?;
        }
        if let Some(quality) = clause.quality.min_track_quality {
            write!(f, ", quality {quality} or more")?;
        }
        if let Some(deviation_m) = clause.quality.max_deviation_m {
            write!(f, ", deviation {deviation_m} m or less")?;
        }
        match clause.max_rate_per_s {
            Some(rate) => write!(f, ", {rate} a second and station"),
            None => Ok(()),
        }
    }
}
