// Lines: the A-scope with the detector's threshold, and the spectrum.

import { fixed, quantity, type Interval } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { setText } from "./dom.ts";
import { PlotFrame } from "./plot-frame.ts";
import type { Axis } from "./protocol.ts";
import { axisTitle, extent, zoomed, zoomSetting } from "./view-doppler.ts";

/** Where several points fall on a pixel, the least and the greatest are drawn. */
export function envelope(
  values: Float32Array,
  from: number,
  to: number,
  pixels: number,
): { low: Float32Array; high: Float32Array } {
  const low = new Float32Array(pixels).fill(NaN);
  const high = new Float32Array(pixels).fill(NaN);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const a = Math.floor(from + ((to - from) * pixel) / pixels);
    const b = Math.max(Math.floor(from + ((to - from) * (pixel + 1)) / pixels), a + 1);
    for (let i = Math.max(a, 0); i < Math.min(b, values.length); i++) {
      const value = values[i]!;
      if (!(value >= low[pixel]!)) low[pixel] = Number.isNaN(value) ? low[pixel]! : value;
      if (!(value <= high[pixel]!)) high[pixel] = Number.isNaN(value) ? high[pixel]! : value;
    }
  }
  return { low, high };
}

export class ScopeView implements View {
  readonly interval_ms = 60;
  readonly frame: PlotFrame;
  /** Follows the data's level slowly, so that the axis does not dance. */
  private level: Interval | null = null;
  private levelOf = "";
  /** What is zoomed to where the axis is not range, which all plots share. */
  private own: Interval | null = null;
  private axis = "";

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    private readonly readout: HTMLElement,
  ) {
    this.frame = new PlotFrame(
      host,
      {
        label: "Power over range with the detection threshold, or over frequency. Arrow keys move the cross-hair.",
        zoom: { x: true, y: false },
        onZoom: (x) => this.zoom(x),
        onCursor: () => {
          if (this.overRange()) context.cursorRange = this.frame.cursor?.x ?? null;
        },
      },
      () => context.invalidate(),
    );
  }

  private isSpectrum(): boolean {
    return this.context.settings.current.scope === "spectrum";
  }

  private overRange(): boolean {
    return this.source()?.axis.unit === "m";
  }

  private source(): { axis: Axis; power: Float32Array; threshold: Float32Array | null } | null {
    const { spectrum, scope } = this.context.model;
    if (this.isSpectrum()) return spectrum && { axis: spectrum.header.x, power: spectrum.power, threshold: null };
    return scope && { axis: scope.header.x, power: scope.power, threshold: scope.threshold };
  }

  private zoom(x: Interval | null): void {
    const source = this.source();
    if (!source) return;
    const all = extent(source.axis, source.power.length);
    if (!this.overRange()) {
      const kept = zoomSetting(x, all);
      this.own = kept ? { min: kept[0], max: kept[1] } : null;
      this.context.invalidate();
    } else this.context.settings.set({ range: zoomSetting(x, all) });
  }

  draw(): void {
    const { frame, context } = this;
    if (!frame.visible) return;
    const overlay = frame.begin();
    const source = this.source();
    const { colours } = context;
    if (!source || source.power.length === 0) {
      frame.message(context.archived ? "the archive holds no samples" : "nothing yet", colours);
      setText(this.readout, "");
      return;
    }
    const all = extent(source.axis, source.power.length);
    if (this.axis !== source.axis.name) this.own = null;
    this.axis = source.axis.name;
    const { own } = this;
    frame.x = zoomed(this.overRange() ? context.settings.current.range : own && [own.min, own.max], all);
    frame.y = this.levels(source.power);
    frame.axes(colours, axisTitle(source.axis), { name: "power", unit: "dB" }, true);
    frame.clipped(() => {
      this.line(overlay, source.axis, source.power, colours.accent, []);
      if (source.threshold) this.line(overlay, source.axis, source.threshold, colours.threshold, [5, 3]);
    });
    const cursor = this.overRange() ? context.cursorRange : (frame.cursor?.x ?? null);
    if (cursor !== null) frame.crosshair(cursor, null, colours.ink);
    setText(this.readout, this.describe(source, cursor));
  }

  private levels(power: Float32Array): Interval {
    let low = Infinity;
    let high = -Infinity;
    for (const value of power) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return { min: -100, max: 0 };
    // A deep notch says nothing about where the noise is.
    const goal = { min: Math.floor(Math.max(low, high - 100) / 5) * 5 - 5, max: Math.ceil(high / 5) * 5 + 5 };
    const { level } = this;
    const kind = this.context.settings.current.scope;
    const slow = (a: number, b: number) => a + 0.05 * (b - a);
    this.level =
      level && this.levelOf === kind
        ? { min: Math.min(goal.min, slow(level.min, goal.min)), max: Math.max(goal.max, slow(level.max, goal.max)) }
        : goal;
    this.levelOf = kind;
    return this.level;
  }

  private line(
    overlay: CanvasRenderingContext2D,
    axis: Axis,
    values: Float32Array,
    colour: string,
    dash: number[],
  ): void {
    const { frame } = this;
    const { rect } = frame;
    const index = (value: number) => (value - axis.start) / axis.step + 0.5;
    const pixels = Math.max(1, Math.floor(rect.width));
    const from = index(frame.x.min);
    const to = index(frame.x.max);
    overlay.strokeStyle = colour;
    overlay.lineWidth = 1.25;
    overlay.setLineDash(dash);
    overlay.beginPath();
    let pen = false;
    const go = (x: number, value: number) => {
      if (Number.isNaN(value)) {
        pen = false;
        return;
      }
      const y = Math.min(Math.max(frame.toY(value), rect.top - 5), rect.top + rect.height + 5);
      if (pen) overlay.lineTo(x, y);
      else overlay.moveTo(x, y);
      pen = true;
    };
    if (Math.abs(to - from) <= pixels) {
      for (let i = Math.max(0, Math.floor(from) - 1); i < Math.min(values.length, to + 1); i++) {
        go(frame.toX(axis.start + i * axis.step), values[i]!);
      }
    } else {
      const { low, high } = envelope(values, from, to, pixels);
      for (let pixel = 0; pixel < pixels; pixel++) {
        go(rect.left + pixel + 0.5, high[pixel]!);
        if (dash.length === 0) go(rect.left + pixel + 0.5, low[pixel]!);
      }
    }
    overlay.stroke();
    overlay.setLineDash([]);
    overlay.lineWidth = 1;
  }

  private describe(source: { axis: Axis; power: Float32Array; threshold: Float32Array | null }, cursor: number | null): string {
    if (cursor === null) return "";
    const i = Math.round((cursor - source.axis.start) / source.axis.step);
    const value = source.power[i];
    if (value === undefined) return "";
    const threshold = source.threshold?.[i];
    const over = threshold !== undefined && !Number.isNaN(threshold) ? `  threshold ${fixed(threshold, 1)} dB` : "";
    return `${quantity(cursor, source.axis.unit)}  ${fixed(value, 1)} dB${over}`;
  }
}
