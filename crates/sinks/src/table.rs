//! Detections as a table for people.

use rangegate_core::Detection;
use std::fmt::Write;

/// An aligned table, a line each. Columns that say nothing are left out.
pub fn table(detections: &[Detection]) -> String {
    let has = |field: fn(&Detection) -> bool| detections.iter().any(field);
    let (has_time, has_delay) = (has(|d| d.time.is_some()), has(|d| d.delay_s.is_some()));
    let (has_doppler, has_channels) = (has(|d| d.doppler_hz.is_some()), has(|d| d.channel > 0));
    let (has_range, has_velocity) = (has(|d| d.range_m.is_some()), has(|d| d.velocity_mps.is_some()));
    // Where the range is known, the delay says nothing more.
    let has_delay = has_delay && !has_range;
    let width = detections.iter().map(|d| d.template.chars().count()).max().unwrap_or(0).max(8);
    let mut text = format!("  {:>20}  {:<width$}  {:>8}  {:>8}", "sample", "template", "SNR", "power");
    for (shown, title, width) in [
        (has_range, "range", 12),
        (has_velocity, "range rate", 12),
        (has_doppler, "Doppler", 11),
        (has_delay, "delay", 12),
        (has_channels, "channel", 7),
    ] {
        if shown {
            let _ = write!(text, "  {title:>width$}");
        }
    }
    text.push_str(if has_time { "  time\n" } else { "\n" });
    for d in detections {
        let position = format!("{}{}", d.sample, format!("{:.2}", d.sample_fraction).trim_start_matches('0'));
        let _ = write!(
            text,
            "  {position:>20}  {:<width$}  {:>5.1} dB  {:>5.1} dB",
            d.template, d.snr_db, d.power_db
        );
        if has_range {
            let _ = write!(text, "  {:>10.2} m", d.range_m.unwrap_or(f64::NAN));
        }
        if has_velocity {
            let _ = write!(text, "  {:>8.2} m/s", d.velocity_mps.unwrap_or(f64::NAN));
        }
        if has_doppler {
            let _ = write!(text, "  {:>8.1} Hz", d.doppler_hz.unwrap_or(f64::NAN));
        }
        if has_delay {
            let _ = write!(text, "  {:>9.3} µs", d.delay_s.unwrap_or(f64::NAN) * 1e6);
        }
        if has_channels {
            let _ = write!(text, "  {:>7}", d.channel);
        }
        if let Some(time) = d.time {
            let _ = write!(text, "  {time:.6}");
        }
        text.push('\n');
    }
    text
}
