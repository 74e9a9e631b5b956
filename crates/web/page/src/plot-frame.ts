// A plot's place on the page: margins, axes, zooming, the cross-hair; what is in it is drawn by its view.

import { el } from "./dom.ts";
import { fixed, readableUnit, tickDigits, ticks, type Interval } from "./axis.ts";
import { context2d } from "./rendering.ts";
import type { Colours } from "./theme.ts";

export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface PlotOptions {
  label: string;
  /** Which axes can be zoomed. */
  zoom: { x: boolean; y: boolean };
  /** Steps of the cross-hair by keyboard, in the axes' units. */
  step?: () => { x: number; y: number };
  onZoom?: (x: Interval | null, y: Interval | null) => void;
  onClick?: (x: number, y: number) => void;
  onCursor?: () => void;
}

const MARGIN = { left: 52, right: 10, top: 6, bottom: 30 };
const FONT = "11px system-ui, sans-serif";

export class PlotFrame {
  /** A canvas under the marks, for cells by WebGL. */
  private cells: HTMLCanvasElement | null = null;
  readonly overlay: CanvasRenderingContext2D;
  private readonly canvas: HTMLCanvasElement;
  width = 0;
  height = 0;
  ratio = 1;
  x: Interval = { min: 0, max: 1 };
  y: Interval = { min: 0, max: 1 };
  /** Where the person points, in the axes' units. */
  cursor: { x: number; y: number } | null = null;
  private drag: { x: number; y: number; fromX: Interval; fromY: Interval; moved: boolean } | null = null;

  constructor(
    readonly host: HTMLElement,
    private readonly options: PlotOptions,
    private readonly changed: () => void,
  ) {
    this.canvas = el("canvas", { role: "img", "aria-label": options.label, tabindex: "0" });
    host.append(this.canvas);
    this.overlay = context2d(this.canvas);
    new ResizeObserver(() => this.measure()).observe(host);
    this.measure();
    this.listen();
  }

  /** Makes a canvas under that of the marks. */
  under(): HTMLCanvasElement {
    this.cells = el("canvas", { "aria-hidden": "true" });
    this.host.prepend(this.cells);
    this.measure();
    return this.cells;
  }

  get rect(): Rect {
    return {
      left: MARGIN.left,
      top: MARGIN.top,
      width: Math.max(this.width - MARGIN.left - MARGIN.right, 1),
      height: Math.max(this.height - MARGIN.top - MARGIN.bottom, 1),
    };
  }

  /** It can be seen: not in a hidden tab, nor of no size. */
  get visible(): boolean {
    return this.width > 0 && this.height > 0;
  }

