// Scales, ticks, and numbers with their units.

export interface Interval {
  min: number;
  max: number;
}

/** Round numbers in an interval, about `count` of them. */
export function ticks({ min, max }: Interval, count: number): number[] {
  const span = max - min;
  if (!(span > 0) || !Number.isFinite(span) || count < 1) return [];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Digits after the point that tell neighbouring ticks apart. */
export function tickDigits(values: number[]): number {
  const step = values.length > 1 ? Math.abs(values[1]! - values[0]!) : Math.abs(values[0] ?? 1);
  return step > 0 ? Math.min(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), 9) : 0;
}

/** A factor and a unit in which an interval's numbers are short: metres become kilometres. */
export function readableUnit(unit: string, { min, max }: Interval): { factor: number; unit: string } {
  const size = Math.max(Math.abs(min), Math.abs(max));
  if (unit === "m" && size >= 5000) return { factor: 1e-3, unit: "km" };
  if (unit === "Hz" && size >= 5e6) return { factor: 1e-6, unit: "MHz" };
  if (unit === "Hz" && size >= 5e3) return { factor: 1e-3, unit: "kHz" };
  return { factor: 1, unit };
}

/** A number with so many digits after the point and a true minus; nothing known is a dash. */
export function fixed(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  // −0.0 is 0.0.
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A number and its unit in the size that reads best. */
export function quantity(value: number | null | undefined, unit: string, digits?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const readable = readableUnit(unit, { min: 0, max: value });
  const usual = readable.unit === "km" ? 2 : readable.unit.endsWith("Hz") && readable.factor < 1 ? 3 : 1;
  return `${fixed(value * readable.factor, digits ?? usual)} ${readable.unit}`;
}

/** Large counts, grouped by thin spaces. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** With the metric prefix that leaves one to three digits. */
export function metric(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return `0 ${unit}`;
  const steps: [number, string][] = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
  const [scale, prefix] = steps.find(([least]) => Math.abs(value) >= least * 0.9995) ?? [1e-9, "n"];
  const scaled = value / scale;
  return `${fixed(scaled, Math.abs(scaled) < 10 ? 2 : Math.abs(scaled) < 100 ? 1 : 0)} ${prefix}${unit}`;
}

/** A duration or position, m:ss.sss; with hours where it has them. */
export function clock(seconds: number, digits = 1): string {
  if (!Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? "−" : "";
  // Rounded before it is cut up, so that there is no 0:60.0.
  const total = Number(Math.abs(seconds).toFixed(digits));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = (total % 60).toFixed(digits).padStart(digits > 0 ? digits + 3 : 2, "0");
  return hours > 0 ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${sign}${minutes}:${rest}`;
}

/** UTC of unix seconds, to the millisecond. */
export function utc(unix_s: number): string {
  const date = new Date(unix_s * 1000);
  return Number.isNaN(date.getTime()) ? "–" : date.toISOString().replace("T", " ").replace("Z", "");
}
