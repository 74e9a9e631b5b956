// Wires the page: data from the server into models, models and settings into views.

import { Api } from "./api.ts";
import { ArchiveForm } from "./archive.ts";
import { Connection, type LinkState } from "./connection.ts";
import type { Context, View } from "./context.ts";
import { Coverage, type FeatureCollection } from "./coverage.ts";
import { byId, setText } from "./dom.ts";
import { ExchangeView } from "./exchange.ts";
import { HealthView, type PageCounts } from "./health.ts";
import { installKeys } from "./help.ts";
import { LayerControls } from "./layer-controls.ts";
import { parseHidden } from "./layers.ts";
import { ListsView } from "./lists.ts";
import { Model } from "./model.ts";
import { lookup } from "./palettes.ts";
import type { Alert, Exchange, Frame, Hello, ServerText, Status } from "./protocol.ts";
import { ReplayControls } from "./replay-controls.ts";
import { autoLimits, follow, type Limits } from "./scale.ts";
import { ScaleControls } from "./scale-controls.ts";
import { SettingsStore, type Settings } from "./settings.ts";
import { SettingControls } from "./setting-controls.ts";
import { applyTheme, onSystemTheme } from "./theme.ts";
import { Timeline, type Density } from "./timeline.ts";
import { DopplerView } from "./view-doppler.ts";
import { MapView } from "./view-map.ts";
import { ScopeView } from "./view-scope.ts";
import { WaterfallView } from "./view-waterfall.ts";

const TIMELINE_MS = 2_000;
const NOTICE_MS = 6_000;
/** A map of a picture as large as ours is sent no more often. */
const MAX_FPS = 40;

export class App implements Context {
  readonly settings = new SettingsStore();
  readonly live = new Model();
  private readonly past = new Model(true);
  colours = applyTheme(this.settings.current.theme);
  palette = lookup(this.settings.current.palette);
  hidden: ReadonlySet<string> = parseHidden(this.settings.current.hide);
  cursorRange: number | null = null;
  private found: Limits | null = null;
  private readonly api = new Api();
  private readonly counts: PageCounts = { received: 0, drawn: 0, skipped: 0, fps: 0 };
  private undrawn = false;
  /** A drawing is asked for; one that spares no view; one for what was left out. */
  private pending = false;
  private hurry = false;
  private later = false;
  private readonly drawnAt = new Map<View, number>();
  private everOpen = false;
  private noticeTimer: number | undefined;
  private readonly connection: Connection;
  private readonly doppler = new DopplerView(byId("doppler", HTMLElement), this, byId("doppler-readout", HTMLElement));
  private readonly map = new MapView(byId("map", HTMLElement), this, byId("map-readout", HTMLElement));
  private readonly replay = new ReplayControls(this, this.api, (text) => this.say(text));
  private readonly archive = new ArchiveForm(this, this.api, this.past);
  private readonly timeline = new Timeline(this, (position_s) => this.replay.seek(position_s));
  private readonly layers = new LayerControls(this);
  private readonly scale = new ScaleControls(this.settings, () => this.limits);
  private readonly controls = new SettingControls(this.settings);
  private readonly views: View[] = [
    this.doppler,
    new WaterfallView(byId("waterfall", HTMLElement), this, byId("waterfall-readout", HTMLElement)),
    new ScopeView(byId("scope", HTMLElement), this, byId("scope-readout", HTMLElement)),
    this.map,
    new ListsView(this),
    new HealthView(this, this.counts),
    new ExchangeView(this),
    this.layers,
    this.timeline,
    this.replay,
    this.archive,
  ];

  constructor() {
    this.connection = new Connection(this.api, {
      text: (message) => this.takeText(message),
      frame: (frame) => this.takeFrame(frame),
      state: (state) => this.showLink(state),
      fault: (message) => this.say(`from the server: ${message}`),
    });
  }

  get archived(): boolean {
    return this.settings.current.source === "archive";
  }

  get model(): Model {
    return this.archived ? this.past : this.live;
  }

  get limits(): Limits {
    const { floor, ceiling } = this.settings.current;
    const found = this.found ?? { floor: 0, ceiling: 40 };
    return { floor: floor ?? found.floor, ceiling: ceiling ?? found.ceiling };
  }

  start(): void {
    this.settings.onChange((changed) => this.apply(changed));
    this.controls.show();
    this.scale.showPalette(this.palette);
    onSystemTheme(() => this.recolour());
    this.keys();
    byId("hold-reset", HTMLButtonElement).addEventListener("click", () => this.doppler.resetHold());
    document.addEventListener("visibilitychange", () => this.subscribe());
    window.addEventListener("resize", () => this.subscribe());
    byId("token-form", HTMLFormElement).addEventListener("submit", () => {
      this.api.useToken(byId("token", HTMLInputElement).value);
      this.connection.start();
    });
    window.setInterval(() => this.everySecond(), 1000);
    window.setInterval(() => this.fetchTimeline(), TIMELINE_MS);
    this.subscribe();
    this.connection.start();
    this.archive.ask();
    this.invalidate();
  }

