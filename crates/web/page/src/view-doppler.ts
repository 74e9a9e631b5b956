// The range-Doppler map.

import { fixed, quantity, type Interval } from "./axis.ts";
import { cellImage, type CellImage } from "./cell-image.ts";
import { alive, nearest, recent, type Context, type View } from "./context.ts";
import { setText } from "./dom.ts";
import { label, mark, polyline, thinned } from "./marks.ts";
import type { Trail } from "./model.ts";
import { PlotFrame } from "./plot-frame.ts";
import { truthRate, type Axis, type CellHeader } from "./protocol.ts";
import { byteLimits } from "./scale.ts";
import { MARKS } from "./theme.ts";
import { recoding } from "./waterfall-buffer.ts";

/** First and last edge of an axis' cells. */
export function extent(axis: Axis, n: number): Interval {
  const a = axis.start - axis.step / 2;
  const b = axis.start + (n - 0.5) * axis.step;
  return { min: Math.min(a, b), max: Math.max(a, b) };
}

/** The zoomed part of an axis, where that is still on it. */
export function zoomed(zoom: [number, number] | null, all: Interval): Interval {
  if (!zoom || zoom[0] >= all.max || zoom[1] <= all.min) return all;
  return { min: Math.max(zoom[0], all.min), max: Math.min(zoom[1], all.max) };
}

/** What a zoom comes to as a setting: null where it is all there is. */
export function zoomSetting(zoom: Interval | null, all: Interval): [number, number] | null {
  if (!zoom) return null;
  const min = Math.max(zoom.min, all.min);
  const max = Math.min(zoom.max, all.max);
  const whole = (max - min) / (all.max - all.min) > 0.999;
  return whole || max <= min ? null : [min, max];
}

/** Name and unit as they are written. */
export function axisTitle({ name, unit }: { name: string; unit: string }): { name: string; unit: string } {
  return { name: name.replaceAll("_", " "), unit };
}

