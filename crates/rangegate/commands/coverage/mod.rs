//! `coverage`: what stations see, alone and together.

mod args;
pub(crate) mod files;
mod pictures;
mod seen;

pub use args::CoverageArgs;

use crate::Outcome;
use anyhow::{Context, Result};
use rangegate_coverage::best_site::{BestSite, best_site};
use rangegate_coverage::cover::{Added, Summary};
use rangegate_coverage::{
    Conditions, Cover, Grid, Refraction, Region, SiteConfig, Station, Swerling, Target, geojson,
};
use seen::MeasuredSummary;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What the command says.
#[derive(Serialize)]
struct Report {
    /// West, south, east, north, degrees.
    region_deg: [f64; 4],
    target: Target,
    refraction: Refraction,
    is_over_terrain: bool,
    stations: Vec<StationReport>,
    altitudes: Vec<AltitudeReport>,
    best_site: Option<BestSite>,
    measured: Vec<MeasuredSummary>,
    #[serde(skip)]
    files: Vec<PathBuf>,
}

/// A station by itself.
#[derive(Serialize)]
struct StationReport {
    name: String,
    owner: String,
    /// By the radar equation, m; none where its file has no radar.
    reach_m: Option<f64>,
    /// Ground range to the horizon at each altitude, m.
    horizon_m: Vec<f64>,
}

