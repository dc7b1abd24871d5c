"""A run's summary, and what an import did, as tables for a terminal."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from replay.importers import ImportReport
from replay.metrics import Json

KIND_TITLES = {
    "binary": "binary (crossed book)",
    "no_basket": "NO basket",
    "yes_basket": "YES basket",
}


def summary_table(summary: Json) -> RenderableType:
    """What a trader wants to know, coverage first: no result is better than its data."""
    return Group(
        Text(f"run {summary['run_id']}   {summary['from']} to {summary['to']}", style="bold"),
        _coverage(summary),
        _opportunities(summary),
        _artefacts(summary),
        _plans(summary),
        _money(summary),
        Text(f"digest {summary['digest']}"),
        Text(
            f"{summary['events']:,} rows in {summary['seconds']:.2f} s, "
            f"{summary['events_per_s']:,.0f} rows/s"
        ),
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _pairs(title: str, pairs: Iterable[tuple[str, str]]) -> Table:
    table = _table(title, "", "")
    table.show_header = False
    for name, value in pairs:
        table.add_row(name, value)
    return table


def _coverage(summary: Json) -> Table:
    data = _section(summary, "coverage")
    pairs = [
        ("markets (without metadata, ignored)", f"{data['markets']} ({data['unlisted_markets']})"),
        ("span", f"{data['span_s']:,.1f} s"),
        (
            "book known, of listed market time",
            f"{data['market_s_covered']:,.1f} of {data['market_s_listed']:,.1f} s "
            f"({data['covered']:.1%})",
        ),
        ("gaps", f"{data['gaps']:,}"),
        ("snapshots (stale, ignored)", f"{data['snapshots']:,} ({data['stale_snapshots']:,})"),
        ("level changes, trades", f"{data['level_changes']:,}, {data['trades']:,}"),
        (
            "batches checked (best prices)",
            f"{data['batches_checked']:,} ({data['best_values_checked']:,})",
        ),
        (
            "mismatches, mirror breaks, off grid",
            f"{data['mismatches']:,}, {data['mirror_breaks']:,}, {data['off_grid']:,}",
        ),
    ]
    return _pairs("Coverage", pairs)


def _opportunities(summary: Json) -> Table:
    table = _table(
        "Opportunities", "kind", "before fees", "displayed", "still there at arrival",
        "printed", "not observable", "artefacts", "displayed $", "arrived $",
    )  # fmt: skip
    for kind, title in KIND_TITLES.items():
        row = _section(_section(summary, "opportunities"), kind)
        counts = ("seen", "displayed", "arrived", "printed", "unseen", "artefact")
        dollars = ("displayed_usd", "arrived_usd")
        table.add_row(
            title,
            *(f"{row[name]:,}" for name in counts),
            *(f"{row[name]:,.2f}" for name in dollars),
        )
    return table


def _artefacts(summary: Json) -> Table:
    table = _table("Artefacts, and what became of the rest", "what", "count")
    for kind, title in KIND_TITLES.items():
        artefacts = _section(_section(_section(summary, "opportunities"), kind), "artefacts")
        for name, count in artefacts.items():
            table.add_row(f"{title}: {name.replace('_', ' ')}", f"{count:,}")
    for name, count in _section(summary, "answers").items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    return table


def _plans(summary: Json) -> Table:
    names = ("plans", "completed", "partial", "missed", "fills", "rejects", "unwinds")
    table = _table("Plans", *names)
    table.add_row(*(f"{summary[name]:,}" for name in names))
    return table


def _money(summary: Json) -> Table:
    titles = {
        "pnl_usd": "profit realised, after fees",
        "fees_usd": "fees paid",
        "unwind_usd": "of it from unwinding",
        "locked_usd": "locked until resolution (cost)",
        "locked_profit_usd": "profit locked with it, at least",
        "residue_cost_usd": "carried without partners (cost)",
        "residue_bid_usd": "the same at today's bids",
        "cash_usd": "cash",
    }
    return _pairs("Money, $", [(title, f"{summary[name]:,.2f}") for name, title in titles.items()])


def _section(data: Json, name: str) -> Json:
    section = data[name]
    if not isinstance(section, dict):
        raise TypeError(f"summary has no section {name}")
    return section


def import_table(report: ImportReport) -> RenderableType:
    """What was taken, what was not and why, and what was assumed."""
    pairs = [("frames", f"{report.frames:,}")] if report.frames else []
    pairs += [("markets, groups", f"{report.markets:,}, {report.groups:,}")]
    pairs += [(f"rows: {kind}", f"{count:,}") for kind, count in report.rows.items()]
    pairs += [(f"gaps: {reason}", f"{count:,}") for reason, count in report.gaps.items()]
    pairs += [(f"book hashes: {verdict}", f"{count:,}") for verdict, count in report.hashes.items()]
    pairs += [(f"skipped: {reason}", f"{count:,}") for reason, count in report.skipped.items()]
    pairs += [("assumed", text) for text in report.assumptions]
    changed = len(report.files_changed)
    pairs += [("lake files new or changed", f"{changed:,}" if changed else "none: all there already")]
    return _pairs(f"Import of {', '.join(report.paths)} as {report.format}", pairs)
