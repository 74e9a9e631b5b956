// A server that speaks docs/web-api.md with a made-up radar, to develop the page and to test it without a radar.
//
//   npm run mock -- [port]

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { WebSocketServer, type WebSocket } from "ws";
import * as radar from "./mock-radar.ts";

const DIST = new URL("../dist/", import.meta.url);
const TYPES: Record<string, string> = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", json: "application/json", svg: "image/svg+xml" };
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Subscription {
  views: string[];
  max_fps: number;
}

export interface MockOptions {
  port?: number;
  duration_s?: number;
  speed?: number | null;
  session?: string;
  /** Without a place, as many recordings are. */
  placeless?: boolean;
  /** A token that every request must bring. */
  token?: string;
  archive?: boolean;
  /** Two owners and a centre, without samples. */
  exchange?: boolean;
}

function frame(kind: number, header: object, ...payload: ArrayBufferView[]): Buffer {
  let text = JSON.stringify(header);
  text += " ".repeat((4 - (Buffer.byteLength(text) % 4)) % 4);
  const prefix = Buffer.alloc(8);
  prefix.writeUInt8(kind, 0);
  prefix.writeUInt8(1, 1);
  prefix.writeUInt32LE(Buffer.byteLength(text), 4);
  return Buffer.concat([prefix, Buffer.from(text), ...payload.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength))]);
}

