// Bars of how much was detected over time.

import type { Colours } from "./theme.ts";

export interface Density {
  start_s: number;
  end_s: number;
  counts: number[];
}

/** Where bars stand, pixels. */
export interface Bars {
  /** They stand on this row. */
  bottom: number;
  /** The line below them is at this row. */
  line: number;
  /** How high the highest is. */
  highest: number;
  /** Bars that are wider than this leave half a pixel between each other. */
  apartFrom: number;
}

/** Draws a density, whose times are `at` these places, and the line below it. */
export function drawDensity(g: CanvasRenderingContext2D, density: Density | null, at: (time: number) => number, bars: Bars, colours: Colours): void {
  g.fillStyle = colours.line;
  g.fillRect(0, bars.line, g.canvas.clientWidth, 1);
  if (!density || density.counts.length === 0) return;
  const most = Math.max(...density.counts, 1);
  const step = (density.end_s - density.start_s) / density.counts.length;
  g.fillStyle = colours.accent;
  density.counts.forEach((n, index) => {
    if (n === 0) return;
    const x = at(density.start_s + index * step);
    const wide = at(density.start_s + (index + 1) * step) - x;
    // A root, so that few are seen beside many.
    const high = Math.max(2, Math.sqrt(n / most) * bars.highest);
    g.fillRect(x, bars.bottom - high, Math.max(wide > bars.apartFrom ? wide - 0.5 : wide, 1), high);
  });
}
