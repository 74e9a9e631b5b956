import assert from "node:assert/strict";
import { test } from "node:test";
import { DETECTIONS_MAX, Model } from "../../src/model.ts";
import type { CellHeader, Detection, Hello, Track } from "../../src/protocol.ts";
import { recoding, Waterfall, WATERFALL_ROWS } from "../../src/waterfall-buffer.ts";

const HELLO: Hello = {
  type: "hello", version: "0", session: "a", mode: "replay", views: [], station: null, duration_s: 10, start_time_s: 0,
  sample_rate_hz: 1000, first_sample: 500,
};

function detection(sample: number): Detection {
  return {
    sample, sample_fraction: 0, time: null, channel: 0, template: "x", range_m: 1, doppler_hz: 0, velocity_mps: 0, azimuth_deg: null,
    snr_db: 20, power_db: -40, after_gap: false,
  };
}

const track = (id: number, time_s: number): Track => ({ track: id, time_s, range_m: 100 * time_s, range_rate_mps: 1 });

function model(): Model {
  const made = new Model();
  made.begin(HELLO);
  return made;
}

const AXIS = { name: "range", unit: "m", start: 0, step: 1 };

function rows(n: number, cols: number, value: number, more: Partial<CellHeader> = {}): [CellHeader, Uint8Array] {
  const header = {
    rows: n, cols, floor_db: 0, step_db: 1, x: AXIS, y: AXIS, sample: 0, channel: 0, quantity: "snr_db", row_s: 0.1, time_s: null, ...more,
  } as CellHeader;
  return [header, new Uint8Array(n * cols).fill(value)];
}

test("times count from the first sample", () => {
  const m = model();
  m.addDetections([detection(1500)]);
  assert.equal(m.detections[0]!.t_s, 1);
});

test("a seek forgets tracks and what lies ahead", () => {
  const m = model();
  m.addDetections([1, 2, 3, 4].map((t) => detection(500 + 1000 * t)));
  for (const t of [1, 2, 3]) m.addTracks([track(7, t)]);
  m.addTracks([track(8, 3)]);
  m.setReplay({ state: "playing", position_s: 4, duration_s: 10, speed: 1, can_seek: true });
  m.setReplay({ state: "playing", position_s: 2.5, duration_s: 10, speed: 1, can_seek: true });
  assert.deepEqual(m.detections.map(({ t_s }) => t_s), [1, 2]);
  // The tracker begins anew, and counts from one.
  assert.equal(m.tracks.size, 0);
});

test("another session begins anew, the same one goes on", () => {
  const m = model();
  m.addDetections([detection(600)]);
  m.begin(HELLO);
  assert.equal(m.detections.length, 1);
  m.begin({ ...HELLO, session: "b" });
  assert.equal(m.detections.length, 0);
});

test("what is kept has a limit", () => {
  const m = model();
  for (let i = 0; i < 60; i++) m.addDetections(Array.from({ length: 500 }, (_, k) => detection(500 + 500 * i + k)));
  assert.ok(m.detections.length <= DETECTIONS_MAX * 1.1);
  assert.equal(m.detections.at(-1)!.sample, 500 + 29_999);
  for (let i = 0; i < 3000; i++) m.addTracks([track(i, 1)]);
  assert.equal(m.tracks.size, 2000);
  assert.ok(m.tracks.has(2999));
});

test("a track's time may be told in unix seconds", () => {
  const m = new Model();
  m.begin({ ...HELLO, start_time_s: 1.7e9 });
  m.addTracks([track(1, 1.7e9 + 2), track(2, 3)]);
  assert.deepEqual([...m.tracks.values()].map(({ latest }) => latest.time_s), [2, 3]);
});

test("an ended track keeps its last state", () => {
  const m = model();
  m.addTracks([track(1, 1)]);
  m.addTracks([{ ...track(1, 2), ended: true }]);
  assert.equal(m.tracks.get(1)!.latest.ended, true);
  assert.equal(m.tracks.get(1)!.latest.time_s, 1);
});

test("rows go round, and their times are found again", () => {
  const w = new Waterfall();
  for (let i = 0; i < WATERFALL_ROWS + 10; i++) w.add(...rows(1, 4, i % 256), i * 0.1);
  assert.equal(w.filled, WATERFALL_ROWS);
  const newest = (WATERFALL_ROWS + 9) * 0.1;
  assert.equal(w.ageOf(newest), 0);
  assert.ok(Math.abs(w.ageOf(newest - 0.25)! - 2.5) < 1e-6);
  assert.equal(w.ageOf(0.05), null);
  assert.equal(w.cells[w.slot(0) * 4], (WATERFALL_ROWS + 9) % 256);
  w.add(...rows(3, 4, 9), 100);
  assert.ok(Math.abs(w.time_s[w.slot(0)]! - 100.2) < 1e-9);
});

test("rows of another coding are brought to that of the first", () => {
  const w = new Waterfall();
  w.add(...rows(1, 2, 10), 0);
  w.add(...rows(1, 2, 10, { floor_db: -10, step_db: 2 }), 1);
  assert.equal(w.cells[w.slot(0) * 2], 10);
  assert.equal(recoding({ floor_db: -10, step_db: 0.5 }, { floor_db: 0, step_db: 1 })[40], 10);
});

test("another range axis begins the waterfall anew", () => {
  const w = new Waterfall();
  w.add(...rows(5, 4, 1), 0);
  w.add(...rows(1, 8, 1), 1);
  assert.equal(w.filled, 1);
});
