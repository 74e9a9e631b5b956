//! Pictures in SVG whose colours the page's style sheet sets, so that they follow light, dark and paper.

use super::figures::Map;
use anyhow::Result;
use rangegate_analysis::spans::Steps;
use rangegate_archive::row::time_from_ns;
use rangegate_sinks::plots::encode_cells;
use std::fmt::Write as _;

/// Size of a picture, and room around its axes; small, so that letters can be read on a phone.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BELOW: f64 = 42.0;

/// An axis: its limits, marks with their names, and what it says.
pub struct Axis {
    pub limits: [f64; 2],
    pub marks: Vec<(f64, String)>,
    pub label: String,
}

impl Axis {
    /// Of numbers, scaled to a prefix that a person would use.
    pub fn of(low: f64, high: f64, label: &str, unit: &str) -> Self {
        let (low, high) = if high > low && (high - low).is_finite() { (low, high) } else { (low, low + 1.0) };
        let greatest = low.abs().max(high.abs());
        let (scale, prefix) = match unit {
            "m" | "m/s" | "Hz" if greatest >= 5e6 => (1e6, "M"),
            "m" | "m/s" | "Hz" if greatest >= 5e3 => (1e3, "k"),
            _ => (1.0, ""),
        };
        let step = round_step((high - low) / scale / 4.5) * scale;
        let first = (low / step).ceil() as i64;
        let marks = (first..).map(|n| n as f64 * step).take_while(|at| *at <= high + 1e-9 * step).take(12);
        let marks = marks.map(|at| (at, number(at / scale))).collect();
        let label = if unit.is_empty() { label.to_owned() } else { format!("{label} ({prefix}{unit})") };
        Self { limits: [low, high], marks, label }
    }

    /// Of counts, from 0.
    pub fn of_counts(most: u64, label: &str) -> Self {
        let axis = Self::of(0.0, 1.05 * most.max(1) as f64, label, "");
        let marks = axis.marks.into_iter().filter(|(at, _)| (at - at.round()).abs() < 1e-9).collect();
        Self { marks, ..axis }
    }

    /// Of time, s since 1970, UTC.
    pub fn of_time(from_s: f64, to_s: f64) -> Self {
        const STEPS_S: [f64; 17] = [
            1.0,
            2.0,
            5.0,
            10.0,
            30.0,
            60.0,
            120.0,
            300.0,
            600.0,
            1_800.0,
            3_600.0,
            7_200.0,
            21_600.0,
            43_200.0,
            86_400.0,
            604_800.0,
            2_592_000.0,
        ];
        let span_s = (to_s - from_s).max(1e-3);
        if span_s < 4.0 {
            let axis = Self::of(0.0, span_s, &format!("after {:.3}", time(from_s)), "s");
            let marks = axis.marks.into_iter().map(|(at, name)| (at + from_s, name)).collect();
            return Self { limits: [from_s, to_s], marks, ..axis };
        }
        let step = STEPS_S.into_iter().find(|step| span_s / step <= 5.0).unwrap_or(span_s / 5.0);
        let first = (from_s / step).ceil() as i64;
        let format = |at: f64| match step {
            step if step >= 86_400.0 => time(at).strftime("%m-%d").to_string(),
            step if step >= 60.0 => time(at).strftime("%H:%M").to_string(),
            _ => time(at).strftime("%H:%M:%S").to_string(),
        };
        let marks = (first..).map(|n| n as f64 * step).take_while(|at| *at <= to_s).take(12);
        let day = time(from_s).strftime("%Y-%m-%d").to_string();
        let label = if step >= 86_400.0 { "UTC".to_owned() } else { format!("UTC, from {day}") };
        Self { limits: [from_s, to_s], marks: marks.map(|at| (at, format(at))).collect(), label }
    }
}

fn time(second: f64) -> rangegate_core::Timestamp {
    time_from_ns((second * 1e9) as i64)
}

fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