  private measure(): void {
    this.width = this.host.clientWidth;
    this.height = this.host.clientHeight;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of this.cells ? [this.cells, this.canvas] : [this.canvas]) {
      canvas.width = Math.max(1, Math.round(this.width * this.ratio));
      canvas.height = Math.max(1, Math.round(this.height * this.ratio));
    }
    this.changed();
  }

  toX(value: number): number {
    return this.rect.left + ((value - this.x.min) / (this.x.max - this.x.min)) * this.rect.width;
  }

  toY(value: number): number {
    return this.rect.top + (1 - (value - this.y.min) / (this.y.max - this.y.min)) * this.rect.height;
  }

  fromX(pixel: number): number {
    return this.x.min + ((pixel - this.rect.left) / this.rect.width) * (this.x.max - this.x.min);
  }

  fromY(pixel: number): number {
    return this.y.min + (1 - (pixel - this.rect.top) / this.rect.height) * (this.y.max - this.y.min);
  }

  private inside(x: number, y: number): boolean {
    const { left, top, width, height } = this.rect;
    return x >= left && x <= left + width && y >= top && y <= top + height;
  }

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.drag = { x: event.offsetX, y: event.offsetY, fromX: this.x, fromY: this.y, moved: false };
      if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      const drag = this.drag;
      this.drag = null;
      if (drag && !drag.moved && this.inside(event.offsetX, event.offsetY)) {
        this.options.onClick?.(this.fromX(event.offsetX), this.fromY(event.offsetY));
      }
    });
    canvas.addEventListener("pointercancel", () => (this.drag = null));
    canvas.addEventListener("dblclick", () => this.options.onZoom?.(null, null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.point(null));
  }

  private point(cursor: { x: number; y: number } | null): void {
    this.cursor = cursor;
    this.options.onCursor?.();
    this.changed();
  }

  private move(event: PointerEvent): void {
    const { offsetX: px, offsetY: py } = event;
    const drag = this.drag;
    if (drag && event.pointerType === "mouse" && (drag.moved || Math.hypot(px - drag.x, py - drag.y) > 4)) {
      drag.moved = true;
      const dx = ((drag.x - px) / this.rect.width) * (drag.fromX.max - drag.fromX.min);
      const dy = ((py - drag.y) / this.rect.height) * (drag.fromY.max - drag.fromY.min);
      const { zoom } = this.options;
      this.options.onZoom?.(
        zoom.x ? { min: drag.fromX.min + dx, max: drag.fromX.max + dx } : this.x,
        zoom.y ? { min: drag.fromY.min + dy, max: drag.fromY.max + dy } : this.y,
      );
    }
    this.point(this.inside(px, py) ? { x: this.fromX(px), y: this.fromY(py) } : null);
  }

  /** A wheel zooms with Ctrl or Shift held, and when the plot has the focus: else it scrolls the page. */
  private wheel(event: WheelEvent): void {
    const focused = document.activeElement === this.canvas;
    if (!(event.ctrlKey || event.shiftKey || focused) || !this.inside(event.offsetX, event.offsetY)) return;
    event.preventDefault();
    const delta = event.deltaY || event.deltaX;
    this.zoomAbout(this.fromX(event.offsetX), this.fromY(event.offsetY), Math.exp(Math.min(Math.max(delta, -200), 200) / 300));
  }

  private zoomAbout(x: number, y: number, factor: number): void {
    const about = ({ min, max }: Interval, centre: number): Interval => ({
      min: centre - (centre - min) * factor,
      max: centre + (max - centre) * factor,
    });
    const { zoom } = this.options;
    this.options.onZoom?.(zoom.x ? about(this.x, x) : this.x, zoom.y ? about(this.y, y) : this.y);
  }

  private key(event: KeyboardEvent): void {
    const middle = { x: (this.x.min + this.x.max) / 2, y: (this.y.min + this.y.max) / 2 };
    const at = this.cursor ?? middle;
    const step = this.options.step?.() ?? { x: (this.x.max - this.x.min) / 50, y: (this.y.max - this.y.min) / 50 };
    const times = event.shiftKey ? 10 : 1;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1],
    };
    const move = moves[event.key];
    if (move) {
      const clamp = (value: number, { min, max }: Interval) => Math.min(Math.max(value, min), max);
      this.point({
        x: clamp(at.x + move[0] * step.x * times, this.x),
        y: clamp(at.y + move[1] * step.y * times, this.y),
      });
    } else if (event.key === "+" || event.key === "=") this.zoomAbout(at.x, at.y, 0.8);
    else if (event.key === "-") this.zoomAbout(at.x, at.y, 1.25);
    else if (event.key === "0") this.options.onZoom?.(null, null);
    else if (event.key === "Enter") this.options.onClick?.(at.x, at.y);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Clears what is drawn over the cells, and sets coordinates to CSS pixels. */
  begin(): CanvasRenderingContext2D {
    const { overlay } = this;
    overlay.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    overlay.clearRect(0, 0, this.width, this.height);
    overlay.font = FONT;
    overlay.lineWidth = 1;
    return overlay;
  }

  /** Frame, ticks and names. Ticks grow from the axes; where there are no cells, faint lines go on through the plot. */
  axes(colours: Colours, x: { name: string; unit: string }, y: { name: string; unit: string }, grid = false): void {
    const { overlay, rect } = this;
    overlay.strokeStyle = colours.line;
    overlay.strokeRect(rect.left - 0.5, rect.top - 0.5, rect.width + 1, rect.height + 1);
    overlay.fillStyle = colours.faint;
    const xUnit = readableUnit(x.unit, this.x);
    const xTicks = ticks(scaled(this.x, xUnit.factor), Math.max(2, rect.width / 80));
    overlay.textAlign = "center";
    overlay.textBaseline = "top";
    const xDigits = tickDigits(xTicks);
    const xLabel = axisLabel(x.name, xUnit.unit);
    const labelWidth = overlay.measureText(xLabel).width + 10;
    for (const tick of xTicks) {
      const at = Math.round(this.toX(tick / xUnit.factor)) + 0.5;
      this.tick(at, rect.top + rect.height, at, rect.top + rect.height + 4);
      if (grid) this.tick(at, rect.top, at, rect.top + rect.height, 0.35);
      if (at < rect.left + rect.width - labelWidth) overlay.fillText(fixed(tick, xDigits), at, rect.top + rect.height + 6);
    }
    overlay.textAlign = "right";
    overlay.fillText(xLabel, rect.left + rect.width, rect.top + rect.height + 6);
    const yUnit = readableUnit(y.unit, this.y);
    const yTicks = ticks(scaled(this.y, yUnit.factor), Math.max(3, rect.height / 36));
    const yDigits = tickDigits(yTicks);
    overlay.textBaseline = "middle";
    for (const tick of yTicks) {
      const at = Math.round(this.toY(tick / yUnit.factor)) + 0.5;
      this.tick(rect.left - 4, at, rect.left, at);
      if (grid) this.tick(rect.left, at, rect.left + rect.width, at, 0.35);
      overlay.fillText(fixed(tick, yDigits), rect.left - 7, Math.min(Math.max(at, rect.top + 5), rect.top + rect.height - 4));
    }
    overlay.save();
    overlay.translate(11, rect.top + rect.height / 2);
    overlay.rotate(-Math.PI / 2);
    overlay.textAlign = "center";
    overlay.fillText(axisLabel(y.name, yUnit.unit), 0, 0);
    overlay.restore();
  }

  private tick(x0: number, y0: number, x1: number, y1: number, alpha = 1): void {
    const { overlay } = this;
    overlay.globalAlpha = alpha;
    overlay.beginPath();
    overlay.moveTo(x0, y0);
    overlay.lineTo(x1, y1);
    overlay.stroke();
    overlay.globalAlpha = 1;
  }

  /** Draws within the axes only. */
  clipped(draw: (context: CanvasRenderingContext2D) => void): void {
    const { overlay, rect } = this;
    overlay.save();
    overlay.beginPath();
    overlay.rect(rect.left, rect.top, rect.width, rect.height);
    overlay.clip();
    draw(overlay);
    overlay.restore();
  }

  /** Lines through a point; nothing of an axis that is null. */
  crosshair(x: number | null, y: number | null, colour: string): void {
    this.clipped((context) => {
      context.strokeStyle = colour;
      context.globalAlpha = 0.7;
      context.setLineDash([3, 3]);
      context.beginPath();
      if (x !== null) {
        context.moveTo(Math.round(this.toX(x)) + 0.5, this.rect.top);
        context.lineTo(Math.round(this.toX(x)) + 0.5, this.rect.top + this.rect.height);
      }
      if (y !== null) {
        context.moveTo(this.rect.left, Math.round(this.toY(y)) + 0.5);
        context.lineTo(this.rect.left + this.rect.width, Math.round(this.toY(y)) + 0.5);
      }
      context.stroke();
    });
  }

  /** A sentence in the middle, where there is nothing to draw. */
  message(text: string, colours: Colours): void {
    const { overlay, rect } = this;
    overlay.fillStyle = colours.faint;
    overlay.textAlign = "center";
    overlay.textBaseline = "middle";
    overlay.fillText(text, rect.left + rect.width / 2, rect.top + rect.height / 2);
  }
}

function scaled({ min, max }: Interval, factor: number): Interval {
  return { min: min * factor, max: max * factor };
}

function axisLabel(name: string, unit: string): string {
  return unit ? `${name}, ${unit}` : name;
}
