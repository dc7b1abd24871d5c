"""A run's summary, and what an import did, as tables for a terminal."""

from collections.abc import Iterable, Iterator

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, duration, pairs, table
from hfptm.units import ONE_E6
from replay.calibration import Calibration
from replay.calibration_report import worth
from replay.importers import ImportReport
from replay.metrics import Json

KINDS = {
    "binary": "binary",
    "no_basket": "NO basket",
    "yes_basket": "YES basket",
    "nested": "nested",
}

MEASURES = {
    "seen": "costs less than it pays, before fees",
    "displayed": "displayed: pays trading.min_edge after fees",
    "arrived": "still there when orders would have arrived",
    "printed": "corroborated: a trade printed in a leg",
    "unseen": "book at arrival not recorded, so unknown",
}

ARTEFACTS = {
    "half_batch": "half a batch, the rest was on its way",
    "bad_book": "the book had failed a check",
    "unconfirmed_cross": "crossed, but not in reported best prices",
}

ANSWERS = {
    "taken": "taken: orders sent",
    "edge_below_minimum": "after fees, below trading.min_edge",
    "size_below_minimum": "too small for orders the exchange accepts",
    "liquidity_below_minimum": "a leg offers too few shares",
    "return_below_minimum": "earns too little a locked day",
    "no_cash": "no cash left",
    "market_exposure": "at the limit of exposure in a market",
    "event_exposure": "at the limit of exposure in the event",
    "too_many_legs": "more legs than a plan takes",
    "no_plan_slot": "no room to keep another plan",
    "stopped": "stopped by a human",
    "daily_loss": "after a day's loss at its limit",
    "drawdown": "after a fall from the best result",
    "failures": "in a pause after failures in a row",
    "feed_lag": "news too old",
    "stale_book": "a leg's book silent for too long",
    "concurrent_plans": "too many plans under way",
    "total_exposure": "at the limit of exposure in total",
    "halted": "halted by a human",
    "order_latency": "orders answered too slowly",
    "order_rate": "too many orders in a short while",
    "gas_price": "gas too dear",
    "failed_book": "a leg's book failed a check lately",
    "inventory_drift": "too many shares without partners in it",
    "blacklisted": "in a market that is never traded",
    "near_expiry": "a short window too near its end",
    "quality_below_minimum": "scores below quality.min_score",
    "unconfirmed": "may be an artefact, not confirmed",
}

PLANS = {
    "plans": "plans: baskets sent as one order a leg",
    "completed": "every leg filled whole",
    "partial": "some filled, the rest unwound or carried",
    "missed": "nothing filled",
    "sweeps": "plans to end what earlier ones left",
    "fills": "fills",
    "ghosts": "fills taken back: their trade failed",
    "rejects": "orders rejected",
    "delayed": "orders that sat in a taker delay",
    "unknown": "orders of an outcome known only later",
    "completions": "orders to buy what a leg lacked",
    "unwinds": "orders to unwind a leg without partners",
    "withheld": "orders held back by risk",
}

LATENCIES = {
    "entry": "from a decision to the exchange",
    "matching": "from there to the order's turn",
    "response": "from the match to our knowing it",
}

MONEY = {
    "pnl_usd": "profit realised, after fees",
    "unwind_usd": "of it from unwinding",
    "fees_usd": "fees paid",
    "locked_usd": "locked until resolution, at cost",
    "locked_profit_usd": "profit locked with it, at least",
    "residue_cost_usd": "carried without partners, at cost",
    "residue_bid_usd": "the same at the last best bids",
    "cash_usd": "cash",
}


def summary_table(summary: Json) -> RenderableType:
    """What a trader wants to know, coverage first: no result is better than its data."""
    return _spaced(
        Text(f"run {summary['run_id']}\n{summary['from']} to {summary['to']}", style="bold"),
        _coverage(summary),
        _opportunities(summary),
        _answers(summary),
        _latency(summary),
        _plans(summary),
        _money(summary),
        *_latched(section(summary, "risk")),
        Text(
            f"digest {summary['digest']}\n"
            f"{summary['events']:,} rows in {summary['seconds']:.2f} s, "
            f"{summary['events_per_s']:,.0f} rows/s"
        ),
    )


def _spaced(*parts: RenderableType) -> Group:
    return Group(*(item for part in parts for item in (part, Text())))


def _coverage(summary: Json) -> Table:
    data = section(summary, "coverage")
    covered_s, listed_s = float(number(data, "market_s_covered")), number(data, "market_s_listed")
    rows = [
        *_recorded(section(summary, "recorded")),
        *worth(msgspec.convert(section(summary, "calibration"), Calibration)),
        ("markets", f"{data['markets']:,}"),
        ("markets without metadata, ignored", f"{data['unlisted_markets']:,}"),
        ("from first to last row", duration(number(data, "span_s"))),
        ("book known, of the markets' listed time", f"{data['covered']:.1%}"),
        ("", f"{duration(covered_s)} of {duration(listed_s)}"),
        ("gaps", f"{data['gaps']:,}"),
        ("snapshots, stale ones ignored", f"{data['snapshots']:,}, {data['stale_snapshots']:,}"),
        ("level changes", f"{data['level_changes']:,}"),
        ("trades", f"{data['trades']:,}"),
        ("batches checked", f"{data['batches_checked']:,}"),
        ("reported best prices compared", f"{data['best_values_checked']:,}"),
        ("mismatches: batches whose prices disagree", f"{data['mismatches']:,}"),
        ("YES and NO not mirrored", f"{data['mirror_breaks']:,}"),
        ("prices off the tick grid", f"{data['off_grid']:,}"),
    ]
    return pairs("Coverage", rows, justify="right")