/// A number with as many decimals as it needs.
pub fn number(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

/// A picture on its way.
pub struct Chart {
    svg: String,
    x: [f64; 2],
    y: [f64; 2],
}

impl Chart {
    /// Axes; `title` is for those who cannot see it.
    pub fn new(title: &str, x: &Axis, y: &Axis) -> Self {
        let mut chart = Self { svg: String::new(), x: x.limits, y: y.limits };
        let _ = write!(
            chart.svg,
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}"><title>{0}</title>"#,
            escaped(title)
        );
        let bottom = HEIGHT - BELOW;
        for (at, name) in &x.marks {
            let px = chart.px(*at);
            let _ = write!(
                chart.svg,
                r#"<path class="grid" d="M{px:.1} {TOP}V{bottom}"/><text x="{px:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 14.0,
                escaped(name)
            );
        }
        for (at, name) in &y.marks {
            let py = chart.py(*at);
            let _ = write!(
                chart.svg,
                r#"<path class="grid" d="M{LEFT} {py:.1}H{}"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 5.0,
                py + 4.0,
                escaped(name)
            );
        }
        let _ = write!(
            chart.svg,
            r#"<text x="{}" y="{}" text-anchor="middle">{}</text><text transform="translate(12 {}) rotate(-90)" text-anchor="middle">{}</text>"#,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            escaped(&x.label),
            (TOP + bottom) / 2.0,
            escaped(&y.label)
        );
        chart
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + ((x - self.x[0]) / (self.x[1] - self.x[0])).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        TOP + (1.0 - ((y - self.y[0]) / (self.y[1] - self.y[0])).clamp(0.0, 1.0)) * (HEIGHT - TOP - BELOW)
    }

    /// A rectangle between values.
    pub fn area(&mut self, class: &str, [x0, x1]: [f64; 2], [y0, y1]: [f64; 2], opacity: f64) {
        let (left, right, top, bottom) = (self.px(x0), self.px(x1), self.py(y1), self.py(y0));
        let _ = write!(
            self.svg,
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" opacity="{opacity:.2}"/>"#,
            (right - left).max(0.5),
            (bottom - top).max(0.0)
        );
    }

    /// Steps in which nothing was observed, shaded by how much of them was not.
    pub fn gaps(&mut self, steps: &Steps, observed_s: &[f64]) {
        let step_s = steps.step_ns as f64 * 1e-9;
        for (at, observed) in observed_s.iter().enumerate() {
            let [from, to] = seconds(steps, at);
            // A step at the edge of the window is cut.
            let whole_s = (to.min(self.x[1]) - from.max(self.x[0])).clamp(1e-9, step_s);
            let missing = 1.0 - observed / whole_s;
            if missing > 0.02 {
                self.area("gap", [from, to], self.y, missing.clamp(0.15, 1.0));
            }
        }
    }

    /// A line through points.
    pub fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, self.px(*x), self.py(*y));
        }
        let _ = write!(self.svg, r#"<path class="{class}" d="{path}"/>"#);
    }

    /// A point with a bar from low to high.
    pub fn interval(&mut self, x: f64, y: f64, [low, high]: [f64; 2]) {
        let (px, top, bottom) = (self.px(x), self.py(high), self.py(low));
        let _ = write!(
            self.svg,
            r#"<path class="bar" d="M{px:.1} {top:.1}V{bottom:.1}"/><circle class="dot" cx="{px:.1}" cy="{:.1}" r="3"/>"#,
            self.py(y)
        );
    }

    /// The cells of a map, by the logarithm of their counts.
    pub fn cells(&mut self, map: &Map, most: u64) -> Result<()> {
        let mut counts = vec![0; map.n_columns * map.n_rows];
        for [column, row, count] in &map.cells {
            counts[*row as usize * map.n_columns + *column as usize] = *count;
        }
        let top = ((most + 1) as f64).ln();
        let value = |column: usize, row: usize| {
            let count = counts[row * map.n_columns + column];
            (count > 0).then(|| ((count + 1) as f64).ln() / top)
        };
        let png = encode_cells(map.n_columns as u32, map.n_rows as u32, value)?;
        // What of the picture lies within the axes.
        let scale_x = (WIDTH - LEFT - RIGHT) / (self.x[1] - self.x[0]);
        let scale_y = (HEIGHT - TOP - BELOW) / (self.y[1] - self.y[0]);
        let (width, height) =
            (map.x[1] * map.n_columns as f64 * scale_x, map.y[1] * map.n_rows as f64 * scale_y);
        let left = (map.x[0] - self.x[0]) * scale_x;
        let top = (self.y[1] - map.y[0]) * scale_y - height;
        let _ = write!(
            self.svg,
            r#"<svg x="{LEFT}" y="{TOP}" width="{}" height="{}"><image x="{left:.2}" y="{top:.2}" width="{width:.2}" height="{height:.2}" preserveAspectRatio="none" image-rendering="pixelated" href="data:image/png;base64,{}"/></svg>"#,
            WIDTH - LEFT - RIGHT,
            HEIGHT - TOP - BELOW,
            base64(&png)
        );
        Ok(())
    }

    /// The picture with its frame.
    pub fn finish(mut self) -> String {
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BELOW);
        let _ = write!(
            self.svg,
            r#"<rect class="frame" x="{LEFT}" y="{TOP}" width="{width}" height="{height}"/></svg>"#
        );
        self.svg
    }
}

/// Begin and end of a step, s since 1970.
pub fn seconds(steps: &Steps, at: usize) -> [f64; 2] {
    steps.interval(at).map(|ns| ns as f64 * 1e-9)
}

/// Text that stands for itself in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), expected);
        }
    }

    #[test]
    fn axes_have_marks_within_their_limits() {
        for axis in [
            Axis::of(0.0, 31e3, "range", "m"),
            Axis::of(-3.0, -3.0, "x", ""),
            Axis::of_time(1.7e9, 1.7e9 + 0.5),
            Axis::of_time(1.7e9, 1.7e9 + 3e6),
        ] {
            assert!((2..=12).contains(&axis.marks.len()), "{:?}", axis.marks);
            assert!(
                axis.marks.iter().all(|(at, _)| *at >= axis.limits[0] - 1e-9 && *at <= axis.limits[1] + 1e-3)
            );
        }
    }
}
