// A made-up radar for the mock server: targets that move, clutter, noise, detections, tracks, truth. Deterministic.

import type { Detection, Track, Truth } from "../src/protocol.ts";

export const ROWS = 256;
export const COLS = 1024;
export const DWELL_S = 1 / 30;
export const RATE_HZ = 2e6;
export const START_S = Date.parse("2026-11-22T10:00:00Z") / 1000;
export const STATION = { latitude_deg: 54.41, longitude_deg: 10.23, name: "Laboe" };
export const RANGE_STEP_M = 30;
export const RANGE_START_M = 300;
export const SPEED_MAX_MPS = 130;
export const FLOOR_DB = -10;
export const STEP_DB = 0.25;

interface Target {
  id: number;
  name: string;
  east_m: number;
  north_m: number;
  ve_mps: number;
  vn_mps: number;
  snr_db: number;
}

const TARGETS: Target[] = [
  { id: 1, name: "ferry", east_m: -1500, north_m: 9000, ve_mps: 3, vn_mps: 9, snr_db: 36 },
  { id: 2, name: "airliner", east_m: -16000, north_m: 14000, ve_mps: 110, vn_mps: -40, snr_db: 24 },
  { id: 3, name: "light aircraft", east_m: 8000, north_m: -9000, ve_mps: -35, vn_mps: 42, snr_db: 21 },
  { id: 4, name: "speedboat", east_m: 4000, north_m: 6500, ve_mps: -14, vn_mps: 8, snr_db: 19 },
  { id: 5, name: "helicopter", east_m: 12000, north_m: 19000, ve_mps: -30, vn_mps: -62, snr_db: 27 },
];

/** Mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function gauss(next: () => number): number {
  return Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
}

/** Bytes of noise in decibels, looked at from another place for each dwell: quicker than a million logarithms. */
const NOISE = (() => {
  const next = random(7);
  return Uint8Array.from({ length: 1 << 20 }, () =>
    Math.min(Math.max(Math.round((10 * Math.log10(-Math.log(1 - next()) + 1e-6) - FLOOR_DB) / STEP_DB), 0), 255),
  );
})();

export interface Seen {
  target: Target;
  t_s: number;
  range_m: number;
  rate_mps: number;
  azimuth_deg: number;
  snr_db: number;
  latitude_deg: number;
  longitude_deg: number;
}

export function targetsAt(t_s: number): Seen[] {
  return TARGETS.map((target) => {
    const east = target.east_m + target.ve_mps * t_s;
    const north = target.north_m + target.vn_mps * t_s;
    const range_m = Math.hypot(east, north);
    return {
      target,
      t_s,
      range_m,
      rate_mps: (east * target.ve_mps + north * target.vn_mps) / range_m,
      azimuth_deg: ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360,
      snr_db: target.snr_db,
      latitude_deg: STATION.latitude_deg + north / 111_195,
      longitude_deg: STATION.longitude_deg + east / (111_195 * Math.cos((STATION.latitude_deg * Math.PI) / 180)),
    };
  });
}

/** The range-Doppler map of a dwell. */
export function dopplerMap(dwell: number): Uint8Array {
  const cells = new Uint8Array(ROWS * COLS);
  const offset = (dwell * 7919 * 61) % (NOISE.length - 1);
  const first = NOISE.subarray(offset, Math.min(offset + cells.length, NOISE.length));
  cells.set(first);
  if (first.length < cells.length) cells.set(NOISE.subarray(0, cells.length - first.length), first.length);
  const next = random(dwell + 1);
  const add = (row: number, col: number, snr_db: number) => {
    if (row < 0 || row >= ROWS || col < 0 || col >= COLS) return;
    const byte = Math.min(Math.max(Math.round((snr_db - FLOOR_DB) / STEP_DB), 0), 255);
    if (byte > cells[row * COLS + col]!) cells[row * COLS + col] = byte;
  };
  // What is at rest, stronger near by.
  for (let col = 0; col < COLS; col++) {
    const strength = 34 - col / 28 + 4 * Math.sin(col / 17) + 3 * gauss(next);
    for (let d = -2; d <= 2; d++) add(ROWS / 2 + d, col, strength - 5 * d * d);
  }
  for (const seen of targetsAt(dwell * DWELL_S)) {
    const row = ROWS / 2 + (seen.rate_mps / SPEED_MAX_MPS) * (ROWS / 2);
    const col = (seen.range_m - RANGE_START_M) / RANGE_STEP_M;
    const snr = seen.snr_db + 2 * gauss(next);
    for (let r = -3; r <= 3; r++) {
      for (let c = -3; c <= 3; c++) {
        const distance = (Math.round(row) + r - row) ** 2 + (Math.round(col) + c - col) ** 2;
        add(Math.round(row) + r, Math.round(col) + c, snr - 4 * distance);
      }
    }
  }
  return cells;
}

