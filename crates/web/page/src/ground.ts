// Places on the ground and metres about the station.

import { EARTH_RADIUS_M } from "./coastline.ts";
import type { Place } from "./protocol.ts";

/** Metres east and north. */
export type Point = readonly [number, number];

/** Where one comes to from a place on a sphere. */
export function destination(from: Place, azimuth_deg: number, range_m: number): Place {
  const radians = Math.PI / 180;
  const angle = range_m / EARTH_RADIUS_M;
  const [lat, azimuth] = [from.latitude_deg * radians, azimuth_deg * radians];
  const there = Math.asin(Math.sin(lat) * Math.cos(angle) + Math.cos(lat) * Math.sin(angle) * Math.cos(azimuth));
  const east = Math.atan2(Math.sin(azimuth) * Math.sin(angle) * Math.cos(lat), Math.cos(angle) - Math.sin(lat) * Math.sin(there));
  return { latitude_deg: there / radians, longitude_deg: from.longitude_deg + east / radians };
}

/** Metres east and north of a range and a direction. */
export function polar(range_m: number | null, azimuth_deg: number | null | undefined): Point | null {
  if (range_m === null || azimuth_deg === null || azimuth_deg === undefined) return null;
  const angle = (azimuth_deg * Math.PI) / 180;
  return [range_m * Math.sin(angle), range_m * Math.cos(angle)];
}
