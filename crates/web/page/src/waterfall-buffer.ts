// The latest rows of the range-time map, round and round in one array.

import type { Axis, CellHeader, Coding } from "./protocol.ts";

/** Rows that are kept. */
export const WATERFALL_ROWS = 512;

/** Bytes of one coding as bytes of another. */
export function recoding(from: Coding, to: Coding): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const value = (from.floor_db + from.step_db * byte - to.floor_db) / to.step_db;
    return Math.min(Math.max(Math.round(value), 0), 255);
  });
}

export class Waterfall {
  readonly rows = WATERFALL_ROWS;
  cols = 0;
  cells = new Uint8Array(0);
  /** Time of each row, s. */
  readonly time_s = new Float64Array(WATERFALL_ROWS);
  /** Row that is written next. */
  next = 0;
  filled = 0;
  /** Rows ever written: what has been drawn is told by it. */
  written = 0;
  x: Axis | null = null;
  coding: Coding = { floor_db: 0, step_db: 1 };
  quantity: CellHeader["quantity"] = "snr_db";

  clear(): void {
    this.next = this.filled = 0;
    this.written += this.rows;
    this.cells.fill(0);
  }

  /** Adds rows, oldest first, the first of them at `t_s`. */
  add(header: CellHeader, cells: Uint8Array, t_s: number): void {
    const axisChanged = header.x.start !== this.x?.start || header.x.step !== this.x.step;
    if (header.cols !== this.cols || axisChanged) {
      this.cols = header.cols;
      this.cells = new Uint8Array(this.rows * this.cols);
      this.clear();
    }
    if (this.filled === 0) this.coding = { floor_db: header.floor_db, step_db: header.step_db };
    this.x = header.x;
    this.quantity = header.quantity;
    const same = header.floor_db === this.coding.floor_db && header.step_db === this.coding.step_db;
    const table = same ? null : recoding(header, this.coding);
    const row_s = rowSpacing(header);
    for (let row = Math.max(0, header.rows - this.rows); row < header.rows; row++) {
      const source = cells.subarray(row * this.cols, (row + 1) * this.cols);
      this.cells.set(table ? source.map((byte) => table[byte]!) : source, this.next * this.cols);
      this.time_s[this.next] = t_s + row * row_s;
      this.next = (this.next + 1) % this.rows;
      this.filled = Math.min(this.filled + 1, this.rows);
      this.written++;
    }
  }

  /** Index in the array of the row that is `age` rows old. */
  slot(age: number): number {
    return (this.next - 1 - age + 2 * this.rows) % this.rows;
  }

  /** How many rows ago a time was, with fractions; null where it is older or newer than what is kept. */
  ageOf(t_s: number): number | null {
    if (this.filled < 1) return null;
    const at = (age: number) => this.time_s[this.slot(age)]!;
    const spacing = this.filled > 1 ? (at(0) - at(this.filled - 1)) / (this.filled - 1) : 0;
    if (t_s > at(0) + spacing || t_s < at(this.filled - 1)) return null;
    if (t_s >= at(0)) return 0;
    let low = 0;
    let high = this.filled - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (at(middle) >= t_s) low = middle;
      else high = middle;
    }
    const span = at(low) - at(high);
    return span > 0 ? low + (at(low) - t_s) / span : low;
  }
}

function rowSpacing(header: CellHeader): number {
  if (typeof header.row_s === "number") return header.row_s;
  if (typeof header.time0_s === "number" && typeof header.time_s === "number" && header.rows > 1) {
    return (header.time_s - header.time0_s) / (header.rows - 1);
  }
  return 0;
}
