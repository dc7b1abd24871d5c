// How it is, in one look: what runs, whether it is well, and if not why not.

import { allOf } from "./history.js";
import { by, Facts, make, setText, setTime, setTone, show, toneOf } from "./dom.js";
import { age, bytes, count, duration, percent, plural, signedUsd, usd, words } from "./format.js";

const SILENT_NS = 5e9;

const EXPLAINED = {
  record: "Records the exchange; buys nothing.",
  paper: "Trades on paper: real books, simulated orders, no money.",
  shadow: "Decides as live would; sends nothing.",
  live: "Sends real orders with real money.",
};

const ENDING = ["stopped", "halted"];

function latchOf(trading) {
  if (ENDING.includes(trading.latch)) {
    return `Nothing new begins (${trading.latch}): a human stopped it, or it is about to end.`;
  }
  const amounts = trading.latch_limit
    ? `: ${usd(trading.latch_value)} lost, ${usd(trading.latch_limit)} allowed`
    : "";
  return `Nothing new is bought: ${words(trading.latch)}${amounts}. Only a human lifts it.`;
}

/** Why it isn't there: [tone, headline, details], or nothing if it is. */
function absence(state, age_ns, link) {
  const ago = `${age(age_ns)} ago`;
  if (!link.is_open && !link.is_asked) {
    const again = `Tries again every ${Math.round(link.wait_ms / 1_000)} s.`;
    return ["bad", "The monitor doesn't answer", [`${again} What follows is ${age(age_ns)} old.`]];
  }
  if (!state.mode) {
    const how = "Start hfptm record, paper or live on this data folder.";
    return ["idle", "Nothing runs", [`${how} This page then shows it by itself.`]];
  }
  const name = `hfptm ${state.mode}`;
  if (state.ended === "stopped") {
    return ["idle", `Ended ${ago}`, [`${name} was told to stop, and did.`]];
  }
  if (state.ended) return ["bad", `Failed ${ago}`, [`${name} ${state.ended}`]];
  if (!state.is_alive) {
    const how = `${name} was killed, or hangs: it did not say that it ends.`;
    return ["bad", `Died ${ago}`, [how, "What follows is its last word."]];
  }
  if (age_ns < SILENT_NS) return null;
  return ["bad", `Silent for ${age(age_ns)}`, [`No word of ${name} gets here.`]];
}

/** What holds while it runs. */
function presence(state) {
  const { trading, problems } = state;
  const said = [];
  if (state.killed) {
    said.push(`Kill switch: ${state.killed}. At a shell, hfptm resume lifts it.`);
  }
  if (trading?.latch) said.push(latchOf(trading));
  if (trading?.pause) said.push(`A pause of what is bought: ${words(trading.pause)}.`);
  const all = [...said, ...problems];
  if (state.killed) return ["bad", "Killed: no order leaves", all];
  if (ENDING.includes(trading?.latch)) return ["warn", "Stopping", all];
  if (trading?.latch) return ["bad", "Stopped buying", all];
  if (problems.length) return ["warn", plural(problems.length, "problem"), all];
  if (trading?.pause) return ["warn", "Pausing", all];
  if (!state.feed?.ran_s) return ["good", "Starting", ["The first figures come in a moment."]];
  return ["good", "Healthy", ["Every check passes."]];
}

function codeOf(code) {
  if (!code) return "–";
  return `${code.package} ${code.commit ? code.commit.slice(0, 7) : ""}`.trim();
}

const MARKS = { good: "✓", warn: "!", bad: "✕", idle: "○" };

export class Glance {
  constructor(announce) {
    this.announce = announce;
    this.trading = new Facts(by("tiles-trading"));
    this.recording = new Facts(by("tiles-recording"));
    this.headline = "";
  }

  /** Twice a second, heard of something or not: ages count up. Says whether it is stale. */
  update(state, age_ns, link) {
    const absent = absence(state, age_ns, link);
    const [tone, headline, details] = absent ?? presence(state);
    this.#mode(state);
    this.#health(tone, headline, details);
    this.#link(link, age_ns, headline, absent ? "idle" : tone);
    const word = headline.replace(/\s*\d.*/, "");
    if (this.headline && this.headline !== word) this.announce(`${headline}. ${details.join(" ")}`);
    this.headline = word;
    document.title = `${MARKS[tone]} ${headline} · hfptm ${state.mode}`.trim();
    return Boolean(absent);
  }

  #mode(state) {
    const mode = state.mode || "none";
    if (document.body.dataset.mode !== mode) document.body.dataset.mode = mode;
    setText(by("mode"), state.mode || "Idle");
    setText(by("mode-about"), EXPLAINED[state.mode] ?? "");
    setText(by("run"), state.run_id || "–");
    setTime(by("began"), state.began_ns ?? 0);
    setText(by("code"), codeOf(state.code));
  }

  #health(tone, headline, details) {
    setTone(by("health"), tone);
    setText(by("health-mark"), MARKS[tone]);
    setText(by("health-word"), headline);
    const list = by("health-why");
    const text = details.join("\n");
    if (list.dataset.text === text) return;
    list.dataset.text = text;
    list.replaceChildren(...details.map((detail) => make("li", detail)));
  }

  #link(link, age_ns, headline, tone) {
    setTone(by("link"), link.is_open || link.is_asked ? tone : "bad");
    const how = link.is_asked ? " (asked, not streamed)" : "";
    const when = age_ns === null ? "" : ` · ${age(age_ns)} ago${how}`;
    setText(by("link-word"), tone === "idle" ? headline : headline + when);
  }

  tiles(state) {
    const { trading, feed } = state;
    show(by("tiles-trading"), Boolean(trading));
    show(by("tiles-recording"), Boolean(feed && !trading));
    if (trading) this.trading.update(tradingTiles(trading, feed));
    else if (feed) this.recording.update(recordingTiles(feed));
  }
}

function tradingTiles({ money, counts, limits }, feed) {
  const all_e6 = allOf(money);
  const held = limits.find((limit) => limit.name === "max_exposure_total_usd");
  return [
    ["Profit in all", signedUsd(all_e6), toneOf(all_e6)],
    ["At risk", held ? usd(held.used) : usd(money.locked_e6 + money.residue_cost_e6)],
    ["Still there at arrival", percent(counts.arrived, counts.displayed - counts.unseen)],
    ["Frames", `${count(feed.frames_per_s)} /s`],
  ];
}

function recordingTiles(feed) {
  return [
    ["Frames", `${count(feed.frames_per_s)} /s`],
    ["Markets", count(feed.markets)],
    ["Behind the exchange", duration(feed.books.behind_ns)],
    ["Disk free", bytes(feed.free_bytes)],
  ];
}
