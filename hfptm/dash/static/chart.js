// Lines over time. Their legend tells the colours, and the values under the pointer.

/* global uPlot */

import { by, make, setText } from "./dom.js";

const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const YOUNGEST_S = 60;
const CAPTION_MS = 10_000;

function colourOf(name) {
  const probe = make(`i.line.${name}`);
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function hours(plot, splits, _axis, _space, step_s) {
  const form = { hour: "2-digit", minute: "2-digit", second: step_s < 60 ? "2-digit" : undefined };
  const format = new Intl.DateTimeFormat("en-GB", form);
  return splits.map((at_s) => format.format(at_s * 1_000));
}

/** Nothing and all that is drawn, with room: a small change of much doesn't look like much. */
function spread(low, high) {
  const [from, to] = [Math.min(0, low ?? 0), Math.max(0, high ?? 0)];
  const room = (to - from || 1) * 0.06;
  return [from < 0 ? from - room : 0, to + room];
}

export class Chart {
  /** `lines`: {name, label, column, unit}; `text(value)` of the history's own unit. */
  constructor(id, title, lines, text) {
    this.figure = by(id);
    this.place = this.figure.querySelector(".plot");
    this.caption = this.figure.querySelector("figcaption");
    this.title = title;
    this.lines = lines;
    this.text = text;
    this.range_s = 900;
    this.drawn_ms = this.told_ms = -Infinity;
    this.isSeen = true;
    this.values = lines.map((line, place) => this.#legend(line, place));
    new IntersectionObserver(([entry]) => (this.isSeen = entry.isIntersecting)).observe(this.place);
    this.width_px = 0;
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect)).observe(this.place);
  }

  /** Another range, or other colours: drawn anew at the next look. */
  reset(range_s = this.range_s) {
    this.range_s = range_s;
    this.plot?.destroy();
    this.plot = undefined;
    this.drawn_ms = this.told_ms = -Infinity;
  }

  /** Another history: drawn even where nobody looks yet. */
  refresh() {
    this.isFresh = true;
    this.drawn_ms = this.told_ms = -Infinity;
  }

  /** As often as its pixels can change, once a second at most. */
  draw(history, now_ms) {
    const { width_px } = this;
    const due_ms = Math.max(1_000, (1_000 * this.range_s) / Math.max(1, width_px));
    const isOut = this.plot && !this.isSeen && !this.isFresh;
    if (isOut || width_px === 0 || now_ms - this.drawn_ms < due_ms) return;
    this.drawn_ms = now_ms;
    this.isFresh = false;
    const columns = this.lines.map((line) => line.column);
    const units = this.lines.map((line) => line.unit);
    this.data = history.slice(this.range_s, columns, units);
    if (this.plot) this.plot.setData(this.data);
    else this.plot = new uPlot(this.#options(width_px), this.data, this.place);
    this.#say(null);
    if (now_ms - this.told_ms >= CAPTION_MS) this.#describe(now_ms);
  }

  #resize({ width, height }) {
    this.width_px = Math.floor(width);
    this.height_px = height;
    if (this.plot && width) this.plot.setSize({ width: this.width_px, height });
  }

  #legend(line, place) {
    const value = make("b", "–");
    const stroke = make(`i.line.${line.name}.dash${place}`);
    stroke.setAttribute("aria-hidden", "true");
    this.figure.querySelector(".legend").append(make("li", "", stroke, `${line.label} `, value));
    return value;
  }

  #options(width_px) {
    const ink = colourOf("ink");
    const axis = { stroke: ink, font: "12px system-ui", ticks: { show: false }, size: 30 };
    const grid = { stroke: colourOf("grid"), width: 1 };
    return {
      width: width_px,
      height: this.height_px,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { setScale: false, x: false, y: false } },
      scales: {
        x: { range: (_plot, low, high) => [this.#since(low, high), high] },
        y: { range: (_plot, low, high) => spread(low, high) },
      },
      axes: [
        { ...axis, grid: { show: false }, values: hours, space: 72 },
        { ...axis, grid, size: 72, values: (_plot, splits) => splits.map((y) => this.#unit(y)) },
      ],
      series: [{}, ...this.lines.map((line, place) => this.#series(line, place))],
      hooks: { setCursor: [(plot) => this.#say(plot.cursor.idx)] },
    };
  }

  /** A run that is younger than the range fills it all the same, but for its first minute. */
  #since(low, high) {
    return Math.max(high - this.range_s, Math.min(low ?? high, high - YOUNGEST_S));
  }

  #series(line, place) {
    const points = { show: false };
    const stroke = colourOf(line.name);
    const width = place === 0 ? 2.5 : 1.5;
    return { label: line.label, stroke, width, dash: DASHES[place], points, spanGaps: false };
  }

  #unit(value) {
    return this.text(Math.round(value * this.lines[0].unit));
  }

  /** The values at a place of the data; at null the last ones. */
  #say(index) {
    const place = index ?? this.data[0].length - 1;
    this.values.forEach((element, line) => {
      const value = this.data[line + 1][place] ?? null;
      setText(element, value === null ? "–" : this.#unit(value));
    });
  }

  #describe(now_ms) {
    const values = this.data[1].filter((value) => value !== null);
    if (values.length) this.told_ms = now_ms;
    const minutes = Math.max(1, Math.round((this.data[0].at(-1) - this.data[0][0]) / 60) || 1);
    const ends = [values[0], values.at(-1), Math.min(...values), Math.max(...values)];
    const [first, last, low, high] = ends.map((value) => this.#unit(value ?? 0));
    const text = values.length
      ? `${this.title}, last ${minutes} min: from ${first} to ${last}, lowest ${low}, highest ${high}.`
      : `${this.title}: nothing yet.`;
    setText(this.caption, text);
    this.place.setAttribute("aria-label", text);
  }
}
