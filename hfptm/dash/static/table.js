// Tables of things that have a key: rows are made once, moved never needlessly, changed by cell.

import { by, make, setSpan, setText, setTime, setTone, show } from "./dom.js";

/** A cell is {text, tone, title}, with {slug} a button that opens its book, with {event} one that
 *  finds its markets; or a time {ts_ns}, or a bar {span: [from, width]}. */
function fill(cell, want) {
  const [value] = cell.children.length ? cell.children : [cell];
  if (want.span) return setSpan(value.firstChild, ...want.span);
  if (want.ts_ns !== undefined) return setTime(value, want.ts_ns);
  setText(value, want.text);
  setTone(value, want.tone ?? "");
  const title = want.title ?? "";
  if (value.title !== title) value.title = title;
  if (want.slug) value.dataset.slug = want.slug;
  if (want.event) value.dataset.event = want.event;
}

function makeCell(column, want) {
  const cell = make(`${column.isHead ? "th" : "td"}.${column.name}`);
  if (column.isHead) cell.scope = "row";
  cell.setAttribute("role", column.isHead ? "rowheader" : "cell");
  cell.dataset.label = column.label;
  if (want.ts_ns !== undefined) cell.append(make("time"));
  else if (want.span) cell.append(make("span.track", "", make("i.bar")));
  else if (want.slug || want.event) cell.append(make("button.slug"));
  else if (column.isTag) cell.append(make("span.tag"));
  if (cell.firstChild?.tagName === "BUTTON") cell.firstChild.type = "button";
  return cell;
}

export class Table {
  /** `columns`: {name, label, isHead, isTag, of(row)}; `keyOf(row)` tells rows apart. */
  constructor(id, columns, keyOf) {
    this.box = by(id);
    this.body = this.box.querySelector("tbody");
    this.empty = this.box.parentElement.querySelector(".empty");
    this.columns = columns;
    this.keyOf = keyOf;
    this.rows = new Map();
    this.isScrolled = false; // asking the box itself would lay out the whole page each time
    this.box.addEventListener("scroll", () => (this.isScrolled = this.box.scrollTop > 0), {
      passive: true,
    });
    this.#head();
  }

  /** Rows in the order in which they are to stand. What one reads stays where it is. */
  update(rows) {
    const keys = new Set(rows.map(this.keyOf));
    for (const [key, known] of this.rows) if (!keys.has(key)) this.#remove(key, known);
    const above = this.#place(rows);
    if (above > 0) this.box.scrollTop += above;
    if (this.empty) show(this.empty, rows.length === 0);
    show(this.box, rows.length > 0);
  }

  #head() {
    const row = make("tr");
    row.setAttribute("role", "row");
    for (const column of this.columns) {
      const cell = make(`th.${column.name}`, column.label);
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      row.append(cell);
    }
    this.box.querySelector("thead").append(row);
  }

  #remove(key, known) {
    known.row.remove();
    this.rows.delete(key);
  }

  /** How many pixels were put above the row that stood on top. */
  #place(rows) {
    const top = this.body.firstElementChild;
    const before_px = top && this.isScrolled ? top.offsetTop : 0;
    let next = top;
    for (const row of rows) {
      const known = this.#row(row);
      if (known.row === next) next = next.nextElementSibling;
      else this.body.insertBefore(known.row, next);
    }
    return before_px ? top.offsetTop - before_px : 0;
  }

  #row(row) {
    const key = this.keyOf(row);
    const text = JSON.stringify(row);
    let known = this.rows.get(key);
    if (known?.text === text) return known;
    const wants = this.columns.map((column) => column.of(row));
    if (!known) {
      const cells = this.columns.map((column, place) => makeCell(column, wants[place]));
      known = { row: make("tr", "", ...cells), cells };
      known.row.setAttribute("role", "row");
      this.rows.set(key, known);
    }
    known.text = text;
    known.cells.forEach((cell, place) => fill(cell, wants[place]));
    return known;
  }
}

/** A table of news that can be held still; tells how many wait. */
export class Newsreel {
  constructor(table, button) {
    this.table = table;
    this.button = button;
    this.latest = [];
    this.seen = 0;
    this.isPaused = false;
    button.addEventListener("click", () => this.#toggle());
  }

  /** `rows` newest first, each with a growing serial. */
  update(rows) {
    this.latest = rows;
    const newest = rows[0]?.serial ?? 0;
    if (!this.isPaused) {
      this.seen = newest;
      this.table.update(rows);
    }
    this.#say();
  }

  #toggle() {
    this.isPaused = !this.isPaused;
    this.button.setAttribute("aria-pressed", String(this.isPaused));
    this.update(this.latest);
  }

  #say() {
    const waiting = this.latest.filter((row) => row.serial > this.seen).length;
    setText(this.button, this.isPaused ? `Go on (${waiting} new)` : "Pause");
  }
}
