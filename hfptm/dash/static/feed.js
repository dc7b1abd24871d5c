// What is received and how fast it is dealt with; disk; alerts.

import { by, Facts, make, setText, setTime, setTone, show } from "./dom.js";
import { bytes, count, duration, percent, words } from "./format.js";
import { Table } from "./table.js";

const LINE = [
  { name: "what", label: "Line", isHead: true, of: (row) => ({ text: String(row.line) }) },
  { name: "number", label: "Markets", of: (row) => ({ text: count(row.markets) }) },
  {
    name: "number.open",
    label: "Connections",
    of: (row) => ({
      text: `${row.connections} of ${row.shards}`,
      tone: row.connections < row.shards ? "warn" : "",
    }),
  },
  { name: "number.first", label: "First with", of: (row) => ({ text: row.share }) },
];

export class Feed {
  constructor() {
    this.facts = new Facts(by("feed-facts"));
    this.more = new Facts(by("feed-more"));
    this.lines = new Table("lines-table", LINE, (row) => row.line);
    this.disk = new Facts(by("disk-facts"));
  }

  update(feed) {
    const { books } = feed;
    const warnIf = (value) => (value > 0 ? "warn" : "");
    this.facts.update([
      ["Markets", count(feed.markets)],
      ["Waiting for a book", count(feed.waiting)],
      ["Last frame", `${duration(feed.silent_ns)} ago`],
      ["Behind the exchange", duration(books.behind_ns)],
      ["Gaps, ended", count(books.gaps)],
      ["Unseen now", count(books.unseen), warnIf(books.unseen)],
      ["Rows lost", count(feed.dropped_rows), warnIf(feed.dropped_rows)],
      ["Not healed now", count(feed.unhealed), warnIf(feed.unhealed)],
    ]);
    this.more.update(moreOf(feed));
    this.#lines(feed);
    this.#disk(feed);
  }

  #lines(feed) {
    const all = feed.lines.reduce((sum, line) => sum + line.first, 0);
    const share = (line) => ({ ...line, share: percent(line.first, all) });
    this.lines.update(feed.lines.map(share));
  }

  #disk(feed) {
    this.disk.update([
      ["Free", bytes(feed.free_bytes)],
      ["Received", bytes(feed.size_bytes)],
      ["Rows written", count(feed.written_rows)],
      ["Waits in memory", bytes(feed.queued_bytes)],
      ["Not on disk since", duration(feed.unsynced_ns)],
      ["One write takes", duration(feed.sync_latency_ns)],
      ["Logs to seal", count(feed.waiting_logs)],
      ["Hours merged", count(feed.merged_hours)],
    ]);
  }
}

function moreOf(feed) {
  const { books } = feed;
  return [
    ["Frames received", count(feed.frames)],
    ["Connections opened", count(feed.connections_opened)],
    ["Connections failed", count(feed.connections_failed)],
    ["Connected again", count(feed.reconnected)],
    ["Missed, asked again", `${count(feed.missed)}, ${count(feed.resubscribed)}`],
    ["Healed", count(feed.healed)],
    ["Copies of a line", count(books.copies)],
    ["First by (median)", duration(books.lead_p50_ns)],
    ["Books checked", count(books.batches_checked)],
    ["Mismatches", count(books.mismatches)],
    ["Clock off by", duration(feed.clock_offset_ns)],
    ["Companion restarts", count(feed.companion_restarts)],
  ];
}

const LATENCY_NAMES = {
  feed: "Exchange to here",
  decision: "Frame to decision",
  order: "Order to first report",
  confirmation: "Fill to final",
};

/** Position on a scale of seven decades, from 1 µs to 10 s. */
function placeOf(value_ns) {
  return value_ns <= 0 ? 0 : Math.max(0, Math.min(1, (Math.log10(value_ns) - 3) / 7));
}

/** From the median to the 99th percentile, as start and width of a scale that all share. */
function spanOf(row) {
  if (!row.minute_count) return { span: [0, 0] };
  const from = placeOf(row.p50_ns);
  return { span: [from, Math.max(0.015, placeOf(row.p99_ns) - from)] };
}

const none = (row, text) => (row.minute_count ? text : "–");

const LATENCY = [
  {
    name: "what",
    label: "From, to",
    isHead: true,
    of: (row) => ({ text: LATENCY_NAMES[row.name] ?? words(row.name) }),
  },
  { name: "scale", label: "1 µs to 10 s", of: spanOf },
  { name: "number.p50", label: "Median", of: (row) => ({ text: none(row, duration(row.p50_ns)) }) },
  { name: "number.p99", label: "99 %", of: (row) => ({ text: none(row, duration(row.p99_ns)) }) },
  { name: "number.max", label: "Longest", of: (row) => ({ text: none(row, duration(row.max_ns)) }) },
  { name: "number.count", label: "In the minute", of: (row) => ({ text: count(row.minute_count) }) },
];

export class Latencies {
  constructor() {
    this.table = new Table("latencies-table", LATENCY, (row) => row.name);
  }

  update(latencies) {
    this.table.update(latencies.map(({ buckets: _, count: __, sum_ns: ___, ...shown }) => shown));
  }
}

const SIGNS = { critical: "✕", warning: "!", info: "i" };
const TONES = { critical: "bad", warning: "warn" };

export class Alerts {
  constructor(announce) {
    this.announce = announce;
    this.list = by("alerts-list");
    this.newest_ns = null;
  }

  update(alerts) {
    const newest_ns = alerts[0]?.ts_ns ?? 0;
    show(by("alerts-none"), alerts.length === 0);
    if (newest_ns === this.newest_ns) return;
    const fresh = alerts.filter((alert) => alert.ts_ns > this.newest_ns);
    if (this.newest_ns !== null) for (const alert of fresh) this.announce(`Alert: ${alert.text}`);
    this.newest_ns = newest_ns;
    this.list.replaceChildren(...alerts.map((alert) => this.#item(alert)));
    setText(by("alerts-count"), count(alerts.length));
  }

  #item(alert) {
    const time = make("time");
    setTime(time, alert.ts_ns);
    const sign = alert.is_over ? "✓ over" : (SIGNS[alert.severity] ?? "");
    const name = make("span.tag", `${sign} ${words(alert.name)}`);
    setTone(name, alert.is_over ? "good" : (TONES[alert.severity] ?? ""));
    return make("li", "", time, name, make("p", alert.text));
  }
}
