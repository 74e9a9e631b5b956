// What server and page say to each other: docs/web-api.md.

export interface Axis {
  name: string;
  unit: string;
  /** Centre of the first cell. */
  start: number;
  /** Distance of cells. */
  step: number;
}

export interface Place {
  latitude_deg: number;
  longitude_deg: number;
  name?: string | null;
}

export interface Hello {
  type: "hello";
  version: string;
  session: string;
  mode: "replay" | "live" | "archive" | "exchange";
  views: string[];
  station: Place | null;
  transmitter?: Place | null;
  detector?: Record<string, unknown> | null;
  duration_s: number | null;
  start_time_s: number | null;
  sample_rate_hz?: number | null;
  first_sample?: number | null;
  channels?: number | null;
  max_range_m?: number | null;
  archive?: boolean;
  /** There is an account of who gives what to whom. */
  exchange?: boolean;
  /** There is GeoJSON of what stations should see. */
  coverage?: boolean;
}

export interface Detection {
  number?: number;
  time_s?: number | null;
  owner?: string | null;
  station?: string | null;
  cpi?: number | null;
  sample: number;
  sample_fraction: number;
  time: string | null;
  channel: number;
  template: string;
  delay_s?: number | null;
  range_m: number | null;
  doppler_hz: number | null;
  velocity_mps: number | null;
  azimuth_deg: number | null;
  snr_db: number;
  power_db: number;
  after_gap: boolean;
}

export interface Track {
  track: number;
  /** Whose it is, where several are heard; its number there. */
  owner?: string | null;
  station?: string | null;
  fused?: boolean;
  number?: number | null;
  kind?: string | null;
  cpi?: number | null;
  time?: string | null;
  time_s: number;
  space?: string;
  covariance?: number[][];
  detections?: number[];
  begun_from?: number[];
  coasting?: boolean | null;
  hits?: number | null;
  quality?: number | null;
  range_m: number | null;
  range_rate_mps: number | null;
  azimuth_deg?: number | null;
  position?: { latitude_deg: number | null; longitude_deg: number | null; height_m?: number | null } | null;
  latitude_deg?: number | null;
  longitude_deg?: number | null;
  /** One standard deviation, horizontal; the azimuth is the major axis', clockwise from north. */
  ellipse?: { major_m: number; minor_m: number; azimuth_deg: number } | null;
  ended?: boolean;
}

export interface Truth {
  id: number | string;
  name?: string;
  time_s: number;
  range_m: number | null;
  range_rate_m_s?: number | null;
  range_rate_mps?: number | null;
  azimuth_deg?: number | null;
  latitude_deg?: number | null;
  longitude_deg?: number | null;
}

export interface Status {
  time_s?: number | null;
  rate_hz?: number | null;
  level_dbfs?: number | null;
  clipped?: number | null;
  gaps?: number | null;
  lost_samples?: number | null;
  detections?: number | null;
  latency_s?: number | null;
  queue?: { depth: number; slots: number } | null;
  stages?: { name: string; busy_s: number }[] | null;
  frames_sent?: number | null;
  frames_dropped?: number | null;
  clients?: number | null;
  mode?: string;
  archive?: boolean;
}

export interface Replay {
  state: "playing" | "paused" | "ended";
  position_s: number;
  duration_s: number;
  speed: number | null;
  can_seek: boolean;
  /** Grows with each seek or start: tracks of an earlier round are not of this one. */
  round?: number;
}

export interface Balance {
  window_s: number;
  grace_s: number;
  sides: {
    owner: string;
    given: Record<string, number>;
    delivered: Record<string, number>;
    in_window: number;
    owed_in_window: number;
    is_flowing: boolean;
    stops_at_s: number | null;
    stopped_since_s: number | null;
  }[];
}

export interface Exchange {
  time_s: number | null;
  contracts: { name: string; version: number; from: string; until: string; gives: { owner: string; kinds: string[] }[] }[];
  balances: Balance[];
  stations: {
    name: string;
    owner: string;
    latitude_deg: number | null;
    longitude_deg: number | null;
    detections: number;
    tracks: number;
    last_s: number | null;
  }[];
}

export interface Alert {
  sort: string;
  text: string;
  time_s: number;
  track: number | null;
  station: string | null;
  latitude_deg?: number | null;
  longitude_deg?: number | null;
  held_back?: number;
}