export class MockServer {
  port = 0;
  /** Requests that change something, for tests. */
  readonly posts: { path: string; body: unknown }[] = [];
  readonly subscriptions: unknown[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private readonly sockets = new WebSocketServer({ noServer: true });
  private readonly clients = new Map<WebSocket, Subscription>();
  private dwell = 0;
  private state: "playing" | "paused" | "ended" = "playing";
  private speed: number | null;
  private readonly duration_s: number;
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;
  private dropped = 0;
  private clockStart = Date.now();
  private dwellStart = 0;

  constructor(private readonly options: MockOptions = {}) {
    this.duration_s = options.duration_s ?? 120;
    this.speed = options.speed === undefined ? 1 : options.speed;
  }

  private get startToken(): string {
    return `start-${this.options.session ?? "mock-1"}`;
  }

  async start(): Promise<this> {
    this.server.on("upgrade", (request, socket, head) => {
      const url = new URL(request.url ?? "/", "http://mock");
      if (url.pathname !== "/api/v1/live" || (this.options.token && url.searchParams.get("ticket") !== "ticket-1")) {
        socket.destroy();
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (client) => this.welcome(client));
    });
    await new Promise<void>((resolve) => this.server.listen(this.options.port ?? 0, "127.0.0.1", resolve));
    const address = this.server.address();
    this.port = typeof address === "object" && address ? address.port : 0;
    this.timer = setInterval(() => this.tick(), 10);
    setInterval(() => this.tellStatus(), 1000).unref();
    setInterval(() => this.state === "playing" && this.tellReplay(), 250).unref();
    return this;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const client of this.clients.keys()) client.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private welcome(client: WebSocket): void {
    this.clients.set(client, { views: [], max_fps: 30 });
    client.on("close", () => this.clients.delete(client));
    client.on("error", () => undefined);
    client.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; n?: number } & Subscription;
      if (message.type === "subscribe") {
        this.clients.set(client, message);
        this.subscriptions.push(message);
        if (this.state !== "playing") this.sendDwell(false);
      } else if (message.type === "ping") client.send(JSON.stringify({ type: "pong", n: message.n }));
    });
    const { placeless } = this.options;
    client.send(
      JSON.stringify({
        type: "hello",
        version: "0.1.0",
        session: this.options.session ?? "mock-1",
        mode: this.options.exchange ? "exchange" : "replay",
        exchange: this.options.exchange ?? false,
        coverage: this.options.exchange ?? false,
        views: this.options.exchange ? [] : ["range_doppler", "range_time", "a_scope", "spectrum"],
        station: placeless ? null : radar.STATION,
        transmitter: null,
        detector: null,
        duration_s: this.duration_s,
        start_time_s: this.options.exchange ? null : radar.START_S,
        sample_rate_hz: radar.RATE_HZ,
        first_sample: 0,
        channels: 1,
        max_range_m: radar.RANGE_START_M + radar.COLS * radar.RANGE_STEP_M,
      }),
    );
    if (!this.options.exchange) this.tellReplay();
    this.tellStatus();
  }

  private tell(message: object): void {
    const text = JSON.stringify(message);
    for (const client of this.clients.keys()) client.send(text);
  }

  private tellReplay(): void {
    if (this.options.exchange) return;
    const position_s = Math.min(this.dwell * radar.DWELL_S, this.duration_s);
    this.tell({ type: "replay", state: this.state, position_s, duration_s: this.duration_s, speed: this.speed, can_seek: true });
  }

  private status(): object {
    return {
      time_s: this.dwell * radar.DWELL_S, rate_hz: radar.RATE_HZ * (this.speed ?? 4), level_dbfs: -12.4, clipped: 0, gaps: 1, lost_samples: 8192,
      detections: this.dwell * 5, latency_s: 0.012 + 0.004 * Math.sin(this.dwell / 40), queue: { depth: 3, slots: 16 },
      stages: [
        { name: "source", busy_s: 0.4 + this.dwell * 1e-4 }, { name: "range_compression", busy_s: this.dwell * 9e-4 },
        { name: "doppler", busy_s: this.dwell * 7e-4 }, { name: "cfar", busy_s: this.dwell * 3e-4 }, { name: "tracking", busy_s: this.dwell * 5e-5 },
      ],
      frames_sent: this.sent, frames_dropped: this.dropped, clients: this.clients.size, archive: this.options.archive ?? true,
    };
  }

  private tellStatus(): void {
    this.tell({ type: "status", ...this.status() });
  }

  private tick(): void {
    if (this.state !== "playing") return;
    const due = this.dwellStart + ((Date.now() - this.clockStart) / 1000 / radar.DWELL_S) * (this.speed ?? 4);
    let done = 0;
    while (this.dwell < Math.floor(due)) {
      this.dwell++;
      // Dwells that are late are told of, but not drawn.
      this.sendDwell(this.dwell >= Math.floor(due) - 1 || ++done < 3);
      if (this.dwell * radar.DWELL_S >= this.duration_s) {
        this.setState("ended");
        return;
      }
    }
  }

  setState(state: "playing" | "paused" | "ended"): void {
    this.state = state;
    this.clockStart = Date.now();
    this.dwellStart = this.dwell;
    this.tellReplay();
  }

  private sendDwell(pictures: boolean): void {
    if (this.clients.size === 0) return;
    const { dwell } = this;
    const t_s = dwell * radar.DWELL_S;
    if (this.options.exchange) return this.tellExchange(dwell);
    this.tell({ type: "detections", items: radar.detectionsAt(dwell) });
    this.tell({ type: "tracks", items: radar.tracksAt(dwell) });
    if (dwell % 3 === 0) this.tell({ type: "truth", items: radar.truthAt(dwell) });
    if (!pictures) return;
    const cells = radar.dopplerMap(dwell);
    const x = { name: "range", unit: "m", start: radar.RANGE_START_M, step: radar.RANGE_STEP_M };
    const step = (2 * radar.SPEED_MAX_MPS) / radar.ROWS;
    const y = { name: "range_rate", unit: "m/s", start: -radar.SPEED_MAX_MPS, step };
    const common = {
      sample: Math.round(t_s * radar.RATE_HZ), time_s: radar.START_S + t_s, channel: 0, cols: radar.COLS,
      floor_db: radar.FLOOR_DB, step_db: radar.STEP_DB, quantity: "snr_db", x,
    };
    const time = { name: "time", unit: "s", start: t_s, step: radar.DWELL_S };
    const scope = radar.scopeLine(cells);
    const make: Record<string, () => Buffer> = {
      range_doppler: () => frame(1, { ...common, rows: radar.ROWS, y }, cells),
      range_time: () => frame(2, { ...common, rows: 1, y: time, time0_s: radar.START_S + t_s, row_s: radar.DWELL_S }, radar.rangeRow(cells)),
      a_scope: () => frame(3, { n: radar.COLS, x, sample: common.sample, quantity: "power_db" }, scope.power, scope.threshold),
      spectrum: () =>
        frame(4, { n: 1024, sample: common.sample, x: { name: "frequency", unit: "Hz", start: -1e6, step: 2e6 / 1024 } }, radar.spectrumLine(dwell)),
    };
    const made = new Map<string, Buffer>();
    for (const [client, { views }] of this.clients) {
      if (client.bufferedAmount > 4e6) {
        this.dropped += views.length;
        continue;
      }
      for (const view of views) {
        if (!make[view]) continue;
        if (!made.has(view)) made.set(view, make[view]());
        client.send(made.get(view)!);
        this.sent++;
      }
    }
  }

  /** What two stations and their centre say. */
  private tellExchange(dwell: number): void {
    if (dwell % 15 !== 0) return;
    const time_s = radar.START_S + dwell * radar.DWELL_S;
    const whose = (index: number) => radar.OWNERS[index % radar.OWNERS.length]!;
    const detections = radar.detectionsAt(dwell) as object[];
    this.tell({ type: "detections", items: detections.map((item, index) => ({ ...item, time_s, ...whose(index) })) });
    const tracks = radar.tracksAt(dwell) as object[];
    const shown = tracks.flatMap((item, index) => [
      { ...item, time_s, ...whose(index), number: index + 1, track: (1 + (index % 2)) * 1_000_000 + index },
      { ...item, time_s, owner: "centre", fused: true, track: index + 1 },
    ]);
    this.tell({ type: "tracks", items: shown });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://mock");
    const send = (status: number, body: string | Buffer, type = "json") => {
      response.writeHead(status, { "Content-Type": TYPES[type] ?? "text/plain", "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff" });
      response.end(body);
    };
    if (!url.pathname.startsWith("/api/")) {
      const name = url.pathname === "/" ? "index.html" : url.pathname.slice(1);
      if (!/^(index\.html|page\.(js|css)|coastline\.json|icon\.svg)$/.test(name)) return send(404, "{}");
      return send(200, await readFile(fileURLToPath(new URL(name, DIST))), name.split(".")[1]);
    }
    const { token } = this.options;
    const { authorization } = request.headers;
    // A token that was another start's is wrong even where none is needed.
    const expected = `Bearer ${token ?? this.startToken}`;
    if (token ? authorization !== expected : authorization !== undefined && authorization !== expected) {
      return send(401, JSON.stringify({ error: { message: "a token is needed" } }));
    }
    if (request.method === "POST") {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      return this.post(url.pathname, JSON.parse(text || "{}") as Record<string, unknown>, request, send);
    }
    return this.get(url, send);
  }

  private get(url: URL, send: (status: number, body: string) => void): void {
    const json = (value: unknown) => send(200, JSON.stringify(value));
    const archived = url.searchParams.get("source") === "archive";
    const total = Math.floor(this.duration_s / radar.DWELL_S);
    switch (url.pathname) {
      case "/api/v1/session":
        return this.options.token ? send(404, "{}") : json({ token: this.startToken });
      case "/api/v1/status":
        return json(this.status());
      case "/api/v1/exchange":
        return this.options.exchange ? json(radar.exchange()) : send(409, "{}");
      case "/api/v1/coverage":
        return this.options.exchange ? json(radar.coverage()) : send(409, "{}");
      case "/api/v1/timeline": {
        const bins = Number(url.searchParams.get("bins") ?? 200);
        const done = archived ? bins : Math.floor((this.dwell / total) * bins);
        const counts = Array.from({ length: bins }, (_, i) => (i <= done ? Math.round(20 + 15 * Math.sin(i / 9) + (i % 7)) : 0));
        const asked = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise);
        const start_s = archived ? asked("from", radar.START_S) : 0;
        return json({ start_s, end_s: archived ? asked("to", radar.START_S + this.duration_s) : this.duration_s, counts });
      }
      case "/api/v1/detections":
      case "/api/v1/tracks": {
        const from = Number(url.searchParams.get("from")) - radar.START_S;
        const to = Number(url.searchParams.get("to")) - radar.START_S;
        const limit = Number(url.searchParams.get("limit") ?? 1000);
        const items: unknown[] = [];
        for (let dwell = Math.max(0, Math.ceil(from * 30)); dwell <= Math.min(total, to * 30); dwell += 3) {
          items.push(...(url.pathname.endsWith("tracks") ? radar.tracksAt(dwell) : radar.detectionsAt(dwell)));
        }
        return json({ items: items.slice(0, limit), more: items.length > limit });
      }
      default:
        return send(404, JSON.stringify({ error: { message: "no such thing" } }));
    }
  }

  private post(
    path: string,
    body: Record<string, unknown>,
    request: IncomingMessage,
    send: (status: number, body: string) => void,
  ): void {
    this.posts.push({ path, body });
    if (!this.options.token && request.headers.authorization !== `Bearer ${this.startToken}`) return send(401, JSON.stringify({ error: { message: "a token is needed" } }));
    if (path === "/api/v1/ticket") return send(200, JSON.stringify({ ticket: "ticket-1" }));
    if (path === "/api/v1/trigger") return send(200, "{}");
    if (path !== "/api/v1/replay") return send(404, "{}");
    if (body.action === "pause") this.setState("paused");
    else if (body.action === "resume") this.setState("playing");
    else if (body.action === "speed") {
      this.speed = body.speed as number | null;
      this.setState(this.state);
    } else if (body.action === "seek" && typeof body.position_s === "number") {
      this.dwell = Math.round(body.position_s / radar.DWELL_S);
      this.setState(this.state === "ended" ? "paused" : this.state);
      this.sendDwell(true);
    } else if (body.action === "step") {
      this.dwell++;
      this.setState("paused");
      this.sendDwell(true);
    } else return send(400, JSON.stringify({ error: { message: "unknown action" } }));
    send(200, "{}");
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await new MockServer({ port: Number(process.argv[2] ?? 8765) }).start();
  console.log(`http://127.0.0.1:${server.port}/`);
}
