//! Power and spectrum over time in bounded memory, for streams of any length.

/// Most columns that are kept.
const MAX_COLUMNS: usize = 2048;

/// One column: sums over the samples in it.
#[derive(Clone, Debug, Default)]
struct Column {
    /// Samples that were added.
    n: f64,
    power: f64,
    peak: f32,
    spectrum: Vec<f64>,
}

/// Power and spectrum over time. When the columns are used up each two become one, so that a stream of any
/// length fits; what comes out depends on the stream alone.
#[derive(Clone, Debug)]
pub struct Waterfall {
    first_sample: u64,
    column_samples: u64,
    n_bins: usize,
    columns: Vec<Column>,
}

impl Waterfall {
    /// An empty one that begins at an absolute sample index, with columns of `column_samples` to begin with and
    /// `n_bins` bins of spectrum from −fs/2 on.
    pub fn new(first_sample: u64, column_samples: usize, n_bins: usize) -> Self {
        Self { first_sample, column_samples: column_samples.max(1) as u64, n_bins, columns: Vec::new() }
    }

    /// Adds a stretch of samples that is no longer than the first columns were: mean and greatest |x|², and
    /// the power spectrum, whose bins sum to the mean. Stretches before the beginning are left out.
    pub fn push(&mut self, first_sample: u64, n_samples: usize, mean: f32, peak: f32, spectrum: &[f32]) {
        let Some(offset) = first_sample.checked_sub(self.first_sample) else { return };
        while offset / self.column_samples >= MAX_COLUMNS as u64 {
            self.halve();
        }
        let at = (offset / self.column_samples) as usize;
        if at >= self.columns.len() {
            self.columns.resize_with(at + 1, Column::default);
        }
        let column = &mut self.columns[at];
        let n = n_samples as f64;
        column.n += n;
        column.power += n * f64::from(mean);
        column.peak = column.peak.max(peak);
        if spectrum.len() == self.n_bins {
            column.spectrum.resize(self.n_bins, 0.0);
            for (sum, bin) in column.spectrum.iter_mut().zip(spectrum) {
                *sum += n * f64::from(*bin);
            }
        }
    }

    fn halve(&mut self) {
        self.column_samples *= 2;
        let old = std::mem::take(&mut self.columns);
        for (at, column) in old.into_iter().enumerate() {
            if at % 2 == 0 {
                self.columns.push(column);
                continue;
            }
            let Some(into) = self.columns.last_mut() else { continue };
            into.n += column.n;
            into.power += column.power;
            into.peak = into.peak.max(column.peak);
            if into.spectrum.len() < column.spectrum.len() {
                into.spectrum.resize(column.spectrum.len(), 0.0);
            }
            for (sum, bin) in into.spectrum.iter_mut().zip(&column.spectrum) {
                *sum += bin;
            }
        }
    }

    /// Number of columns; some may hold no sample, where there was a gap.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Samples that one column stands for.
    pub fn column_samples(&self) -> u64 {
        self.column_samples
    }

    /// Bins of the spectrum.
    pub fn n_bins(&self) -> usize {
        self.n_bins
    }

    /// Mean and greatest |x|² of a column, or `None` in a gap.
    pub fn power(&self, column: usize) -> Option<(f64, f64)> {
        let column = self.columns.get(column).filter(|column| column.n > 0.0)?;
        Some((column.power / column.n, f64::from(column.peak)))
    }

    /// Power in a bin of a column, or `None` in a gap.
    pub fn bin(&self, column: usize, bin: usize) -> Option<f64> {
        let column = self.columns.get(column).filter(|column| column.n > 0.0)?;
        column.spectrum.get(bin).map(|sum| sum / column.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_fits_and_keeps_its_power() {
        let mut waterfall = Waterfall::new(1000, 10, 2);
        for part in 0..5000_u64 {
            let mean = if part == 4000 { 9.0 } else { 1.0 };
            waterfall.push(1000 + 10 * part, 10, mean, mean, &[0.25, 0.75]);
        }
        assert_eq!((waterfall.column_samples(), waterfall.n_columns()), (40, 1250));
        assert_eq!(waterfall.power(0), Some((1.0, 1.0)));
        assert_eq!(waterfall.power(1000), Some((3.0, 9.0)));
        assert_eq!(waterfall.bin(1249, 1), Some(0.75));
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut waterfall = Waterfall::new(0, 10, 1);
        waterfall.push(0, 10, 1.0, 1.0, &[1.0]);
        waterfall.push(50, 10, 1.0, 1.0, &[1.0]);
        assert_eq!((waterfall.n_columns(), waterfall.power(3)), (6, None));
    }
}
