// Layers of the map: whose a report is, and which of them a person has switched off. Knows nothing of the document.

import type { Exchange } from "./protocol.ts";

/** What an item says of whose it is. */
export interface Owned {
  owner?: string | null;
  station?: string | null;
  fused?: boolean;
}

export interface Layer {
  key: string;
  title: string;
  /** Which of the colours for stations it has; null: the common picture's, or one of its own. */
  colour: number | null;
}

export const FUSED = "fused";
export const ALERTS = "alerts";
export const COVERAGE = "coverage";
/** Colours for stations that there are; more stations begin again with the first. */
export const COLOURS = 6;

/** The layer of an item; null where nobody says whose it is. */
export function layerOf(item: Owned): string | null {
  if (item.fused === true || item.owner === "centre") return FUSED;
  const name = item.station ?? item.owner;
  return name ? `by:${name}` : null;
}

/** Whose an item is, for people. */
export function whose(item: Owned, layers: Layers): string | null {
  const key = layerOf(item);
  return key === null ? null : (layers.title(key) ?? null);
}

/** Names in the address: those that are switched off. */
export function parseHidden(text: string): Set<string> {
  return new Set(text.split(",").filter((key) => key !== ""));
}

export function formatHidden(hidden: ReadonlySet<string>): string {
  return [...hidden].sort().join(",");
}

/** The layers that were seen so far, in the order of their names. */
export class Layers {
  private readonly owners = new Map<string, string | null>();
  private hasFused = false;
  private known: Layer[] = [];

  clear(): void {
    this.owners.clear();
    this.hasFused = false;
    this.known = [];
  }

  /** Notes whose an item is. */
  note(item: Owned): void {
    const key = layerOf(item);
    if (key === null || (key === FUSED && this.hasFused)) return;
    if (key === FUSED) this.hasFused = true;
    else {
      const name = key.slice(3);
      const owner = item.owner ?? null;
      const before = this.owners.get(name);
      if (before === owner || (before !== undefined && owner === null)) return;
      this.owners.set(name, owner);
    }
    this.known = [...this.owners.keys()].sort().map((name, at) => {
      const by = this.owners.get(name);
      return { key: `by:${name}`, title: by && by !== name ? `${by} · ${name}` : name, colour: at % COLOURS };
    });
    if (this.hasFused) this.known.push({ key: FUSED, title: "common picture", colour: null });
  }

  noteExchange({ stations }: Exchange): void {
    for (const { name, owner } of stations) this.note({ station: name, owner });
  }

  /** None where all that is seen is one station's. */
  get all(): readonly Layer[] {
    return this.known.length > 1 ? this.known : [];
  }

  title(key: string): string | undefined {
    return this.known.find((layer) => layer.key === key)?.title;
  }

  /** The colour of a layer among those for stations; null for what has another. */
  colour(key: string | null): number | null {
    if (key === null || this.known.length < 2) return null;
    return this.known.find((layer) => layer.key === key)?.colour ?? null;
  }
}
