// Nothing is written to the page but what changed, and words of others only ever as text.

import { clock, utc } from "./format.js";

const said = new WeakMap();

export function by(id) {
  return document.getElementById(id);
}

/** Whether it was another text. */
export function setText(element, text) {
  if (said.get(element) === text) return false;
  said.set(element, text);
  element.textContent = text;
  return true;
}

export function setTone(element, tone) {
  if (element.dataset.tone !== tone) element.dataset.tone = tone;
}

export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** `tag.first.second` with a text and children. */
export function make(form, text = "", ...children) {
  const [tag, ...classes] = form.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  if (text) setText(element, text);
  element.append(...children);
  return element;
}

/** Gain, loss or neither, by sign; the text beside it says so too. */
export function toneOf(value) {
  return value >= 5_000 ? "good" : value <= -5_000 ? "bad" : "";
}

/** A local time whose title is UTC. */
export function setTime(element, ts_ns) {
  if (!setText(element, ts_ns ? clock(ts_ns) : "–")) return;
  if (!ts_ns) return;
  element.title = utc(ts_ns);
  element.dateTime = new Date(ts_ns / 1e6).toISOString();
}

/** Name and value, side by side: takes [name, text, tone] in the same order each time. */
export class Facts {
  constructor(list) {
    this.list = list;
    this.values = new Map();
  }

  update(rows) {
    for (const [name, text, tone = ""] of rows) {
      let value = this.values.get(name);
      if (!value) {
        value = make("dd");
        this.values.set(name, value);
        this.list.append(make("div", "", make("dt", name), value));
      }
      setText(value, text);
      setTone(value, tone);
    }
  }
}

/** A bar from 0 to 1 of its track. */
export function setShare(bar, share) {
  const kept = Math.max(0, Math.min(1, share || 0)).toFixed(3);
  if (bar.dataset.share === kept) return;
  bar.dataset.share = kept;
  bar.style.transform = `scaleX(${kept})`;
}

/** A bar from somewhere on its track, both as shares of it. */
export function setSpan(bar, from, width) {
  const place = `translateX(${(100 * from).toFixed(1)}%) scaleX(${width.toFixed(3)})`;
  if (bar.dataset.place === place) return;
  bar.dataset.place = place;
  bar.style.transform = place;
}
