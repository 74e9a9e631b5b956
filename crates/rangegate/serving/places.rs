//! Where a track is on the Earth, and how it moves there, put beside its other numbers.

use serde_json::{Map, Value, json};

/// Adds `latitude_deg`, `longitude_deg`, `height_m`, the velocity east, north and up, and `ellipse`, where the target is
/// within one standard deviation, to a line of `tracks.jsonl`, as far as they are known.
pub(super) fn place_of_track(item: &mut Map<String, Value>) {
    let position = item.get("position").cloned().unwrap_or_default();
    for name in ["latitude_deg", "longitude_deg", "height_m"] {
        item.insert(name.to_owned(), position[name].clone());
    }
    let Some((n_axes, axes)) = horizon(item.get("space").and_then(Value::as_str), &position) else { return };
    let state: Vec<f64> =
        item.get("state").and_then(Value::as_array).map(|values| numbers(values)).unwrap_or_default();
    if let Some(velocity) = state.get(n_axes..2 * n_axes) {
        let along = |axis: &[f64]| axis.iter().zip(velocity).map(|(axis, v)| axis * v).sum::<f64>();
        let names = ["velocity_east_mps", "velocity_north_mps", "velocity_up_mps"];
        for (name, axis) in names.into_iter().zip(&axes) {
            item.insert(name.to_owned(), along(axis).into());
        }
    }
    if let Some(ellipse) = item.get("covariance").and_then(|covariance| ellipse(covariance, n_axes, &axes)) {
        item.insert("ellipse".to_owned(), ellipse);
    }
}

/// How many axes a space has, and in them the directions east, north and up.
fn horizon(space: Option<&str>, position: &Value) -> Option<(usize, Vec<Vec<f64>>)> {
    match space? {
        "plane" => Some((2, vec![vec![1.0, 0.0], vec![0.0, 1.0]])),
        "local" => Some((3, vec![vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]])),
        "earth" => {
            let (sin_lat, cos_lat) = position["latitude_deg"].as_f64()?.to_radians().sin_cos();
            let (sin_lon, cos_lon) = position["longitude_deg"].as_f64()?.to_radians().sin_cos();
            let east = vec![-sin_lon, cos_lon, 0.0];
            let north = vec![-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat];
            let up = vec![cos_lat * cos_lon, cos_lat * sin_lon, sin_lat];
            Some((3, vec![east, north, up]))
        }
        _ => None,
    }
}

/// The horizontal part of a covariance as an ellipse of one standard deviation; the azimuth is that of its major axis.
fn ellipse(covariance: &Value, n_axes: usize, axes: &[Vec<f64>]) -> Option<Value> {
    let rows: Vec<Vec<f64>> =
        covariance.as_array()?.iter().filter_map(Value::as_array).map(|row| numbers(row)).collect();
    let rows = rows.get(..n_axes)?;
    if rows.iter().any(|row| row.len() < n_axes) {
        return None;
    }
    let between = |a: &[f64], b: &[f64]| {
        let of_row = |row: &Vec<f64>| row.iter().zip(b).map(|(c, b)| c * b).sum::<f64>();
        rows.iter().zip(a).map(|(row, a)| a * of_row(row)).sum::<f64>()
    };
    let (east, north) = (axes.first()?, axes.get(1)?);
    let (ee, nn, en) = (between(east, east), between(north, north), between(east, north));
    let (mean, half) = (0.5 * (ee + nn), (0.25 * (ee - nn).powi(2) + en * en).sqrt());
    let azimuth = 0.5 * (2.0 * en).atan2(nn - ee).to_degrees();
    Some(json!({
        "major_m": (mean + half).max(0.0).sqrt(),
        "minor_m": (mean - half).max(0.0).sqrt(),
        "azimuth_deg": azimuth.rem_euclid(180.0),
    }))
}

fn numbers(values: &[Value]) -> Vec<f64> {
    values.iter().filter_map(Value::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velocities_and_ellipses_are_those_over_the_ground() {
        let of = |value: Value| {
            let Value::Object(mut item) = value else { panic!("an object") };
            place_of_track(&mut item);
            Value::Object(item)
        };
        let near = |value: &Value, expected: f64| {
            assert!((value.as_f64().unwrap() - expected).abs() < 1e-6, "{value} for {expected}");
        };
        let plane = of(json!({"space": "plane", "state": [1.0, 2.0, 3.0, 4.0], "position": null,
            "covariance": [[10.0, 6.0, 0.0, 0.0], [6.0, 10.0, 0.0, 0.0], [], []]}));
        assert_eq!((&plane["velocity_east_mps"], &plane["velocity_north_mps"]), (&json!(3.0), &json!(4.0)));
        assert_eq!(plane["latitude_deg"], Value::Null);
        // Spread to the north-east.
        near(&plane["ellipse"]["major_m"], 4.0);
        near(&plane["ellipse"]["minor_m"], 2.0);
        near(&plane["ellipse"]["azimuth_deg"], 45.0);
        // At latitude 0, longitude 90°, east is −x, north is z, up is y.
        let earth = of(json!({"space": "earth", "state": [0.0, 6.4e6, 0.0, -10.0, 20.0, 30.0],
            "covariance": [[4.0, 0.0, 0.0], [0.0, 1e6, 0.0], [0.0, 0.0, 9.0]],
            "position": {"latitude_deg": 0.0, "longitude_deg": 90.0, "height_m": 5.0}}));
        for (name, expected) in [("east", 10.0), ("north", 30.0), ("up", 20.0)] {
            near(&earth[format!("velocity_{name}_mps")], expected);
        }
        near(&earth["ellipse"]["major_m"], 3.0);
        near(&earth["ellipse"]["minor_m"], 2.0);
        near(&earth["ellipse"]["azimuth_deg"], 0.0);
        assert_eq!(earth["height_m"], 5.0);
        assert_eq!(of(json!({"space": "range", "state": [1.0, 2.0]})).get("velocity_east_mps"), None);
        let cut = of(json!({"space": "plane", "state": [1.0], "covariance": [[1.0]]}));
        assert_eq!((cut.get("ellipse"), cut.get("velocity_east_mps")), (None, None));
    }
}
