//! Distances between two sets of points.

use super::assignment;

/// Generalised optimal sub-pattern assignment (Rahmathullah, García-Fernández, Svensson, 2017), α = 2, with its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gospa {
    /// The distance: (localisation + missed + false)^(1/p).
    pub distance: f64,
    /// Sum of the p-th powers of the distances of those assigned.
    pub localisation: f64,
    /// c^p/2 for each truth without a track.
    pub missed: f64,
    /// c^p/2 for each track without a truth.
    pub false_tracks: f64,
    /// How many truths have no track.
    pub n_missed: usize,
    /// How many tracks have no truth.
    pub n_false: usize,
}

/// GOSPA of order `order` (p ≥ 1) and cut-off `cutoff` (c > 0).
///
/// # Panics
///
/// If order is below 1 or the cut-off is not positive.
pub fn gospa(
    n_truths: usize,
    n_tracks: usize,
    distance: impl Fn(usize, usize) -> f64,
    cutoff: f64,
    order: f64,
) -> Gospa {
    check(cutoff, order);
    let (rows, columns) = (n_truths.min(n_tracks), n_truths.max(n_tracks));
    let between = |row: usize, column: usize| {
        let far = if n_truths <= n_tracks { distance(row, column) } else { distance(column, row) };
        if far < cutoff { far } else { cutoff }
    };
    let mut metric = Gospa::default();
    let mut n_assigned = 0;
    let chosen = assignment(rows, columns, |row, column| (between(row, column) / cutoff).powf(order));
    for (row, column) in chosen.into_iter().enumerate() {
        let far = between(row, column);
        if far < cutoff {
            metric.localisation += far.powf(order);
            n_assigned += 1;
        }
    }
    let each = cutoff.powf(order) / 2.0;
    metric.n_missed = n_truths - n_assigned;
    metric.n_false = n_tracks - n_assigned;
    metric.missed = each * metric.n_missed as f64;
    metric.false_tracks = each * metric.n_false as f64;
    metric.distance = (metric.localisation + metric.missed + metric.false_tracks).powf(1.0 / order);
    metric
}

/// Optimal sub-pattern assignment of order p and cut-off c (Schuhmacher, Vo, Vo, 2008): 0 to c; 0 for two empty sets.
///
/// # Panics
///
/// If order is below 1 or the cut-off is not positive.
pub fn ospa(
    n_truths: usize,
    n_tracks: usize,
    distance: impl Fn(usize, usize) -> f64,
    cutoff: f64,
    order: f64,
) -> f64 {
    check(cutoff, order);
    let (rows, columns) = (n_truths.min(n_tracks), n_truths.max(n_tracks));
    if columns == 0 {
        return 0.0;
    }
    let between = |row: usize, column: usize| {
        let far = if n_truths <= n_tracks { distance(row, column) } else { distance(column, row) };
        (if far < cutoff { far } else { cutoff }) / cutoff
    };
    let chosen = assignment(rows, columns, |row, column| between(row, column).powf(order));
    let near: f64 =
        chosen.into_iter().enumerate().map(|(row, column)| between(row, column).powf(order)).sum();
    cutoff * ((near + (columns - rows) as f64) / columns as f64).powf(1.0 / order)
}

fn check(cutoff: f64, order: f64) {
    assert!(cutoff > 0.0, "cutoff: found {cutoff}, expected a positive number");
    assert!(order >= 1.0, "order: found {order}, expected 1 or more");
}
