// The archive as a source of the same views: what lies in the slider's window is asked for and shown.

import type { Api } from "./api.ts";
import type { Context, View } from "./context.ts";
import { byId, setText } from "./dom.ts";
import type { Model, SeenDetection } from "./model.ts";
import type { Detection, Track } from "./protocol.ts";
import { Slider } from "./slider.ts";
import type { Density } from "./timeline.ts";
import { lengthText, showing, within, type Span } from "./window.ts";

/** Rows that are asked for at most: more no eye tells apart. */
const LIMIT = 5_000;
/** The same of states of tracks, each of which is much longer. */
const TRACKS_LIMIT = 2_000;
const BINS = 400;

/** UTC that a field of the form holds, in unix seconds; null where it is empty or no time. */
export function parseUtc(text: string): number | null {
  const value = Date.parse(`${text}Z`);
  return Number.isNaN(value) ? null : value / 1000;
}

/** As such a field takes it. */
export function formatUtc(unix_s: number): string {
  return new Date(Math.round(unix_s * 1000)).toISOString().slice(0, 19);
}

/** Asks one after the other, and of those that wait only the newest: who drags asks more often than anybody answers. */
class Newest {
  private waiting: (() => Promise<void>) | null = null;
  private busy = false;

  constructor(private readonly failed: (error: unknown) => void) {}

  ask(question: () => Promise<void>): void {
    this.waiting = question;
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.waiting) {
      const question = this.waiting;
      this.waiting = null;
      await question().catch(this.failed);
    }
    this.busy = false;
  }
}

export class ArchiveForm implements View {
  private readonly form = byId("archive", HTMLFormElement);
  private readonly from = byId("from", HTMLInputElement);
  private readonly to = byId("to", HTMLInputElement);
  private readonly note = byId("archive-note", HTMLElement);
  private readonly bar = byId("slider-bar", HTMLElement);
  private readonly slider: Slider;
  private readonly rows = new Newest((error) => this.say(error));
  private readonly densities = new Newest((error) => this.say(error));
  private asked = "";

  constructor(
    private readonly context: Context,
    private readonly api: Api,
    private readonly model: Model,
  ) {
    this.slider = new Slider(context, {
      window: (window, done) => this.choose(window, done),
      seen: (seen) => {
        context.settings.set({ seen: this.isWhole(seen) ? null : [seen[0], seen[1]] });
        this.askDensity(seen);
      },
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.asked = "";
      context.settings.set({ from: this.from.value, to: this.to.value });
      this.ask();
    });
  }

  private say(error: unknown): void {
    setText(this.note, error instanceof Error ? error.message : "no answer");
  }

  private isWhole(seen: Span): boolean {
    const { whole } = this.slider;
    return whole !== null && seen[0] <= whole[0] && seen[1] >= whole[1];
  }

  draw(): void {
    const { archived } = this.context;
    this.form.hidden = this.bar.hidden = !archived;
    if (archived) this.slider.draw();
  }

  /** Shows a window at once; who lets go of it has it in the address. */
  private choose(window: Span, done: boolean): void {
    this.fill(window);
    if (done) {
      const [from, to] = [this.from.value, this.to.value];
      this.asked = `${from}~${to}`;
      this.context.settings.set({ from, to });
    }
    this.rows.ask(() => this.fetchRows(window));
  }

  private fill([from, to]: Span): void {
    this.from.value = formatUtc(from);
    this.to.value = formatUtc(Math.max(to, from + 1));
  }

  private askDensity([from, to]: Span): void {
    this.densities.ask(async () => {
      const query = new URLSearchParams({ source: "archive", bins: String(BINS), from: String(from), to: String(to) });
      this.slider.density = await this.api.get<Density>(`/api/v1/timeline?${query.toString()}`);
      this.context.invalidate();
    });
  }

  /** Asks for what the settings say, unless that is what is shown. */
  ask(): void {
    const { from, to, source } = this.context.settings.current;
    const key = `${from}~${to}`;
    if (source !== "archive" || key === this.asked) return;
    this.asked = key;
    setText(this.note, "asking …");
    this.rows.ask(() => this.open(from, to));
  }

  /** Begins with a window: all of the time line is asked for first. */
  private async open(from: string, to: string): Promise<void> {
    const { slider } = this;
    const { seen } = this.context.settings.current;
    const density = await this.api.get<Density>(`/api/v1/timeline?bins=${BINS}&source=archive`);
    const whole: Span = [density.start_s, Math.max(density.end_s, density.start_s + 1)];
    slider.whole = whole;
    slider.density = density;
    const end = parseUtc(to) ?? whole[1];
    const start = parseUtc(from) ?? Math.max(whole[0], end - Math.max((whole[1] - whole[0]) / 20, Math.min(60, end - whole[0])));
    const window = within([start, Math.max(end, start + 1)], whole);
    slider.window = window;
    slider.seen = showing(within(seen ?? whole, whole), window, whole);
    this.fill(window);
    if (!this.isWhole(slider.seen)) this.askDensity(slider.seen);
    await this.fetchRows(window);
  }

  private async fetchRows([from, to]: Span): Promise<void> {
    const query = new URLSearchParams({
      source: "archive",
      from: String(from),
      to: String(to),
      spread: "true",
    }).toString();
    const began = performance.now();
    const [detections, tracks] = await Promise.all([
      this.api.get<{ items: Detection[]; more?: boolean }>(`/api/v1/detections?${query}&limit=${LIMIT}`),
      this.api.get<{ items: Track[]; more?: boolean }>(`/api/v1/tracks?${query}&limit=${TRACKS_LIMIT}`),
    ]);
    const took = Math.round(performance.now() - began);
    this.model.replaceAll(
      detections.items.map(seen).sort((a, b) => a.t_s - b.t_s),
      tracks.items.map((track) => ({ ...track, time_s: unix(track.time) ?? track.time_s })),
    );
    const more = detections.more || tracks.more ? ", some of more, from all of the window" : "";
    const text = `${lengthText(to - from)}: ${detections.items.length} detections, ${this.model.tracks.size} tracks in ${took} ms${more}`;
    setText(this.note, text);
    this.note.dataset.from = String(from);
    this.context.invalidate();
  }
}

function unix(time: string | null | undefined): number | null {
  const value = time ? Date.parse(time) / 1000 : NaN;
  return Number.isNaN(value) ? null : value;
}

function seen(detection: Detection): SeenDetection {
  return { ...detection, t_s: unix(detection.time) ?? 0 };
}
