//! The delay-Doppler surface of one replica, for plots.

use super::PeriodicWorker;
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
}

impl PeriodicWorker {
    /// Surface of one replica over the dwell, for all Doppler hypotheses. `None` where the core is shorter
    /// than a dwell or there is no such replica or channel.
    ///
    /// Cost: `[n_doppler × noncoherent]` forward and inverse FFTs; allocates its result.
    pub fn surface(
        &mut self,
        segment: &Segment,
        channel: usize,
        replica: usize,
        window: &DelayWindow,
    ) -> Option<Surface> {
        let (plan, correlator) = self.correlator();
        let fits = segment.core.len() >= plan.core_len
            && channel < plan.stream.n_channels
            && replica < plan.filters.len();
        if !fits {
            return None;
        }
        let (cell_s, n_cells) = (plan.cell_s(), plan.n_delay_cells());
        let first = (window.start_s / cell_s).round();
        let n_shown = ((window.span_s / cell_s).ceil().max(1.0) as usize).min(n_cells);
        let n_joined = n_shown.div_ceil(window.max_columns.max(1));
        let n_delay = n_shown / n_joined;
        let start = first.rem_euclid(n_cells as f64) as usize;
        let mut power = Vec::with_capacity(plan.hypotheses_hz.len() * n_delay);
        for &doppler_hz in &plan.hypotheses_hz {
            correlator.row_at(plan, segment, channel, replica, doppler_hz);
            let cells = |column: usize| (0..n_joined).map(move |i| (start + column * n_joined + i) % n_cells);
            let greatest = |column| cells(column).map(|c| correlator.row[c]).fold(0.0, f32::max);
            power.extend((0..n_delay).map(greatest));
        }
        Some(Surface {
            power,
            doppler_hz: plan.hypotheses_hz.clone(),
            n_delay,
            delay_start_s: first * cell_s,
            delay_step_s: n_joined as f64 * cell_s,
        })
    }
}
