// Marks of detections, tracks and truth: told apart by shape first, by colour second.

import { MARKS } from "./theme.ts";

export type Shape = "detection" | "track" | "truth";

function trace(context: CanvasRenderingContext2D, shape: Shape, x: number, y: number, size: number): void {
  context.beginPath();
  if (shape === "detection") context.arc(x, y, size, 0, 2 * Math.PI);
  else if (shape === "track") context.rect(x - size, y - size, 2 * size, 2 * size);
  else {
    context.moveTo(x - size, y);
    context.lineTo(x + size, y);
    context.moveTo(x, y - size);
    context.lineTo(x, y + size);
  }
}

/** A mark that is legible on any colour: light on a dark edge, or the other way round. */
export function mark(
  context: CanvasRenderingContext2D,
  shape: Shape,
  x: number,
  y: number,
  options: { size?: number; colour?: string; halo?: string; bold?: boolean } = {},
): void {
  const size = options.size ?? (shape === "detection" ? 4 : 5);
  const width = options.bold ? 2.5 : 1.5;
  trace(context, shape, x, y, size);
  context.lineWidth = width + 2;
  context.strokeStyle = options.halo ?? MARKS.halo;
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = options.colour ?? MARKS[shape];
  context.stroke();
  context.lineWidth = 1;
}

/** A name beside a mark. */
export function label(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  colour: string = MARKS.track,
  halo: string = MARKS.halo,
): void {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
  context.lineWidth = 1;
}

/** A line through points with a dark edge. */
export function polyline(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
  colour: string,
  halo: string | null = MARKS.halo,
): void {
  if (points.length < 2) return;
  context.beginPath();
  points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.lineJoin = "round";
  if (halo) {
    context.lineWidth = 3;
    context.strokeStyle = halo;
    context.stroke();
  }
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.stroke();
  context.lineWidth = 1;
}

/** Many small marks: squares on whole pixels, because thousands of circles take longer than a picture has. */
export function dots(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
  colour: string = MARKS.detection,
  halo: string | null = MARKS.halo,
): void {
  for (const [style, size] of [[halo, 4], [colour, 2]] as const) {
    if (style === null) continue;
    context.fillStyle = style;
    for (const [x, y] of points) context.fillRect(Math.round(x) - size / 2, Math.round(y) - size / 2, size, size);
  }
}

/** Every so many of a long row, the last always: more points than this no eye tells apart. */
export function thinned<T>(items: readonly T[], most = 150): T[] {
  const step = Math.ceil(items.length / most);
  return step <= 1 ? [...items] : items.filter((_, index) => (items.length - 1 - index) % step === 0);
}
