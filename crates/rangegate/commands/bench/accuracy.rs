//! `bench accuracy`: detection, false alarms, estimation and resolution against theory, by Monte-Carlo.

use super::args::AccuracyArgs;
use crate::Outcome;
use anyhow::{Context, Result};
use rangegate_dsp::accuracy::{
    DetectionCurve, Estimation, FalseAlarm, PulseTrain, Resolution, detection_curve, estimation,
    false_alarms, resolution,
};
use rangegate_dsp::detect::map::{CfarAxes, MapCfarConfig, MapWindow, OsMapWindow};
use rangegate_dsp::theory::Swerling;
use rangegate_sinks::plots::{LinePlot, Series, Stroke, draw_lines};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// Everything that was measured.
#[derive(Serialize)]
struct Report {
    rangegate_version: &'static str,
    seed: u64,
    false_alarms: Vec<FalseAlarm>,
    detection: Vec<DetectionCurve>,
    estimation: Vec<Estimation>,
    resolution: Vec<Resolution>,
}

/// Bounds that the report is held against.
const MAX_SHIFT_DB: f64 = 0.3;
const MAX_RMSE: f64 = 1.15;
const MAX_BIAS: f64 = 0.1;
/// False-alarm probability of the detection curves.
const CURVES_AT: f64 = 1e-6;

/// Runs the command.
///
/// # Errors
/// The results cannot be written.
pub fn accuracy(args: &AccuracyArgs, quiet: bool) -> Result<Outcome> {
    let say = |text: &str| {
        if !quiet {
            tracing::info!("{text}");
        }
    };
    let cells = (1e8 * args.scale).max(1e5) as u64;
    let trials = (2e5 * args.scale).max(1e3) as u64;
    say(&format!("false alarms in {cells} cells"));
    let false_alarms = false_alarms(&detectors(), &[1e-4, 1e-6], cells, args.seed)?;
    let mut detection = Vec::new();
    for cfar in detectors() {
        for target in [Swerling::Steady, Swerling::One, Swerling::Three] {
            say(&format!("detection, {} {}", name(&cfar), case(target)));
            detection.push(detection_curve(&cfar, target, CURVES_AT, trials, args.seed)?);
        }
    }
    say("estimation");
    let snrs_db: Vec<f64> = (8..=15).map(|n| 2.0 * f64::from(n)).collect();
    let n_estimates = (2e4 * args.scale).max(200.0) as u64;
    let estimation = estimation(&PulseTrain::default(), &snrs_db, n_estimates, args.seed)?;
    say("resolution");
    let pairs = (1e3 * args.scale).max(50.0) as u64;
    let twice =
        PulseTrain { sample_rate_hz: 2.0 * PulseTrain::default().bandwidth_hz, ..PulseTrain::default() };
    let resolution = [(1.5, 0.0), (0.0, 1.5)]
        .map(|apart| resolution(&twice, apart, 30.0, pairs, args.seed))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let report = Report {
        rangegate_version: env!("CARGO_PKG_VERSION"),
        seed: args.seed,
        false_alarms,
        detection,
        estimation,
        resolution,
    };
    if let Some(folder) = &args.out {
        write(folder, &report)?;
    }
    if args.json {
        crate::commands::print_json(&report)?;
    } else {
        crate::commands::print(&table(&report))?;
    }
    Ok(if holds(&report) { Outcome::Done } else { Outcome::Differs })
}

fn window() -> MapWindow {
    MapWindow { over: CfarAxes::Range, guard_gates: 2, training_gates: 16, guard_bins: 0, training_bins: 0 }
}

fn detectors() -> Vec<MapCfarConfig> {
    let MapWindow { over, guard_gates, training_gates, guard_bins, training_bins } = window();
    vec![
        MapCfarConfig::CaCfar(window()),
        MapCfarConfig::GoCfar(window()),
        MapCfarConfig::SoCfar(window()),
        MapCfarConfig::OsCfar(OsMapWindow {
            over,
            guard_gates,
            training_gates,
            guard_bins,
            training_bins,
            rank: 0.75,
        }),
    ]
}

fn name(cfar: &MapCfarConfig) -> &'static str {
    match cfar {
        MapCfarConfig::CaCfar(_) => "cell-averaging",
        MapCfarConfig::GoCfar(_) => "greatest-of",
        MapCfarConfig::SoCfar(_) => "smallest-of",
        MapCfarConfig::OsCfar(_) => "ordered-statistic",
    }
}

fn case(target: Swerling) -> &'static str {
    match target {
        Swerling::Steady => "Swerling 0",
        Swerling::One => "Swerling 1",
        Swerling::Two => "Swerling 2",
        Swerling::Three => "Swerling 3",
        Swerling::Four => "Swerling 4",
    }
}

fn holds(report: &Report) -> bool {
    let near = |shift_db: f64| shift_db.abs() <= MAX_SHIFT_DB;
    report.false_alarms.iter().all(FalseAlarm::is_inside)
        && report.detection.iter().all(|curve| near(curve.shift_db_at_50) && near(curve.shift_db_at_90))
        && report.estimation.iter().all(is_efficient)
}

fn is_efficient(row: &Estimation) -> bool {
    row.rmse_range_over_crb <= MAX_RMSE
        && row.rmse_rate_over_crb <= MAX_RMSE
        && row.bias_range_over_crb.abs() <= MAX_BIAS
        && row.bias_rate_over_crb.abs() <= MAX_BIAS
}

