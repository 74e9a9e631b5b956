//! From cells above the threshold to peaks between the samples.

/// A cell above its threshold: of all rows of a template the one that is furthest above.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// Value over threshold, above 1.
    ratio: f32,
    /// Value of the cell: |y|², or z for magnitudes.
    pub value: f32,
    /// What the CFAR estimated beside it.
    pub level: f32,
    /// Row of the template.
    pub row: u32,
    /// Values of the same row one cell earlier and later; 0 where there is no cell.
    pub earlier: f32,
    pub later: f32,
    /// Values of the same cell one row lower and higher; 0 where there is no row.
    pub lower: f32,
    pub higher: f32,
}

/// The crossings of one template in one segment, by cell.
#[derive(Debug)]
pub(super) struct Crossings {
    /// Place in `list` plus one, or 0 for a cell that is below the threshold in all rows.
    places: Vec<u32>,
    list: Vec<(u32, Crossing)>,
}

/// One row of cells, with those that are tested.
pub(super) struct TestedRow<'a> {
    pub row: usize,
    /// Values of the row; the tested cells begin at `first`.
    pub values: &'a [f32],
    /// Values of the row before, as long; empty for the first.
    pub values_below: &'a [f32],
    pub first: usize,
}

impl Crossings {
    pub fn with_capacity(n_cells: usize) -> Self {
        Self { places: vec![0; n_cells], list: Vec::with_capacity(n_cells) }
    }

    /// Begins a template.
    pub fn begin(&mut self) {
        for (cell, _) in self.list.drain(..) {
            self.places[cell as usize] = 0;
        }
    }

    /// Begins a row. They come in rising order.
    pub fn begin_row(&mut self, row: &TestedRow<'_>) {
        let at = |values: &[f32], cell: usize| values.get(cell).copied().unwrap_or(0.0);
        for (cell, crossing) in &mut self.list {
            if crossing.row as usize + 1 == row.row {
                crossing.higher = at(row.values, row.first + *cell as usize);
            }
        }
    }

    /// Takes a cell of the row that was begun last, which is above its threshold.
    pub fn add(&mut self, row: &TestedRow<'_>, cell: usize, level: f32, threshold: f32) {
        let n = row.first + cell;
        let at = |values: &[f32], n: usize| values.get(n).copied().unwrap_or(0.0);
        let ratio = row.values[n] / threshold;
        let crossing = Crossing {
            ratio,
            value: row.values[n],
            level,
            row: row.row as u32,
            earlier: n.checked_sub(1).map_or(0.0, |n| at(row.values, n)),
            later: at(row.values, n + 1),
            lower: at(row.values_below, n),
            higher: 0.0,
        };
        match self.places[cell] {
            0 => {
                self.list.push((cell as u32, crossing));
                self.places[cell] = self.list.len() as u32;
            }
            place => {
                let best = &mut self.list[place as usize - 1].1;
                if ratio > best.ratio {
                    *best = crossing;
                }
            }
        }
    }

    /// Cells whose crossing is greater than those next to it (of equal ones the earlier), in no particular
    /// order.
    pub fn local_maxima(&self) -> impl Iterator<Item = (usize, &Crossing)> {
        let value =
            |cell: Option<usize>| cell.and_then(|c| self.at(c)).map_or(f32::NEG_INFINITY, |c| c.value);
        self.list.iter().map(|(cell, crossing)| (*cell as usize, crossing)).filter(move |(cell, crossing)| {
            crossing.value > value(cell.checked_sub(1))
                && crossing.value >= value(cell.checked_add(1))
                && crossing.value.is_finite()
        })
    }

    fn at(&self, cell: usize) -> Option<&Crossing> {
        let place = *self.places.get(cell)?;
        self.list.get((place as usize).checked_sub(1)?).map(|(_, crossing)| crossing)
    }
}

