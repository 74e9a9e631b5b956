// What views share: the settings, the data, the colours, where the person points.

import { layerOf, type Owned } from "./layers.ts";
import type { Model, SeenDetection, Trail } from "./model.ts";
import type { Limits } from "./scale.ts";
import type { SettingsStore } from "./settings.ts";
import type { Colours } from "./theme.ts";

export interface Context {
  readonly settings: SettingsStore;
  /** Of the source that is shown. */
  readonly model: Model;
  readonly archived: boolean;
  /** Of what is live now, whatever is shown. */
  readonly live: Model;
  readonly colours: Colours;
  /** Layers that are switched off. */
  readonly hidden: ReadonlySet<string>;
  /** Floor and ceiling as they are now, whether set or found. */
  readonly limits: Limits;
  readonly palette: Uint8Array<ArrayBuffer>;
  /** Range under the pointer, shared by all plots over range. */
  cursorRange: number | null;
  /** Draws all again with the next picture of the screen, because the person did something. */
  invalidate(): void;
  selectTrack(track: number | null): void;
}

export interface View {
  /** Least time between two drawings for new data alone, ms: what changes little costs little. */
  readonly interval_ms?: number;
  draw(): void;
}

/** Dwells for which a detection stays on the range-Doppler map. */
const SHOWN_DWELLS = 8;
/** The same where stations tell of scans, which nobody knows the length of, s. */
const SHOWN_S = 20;

/** Time between dwells, s: of the waterfall's rows. */
export function dwell(model: Model): number {
  const { waterfall } = model;
  const n = Math.min(waterfall.filled, 20);
  if (n < 2) return 0.1;
  const span = waterfall.time_s[waterfall.slot(0)]! - waterfall.time_s[waterfall.slot(n - 1)]!;
  return span > 0 ? span / (n - 1) : 0.1;
}

/** Latest detections with how fresh they are, 1 to 0; of the archive all. */
export function recent(context: Context): { detection: SeenDetection; fresh: number }[] {
  const { model, archived } = context;
  if (archived) return model.detections.slice(-5000).map((detection) => ({ detection, fresh: 1 }));
  const span = model.absolute ? SHOWN_S : SHOWN_DWELLS * dwell(model);
  const found = [];
  for (let i = model.detections.length - 1; i >= 0; i--) {
    const detection = model.detections[i]!;
    const age = model.now_s - detection.t_s;
    if (age > 4 * span) break;
    if (age < span && age > -span) found.push({ detection, fresh: 1 - Math.max(age, 0) / span });
  }
  return found;
}

/** Time after its last state for which a track that ended, or is no more told of, is still shown, s. */
const LINGER_S = 3;

/** Tracks that are alive; of the archive all. */
export function alive(context: Context): Trail[] {
  const { model, archived } = context;
  const trails = [...model.tracks.values()];
  if (archived) return trails;
  const linger = model.absolute ? 2 * SHOWN_S : Math.max(LINGER_S, 10 * dwell(model));
  return trails.filter(({ latest }) => latest.ended !== true && model.now_s - latest.time_s < linger);
}

/** Whether a layer is switched on; what is nobody's always is. */
export function isShown(context: Context, key: string | null): boolean {
  return key === null || !context.hidden.has(key);
}

/** The colour of an item: its layer's, or the usual one. */
export function colourOf(context: Context, item: Owned, usual: string): string {
  const colour = context.model.layers.colour(layerOf(item));
  return colour === null ? usual : (context.colours.layers[colour] ?? usual);
}

/** The nearest of some points, within so many pixels. */
export function nearest<T>(
  items: Iterable<T>,
  place: (item: T) => readonly [number, number] | null,
  x: number,
  y: number,
  within = 16,
): T | null {
  let best: T | null = null;
  let least = within;
  for (const item of items) {
    const at = place(item);
    if (!at) continue;
    const distance = Math.hypot(at[0] - x, at[1] - y);
    if (distance < least) {
      least = distance;
      best = item;
    }
  }
  return best;
}
