//! Outlines of what is above a level in a field over a grid, by marching squares (Lorensen and Cline 1987, in the plane).

use crate::grid::Grid;
use std::collections::BTreeMap;

/// Longitude and latitude, degrees.
pub type Point = [f64; 2];

/// A closed line: the last point is the first. Anticlockwise around what is above the level, clockwise around holes.
pub type Ring = Vec<Point>;

/// A polygon: its outside, then its holes.
pub type Polygon = Vec<Ring>;

/// Polygons around what is above `level` in a field `[rows × columns]` of cells' middles. Longitudes are −180 to 180: a
/// grid across the antimeridian gives polygons on either side that meet there (RFC 7946, 3.1.9). What reaches the
/// grid's edge ends there.
///
/// Cost: cells; holes times outsides.
pub fn polygons(grid: &Grid, field: &[f32], level: f32) -> Vec<Polygon> {
    // Grids are cut so that the antimeridian lies between two columns.
    let before = ((180.0 - grid.west_deg) / grid.step_deg[0]).round();
    let n_before = if before >= 1.0 && before < grid.columns as f64 { before as usize } else { grid.columns };
    let mut polygons = part(grid, field, level, 0..n_before, 0.0);
    polygons.extend(part(grid, field, level, n_before..grid.columns, -360.0));
    polygons
}

/// An edge between two neighbouring points: of the left or lower one, and whether it goes up.
type Edge = (usize, usize, bool);

/// The field of some columns with a frame of nothing around it, which lies on the outer edges of the cells.
struct Framed<'a> {
    field: &'a [f32],
    n_columns: usize,
    columns: std::ops::Range<usize>,
    rows: usize,
    xs: Vec<f64>,
    ys: Vec<f64>,
    level: f32,
}

impl Framed<'_> {
    fn is_frame(&self, x: usize, y: usize) -> bool {
        x == 0 || y == 0 || x > self.columns.len() || y > self.rows
    }

    fn value(&self, x: usize, y: usize) -> f32 {
        if self.is_frame(x, y) {
            f32::NEG_INFINITY
        } else {
            self.field[(y - 1) * self.n_columns + self.columns.start + x - 1]
        }
    }

    fn is_above(&self, x: usize, y: usize) -> bool {
        self.value(x, y) > self.level
    }

    /// Where the level is on an edge: by proportion, and on the frame where the edge leads to it.
    fn crossing(&self, (x, y, is_up): Edge) -> Point {
        let (to_x, to_y) = if is_up { (x, y + 1) } else { (x + 1, y) };
        let along = match (self.is_frame(x, y), self.is_frame(to_x, to_y)) {
            (true, _) => 0.0,
            (_, true) => 1.0,
            _ => {
                let (from, to) = (self.value(x, y), self.value(to_x, to_y));
                f64::from((self.level - from) / (to - from)).clamp(0.0, 1.0)
            }
        };
        let between = |from: f64, to: f64| if along >= 1.0 { to } else { from + along * (to - from) };
        [between(self.xs[x], self.xs[to_x]), between(self.ys[y], self.ys[to_y])]
    }

    /// Adds the lines through a square, as edge to edge, with what is above on the left.
    fn square(&self, x: usize, y: usize, next: &mut BTreeMap<Edge, Edge>) {
        let (south, east, north, west) = ((x, y, false), (x + 1, y, true), (x, y + 1, false), (x, y, true));
        let above = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)].map(|(x, y)| self.is_above(x, y));
        let case =
            above.iter().enumerate().fold(0, |case, (bit, is_above)| case | usize::from(*is_above) << bit);
        let mut line = |from: Edge, to: Edge| {
            next.insert(from, to);
        };
        match case {
            1 => line(south, west),
            2 => line(east, south),
            3 => line(east, west),
            4 => line(north, east),
            6 => line(north, south),
            7 => line(north, west),
            8 => line(west, north),
            9 => line(south, north),
            11 => line(east, north),
            12 => line(west, east),
            13 => line(south, east),
            14 => line(west, south),
            // Two corners across from each other: apart, so that no point belongs to two rings.
            5 => {
                line(south, west);
                line(north, east);
            }
            10 => {
                line(east, south);
                line(west, north);
            }
            _ => {}
        }
    }
}

fn part(
    grid: &Grid,
    field: &[f32],
    level: f32,
    columns: std::ops::Range<usize>,
    shift_deg: f64,
) -> Vec<Polygon> {
    if columns.is_empty() {
        return Vec::new();
    }
    let axis = |edge: f64, step: f64, from: usize, to: usize| {
        let at = |n: f64| edge + n * step;
        let mut axis = vec![at(from as f64)];
        axis.extend((from..to).map(|n| at(n as f64 + 0.5)));
        axis.push(at(to as f64));
        axis
    };
    let mut xs = axis(grid.west_deg + shift_deg, grid.step_deg[0], columns.start, columns.end);
    xs.iter_mut().for_each(|x| *x = x.clamp(-180.0, 180.0));
    let framed = Framed {
        field,
        n_columns: grid.columns,
        rows: grid.rows,
        xs,
        ys: axis(grid.south_deg, grid.step_deg[1], 0, grid.rows),
        columns,
        level,
    };
    let mut next = BTreeMap::new();
    for y in 0..=framed.rows {
        for x in 0..=framed.columns.len() {
            framed.square(x, y, &mut next);
        }
    }
    let mut rings = Vec::new();
    while let Some((&first, _)) = next.iter().next() {
        let (mut ring, mut edge) = (Vec::new(), first);
        while let Some(to) = next.remove(&edge) {
            ring.push(framed.crossing(edge));
            edge = to;
        }
        ring.dedup();
        if ring.len() > 2 {
            ring.push(ring[0]);
            rings.push(ring);
        }
    }
    nested(rings)
}

