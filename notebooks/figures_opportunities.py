"""Opportunities as displayed, still there at arrival, and corroborated by a print."""

from typing import Literal

import duckdb
import plotly.graph_objects as go

from notebooks import look
from notebooks.opportunities import EVENTS_SHOWN, SIZES, Chosen, Group, Grouping, groups

Measure = Literal["count", "dollars"]

_GREW = "; where more is still there than was displayed, depth was added until arrival"

_TITLES = {
    "kind": "Displayed, still there, printed",
    "hour": "Opportunities by hour of the day",
    "size": "Opportunities by outlay",
    "event": "Opportunities by event",
}
_AXES = {"kind": "", "hour": "hour of the day, UTC", "size": "outlay displayed, $", "event": ""}
_COUNTS = {
    "displayed": "displayed",
    "arrived": "still there at arrival",
    "unseen": "book at arrival not recorded",
    "printed": "corroborated by a print",
}
_DOLLARS = {"displayed_e6": "displayed", "arrived_e6": "still there at arrival"}
_COLOURS = {
    "displayed": look.BLUE,
    "arrived": look.ORANGE,
    "unseen": look.GREY,
    "printed": look.GREEN,
    "displayed_e6": look.BLUE,
    "arrived_e6": look.ORANGE,
}


def opportunities_by(
    connection: duckdb.DuckDBPyConnection,
    chosen: Chosen,
    by: Grouping,
    measure: Measure = "count",
) -> go.Figure:
    """Bars for what was displayed, and what became of it, by kind, hour, outlay or event.

    Dollars are profit after fees at the displayed depth, and at the depth found at arrival.
    Raises LakeError if nothing was displayed.
    """
    found = groups(connection, chosen, by)
    n = look.plural(sum(group.displayed for group in found), "opportunity")
    which = f"the {EVENTS_SHOWN} largest of {len(found):,} events; " if by == "event" else ""
    which = which if len(found) > EVENTS_SHOWN else ""
    shown = found[:EVENTS_SHOWN] if which else found
    grew = measure == "dollars" and any(g.arrived_e6 > g.displayed_e6 for g in shown)
    what = "count" if measure == "count" else "profit after fees, $"
    lies = by in ("kind", "event")
    made = look.figure(
        f"{_TITLES[by]}, {'count' if measure == 'count' else '$'}",
        f"n = {n} displayed; {which}{chosen.name}{_GREW if grew else ''}",
        what if lies else _AXES[by],
        "" if lies else what,
    )
    for field, name in (_COUNTS if measure == "count" else _DOLLARS).items():
        amounts = [_amount(group, field) for group in shown]
        if field != "unseen" or any(amounts):
            _add_bars(made, [group.name for group in shown], amounts, (name, field), lies)
    if lies:
        look.resize(made, len(shown) * (12 + 15 * len(made.data)))
        look.name_places(made, [group.name for group in shown])
    elif by == "hour":
        made.update_xaxes(range=[-0.5, 23.5], dtick=3)
    else:
        made.update_xaxes(type="category", categoryarray=SIZES)
    return made


def _amount(group: Group, field: str) -> float:
    value: int = getattr(group, field)
    return value / 1e6 if field.endswith("_e6") else value


def _add_bars(
    made: go.Figure, names: list[str], amounts: list[float], series: tuple[str, str], lies: bool
) -> None:
    name, field = series
    text = "%{x:,}" if lies else "%{y:,}"
    if field.endswith("_e6"):
        text = "$%{x:,.2f}" if lies else "$%{y:,.2f}"
    made.add_bar(
        x=amounts if lies else names,
        y=names if lies else amounts,
        orientation="h" if lies else "v",
        name=name,
        marker_color=_COLOURS[field],
        texttemplate=text if lies else None,
        textposition="auto" if lies else "none",
        textfont_size=11,
        constraintext="none",
        cliponaxis=False,
        hovertemplate=text,
    )
