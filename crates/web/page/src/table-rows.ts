// Columns, filters, sorting and CSV of the tables. Knows nothing of the document.

export type Cell = number | string | boolean | null | undefined;

export interface Column<T> {
  /** Name in filters and in CSV. */
  key: string;
  title: string;
  unit?: string;
  value: (row: T) => Cell;
  /** As it is shown. */
  text: (row: T) => string;
  /** In the file only. */
  hidden?: boolean;
}

export interface Sorting {
  key: string;
  descending: boolean;
}

type Test<T> = (row: T) => boolean;

const COMPARISON = /^([a-z_]+)(<=|>=|<|>|=)(-?[0-9.]+(?:e-?[0-9]+)?)$/i;

/**
 * A filter as it is written: words that must occur, and comparisons such as `snr>15`, where a column's name may be
 * shortened. All must hold.
 */
export function parseFilter<T>(text: string, columns: readonly Column<T>[]): Test<T> {
  const tests = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => parseTest(word, columns));
  return (row) => tests.every((test) => test(row));
}

function parseTest<T>(word: string, columns: readonly Column<T>[]): Test<T> {
  const match = COMPARISON.exec(word);
  const column = match && columns.find(({ key }) => key.startsWith(match[1]!.toLowerCase()));
  if (match && column) {
    const limit = Number(match[3]);
    return (row) => {
      const value = column.value(row);
      return typeof value === "number" && compare(value, match[2]!, limit);
    };
  }
  const wanted = word.toLowerCase();
  return (row) => columns.some((each) => !each.hidden && String(each.value(row) ?? "").toLowerCase().includes(wanted));
}

function compare(value: number, operator: string, limit: number): boolean {
  switch (operator) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    default:
      return value === limit;
  }
}

/** Sorted anew; rows without a value come last either way, and equal rows keep their order. */
export function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], sorting: Sorting): T[] {
  const column = columns.find(({ key }) => key === sorting.key);
  if (!column) return [...rows];
  const sign = sorting.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = column.value(a) ?? null;
    const y = column.value(b) ?? null;
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === "string" || typeof y === "string") return sign * String(x).localeCompare(String(y));
    return sign * (Number(x) - Number(y));
  });
}

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe. */
export function csv<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const field = (value: Cell) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = rows.map((row) => columns.map((column) => field(column.value(row))).join(","));
  return [columns.map(({ key }) => key).join(","), ...lines, ""].join("\r\n");
}
