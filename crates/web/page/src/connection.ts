// The WebSocket, opened again when it closes.

import { ApiError, type Api } from "./api.ts";
import { decodeFrame, type Frame, type ServerText } from "./protocol.ts";

export type LinkState =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "lost"; retryInMs: number; reason: string }
  | { state: "token" };

export interface Handlers {
  text(message: ServerText): void;
  frame(frame: Frame): void;
  state(state: LinkState): void;
  fault(message: string): void;
}

const BACKOFF_MS = [250, 500, 1000, 2000, 4000];
/** Without a word for so long (statuses come each second) the link is dead. */
const SILENCE_MS = 15_000;
const PING_MS = 5_000;

export class Connection {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private subscription: string | null = null;
  private retry: number | undefined;
  private heard = 0;

  constructor(
    private readonly api: Api,
    private readonly handlers: Handlers,
  ) {
    window.setInterval(() => this.watch(), PING_MS);
    window.addEventListener("online", () => this.start());
  }

  /** Opens the link, now. */
  start(): void {
    window.clearTimeout(this.retry);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    this.handlers.state({ state: "connecting" });
    this.api.liveAddress().then(
      (address) => this.open(address),
      (error: unknown) => {
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          this.handlers.state({ state: "token" });
        } else this.later(error instanceof ApiError ? error.message : "no answer from the server");
      },
    );
  }

  private open(address: string): void {
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.attempt = 0;
      this.heard = performance.now();
      this.handlers.state({ state: "open" });
      if (this.subscription) socket.send(this.subscription);
    });
    socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => {
      this.heard = performance.now();
      this.take(event.data);
    });
    socket.addEventListener("close", (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.later(event.reason || "the server closed the connection");
    });
  }

  private take(data: string | ArrayBuffer): void {
    try {
      if (typeof data === "string") this.handlers.text(JSON.parse(data) as ServerText);
      else this.handlers.frame(decodeFrame(data));
    } catch (error) {
      this.handlers.fault(error instanceof Error ? error.message : String(error));
    }
  }

  private later(reason: string): void {
    const wait = BACKOFF_MS[Math.min(this.attempt, BACKOFF_MS.length - 1)]!;
    this.attempt++;
    this.handlers.state({ state: "lost", retryInMs: wait, reason });
    window.clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.start(), wait);
  }

  /** Says what is wanted; said again after each reconnection. */
  subscribe(message: object): void {
    const text = JSON.stringify({ type: "subscribe", ...message });
    if (text === this.subscription) return;
    this.subscription = text;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  private watch(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.heard > SILENCE_MS) {
      this.heard = performance.now();
      this.socket.close();
    } else this.socket.send(JSON.stringify({ type: "ping", n: Math.round(performance.now()) }));
  }
}