export class DopplerView implements View {
  readonly frame: PlotFrame;
  readonly image: CellImage;
  private held: { header: CellHeader; cells: Uint8Array } | null = null;
  private heldFrom: Uint8Array | null = null;
  private shown: Uint8Array | null = null;
  private palette: Uint8Array | null = null;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    private readonly readout: HTMLElement,
  ) {
    this.frame = new PlotFrame(
      host,
      {
        label: "Range-Doppler map. Arrow keys move the cross-hair, plus and minus zoom, 0 shows all, Enter selects a track.",
        zoom: { x: true, y: true },
        step: () => this.step(),
        onZoom: (x, y) => {
          const all = this.extents();
          context.settings.set({ range: zoomSetting(x, all.x), rate: zoomSetting(y, all.y) });
        },
        onClick: (x, y) => this.click(x, y),
        onCursor: () => (context.cursorRange = this.frame.cursor?.x ?? null),
      },
      () => context.invalidate(),
    );
    this.image = cellImage(this.frame.overlay, () => this.frame.under());
  }

  private header(): CellHeader | null {
    return this.context.model.doppler?.header ?? null;
  }

  private inHertz(): boolean {
    return this.header()?.y.unit === "Hz";
  }

  private step(): { x: number; y: number } {
    const header = this.header();
    return header ? { x: Math.abs(header.x.step), y: Math.abs(header.y.step) } : { x: 100, y: 1 };
  }

  private extents(): { x: Interval; y: Interval } {
    const header = this.header();
    if (header) return { x: extent(header.x, header.cols), y: extent(header.y, header.rows) };
    const { detections } = this.context.model;
    let range = this.context.model.hello?.max_range_m ?? 0;
    let rate = 10;
    for (const detection of detections) {
      range = Math.max(range, (detection.range_m ?? 0) * 1.05);
      rate = Math.max(rate, Math.abs(detection.velocity_mps ?? 0) * 1.1);
    }
    return { x: { min: 0, max: range || 1000 }, y: { min: -rate, max: rate } };
  }

  /** Cells that fit the plot: more need not be sent. */
  wanted(): { rows: number; cols: number } {
    const { rect, ratio } = this.frame;
    const all = this.extents();
    const part = (zoom: [number, number] | null, { min, max }: Interval) =>
      zoom ? Math.min(Math.max((zoom[1] - zoom[0]) / (max - min), 0.05), 1) : 1;
    const { range, rate } = this.context.settings.current;
    return {
      rows: Math.min(512, powerOfTwo((rect.height * ratio) / part(rate, all.y))),
      cols: Math.min(2048, powerOfTwo((rect.width * ratio) / part(range, all.x))),
    };
  }

  /** The greatest that each cell has been. */
  private hold(header: CellHeader, cells: Uint8Array): void {
    const held = this.held;
    const same =
      held?.header.rows === header.rows && held.header.cols === header.cols &&
      held.header.x.start === header.x.start && held.header.x.step === header.x.step &&
      held.header.y.start === header.y.start && held.header.channel === header.channel;
    if (!held || !same) {
      this.held = { header, cells: cells.slice() };
      return;
    }
    if (held.header.floor_db !== header.floor_db || held.header.step_db !== header.step_db) {
      const table = recoding(held.header, header);
      held.cells = held.cells.map((byte) => table[byte]!);
      held.header = header;
    }
    const most = held.cells;
    for (let i = 0; i < most.length; i++) if (cells[i]! > most[i]!) most[i] = cells[i]!;
  }

  /** Takes a frame into the maximum, drawn or not. */
  accept(): void {
    const source = this.context.model.doppler;
    if (!source || !this.context.settings.current.hold || source.cells === this.heldFrom) return;
    this.heldFrom = source.cells;
    this.hold(source.header, source.cells);
  }

  /** Begins the maximum anew. */
  resetHold(): void {
    this.held = this.heldFrom = this.shown = null;
    this.context.invalidate();
  }

  /** The cells as they are shown: the latest, or the greatest so far. */
  private current(): { header: CellHeader; cells: Uint8Array } | null {
    const frame = this.context.model.doppler;
    if (!frame) return null;
    if (!this.context.settings.current.hold) return frame;
    return this.held ? { header: frame.header, cells: this.held.cells } : frame;
  }

  draw(): void {
    const { frame, context } = this;
    if (!frame.visible) return;
    const all = this.extents();
    const { range, rate } = context.settings.current;
    frame.x = zoomed(range, all.x);
    frame.y = zoomed(rate, all.y);
    frame.begin();
    this.drawCells();
    const header = this.header();
    if (!header && context.model.detections.length === 0) {
      const offered = context.model.hello?.views.includes("range_doppler") ?? true;
      const live = offered ? "no range-Doppler map yet" : "this chain makes no range-Doppler map";
      const text = context.archived ? "no detections in this time" : live;
      frame.message(text, context.colours);
    }
    frame.clipped((overlay) => this.drawMarks(overlay));
    const y = header?.y ?? { name: "range rate", unit: "m/s" };
    frame.axes(context.colours, { name: "range", unit: header?.x.unit ?? "m" }, axisTitle(y), !header);
    const light = header ? "#ffffff" : context.colours.ink;
    if (context.cursorRange !== null) frame.crosshair(context.cursorRange, frame.cursor?.y ?? null, light);
    setText(this.readout, this.describe());
  }

  private drawCells(): void {
    const { frame, image, context } = this;
    const source = context.model.doppler;
    image.clear();
    if (!source) {
      this.shown = null;
      return;
    }
    const { header } = source;
    if (this.palette !== context.palette) image.setPalette((this.palette = context.palette));
    image.resize(header.rows, header.cols);
    if (this.shown !== source.cells) {
      this.accept();
      image.write(0, header.rows, this.current()?.cells ?? source.cells);
      this.shown = source.cells;
    }
    const { rect, ratio } = frame;
    const cell = (axis: Axis, value: number) => (value - axis.start) / axis.step + 0.5;
    image.draw({
      left: Math.round(rect.left * ratio),
      top: Math.round(rect.top * ratio),
      width: Math.round(rect.width * ratio),
      height: Math.round(rect.height * ratio),
      col0: cell(header.x, frame.x.min),
      col1: cell(header.x, frame.x.max),
      row0: cell(header.y, frame.y.min),
      row1: cell(header.y, frame.y.max),
      firstRow: 0,
      ...byteLimits(header, context.limits),
    });
  }

  private drawMarks(overlay: CanvasRenderingContext2D): void {
    const { frame, context } = this;
    const set = context.settings.current;
    const onCells = context.model.doppler !== null;
    const { colours } = context;
    const style = (shape: "detection" | "track" | "truth") =>
      onCells ? {} : { colour: colours[shape], halo: colours.panel };
    if (set.detections) {
      for (const { detection, fresh } of recent(context)) {
        const y = this.inHertz() ? detection.doppler_hz : detection.velocity_mps;
        if (detection.range_m === null || y === null) continue;
        overlay.globalAlpha = 0.25 + 0.75 * fresh;
        const size = context.archived ? 2 : 4 + Math.min(Math.max(detection.snr_db - 10, 0), 30) / 10;
        mark(overlay, "detection", frame.toX(detection.range_m), frame.toY(y), { size, ...style("detection") });
      }
      overlay.globalAlpha = 1;
    }
    if (this.inHertz()) return;
    if (set.truth) {
      for (const truth of context.model.truth.values()) {
        const rate = truthRate(truth);
        if (truth.range_m === null || rate === null || context.model.now_s - truth.time_s > 3) continue;
        mark(overlay, "truth", frame.toX(truth.range_m), frame.toY(rate), { size: 7, ...style("truth") });
      }
    }
    if (set.tracks) {
      for (const trail of alive(context)) this.drawTrack(overlay, trail, onCells);
    }
  }

  private drawTrack(overlay: CanvasRenderingContext2D, { latest, history }: Trail, onCells: boolean): void {
    const { frame, context } = this;
    if (latest.range_m === null || latest.range_rate_mps === null) return;
    const colour = onCells ? MARKS.track : context.colours.track;
    const halo = onCells ? MARKS.halo : context.colours.panel;
    const bold = context.settings.current.track === latest.track;
    const points = thinned(bold ? history : history.slice(-40), 60)
      .map((state) => [frame.toX(state.range_m ?? NaN), frame.toY(state.range_rate_mps ?? NaN)] as const);
    polyline(overlay, points, colour, halo);
    const x = frame.toX(latest.range_m);
    const y = frame.toY(latest.range_rate_mps);
    mark(overlay, "track", x, y, { bold, colour, halo, size: bold ? 8 : 6 });
    label(overlay, `${latest.track}${latest.coasting ? " ·" : ""}`, x + 11, y - 9, colour, halo);
  }

  private click(x: number, y: number): void {
    const { frame, context } = this;
    const found = nearest(
      alive(context),
      ({ latest }) => [frame.toX(latest.range_m ?? NaN), frame.toY(latest.range_rate_mps ?? NaN)],
      frame.toX(x),
      frame.toY(y),
    );
    context.selectTrack(found ? found.latest.track : null);
  }

  private describe(): string {
    const { cursor } = this.frame;
    if (!cursor) return "";
    const source = this.current();
    const unit = this.header()?.y.unit ?? "m/s";
    const text = `${quantity(cursor.x, "m")}  ${unit === "Hz" ? quantity(cursor.y, "Hz") : `${fixed(cursor.y, 1)} m/s`}`;
    if (!source) return text;
    const { header, cells } = source;
    const col = Math.round((cursor.x - header.x.start) / header.x.step);
    const row = Math.round((cursor.y - header.y.start) / header.y.step);
    if (col < 0 || row < 0 || col >= header.cols || row >= header.rows) return text;
    const value = header.floor_db + header.step_db * cells[row * header.cols + col]!;
    return `${text}  ${fixed(value, 1)} dB${header.quantity === "snr_db" ? " SNR" : ""}`;
  }
}

/** The next one at or above: the server knows no others, and rounds down. */
function powerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(n, 16)));
}
