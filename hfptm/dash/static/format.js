// Integers with units to text. Money and sizes stay integers until they are digits.

const MINUS = "\u2212";
const NS_PER_MS = 1e6;

function grouped(whole) {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A whole number with its thousands apart; "–" where nothing is known. */
export function count(value) {
  if (value === null || value === undefined) return "–";
  return (value < 0 ? MINUS : "") + grouped(Math.abs(Math.round(value)));
}

/** Hundredths of a value in millionths, rounded half away from zero: [is below zero, "1,234.56"]. */
function hundredths(value_e6) {
  const rounded = Math.abs(value_e6) + 5_000;
  const cents = (rounded - (rounded % 10_000)) / 10_000; // exact: no remainder is divided
  const part = cents % 100;
  const text = `${grouped((cents - part) / 100)}.${String(part).padStart(2, "0")}`;
  return [value_e6 < 0 && cents > 0, text];
}

/** Micro-dollars as $1,234.56. */
export function usd(value_e6) {
  if (value_e6 === null || value_e6 === undefined) return "–";
  const [isNegative, text] = hundredths(value_e6);
  return `${isNegative ? MINUS : ""}$${text}`;
}

/** The same with a plus where it is one, so that a gain is told by more than its colour. */
export function signedUsd(value_e6) {
  const text = usd(value_e6);
  return value_e6 >= 5_000 ? `+${text}` : text;
}

/** Shares, in millionths, with two places. */
export function shares(size_e6) {
  const [isNegative, text] = hundredths(size_e6);
  return (isNegative ? MINUS : "") + text;
}

/** A price in ten-thousandths of a dollar as cents: 41.5¢. */
export function cents(price_e4, tick_e4 = 10) {
  return `${(price_e4 / 100).toFixed(tick_e4 % 100 === 0 ? 0 : tick_e4 % 10 === 0 ? 1 : 2)}¢`;
}

/** Of two integers, "63 %"; "–" of nothing. */
export function percent(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–";
}

function number(value) {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** How long, with the unit that fits: 0.4 ms, 12 s, 2 h 5 min. */
export function duration(value_ns) {
  if (value_ns === null || value_ns === undefined) return "–";
  const sign = value_ns < 0 ? MINUS : "";
  const size_ns = Math.abs(value_ns);
  if (size_ns === 0) return "0 ms";
  if (size_ns < NS_PER_MS) return `${sign}${Math.round(size_ns / 1e3)} µs`;
  if (size_ns < 999.5 * NS_PER_MS) return `${sign}${number(size_ns / NS_PER_MS)} ms`;
  const size_s = size_ns / 1e9;
  if (size_s < 59.5) return `${sign}${number(size_s)} s`;
  return sign + longer(Math.round(size_s));
}

function longer(size_s) {
  const size_min = Math.floor(size_s / 60);
  if (size_min < 60) return `${size_min} min ${size_s % 60} s`;
  const size_h = Math.floor(size_min / 60);
  if (size_h < 48) return `${size_h} h ${size_min % 60} min`;
  return `${Math.floor(size_h / 24)} d ${size_h % 24} h`;
}

/** Whole seconds and longer, for ages that are counted up before one's eyes. */
export function age(value_ns) {
  const size_s = Math.max(0, Math.floor(value_ns / 1e9));
  return size_s < 60 ? `${size_s} s` : longer(size_s);
}

export function bytes(size) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  for (; size >= 1024 && step < units.length - 1; step += 1) size /= 1024;
  return `${step === 0 ? size : number(size)} ${units[step]}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const DAY = new Intl.DateTimeFormat("sv-SE", { month: "2-digit", day: "2-digit" });

/** Local time: 09:20:00 of today, 11-22 09:20 of any other day. */
export function clock(ts_ns) {
  const at_ms = ts_ns / NS_PER_MS;
  const time = CLOCK.format(at_ms);
  const isToday = new Date(at_ms).toDateString() === new Date().toDateString();
  return isToday ? time : `${DAY.format(at_ms).replace("/", "-")} ${time.slice(0, 5)}`;
}

/** "2026-11-23 09:20:00.125 UTC" */
export function utc(ts_ns) {
  return `${new Date(ts_ns / NS_PER_MS).toISOString().replace("T", " ").slice(0, -1)} UTC`;
}

/** A name of the program as words: MARKET_EXPOSURE and market_exposure are market exposure. */
export function words(name) {
  return name
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/\b(no|yes)(?= basket)/g, (word) => word.toUpperCase());
}

/** "1 market", "2 markets". */
export function plural(number_, noun) {
  return `${count(number_)} ${noun}${number_ === 1 ? "" : "s"}`;
}
