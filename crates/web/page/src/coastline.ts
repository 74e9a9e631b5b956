// Land about the station, from Natural Earth, in metres east and south of it (azimuthal equidistant).

import { geoAzimuthalEquidistant, geoPath, type GeoContext } from "d3-geo";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import type { Place } from "./protocol.ts";

export const EARTH_RADIUS_M = 6_371_008.8;
const DEGREE_M = (EARTH_RADIUS_M * Math.PI) / 180;

/** Metres east and north of the station, azimuthal equidistant on a sphere. */
export function projector(station: Place): (latitude_deg: number, longitude_deg: number) => [number, number] {
  const projection = geoAzimuthalEquidistant()
    .scale(EARTH_RADIUS_M)
    .translate([0, 0])
    .clipAngle(null)
    .rotate([-station.longitude_deg, -station.latitude_deg]);
  return (latitude_deg, longitude_deg) => {
    const [x, y] = projection([longitude_deg, latitude_deg]) ?? [NaN, NaN];
    return [x, -y];
  };
}

/** Land as far as `radius_m`, as a path in kilometres east and south. */
export async function landAbout(station: Place, radius_m: number): Promise<Path2D> {
  const response = await fetch("/coastline.json");
  if (!response.ok) throw new Error(`coastline: ${response.status}`);
  const topology = (await response.json()) as Topology;
  const land = feature(topology, topology.objects.land!);
  const projection = geoAzimuthalEquidistant()
    .scale(EARTH_RADIUS_M / 1000)
    .translate([0, 0])
    .rotate([-station.longitude_deg, -station.latitude_deg])
    .clipAngle(Math.min(Math.max(radius_m / DEGREE_M, 1), 170))
    .precision(0.05);
  const path = new Path2D();
  // Of a context only these are used for polygons.
  geoPath(projection, path as unknown as GeoContext)(land);
  return path;
}
