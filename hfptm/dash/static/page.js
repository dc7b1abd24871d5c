// Puts the parts together: what is heard goes to each, and time goes on without news.

import { BookView } from "./book.js";
import { Chart } from "./chart.js";
import { by, setText, show } from "./dom.js";
import { Alerts, Feed, Latencies } from "./feed.js";
import { count, duration, signedUsd } from "./format.js";
import { Glance } from "./glance.js";
import { History } from "./history.js";
import { KillSwitch } from "./kill.js";
import { Limits, Positions, Profit } from "./money.js";
import { Stream } from "./stream.js";
import { Capture, Refusals, Trades } from "./trades.js";

const TICK_MS = 500;

const PROFIT_LINES = [
  { name: "all", label: "In all", column: "all_e6", unit: 1e6 },
  { name: "realised", label: "Realised", column: "realised_e6", unit: 1e6 },
  { name: "locked", label: "Locked in", column: "locked_e6", unit: 1e6 },
  { name: "marked", label: "Marked", column: "unrealised_e6", unit: 1e6 },
];
const FRAME_LINES = [{ name: "all", label: "Frames /s", column: "frames_per_s", unit: 1 }];
const LAG_LINES = [
  { name: "all", label: "Median", column: "feed_p50_ns", unit: 1e6 },
  { name: "marked", label: "99 %", column: "feed_p99_ns", unit: 1e6 },
];

class Page {
  constructor() {
    this.state = null;
    this.heard_ms = 0;
    this.isDue = false;
    this.link = { is_open: false, is_asked: false, wait_ms: 0 };
    this.history = new History(() => this.charts.forEach((chart) => chart.refresh()));
    this.glance = new Glance((text) => setText(by("announcer"), text));
    this.alerts = new Alerts((text) => setText(by("announcer"), text));
    this.kill = new KillSwitch();
    this.book = new BookView();
    this.traders = [Profit, Limits, Trades, Positions, Capture, Refusals].map((Part) => new Part());
    this.feed = new Feed();
    this.latencies = new Latencies();
    this.charts = [
      new Chart("profit-chart", "Profit in all", PROFIT_LINES, signedUsd),
      new Chart("frames-chart", "Frames a second", FRAME_LINES, count),
      new Chart("lag-chart", "Exchange to here, median", LAG_LINES, duration),
    ];
    this.stream = new Stream((state) => this.#hear(state), (link) => this.#linked(link));
  }

  begin() {
    this.#controls();
    this.history.load();
    this.stream.open();
    setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.stream.hurry();
      this.#render();
    });
    window.addEventListener("online", () => this.stream.hurry());
  }

  #hear(state) {
    this.state = state;
    this.heard_ms = performance.now();
    this.history.add(state);
    if (document.hidden || this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => this.#render());
  }

  #linked(link) {
    if (link.is_open && !this.link.is_open) this.history.load();
    this.link = link;
  }

  #age_ns() {
    if (this.state.age_ns === null) return null;
    return this.state.age_ns + (performance.now() - this.heard_ms) * 1e6;
  }

  #render() {
    this.isDue = false;
    const { state } = this;
    if (!state) return;
    const { trading, feed } = state;
    for (const part of document.querySelectorAll(".trading")) show(part, Boolean(trading));
    for (const part of document.querySelectorAll(".any")) show(part, Boolean(feed));
    show(by("alerts"), Boolean(feed) || state.alerts.length > 0);
    this.glance.tiles(state);
    this.kill.update(state);
    this.alerts.update(state.alerts);
    if (trading) for (const part of this.traders) part.update(trading);
    if (feed) {
      this.feed.update(feed);
      this.latencies.update(state.latencies);
    }
    this.#tick();
  }

  #tick() {
    if (!this.state || document.hidden) return;
    const age_ns = this.#age_ns();
    const isStale = this.glance.update(this.state, age_ns, this.link);
    document.body.classList.toggle("stale", isStale);
    this.book.tick(this.state.told_ns + age_ns);
    const now_ms = performance.now();
    for (const chart of this.charts) chart.draw(this.history, now_ms);
  }

  #controls() {
    for (const choice of document.getElementsByName("range")) {
      choice.addEventListener("change", () => {
        for (const chart of this.charts) chart.reset(Number(choice.value));
        this.#tick();
      });
    }
    document.addEventListener("click", (event) => {
      const named = event.target.closest(".slug")?.dataset;
      if (named?.slug) this.book.open(named.slug);
      else if (named) this.book.find(named.event);
    });
    by("theme").addEventListener("click", () => this.#turn());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recolour());
    this.#sayTheme();
  }

  #turn() {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Without storage it holds until the page is left.
    }
    this.#recolour();
  }

  #recolour() {
    this.#sayTheme();
    for (const chart of this.charts) chart.reset();
    this.#tick();
  }

  #sayTheme() {
    by("theme").setAttribute("aria-pressed", String(isDark()));
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

new Page().begin();
