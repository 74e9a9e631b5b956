import assert from "node:assert/strict";
import { test } from "node:test";
import { formatUtc, parseUtc } from "../../src/archive.ts";
import { DEFAULTS, formatSettings, parseSettings } from "../../src/settings.ts";
import { csv, parseFilter, sortRows, type Column } from "../../src/table-rows.ts";

test("settings survive the address", () => {
  const settings = { ...DEFAULTS, palette: "cividis", floor: -3, range: [1000, 25000.5], hold: true, tracks: false, filter: "snr>15 a&b#c" } as const;
  assert.deepEqual(parseSettings(`#${formatSettings({ ...settings, range: [1000, 25000.5] })}`), settings);
  assert.equal(formatSettings(DEFAULTS), "");
});

test("what an address cannot mean is left out", () => {
  const read = parseSettings("#palette=evil&floor=abc&range=9~2&rate=x&hold=yes&__proto__=1&constructor=2&theme=dark&ceiling=1e999");
  assert.deepEqual(read, { ...DEFAULTS, theme: "dark" });
  assert.equal(parseSettings(`#filter=${"x".repeat(5000)}`).filter.length, 300);
});

interface Row { t: number; snr_db: number | null; name: string }
const COLUMNS: Column<Row>[] = [
  { key: "t", title: "t", value: (r) => r.t, text: (r) => String(r.t) },
  { key: "snr_db", title: "SNR", value: (r) => r.snr_db, text: () => "" },
  { key: "name", title: "name", value: (r) => r.name, text: (r) => r.name },
];
const ROWS: Row[] = [
  { t: 1, snr_db: 12, name: "chirp" }, { t: 2, snr_db: null, name: "barker" }, { t: 3, snr_db: 30, name: "Chirp" }, { t: 4, snr_db: 12, name: "=1+1" },
];

test("filters compare and search", () => {
  const keep = (text: string) => ROWS.filter(parseFilter(text, COLUMNS)).map(({ t }) => t);
  assert.deepEqual(keep(""), [1, 2, 3, 4]);
  assert.deepEqual(keep("snr>15"), [3]);
  assert.deepEqual(keep("snr<=12 chirp"), [1]);
  assert.deepEqual(keep("CHIRP"), [1, 3]);
  assert.deepEqual(keep("unknown>3"), []);
});

test("sorting puts what is not known last and keeps equals in order", () => {
  const order = (descending: boolean) => sortRows(ROWS, COLUMNS, { key: "snr_db", descending }).map(({ t }) => t);
  assert.deepEqual(order(false), [1, 4, 3, 2]);
  assert.deepEqual(order(true), [3, 1, 4, 2]);
});

test("CSV is quoted where it must be, and no formula", () => {
  const text = csv([...ROWS.slice(3), { t: 5, snr_db: -1, name: 'a "b", c' }], COLUMNS);
  assert.equal(text, "t,snr_db,name\r\n4,12,'=1+1\r\n5,-1,\"a \"\"b\"\", c\"\r\n");
});

test("times of the form are UTC", () => {
  assert.equal(parseUtc("2026-11-22T10:00:00"), Date.UTC(2026, 10, 22, 10) / 1000);
  assert.equal(parseUtc("2026-11-22T10:00"), Date.UTC(2026, 10, 22, 10) / 1000);
  assert.equal(parseUtc(""), null);
  assert.equal(formatUtc(Date.UTC(2026, 10, 22, 10) / 1000), "2026-11-22T10:00:00");
});