def _recorded(data: Json) -> Iterator[tuple[str, str]]:
    """Nothing for imports, which nobody can record better."""
    if data["hours"]:
        yield "worst grade of the recorded hours", str(data["grade"] or "none")
        yield "recorded hours verified", f"{data['verified']:,} of {data['hours']:,}"


def _opportunities(summary: Json) -> Table:
    made = table("Opportunities", *_headings())
    kinds = [section(section(summary, "opportunities"), kind) for kind in KINDS]
    for name, title in MEASURES.items():
        add(made, title, *(f"{kind[name]:,}" for kind in kinds))
    for name, title in (("displayed_usd", "displayed"), ("arrived_usd", "still there at arrival")):
        add(made, f"$ after fees, {title}", *(_dollars(number(kind, name)) for kind in kinds))
    add(made, "artefacts: the edge was never real", *(f"{kind['artefact']:,}" for kind in kinds))
    _add_counts(made, "artefacts", ARTEFACTS, kinds)
    if any(kind["confirmed"] for kind in kinds):
        title = "distrusted at first, then borne out"
        add(made, title, *(f"{kind['confirmed']:,}" for kind in kinds))
    return made


def _headings() -> Iterator[str]:
    """A word a line, since all kinds must fit beside the titles."""
    return (title.replace(" ", "\n") for title in KINDS.values())


def _dollars(amount: float) -> str:
    """To the cent where cents matter: four columns must fit."""
    return f"{amount:,.2f}" if amount < 1_000 else f"{amount:,.0f}"


def _answers(summary: Json) -> Table:
    made = table("What became of them", *_headings())
    kinds = [section(section(summary, "opportunities"), kind) for kind in KINDS]
    _add_counts(made, "answers", ANSWERS, kinds)
    if made.row_count == 0:
        add(made, "nothing was seen", *("-" for _ in kinds))
    return made


def _add_counts(made: Table, name: str, titles: dict[str, str], kinds: list[Json]) -> None:
    """A row for everything that was counted at all, in the order of `titles`."""
    counts = [section(kind, name) for kind in kinds]
    for key, title in titles.items():
        if any(key in count for count in counts):
            indent = "  " if name == "artefacts" else ""
            add(made, indent + title, *(f"{count.get(key, 0):,}" for count in counts))


def _latency(summary: Json) -> Table:
    """What the simulated venue assumed: no result is better than that."""
    data = section(summary, "latency")
    rows = [("model", str(data["model"]))]
    if data["file"]:
        rows.append(("measured requests in", str(data["file"]).split()[0]))
    for name, title in LATENCIES.items():
        low_ms, high_ms = (number(data, f"{name}_ms_p{percent}") for percent in (50, 99))
        shown = f"{low_ms:,.1f}" if low_ms == high_ms else f"{low_ms:,.1f} to {high_ms:,.1f}"
        rows.append((title, shown))
    return pairs("Latency assumed, ms, median to 99 %", rows, justify="right")


def _plans(summary: Json) -> Table:
    rows = [(title, f"{summary[name]:,}") for name, title in PLANS.items()]
    return pairs("Plans", rows, justify="right")


def _money(summary: Json) -> Table:
    rows = [(title, f"{summary[name]:,.2f}") for name, title in MONEY.items()]
    if summary.get("pnl_before_usd"):
        rows.insert(1, ("of it by earlier runs", f"{summary['pnl_before_usd']:,.2f}"))
    return pairs("Money, $", rows, justify="right")


def _latched(risk: Json) -> Iterator[Text]:
    """Nothing unless trading has ended."""
    if risk["latch"]:
        lost_usd = number(risk, "latch_value") / ONE_E6
        why = ANSWERS[str(risk["latch"])] + (f" (${lost_usd:,.2f})" if lost_usd else "")
        yield Text(f"Nothing is bought any more, {why},\nuntil a human lifts it.", "bold red")


def section(data: Json, name: str) -> Json:
    """Raises TypeError if that is no section of a summary."""
    found = data[name]
    if not isinstance(found, dict):
        raise TypeError(f"summary has no section {name}")
    return found


def number(data: Json, name: str) -> float:
    """Raises TypeError if that is no number of a summary."""
    found = data[name]
    if not isinstance(found, int | float):
        raise TypeError(f"summary has no number {name}")
    return found


def import_table(report: ImportReport) -> RenderableType:
    """What was taken, what was not and why, and what was assumed."""
    title = Text(f"Import of {', '.join(report.paths)} as {report.format}", style="bold")
    parts: list[RenderableType] = [pairs("Taken", _taken(report), justify="right")]
    if report.skipped:
        skipped = [(reason, f"{count:,}") for reason, count in report.skipped.items()]
        parts.append(pairs("Skipped or doubtful", skipped, justify="right"))
    if report.assumptions:
        parts.append(Text("\n  ".join(["Assumed", *report.assumptions])))
    return _spaced(title, *parts)


def _taken(report: ImportReport) -> Iterable[tuple[str, str]]:
    if report.frames:
        yield "frames", f"{report.frames:,}"
    yield "markets", f"{report.markets:,}"
    yield "groups", f"{report.groups:,}"
    for what, counts in (
        ("rows", report.rows),
        ("gaps", report.gaps),
        ("book hashes", report.hashes),
    ):
        for name, count in counts.items():
            yield f"{what}: {name.replace('_', ' ')}", f"{count:,}"
    changed = len(report.files_changed)
    yield "lake files new or changed", f"{changed:,}" if changed else "none, all there already"
