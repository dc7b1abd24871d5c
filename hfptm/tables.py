"""How figures look on a terminal: no wider than 80 columns, titles in the header line."""

from collections.abc import Iterable
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from hfptm.units import BYTES_PER_MIB

Justify = Literal["left", "right"]

LABEL_COLUMNS = 44
"""Width of the first column, the same in every table of a report so that they line up."""


def table(
    title: str, *columns: str, justify: Justify = "right", label_columns: int = LABEL_COLUMNS
) -> Table:
    """An empty table whose first column is headed by the title."""
    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
    )
    # Fixed: of columns with a least width alone, rich crops the others when the row is too long.
    made.add_column(Text(title), width=label_columns, overflow="fold")
    for column in columns:
        made.add_column(Text(column), justify=justify, overflow="fold")
    return made


def add(made: Table, *cells: str, style: str = "") -> None:
    """A row of plain text: brackets in names and paths are no markup."""
    made.add_row(*map(Text, cells), style=style)


def pairs(title: str, rows: Iterable[tuple[str, str]], justify: Justify = "left") -> Table:
    """Names and values."""
    made = table(title, "", justify=justify)
    for name, value in rows:
        add(made, name, value)
    return made


def duration(seconds: float) -> str:
    """In the unit a person would use."""
    if seconds < 600:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 7_200 else f"{seconds / 3600:,.1f} h"


def mib(size_bytes: int) -> str:
    return f"{size_bytes / BYTES_PER_MIB:,.1f}"
