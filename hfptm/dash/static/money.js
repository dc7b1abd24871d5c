// Profit, limits and what is held.

import { allOf } from "./history.js";
import { by, Facts, make, setShare, setText, setTone, toneOf } from "./dom.js";
import { count, duration, percent, shares, signedUsd, usd, words } from "./format.js";
import { Table } from "./table.js";

const NEAR = 0.8;
const UNITS = { usd_e6: usd, count, ns: duration, wei: (value) => `${count(value / 1e9)} gwei` };

export class Profit {
  constructor() {
    this.facts = new Facts(by("money"));
  }

  update({ money }) {
    const locked_e6 = money.locked_payout_e6 - money.locked_e6;
    const all_e6 = allOf(money);
    setText(by("profit-all"), signedUsd(all_e6));
    setTone(by("profit-all"), toneOf(all_e6));
    this.facts.update([
      ["Realised", signedUsd(money.realised_e6), toneOf(money.realised_e6)],
      ["Locked in", signedUsd(locked_e6), toneOf(locked_e6)],
      ["Marked", signedUsd(money.unrealised_e6), toneOf(money.unrealised_e6)],
      ["Today", signedUsd(money.today_e6), toneOf(money.today_e6)],
      ["Below its best", usd(money.drawdown_e6)],
      ["Cash", usd(money.cash_e6)],
      ["Bankroll", usd(money.bankroll_e6)],
      ["Fees paid", usd(money.fees_e6)],
    ]);
  }
}

function limitName(name) {
  return words(name.replace(/^max_/, "").replace(/_(usd|ms|s|h|gwei)$/, ""));
}

/** One bar a limit, in the order in which they are told. */
export class Limits {
  constructor() {
    this.list = by("limits-list");
    this.items = new Map();
  }

  update({ limits }) {
    for (const limit of limits) this.#item(limit);
  }

  #item(limit) {
    const item = this.items.get(limit.name) ?? this.#make(limit);
    const share = limit.limit > 0 ? limit.used / limit.limit : 0;
    const tone = share >= 1 ? "bad" : share >= NEAR ? "warn" : "";
    const unit = UNITS[limit.unit] ?? count;
    const sign = share >= 1 ? "✕ " : share >= NEAR ? "! " : "";
    setText(item.used, `${sign}${unit(limit.used)} of ${unit(limit.limit)}`);
    setText(item.of, limit.of);
    setShare(item.bar, share);
    setTone(item.row, tone);
  }

  #make(limit) {
    const [used, of, bar] = [make("span.used"), make("small.of"), make("i.bar")];
    const name = make("span.name", limitName(limit.name));
    name.title = limit.name;
    const track = make("span.track", "", bar);
    track.setAttribute("aria-hidden", "true");
    const item = { row: make("li", "", name, used, track, of), used, of, bar };
    this.items.set(limit.name, item);
    this.list.append(item.row);
    return item;
  }
}

function worth(position) {
  if (position.bid_e6 === null) return { text: "no book", tone: "warn" };
  return { text: usd(position.bid_e6) };
}

function marked(position) {
  if (position.bid_e6 === null) return { text: "–" };
  const gain_e6 = position.bid_e6 - position.cost_e6;
  return { text: signedUsd(gain_e6), tone: toneOf(gain_e6) };
}

const POSITION = [
  {
    name: "what",
    label: "Market",
    isHead: true,
    of: (row) => ({ text: row.slug, title: row.event_slug, slug: row.slug }),
  },
  { name: "side", label: "Token", isTag: true, of: (row) => ({ text: row.token.toUpperCase() }) },
  { name: "number", label: "Shares", of: (row) => ({ text: shares(row.size_e6) }) },
  {
    name: "part",
    label: "In whole baskets",
    of: (row) => ({ text: percent(row.locked_size_e6, row.size_e6) }),
  },
  { name: "number.cost", label: "Cost", of: (row) => ({ text: usd(row.cost_e6) }) },
  { name: "number.worth", label: "At the bid", of: worth },
  { name: "number.gain", label: "Gain", of: marked },
];

export class Positions {
  constructor() {
    this.table = new Table("positions-table", POSITION, (row) => `${row.slug} ${row.token}`);
  }

  update({ positions, positions_count }) {
    this.table.update(positions);
    const shown = positions.length < positions_count ? `largest ${positions.length} of ` : "";
    setText(by("positions-count"), `${shown}${count(positions_count)}`);
  }
}
