//! The delay-Doppler surface of one replica, for plots.

use super::{PeriodicPlan, PeriodicWorker};
use rangegate_core::Segment;

/// Which delays a surface shows, in which number of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayWindow {
    /// Delay of the first column's beginning, s; delays beyond the code period begin anew.
    pub start_s: f64,
    /// Delays shown, s; more than a code period is cut to that.
    pub span_s: f64,
    /// Most columns: where cells are more, a column is the greatest of several.
    pub max_columns: usize,
}

impl DelayWindow {
    /// The whole code period in at most 1024 columns.
    pub const fn full() -> Self {
        Self { start_s: 0.0, span_s: f64::INFINITY, max_columns: 1024 }
    }

    /// So much on both sides of a delay, in at most 1024 columns.
    pub const fn around(delay_s: f64, half_span_s: f64) -> Self {
        Self { start_s: delay_s - half_span_s, span_s: 2.0 * half_span_s, max_columns: 1024 }
    }
}

/// Power over delay and Doppler.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// `[n_doppler × n_delay]`: power against full scale, of a column's greatest cell.
    pub power: Vec<f32>,
    /// Doppler shift of each row, Hz, rising.
    pub doppler_hz: Vec<f64>,
    /// Number of columns.
    pub n_delay: usize,
    /// Delay of the first column's first cell, s.
    pub delay_start_s: f64,
    /// From column to column, s.
    pub delay_step_s: f64,
    /// Cell of the first column, and cells that a column joins.
    first_cell: usize,
    n_joined: usize,
}

impl PeriodicWorker {
    /// Surfaces of one replica over the dwell, for all Doppler hypotheses, one for each window. `None` where the
    /// core is shorter than a dwell or there is no such replica or channel.
    ///
    /// Cost: what a search for this replica costs, `[n_doppler × noncoherent]` inverse FFTs and a few forward ones,
    /// whatever the number of windows; allocates its result.
    pub fn surfaces<const N: usize>(
        &mut self,
        segment: &Segment,
        channel: usize,
        replica: usize,
        windows: [DelayWindow; N],
    ) -> Option<[Surface; N]> {
        let (plan, correlator) = self.correlator();
        let fits = segment.core.len() >= plan.core_len
            && channel < plan.stream.n_channels
            && replica < plan.filters.len();
        if !fits {
            return None;
        }
        let mut surfaces = windows.map(|window| Surface::empty(plan, &window));
        for residue in &plan.residues {
            correlator.transform(plan, segment, channel, residue.offset_hz);
            for &(shift, doppler_hz) in &residue.shifts {
                correlator.align(plan, shift, doppler_hz);
                correlator.correlate(plan, replica);
                let row = plan.hypotheses_hz.partition_point(|&hz| hz < doppler_hz);
                surfaces.iter_mut().for_each(|surface| surface.fill(row, &correlator.row));
            }
        }
        Some(surfaces)
    }
}

impl Surface {
    /// A surface of the right shape and place, without power.
    fn empty(plan: &PeriodicPlan, window: &DelayWindow) -> Self {
        let (cell_s, n_cells) = (plan.cell_s(), plan.n_delay_cells());
        let first = (window.start_s / cell_s).round();
        let n_shown = ((window.span_s / cell_s).ceil().max(1.0) as usize).min(n_cells);
        let n_joined = n_shown.div_ceil(window.max_columns.max(1));
        let n_delay = n_shown / n_joined;
        Self {
            power: vec![0.0; plan.hypotheses_hz.len() * n_delay],
            doppler_hz: plan.hypotheses_hz.clone(),
            n_delay,
            delay_start_s: first * cell_s,
            delay_step_s: n_joined as f64 * cell_s,
            first_cell: first.rem_euclid(n_cells as f64) as usize,
            n_joined,
        }
    }

    /// Fills a row from all delay cells of its hypothesis.
    fn fill(&mut self, row: usize, cells: &[f32]) {
        let (first, n_joined) = (self.first_cell, self.n_joined);
        let columns = &mut self.power[row * self.n_delay..][..self.n_delay];
        for (column, greatest) in columns.iter_mut().enumerate() {
            let joined = (0..n_joined).map(|i| cells[(first + column * n_joined + i) % cells.len()]);
            *greatest = joined.fold(0.0, f32::max);
        }
    }
}
