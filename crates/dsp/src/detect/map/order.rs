//! The ordered statistic, by counting: a cell exceeds the threshold if enough training cells lie so far below it,
//! and hardly any does. To find that, no cell has to be sorted.

use super::scales::RowScales;
use super::{Window, worker::Emit};
use crate::detect::os;

/// Cells that are tested side by side.
pub(super) const LANES: usize = 16;
/// Gates of which the least is held.
const RUN: usize = 4;
/// Blocks between two looks at whether all cells are decided.
const BLOCKS_A_LOOK: usize = 8;
/// What rounding can make of a threshold, generously.
const ROUNDING: f32 = 1e-5;

/// What a cell that is not there is held as: below any threshold.
pub(super) const ABSENT: f32 = -1.0;

/// Training cells of which `RUN` neighbours, or one, are tested at once.
#[derive(Clone, Copy, Debug)]
struct Probe {
    bin: i64,
    gate: isize,
    is_run: bool,
}

/// A strip of the map, with margins as wide as the reach and [`LANES`] more on the right; absent cells are
/// [`ABSENT`], and what is not a number counts as greater than all.
#[derive(Debug)]
pub(super) struct OrderedStrip {
    /// Least of a cell and the next three.
    least: Vec<f32>,
    selected: Vec<f32>,
    probes: Vec<Probe>,
}

impl OrderedStrip {
    pub(super) fn new(window: Window, len: usize) -> Self {
        let mut probes = Vec::with_capacity(window.n_cells());
        let reach = window.reach_bins() as i64;
        let mut bins: Vec<i64> = (-reach..=reach).collect();
        bins.sort_by_key(|b| (b.abs(), *b));
        for bin in bins {
            for (start, end) in runs_of_row(window, bin) {
                let n_runs = (end - start) as usize / RUN;
                let run = |i: usize| Probe { bin, gate: start + (i * RUN) as isize, is_run: true };
                probes.extend((0..n_runs).map(run));
                let rest = start + (n_runs * RUN) as isize..end;
                probes.extend(rest.map(|gate| Probe { bin, gate, is_run: false }));
            }
        }
        // Runs first: they decide the sooner.
        probes.sort_by_key(|probe| !probe.is_run);
        Self { least: vec![0.0; len], selected: vec![0.0; window.n_cells()], probes }
    }

    /// Prepares a strip whose cells are given.
    pub(super) fn begin(&mut self, strip: &[f32]) {
        let whole = strip.len() - (RUN - 1);
        for (least, v) in self.least[..whole].iter_mut().zip(strip.windows(RUN)) {
            *least = v[0].min(v[1]).min(v[2].min(v[3]));
        }
        self.least[whole..strip.len()].fill(ABSENT);
    }

    /// Tests the cells of one row of the strip, of which `gates` begins at the strip's cell `start`, one row being
    /// `width` long.
    pub(super) fn test_row(
        &mut self,
        strip: &[f32],
        (start, width): (usize, usize),
        row: &RowScales,
        window: Window,
        emit: &mut Emit<'_>,
    ) {
        let (first, n, n_gates) = (emit.first_gate, emit.n_cells, emit.n_gates);
        for lane in (0..n).step_by(LANES) {
            let here = start + lane;
            let mut needed = [f32::NEG_INFINITY; LANES];
            let mut spare = [0; LANES];
            for (i, (needed, spare)) in needed.iter_mut().zip(&mut spare).enumerate().take(n - lane) {
                let scale = row.at(first + lane + i, n_gates);
                *needed = strip[here + i] / (scale.unbias * scale.factor) * (1.0 + ROUNDING);
                *spare = (scale.n_cells - scale.order) as i32;
            }
            let count = self.count_not_below(&needed, &spare, strip, here, width);
            for i in (0..LANES.min(n - lane)).filter(|&i| count[i] <= spare[i]) {
                let gate = first + lane + i;
                self.test_cell(strip, (here + i, width), gate, row, window, emit);
            }
        }
    }

    /// How many training cells of each lane are at least what it needs them to be below: all, or more than can be
    /// spared.
    fn count_not_below(
        &self,
        needed: &[f32; LANES],
        spare: &[i32; LANES],
        strip: &[f32],
        here: usize,
        width: usize,
    ) -> [i32; LANES] {
        let mut count = [0; LANES];
        for probes in self.probes.chunks(BLOCKS_A_LOOK) {
            for probe in probes {
                let at = here.wrapping_add_signed(probe.bin as isize * width as isize + probe.gate);
                let (source, worth) = if probe.is_run { (&*self.least, RUN as i32) } else { (strip, 1) };
                for ((count, value), needed) in count.iter_mut().zip(&source[at..at + LANES]).zip(needed) {
                    *count += if value >= needed { worth } else { 0 };
                }
            }
            let undecided = count.iter().zip(spare).fold(false, |any, (count, spare)| any | (count <= spare));
            if !undecided {
                break;
            }
        }
        count
    }

    /// The test by its definition.
    #[cold]
    fn test_cell(
        &mut self,
        strip: &[f32],
        (here, width): (usize, usize),
        gate: usize,
        row: &RowScales,
        window: Window,
        emit: &mut Emit<'_>,
    ) {
        let scale = row.at(gate, emit.n_gates);
        if scale.n_cells == 0 {
            return;
        }
        let per_level = scale.unbias * scale.factor;
        let needed = strip[here] / per_level * (1.0 + ROUNDING);
        let runs = || {
            let bins = row.bins.iter();
            bins.flat_map(|&bin| runs_of_row(window, bin).map(move |(start, end)| (bin, start, end))).map(
                |(bin, start, end)| {
                    let at = here.wrapping_add_signed(bin as isize * width as isize + start);
                    &strip[at..at + (end - start) as usize]
                },
            )
        };
        let not_below: usize =
            runs().map(|cells| cells.iter().map(|v| usize::from(*v >= needed)).sum::<usize>()).sum();
        if not_below > scale.n_cells - scale.order {
            return;
        }
        let mut n = 0;
        for cells in runs() {
            for &value in cells.iter().filter(|&&v| v > ABSENT) {
                self.selected[n] = value;
                n += 1;
            }
        }
        let statistic = os::select(&mut self.selected[..n], scale.order);
        if statistic > 0.0 && strip[here] > statistic * per_level {
            emit.crossing(gate, strip[here], statistic * scale.unbias);
        }
    }
}

/// Training gates of a row of the ring, as half-open ranges relative to the cell.
fn runs_of_row(window: Window, bin: i64) -> impl Iterator<Item = (isize, isize)> {
    let (reach, guard) = (window.reach_gates() as isize, window.guard_gates as isize);
    let beside = bin.unsigned_abs() as usize <= window.guard_bins;
    let runs =
        if beside { [(-reach, -guard), (guard + 1, reach + 1)] } else { [(-reach, reach + 1), (0, 0)] };
    runs.into_iter().filter(|(start, end)| start < end)
}
