//! Line of sight over terrain.

use crate::Refraction;
use crate::horizon::{Arc, ground_range_m};
use crate::terrain::Terrain;
use rangegate_tracking::Geodetic;

/// Steps of a profile at most: what is farther is looked at more coarsely.
const MAX_STEPS: f64 = 20_000.0;

/// Whether nothing stands between an antenna and a place: first the round Earth, then the ground.
///
/// The profile runs along the great circle, a step as long as the finest grid's. Ground hides the place where it is seen
/// at a higher elevation than the place itself; both are seen through the same air. Once not even the highest ground
/// could hide it, the profile ends.
pub fn is_clear(air: &Refraction, terrain: Option<&Terrain>, antenna: &Geodetic, place: &Geodetic) -> bool {
    let ground_m = ground_range_m(antenna, place);
    if ground_m > air.horizon_m(antenna.height_m, place.height_m) {
        return false;
    }
    let Some(terrain) = terrain else { return true };
    let highest_m = terrain.highest_m();
    let step_m = terrain.spacing_m().max(ground_m / MAX_STEPS);
    let place_rad = air.elevation_rad(ground_m, antenna.height_m, place.height_m);
    let arc = Arc::new(antenna, place);
    let n_steps = (ground_m / step_m).ceil() as usize;
    for step in 1..n_steps {
        let at_m = step as f64 * step_m;
        if air.elevation_rad(at_m, antenna.height_m, highest_m) <= place_rad && highest_m <= place.height_m {
            return true;
        }
        let [lat, lon] = arc.at_deg(at_m / ground_m);
        let here_m = terrain.height_m(lat, lon);
        if air.elevation_rad(at_m, antenna.height_m, here_m) > place_rad {
            return false;
        }
    }
    // A place within the ground is hidden too.
    place.height_m >= terrain.height_m(place.latitude_deg, place.longitude_deg)
}
