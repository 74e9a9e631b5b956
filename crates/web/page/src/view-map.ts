// The map: what is where about the station.

import { fixed, quantity, ticks } from "./axis.ts";
import { landAbout, projector } from "./coastline.ts";
import { alive, colourOf, isShown, nearest, recent, type Context, type View } from "./context.ts";
import { drawOutlines, type Coverage } from "./coverage.ts";
import { setText } from "./dom.ts";
import { ALERTS, COVERAGE, layerOf } from "./layers.ts";
import { label, mark, polyline, thinned } from "./marks.ts";
import type { Trail } from "./model.ts";
import { destination, polar, type Point } from "./ground.ts";
import { context2d } from "./rendering.ts";
import { PlotFrame } from "./plot-frame.ts";
import { trackPlace, type Detection, type Place, type Track } from "./protocol.ts";

/** Half the axes of an ellipse that holds 95 % in two dimensions, in standard deviations. */
const ELLIPSE_95 = 2.448;
/** Land is kept to so many times the radar's range. */
const LAND_REACH = 4;
/** How long an alert is on the map, s. */
const ALERT_S = 120;

export class MapView implements View {
  readonly interval_ms = 120;
  readonly frame: PlotFrame;
  private centre: [number, number] = [0, 0];
  /** Metres from the middle to the nearer edges; null fits the radar's range. */
  private reach: number | null = null;
  private place: Place | null = null;
  private project: ((latitude_deg: number, longitude_deg: number) => [number, number]) | null = null;
  private land: Path2D | null = null;
  private landFor = "";
  /** Land and rings as they were drawn, and for what. */
  private readonly ground = document.createElement("canvas");
  private groundFor = "";
  private coverage: Coverage | null = null;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    private readonly readout: HTMLElement,
  ) {
    this.frame = new PlotFrame(
      host,
      {
        label: "Map about the station. Arrow keys move the cross-hair, plus and minus zoom, 0 shows all, Enter selects a track.",
        zoom: { x: true, y: true },
        onZoom: (x, y) => {
          if (x && y) {
            this.centre = [(x.min + x.max) / 2, (y.min + y.max) / 2];
            this.reach = Math.min(Math.max(Math.min(x.max - x.min, y.max - y.min) / 2, 50), this.radius() * LAND_REACH);
          } else {
            this.centre = [0, 0];
            this.reach = null;
          }
          context.invalidate();
        },
        onClick: (x, y) => this.click(x, y),
      },
      () => context.invalidate(),
    );
  }

  setCoverage(coverage: Coverage): void {
    this.coverage = coverage;
    this.groundFor = "";
  }

  /** How far the radar looks, m. */
  private radius(): number {
    const { hello, doppler, waterfall, detections } = this.context.model;
    if (hello?.max_range_m) return hello.max_range_m;
    if (doppler) return doppler.header.x.start + doppler.header.cols * doppler.header.x.step;
    if (waterfall.x) return waterfall.x.start + waterfall.cols * waterfall.x.step;
    return detections.reduce((most, { range_m }) => Math.max(most, range_m ?? 0), 1000);
  }

  private setStation(): void {
    const station = this.context.model.hello?.station ?? null;
    if (station?.latitude_deg !== this.place?.latitude_deg || station?.longitude_deg !== this.place?.longitude_deg) {
      this.place = station;
      this.project = station && projector(station);
      this.land = null;
      this.groundFor = "";
    }
    // Rounded up to a power of two, so that it is not fetched for every detection that is a little farther.
    const far = 2 ** Math.ceil(Math.log2(this.radius()));
    const key = station ? `${station.latitude_deg} ${station.longitude_deg} ${far}` : "";
    if (!station || key === this.landFor) return;
    this.landFor = key;
    landAbout(station, far * LAND_REACH).then(
      (land) => {
        if (this.landFor !== key) return;
        this.land = land;
        this.groundFor = "";
        this.context.invalidate();
      },
      () => setText(this.readout, "the coastline could not be loaded"),
    );
  }

  draw(): void {
    const { frame, context } = this;
    if (!frame.visible) return;
    this.setStation();
    const { rect } = frame;
    const perMetre = Math.min(rect.width, rect.height) / 2 / (this.reach ?? this.radius() * 1.06);
    const [east, north] = this.centre;
    frame.x = { min: east - rect.width / 2 / perMetre, max: east + rect.width / 2 / perMetre };
    frame.y = { min: north - rect.height / 2 / perMetre, max: north + rect.height / 2 / perMetre };
    const overlay = frame.begin();
    frame.clipped(() => {
      this.drawGround(overlay, perMetre);
      this.drawStation(overlay);
      this.drawMarks(overlay, perMetre);
    });
    frame.axes(context.colours, { name: "east", unit: "m" }, { name: "north", unit: "m" });
    if (frame.cursor) frame.crosshair(frame.cursor.x, frame.cursor.y, context.colours.ink);
    setText(this.readout, this.describe());
  }

  /** Land and rings change seldom: they are kept as a picture. */
  private drawGround(overlay: CanvasRenderingContext2D, perMetre: number): void {
    const { frame, context, ground } = this;
    const { width, height, ratio } = frame;
    const covered = this.coverage && isShown(context, COVERAGE) ? this.coverage.altitude(context.settings.current.altitude) : null;
    const layers = [context.settings.current.hide, context.model.layers.all.length];
    const key = JSON.stringify([width, height, ratio, this.centre, perMetre, context.colours.land, this.landFor, covered, layers]);
    if (key !== this.groundFor) {
      this.groundFor = key;
      ground.width = Math.round(width * ratio);
      ground.height = Math.round(height * ratio);
      const g = context2d(ground);
      const { colours } = context;
      g.fillStyle = this.place ? colours.sea : colours.panel;
      g.fillRect(0, 0, ground.width, ground.height);
      if (this.land) {
        const perKm = perMetre * 1000 * ratio;
        g.setTransform(perKm, 0, 0, perKm, frame.toX(0) * ratio, frame.toY(0) * ratio);
        g.fillStyle = colours.land;
        g.fill(this.land);
        g.strokeStyle = colours.coast;
        g.lineWidth = ratio / perKm;
        g.stroke(this.land);
      }
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (covered !== null) this.drawCoverage(g, perMetre, covered);
      this.drawRings(g, perMetre);
    }
    overlay.drawImage(ground, 0, 0, width, height);
  }

  /** What each station should see at a height. */
  private drawCoverage(g: CanvasRenderingContext2D, perMetre: number, altitude_m: number): void {
    const { frame, context, place } = this;
    if (!this.coverage || !place) return;
    const { ratio } = frame;
    const perKm = perMetre * 1000 * ratio;
    drawOutlines(g, this.coverage.at(place, altitude_m), {
      ratio,
      gap: context.colours.gap,
      line: ratio / perKm,
      setPath: () => g.setTransform(perKm, 0, 0, perKm, frame.toX(0) * ratio, frame.toY(0) * ratio),
      colourOf: (name) => (isShown(context, `by:${name}`) ? colourOf(context, { station: name }, context.colours.accent) : null),
    });
  }

  private drawRings(g: CanvasRenderingContext2D, perMetre: number): void {
    const { frame } = this;
    const { faint, panel } = this.context.colours;
    const x = frame.toX(0);
    const y = frame.toY(0);
    g.font = "11px system-ui, sans-serif";
    g.lineWidth = 1;
    const far = Math.max(this.radius(), 0.01);
    const rings = ticks({ min: 0, max: Math.min(far, this.reach === null ? far : this.reach * 4) }, 4).slice(1);
    for (const range_m of rings) {
      g.globalAlpha = 0.6;
      g.strokeStyle = faint;
      g.beginPath();
      g.arc(x, y, range_m * perMetre, 0, 2 * Math.PI);
      g.stroke();
      g.globalAlpha = 1;
      label(g, quantity(range_m, "m", range_m >= 5000 ? (range_m % 1000 === 0 ? 0 : 1) : 0), x + range_m * perMetre * 0.5 + 3, y + range_m * perMetre * 0.866 + 5, faint, panel);
    }
    if (!this.place) return;
    g.globalAlpha = 0.35;
    g.strokeStyle = faint;
    for (let azimuth = 0; azimuth < 360; azimuth += 30) {
      const angle = (azimuth * Math.PI) / 180;
      g.beginPath();
      g.moveTo(x, y);
      g.lineTo(x + Math.sin(angle) * far * perMetre, y - Math.cos(angle) * far * perMetre);
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  private drawStation(overlay: CanvasRenderingContext2D): void {
    const { frame, context } = this;
    const { ink, panel } = context.colours;
    const triangle = ([x, y]: Point, colour: string) => {
      overlay.beginPath();
      overlay.moveTo(x, y - 6);
      overlay.lineTo(x + 5, y + 4);
      overlay.lineTo(x - 5, y + 4);
      overlay.closePath();
      overlay.fillStyle = colour;
      overlay.fill();
    };
    const sites = context.live.exchange?.stations ?? [];
    // A centre has no antenna: it is not marked where its stations are.
    if (!sites.some(({ latitude_deg }) => latitude_deg !== null)) {
      triangle([frame.toX(0), frame.toY(0)], ink);
      label(overlay, this.place?.name ?? "station", frame.toX(0) + 8, frame.toY(0) + 9, ink, panel);
    }
    for (const site of sites) {
      if (!this.project || site.latitude_deg === null || site.longitude_deg === null) continue;
      const [x, y] = this.pixel(this.project(site.latitude_deg, site.longitude_deg));
      const colour = colourOf(context, { station: site.name }, ink);
      triangle([x, y], colour);
      label(overlay, site.name, x + 8, y + 9, colour, panel);
    }
    const transmitter = this.transmitter();
    if (!transmitter) return;
    triangle(this.pixel(transmitter), ink);
    const [x, y] = this.pixel(transmitter);
    label(overlay, context.model.hello?.transmitter?.name ?? "transmitter", x + 8, y, ink, panel);
  }

  /** The transmitter, metres east and north; null where it stands at the station. */
  private transmitter(): Point | null {
    const at = this.context.model.hello?.transmitter;
    if (!at || !this.project) return null;
    const place = this.project(at.latitude_deg, at.longitude_deg);
    return Math.hypot(place[0], place[1]) > 1 ? place : null;
  }

  private pixel([east, north]: Point): Point {
    return [this.frame.toX(east), this.frame.toY(north)];
  }

  /** Where a track was, metres east and north. */
  private where(track: Track): Point | null {
    const place = trackPlace(track);
    if (place && this.project) return this.project(place.latitude_deg, place.longitude_deg);
    return polar(track.range_m, track.azimuth_deg);
  }

  private drawMarks(overlay: CanvasRenderingContext2D, perMetre: number): void {
    const { context } = this;
    const { colours } = context;
    const set = context.settings.current;
    const halo = colours.panel;
    if (set.detections) {
      for (const { detection, fresh } of recent(context)) {
        if (!isShown(context, layerOf(detection))) continue;
        const at = this.whereFound(detection);
        if (!at) continue;
        const [x, y] = this.pixel(at);
        overlay.globalAlpha = 0.2 + 0.6 * fresh;
        mark(overlay, "detection", x, y, { size: 2.5, colour: colourOf(context, detection, colours.detection), halo });
      }
      overlay.globalAlpha = 1;
    }
    if (set.truth && this.project) {
      for (const truth of context.model.truth.values()) {
        if (context.model.now_s - truth.time_s > 3 || typeof truth.latitude_deg !== "number" || typeof truth.longitude_deg !== "number") continue;
        const [x, y] = this.pixel(this.project(truth.latitude_deg, truth.longitude_deg));
        mark(overlay, "truth", x, y, { size: 7, colour: colours.truth, halo });
      }
    }
    if (set.tracks) {
      for (const trail of alive(context)) if (isShown(context, layerOf(trail.latest))) this.drawTrack(overlay, trail, perMetre);
    }
    if (isShown(context, ALERTS)) this.drawAlerts(overlay);
  }

  /** Where a detection is: about its own station where that is another. */
  private whereFound({ range_m, azimuth_deg, station }: Detection): Point | null {
    const site = station ? this.context.live.exchange?.stations.find(({ name }) => name === station) : undefined;
    const from = site && this.project && site.latitude_deg !== null && site.longitude_deg !== null;
    if (!from) return polar(range_m, azimuth_deg);
    if (range_m === null || azimuth_deg === null) return null;
    const place = destination({ latitude_deg: site.latitude_deg!, longitude_deg: site.longitude_deg! }, azimuth_deg, range_m);
    return this.project!(place.latitude_deg, place.longitude_deg);
  }

  /** The latest alerts, where the object that caused them was then. */
  private drawAlerts(overlay: CanvasRenderingContext2D): void {
    const { context, project } = this;
    if (!project) return;
    const { colours } = context;
    for (const alert of context.live.alerts) {
      if (typeof alert.latitude_deg !== "number" || typeof alert.longitude_deg !== "number") continue;
      if (!context.archived && context.model.now_s - alert.time_s > ALERT_S) continue;
      const [x, y] = this.pixel(project(alert.latitude_deg, alert.longitude_deg));
      overlay.beginPath();
      overlay.arc(x, y, 11, 0, 2 * Math.PI);
      overlay.lineWidth = 2;
      overlay.strokeStyle = colours.alert;
      overlay.stroke();
      overlay.lineWidth = 1;
      label(overlay, alert.sort.replaceAll("_", " "), x + 13, y + 9, colours.alert, colours.panel);
    }
  }

  private drawTrack(overlay: CanvasRenderingContext2D, { latest, history }: Trail, perMetre: number): void {
    const { context } = this;
    const { colours } = context;
    const bold = context.settings.current.track === latest.track;
    const colour = colourOf(context, latest, colours.track);
    const at = this.where(latest);
    if (!at) {
      if (latest.range_m !== null) this.drawRangeOnly(overlay, latest, perMetre, bold);
      return;
    }
    const trail: Point[] = [];
    for (const state of thinned(history)) {
      const place = this.where(state);
      if (place) trail.push(this.pixel(place));
    }
    polyline(overlay, trail, colour, bold ? colours.panel : null);
    const [x, y] = this.pixel(at);
    if (latest.ellipse) {
      const { major_m, minor_m, azimuth_deg } = latest.ellipse;
      overlay.beginPath();
      const turn = ((azimuth_deg - 90) * Math.PI) / 180;
      overlay.ellipse(x, y, ELLIPSE_95 * major_m * perMetre, ELLIPSE_95 * minor_m * perMetre, turn, 0, 2 * Math.PI);
      overlay.strokeStyle = colour;
      overlay.stroke();
      overlay.globalAlpha = 0.15;
      overlay.fillStyle = colour;
      overlay.fill();
      overlay.globalAlpha = 1;
    }
    mark(overlay, "track", x, y, { bold, size: bold ? 7 : 4, colour, halo: colours.panel });
    const more = bold ? `  ${quantity(latest.range_m, "m")}  ${fixed(latest.range_rate_mps, 1)} m/s` : "";
    label(overlay, `${latest.number ?? latest.track}${latest.coasting ? " ·" : ""}${more}`, x + 10, y - 8, colour, colours.panel);
  }

  /** A range without a direction: a circle about the station, or an ellipse about it and the transmitter. */
  private drawRangeOnly(overlay: CanvasRenderingContext2D, track: Track, perMetre: number, bold: boolean): void {
    const { colours } = this.context;
    const range_m = track.range_m ?? 0;
    const transmitter = this.transmitter() ?? [0, 0];
    const focus = Math.hypot(transmitter[0], transmitter[1]) / 2;
    const minor_m = Math.sqrt(Math.max(range_m ** 2 - focus ** 2, 0));
    const [x, y] = this.pixel([transmitter[0] / 2, transmitter[1] / 2]);
    const turn = Math.atan2(-transmitter[1], transmitter[0]);
    overlay.setLineDash([6, 4]);
    overlay.lineWidth = bold ? 2.5 : 1.25;
    overlay.strokeStyle = colours.track;
    overlay.beginPath();
    overlay.ellipse(x, y, range_m * perMetre, minor_m * perMetre, turn, 0, 2 * Math.PI);
    overlay.stroke();
    overlay.setLineDash([]);
    overlay.lineWidth = 1;
    label(overlay, String(track.track), x - range_m * perMetre * 0.707 - 3 - 7 * String(track.track).length, y + minor_m * perMetre * 0.707 + 6, colours.track, colours.panel);
  }

  private click(east: number, north: number): void {
    const [x, y] = this.pixel([east, north]);
    const found = nearest(
      alive(this.context).filter(({ latest }) => isShown(this.context, layerOf(latest))),
      ({ latest }) => {
        const at = this.where(latest);
        if (at) return this.pixel(at);
        // Any point of its circle will do.
        const distance = Math.hypot(east, north);
        const part = (latest.range_m ?? NaN) / distance;
        return this.transmitter() ? null : this.pixel([east * part, north * part]);
      },
      x,
      y,
    );
    this.context.selectTrack(found ? found.latest.track : null);
  }

  private describe(): string {
    const { cursor } = this.frame;
    if (!cursor) return this.place ? "" : "the station’s place is not known";
    const range_m = Math.hypot(cursor.x, cursor.y);
    const azimuth = ((Math.atan2(cursor.x, cursor.y) * 180) / Math.PI + 360) % 360;
    return this.place ? `${quantity(range_m, "m")}  ${fixed(azimuth, 1)}°` : quantity(range_m, "m");
  }
}
