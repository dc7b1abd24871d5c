// Opportunities and plans as they happen, what was caught of them, and what was refused.

import { by, Facts, make, setShare, setText, setTone, show, toneOf } from "./dom.js";
import { count, percent, shares, signedUsd, usd, words } from "./format.js";
import { Newsreel, Table } from "./table.js";

const ENOUGH = 30;

/** A market has a book; an event has markets to choose from. */
function what(row) {
  if (row.kind === "binary") return { text: row.slug, title: row.slug, slug: row.slug };
  const event = row.event_slug || row.slug;
  return { text: row.slug || event, title: `${row.slug}: ${row.legs} legs`, event };
}

function arrival(row) {
  if (!row.is_measured) return { text: "…", title: "not known yet" };
  if (row.unseen) return { text: "unseen", title: "its book was not received then" };
  if (!row.arrived) return { text: "gone" };
  const title = row.printed ? "a trade bears it out" : "";
  return { text: `${usd(row.arrived_e6)}${row.printed ? " ✓" : ""}`, title };
}

function decision(row) {
  if (row.artefact && row.artefact !== "none") {
    return { text: `artefact: ${words(row.artefact)}`, tone: "warn" };
  }
  return { text: words(row.reason), tone: row.reason === "taken" ? "good" : "" };
}

const TIME = { name: "time", label: "Time", of: (row) => ({ ts_ns: row.ts_ns }) };
const WHAT = { name: "what", label: "Market or event", isHead: true, of: what };
const KIND = { name: "side", label: "Kind", isTag: true, of: (row) => ({ text: words(row.kind) }) };
const SETS = { name: "number.sets", label: "Sets", of: (row) => ({ text: shares(row.size_e6) }) };

const OPPORTUNITY = [
  TIME,
  WHAT,
  KIND,
  SETS,
  { name: "number.cost", label: "Outlay", of: (row) => ({ text: usd(row.outlay_e6) }) },
  { name: "number.gain", label: "Profit shown", of: (row) => ({ text: usd(row.displayed_e6) }) },
  { name: "number.worth", label: "At arrival", of: arrival },
  { name: "part", label: "Decision", isTag: true, of: decision },
];

const OUTCOMES = { completed: "good", partial: "warn", missed: "", "under way": "busy" };

function result(row) {
  if (row.result_e6 === null) return { text: "…", title: "not known yet" };
  return { text: signedUsd(row.result_e6), tone: toneOf(row.result_e6) };
}

const PLAN = [
  TIME,
  WHAT,
  KIND,
  SETS,
  { name: "number.cost", label: "Spent", of: (row) => ({ text: usd(row.spent_e6) }) },
  { name: "number.worth", label: "Expected", of: (row) => ({ text: usd(row.expected_e6) }) },
  {
    name: "part",
    label: "Outcome",
    isTag: true,
    of: (row) => ({ text: row.outcome, tone: OUTCOMES[row.outcome] }),
  },
  { name: "number.gain", label: "Result", of: result },
];

export class Trades {
  constructor() {
    const newsreel = (name, columns) =>
      new Newsreel(new Table(`${name}-table`, columns, (row) => row.serial), by(`${name}-pause`));
    this.opportunities = newsreel("opportunities", OPPORTUNITY);
    this.plans = newsreel("plans", PLAN);
    this.counts = new Facts(by("plans-counts"));
  }

  update({ opportunities, plans, counts }) {
    this.opportunities.update(opportunities);
    this.plans.update(plans);
    this.counts.update([
      ["Under way", count(counts.under_way)],
      ["Completed", count(counts.completed)],
      ["Partial", count(counts.partial)],
      ["Missed", count(counts.missed)],
      ["Fills", count(counts.fills)],
      ["Rejects", count(counts.rejects)],
    ]);
  }
}

/** What of the opportunities displayed was still there when orders would have arrived. */
export class Capture {
  constructor() {
    this.facts = new Facts(by("capture-facts"));
  }

  update({ counts }) {
    const judged = counts.displayed - counts.unseen;
    setText(by("capture-share"), percent(counts.arrived, judged));
    setShare(by("capture-bar"), judged > 0 ? counts.arrived / judged : 0);
    setText(by("capture-few"), judged < ENOUGH ? `Too few to tell: ${ENOUGH} are the least.` : "");
    this.facts.update([
      ["Displayed", `${count(counts.displayed)} · ${usd(counts.displayed_e6)}`],
      ["Still there at arrival", `${count(counts.arrived)} · ${usd(counts.arrived_e6)}`],
      ["Of their dollars", percent(counts.arrived_e6, counts.displayed_e6)],
      ["Borne out by a trade", count(counts.printed)],
      ["Unseen at arrival", count(counts.unseen)],
      ["Seen at any edge", count(counts.seen)],
      ["Artefacts", count(counts.artefacts)],
    ]);
  }
}

/** Bars by reason, the most frequent first. */
export class Refusals {
  constructor() {
    this.list = by("refusals-list");
    this.items = new Map();
    this.order = "";
  }

  update({ refusals }) {
    const sorted = Object.entries(refusals).filter(([, times]) => times > 0);
    sorted.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
    const most = sorted[0]?.[1] ?? 1;
    for (const [reason, times] of sorted) this.#item(reason, times, times / most);
    this.#sort(sorted.map(([reason]) => reason));
    show(by("refusals-none"), sorted.length === 0);
  }

  #item(reason, times, share) {
    const item = this.items.get(reason) ?? this.#make(reason);
    setText(item.times, count(times));
    setShare(item.bar, share);
  }

  #make(reason) {
    const [times, bar] = [make("span.used"), make("i.bar")];
    const track = make("span.track", "", bar);
    track.setAttribute("aria-hidden", "true");
    const item = { row: make("li", "", make("span.name", words(reason)), times, track), times, bar };
    setTone(item.row, reason === "taken" ? "good" : "");
    this.items.set(reason, item);
    return item;
  }

  #sort(reasons) {
    const order = reasons.join();
    if (order === this.order) return;
    this.order = order;
    this.list.replaceChildren(...reasons.map((reason) => this.items.get(reason).row));
  }
}
