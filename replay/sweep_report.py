"""What a sweep concluded, for a terminal."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, duration, pairs, table
from replay.sweep_check import Checked

VALUES = 6
"""Of a key's profile that are shown."""


def sweep_tables(summary: dict[str, Any]) -> Group:
    """Of the summary that `sweep.keep` gives."""
    word, sentence = summary["verdict"]["word"], summary["verdict"]["sentence"]
    return Group(
        _best(summary["best"]),
        "",
        _sensitivity(summary["sensitivity"]),
        "",
        _walk_forward(summary),
        "",
        Text(f"{word.upper()}. {sentence}", style="bold"),
        Padding(
            Text(
                "Results are realised + locked profit + residue at the best bids - its cost; "
                "every UTC day begins flat.",
                style="dim",
            ),
            (1, 0, 0, 0),
        ),
    )


def _best(best: Sequence[dict[str, Any]]) -> Table:
    made = table("Best sets", "result", "95 %", label_columns=46)
    for one in best:
        settings = ", ".join(f"{_short(key)} {value}" for key, value in one["settings"].items())
        low, high = one["low_e6"], one["high_e6"]
        band = "too few events" if low is None else f"{_usd(low)} to {_usd(high)}"
        add(made, f"{one['set']}: {settings}", _usd(one["result_e6"]), band)
    return made


def _sensitivity(keys: Sequence[dict[str, Any]]) -> Table:
    made = table("What matters", "of variance", "mean result by value", label_columns=30)
    for one in keys:
        points = one["profile"]
        shown = points[:: max(1, -(-len(points) // VALUES))]
        profile = "\n".join(f"{point['value']}: {_usd(point['result_e6'])}" for point in shown)
        add(made, one["key"], f"{one['share']:.0%}", profile)
    return made


def _walk_forward(summary: dict[str, Any]) -> Table:
    walked, correction = summary["walk_forward"], summary["correction"]
    total = walked["total_e6"]
    band = f", {_usd(total['low'])} to {_usd(total['high'])}" if total["low"] is not None else ""
    rows = [(f"{day['date']}, set {day['set']}", _usd(day["result_e6"])) for day in walked["days"]]
    return pairs(
        "Best of the days before, on the day",
        [
            *rows,
            ("together", f"{_usd(total['value'])}{band}"),
            ("sets tried", f"{correction['tried']:,}"),
            ("chance of the best by luck alone", f"{correction['p_value']:.2%}"),
            ("more than luck would be", _usd(correction["threshold_e6"])),
            ("jobs computed", f"{summary['computed']} of {summary['jobs']}"),
            ("time", duration(summary["seconds"])),
            ("sweep", summary["sweep_id"]),
        ],
    )


def check_table(found: Checked) -> Table:
    """Of a comparison with single replays."""
    sets = ", ".join(map(str, found.sets))
    verdict = "; ".join(found.differences) or "every row bit for bit as of the set alone"
    return pairs(
        "Sets once more, alone",
        [("sets", sets), ("days", str(found.days)), ("rows", f"{found.rows:,}"), ("", verdict)],
    )


def _short(key: str) -> str:
    return key.partition(".")[2]


def _usd(amount_e6: float) -> str:
    sign = "-" if amount_e6 < 0 else ""
    return f"{sign}${abs(amount_e6) / 1e6:,.2f}"
