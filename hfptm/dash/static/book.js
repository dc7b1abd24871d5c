// The book of one market: found by words, looked at from the side of YES or NO.

import { by, make, setShare, setText, setTone, show } from "./dom.js";
import { cents, duration, shares } from "./format.js";

const LEVELS = 12;
const ASK_MS = 500;
const TYPED_MS = 200;
const ONE_E4 = 10_000;

export class BookView {
  constructor() {
    this.slug = "";
    this.book = null;
    this.asked = 0;
    this.rows = Array.from({ length: LEVELS }, () => this.#row());
    by("book-search").addEventListener("input", () => this.#typed());
    by("book-found").addEventListener("click", (event) => this.#chosen(event));
    by("book-form").addEventListener("submit", (event) => {
      event.preventDefault();
      by("book-found").querySelector("button")?.click();
    });
    by("book-close").addEventListener("click", () => this.#close());
    for (const side of document.getElementsByName("token")) {
      side.addEventListener("change", () => this.#draw());
    }
  }

  /** Where it is named anywhere on the page. */
  open(slug) {
    this.slug = slug;
    this.book = null;
    by("book-found").replaceChildren();
    setText(by("book-question"), slug);
    this.#note("Waiting for the book…");
    show(by("book-open"), true);
    by("book").scrollIntoView({ block: "nearest" });
    by("book-question").focus({ preventScroll: true });
    this.#draw();
    clearTimeout(this.timer);
    this.#ask();
  }

  /** The markets of an event, to choose from. */
  find(event) {
    by("book-search").value = event;
    by("book").scrollIntoView({ block: "nearest" });
    by("book-search").focus({ preventScroll: true });
    this.#search(event);
  }

  #close() {
    clearTimeout(this.timer);
    this.slug = "";
    show(by("book-open"), false);
    by("book-search").focus();
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#search(by("book-search").value.trim()), TYPED_MS);
  }

  async #search(words) {
    const asked = (this.asked += 1);
    if (!words) return this.#list([], "");
    try {
      const answer = await fetch(`/markets?search=${encodeURIComponent(words)}`);
      const { markets = [] } = await answer.json();
      if (asked === this.asked) this.#list(markets, words);
    } catch {
      if (asked === this.asked) this.#list([], words);
    }
  }

  #list(markets, words) {
    const items = markets.slice(0, 12).map((market) => {
      const button = make("button", "", make("b", market.question || market.slug));
      button.append(make("small", market.slug));
      button.type = "button";
      button.dataset.slug = market.slug;
      return make("li", "", button);
    });
    by("book-found").replaceChildren(...items);
    const found = markets.length > 12 ? "The first 12 of more." : `${markets.length} found.`;
    setText(by("book-count"), words ? found : "");
  }

  #chosen(event) {
    const slug = event.target.closest("button")?.dataset.slug;
    if (!slug) return;
    by("book-search").value = "";
    setText(by("book-count"), "");
    this.open(slug);
  }

  async #ask() {
    const slug = this.slug;
    if (!document.hidden) {
      try {
        const answer = await fetch(`/book?market=${encodeURIComponent(slug)}`);
        if (slug === this.slug) this.#told(answer.status === 200, await answer.json());
      } catch {
        if (slug === this.slug) this.#told(false, { error: "no answer" });
      }
    }
    if (slug === this.slug) this.timer = setTimeout(() => this.#ask(), ASK_MS);
  }

  #told(isThere, answer) {
    this.book = isThere ? answer : null;
    if (!isThere) this.#note(`No book yet: ${answer.error}`);
    this.#draw();
  }

  #note(text) {
    setText(by("book-note"), text);
  }

  #sides() {
    if (!this.book) return [[], []];
    if (by("token-yes").checked) return [this.book.bids, this.book.asks];
    const mirrored = (levels) => levels.map(([price_e4, size_e6]) => [ONE_E4 - price_e4, size_e6]);
    return [mirrored(this.book.asks), mirrored(this.book.bids)];
  }

  #draw() {
    const [bids, asks] = this.#sides();
    const totals = [bids, asks].map((levels) => this.#totals(levels));
    const most = Math.max(1, ...totals[0], ...totals[1]);
    this.rows.forEach((row, place) => {
      this.#side(row.bid, bids[place], totals[0][place] / most);
      this.#side(row.ask, asks[place], totals[1][place] / most);
    });
    if (this.book) this.#say(bids, asks);
  }

  #totals(levels) {
    let total = 0;
    return levels.slice(0, LEVELS).map(([, size_e6]) => (total += size_e6));
  }

  #say(bids, asks) {
    const { book } = this;
    setText(by("book-question"), book.question || book.slug);
    const has = bids.length && asks.length;
    const spread_e4 = has ? asks[0][0] - bids[0][0] : null;
    setText(by("book-spread"), has ? cents(spread_e4, book.tick_e4) : "–");
    setText(by("book-tick"), cents(book.tick_e4, book.tick_e4));
    setText(by("book-levels"), `${book.bids.length}, ${book.asks.length}`);
    show(by("book-bad"), book.is_bad);
    this.#note(spread_e4 !== null && spread_e4 < 0 ? "Crossed: a bid above an ask." : "");
    setTone(by("book-spread"), spread_e4 !== null && spread_e4 < 0 ? "warn" : "");
  }

  /** Counts the age up between two answers. */
  tick(now_ns) {
    if (!this.book) return;
    setText(by("book-age"), duration(Math.max(0, now_ns - this.book.ts_recv_ns)));
  }

  #row() {
    const side = (name) => ({
      bar: make(`i.depth.${name}`),
      size: make("span"),
      price: make(`td.price.${name}`),
    });
    const row = { bid: side("bid"), ask: side("ask") };
    const cell = (part) => make("td.size", "", part.bar, part.size);
    const { bid, ask } = row;
    by("ladder").append(make("tr", "", cell(bid), bid.price, ask.price, cell(ask)));
    return row;
  }

  #side(part, level, share) {
    setText(part.price, level ? cents(level[0], this.book.tick_e4) : "");
    setText(part.size, level ? shares(level[1]) : "");
    setShare(part.bar, level ? share : 0);
  }
}
