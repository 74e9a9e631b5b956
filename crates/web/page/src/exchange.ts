// What owners give each other, whose flow is stopped, and what the centre warned of.

import { count, utc } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { byId, el, setText } from "./dom.ts";
import type { Alert, Balance, Exchange } from "./protocol.ts";
import { lengthText } from "./window.ts";

const REDRAW_MS = 500;

/** Numbers by kind, for people. */
export function kindsText(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([kind, n]) => `${count(n)} ${kind}`);
  return parts.length > 0 ? parts.join(", ") : "nothing";
}

/** How the flow to an owner stands. */
export function flowText(side: Balance["sides"][number]): string {
  if (!side.is_flowing) {
    const since = side.stopped_since_s === null ? "" : ` since ${utc(side.stopped_since_s).slice(0, 19)}`;
    return `stopped${since}`;
  }
  return side.stops_at_s === null ? "flows" : `flows; without more until ${utc(side.stops_at_s).slice(0, 19)}`;
}

type Cells = (string | { text: string; bad: boolean })[];

function table(caption: string, heads: string[], rows: Cells[]): HTMLTableElement {
  const body = rows.map((cells) =>
    el("tr", {}, ...cells.map((cell) => (typeof cell === "string" ? el("td", {}, cell) : el("td", cell.bad ? { class: "bad" } : {}, cell.text)))),
  );
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  return el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
}

export class ExchangeView implements View {
  readonly interval_ms = REDRAW_MS;
  private readonly tab = byId("tab-exchange", HTMLButtonElement);
  private readonly host = byId("accounts", HTMLElement);
  private readonly alerts = byId("alerts", HTMLElement);
  private shown = "";
  private alertsShown = -1;

  constructor(private readonly context: Context) {
    this.alerts.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const track = Number(button?.dataset.track);
      if (button?.dataset.track && Number.isFinite(track)) context.selectTrack(track);
    });
  }

  draw(): void {
    const { exchange, alerts, alertsTold } = this.context.live;
    this.tab.hidden = exchange === null;
    if (!exchange) return;
    const title = alerts.length > 0 ? `Exchange (${alerts.length} alerts)` : "Exchange";
    setText(this.tab, title);
    if (this.context.settings.current.list !== "exchange") return;
    const key = JSON.stringify(exchange);
    if (key !== this.shown) {
      this.shown = key;
      this.host.replaceChildren(...accounts(exchange));
    }
    if (alertsTold !== this.alertsShown) {
      this.alertsShown = alertsTold;
      this.alerts.replaceChildren(...[...alerts].reverse().map(alertRow));
    }
  }
}

function accounts({ stations, balances, contracts, time_s }: Exchange): HTMLElement[] {
  const age = (last_s: number | null) => (last_s === null || time_s === null ? "never" : `${lengthText(Math.max(time_s - last_s, 0))} ago`);
  const nodes: HTMLElement[] = [
    table(
      "Heard",
      ["owner", "station", "detections", "track reports", "latest"],
      stations.map(({ owner, name, detections, tracks, last_s }) => [owner, name, count(detections), count(tracks), age(last_s)]),
    ),
  ];
  for (const { sides, window_s, grace_s } of balances) {
    nodes.push(
      table(
        `Mutuality: ${lengthText(window_s)} window, ${lengthText(grace_s)} grace`,
        ["owner", "gave", "of it delivered", "in the window", "what the other gives"],
        sides.map((side) => [
          side.owner,
          kindsText(side.given),
          kindsText(side.delivered),
          `${count(side.in_window)} of ${count(side.owed_in_window)} owed`,
          { text: flowText(side), bad: !side.is_flowing },
        ]),
      ),
    );
  }
  for (const { name, version, from, until, gives } of contracts) {
    nodes.push(
      table(
        `Contract ${name}, version ${version}, ${from.slice(0, 10)} to ${until.slice(0, 10)}`,
        ["owner", "gives"],
        gives.map(({ owner, kinds }) => [owner, kinds.join(", ")]),
      ),
    );
  }
  return nodes;
}

function alertRow(alert: Alert): HTMLElement {
  const more = alert.held_back ? ` (${alert.held_back} more held back)` : "";
  const text = `${utc(alert.time_s).slice(0, 19)}  ${alert.text}${more}`;
  const inner = alert.track === null ? text : el("button", { type: "button", "data-track": String(alert.track) }, text);
  return el("li", {}, inner);
}
