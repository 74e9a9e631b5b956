// What stations should see at a height, as `rangegate coverage` writes it: outlines on the map, gaps hatched.

import { geoAzimuthalEquidistant, geoPath, type GeoContext } from "d3-geo";
import type { MultiPolygon } from "geojson";
import type { Place } from "./protocol.ts";

export interface Feature {
  properties: { kind: string; altitude_m?: number; name?: string; owner?: string };
  geometry: { type: string; coordinates: unknown };
}

export interface FeatureCollection {
  features: Feature[];
}

/** An outline in kilometres east and south of a place. */
export interface Outline {
  kind: "station" | "gap";
  name: string | null;
  path: Path2D;
}

const EARTH_RADIUS_KM = 6_371.0088;

export class Coverage {
  readonly altitudes: number[];
  private readonly features: Feature[];
  private outlines: Outline[] = [];
  private outlinesFor = "";

  constructor(collection: FeatureCollection) {
    const areas = collection.features.filter(
      ({ geometry, properties }) => geometry.type === "MultiPolygon" && typeof properties.altitude_m === "number",
    );
    this.features = areas.filter(({ properties: { kind } }) => kind === "station" || kind === "gap");
    this.altitudes = [...new Set(areas.map(({ properties }) => properties.altitude_m!))].sort((a, b) => a - b);
  }

  /** The height that is drawn: what was chosen where it is there, else the lowest. */
  altitude(chosen: number | null): number | null {
    return chosen !== null && this.altitudes.includes(chosen) ? chosen : (this.altitudes[0] ?? null);
  }

  /** Outlines at a height about a place. */
  at(place: Place, altitude_m: number): Outline[] {
    const key = `${place.latitude_deg} ${place.longitude_deg} ${altitude_m}`;
    if (key === this.outlinesFor) return this.outlines;
    this.outlinesFor = key;
    const projection = geoAzimuthalEquidistant()
      .scale(EARTH_RADIUS_KM)
      .translate([0, 0])
      .rotate([-place.longitude_deg, -place.latitude_deg])
      .precision(0.1);
    this.outlines = this.features
      .filter(({ properties }) => properties.altitude_m === altitude_m)
      .map(({ properties, geometry }) => {
        const path = new Path2D();
        geoPath(projection, path as unknown as GeoContext)(clockwise(geometry as MultiPolygon));
        return { kind: properties.kind as Outline["kind"], name: properties.name ?? null, path };
      });
    return this.outlines;
  }
}

/** GeoJSON has outsides anticlockwise; what projects on the sphere has them clockwise. */
function clockwise(geometry: MultiPolygon): MultiPolygon {
  return { type: "MultiPolygon", coordinates: geometry.coordinates.map((rings) => rings.map((ring) => ring.toReversed())) };
}

/** Draws outlines: of stations filled in their colours, gaps hatched. `setPath` sets the transform of paths, `line` is a pixel there. */
export function drawOutlines(
  g: CanvasRenderingContext2D,
  outlines: readonly Outline[],
  options: { ratio: number; gap: string; setPath: () => void; line: number; colourOf: (name: string | null) => string | null },
): void {
  const { ratio } = options;
  for (const { kind, name, path } of outlines) {
    options.setPath();
    const colour = kind === "gap" ? null : options.colourOf(name);
    if (kind === "gap") hatch(g, path, options.gap, ratio);
    else if (colour !== null) {
      g.globalAlpha = 0.14;
      g.fillStyle = colour;
      g.fill(path, "evenodd");
      g.globalAlpha = 0.8;
      g.strokeStyle = colour;
      g.lineWidth = 1.2 * options.line;
      g.stroke(path);
    }
    g.globalAlpha = 1;
  }
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
}

/** Lines across a path, in pixels of the canvas; the context's transform must be that of the path. */
function hatch(g: CanvasRenderingContext2D, path: Path2D, colour: string, ratio: number): void {
  g.save();
  g.clip(path, "evenodd");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  const width = g.canvas.width / ratio;
  const height = g.canvas.height / ratio;
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.globalAlpha = 0.45;
  g.beginPath();
  for (let x = -height; x < width; x += 9) {
    g.moveTo(x, height);
    g.lineTo(x + height, 0);
  }
  g.stroke();
  g.restore();
}
