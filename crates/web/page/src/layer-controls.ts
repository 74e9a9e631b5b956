// Check boxes for the layers of the map, and the height of the coverage.

import type { Context, View } from "./context.ts";
import { byId, el } from "./dom.ts";
import { ALERTS, COVERAGE, formatHidden, type Layer } from "./layers.ts";

export class LayerControls implements View {
  readonly interval_ms = 500;
  private readonly host = byId("layers", HTMLElement);
  private readonly altitude = byId("altitude", HTMLSelectElement);
  private shown = "";
  private readonly boxes = new Map<string, HTMLInputElement>();
  private altitudes: readonly number[] = [];

  constructor(private readonly context: Context) {
    const { altitude, context: { settings } } = this;
    altitude.addEventListener("change", () => settings.set({ altitude: Number(altitude.value) }));
  }

  offerAltitudes(altitudes: readonly number[]): void {
    this.altitudes = altitudes;
    this.altitude.replaceChildren(...altitudes.map((m) => new Option(m >= 1000 ? `${m / 1000} km` : `${m} m`, String(m))));
  }

  private layers(): Layer[] {
    const { model, live } = this.context;
    const all: Layer[] = [...model.layers.all];
    if (live.exchange) all.push({ key: ALERTS, title: "alerts", colour: null });
    if (this.altitudes.length > 0) all.push({ key: COVERAGE, title: "coverage", colour: null });
    return all;
  }

  draw(): void {
    const { context, host, altitude } = this;
    const layers = this.layers();
    const key = JSON.stringify(layers);
    if (key !== this.shown) {
      this.shown = key;
      this.boxes.clear();
      host.replaceChildren(...layers.map((layer) => this.box(layer)));
      host.parentElement!.hidden = layers.length === 0;
      document.body.toggleAttribute("data-layered", context.model.layers.all.length > 0);
    }
    for (const [name, box] of this.boxes) box.checked = !context.hidden.has(name);
    altitude.parentElement!.hidden = this.altitudes.length === 0 || context.hidden.has(COVERAGE);
    const chosen = context.settings.current.altitude;
    altitude.value = String(chosen !== null && this.altitudes.includes(chosen) ? chosen : (this.altitudes[0] ?? ""));
  }

  private box({ key, title, colour }: Layer): HTMLElement {
    const box = el("input", { type: "checkbox", "data-layer": key });
    box.addEventListener("change", () => {
      const hidden = new Set(this.context.hidden);
      if (box.checked) hidden.delete(key);
      else hidden.add(key);
      this.context.settings.set({ hide: formatHidden(hidden) });
    });
    this.boxes.set(key, box);
    const swatch = el("span", { class: `swatch ${colour === null ? key : `layer-${colour + 1}`}` });
    return el("label", {}, box, swatch, title);
  }
}
