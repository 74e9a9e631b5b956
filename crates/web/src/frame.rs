//! Binary frames: what a view is made of, pooled to the client's screen and quantised to a byte a cell.

use serde::Serialize;

/// A picture that a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Power over range and Doppler of one dwell.
    RangeDoppler = 1,
    /// Power over range (or speed, or frequency) and time: a row a dwell.
    RangeTime = 2,
    /// Power over range (or speed) of one dwell, with the threshold.
    AScope = 3,
    /// Power spectrum of the samples.
    Spectrum = 4,
}

impl View {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RangeDoppler, Self::RangeTime, Self::AScope, Self::Spectrum];

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RangeDoppler => "range_doppler",
            Self::RangeTime => "range_time",
            Self::AScope => "a_scope",
            Self::Spectrum => "spectrum",
        }
    }

    /// The view of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    /// Its place in a set of bits.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What the cells of a row, or the rows, stand for: cell `k` is at `start + k · step`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Axis {
    /// What changes along it: `range`, `range_rate`, `frequency`, `time`.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The first cell's value.
    pub start: f64,
    /// From one cell to the next.
    pub step: f64,
}

impl Axis {
    /// The axis of cells of which each stands for `factor` of these.
    fn pooled(self, factor: usize) -> Self {
        let step = self.step * factor as f64;
        Self { start: self.start + 0.5 * (step - self.step), step, ..self }
    }
}

/// What a frame is of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Absolute index of the first sample.
    pub sample: u64,
    /// Its time: s since 1970, or since the first sample of the stream where that has no time.
    pub time_s: f64,
    /// Channel.
    pub channel: u32,
}

/// Powers in rows, such as a range-Doppler map.
#[derive(Clone, Debug)]
pub struct Map<'a> {
    /// What it is of.
    pub moment: Moment,
    /// The rows, all of one length, in the order of `y`.
    pub rows: &'a [&'a [f32]],
    /// Along a row.
    pub x: Axis,
    /// From row to row.
    pub y: Axis,
    /// Power that is 0 dB.
    pub reference: f32,
    /// `snr_db` or `power_db`.
    pub quantity: &'static str,
    /// Of a waterfall: time of the first row, and from row to row, s; `None` where rows are unevenly apart.
    pub times_s: Option<(f64, Option<f64>)>,
}

/// Decibels of value 0, and from one value to the next: −20 dB to 107.5 dB.
const FLOOR_DB: f32 = -20.0;
const STEP_DB: f32 = 0.5;

#[derive(Serialize)]
struct MapHeader<'a> {
    #[serde(flatten)]
    moment: Moment,
    rows: usize,
    cols: usize,
    floor_db: f32,
    step_db: f32,
    x: Axis,
    y: Axis,
    quantity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time0_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_s: Option<Option<f64>>,
}

/// A frame's version.
const VERSION: u8 = 1;

/// Header and place for the payload.
fn begin(view: View, header: &impl Serialize, payload: usize) -> Vec<u8> {
    // What cannot be written as JSON is none of these: numbers, and names that are fixed.
    let mut text = serde_json::to_vec(header).unwrap_or_default();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut frame = Vec::with_capacity(8 + text.len() + payload);
    frame.extend([view as u8, VERSION, 0, 0]);
    frame.extend((text.len() as u32).to_le_bytes());
    frame.extend(text);
    frame
}

/// A frame of a map, pooled by the greatest power to at most `max_rows × max_cols` cells.
pub fn map(view: View, map: &Map<'_>, max_rows: usize, max_cols: usize) -> Vec<u8> {
    let (n_rows, n_cols) = (map.rows.len(), map.rows.first().map_or(0, |row| row.len()));
    let by_rows = n_rows.div_ceil(max_rows.max(1)).max(1);
    let by_cols = n_cols.div_ceil(max_cols.max(1)).max(1);
    let (rows, cols) = (n_rows.div_ceil(by_rows), n_cols.div_ceil(by_cols));
    let header = MapHeader {
        moment: map.moment,
        rows,
        cols,
        floor_db: FLOOR_DB,
        step_db: STEP_DB,
        x: map.x.pooled(by_cols),
        y: map.y.pooled(by_rows),
        quantity: map.quantity,
        time0_s: map.times_s.map(|times| times.0),
        row_s: map.times_s.map(|times| times.1.map(|row_s| row_s * by_rows as f64)),
    };
    let mut frame = begin(view, &header, rows * cols);
    let scale = 1.0 / map.reference.max(f32::MIN_POSITIVE);
    let mut greatest = vec![0.0_f32; n_cols];
    let mut pooled = vec![0.0_f32; cols];
    for group in map.rows.chunks(by_rows) {
        greatest.fill(0.0);
        for row in group {
            greatest.iter_mut().zip(*row).for_each(|(greatest, power)| *greatest = greatest.max(*power));
        }
        let cells: &[f32] = if by_cols == 1 {
            &greatest
        } else {
            for (cell, powers) in pooled.iter_mut().zip(greatest.chunks(by_cols)) {
                *cell = powers.iter().copied().fold(0.0, f32::max);
            }
            &pooled
        };
        frame.extend(cells.iter().map(|power| value(power * scale)));
    }
    frame
}

/// A frame of powers and thresholds; NaN where there is no threshold.
pub fn a_scope(moment: Moment, x: Axis, powers: &[f32], thresholds: &[f32], reference: f32) -> Vec<u8> {
    #[derive(Serialize)]
    struct Header {
        #[serde(flatten)]
        moment: Moment,
        n: usize,
        x: Axis,
    }
    let mut frame = begin(View::AScope, &Header { moment, n: powers.len(), x }, 8 * powers.len());
    let thresholds = thresholds.iter().copied().chain(std::iter::repeat(f32::NAN));
    for power in powers.iter().copied().chain(thresholds.take(powers.len())) {
        frame.extend(exact_db(power / reference).to_le_bytes());
    }
    frame
}