/// One altitude.
#[derive(Serialize)]
struct AltitudeReport {
    #[serde(flatten)]
    summary: Summary,
    /// What the station of --join adds.
    joined: Option<Added>,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read or is not what it should be, or results cannot be written.
pub fn coverage(args: &CoverageArgs, quiet: bool) -> Result<Outcome> {
    let conditions = conditions(args)?;
    let files: Vec<&PathBuf> = args.sites.iter().chain(&args.join).collect();
    let sites = files.iter().map(|path| files::site(path)).collect::<Result<Vec<SiteConfig>>>()?;
    let stations = sites.iter().map(|site| Station::new(site, &conditions)).collect::<Result<Vec<_>, _>>()?;
    let grid = grid(args, &stations, &conditions)?;
    let progress = crate::commands::progress(Some(args.altitude.len() as u64), quiet || args.json);
    let mut covers = Vec::new();
    for &altitude_m in &args.altitude {
        covers.push(Cover::new(&stations, &conditions, &grid, altitude_m)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    // The station that joined is the last.
    let joined = args.join.as_ref().map(|_| stations.len() - 1);
    let altitudes = covers.iter().map(|cover| AltitudeReport {
        summary: cover.summary(&stations),
        joined: joined.map(|n| cover.added(n)),
    });
    let like = &sites[joined.unwrap_or(0)];
    let best = if args.best_site { best_site(like, &conditions, &covers)? } else { None };
    let measured = match &args.archive {
        Some(archive) => seen::all(archive, &stations, &conditions, &grid, args.altitude[0])?,
        None => Vec::new(),
    };
    let east_deg = grid.west_deg + grid.columns as f64 * grid.step_deg[0];
    let north_deg = grid.south_deg + grid.rows as f64 * grid.step_deg[1];
    let mut report = Report {
        region_deg: [grid.west_deg, grid.south_deg, east_deg, north_deg],
        target: conditions.target,
        refraction: conditions.air,
        is_over_terrain: conditions.terrain.is_some(),
        stations: stations.iter().map(|station| station_report(station, args, &conditions)).collect(),
        altitudes: altitudes.collect(),
        best_site: best,
        measured: measured.iter().map(|(summary, _)| summary.clone()).collect(),
        files: Vec::new(),
    };
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        files::write_json(&folder.join("coverage.json"), &report)?;
        files::write_json(&folder.join("coverage.geojson"), &geojson::collection(&covers, &stations))?;
        report.files = pictures::draw(folder, &covers, &stations, best.as_ref())?;
        report.files.extend(pictures::draw_measured(folder, &grid, &stations, &measured)?);
    }
    if args.json {
        crate::commands::print_json(&report)?;
    } else {
        crate::commands::print(&table(&report))?;
    }
    Ok(Outcome::Done)
}

fn conditions(args: &CoverageArgs) -> Result<Conditions> {
    let cases = [Swerling::Steady, Swerling::One, Swerling::Two, Swerling::Three, Swerling::Four];
    Ok(Conditions {
        target: Target {
            rcs_m2: args.rcs,
            swerling: cases[usize::from(args.swerling)],
            detection_probability: args.pd,
            false_alarm_probability: args.pfa,
        },
        air: Refraction { k: args.k, ..Refraction::default() },
        terrain: args.terrain.as_deref().map(files::terrain).transpose()?,
    })
}

/// The cells, of all altitudes: around what is seen at the highest.
fn grid(args: &CoverageArgs, stations: &[Station], conditions: &Conditions) -> Result<Grid> {
    let highest_m = args.altitude.iter().copied().fold(0.0, f64::max);
    let region = match args.region.as_deref() {
        None => Region::around(stations, &conditions.air, highest_m).context("no station")?,
        Some(&[west, south, east, north]) => Region([west, south, east, north]),
        Some(numbers) => anyhow::bail!("--region has {} numbers, expected W,S,E,N", numbers.len()),
    };
    Ok(Grid::new(&region, args.rows)?)
}

fn station_report(station: &Station, args: &CoverageArgs, conditions: &Conditions) -> StationReport {
    let horizon_m =
        |altitude_m: &f64| conditions.air.horizon_m(station.antenna.height_m, *altitude_m).round();
    StationReport {
        name: station.name.clone(),
        owner: station.owner.clone(),
        reach_m: Some(station.reach_m()).filter(|reach_m| reach_m.is_finite()).map(f64::round),
        horizon_m: args.altitude.iter().map(horizon_m).collect(),
    }
}

/// The report for people: areas in thousands of km².
fn table(report: &Report) -> String {
    let mut text = String::new();
    let km = |metres: f64| format!("{:.0} km", metres / 1e3);
    for station in &report.stations {
        let reach = station.reach_m.map_or_else(|| "as its file says".to_owned(), km);
        let horizons: Vec<String> = station.horizon_m.iter().map(|metres| km(*metres)).collect();
        let _ = writeln!(text, "{}: reach {reach}, horizon {}", station.name, horizons.join(", "));
    }
    let _ = writeln!(
        text,
        "\n{:>12} {:>12} {:>12} {:>12}   1000 km² seen by",
        "altitude", "nobody", "one", "more"
    );
    for altitude in &report.altitudes {
        let Summary { altitude_m, by_nobody_km2, by_one_km2, by_several_km2, stations, .. } =
            &altitude.summary;
        let _ = write!(
            text,
            "{:>10} m {:>12.1} {:>12.1} {:>12.1}  ",
            altitude_m,
            by_nobody_km2 / 1e3,
            by_one_km2 / 1e3,
            by_several_km2 / 1e3
        );
        for station in stations {
            let _ = write!(
                text,
                " {} {:.1} (alone {:.1})",
                station.name,
                station.seen_km2 / 1e3,
                station.alone_km2 / 1e3
            );
        }
        let _ = writeln!(text);
        if let Some(added) = &altitude.joined {
            let (fills, seconds) = (added.fills_km2 / 1e3, added.seconds_km2 / 1e3);
            let _ = writeln!(
                text,
                "{:>12} joining fills {fills:.1} that nobody saw, seconds {seconds:.1} that one saw",
                ""
            );
        }
    }
    if let Some(BestSite { latitude_deg, longitude_deg, fills_km2, n_places, .. }) = &report.best_site {
        let fills = fills_km2 / 1e3;
        let _ = writeln!(
            text,
            "\nbest of {n_places} places for another: {latitude_deg:.3}° north {longitude_deg:.3}° east, fills {fills:.1}"
        );
    }
    for measured in &report.measured {
        let _ = writeln!(text, "\n{measured}");
    }
    for file in &report.files {
        let _ = writeln!(text, "{}", file.display());
    }
    text
}
