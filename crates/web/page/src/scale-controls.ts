// The colour scale: palette, floor and ceiling, set by hand or found from the data.

import type { SettingsStore } from "./settings.ts";
import { byId } from "./dom.ts";
import { PALETTE_NAMES, type PaletteName } from "./palettes.ts";
import type { Limits } from "./scale.ts";

export class ScaleControls {
  private readonly palette = byId("palette", HTMLSelectElement);
  private readonly floor = byId("floor", HTMLInputElement);
  private readonly ceiling = byId("ceiling", HTMLInputElement);
  private readonly auto = byId("scale-auto", HTMLButtonElement);
  private readonly bar = byId("scale-bar", HTMLCanvasElement);

  constructor(
    private readonly settings: SettingsStore,
    private readonly limits: () => Limits,
  ) {
    for (const name of PALETTE_NAMES) this.palette.add(new Option(name, name));
    this.palette.addEventListener("change", () => settings.set({ palette: this.palette.value as PaletteName }));
    for (const input of [this.floor, this.ceiling]) input.addEventListener("change", () => this.take(input));
    this.auto.addEventListener("click", () => this.toggleAuto());
  }

  /** A scale by hand begins where the automatic one is. */
  toggleAuto(): void {
    const { floor } = this.settings.current;
    if (floor !== null) this.settings.set({ floor: null, ceiling: null });
    else {
      const now = this.limits();
      this.settings.set({ floor: Math.round(now.floor), ceiling: Math.round(now.ceiling) });
    }
  }

  /** Moves floor and ceiling; with that they are set by hand. */
  shift(floor: number, ceiling: number): void {
    const now = this.limits();
    const low = Math.round(now.floor) + floor;
    this.settings.set({ floor: low, ceiling: Math.max(Math.round(now.ceiling) + ceiling, low + 1) });
  }

  private take(input: HTMLInputElement): void {
    const value = input.valueAsNumber;
    if (Number.isNaN(value)) {
      this.show();
      return;
    }
    const now = this.limits();
    // The end that was typed holds; the other gives way.
    if (input === this.floor) this.settings.set({ floor: value, ceiling: Math.max(Math.round(now.ceiling), value + 1) });
    else this.settings.set({ floor: Math.min(Math.round(now.floor), value - 1), ceiling: value });
  }

  show(): void {
    const { palette, floor } = this.settings.current;
    this.palette.value = palette;
    this.auto.setAttribute("aria-pressed", String(floor === null));
    const now = this.limits();
    for (const [input, value] of [[this.floor, now.floor], [this.ceiling, now.ceiling]] as const) {
      const text = String(Math.round(value));
      if (document.activeElement !== input && input.value !== text) input.value = text;
    }
  }

  showPalette(table: Uint8Array<ArrayBuffer>): void {
    this.bar.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(table.buffer), 256, 1), 0, 0);
  }
}
