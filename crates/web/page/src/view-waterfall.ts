// Range over time, the newest above: of the stream as a picture, of the archive as points.

import { clock, fixed, quantity, utc } from "./axis.ts";
import { cellImage, type CellImage } from "./cell-image.ts";
import { alive, type Context, type View } from "./context.ts";
import { setText } from "./dom.ts";
import { dots, mark, polyline, thinned } from "./marks.ts";
import { PlotFrame } from "./plot-frame.ts";
import { byteLimits } from "./scale.ts";
import { MARKS } from "./theme.ts";
import { axisTitle, extent, zoomed, zoomSetting } from "./view-doppler.ts";

export class WaterfallView implements View {
  readonly interval_ms = 60;
  readonly frame: PlotFrame;
  private readonly image: CellImage;
  private written = 0;
  private cells: Uint8Array | null = null;
  private palette: Uint8Array | null = null;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    private readonly readout: HTMLElement,
  ) {
    this.frame = new PlotFrame(
      host,
      {
        label: "Range over time. Arrow keys move the cross-hair, plus and minus zoom in range, 0 shows all.",
        zoom: { x: true, y: false },
        onZoom: (x) => {
          if (this.overRange()) context.settings.set({ range: zoomSetting(x, this.ranges()) });
        },
        onCursor: () => {
          if (this.overRange()) context.cursorRange = this.frame.cursor?.x ?? null;
        },
      },
      () => context.invalidate(),
    );
    this.image = cellImage(this.frame.overlay, () => this.frame.under());
  }

  /** Rows from top to bottom: few are shown larger, and a short recording fills more of the plot. */
  private rowsShown(): number {
    const { filled, rows } = this.context.model.waterfall;
    return Math.min(Math.max(2 ** Math.ceil(Math.log2(Math.max(filled, 1))), 32), rows);
  }

  /** Some chains have a waterfall over frequency or speed. */
  private overRange(): boolean {
    return (this.context.model.waterfall.x?.unit ?? "m") === "m";
  }

  private ranges(): { min: number; max: number } {
    const { waterfall, doppler, hello, detections } = this.context.model;
    if (waterfall.x) return extent(waterfall.x, waterfall.cols);
    if (doppler) return extent(doppler.header.x, doppler.header.cols);
    const far = detections.reduce((most, { range_m }) => Math.max(most, range_m ?? 0), 0);
    return { min: 0, max: hello?.max_range_m ?? (far > 0 ? far * 1.05 : 1000) };
  }

  draw(): void {
    const { frame, context } = this;
    if (!frame.visible) return;
    frame.x = zoomed(this.overRange() ? context.settings.current.range : null, this.ranges());
    frame.begin();
    this.image.clear();
    if (context.archived) this.setArchiveTimes();
    else this.drawCells();
    const { model, colours, archived } = context;
    if (!archived && model.waterfall.filled === 0) frame.message("no rows yet", colours);
    frame.clipped((overlay) => this.drawMarks(overlay));
    const range = axisTitle(model.waterfall.x ?? { name: "range", unit: "m" });
    frame.axes(colours, range, { name: archived ? "hours before the end" : "time", unit: archived ? "h" : "s" }, archived);
    const cross = archived ? colours.ink : "#ffffff";
    const at = this.overRange() ? context.cursorRange : (frame.cursor?.x ?? null);
    if (at !== null) frame.crosshair(at, frame.cursor?.y ?? null, cross);
    setText(this.readout, this.describe());
  }

  /** The archive's hours, counted back from the end of what was asked for. */
  private setArchiveTimes(): void {
    const { detections } = this.context.model;
    const first = detections[0]?.t_s ?? 0;
    const last = detections.at(-1)?.t_s ?? 1;
    this.frame.y = { min: Math.min((first - last) / 3600, -1e-6), max: 0 };
  }

  private drawCells(): void {
    const { frame, image, context } = this;
    const { waterfall } = context.model;
    if (waterfall.filled === 0 || !waterfall.x) return;
    const newest = waterfall.time_s[waterfall.slot(0)]!;
    const oldest = waterfall.time_s[waterfall.slot(waterfall.filled - 1)]!;
    // Before it is full the rows that there are lie above, as high as they will be.
    const span = waterfall.filled > 1 ? ((newest - oldest) / (waterfall.filled - 1)) * this.rowsShown() : 1;
    frame.y = { min: newest - span, max: newest };
    this.upload();
    if (this.palette !== context.palette) image.setPalette((this.palette = context.palette));
    const { rect, ratio } = frame;
    const height = rect.height * ratio * (waterfall.filled / this.rowsShown());
    const { x } = waterfall;
    image.draw({
      left: Math.round(rect.left * ratio),
      top: Math.round(rect.top * ratio),
      width: Math.round(rect.width * ratio),
      height: Math.round(height),
      col0: (frame.x.min - x.start) / x.step + 0.5,
      col1: (frame.x.max - x.start) / x.step + 0.5,
      row0: 0,
      row1: waterfall.filled,
      firstRow: waterfall.slot(waterfall.filled - 1),
      ...byteLimits(waterfall.coding, context.limits),
    });
  }

  /** Sends the rows to the picture that came since. */
  private upload(): void {
    const { waterfall } = this.context.model;
    const { cols, rows, cells } = waterfall;
    this.image.resize(rows, cols);
    let missing = Math.min(waterfall.written - this.written, rows);
    if (this.cells !== cells) missing = rows;
    this.cells = cells;
    this.written = waterfall.written;
    const end = waterfall.next;
    const before = Math.min(missing, end);
    if (before > 0) this.image.write(end - before, before, cells.subarray((end - before) * cols, end * cols));
    const wrapped = missing - before;
    if (wrapped > 0) this.image.write(rows - wrapped, wrapped, cells.subarray((rows - wrapped) * cols));
  }

  /** Height of a time, in pixels; rows need not be even. */
  private heightOf(t_s: number): number | null {
    const { frame, context } = this;
    if (context.archived) {
      const last = context.model.detections.at(-1)?.t_s ?? 0;
      return frame.toY((t_s - last) / 3600);
    }
    const { waterfall } = context.model;
    const age = waterfall.ageOf(t_s);
    return age === null ? null : frame.rect.top + (age / this.rowsShown()) * frame.rect.height;
  }

  private drawMarks(overlay: CanvasRenderingContext2D): void {
    const { frame, context } = this;
    const { model, archived, colours } = context;
    const set = context.settings.current;
    if (!this.overRange()) return;
    if (set.detections) {
      const points: [number, number][] = [];
      for (const { range_m, t_s } of model.detections.slice(archived ? 0 : -3000)) {
        const y = range_m === null ? null : this.heightOf(t_s);
        if (y !== null && range_m !== null) points.push([frame.toX(range_m), y]);
      }
      if (archived) dots(overlay, points, colours.detection, null);
      else dots(overlay, points);
    }
    if (!set.tracks) return;
    for (const { latest, history } of archived ? alive(context) : model.tracks.values()) {
      const points: [number, number][] = [];
      for (const state of thinned(history)) {
        const y = this.heightOf(state.time_s);
        if (y !== null && state.range_m !== null) points.push([frame.toX(state.range_m), y]);
      }
      polyline(overlay, points, archived ? colours.track : MARKS.track, null);
      const at = points.at(-1);
      if (set.track === latest.track && at) mark(overlay, "track", at[0], at[1], { bold: true });
    }
  }

  private describe(): string {
    const { frame, context } = this;
    const { cursor } = frame;
    if (!cursor) return "";
    const { model, archived } = context;
    if (archived) return `${quantity(cursor.x, "m")}  ${utc((model.detections.at(-1)?.t_s ?? 0) + cursor.y * 3600)}`;
    const { waterfall } = model;
    const start = model.hello?.start_time_s ?? null;
    const age = Math.floor(((frame.toY(cursor.y) - frame.rect.top) / frame.rect.height) * this.rowsShown());
    const where = quantity(cursor.x, waterfall.x?.unit ?? "m");
    if (!waterfall.x || age < 0 || age >= waterfall.filled) return where;
    const slot = waterfall.slot(age);
    const col = Math.round((cursor.x - waterfall.x.start) / waterfall.x.step);
    const t_s = waterfall.time_s[slot]!;
    const value = waterfall.coding.floor_db + waterfall.coding.step_db * (waterfall.cells[slot * waterfall.cols + col] ?? 0);
    const when = start === null ? clock(t_s, 3) : utc(start + t_s).slice(11);
    return `${where}  ${when}  ${fixed(value, 1)} dB`;
  }
}
