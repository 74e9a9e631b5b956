// A table of the document: headers that sort, a row that can be chosen.

import { el, setText } from "./dom.ts";
import { sortRows, type Column, type Sorting } from "./table-rows.ts";

/** Rows in the document; the file that is downloaded has all. */
export const ROWS_SHOWN = 100;

export class DataTable<T> {
  private readonly body = el("tbody");
  private readonly headers = new Map<string, HTMLTableCellElement>();
  private readonly visible: Column<T>[];
  private rows: T[] = [];

  constructor(
    host: HTMLElement,
    caption: string,
    private readonly columns: readonly Column<T>[],
    public sorting: Sorting,
    private readonly options: {
      changed: () => void;
      chosen?: (row: T) => void;
      isChosen?: (row: T) => boolean;
    },
  ) {
    this.visible = columns.filter(({ hidden }) => !hidden);
    const head = el("tr");
    for (const column of this.visible) {
      const unit = column.unit ? [el("small", {}, ` ${column.unit}`)] : [];
      const button = el("button", { type: "button" }, column.title, ...unit);
      button.addEventListener("click", () => this.sortBy(column.key));
      const th = el("th", { scope: "col" }, button);
      this.headers.set(column.key, th);
      head.append(th);
    }
    host.append(el("table", {}, el("caption", {}, caption), el("thead", {}, head), this.body));
    this.body.addEventListener("click", (event) => this.choose(event));
    this.mark();
  }

  private sortBy(key: string): void {
    const descending = this.sorting.key === key ? !this.sorting.descending : false;
    this.sorting = { key, descending };
    this.mark();
    this.options.changed();
  }

  private mark(): void {
    for (const [key, th] of this.headers) {
      if (key === this.sorting.key) th.setAttribute("aria-sort", this.sorting.descending ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
  }

  private choose(event: Event): void {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    const item = row ? this.rows[row.sectionRowIndex] : undefined;
    if (item !== undefined) this.options.chosen?.(item);
  }

  /** Shows the first of these rows, sorted. Returns all of them. */
  show(all: readonly T[]): T[] {
    const sorted = sortRows(all, this.columns, this.sorting);
    this.rows = sorted.slice(0, ROWS_SHOWN);
    while (this.body.rows.length > this.rows.length) this.body.deleteRow(-1);
    while (this.body.rows.length < this.rows.length) this.body.append(this.emptyRow());
    this.rows.forEach((item, index) => {
      const row = this.body.rows[index]!;
      this.visible.forEach((column, place) => {
        const cell = row.cells[place]!;
        setText(place === 0 && this.options.chosen ? cell.firstElementChild! : cell, column.text(item));
      });
      const chosen = this.options.isChosen?.(item) ?? false;
      if (row.classList.contains("chosen") !== chosen) row.classList.toggle("chosen", chosen);
    });
    return sorted;
  }

  private emptyRow(): HTMLTableRowElement {
    const row = el("tr");
    this.visible.forEach((_, place) => {
      // A button, so that a row can be chosen from the keyboard.
      row.append(place === 0 && this.options.chosen ? el("td", {}, el("button", { type: "button" })) : el("td"));
    });
    return row;
  }
}
