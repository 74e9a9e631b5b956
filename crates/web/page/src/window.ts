// Arithmetic of the archive's slider: what of the time line is seen, and the window in it. Knows nothing of the document.

export type Span = readonly [number, number];

/** The shortest that can be seen and asked for, s. */
export const SHORTEST_S = 1;
/** Zooms that have a button, s; null is all. */
export const ZOOMS: readonly [string, number | null][] = [
  ["all", null],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["10 min", 600],
  ["1 min", 60],
];

/** A span moved into another as it is, or cut where it is longer. */
export function within([from, to]: Span, [start, end]: Span): Span {
  const length = Math.min(Math.max(to - from, SHORTEST_S), end - start);
  const begin = Math.min(Math.max(from, start), end - length);
  return [begin, begin + length];
}

/** A span of another length, which keeps a time where it is in it. */
export function zoomed([from, to]: Span, length: number, about: number, whole: Span): Span {
  const part = to > from ? (about - from) / (to - from) : 0.5;
  return within([about - part * length, about + (1 - part) * length], whole);
}

/** What is seen so that the window is in it: as it is where it is, else moved, else longer. */
export function showing(seen: Span, window: Span, whole: Span): Span {
  if (window[0] >= seen[0] && window[1] <= seen[1]) return seen;
  const length = Math.max(seen[1] - seen[0], 1.2 * (window[1] - window[0]));
  const middle = (window[0] + window[1]) / 2;
  return within([middle - length / 2, middle + length / 2], whole);
}

/** What of the slider a pointer is at, within so many seconds of an edge. */
export function grip(at: number, [from, to]: Span, edge: number): "from" | "to" | "window" | "new" {
  const near = Math.min(edge, (to - from) / 3);
  if (at > from + near && at < to - near) return "window";
  if (Math.abs(at - from) <= edge && Math.abs(at - from) <= Math.abs(at - to)) return "from";
  if (Math.abs(at - to) <= edge) return "to";
  return "new";
}

/** The window after a drag from one time to another. */
export function dragged(what: ReturnType<typeof grip>, [from, to]: Span, begun: number, at: number, whole: Span): Span {
  const moved = at - begun;
  switch (what) {
    case "window":
      return within([from + moved, to + moved], whole);
    case "from":
      return within([Math.min(at, to - SHORTEST_S), to], whole);
    case "to":
      return within([from, Math.max(at, from + SHORTEST_S)], whole);
    case "new":
      return within([Math.min(begun, at), Math.max(begun, at)], whole);
  }
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000];

/** Times to be written along a span, at most so many, on whole hours, days and so on. */
export function marks([from, to]: Span, most: number): { times: number[]; step_s: number } {
  const step_s = STEPS_S.find((step) => (to - from) / step <= most) ?? Math.ceil((to - from) / most / 86_400) * 86_400;
  const times = [];
  for (let time = Math.ceil(from / step_s) * step_s; time <= to; time += step_s) times.push(time);
  return { times, step_s };
}

/** How a time is written beside others so many seconds apart: no finer than they are. */
export function markText(time: number, step_s: number): string {
  const text = new Date(time * 1000).toISOString();
  if (step_s >= 86_400) return text.slice(5, 10);
  if (step_s >= 60) return time % 86_400 === 0 ? text.slice(5, 10) : text.slice(11, 16);
  return text.slice(11, 19);
}

/** A length of time for people. */
export function lengthText(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${(seconds / 86_400).toFixed(1)} d`;
  if (seconds >= 7_200) return `${(seconds / 3_600).toFixed(1)} h`;
  if (seconds >= 120) return `${(seconds / 60).toFixed(1)} min`;
  return `${seconds.toFixed(1)} s`;
}
