"""What `hfptm compare` found, for a terminal."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.clock import format_utc
from hfptm.tables import add, pairs, table
from hfptm.units import format_e4, format_e6
from replay.comparison import Comparison, Differing, Step
from replay.report import ANSWERS
from replay.row_differences import RowDifference
from replay.row_text import code_word, end_of, time_of_day

SHOWN = 12
"""Differences, and rows; `--json` has all that differs."""

STEPS: Mapping[Step, str] = MappingProxyType(
    {
        Step.TIMERS: "time passed where no row came",
        Step.LISTINGS: "known of a market at another time",
        Step.ROWS: "rows that arrived otherwise",
    }
)
NAME_COLUMNS = 30


def comparison_table(found: Comparison) -> RenderableType:
    parts = [_counts(found), *_differing(found), *_rows(found)]
    return Group(*(item for part in parts for item in (part, Text())))


def _counts(found: Comparison) -> Table:
    rows = [
        ("from", format_utc(found.from_ns)),
        ("to", format_utc(found.to_ns)),
        ("rows the same", f"{found.rows_same:,}"),
        *((f"  {name.replace('_', ' ')}", f"{n:,}") for name, n in found.rows_differing.items()),
        ("timers of the run", f"{found.timers:,}"),
    ]
    for name, side in (("decisions", found.decisions), ("orders", found.orders)):
        rows.append((f"{name} of the run", f"{side.run:,}"))
        rows.append((f"{name} of the replay", f"{side.replay:,}"))
        rows.append(("  of them the same", f"{side.same:,}"))
    rows += [(f"differ: {STEPS[step]}", f"{count:,}") for step, count in found.causes.items()]
    if found.is_same:
        rows.append(("result", "the same decisions"))
    return pairs(f"{found.run_id} and its replay", rows, justify="right")


def _differing(found: Comparison) -> Iterator[Table]:
    if found.is_same:
        return
    shown = found.differing[:SHOWN]
    title = f"First {len(shown):,} of {len(found.differing):,} that differ"
    columns = ("run", "replay", "why, or the row")
    made = table(title, *columns, justify="left", label_columns=NAME_COLUMNS)
    for each in shown:
        name = f"{time_of_day(each.ts_ns)[:12]} {end_of(each.market, NAME_COLUMNS - 13)}"
        add(made, name, _said(each, each.in_run), _said(each, each.in_replay), _why(each))
    yield made


def _said(each: Differing, row: dict[str, int] | None) -> str:
    if row is None:
        return "nothing"
    if each.kind == "intents":
        words = [code_word("intents", name, row[name]) for name in ("kind", "side", "token")]
        return f"{' '.join(words)} {format_e6(row['size_e6'])} @ {format_e4(row['price_e4'])}"
    words = [code_word("decisions", name, row[name]) for name in ("kind", "phase", "reason")]
    words[-1] = ANSWERS.get(words[-1], words[-1])
    return f"{words[0]} {words[1]}: {words[2]}, ${format_e6(row['edge_e6'])}"


def _why(each: Differing) -> str:
    return _row(each.row) if each.row else STEPS[each.cause]


def _row(row: RowDifference) -> str:
    """Where it is, and when."""
    lines = [("run", row.in_run), ("recording", row.in_recording)]
    told = [f"{where} {time_of_day(line.ts_ns)[:12]}" for where, line in lines if line]
    either = row.in_run or row.in_recording
    assert either is not None
    return f"{either.kind}, {', '.join(told)}"


def _rows(found: Comparison) -> Iterator[Table]:
    if not found.first_rows:
        return
    made = table(
        "First rows that are not in both",
        *("run", "recording", "side", "price", "size"),
        justify="left",
        label_columns=NAME_COLUMNS,
    )
    for row in found.first_rows[:SHOWN]:
        either = row.in_run or row.in_recording
        assert either is not None
        name = f"{either.kind} {end_of(either.market, NAME_COLUMNS - 12)}"
        lines = (row.in_run, row.in_recording)
        times = [time_of_day(line.ts_ns)[:12] if line else "-" for line in lines]
        add(made, name, *times, either.side, either.price, either.size)
    yield made
