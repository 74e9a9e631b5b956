import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, count, fixed, metric, quantity, readableUnit, tickDigits, ticks } from "../../src/axis.ts";
import { cellsOfPixel } from "../../src/cell-image-canvas.ts";
import { projector } from "../../src/coastline.ts";
import { lookup, PALETTE_NAMES } from "../../src/palettes.ts";
import { autoLimits, byteLimits, follow } from "../../src/scale.ts";
import { envelope } from "../../src/view-scope.ts";
import { zoomed, zoomSetting } from "../../src/view-doppler.ts";

test("ticks are round and within", () => {
  assert.deepEqual(ticks({ min: 0, max: 10 }, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks({ min: -130, max: 130 }, 6), [-100, -50, 0, 50, 100]);
  assert.deepEqual(ticks({ min: 1, max: 1 }, 5), []);
  assert.deepEqual(ticks({ min: NaN, max: 1 }, 5), []);
  assert.equal(tickDigits([0.2, 0.25]), 2);
  assert.equal(tickDigits([0, 50]), 0);
});

test("numbers have their units", () => {
  assert.equal(fixed(-1.25, 1), "−1.3");
  assert.equal(fixed(-0.01, 1), "0.0");
  assert.equal(fixed(null, 1), "–");
  assert.equal(quantity(12345, "m"), "12.35 km");
  assert.equal(quantity(345, "m"), "345.0 m");
  assert.equal(metric(2e6, "S/s"), "2.00 MS/s");
  assert.equal(metric(0.0123, "s"), "12.3 ms");
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.equal(clock(59.96, 1), "1:00.0");
  assert.equal(clock(3661.5), "1:01:01.5");
  assert.deepEqual(readableUnit("Hz", { min: -1e7, max: 1e7 }), { factor: 1e-6, unit: "MHz" });
});

test("each pixel shows the cells under it, and each cell is on a pixel", () => {
  assert.deepEqual(cellsOfPixel(0, 10, 0, 5, 5), [0, 1]);
  assert.deepEqual(cellsOfPixel(9, 10, 0, 5, 5), [4, 5]);
  for (const [pixels, n] of [[100, 250], [64, 512], [7, 50]] as const) {
    const seen = new Set<number>();
    for (let pixel = 0; pixel < pixels; pixel++) {
      const [from, to] = cellsOfPixel(pixel, pixels, 0, n, n);
      for (let cell = from; cell < to; cell++) seen.add(cell);
    }
    assert.equal(seen.size, n);
  }
  // Upside down the same cells.
  assert.deepEqual(cellsOfPixel(0, 10, 20, 0, 20), [18, 20]);
});

test("the automatic scale keeps noise dark and peaks within", () => {
  const cells = new Uint8Array(70_000).fill(40);
  for (let i = 0; i < 700; i++) cells[i * 100] = 200;
  const limits = autoLimits(cells, { floor_db: -10, step_db: 0.5 });
  assert.deepEqual(limits, { floor: 10, ceiling: 90 });
  assert.deepEqual(byteLimits({ floor_db: -10, step_db: 0.5 }, limits), { low: 40, high: 200 });
  assert.deepEqual(follow(limits, { floor: 11, ceiling: 90 }), limits);
  assert.deepEqual(follow(limits, { floor: 20, ceiling: 90 }), { floor: 11, ceiling: 90 });
});

test("palettes grow lighter all the way: they can be read without colours", () => {
  for (const name of PALETTE_NAMES) {
    const table = lookup(name);
    let before = -1;
    for (let i = 0; i < 256; i += 5) {
      const lightness = 0.2126 * table[4 * i]! + 0.7152 * table[4 * i + 1]! + 0.0722 * table[4 * i + 2]!;
      assert.ok(lightness > before, `${name} at ${i}`);
      before = lightness;
    }
  }
});

test("lines keep their peaks where several points share a pixel", () => {
  const values = new Float32Array(1000).fill(-80);
  values[503] = -10;
  values[700] = NaN;
  const { low, high } = envelope(values, 0, 1000, 100);
  assert.equal(high[50], -10);
  assert.equal(low[50], -80);
  assert.equal(high[70], -80);
});

test("zooming stays on the axis", () => {
  const all = { min: 0, max: 100 };
  assert.deepEqual(zoomed([20, 300], all), { min: 20, max: 100 });
  assert.deepEqual(zoomed([200, 300], all), all);
  assert.equal(zoomSetting({ min: -5, max: 105 }, all), null);
  assert.deepEqual(zoomSetting({ min: 10, max: 30 }, all), [10, 30]);
});

test("the map's distances and directions are true from the station", () => {
  const project = projector({ latitude_deg: 54, longitude_deg: 10 });
  const [e0, n0] = project(54, 10);
  assert.ok(Math.hypot(e0, n0) < 1e-6);
  const [e1, n1] = project(55, 10);
  assert.ok(Math.abs(e1) < 1e-3 && Math.abs(n1 - 111_195) < 1);
  const [e2, n2] = project(54, 10.5);
  assert.ok(e2 > 32_600 && e2 < 32_750 && Math.abs(n2) < 150);
});