export type ServerText =
  | Hello
  | { type: "detections"; items: Detection[] }
  | { type: "tracks"; items: Track[] }
  | { type: "truth"; items: Truth[] }
  | { type: "alert"; item: Alert }
  | ({ type: "exchange" } & Exchange)
  | ({ type: "status" } & Status)
  | ({ type: "replay" } & Replay)
  | { type: "error"; message: string }
  | { type: "pong"; n: number };

/** How decibels are held in bytes: floor_db + step_db · byte. */
export interface Coding {
  floor_db: number;
  step_db: number;
}

export interface CellHeader extends Coding {
  sample: number;
  time_s: number | null;
  channel: number;
  rows: number;
  cols: number;
  x: Axis;
  y: Axis;
  quantity: "snr_db" | "power_db";
  time0_s?: number | null;
  row_s?: number | null;
}

export interface LineHeader {
  n: number;
  x: Axis;
  sample?: number;
  time_s?: number | null;
  quantity?: string;
}

export type Frame =
  | { kind: "range_doppler" | "range_time"; header: CellHeader; cells: Uint8Array }
  | { kind: "a_scope"; header: LineHeader; power: Float32Array; threshold: Float32Array }
  | { kind: "spectrum"; header: LineHeader; power: Float32Array };

const PREFIX_BYTES = 8;
const VERSION = 1;
/** Cells that a frame may have, against frames that cannot be. */
const CELLS_MAX = 4096 * 8192;

/** Reads a binary frame; throws where it is not as documented. */
export function decodeFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < PREFIX_BYTES) throw new Error(`a frame of ${buffer.byteLength} bytes`);
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  const version = view.getUint8(1);
  if (version !== VERSION) throw new Error(`frame of version ${version}, this page knows ${VERSION}`);
  const headerBytes = view.getUint32(4, true);
  const start = PREFIX_BYTES + headerBytes;
  if (start > buffer.byteLength) throw new Error(`header of ${headerBytes} bytes in a frame of ${buffer.byteLength}`);
  const header: unknown = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, PREFIX_BYTES, headerBytes)));
  switch (kind) {
    case 1:
    case 2:
      return decodeCells(kind === 1 ? "range_doppler" : "range_time", header as CellHeader, buffer, start);
    case 3: {
      const line = header as LineHeader;
      const [power, threshold] = floats(buffer, start, line.n, 2);
      return { kind: "a_scope", header: line, power: power!, threshold: threshold! };
    }
    case 4: {
      const line = header as LineHeader;
      const [power] = floats(buffer, start, line.n, 1);
      return { kind: "spectrum", header: line, power: power! };
    }
    default:
      throw new Error(`frame of unknown kind ${kind}`);
  }
}

function decodeCells(
  kind: "range_doppler" | "range_time",
  header: CellHeader,
  buffer: ArrayBuffer,
  start: number,
): Frame {
  const { rows, cols } = header;
  const n = rows * cols;
  if (!(rows >= 1 && cols >= 1 && n <= CELLS_MAX)) throw new Error(`a map of ${rows} × ${cols} cells`);
  if (buffer.byteLength - start < n) throw new Error(`${buffer.byteLength - start} cells of ${rows} × ${cols}`);
  return { kind, header, cells: new Uint8Array(buffer, start, n) };
}

/** `count` arrays of `n` little-endian floats. */
function floats(buffer: ArrayBuffer, start: number, n: number, count: number): Float32Array[] {
  if (!(n >= 0 && buffer.byteLength - start >= 4 * n * count)) throw new Error(`a line of ${n} points that is cut short`);
  // A copy, because a view must begin at a multiple of four.
  const bytes = buffer.slice(start, start + 4 * n * count);
  return Array.from({ length: count }, (_, index) => new Float32Array(bytes, 4 * n * index, n));
}

/** Range rate of a truth item, whichever name it has. */
export function truthRate(truth: Truth): number | null {
  return truth.range_rate_mps ?? truth.range_rate_m_s ?? null;
}

/** Place of a track where it is known. */
export function trackPlace(track: Track): Place | null {
  const latitude_deg = track.latitude_deg ?? track.position?.latitude_deg ?? null;
  const longitude_deg = track.longitude_deg ?? track.position?.longitude_deg ?? null;
  return latitude_deg === null || longitude_deg === null ? null : { latitude_deg, longitude_deg };
}