/** Greatest of each range gate over Doppler, clutter left out. */
export function rangeRow(cells: Uint8Array): Uint8Array {
  const row = new Uint8Array(COLS);
  for (let r = 0; r < ROWS; r++) {
    if (Math.abs(r - ROWS / 2) < 4) continue;
    for (let c = 0; c < COLS; c++) if (cells[r * COLS + c]! > row[c]!) row[c] = cells[r * COLS + c]!;
  }
  return row;
}

export function detectionsAt(dwell: number): Detection[] {
  const next = random(dwell * 31 + 5);
  const t_s = dwell * DWELL_S;
  const make = (range_m: number, rate: number, snr_db: number, azimuth_deg: number): Detection => ({
    cpi: dwell,
    sample: Math.floor(t_s * RATE_HZ + (2 * range_m * RATE_HZ) / 299_792_458),
    sample_fraction: Number(next().toFixed(4)),
    time: new Date((START_S + t_s) * 1000).toISOString(),
    channel: 0,
    template: "chirp",
    delay_s: (2 * range_m) / 299_792_458,
    range_m: Number(range_m.toFixed(2)),
    doppler_hz: Number(((-2 * rate) / 0.0517).toFixed(2)),
    velocity_mps: Number(rate.toFixed(3)),
    azimuth_deg: Number(azimuth_deg.toFixed(2)),
    snr_db: Number(snr_db.toFixed(2)),
    power_db: Number((snr_db - 82).toFixed(2)),
    after_gap: false,
  });
  const found: Detection[] = [];
  for (const seen of targetsAt(t_s)) {
    const snr = seen.snr_db + 2 * gauss(next);
    if (next() < 0.9) {
      found.push(make(seen.range_m + 8 * gauss(next), seen.rate_mps + 0.3 * gauss(next), snr, seen.azimuth_deg + 0.6 * gauss(next)));
    }
  }
  if (next() < 0.25) {
    found.push(make(RANGE_START_M + next() * COLS * RANGE_STEP_M, (2 * next() - 1) * SPEED_MAX_MPS, 12 + 2 * next(), 360 * next()));
  }
  return found;
}

export function tracksAt(dwell: number): Track[] {
  const next = random(dwell * 17 + 3);
  // A track is confirmed after a while, each later than the one before.
  return targetsAt(dwell * DWELL_S)
    .filter(({ target }) => dwell > 8 * target.id)
    .map((seen) => ({
      track: seen.target.id,
      cpi: dwell,
      time: new Date((START_S + seen.t_s) * 1000).toISOString(),
      time_s: seen.t_s,
      space: "plane",
      coasting: next() < 0.1,
      hits: dwell - 8 * seen.target.id,
      quality: 0.99 + 0.01 * next(),
      range_m: seen.range_m + 3 * gauss(next),
      range_rate_mps: seen.rate_mps + 0.1 * gauss(next),
      azimuth_deg: seen.azimuth_deg,
      latitude_deg: seen.latitude_deg + 2e-5 * gauss(next),
      longitude_deg: seen.longitude_deg + 3e-5 * gauss(next),
      ellipse: { major_m: seen.range_m * 0.012, minor_m: 60, azimuth_deg: (seen.azimuth_deg + 90) % 180 },
    }));
}

