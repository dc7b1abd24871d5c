// What the charts draw: the monitor's history, and what was told since.

const ADDED_MAX = 600;
const STEP_NS = 1e9;

/** Realised, locked and marked together. */
export function allOf(money) {
  return money.result_e6 + money.locked_payout_e6 - money.locked_e6;
}

/** The columns of a history, of one told state. */
function pointOf(state) {
  const feed = state.latencies.find((latency) => latency.name === "feed");
  const money = state.trading?.money;
  return {
    told_ns: state.told_ns,
    frames_per_s: state.feed?.frames_per_s ?? null,
    feed_p50_ns: feed?.p50_ns ?? null,
    feed_p99_ns: feed?.p99_ns ?? null,
    result_e6: money?.result_e6 ?? null,
    realised_e6: money?.realised_e6 ?? null,
    unrealised_e6: money?.unrealised_e6 ?? null,
    locked_e6: money ? money.locked_payout_e6 - money.locked_e6 : null,
    all_e6: money ? allOf(money) : null,
    free_bytes: state.feed?.free_bytes ?? null,
  };
}

function withAll(columns) {
  const { result_e6 = [], locked_e6 = [] } = columns;
  const all_e6 = result_e6.map((value, at) => (value === null ? null : value + locked_e6[at]));
  return { ...columns, all_e6 };
}

export class History {
  /** `changed()` when the monitor has answered. */
  constructor(changed) {
    this.changed = changed;
    this.columns = { told_ns: [] };
    this.added = 0;
    this.isAsked = false;
  }

  /** A state that was told; the monitor thins out, so it is asked again after so many. */
  add(state) {
    const told = this.columns.told_ns;
    if (!state.mode || state.told_ns - (told.at(-1) ?? 0) < STEP_NS) return;
    const point = pointOf(state);
    for (const [name, value] of Object.entries(point)) {
      (this.columns[name] ??= Array(told.length).fill(null)).push(value);
    }
    this.added += 1;
    if (this.added > ADDED_MAX) this.load();
  }

  /** Never throws: without an answer it goes on with what it has, and asks again later. */
  async load() {
    if (this.isAsked) return;
    this.isAsked = true;
    this.added = 0;
    try {
      const answer = await fetch("/history?since_ns=0", { signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) return;
      this.columns = withAll(await answer.json());
      this.changed();
    } catch {
      // The link says that the monitor doesn't answer.
    } finally {
      this.isAsked = false;
    }
  }

  /** [times in s, one array a name] of the last so many seconds, as divided by `units`. */
  slice(range_s, names, units) {
    const told = this.columns.told_ns;
    const since_ns = (told.at(-1) ?? 0) - range_s * 1e9;
    let first = 0;
    for (let last = told.length; first < last; ) {
      const middle = (first + last) >> 1;
      if (told[middle] < since_ns) first = middle + 1;
      else last = middle;
    }
    const cut = (name, unit) =>
      told.slice(first).map((_, place) => {
        const value = this.columns[name]?.[first + place] ?? null;
        return value === null ? null : value / unit;
      });
    return [cut("told_ns", 1e9), ...names.map((name, place) => cut(name, units[place]))];
  }
}
