// Check boxes, choices and tabs that set one setting each.

import { byId } from "./dom.ts";
import type { Settings, SettingsStore } from "./settings.ts";
import { installTabs } from "./tabs.ts";

const BOXES = { "show-detections": "detections", "show-tracks": "tracks", "show-truth": "truth", hold: "hold" } as const;

export class SettingControls {
  private readonly theme = byId("theme", HTMLSelectElement);
  private readonly source = byId("source", HTMLSelectElement);
  private readonly channel = byId("channel", HTMLSelectElement);
  private readonly zoomOut = byId("zoom-out", HTMLButtonElement);
  private readonly showScope: (panel: string) => void;
  private readonly showList: (panel: string) => void;

  constructor(private readonly settings: SettingsStore) {
    const { theme, source, channel, zoomOut } = this;
    for (const [id, key] of Object.entries(BOXES)) {
      const box = byId(id, HTMLInputElement);
      box.addEventListener("change", () => settings.set({ [key]: box.checked }));
    }
    theme.addEventListener("change", () => settings.set({ theme: theme.value as Settings["theme"] }));
    source.addEventListener("change", () => settings.set({ source: source.value as Settings["source"] }));
    channel.addEventListener("change", () => settings.set({ channel: Number(channel.value) }));
    zoomOut.addEventListener("click", () => settings.set({ range: null, rate: null }));
    this.showScope = installTabs(byId("scope-tabs", HTMLElement), (scope) => settings.set({ scope: scope as Settings["scope"] }));
    this.showList = installTabs(byId("list-tabs", HTMLElement), (list) => settings.set({ list: list as Settings["list"] }));
  }

  show(): void {
    const { current } = this.settings;
    for (const [id, key] of Object.entries(BOXES)) byId(id, HTMLInputElement).checked = current[key];
    this.theme.value = current.theme;
    this.source.value = current.source;
    this.channel.value = String(current.channel);
    this.zoomOut.hidden = current.range === null && current.rate === null;
    byId("hold-reset", HTMLButtonElement).hidden = !current.hold;
    byId("list-tools", HTMLElement).hidden = current.list === "health" || current.list === "exchange";
    byId("source-label", HTMLElement).hidden &&= current.source !== "archive";
    this.showScope(current.scope);
    this.showList(current.list);
  }

  offerArchive(there: boolean): void {
    if (there) byId("source-label", HTMLElement).hidden = false;
  }

  offerChannels(n: number): void {
    while (this.channel.options.length < n) {
      const channel = String(this.channel.options.length);
      this.channel.add(new Option(channel, channel));
    }
    byId("channel-label", HTMLElement).hidden = n < 2;
    this.channel.value = String(this.settings.current.channel);
  }
}
