// What a person has set, and how it stands in the address so that a view can be shared.

import { PALETTE_NAMES, type PaletteName } from "./palettes.ts";

export interface Settings {
  source: "live" | "archive";
  theme: "auto" | "light" | "dark";
  palette: PaletteName;
  /** Decibels of the first and last colour; null follows the data. */
  floor: number | null;
  ceiling: number | null;
  hold: boolean;
  detections: boolean;
  tracks: boolean;
  truth: boolean;
  channel: number;
  /** What is zoomed to, in the axes' units; null is all. */
  range: [number, number] | null;
  rate: [number, number] | null;
  scope: "a_scope" | "spectrum";
  list: "detections" | "tracks" | "health" | "exchange";
  track: number | null;
  filter: string;
  /** Of the archive: UTC, as the fields hold it. */
  from: string;
  to: string;
  /** What of the archive's time line is seen, unix seconds; null is all. */
  seen: [number, number] | null;
  /** Layers of the map that are switched off, by name, with commas between. */
  hide: string;
  /** Height over the ellipsoid at which coverage is drawn, m; null is the lowest that there is. */
  altitude: number | null;
}

export const DEFAULTS: Settings = {
  source: "live",
  theme: "auto",
  palette: "viridis",
  floor: null,
  ceiling: null,
  hold: false,
  detections: true,
  tracks: true,
  truth: true,
  channel: 0,
  range: null,
  rate: null,
  scope: "a_scope",
  list: "detections",
  track: null,
  filter: "",
  from: "",
  to: "",
  seen: null,
  hide: "",
  altitude: null,
};

const CHOICES: { [K in keyof Settings]?: readonly string[] } = {
  source: ["live", "archive"],
  theme: ["auto", "light", "dark"],
  palette: PALETTE_NAMES,
  scope: ["a_scope", "spectrum"],
  list: ["detections", "tracks", "health", "exchange"],
};

const NUMBERS: readonly (keyof Settings)[] = ["floor", "ceiling", "track", "channel", "altitude"];
const INTERVALS: readonly (keyof Settings)[] = ["range", "rate", "seen"];
const TEXT_MAX = 300;

function finite(text: string): number | null {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : null;
}

function parseOne(key: keyof Settings, text: string): Settings[keyof Settings] | undefined {
  const choices = CHOICES[key];
  if (choices) return choices.includes(text) ? text : undefined;
  if (NUMBERS.includes(key)) return finite(text) ?? undefined;
  if (INTERVALS.includes(key)) {
    const [min, max] = text.split("~").map(finite);
    return min !== null && max !== null && min !== undefined && max !== undefined && min < max ? [min, max] : undefined;
  }
  if (typeof DEFAULTS[key] === "boolean") return text === "1" ? true : text === "0" ? false : undefined;
  return text.slice(0, TEXT_MAX);
}

/** Settings from an address' fragment. What is not understood is left at its default: an address is anybody's. */
export function parseSettings(fragment: string): Settings {
  const settings: Settings = { ...DEFAULTS };
  for (const [name, text] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    if (!Object.hasOwn(DEFAULTS, name)) continue;
    const value = parseOne(name as keyof Settings, text);
    if (value !== undefined) Object.assign(settings, { [name]: value });
  }
  return settings;
}

/** Only what differs from the defaults, so that addresses stay short. */
export function formatSettings(settings: Settings): string {
  const parameters = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    const value = settings[key];
    if (value === DEFAULTS[key] || value === null) continue;
    if (Array.isArray(value)) parameters.set(key, value.map((v) => Number(v.toPrecision(key === "seen" ? 13 : 7))).join("~"));
    else parameters.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  return parameters.toString();
}

type Listener = (changed: ReadonlySet<keyof Settings>) => void;

/** The settings of this page, kept in its address. */
export class SettingsStore {
  current: Settings;
  private readonly listeners: Listener[] = [];
  private timer: number | undefined;

  constructor() {
    this.current = parseSettings(location.hash);
    // Another address typed or pasted into the same tab.
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== formatSettings(this.current)) this.set(parseSettings(location.hash));
    });
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  set(change: Partial<Settings>): void {
    const changed = new Set<keyof Settings>();
    for (const key of Object.keys(change) as (keyof Settings)[]) {
      if (JSON.stringify(this.current[key]) !== JSON.stringify(change[key])) changed.add(key);
    }
    if (changed.size === 0) return;
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener(changed);
    // Browsers allow some hundred changes of the address in half a minute.
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      const text = formatSettings(this.current);
      history.replaceState(null, "", text === "" ? location.pathname + location.search : `#${text}`);
    }, 300);
  }
}
