//! Counts over axes whose limits are not known beforehand.

/// An axis of a fixed, even number of bins. When a value lies beyond, bins are joined two by two until it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    origin: f64,
    width: f64,
    n: usize,
    /// It does not grow.
    is_fixed: bool,
}

/// What joining bins did: to which new bin each pair goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Up,
    Down,
}

/// No value lies farther out.
const FARTHEST: f64 = 1e12;

impl Axis {
    /// Bins of this width from `origin` on, that grow.
    pub fn growing(origin: f64, width: f64, n: usize) -> Self {
        Self { origin, width, n: n.max(2).next_multiple_of(2), is_fixed: false }
    }

    /// Bins between two limits; what lies outside is in none.
    pub fn fixed(low: f64, high: f64, n: usize) -> Self {
        Self { origin: low, width: (high - low) / n.max(1) as f64, n: n.max(1), is_fixed: true }
    }

    /// Number of bins.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Lower edge of a bin; of one behind the last, the upper edge of all.
    pub fn edge(&self, at: usize) -> f64 {
        self.origin + self.width * at as f64
    }

    /// The bin of a value.
    pub fn bin(&self, value: f64) -> Option<usize> {
        let at = ((value - self.origin) / self.width).floor();
        (at >= 0.0 && at < self.n as f64).then_some(at as usize)
    }

    /// Joins bins until a value has one. `None`: it has none.
    fn reach(&mut self, value: f64, mut join: impl FnMut(Growth)) -> Option<usize> {
        if value.abs() > FARTHEST || !value.is_finite() {
            return None;
        }
        loop {
            if let Some(at) = self.bin(value) {
                return Some(at);
            }
            if self.is_fixed {
                return None;
            }
            let growth = if value < self.origin { Growth::Down } else { Growth::Up };
            if growth == Growth::Down {
                self.origin -= self.width * self.n as f64;
            }
            self.width *= 2.0;
            join(growth);
        }
    }
}

/// What can be added up.
pub trait Sum: Clone + Default {
    /// Adds another.
    fn add(&mut self, other: &Self);
}

impl Sum for u64 {
    fn add(&mut self, other: &Self) {
        *self += other;
    }
}

impl Sum for [u64; 2] {
    fn add(&mut self, other: &Self) {
        self[0] += other[0];
        self[1] += other[1];
    }
}

/// Sums over a plane `[rows × columns]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T> {
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// Row by row.
    pub cells: Vec<T>,
}

impl<T: Sum> Plane<T> {
    /// Nothing yet.
    pub fn new(x: Axis, y: Axis) -> Self {
        let cells = vec![T::default(); x.n * y.n];
        Self { x, y, cells }
    }

    /// The cell of a place; `None` where it is not finite, or off a fixed axis.
    pub fn at(&mut self, x: f64, y: f64) -> Option<&mut T> {
        let (columns, rows) = (self.x.n, self.y.n);
        let cells = &mut self.cells;
        let column = self.x.reach(x, |growth| {
            for row in 0..rows {
                halve(&mut cells[row * columns..(row + 1) * columns], growth, 1);
            }
        })?;
        let row = self.y.reach(y, |growth| halve(cells, growth, columns))?;
        self.cells.get_mut(row * columns + column)
    }

    /// A cell.
    pub fn cell(&self, column: usize, row: usize) -> &T {
        &self.cells[row * self.x.n + column]
    }
}

/// Joins runs of `stride` cells two by two into the lower or the upper half.
fn halve<T: Sum>(cells: &mut [T], growth: Growth, stride: usize) {
    let n = cells.len() / stride;
    let mut joined = vec![T::default(); cells.len()];
    let offset = if growth == Growth::Down { n / 2 } else { 0 };
    for at in 0..n {
        for k in 0..stride {
            joined[(offset + at / 2) * stride + k].add(&cells[at * stride + k]);
        }
    }
    cells.clone_from_slice(&joined);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_is_counted_where_it_lies() {
        let mut plane = Plane::<u64>::new(Axis::growing(0.0, 1.0, 8), Axis::fixed(0.0, 4.0, 4));
        let values: Vec<f64> = (0..200).map(|k| f64::from(k * k % 397) * 7.3 - 900.0).collect();
        for (k, value) in values.iter().enumerate() {
            *plane.at(*value, (k % 4) as f64).unwrap() += 1;
        }
        assert_eq!(plane.at(0.0, 4.0), None);
        assert_eq!(plane.at(f64::NAN, 0.0), None);
        assert_eq!(plane.at(1e300, 0.0), None);
        for column in 0..8 {
            for row in 0..4 {
                let lies = |(k, value): &(usize, &f64)| plane.x.bin(**value) == Some(column) && k % 4 == row;
                let expected = values.iter().enumerate().filter(lies).count() as u64;
                assert_eq!(*plane.cell(column, row), expected, "{column} {row}");
            }
        }
    }

    #[test]
    fn rows_grow_as_columns_do() {
        let mut plane = Plane::<u64>::new(Axis::fixed(0.0, 3.0, 3), Axis::growing(0.0, 1.0, 4));
        for y in [-3.0, 0.5, 9.0, 2.5] {
            *plane.at(1.0, y).unwrap() += 1;
        }
        let column: Vec<u64> = (0..4).map(|row| *plane.cell(1, row)).collect();
        assert_eq!(column.iter().sum::<u64>(), 4);
        for y in [-3.0, 0.5, 9.0, 2.5] {
            assert!(*plane.cell(1, plane.y.bin(y).unwrap()) > 0);
        }
    }
}