  invalidate(): void {
    this.hurry = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame((now) => {
      this.pending = false;
      this.draw(now);
    });
  }

  private draw(now: number): void {
    let left = false;
    for (const view of this.views) {
      // A little early is on time: pictures of the screen come every 16 ms.
      if (!this.hurry && now - (this.drawnAt.get(view) ?? -Infinity) < (view.interval_ms ?? 0) - 8) left = true;
      else {
        this.drawnAt.set(view, now);
        view.draw();
      }
    }
    this.hurry = false;
    this.scale.show();
    if (this.undrawn) {
      this.undrawn = false;
      this.counts.drawn++;
      // For measurements from outside: what a person waited for.
      if (this.counts.drawn === 1) performance.mark("first-map");
    }
    if (left && !this.later) {
      this.later = true;
      window.setTimeout(() => {
        this.later = false;
        this.schedule();
      }, 100);
    }
  }

  selectTrack(track: number | null): void {
    this.settings.set({ track });
  }

  private takeFrame(frame: Frame): void {
    this.live.addFrame(frame);
    if (frame.kind === "range_doppler") {
      this.counts.received++;
      if (this.undrawn) this.counts.skipped++;
      this.undrawn = true;
      this.doppler.accept();
      // Counting bytes is quick, but not needed thirty times a second.
      if (this.counts.received % 8 === 1) this.found = follow(this.found, autoLimits(frame.cells, frame.header));
    }
    this.schedule();
  }

  private takeText(message: ServerText): void {
    const { live } = this;
    switch (message.type) {
      case "hello":
        this.greet(message);
        break;
      case "detections":
        live.addDetections(message.items);
        break;
      case "tracks":
        live.addTracks(message.items);
        break;
      case "truth":
        live.addTruth(message.items);
        byId("truth-label", HTMLElement).hidden = false;
        break;
      case "alert":
        live.addAlerts([message.item]);
        this.say(message.item.text);
        break;
      case "exchange":
        this.takeExchange(message);
        break;
      case "status":
        live.setStatus(message);
        this.controls.offerArchive(message.archive === true);
        break;
      case "replay":
        live.setReplay(message);
        break;
      case "error":
        this.say(message.message);
        break;
      case "pong":
        return;
    }
    this.schedule();
  }

  private greet(hello: Hello): void {
    const before = this.live.hello;
    this.live.begin(hello);
    this.past.hello = hello;
    if (before && before.session !== hello.session) this.say("The server was restarted; the view begins anew.");
    else if (before) this.say("Connected again.");
    const name = hello.station?.name;
    setText(byId("station", HTMLElement), [name, hello.mode].filter(Boolean).join(" · "));
    this.controls.offerChannels(hello.channels ?? 1);
    this.controls.offerArchive(hello.mode === "archive");
    // Without samples there are no maps of range and Doppler: the page begins with the map.
    document.body.dataset.mode = hello.mode;
    if (hello.exchange) {
      this.api.get<Exchange & { alerts: Alert[] }>("/api/v1/exchange").then(
        (exchange) => {
          this.takeExchange(exchange);
          this.live.alerts = [];
          this.live.addAlerts(exchange.alerts);
          this.invalidate();
        },
        () => undefined,
      );
    }
    if (hello.coverage) {
      this.api.get<FeatureCollection>("/api/v1/coverage").then(
        (coverage) => this.takeCoverage(coverage),
        () => this.say("the coverage could not be loaded"),
      );
    }
    if (hello.mode === "archive") this.settings.set({ source: "archive" });
    this.api.get<Status>("/api/v1/status").then(
      (status) => this.controls.offerArchive(status.archive === true),
      () => undefined,
    );
    this.subscribe();
    this.fetchTimeline();
  }

  private takeExchange(exchange: Exchange): void {
    this.live.setExchange(exchange);
    this.past.setExchange(exchange);
  }

  private takeCoverage(collection: FeatureCollection): void {
    const coverage = new Coverage(collection);
    this.map.setCoverage(coverage);
    this.layers.offerAltitudes(coverage.altitudes);
    this.invalidate();
  }

  /** Says what can be seen: nothing where nobody looks, and no more cells than pixels. */
  private subscribe(): void {
    const { channel, scope } = this.settings.current;
    const { rows, cols } = this.doppler.wanted();
    const offered = this.live.hello?.views;
    const looking = !document.hidden && !this.archived;
    this.connection.subscribe({
      views: looking ? ["range_doppler", "range_time", scope].filter((view) => offered?.includes(view) ?? true) : [],
      max_rows: rows,
      max_cols: cols,
      max_fps: MAX_FPS,
      channel,
    });
  }