export function truthAt(dwell: number): Truth[] {
  return targetsAt(dwell * DWELL_S).map((seen) => ({
    id: seen.target.id,
    name: seen.target.name,
    time_s: seen.t_s,
    range_m: seen.range_m,
    range_rate_m_s: seen.rate_mps,
    azimuth_deg: seen.azimuth_deg,
    latitude_deg: seen.latitude_deg,
    longitude_deg: seen.longitude_deg,
  }));
}

/** A line of noise with peaks where the targets are, dB, and a threshold. */
export function scopeLine(cells: Uint8Array): { power: Float32Array; threshold: Float32Array } {
  const row = rangeRow(cells);
  const power = Float32Array.from(row, (byte) => FLOOR_DB + STEP_DB * byte - 82);
  const threshold = Float32Array.from(power, (_, i) => {
    let sum = 0;
    let n = 0;
    for (let d = 4; d < 20; d++) {
      for (const j of [i - d, i + d]) {
        if (j < 0 || j >= power.length) continue;
        sum += 10 ** (power[j]! / 10);
        n++;
      }
    }
    return i < 4 ? NaN : 10 * Math.log10(sum / n) + 6;
  });
  return { power, threshold };
}

export function spectrumLine(dwell: number, n = 1024): Float32Array {
  const next = random(dwell + 99);
  return Float32Array.from({ length: n }, (_, i) => {
    const f = (i / n - 0.5) * 2;
    return -95 + 32 / (1 + (f / 0.6) ** 24) + 1.5 * gauss(next) + (Math.abs(i - 700) < 2 ? 25 : 0);
  });
}

/** Two stations of two owners, for the view of an exchange. */
export const OWNERS = [
  { owner: "South", station: "south" },
  { owner: "North", station: "north" },
];

export function exchange(): object {
  const side = (owner: string, rest: object) => ({
    owner, given: { detections: 41, health: 9, tracks: 38 }, delivered: { detections: 41, tracks: 38 }, in_window: 88,
    owed_in_window: 1, is_flowing: true, stops_at_s: START_S + 90, stopped_since_s: null, ...rest,
  });
  const stations = OWNERS.map(({ owner, station }, index) => ({
    name: station, owner, latitude_deg: STATION.latitude_deg - 0.03 + 0.06 * index, longitude_deg: STATION.longitude_deg + 0.02,
    detections: 400 + index, tracks: 200, last_s: START_S + 3 * index,
  }));
  return {
    time_s: START_S + 5,
    stations,
    balances: [{ window_s: 60, grace_s: 60, sides: [side("South", {}), side("North", { is_flowing: false, stops_at_s: null, stopped_since_s: START_S - 40, in_window: 0 })] }],
    contracts: [
      { name: "two-stations", version: 2, from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z", gives: OWNERS.map(({ owner }) => ({ owner, kinds: ["detections", "tracks", "fused"] })) },
    ],
    alerts: [
      { sort: "new_object", text: "new object 1 at 52.000°, 13.400°, 1.2 km", time_s: START_S + 1, track: 1, station: null, held_back: 0, latitude_deg: STATION.latitude_deg + 0.04, longitude_deg: STATION.longitude_deg - 0.05 },
      { sort: "station_lost", text: "nothing is heard of north", time_s: START_S + 2, track: null, station: "north", held_back: 2, latitude_deg: null, longitude_deg: null },
    ],
  };
}

export function coverage(): object {
  const { latitude_deg, longitude_deg } = STATION;
  const ring = (half: number, east: number) =>
    [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]].map(([x, y]) => [longitude_deg + east + x! * half * 1.6, latitude_deg + y! * half]);
  const area = (altitude_m: number, kind: string, coordinates: unknown, rest = {}) => ({
    type: "Feature", properties: { kind, altitude_m, area_km2: 1, ...rest }, geometry: { type: "MultiPolygon", coordinates },
  });
  const features = [1000, 5000].flatMap((altitude_m) => {
    const half = altitude_m / 40_000;
    const [south, north] = [ring(half, -0.05), ring(half, 0.08)];
    return [
      area(altitude_m, "station", [[south]], { name: "south", owner: "South" }),
      area(altitude_m, "station", [[north]], { name: "north", owner: "North" }),
      area(altitude_m, "gap", [[ring(0.2, 0), south.toReversed()]]),
    ];
  });
  return { type: "FeatureCollection", features };
}