/// Twice the area of a ring, above 0 where it is anticlockwise.
fn doubled_area(ring: &[Point]) -> f64 {
    ring.windows(2).map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1]).sum()
}

/// Whether a point lies within a ring: a ray eastward crosses it an odd number of times.
pub fn is_within(ring: &[Point], [x, y]: Point) -> bool {
    let crosses = |pair: &[Point]| {
        let [[ax, ay], [bx, by]] = [pair[0], pair[1]];
        (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    };
    ring.windows(2).filter(|pair| crosses(pair)).count() % 2 == 1
}

/// Puts each hole into the smallest outside that it lies in.
fn nested(rings: Vec<Ring>) -> Vec<Polygon> {
    let (outsides, holes): (Vec<Ring>, Vec<Ring>) =
        rings.into_iter().partition(|ring| doubled_area(ring) > 0.0);
    let mut polygons: Vec<Polygon> = outsides.into_iter().map(|ring| vec![ring]).collect();
    let areas: Vec<f64> = polygons.iter().map(|polygon| doubled_area(&polygon[0])).collect();
    for hole in holes {
        let around = (0..polygons.len()).filter(|&n| is_within(&polygons[n][0], hole[0]));
        if let Some(n) = around.min_by(|&a, &b| areas[a].total_cmp(&areas[b])) {
            polygons[n].push(hole);
        }
    }
    polygons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Region;

    fn grid(west: f64, east: f64) -> Grid {
        Grid::new(&Region([west, -10.0, east, 10.0]), 80).unwrap()
    }

    /// 1 within a ring between two radii about a place, degrees, falling evenly over a degree.
    fn ring_field(grid: &Grid, middle: Point, radii: Point) -> Vec<f32> {
        let value = |cell: usize| {
            let (x, y) = ((cell % grid.columns) as f64 + 0.5, (cell / grid.columns) as f64 + 0.5);
            let (x, y) = (grid.west_deg + x * grid.step_deg[0], grid.south_deg + y * grid.step_deg[1]);
            let radius = (x - middle[0]).hypot(y - middle[1]);
            (0.5 + (radii[1] - radius).min(radius - radii[0])).clamp(0.0, 1.0) as f32
        };
        (0..grid.n_cells()).map(value).collect()
    }

    fn area(polygons: &[Polygon]) -> f64 {
        polygons.iter().flatten().map(|ring| doubled_area(ring) / 2.0).sum()
    }

    #[test]
    fn a_ring_is_one_polygon_with_a_hole() {
        let grid = grid(0.0, 20.0);
        let found = polygons(&grid, &ring_field(&grid, [10.0, 0.0], [3.0, 7.0]), 0.5);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2]);
        assert!(doubled_area(&found[0][0]) > 0.0 && doubled_area(&found[0][1]) < 0.0);
        let expected = std::f64::consts::PI * (49.0 - 9.0);
        assert!((area(&found) / expected - 1.0).abs() < 2e-3, "{}", area(&found));
        for ring in &found[0] {
            assert_eq!(ring.first(), ring.last());
        }
    }

    #[test]
    fn what_crosses_the_antimeridian_is_cut_there_and_loses_nothing() {
        let grid = grid(165.0, 195.0);
        let found = polygons(&grid, &ring_field(&grid, [181.0, 0.0], [-2.0, 6.0]), 0.5);
        assert_eq!(found.len(), 2);
        let points = || found.iter().flatten().flatten();
        assert!(points().all(|[x, _]| (-180.0..=180.0).contains(x)));
        assert!(points().any(|[x, _]| *x >= 180.0) && points().any(|[x, _]| *x <= -180.0));
        assert!((area(&found) / (std::f64::consts::PI * 36.0) - 1.0).abs() < 5e-3, "{}", area(&found));
    }

    #[test]
    fn a_full_field_is_the_whole_grid_and_an_empty_one_nothing() {
        let grid = grid(-20.0, 20.0);
        let found = polygons(&grid, &vec![1.0; grid.n_cells()], 0.5);
        // Only the corners of the frame are cut.
        assert!((area(&found) / 800.0 - 1.0).abs() < 1e-3, "{}", area(&found));
        assert!(polygons(&grid, &vec![0.0; grid.n_cells()], 0.5).is_empty());
    }

    #[test]
    fn corners_that_touch_are_rings_of_their_own() {
        let grid = grid(0.0, 20.0);
        let board = |cell: usize| ((cell % grid.columns + cell / grid.columns) % 2) as f32;
        let field: Vec<f32> = (0..grid.n_cells()).map(board).collect();
        let found = polygons(&grid, &field, 0.5);
        assert_eq!(found.len(), grid.n_cells() / 2);
        assert!(found.iter().all(|polygon| polygon.len() == 1 && polygon[0].len() >= 4));
    }
}
