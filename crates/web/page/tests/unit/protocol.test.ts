import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrame, trackPlace, truthRate } from "../../src/protocol.ts";

/** A frame as the server makes it. */
function frame(kind: number, header: object, payload: Uint8Array, version = 1): ArrayBuffer {
  let text = JSON.stringify(header);
  text += " ".repeat((4 - (text.length % 4)) % 4);
  const bytes = new Uint8Array(8 + text.length + payload.length);
  bytes[0] = kind;
  bytes[1] = version;
  new DataView(bytes.buffer).setUint32(4, text.length, true);
  bytes.set(new TextEncoder().encode(text), 8);
  bytes.set(payload, 8 + text.length);
  return bytes.buffer;
}

const AXIS = { name: "range", unit: "m", start: 0, step: 15 };
const CELLS = { rows: 2, cols: 3, floor_db: -10, step_db: 0.5, x: AXIS, y: AXIS, sample: 7, channel: 0, quantity: "snr_db" };

test("a range-Doppler frame is read", () => {
  const read = decodeFrame(frame(1, CELLS, Uint8Array.of(1, 2, 3, 4, 5, 6)));
  assert.equal(read.kind, "range_doppler");
  assert.ok("cells" in read);
  assert.deepEqual([...read.cells], [1, 2, 3, 4, 5, 6]);
  assert.equal(read.header.step_db, 0.5);
});

test("an A-scope has power and threshold, wherever its floats begin", () => {
  const floats = new Float32Array([-80, -70, NaN, -60]);
  const read = decodeFrame(frame(3, { n: 2, x: AXIS }, new Uint8Array(floats.buffer)));
  assert.equal(read.kind, "a_scope");
  assert.ok("threshold" in read);
  assert.deepEqual([...read.power], [-80, -70]);
  assert.ok(Number.isNaN(read.threshold[0]));
  assert.equal(read.threshold[1], -60);
});

test("frames that are not as documented are refused", () => {
  assert.throws(() => decodeFrame(new ArrayBuffer(3)), /3 bytes/);
  assert.throws(() => decodeFrame(frame(1, CELLS, new Uint8Array(5))), /5 cells of 2 × 3/);
  assert.throws(() => decodeFrame(frame(1, CELLS, new Uint8Array(6), 2)), /version 2/);
  assert.throws(() => decodeFrame(frame(9, CELLS, new Uint8Array(6))), /kind 9/);
  assert.throws(() => decodeFrame(frame(4, { n: 1e9, x: AXIS }, new Uint8Array(8))), /cut short/);
  assert.throws(() => decodeFrame(frame(1, { ...CELLS, rows: 1e9 }, new Uint8Array(6))), /1000000000 × 3/);
  const lying = frame(1, CELLS, new Uint8Array(6));
  new DataView(lying).setUint32(4, 1 << 30, true);
  assert.throws(() => decodeFrame(lying), /header of/);
});

test("places and rates are found under either name", () => {
  const track = { track: 1, time_s: 0, range_m: 1, range_rate_mps: 1 };
  assert.equal(trackPlace(track), null);
  assert.deepEqual(trackPlace({ ...track, latitude_deg: 1, longitude_deg: 2 }), { latitude_deg: 1, longitude_deg: 2 });
  assert.deepEqual(trackPlace({ ...track, position: { latitude_deg: 0, longitude_deg: 2 } }), { latitude_deg: 0, longitude_deg: 2 });
  assert.equal(truthRate({ id: 1, time_s: 0, range_m: 1, range_rate_m_s: 3 }), 3);
});
