// Light and dark, and the colours that canvases take from the style sheet.

import { COLOURS } from "./layers.ts";

export interface Colours {
  ink: string;
  faint: string;
  line: string;
  panel: string;
  land: string;
  sea: string;
  coast: string;
  accent: string;
  detection: string;
  track: string;
  truth: string;
  threshold: string;
  alert: string;
  gap: string;
  /** Of stations, by number. */
  layers: string[];
}

const NAMES: Exclude<keyof Colours, "layers">[] = [
  "ink", "faint", "line", "panel", "land", "sea", "coast", "accent", "detection", "track", "truth", "threshold", "alert", "gap",
];

/** Colours of marks over a colour scale, which is the same in light and dark. */
export const MARKS = { detection: "#ffffff", track: "#ff9ad5", truth: "#8fe9ff", halo: "rgba(0,0,0,0.75)" };

/** Sets the theme on the document and reads its colours. */
export function applyTheme(theme: "auto" | "light" | "dark"): Colours {
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const named = Object.fromEntries(NAMES.map((name) => [name, value(name)])) as unknown as Omit<Colours, "layers">;
  return { ...named, layers: Array.from({ length: COLOURS }, (_, at) => value(`layer-${at + 1}`)) };
}

/** Calls when the system goes from light to dark or back. */
export function onSystemTheme(listener: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener);
}
