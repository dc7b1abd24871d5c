"""A figure in a page: its drawing, and the same numbers as a table for whoever cannot see it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from replay.html import Html, fold, table, tag

_HEAD_PX = 52
"""Of a figure's height, what its title took, which the page writes itself."""


class Drawing(NamedTuple):
    html: Html
    data: str
    """JSON as plotly writes it: without a "<", so that no word in it ends its script element."""


def drawing(figure: go.Figure, number: int) -> Drawing:
    """`number` is unique in its page."""
    title, note = figure.layout.title.text, figure.layout.title.subtitle.text
    bare = go.Figure(figure).update_layout(
        title=None,
        margin_t=figure.layout.margin.t - _HEAD_PX,
        height=figure.layout.height - _HEAD_PX,
    )
    columns, rows = figure_table(figure)
    name = f"figure-{number}"
    label = f"{title}. {note}. The same numbers are in the table below."
    place = tag("div", class_="plot", id=name, role="img", aria_label=label)
    numbers = fold("Numbers of this figure", table(title, columns, rows))
    html = tag("figure", tag("h3", title), tag("p", note, class_="note"), place, numbers)
    return Drawing(html, str(bare.to_json()))


def figure_table(figure: go.Figure) -> tuple[list[str], list[list[str]]]:
    """Its headings, and a row for each place on the axis that all its lines and bars share."""
    if figure.data[0].type == "heatmap":
        return _matrix(figure)
    lies = [_lies(trace) for trace in figure.data]
    axes = (figure.layout.yaxis, figure.layout.xaxis)
    columns = [axes[0 if lies[0] else 1].title.text or ""]
    series: list[dict[object, object]] = []
    for trace, flat in zip(figure.data, lies, strict=True):
        places, values = (trace.y, trace.x) if flat else (trace.x, trace.y)
        for name, numbers in _with_reach(trace, values, axes[1 if flat else 0].title.text):
            columns.append(name)
            series.append(dict(zip(places, numbers, strict=True)))
    places = list(dict.fromkeys(place for line in series for place in line))
    rows = [[_cell(place), *(_cell(line.get(place)) for line in series)] for place in places]
    return columns, rows


def _lies(trace: Any) -> bool:
    """Whether its places are on the y axis: bars that lie, points with a reach to both sides."""
    return getattr(trace, "orientation", None) == "h" or bool(trace.error_x.array is not None)


def _with_reach(
    trace: Any, values: Sequence[Any], unit: str | None
) -> Iterator[tuple[str, Sequence[Any]]]:
    """The values, and where a point has a band its ends."""
    name = trace.name or unit or ""
    yield name, values
    if _lies(trace) and trace.error_x.array is not None:
        yield "low", [v - r for v, r in zip(values, trace.error_x.arrayminus, strict=True)]
        yield "high", [v + r for v, r in zip(values, trace.error_x.array, strict=True)]


def _matrix(figure: go.Figure) -> tuple[list[str], list[list[str]]]:
    (trace,) = figure.data
    corner = f"{figure.layout.yaxis.title.text} by {figure.layout.xaxis.title.text}"
    rows = [[_cell(y), *map(_cell, row)] for y, row in zip(trace.y, trace.z, strict=True)]
    return [corner, *map(_cell, trace.x)], rows


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return f"{value:,.6g}" if value == value else "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def data_scripts(drawings: Iterable[Drawing]) -> Html:
    return Html(
        "\n".join(
            f'<script type="application/json" data-figure="figure-{number}">{each.data}</script>'
            for number, each in enumerate(drawings)
        )
    )