/// A peak between two outputs of the filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between {
    /// Where it lies: 0 at the first output, 1 at the second.
    pub fraction: f64,
    /// Energy of the echo's samples over that of the replica's.
    pub energy: f64,
    /// Amplitude of an echo of rectangular pulses that the receiver has integrated over a sample, whose
    /// samples lose energy where an edge falls between two.
    pub amplitude: f64,
}

/// Where an echo lies whose filter output is `a` at one place and `b`, not greater, at the next, and which
/// correlates with itself as `r` over that distance.
///
/// The echo is taken for `(1 − f)` of one replica plus `f` of the next, which least squares then gives from
/// the two outputs alone: `f = (b − r·a) / ((a + b)·(1 − r))`. That is exact for rectangular pulses that
/// the receiver has integrated over a sample (any number of samples long), exact as well for a spectrum
/// that is flat up to half the sample rate (r = 0, outputs `sinc(f)` and `sinc(1 − f)`) and, along Doppler,
/// for a rectangular envelope whose hypotheses lie one over its length apart; and right to the third order
/// in `f` for peaks much wider than the distance.
pub(super) fn between(a: f64, b: f64, r: f64) -> Between {
    let (rest_a, rest_b) = (a - r * b, b - r * a);
    if !(rest_a > 0.0 && rest_b > 0.0 && r * r < 1.0 - 1e-12) {
        return Between { fraction: 0.0, energy: a * a, amplitude: a };
    }
    Between {
        fraction: rest_b / (rest_a + rest_b),
        energy: (a * a + b * b - 2.0 * r * a * b) / (1.0 - r * r),
        amplitude: (a + b) / (1.0 + r),
    }
}

/// As [`between`], with the neighbours on both sides: −0.5 to 0.5 or little more.
pub(super) fn around(before: f64, peak: f64, after: f64, r: f64) -> Between {
    if after >= before {
        between(peak, after, r)
    } else {
        let mirrored = between(peak, before, r);
        Between { fraction: -mirrored.fraction, ..mirrored }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn sinc(x: f64) -> f64 {
        if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
    }

    /// Greatest error over all places of a peak whose correlation with the replica is `shape` of the
    /// distance.
    fn greatest_error(shape: impl Fn(f64) -> f64) -> f64 {
        let errors = (-50..=50).map(|k| {
            let place = f64::from(k) / 100.0;
            let found = around(shape(place + 1.0), shape(place), shape(place - 1.0), shape(1.0));
            (found.fraction - place).abs()
        });
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn peaks_of_pulses_and_of_flat_spectra_are_found_exactly() {
        for width in [1.0, 2.0, 10.0, 1000.0] {
            let triangle = |d: f64| (1.0 - d.abs() / width).max(0.0);
            assert!(greatest_error(triangle) < 1e-9, "triangle of {width}");
            let pulse = around(triangle(1.3), triangle(0.3), triangle(-0.7), triangle(1.0));
            assert!((pulse.amplitude - 1.0).abs() < 1e-9, "triangle of {width}");
        }
        assert!(greatest_error(|d| sinc(d).abs()) < 1e-9);
    }

    #[test]
    fn smooth_peaks_are_found_to_a_hundredth() {
        // Spectra that are flat over a part of the sample rate.
        for (share, bound) in [(0.9, 0.02), (0.7, 0.03), (0.5, 0.02), (0.25, 0.005), (0.05, 2e-4)] {
            let error = greatest_error(|d| sinc(share * d).abs());
            assert!(error < bound, "{share}: {error}");
        }
        let error = greatest_error(|d: f64| (-d * d / 8.0).exp());
        assert!(error < 0.01, "gaussian: {error}");
    }

    #[test]
    fn degenerate_values_stay_at_the_peak() {
        for (a, b, r) in [(1.0, 0.2, 0.5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, -0.5, 0.1)] {
            assert_eq!(between(a, b, r), Between { fraction: 0.0, energy: a * a, amplitude: a });
        }
    }
}
