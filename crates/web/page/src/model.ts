// What the page knows: detections, tracks, truth, the latest frames. Knows nothing of the document.

import { Layers } from "./layers.ts";
import type { Alert, Detection, Exchange, Frame, Hello, Replay, Status, Track, Truth } from "./protocol.ts";
import { Waterfall } from "./waterfall-buffer.ts";

export interface SeenDetection extends Detection {
  /** Seconds after the stream's first sample; in the archive, unix seconds. */
  t_s: number;
}

export interface Trail {
  latest: Track;
  /** Earlier states, oldest first. */
  history: Track[];
}

/** Detections that are kept; the oldest go first. */
export const DETECTIONS_MAX = 20_000;
const TRAIL_MAX = 600;
const TRACKS_MAX = 2_000;
const TRUTH_MAX = 500;
const ALERTS_MAX = 200;

export class Model {
  hello: Hello | null = null;
  status: Status | null = null;
  replay: Replay | null = null;
  detections: SeenDetection[] = [];
  readonly tracks = new Map<number, Trail>();
  readonly truth = new Map<string, Truth>();
  doppler: (Frame & { kind: "range_doppler" }) | null = null;
  scope: (Frame & { kind: "a_scope" }) | null = null;
  spectrum: (Frame & { kind: "spectrum" }) | null = null;
  readonly waterfall = new Waterfall();
  exchange: Exchange | null = null;
  alerts: Alert[] = [];
  /** Alerts so far, those included that are forgotten. */
  alertsTold = 0;
  readonly layers = new Layers();
  /** Time of the latest frame or message, s. */
  now_s = 0;

  /** Of the archive times are unix seconds. */
  constructor(private readonly archived = false) {}

  /** Times are unix seconds, and not seconds after a first sample. */
  get absolute(): boolean {
    return this.archived || this.hello?.mode === "exchange";
  }

  /** Seconds after the first sample. */
  timeOfSample(sample: number): number {
    const rate = this.hello?.sample_rate_hz ?? 0;
    return rate > 0 ? (sample - (this.hello?.first_sample ?? 0)) / rate : 0;
  }

  /** A server begins: what is known of another run is forgotten. */
  begin(hello: Hello): void {
    const another = this.hello !== null && this.hello.session !== hello.session;
    this.hello = hello;
    if (another) this.forget();
  }

  forget(): void {
    this.detections = [];
    this.tracks.clear();
    this.truth.clear();
    this.doppler = this.scope = this.spectrum = null;
    this.waterfall.clear();
    this.layers.clear();
    if (this.exchange) this.layers.noteExchange(this.exchange);
    this.now_s = 0;
  }

  /** Another place was sought: what lies ahead will come again, and tracks are numbered anew. */
  private moveTo(t_s: number): void {
    this.detections = this.detections.filter((detection) => detection.t_s < t_s);
    this.tracks.clear();
    this.truth.clear();
    this.waterfall.clear();
    this.doppler = this.scope = this.spectrum = null;
    this.now_s = t_s;
  }

  addFrame(frame: Frame): void {
    const sample = frame.header.sample;
    if (sample !== undefined) {
      const t_s = this.timeOfSample(sample);
      if (frame.kind !== "range_time") this.now_s = Math.max(this.now_s, t_s);
    }
    switch (frame.kind) {
      case "range_doppler":
        this.doppler = frame as Frame & { kind: "range_doppler" };
        break;
      case "range_time":
        this.waterfall.add(frame.header, frame.cells, this.timeOfSample(frame.header.sample));
        break;
      case "a_scope":
        this.scope = frame;
        break;
      case "spectrum":
        this.spectrum = frame;
    }
  }

  addDetections(items: Detection[]): void {
    const { absolute } = this;
    for (const item of items) {
      const t_s = absolute ? (item.time_s ?? 0) : this.timeOfSample(item.sample + item.sample_fraction);
      this.detections.push({ ...item, t_s });
      this.layers.note(item);
    }
    if (this.detections.length > DETECTIONS_MAX * 1.1) this.detections = this.detections.slice(-DETECTIONS_MAX);
    const last = this.detections.at(-1);
    if (last) this.now_s = Math.max(this.now_s, last.t_s);
  }

  /** A track's time, whichever way it is counted, as seconds after the first sample. */
  private streamTime(time_s: number): number {
    const start = this.absolute ? null : (this.hello?.start_time_s ?? null);
    return start !== null && start > 1e8 && time_s > start / 2 ? time_s - start : time_s;
  }

  addTracks(items: Track[]): void {
    for (const told of items) {
      const item = { ...told, time_s: this.streamTime(told.time_s) };
      this.layers.note(item);
      const trail = this.tracks.get(item.track);
      if (!trail) this.tracks.set(item.track, { latest: item, history: [item] });
      else if (item.ended) trail.latest = { ...trail.latest, ended: true };
      else {
        trail.latest = item;
        trail.history.push(item);
        if (trail.history.length > TRAIL_MAX) trail.history.shift();
      }
      this.now_s = Math.max(this.now_s, item.time_s);
    }
    // Oldest first, because a map keeps the order in which keys came.
    for (const id of this.tracks.keys()) {
      if (this.tracks.size <= TRACKS_MAX) break;
      this.tracks.delete(id);
    }
  }

  addTruth(items: Truth[]): void {
    for (const item of items) {
      this.truth.delete(String(item.id));
      this.truth.set(String(item.id), item);
    }
    for (const id of this.truth.keys()) {
      if (this.truth.size <= TRUTH_MAX) break;
      this.truth.delete(id);
    }
  }

  addAlerts(items: Alert[]): void {
    this.alerts = [...this.alerts, ...items].slice(-ALERTS_MAX);
    this.alertsTold += items.length;
  }

  setExchange(exchange: Exchange): void {
    this.exchange = exchange;
    this.layers.noteExchange(exchange);
  }

  setStatus(status: Status): void {
    this.status = { ...this.status, ...status };
  }

  setReplay(replay: Replay): void {
    const before = this.replay;
    this.replay = replay;
    const sought = before && (replay.position_s < before.position_s - 1e-9 || replay.round !== before.round);
    if (sought) this.moveTo(replay.position_s);
  }

  /** Replaces detections and tracks by what the archive answered. */
  replaceAll(detections: SeenDetection[], tracks: Track[]): void {
    this.forget();
    this.detections = detections;
    for (const detection of detections) this.layers.note(detection);
    this.addTracks(tracks);
  }
}