  private apply(changed: ReadonlySet<keyof Settings>): void {
    const { current } = this.settings;
    if (changed.has("hide")) this.hidden = parseHidden(current.hide);
    if (changed.has("theme")) this.recolour();
    if (changed.has("palette")) {
      this.palette = lookup(current.palette);
      this.scale.showPalette(this.palette);
    }
    if (changed.has("hold")) this.doppler.resetHold();
    if (changed.has("source")) {
      this.countedTo = -1;
      this.fetchTimeline();
    }
    if (["source", "from", "to"].some((key) => changed.has(key as keyof Settings))) this.archive.ask();
    if (["channel", "scope", "range", "rate", "source"].some((key) => changed.has(key as keyof Settings))) this.subscribe();
    this.controls.show();
    this.invalidate();
  }

  private recolour(): void {
    this.colours = applyTheme(this.settings.current.theme);
    this.invalidate();
  }

  private setDensity(density: Density): void {
    this.timeline.density = density;
    this.invalidate();
  }

  private countedTo = -1;

  private fetchTimeline(): void {
    const { replay } = this.live;
    if (this.archived || document.hidden || !this.live.hello) return;
    // Where nothing moves nothing is counted anew.
    if (replay?.state === "paused" && replay.position_s === this.countedTo) return;
    this.countedTo = replay?.position_s ?? -1;
    this.api.get<Density>("/api/v1/timeline?bins=200").then(
      (density) => {
        if (!this.archived) this.setDensity(density);
      },
      () => undefined,
    );
  }

  private lastDrawn = 0;

  private everySecond(): void {
    this.counts.fps = this.counts.drawn - this.lastDrawn;
    this.lastDrawn = this.counts.drawn;
    const dropped = this.live.status?.frames_dropped ?? 0;
    const lost = dropped + this.counts.skipped;
    const text = this.archived ? "" : `${this.counts.fps}/s · ${lost} dropped`;
    setText(byId("frames", HTMLElement), text);
    // For measurements from outside.
    document.documentElement.dataset.drawn = String(this.counts.drawn);
    const map = this.live.doppler?.header;
    if (map) document.documentElement.dataset.cells = `${map.rows} × ${map.cols}`;
    this.invalidate();
  }

  private showLink(state: LinkState): void {
    const link = byId("link", HTMLElement);
    link.dataset.state = state.state;
    const dialog = byId("token-dialog", HTMLDialogElement);
    if (state.state === "token") {
      setText(link, "a token is needed");
      if (!dialog.open) dialog.showModal();
    } else if (state.state === "open") {
      setText(link, "connected");
      this.everOpen = true;
    } else if (state.state === "lost") {
      setText(link, `no connection: ${state.reason}; trying again`);
    } else setText(link, this.everOpen ? "connecting again" : "connecting");
  }

  private say(text: string): void {
    const notice = byId("notice", HTMLElement);
    notice.hidden = false;
    setText(notice, text);
    window.clearTimeout(this.noticeTimer);
    this.noticeTimer = window.setTimeout(() => (notice.hidden = true), NOTICE_MS);
  }

  private keys(): void {
    const { settings, replay, scale } = this;
    const flip = (key: "detections" | "tracks" | "truth" | "hold") => settings.set({ [key]: !settings.current[key] });
    installKeys([
      { key: " ", shown: "Space", text: "pause or play", run: () => replay.toggle() },
      { key: ".", text: "one dwell on", run: () => replay.stepOnce() },
      { key: "ArrowLeft", shown: "←", text: "a second back", run: () => replay.seekBy(-1) },
      { key: "ArrowRight", shown: "→", text: "a second on", run: () => replay.seekBy(1) },
      { key: ",", text: "slower", run: () => replay.changeSpeed(-1) },
      { key: "/", text: "faster", run: () => replay.changeSpeed(1) },
      { key: "d", text: "detections on or off", run: () => flip("detections") },
      { key: "t", text: "tracks on or off", run: () => flip("tracks") },
      { key: "u", text: "truth on or off", run: () => flip("truth") },
      { key: "m", text: "max hold on or off", run: () => flip("hold") },
      { key: "a", text: "automatic colour scale on or off", run: () => scale.toggleAuto() },
      { key: "[", text: "floor 1 dB down", run: () => scale.shift(-1, 0) },
      { key: "]", text: "floor 1 dB up", run: () => scale.shift(1, 0) },
      { key: "{", text: "ceiling 1 dB down", run: () => scale.shift(0, -1) },
      { key: "}", text: "ceiling 1 dB up", run: () => scale.shift(0, 1) },
      { key: "z", text: "show all of range and Doppler", run: () => settings.set({ range: null, rate: null }) },
      { key: "Escape", shown: "Esc", text: "choose no track", run: () => settings.set({ track: null }) },
      { key: "1", text: "list of detections", run: () => settings.set({ list: "detections" }) },
      { key: "2", text: "list of tracks", run: () => settings.set({ list: "tracks" }) },
      { key: "3", text: "health", run: () => settings.set({ list: "health" }) },
      { key: "4", text: "what owners give each other", run: () => this.live.exchange && settings.set({ list: "exchange" }) },
      { key: "f", text: "to the filter", run: () => byId("filter", HTMLInputElement).focus() },
    ]);
  }
}
