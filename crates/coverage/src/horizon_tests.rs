use super::*;
use proptest::prelude::*;

/// √(2kRh₁) + √(2kRh₂), the closed formula of the books.
fn closed_m(k: f64, heights_m: [f64; 2]) -> f64 {
    heights_m.map(|height_m| (2.0 * k * EARTH_RADIUS_M * height_m).sqrt()).iter().sum()
}

#[test]
fn horizons_are_those_of_the_closed_formula_to_a_thousandth() {
    let mut worst: f64 = 0.0;
    for k in [1.0, 7.0 / 6.0, 4.0 / 3.0] {
        let air = Refraction { k, ..Refraction::default() };
        for antenna_m in [0.0, 10.0, 100.0, 1e3] {
            for target_m in [1.0, 30.0, 300.0, 3e3, 10e3] {
                let (found, closed) =
                    (air.horizon_m(antenna_m, target_m), closed_m(k, [antenna_m, target_m]));
                worst = worst.max((found / closed - 1.0).abs());
            }
        }
    }
    assert!(worst < 1e-3, "{worst}");
    // The rule of thumb: 4.12 km times the roots of metres.
    assert!((Refraction::default().horizon_m(0.0, 10e3) - 412.2e3).abs() < 400.0);
}

/// Follows a ray step by step through air whose index falls evenly up to the top, over the Earth as it is: the ray
/// turns down by (1 − 1/k)/R a metre (Bouguer's law with small angles).
fn traced_m(air: &Refraction, elevation_rad: f64, from_m: f64, to_m: f64) -> f64 {
    let (mut height_m, mut elevation, mut ground_m, step_m) = (from_m, elevation_rad, 0.0, 20.0);
    while height_m < to_m || elevation < 0.0 {
        let bend = if height_m < air.top_m { (1.0 - 1.0 / air.k) / EARTH_RADIUS_M } else { 0.0 };
        let advance = step_m * elevation.cos() / (EARTH_RADIUS_M + height_m);
        height_m += step_m * elevation.sin();
        elevation += advance - bend * step_m * elevation.cos();
        ground_m += advance * EARTH_RADIUS_M;
    }
    ground_m
}

#[test]
fn rays_are_those_followed_step_by_step() {
    let air = Refraction::default();
    for (elevation_deg, to_m) in
        [(0.0, 8e3), (1.0, 10e3), (0.0, 100e3), (3.0, 500e3), (-0.5, 300e3), (20.0, 1e6)]
    {
        let elevation_rad = f64::to_radians(elevation_deg);
        let (found, slow) =
            (air.ground_range_m(elevation_rad, 500.0, to_m), traced_m(&air, elevation_rad, 500.0, to_m));
        assert!((found / slow - 1.0).abs() < 2e-3, "{elevation_deg}° to {to_m} m: {found} {slow}");
    }
}

proptest! {
    #[test]
    fn elevation_and_ground_range_undo_each_other(
        elevation_deg in -0.5..89.0f64, from_m in 0.0..2e3f64, rise_m in 10.0..2e6f64,
    ) {
        let air = Refraction::default();
        let elevation_rad = elevation_deg.to_radians().max(-air.dip_rad(from_m));
        let to_m = from_m + rise_m;
        let ground_m = air.ground_range_m(elevation_rad, from_m, to_m);
        let back = air.elevation_rad(ground_m, from_m, to_m);
        prop_assert!((back - elevation_rad).abs() < 1e-6, "{} {}", back, elevation_rad);
    }

    #[test]
    fn what_is_over_the_horizon_is_seen_at_its_dip(from_m in 0.0..5e3f64, to_m in 0.0..2e6f64) {
        let air = Refraction::default();
        let horizon_m = air.horizon_m(from_m, to_m);
        prop_assert!((air.horizon_m(to_m, from_m) - horizon_m).abs() < 1e-6);
        let at = air.elevation_rad(horizon_m, from_m.min(to_m), to_m.max(from_m));
        prop_assert!((at + air.dip_rad(from_m.min(to_m))).abs() < 1e-6);
    }

    #[test]
    fn destinations_lie_where_they_were_sent(
        lat in -89.0..89.0f64, lon in -180.0..180.0f64, azimuth_deg in 0.0..360.0f64, ground_m in 1e3..9e6f64,
    ) {
        let from = Geodetic { latitude_deg: lat, longitude_deg: lon, height_m: 7.0 };
        let to = destination(&from, azimuth_deg, ground_m);
        // The sphere against the ellipsoid.
        prop_assert!((ground_range_m(&from, &to) / ground_m - 1.0).abs() < 8e-3);
        let arc = Arc::new(&from, &to);
        let place = |[latitude_deg, longitude_deg]: [f64; 2]| Geodetic { latitude_deg, longitude_deg, height_m: 7.0 };
        let (half, end) = (place(arc.at_deg(0.5)), place(arc.at_deg(1.0)));
        prop_assert!(ground_range_m(&end, &to) < 1.0);
        prop_assert!((ground_range_m(&from, &half) / ground_m - 0.5).abs() < 8e-3);
    }
}
