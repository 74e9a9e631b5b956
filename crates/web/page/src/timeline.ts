// The time line with the density of detections; a click or a key seeks.

import { clock, utc } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { drawDensity, type Density } from "./density.ts";
import { context2d } from "./rendering.ts";
import { byId } from "./dom.ts";

export type { Density };

export class Timeline implements View {
  readonly interval_ms = 200;
  private readonly canvas = byId("timeline", HTMLCanvasElement);
  density: Density | null = null;
  private hover: number | null = null;
  constructor(
    private readonly context: Context,
    private readonly seek: (position_s: number) => void,
  ) {
    const { canvas } = this;
    new ResizeObserver(() => context.invalidate()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => {
      this.hover = event.offsetX;
      context.invalidate();
    });
    canvas.addEventListener("pointerleave", () => {
      this.hover = null;
      context.invalidate();
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.span()) return;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (this.span()) this.seek(this.timeAt(event.offsetX));
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  private key(event: KeyboardEvent): void {
    const span = this.span();
    if (!span) return;
    const now = this.context.model.replay?.position_s ?? 0;
    const step = (span[1] - span[0]) / (event.shiftKey ? 10 : 100);
    const places: Record<string, number> = {
      ArrowLeft: now - step, ArrowRight: now + step, Home: span[0], End: span[1],
      PageDown: now - 10 * step, PageUp: now + 10 * step,
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(Math.min(Math.max(place, span[0]), span[1]));
  }

  /** Beginning and end of what the line shows, s. */
  private span(): [number, number] | null {
    const { replay, hello } = this.context.model;
    const duration = replay?.duration_s ?? hello?.duration_s ?? null;
    if (duration !== null && duration > 0) return [0, duration];
    return this.density && this.density.end_s > this.density.start_s ? [this.density.start_s, this.density.end_s] : null;
  }

  private timeAt(pixel: number): number {
    const [start, end] = this.span() ?? [0, 1];
    return start + Math.min(Math.max(pixel / this.canvas.clientWidth, 0), 1) * (end - start);
  }

  draw(): void {
    const { canvas, context } = this;
    canvas.hidden = context.archived;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (width === 0) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const pixelsWide = Math.round(width * ratio);
    const pixelsHigh = Math.round(height * ratio);
    if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
      canvas.width = pixelsWide;
      canvas.height = pixelsHigh;
    }
    const g = context2d(canvas);
    const span = this.span();
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    if (!span) return;
    const { colours } = context;
    const at = (t_s: number) => ((t_s - span[0]) / (span[1] - span[0])) * width;
    const { replay } = context.model;
    drawDensity(g, this.density, at, { bottom: height, line: height - 1, highest: height - 4, apartFrom: 0 }, colours);
    if (replay) {
      g.fillStyle = colours.threshold;
      g.fillRect(Math.min(Math.max(at(replay.position_s) - 1, 0), width - 2), 0, 2, height);
      canvas.setAttribute("aria-valuemax", String(span[1]));
      canvas.setAttribute("aria-valuenow", replay.position_s.toFixed(3));
      canvas.setAttribute("aria-valuetext", `${clock(replay.position_s)} of ${clock(span[1])}`);
    }
    if (this.hover !== null) this.drawHover(g, width, height, this.timeAt(this.hover));
  }

  private drawHover(g: CanvasRenderingContext2D, width: number, height: number, t_s: number): void {
    const { colours } = this.context;
    const x = Math.round(this.hover!) + 0.5;
    g.strokeStyle = colours.ink;
    g.beginPath();
    g.moveTo(x, 0);
    g.lineTo(x, height);
    g.stroke();
    const text = this.context.model.absolute ? utc(t_s).slice(0, 19) : clock(t_s, 2);
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "top";
    const wide = g.measureText(text).width;
    const left = x + 6 + wide > width ? x - 6 - wide : x + 6;
    g.fillStyle = colours.panel;
    g.fillRect(left - 2, 1, wide + 4, 14);
    g.fillStyle = colours.ink;
    g.textAlign = "left";
    g.fillText(text, left, 3);
  }
}
