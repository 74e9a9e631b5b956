// How the radar and this page are doing.

import { count, fixed, metric } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { context2d } from "./rendering.ts";
import { byId, el, setText } from "./dom.ts";
import type { Status } from "./protocol.ts";

/** What this page has done with frames. */
export interface PageCounts {
  received: number;
  drawn: number;
  /** Came while an earlier one waited to be drawn, and replaced it. */
  skipped: number;
  /** Pictures of the range-Doppler map in the latest second. */
  fps: number;
}

const REDRAW_MS = 500;
const HISTORY = 120;

interface Item {
  title: string;
  value: HTMLElement;
  read: (status: Status, page: PageCounts) => { text: string; bad?: boolean };
}

const ITEMS: [string, Item["read"]][] = [
  ["sample rate", (s) => ({ text: metric(s.rate_hz, "S/s") })],
  ["level", (s) => ({ text: `${fixed(s.level_dbfs, 1)} dBFS`, bad: (s.level_dbfs ?? -99) > -1 })],
  ["clipped samples", (s) => ({ text: count(s.clipped), bad: (s.clipped ?? 0) > 0 })],
  ["gaps", (s) => ({ text: count(s.gaps), bad: (s.gaps ?? 0) > 0 })],
  ["samples lost", (s) => ({ text: count(s.lost_samples), bad: (s.lost_samples ?? 0) > 0 })],
  ["detections", (s) => ({ text: count(s.detections) })],
  ["latency", (s) => ({ text: metric(s.latency_s, "s"), bad: (s.latency_s ?? 0) > 1 })],
  [
    "queue",
    ({ queue }) => ({ text: queue ? `${queue.depth} of ${queue.slots}` : "–", bad: !!queue && queue.depth >= queue.slots }),
  ],
  ["browsers", (s) => ({ text: count(s.clients) })],
  ["frames sent", (s) => ({ text: count(s.frames_sent) })],
  ["dropped by server", (s) => ({ text: count(s.frames_dropped), bad: (s.frames_dropped ?? 0) > 0 })],
  ["skipped by page", (_, p) => ({ text: count(p.skipped), bad: p.skipped > 0 })],
  ["pictures a second", (_, p) => ({ text: fixed(p.fps, 0) })],
];

export class HealthView implements View {
  private readonly items: Item[];
  private readonly stages = byId("stages", HTMLElement);
  private readonly history: number[] = [];
  private readonly spark = byId("latency", HTMLCanvasElement);
  private readonly sparkNote = byId("latency-note", HTMLElement);
  private drawn = 0;
  private statusDrawn: Status | null = null;

  constructor(
    private readonly context: Context,
    private readonly page: PageCounts,
  ) {
    const list = byId("vitals", HTMLElement);
    this.items = ITEMS.map(([title, read]) => {
      const value = el("dd");
      list.append(el("div", {}, el("dt", {}, title), value));
      return { title, value, read };
    });
  }

  draw(): void {
    const { status } = this.context.model;
    if (status && status !== this.statusDrawn) {
      this.statusDrawn = status;
      this.history.push(status.latency_s ?? NaN);
      if (this.history.length > HISTORY) this.history.shift();
    }
    const hidden = this.context.settings.current.list !== "health";
    if (hidden || performance.now() - this.drawn < REDRAW_MS) return;
    this.drawn = performance.now();
    for (const item of this.items) {
      const { text, bad } = item.read(status ?? {}, this.page);
      setText(item.value, bad ? `${text} !` : text);
      item.value.classList.toggle("bad", bad ?? false);
    }
    this.drawStages(status?.stages ?? []);
    this.drawSpark();
  }

  /** Each stage's part of the time that all are busy. */
  private drawStages(stages: { name: string; busy_s: number }[]): void {
    const most = Math.max(...stages.map(({ busy_s }) => busy_s), 1e-12);
    while (this.stages.children.length > stages.length) this.stages.lastElementChild!.remove();
    stages.forEach(({ name, busy_s }, index) => {
      let row = this.stages.children[index];
      if (!row) {
        row = el("div", {}, el("span"), el("meter", { min: "0", max: "1" }), el("b"));
        this.stages.append(row);
      }
      const [title, meter, value] = row.children as unknown as [HTMLElement, HTMLMeterElement, HTMLElement];
      setText(title, name.replaceAll("_", " "));
      meter.value = busy_s / most;
      meter.setAttribute("aria-label", `${name}, time busy`);
      setText(value, metric(busy_s, "s"));
    });
  }

  private drawSpark(): void {
    const context = context2d(this.spark);
    const known = this.history.filter((value) => !Number.isNaN(value));
        const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = this.spark.clientWidth;
    const height = this.spark.clientHeight;
    this.spark.width = width * ratio;
    this.spark.height = height * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const most = Math.max(...known, 1e-6);
    context.strokeStyle = this.context.colours.accent;
    context.beginPath();
    this.history.forEach((value, index) => {
      context.lineTo((index / (HISTORY - 1)) * width, height - 2 - (value / most) * (height - 4));
    });
    context.stroke();
    setText(this.sparkNote, known.length > 0 ? `latency, last ${known.length} reports; top ${metric(most, "s")}` : "latency");
  }
}
