// The tables of detections and tracks, their filter and their download.

import { clock, fixed, utc } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { DataTable, ROWS_SHOWN } from "./data-table.ts";
import { byId, download, setText } from "./dom.ts";
import { whose } from "./layers.ts";
import type { SeenDetection, Trail } from "./model.ts";
import { csv, parseFilter, type Column } from "./table-rows.ts";
import { trackPlace } from "./protocol.ts";

/** Least time between two pictures of a table, ms: faster nobody reads. */
const REDRAW_MS = 250;

function detectionColumns(context: Context): Column<SeenDetection>[] {
  const when = (t_s: number) => (context.model.absolute ? utc(t_s) : clock(t_s, 3));
  return [
    { key: "t_s", title: "time", value: (d) => d.t_s, text: (d) => when(d.t_s) },
    { key: "whose", title: "whose", value: (d) => whose(d, context.model.layers), text: (d) => whose(d, context.model.layers) ?? "–" },
    { key: "utc", title: "UTC", value: (d) => d.time, text: (d) => d.time ?? "–", hidden: true },
    { key: "range_m", title: "range", unit: "m", value: (d) => d.range_m, text: (d) => fixed(d.range_m, 1) },
    { key: "velocity_mps", title: "rate", unit: "m/s", value: (d) => d.velocity_mps, text: (d) => fixed(d.velocity_mps, 2) },
    { key: "snr_db", title: "SNR", unit: "dB", value: (d) => d.snr_db, text: (d) => fixed(d.snr_db, 1) },
    { key: "power_db", title: "power", unit: "dB", value: (d) => d.power_db, text: (d) => fixed(d.power_db, 1) },
    { key: "azimuth_deg", title: "azimuth", unit: "°", value: (d) => d.azimuth_deg, text: (d) => fixed(d.azimuth_deg, 1) },
    { key: "template", title: "template", value: (d) => d.template, text: (d) => d.template },
    { key: "doppler_hz", title: "Doppler", unit: "Hz", value: (d) => d.doppler_hz, text: (d) => fixed(d.doppler_hz, 1), hidden: true },
    { key: "delay_s", title: "delay", unit: "s", value: (d) => d.delay_s, text: () => "", hidden: true },
    { key: "channel", title: "channel", value: (d) => d.channel, text: (d) => String(d.channel), hidden: true },
    { key: "cpi", title: "CPI", value: (d) => d.cpi, text: (d) => String(d.cpi ?? "–"), hidden: true },
    { key: "sample", title: "sample", value: (d) => d.sample, text: (d) => String(d.sample), hidden: true },
    { key: "sample_fraction", title: "", value: (d) => d.sample_fraction, text: () => "", hidden: true },
    { key: "after_gap", title: "after gap", value: (d) => d.after_gap, text: () => "", hidden: true },
  ];
}

function trackColumns(context: Context): Column<Trail>[] {
  const when = (t_s: number) => (context.model.absolute ? utc(t_s) : clock(t_s, 3));
  const state = ({ latest }: Trail) => (latest.ended ? "ended" : latest.coasting ? "coasting" : "held");
  return [
    { key: "track", title: "track", value: (t) => t.latest.track, text: (t) => String(t.latest.number ?? t.latest.track) },
    { key: "whose", title: "whose", value: (t) => whose(t.latest, context.model.layers), text: (t) => whose(t.latest, context.model.layers) ?? "–" },
    { key: "state", title: "state", value: state, text: state },
    { key: "t_s", title: "time", value: (t) => t.latest.time_s, text: (t) => when(t.latest.time_s) },
    { key: "range_m", title: "range", unit: "m", value: (t) => t.latest.range_m, text: (t) => fixed(t.latest.range_m, 1) },
    { key: "range_rate_mps", title: "rate", unit: "m/s", value: (t) => t.latest.range_rate_mps, text: (t) => fixed(t.latest.range_rate_mps, 2) },
    { key: "azimuth_deg", title: "azimuth", unit: "°", value: (t) => t.latest.azimuth_deg, text: (t) => fixed(t.latest.azimuth_deg, 1) },
    { key: "hits", title: "hits", value: (t) => t.latest.hits, text: (t) => fixed(t.latest.hits, 0) },
    { key: "quality", title: "quality", value: (t) => t.latest.quality, text: (t) => fixed(t.latest.quality, 3) },
    { key: "latitude_deg", title: "latitude", value: (t) => trackPlace(t.latest)?.latitude_deg, text: () => "", hidden: true },
    { key: "longitude_deg", title: "longitude", value: (t) => trackPlace(t.latest)?.longitude_deg, text: () => "", hidden: true },
  ];
}

export class ListsView implements View {
  private readonly detections: DataTable<SeenDetection>;
  private readonly tracks: DataTable<Trail>;
  private readonly note = byId("list-note", HTMLElement);
  private readonly filter = byId("filter", HTMLInputElement);
  private drawn = 0;
  private pending: number | undefined;

  constructor(private readonly context: Context) {
    const changed = () => this.now();
    const detectionHost = byId("detections", HTMLElement);
    this.detections = new DataTable(detectionHost, "Detections", detectionColumns(context), { key: "t_s", descending: true }, {
      changed,
    });
    const trackHost = byId("tracks", HTMLElement);
    this.tracks = new DataTable(trackHost, "Tracks", trackColumns(context), { key: "track", descending: false }, {
      changed,
      chosen: ({ latest }) => context.selectTrack(context.settings.current.track === latest.track ? null : latest.track),
      isChosen: ({ latest }) => latest.track === context.settings.current.track,
    });
    this.filter.addEventListener("input", () => context.settings.set({ filter: this.filter.value }));
    byId("download", HTMLButtonElement).addEventListener("click", () => this.download());
  }

  /** Rows that the filter lets through, all of them, sorted as they are shown. */
  private detectionRows(): SeenDetection[] {
    const test = parseFilter(this.context.settings.current.filter, detectionColumns(this.context));
    return this.context.model.detections.filter(test);
  }

  private trackRows(): Trail[] {
    const test = parseFilter(this.context.settings.current.filter, trackColumns(this.context));
    return [...this.context.model.tracks.values()].filter(test);
  }

  draw(): void {
    const wait = this.drawn + REDRAW_MS - performance.now();
    if (wait <= 0) this.now();
    else this.pending ??= window.setTimeout(() => this.now(), wait);
  }

  private now(): void {
    window.clearTimeout(this.pending);
    this.pending = undefined;
    this.drawn = performance.now();
    const { list, filter } = this.context.settings.current;
    if (document.activeElement !== this.filter && this.filter.value !== filter) this.filter.value = filter;
    if (list === "health" || list === "exchange") return;
    const [shown, all] =
      list === "detections"
        ? [this.detections.show(this.detectionRows()).length, this.context.model.detections.length]
        : [this.tracks.show(this.trackRows()).length, this.context.model.tracks.size];
    const filtered = shown < all ? `${shown} of ${all}` : String(all);
    setText(this.note, shown > ROWS_SHOWN ? `${filtered}, ${ROWS_SHOWN} shown` : filtered);
  }

  private download(): void {
    if (this.context.settings.current.list === "tracks") {
      download("tracks.csv", "text/csv", csv(this.tracks.show(this.trackRows()), trackColumns(this.context)));
    } else {
      download("detections.csv", "text/csv", csv(this.detections.show(this.detectionRows()), detectionColumns(this.context)));
    }
  }
}