/// A frame of a spectrum of powers against full scale.
pub fn spectrum(moment: Moment, x: Axis, powers: &[f32]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Header {
        #[serde(flatten)]
        moment: Moment,
        n: usize,
        x: Axis,
    }
    let mut frame = begin(View::Spectrum, &Header { moment, n: powers.len(), x }, 4 * powers.len());
    powers.iter().for_each(|power| frame.extend(exact_db(*power).to_le_bytes()));
    frame
}

/// Decibels; −200 for nothing.
fn exact_db(power: f32) -> f32 {
    if power.is_nan() { f32::NAN } else { (10.0 * power.log10()).clamp(-200.0, 400.0) }
}

/// A power as a byte.
fn value(power: f32) -> u8 {
    // Saturates; what is no number is 0.
    ((fast_db(power) - FLOOR_DB) * (1.0 / STEP_DB) + 0.5) as u8
}

/// Decibels within 0.01 dB: the exponent, and a cubic for the mantissa. A logarithm a cell would take a tenth of a core.
fn fast_db(power: f32) -> f32 {
    let bits = power.max(f32::MIN_POSITIVE).to_bits();
    let exponent = (bits >> 23) as f32 - 127.0;
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let log2 = ((0.155_445_86 * m - 1.039_258_2) * m + 3.029_478_2) * m - 2.144_940_6;
    10.0 * std::f32::consts::LOG10_2 * (exponent + log2)
}

/// Mean power of noise, of the median of a map's cells: exponential, as noise of a square law is.
pub fn noise(rows: &[&[f32]]) -> f32 {
    const CELLS: usize = 4096;
    let n: usize = rows.iter().map(|row| row.len()).sum();
    let step = (n / CELLS).max(1);
    let mut cells: Vec<f32> = rows.iter().copied().flatten().copied().step_by(step).collect();
    cells.retain(|power| *power > 0.0);
    if cells.is_empty() {
        return 1.0;
    }
    let middle = cells.len() / 2;
    let (_, median, _) = cells.select_nth_unstable_by(middle, f32::total_cmp);
    *median / std::f32::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis { name: "range", unit: "m", start: 100.0, step: 10.0 };
    const MOMENT: Moment = Moment { sample: 7, time_s: 1.5, channel: 0 };

    fn parts(frame: &[u8]) -> (serde_json::Value, &[u8]) {
        let n = u32::from_le_bytes(frame[4..8].try_into().unwrap()) as usize;
        assert!(n.is_multiple_of(4));
        (serde_json::from_slice(&frame[8..8 + n]).unwrap(), &frame[8 + n..])
    }

    #[test]
    fn maps_are_pooled_by_the_greatest_and_axes_keep_their_place() {
        let rows: Vec<Vec<f32>> =
            (0..5).map(|r| (0..7).map(|c| if (r, c) == (3, 4) { 1e4 } else { 1.0 }).collect()).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let of = Map {
            moment: MOMENT,
            rows: &rows,
            x: AXIS,
            y: AXIS,
            reference: 1.0,
            quantity: "snr_db",
            times_s: None,
        };
        let frame = map(View::RangeDoppler, &of, 3, 4);
        assert_eq!(&frame[..4], [1, 1, 0, 0]);
        let (header, cells) = parts(&frame);
        assert_eq!((&header["rows"], &header["cols"]), (&3.into(), &4.into()));
        assert_eq!(
            header["x"],
            serde_json::json!({"name": "range", "unit": "m", "start": 105.0, "step": 20.0})
        );
        assert_eq!(header.get("time0_s"), None);
        assert_eq!(cells, [40, 40, 40, 40, 40, 40, 120, 40, 40, 40, 40, 40]);
        let frame = map(View::RangeDoppler, &of, 512, 2048);
        let (header, cells) = parts(&frame);
        assert_eq!((&header["cols"], cells.len()), (&7.into(), 35));
    }

    #[test]
    fn decibels_are_near() {
        for k in -150..150 {
            for m in 0..64 {
                let power = 10_f32.powf(k as f32 / 10.0) * (1.0 + m as f32 / 640.0);
                let error = fast_db(power) - 10.0 * power.log10();
                assert!(error.abs() < 0.01, "{power}: {error}");
            }
        }
        assert_eq!([value(0.0), value(f32::NAN), value(f32::INFINITY), value(1.0)], [0, 0, 255, 40]);
    }

    #[test]
    fn noise_is_found_below_targets() {
        // Quantiles of the exponential distribution of mean 3.
        let mut cells: Vec<f32> = (0..1000).map(|k| -3.0 * (1.0 - (k as f32 + 0.5) / 1000.0).ln()).collect();
        cells[999] = 1e9;
        assert!((noise(&[&cells, &cells]) / 3.0 - 1.0).abs() < 0.01);
        assert!(noise(&[]) > 0.0);
    }

    #[test]
    fn scopes_hold_powers_then_thresholds() {
        let frame = a_scope(MOMENT, AXIS, &[1.0, 100.0, 0.0], &[10.0], 1.0);
        let (header, bytes) = parts(&frame);
        assert_eq!(header["n"], 3);
        let values: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        for (value, expected) in values.iter().zip([0.0, 20.0, -200.0, 10.0]) {
            assert!((value - expected).abs() < 1e-4, "{value} for {expected}");
        }
        assert!(values[4].is_nan() && values.len() == 6);
        let frame = spectrum(MOMENT, AXIS, &[10.0]);
        let (header, bytes) = parts(&frame);
        assert_eq!((&header["n"], bytes), (&1.into(), &10_f32.to_le_bytes()[..]));
    }
}
