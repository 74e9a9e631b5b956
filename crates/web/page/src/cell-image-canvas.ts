// Cells as a picture without WebGL: a pixel at a time.

import type { CellImage, Drawing } from "./cell-image.ts";

/** Cells that a pixel shows: from (inclusive) to (exclusive), at least one, at most eight. */
export function cellsOfPixel(pixel: number, pixels: number, from: number, to: number, n: number): [number, number] {
  const perPixel = (to - from) / pixels;
  const a = from + pixel * perPixel;
  const b = a + perPixel;
  const low = Math.min(a, b);
  const high = Math.max(a, b);
  if (high - low <= 1) {
    const cell = Math.min(Math.max(Math.floor((low + high) / 2), 0), n - 1);
    return [cell, cell + 1];
  }
  const first = Math.min(Math.max(Math.floor(low + 0.5), 0), n - 1);
  const end = Math.min(Math.max(Math.floor(high + 0.5), first + 1), n, first + 8);
  return [first, end];
}

/** Cells of all pixels along an axis, [from, to) each. */
function cellsOfPixels(pixels: number, from: number, to: number, n: number): Int32Array<ArrayBuffer> {
  const cells = new Int32Array(2 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) cells.set(cellsOfPixel(pixel, pixels, from, to, n), 2 * pixel);
  return cells;
}

export class CanvasCellImage implements CellImage {
  readonly kind = "canvas";
  private rows = 0;
  private cols = 0;
  private cells = new Uint8Array(0);
  private palette = new Uint32Array(256);
  private readonly colours = new Uint32Array(256);
  private image: ImageData | null = null;
  /** Cells of the pixels, and of what drawing. */
  private columns = new Int32Array(0);
  private lines = new Int32Array(0);
  private geometry = "";
  /** Greatest of the rows that fall on one line of pixels. */
  private most = new Uint8Array(0);

  constructor(private readonly context: CanvasRenderingContext2D) {}

  resize(rows: number, cols: number): void {
    if (rows === this.rows && cols === this.cols) return;
    this.rows = rows;
    this.cols = cols;
    this.cells = new Uint8Array(rows * cols);
    this.most = new Uint8Array(cols);
    this.geometry = "";
  }

  setPalette(table: Uint8Array<ArrayBuffer>): void {
    this.palette = new Uint32Array(table.slice().buffer);
  }

  write(row: number, rows: number, cells: Uint8Array): void {
    this.cells.set(cells.subarray(0, rows * this.cols), row * this.cols);
  }

  clear(): void {
    // The canvas is the marks' own.
  }

  draw(d: Drawing): void {
    const width = Math.floor(d.width);
    const height = Math.floor(d.height);
    if (this.rows === 0 || width < 1 || height < 1) return;
    this.plan(d, width, height);
    const pixels = new Uint32Array(this.image!.data.buffer);
    const { colours, columns, lines } = this;
    for (let y = 0; y < height; y++) {
      const from = lines[2 * y]!;
      const to = lines[2 * y + 1]!;
      if (y > 0 && from === lines[2 * y - 2] && to === lines[2 * y - 1]) {
        pixels.copyWithin(y * width, (y - 1) * width, y * width);
        continue;
      }
      const line = this.greatest(from, to, d.firstRow);
      for (let x = 0; x < width; x++) {
        let c = columns[2 * x]!;
        const end = columns[2 * x + 1]!;
        let most = line[c]!;
        while (++c < end) if (line[c]! > most) most = line[c]!;
        pixels[y * width + x] = colours[most]!;
      }
    }
    this.context.putImageData(this.image!, d.left, d.top);
  }

  private plan(d: Drawing, width: number, height: number): void {
    const geometry = [width, height, d.col0, d.col1, d.row0, d.row1].join(" ");
    if (geometry !== this.geometry) {
      this.geometry = geometry;
      if (this.image?.width !== width || this.image.height !== height) this.image = this.context.createImageData(width, height);
      this.columns = cellsOfPixels(width, d.col0, d.col1, this.cols);
      // Row 0 is below.
      this.lines = cellsOfPixels(height, d.row1, d.row0, this.rows);
    }
    const gain = 255 / Math.max(d.high - d.low, 1e-3);
    for (let byte = 0; byte < 256; byte++) {
      this.colours[byte] = this.palette[Math.min(Math.max(Math.round((byte - d.low) * gain), 0), 255)]!;
    }
  }

  /** The greatest of rows from (inclusive) to (exclusive), gate by gate. */
  private greatest(from: number, to: number, firstRow: number): Uint8Array {
    const { cols, cells, most } = this;
    const row = (index: number) => {
      const start = ((index + firstRow) % this.rows) * cols;
      return cells.subarray(start, start + cols);
    };
    if (to - from === 1) return row(from);
    most.set(row(from));
    for (let r = from + 1; r < to; r++) {
      const other = row(r);
      for (let c = 0; c < cols; c++) if (other[c]! > most[c]!) most[c] = other[c]!;
    }
    return most;
  }
}
