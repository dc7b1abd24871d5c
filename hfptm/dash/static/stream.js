// What the monitor tells: as a stream, or by asking where a stream doesn't get through.

const QUIET_MS = 15_000;
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
const ASK_MS = 2_000;

export class Stream {
  /** `hear(state)`; `link({is_open, wait_ms, is_asked})` whenever that changes. */
  constructor(hear, link) {
    this.hear = hear;
    this.link = link;
    this.failures = 0;
    this.source = null;
    this.timer = 0;
    this.waiting = 0;
  }

  open() {
    this.source = new EventSource("/events");
    this.source.addEventListener("state", (event) => this.#told(JSON.parse(event.data)));
    this.source.addEventListener("ping", () => this.#heard());
    this.source.addEventListener("error", () => this.#lost());
    this.#watch();
  }

  /** Try at once, where one would otherwise wait: the network is back, the page is looked at. */
  hurry() {
    if (this.source) return;
    this.failures = 0;
    this.#again(0);
  }

  #told(state) {
    this.#heard();
    this.hear(state);
  }

  #heard() {
    this.failures = 0;
    this.link({ is_open: true, is_asked: false, wait_ms: 0 });
    this.#watch();
  }

  #watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#lost(), QUIET_MS);
  }

  async #lost() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    const isAsked = await this.#ask();
    const wait_ms = isAsked ? ASK_MS : WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures = isAsked ? 0 : this.failures + 1;
    this.link({ is_open: false, is_asked: isAsked, wait_ms });
    this.#again(wait_ms);
  }

  #again(wait_ms) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.source || this.open(), wait_ms);
  }

  async #ask() {
    try {
      const answer = await fetch("/state", { signal: AbortSignal.timeout(5_000) });
      if (answer.status === 401) location.reload();
      if (!answer.ok) return false;
      this.hear(await answer.json());
      return true;
    } catch {
      return false;
    }
  }
}
