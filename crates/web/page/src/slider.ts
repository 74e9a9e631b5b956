// The archive's time slider: density of detections, and a window that is dragged over it.

import { utc } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { drawDensity, type Density } from "./density.ts";
import { byId, el } from "./dom.ts";
import { context2d } from "./rendering.ts";
import { dragged, grip, lengthText, marks, markText, showing, SHORTEST_S, within, zoomed, ZOOMS, type Span } from "./window.ts";

/** Within so many pixels an edge of the window is taken hold of. */
const EDGE = 7;
const TICKS_HIGH = 14;

export interface SliderEvents {
  /** Another window was chosen; `done` where the hand has let go of it. */
  window: (window: Span, done: boolean) => void;
  /** Another part of the time line is seen. */
  seen: (seen: Span) => void;
}

export class Slider implements View {
  private readonly canvas = byId("slider", HTMLCanvasElement);
  private readonly buttons: [HTMLButtonElement, number | null][];
  /** All that there is, what is seen of it, and the window. */
  whole: Span | null = null;
  seen: Span | null = null;
  window: Span | null = null;
  density: Density | null = null;
  private hover: number | null = null;
  private drag: { what: ReturnType<typeof grip>; window: Span; begun: number; moved: boolean } | null = null;

  constructor(
    private readonly context: Context,
    private readonly events: SliderEvents,
  ) {
    const { canvas } = this;
    new ResizeObserver(() => context.invalidate()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => this.release());
    canvas.addEventListener("pointerleave", () => {
      this.hover = null;
      context.invalidate();
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(event.deltaY > 0 ? 1.4 : 1 / 1.4, this.timeAt(event.offsetX));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    const host = byId("zooms", HTMLElement);
    this.buttons = ZOOMS.map(([title, length]) => {
      const button = el("button", { type: "button", "aria-pressed": "false" }, title);
      button.addEventListener("click", () => this.zoomTo(length));
      host.append(button);
      return [button, length];
    });
  }

  /** Sees so much of the time line, about the window; a window that is longer is cut to a tenth of it. */
  private zoomTo(length: number | null): void {
    const { whole, window } = this;
    if (!whole || !window) return;
    const long = Math.min(length ?? Infinity, whole[1] - whole[0]);
    const middle = (window[0] + window[1]) / 2;
    const seen = within([middle - long / 2, middle + long / 2], whole);
    this.see(seen);
    if (window[1] - window[0] > 0.6 * long || window[1] - window[0] < long / 100) {
      this.choose(within([middle - long / 20, middle + long / 20], seen), true);
    }
  }

  zoomBy(factor: number, about?: number): void {
    const { whole, seen, window } = this;
    if (!whole || !seen || !window) return;
    const length = Math.max((seen[1] - seen[0]) * factor, 10 * SHORTEST_S);
    this.see(zoomed(seen, length, about ?? (window[0] + window[1]) / 2, whole));
  }

  private see(seen: Span): void {
    if (this.seen && seen[0] === this.seen[0] && seen[1] === this.seen[1]) return;
    this.seen = seen;
    this.events.seen(seen);
    this.context.invalidate();
  }

  private choose(window: Span, done: boolean): void {
    this.window = window;
    this.events.window(window, done);
    this.context.invalidate();
  }

  private press(event: PointerEvent): void {
    const { window } = this;
    if (event.button !== 0 || !window || !this.seen) return;
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.timeAt(event.offsetX);
    this.drag = { what: grip(at, window, EDGE * this.perPixel()), window, begun: at, moved: false };
  }

  private move(event: PointerEvent): void {
    this.hover = event.offsetX;
    const { drag, whole } = this;
    const at = this.timeAt(event.offsetX);
    if (drag && whole) {
      drag.moved ||= Math.abs(at - drag.begun) > 2 * this.perPixel();
      if (drag.moved) this.choose(dragged(drag.what, drag.window, drag.begun, at, whole), false);
    } else if (this.window) {
      const what = grip(at, this.window, EDGE * this.perPixel());
      this.canvas.style.cursor = { window: "grab", from: "ew-resize", to: "ew-resize", new: "crosshair" }[what];
    }
    this.context.invalidate();
  }

  private release(): void {
    const { drag, whole, window } = this;
    this.drag = null;
    if (!drag || !whole || !window) return;
    // A click beside the window brings it there.
    const half = (window[1] - window[0]) / 2;
    if (drag.moved) this.choose(window, true);
    else if (drag.what === "new") this.choose(within([drag.begun - half, drag.begun + half], whole), true);
  }

  private key(event: KeyboardEvent): void {
    const { whole, seen, window } = this;
    if (!whole || !seen || !window || event.ctrlKey || event.metaKey || event.altKey) return;
    const length = window[1] - window[0];
    const step = event.shiftKey ? length : length / 10;
    const by = (seconds: number): Span => within([window[0] + seconds, window[1] + seconds], whole);
    const middle = (window[0] + window[1]) / 2;
    const places: Record<string, () => Span> = {
      ArrowLeft: () => by(-step),
      ArrowRight: () => by(step),
      PageUp: () => by(-(seen[1] - seen[0]) / 2),
      PageDown: () => by((seen[1] - seen[0]) / 2),
      Home: () => by(whole[0] - window[0]),
      End: () => by(whole[1] - window[1]),
      ArrowUp: () => zoomed(window, length * 1.5, middle, whole),
      ArrowDown: () => zoomed(window, Math.max(length / 1.5, SHORTEST_S), middle, whole),
    };
    const place = places[event.key];
    if (place) {
      const chosen = place();
      this.choose(chosen, true);
      this.see(showing(seen, chosen, whole));
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1 / 2);
    else if (event.key === "-" || event.key === "−") this.zoomBy(2);
    else if (event.key === "0") this.zoomTo(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private perPixel(): number {
    const [start, end] = this.seen ?? [0, 1];
    return (end - start) / Math.max(this.canvas.clientWidth, 1);
  }

  private timeAt(pixel: number): number {
    const [start, end] = this.seen ?? [0, 1];
    return start + Math.min(Math.max(pixel / this.canvas.clientWidth, 0), 1) * (end - start);
  }

  draw(): void {
    const { canvas, seen, window, whole, context } = this;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (width === 0) return;
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
    const size = [Math.round(width * ratio), Math.round(height * ratio)] as const;
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const g = context2d(canvas);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    if (!seen || !window || !whole) return;
    const at = (time: number) => ((time - seen[0]) / (seen[1] - seen[0])) * width;
    const { colours } = context;
    const bottom = height - TICKS_HIGH;
    drawDensity(g, this.density, at, { bottom, line: bottom, highest: bottom - 3, apartFrom: 3 }, colours);
    this.drawTicks(g, at, width, height);
    const [left, right] = [at(window[0]), Math.max(at(window[1]), at(window[0]) + 2)];
    g.fillStyle = colours.threshold;
    g.globalAlpha = 0.22;
    g.fillRect(left, 0, right - left, bottom);
    g.globalAlpha = 1;
    for (const edge of [left, right]) g.fillRect(edge - 1, 0, 2, bottom);
    if (this.hover !== null && !this.drag) this.drawHover(g, width, this.timeAt(this.hover));
    this.tell(window, whole, seen);
  }

  /** What those hear who do not see it, and which zoom it is. */
  private tell(window: Span, whole: Span, seen: Span): void {
    const { canvas } = this;
    canvas.setAttribute("aria-valuemin", whole[0].toFixed(0));
    canvas.setAttribute("aria-valuemax", whole[1].toFixed(0));
    canvas.setAttribute("aria-valuenow", window[0].toFixed(3));
    const text = `${utc(window[0]).slice(0, 19)} to ${utc(window[1]).slice(0, 19)}, ${lengthText(window[1] - window[0])} of ${lengthText(seen[1] - seen[0])} shown`;
    canvas.setAttribute("aria-valuetext", text);
    for (const [button, length] of this.buttons) {
      const long = Math.min(length ?? Infinity, whole[1] - whole[0]);
      button.setAttribute("aria-pressed", String(Math.abs(seen[1] - seen[0] - long) < 1e-3 * long));
      button.hidden = length !== null && length >= whole[1] - whole[0];
    }
  }

  private drawTicks(g: CanvasRenderingContext2D, at: (time: number) => number, width: number, height: number): void {
    const { colours } = this.context;
    const { times, step_s } = marks(this.seen!, Math.max(Math.floor(width / 64), 1));
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "bottom";
    g.textAlign = "left";
    for (const time of times) {
      const x = Math.round(at(time));
      g.fillStyle = colours.line;
      g.fillRect(x, height - TICKS_HIGH, 1, TICKS_HIGH);
      g.fillStyle = colours.faint;
      const text = markText(time, step_s);
      if (x + 3 + g.measureText(text).width < width) g.fillText(text, x + 3, height);
    }
  }

  private drawHover(g: CanvasRenderingContext2D, width: number, time: number): void {
    const { colours } = this.context;
    const x = this.hover!;
    const text = utc(time).slice(0, 19);
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "top";
    g.textAlign = "left";
    const wide = g.measureText(text).width;
    const left = x + 8 + wide > width ? x - 8 - wide : x + 8;
    g.fillStyle = colours.panel;
    g.fillRect(left - 2, 1, wide + 4, 14);
    g.fillStyle = colours.ink;
    g.fillText(text, left, 3);
  }
}