fn mark(is_good: bool) -> &'static str {
    if is_good { "holds" } else { "FALLS SHORT" }
}

/// The report as Markdown.
fn table(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# Accuracy against theory\n\nrangegate {}, seed {}\n",
        report.rangegate_version, report.seed
    );
    text.push_str("## False alarms\n\n| detector | wanted | cells | alarms | 99 % interval | |\n|---|---|---|---|---|---|\n");
    for row in &report.false_alarms {
        let FalseAlarm { cfar, wanted, n_cells, n_alarms, low, high } = row;
        let _ = writeln!(
            text,
            "| {} | {wanted:e} | {n_cells} | {n_alarms} | {low} to {high} | {} |",
            name(cfar),
            mark(row.is_inside())
        );
    }
    let _ = writeln!(
        text,
        "\n## Detection at a false-alarm probability of {CURVES_AT:e}\n\nShift of the measured curve against theory, \
         and what the detector loses against one that knows the noise.\n\n\
         | detector | target | at 0.5, dB | at 0.9, dB | CFAR loss, dB | |\n|---|---|---|---|---|---|"
    );
    for curve in &report.detection {
        let good = curve.shift_db_at_50.abs() <= MAX_SHIFT_DB && curve.shift_db_at_90.abs() <= MAX_SHIFT_DB;
        let _ = writeln!(
            text,
            "| {} | {} | {:+.3} | {:+.3} | {:.2} | {} |",
            name(&curve.cfar),
            case(curve.target),
            curve.shift_db_at_50,
            curve.shift_db_at_90,
            curve.loss_db_at_50,
            mark(good)
        );
    }
    text.push_str(
        "\n## Estimation\n\nRoot-mean-square error and bias over the Cramér-Rao bound, without the estimates whose highest \
         cell was one of noise.\n\n\
         | SNR, dB | trials | of noise | range | bias | range rate | bias | |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in &report.estimation {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {:+.3} | {:.3} | {:+.3} | {} |",
            row.snr_db,
            row.n_trials,
            row.n_anomalous,
            row.rmse_range_over_crb,
            row.bias_range_over_crb,
            row.rmse_rate_over_crb,
            row.bias_rate_over_crb,
            mark(is_efficient(row))
        );
    }
    text.push_str("\n## Resolution\n\n| cells apart in range | in Doppler | SNR, dB | told apart |\n|---|---|---|---|\n");
    for row in &report.resolution {
        let Resolution { range_cells, doppler_cells, snr_db, n_trials, n_told_apart } = row;
        let _ =
            writeln!(text, "| {range_cells} | {doppler_cells} | {snr_db} | {n_told_apart} of {n_trials} |");
    }
    text
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("accuracy.json", &format!("{}\n", serde_json::to_string_pretty(report)?))?;
    write("accuracy.md", &table(report))?;
    for cfar in detectors() {
        let curves: Vec<_> = report.detection.iter().filter(|curve| curve.cfar == cfar).collect();
        draw_lines(&folder.join(format!("detection-{}.png", name(&cfar))), &curves_plot(&cfar, &curves))?;
    }
    draw_lines(&folder.join("estimation.png"), &estimation_plot(&report.estimation))?;
    Ok(())
}

fn curves_plot(cfar: &MapCfarConfig, curves: &[&DetectionCurve]) -> LinePlot {
    let mut series = Vec::new();
    for (colour, curve) in curves.iter().enumerate() {
        series.push(Series {
            name: format!("{}, theory", case(curve.target)),
            points: curve.points.iter().map(|p| (p.snr_db, p.pd_theory)).collect(),
            colour: Some(colour),
            ..Series::default()
        });
        series.push(Series {
            name: format!("{}, measured", case(curve.target)),
            points: curve.points.iter().map(|p| (p.snr_db, p.pd)).collect(),
            stroke: Stroke::Points,
            colour: Some(colour),
            ..Series::default()
        });
    }
    LinePlot {
        title: format!("Probability of detection, {} CFAR, false alarms {CURVES_AT:e}", name(cfar)),
        x_label: "signal-to-noise ratio (dB)".to_owned(),
        y_label: "probability of detection".to_owned(),
        series,
        y: Some([0.0, 1.0]),
        ..LinePlot::default()
    }
}

fn estimation_plot(rows: &[Estimation]) -> LinePlot {
    let line = |name: &str, value: &dyn Fn(&Estimation) -> f64| Series {
        name: name.to_owned(),
        points: rows.iter().map(|row| (row.snr_db, value(row))).collect(),
        ..Series::default()
    };
    LinePlot {
        title: "Errors of estimates over the Cramér-Rao bound".to_owned(),
        x_label: "signal-to-noise ratio of the output (dB)".to_owned(),
        y_label: "over the bound's standard deviation".to_owned(),
        series: vec![
            line("range, root-mean-square error", &|row| row.rmse_range_over_crb),
            line("range rate, root-mean-square error", &|row| row.rmse_rate_over_crb),
            line("range, bias", &|row| row.bias_range_over_crb),
            line("range rate, bias", &|row| row.bias_rate_over_crb),
            line("limit of the error", &|_| MAX_RMSE),
        ],
        y: Some([-0.2, 1.5]),
        ..LinePlot::default()
    }
}
