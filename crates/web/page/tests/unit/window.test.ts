import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHidden, FUSED, layerOf, Layers, parseHidden, whose } from "../../src/layers.ts";
import { flowText, kindsText } from "../../src/exchange.ts";
import { formatSettings, parseSettings } from "../../src/settings.ts";
import { dragged, grip, lengthText, marks, markText, SHORTEST_S, showing, within, zoomed, type Span } from "../../src/window.ts";

const WHOLE: Span = [1000, 2000];

test("a window stays in the time line and keeps its length where it can", () => {
  assert.deepEqual(within([900, 1000], WHOLE), [1000, 1100]);
  assert.deepEqual(within([1950, 2050], WHOLE), [1900, 2000]);
  assert.deepEqual(within([0, 9000], WHOLE), [1000, 2000]);
  assert.deepEqual(within([1500, 1500], WHOLE), [1500, 1500 + SHORTEST_S]);
  assert.deepEqual(zoomed([1000, 2000], 100, 1250, WHOLE), [1225, 1325]);
  assert.deepEqual(zoomed([1225, 1325], 5000, 1250, WHOLE), [1000, 2000]);
});

test("what is seen follows the window", () => {
  assert.deepEqual(showing([1100, 1300], [1150, 1200], WHOLE), [1100, 1300]);
  const moved = showing([1100, 1300], [1400, 1500], WHOLE);
  assert.equal(moved[1] - moved[0], 200);
  assert.ok(moved[0] <= 1400 && moved[1] >= 1500);
  const longer = showing([1100, 1200], [1300, 1800], WHOLE);
  assert.ok(longer[0] <= 1300 && longer[1] >= 1800);
});

test("edges, the window and the rest are taken hold of", () => {
  const window: Span = [1400, 1600];
  const at = (time: number) => grip(time, window, 10);
  assert.deepEqual([1390, 1405, 1500, 1595, 1609, 1620].map(at), ["from", "from", "window", "to", "to", "new"]);
  // However short it is, it can be moved.
  assert.equal(grip(1500, [1499, 1501], 10), "window");
  assert.deepEqual(dragged("window", window, 1500, 1700, WHOLE), [1600, 1800]);
  assert.deepEqual(dragged("window", window, 1500, 3000, WHOLE), [1800, 2000]);
  assert.deepEqual(dragged("from", window, 1400, 1700, WHOLE), [1599, 1600]);
  assert.deepEqual(dragged("to", window, 1600, 1700, WHOLE), [1400, 1700]);
  assert.deepEqual(dragged("new", window, 1900, 1800, WHOLE), [1800, 1900]);
});

test("times along the line are round and no finer than they need be", () => {
  const day = 86_400 * 20_000;
  const month = marks([day, day + 30 * 86_400], 12);
  assert.ok(month.times.length <= 12 && month.times.every((time) => time % 86_400 === 0));
  assert.equal(markText(month.times[0]!, month.step_s).length, 5);
  assert.equal(markText(day + 3600, 3600), "01:00");
  assert.equal(markText(day + 61, 1), "00:01:01");
  assert.ok(marks([day, day + 1e9], 10).times.length <= 11);
  assert.deepEqual([86_400 * 3, 7200, 300, 5].map(lengthText), ["3.0 d", "2.0 h", "5.0 min", "5.0 s"]);
});

test("layers are those of stations and of the common picture", () => {
  const layers = new Layers();
  assert.equal(layerOf({ owner: null }), null);
  layers.note({ station: "south", owner: "South" });
  assert.deepEqual(layers.all, [], "one station is no choice");
  layers.note({ station: "north" });
  layers.note({ station: "north", owner: "North" });
  layers.note({ owner: "centre", fused: true });
  assert.deepEqual(layers.all.map(({ key }) => key), ["by:north", "by:south", FUSED]);
  assert.equal(whose({ station: "south" }, layers), "South · south");
  assert.equal(layers.colour("by:south"), 1);
  assert.equal(layers.colour(FUSED), null);
  assert.equal(formatHidden(parseHidden("b,,a")), "a,b");
});

test("layers and what is seen stand in the address, to the second", () => {
  const settings = parseSettings("#hide=fused,by:north&seen=1795341600.5~1795345200&altitude=5000&list=exchange");
  assert.deepEqual(settings.seen, [1795341600.5, 1795345200]);
  assert.equal(settings.hide, "fused,by:north");
  assert.deepEqual(parseSettings(formatSettings(settings)), settings);
});

test("an account is told in words", () => {
  const side = { owner: "A", given: {}, delivered: {}, in_window: 0, owed_in_window: 1, is_flowing: false, stops_at_s: null, stopped_since_s: 1_800_000_000 };
  assert.equal(flowText(side), "stopped since 2027-01-15 08:00:00");
  assert.equal(flowText({ ...side, is_flowing: true, stopped_since_s: null }), "flows");
  assert.equal(kindsText({}), "nothing");
  assert.equal(kindsText({ detections: 3, tracks: 2 }), "3 detections, 2 tracks");
});
