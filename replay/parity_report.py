"""What `hfptm parity` found, for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.tables import add, pairs, table
from replay.listed import Listed
from replay.parity import Difference, Parity
from replay.row_text import InputLine, time_of_day, value_text

ALWAYS = ("kind", "phase", "reason")
"""Of a decision, shown even where the code is 0."""

_NAMED = 22
"""Width of a field's name, so that both values stand beside it."""


def parity_table(found: Parity, listed: Listed) -> RenderableType:
    rows = [("rows fed", f"{found.inputs:,}")]
    rows += [(kind, f"{count:,}") for kind, count in found.rows.items()]
    difference = found.difference
    if difference is None:
        return pairs(f"Parity of {found.run_id}", [*rows, ("result", "the same, bit for bit")])
    result = f"{difference.kind} differ, first in row {difference.row:,}"
    rows += [("result", result), ("journalled by commit", difference.commit or "unknown")]
    parts = [pairs(f"Parity of {found.run_id}", rows), *_difference(difference, listed)]
    return Group(*(item for part in parts for item in (part, Text())))


def _difference(difference: Difference, listed: Listed) -> Iterator[Table]:
    context = difference.context
    yield _fields(difference, listed)
    if context.decision is not None:
        told = [
            (name, value_text("decisions", name, value, listed))
            for name, value in context.decision.items()
            if value or name in ALWAYS
        ]
        made = table("It follows from the decision", "", justify="left", label_columns=_NAMED + 8)
        for name, value in told:
            add(made, name, value)
        yield made
    yield _inputs(f"Inputs of {context.market}", context.before, context.after)


def _fields(difference: Difference, listed: Listed) -> Table:
    """What differs in bold."""
    title = f"{difference.kind}, row {difference.row:,}"
    made = table(title, "journalled", "computed", justify="left", label_columns=_NAMED)
    first, second = difference.journalled or {}, difference.computed or {}
    for name in first or second:
        cells = [
            value_text(difference.kind, name, row[name], listed) if row else "none"
            for row in (first, second)
        ]
        same = first.get(name) == second.get(name)
        add(made, name, *cells, style="" if same else "bold red")
    return made


def _inputs(title: str, before: list[InputLine], after: list[InputLine]) -> Table:
    made = table(title, "what", "side", "price", "size", justify="left", label_columns=30)
    for line in before:
        _add_input(made, line)
    add(made, "- here -", "", "", "", "")
    for line in after:
        _add_input(made, line)
    return made


def _add_input(made: Table, line: InputLine) -> None:
    name = f"{time_of_day(line.ts_ns)} {line.market}"
    add(made, name, line.kind, line.side, line.price, line.size)
