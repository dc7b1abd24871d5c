"""One look for every figure: colours, axes, bands, and the line that says of how many.

A figure is seen on white paper and on a dark screen, so nothing in it depends on the background:
all colours have a contrast of at least 3 with both, and keep apart for colour-blind eyes (after
M. Okabe and K. Ito, "Color Universal Design", 2008); lines differ by dashes and markers too.
"""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, PURPLE = "#2f7fc1", "#d55e00", "#12946b", "#a35fb0"
GREY = "#818994"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
BACKGROUNDS = ("#ffffff", "#14171a")
"""Light and dark, for which the colours are chosen."""

_FAINT = "rgba(128, 134, 142, 0.25)"
_BAND_OPACITY = 0.2
_TITLE_PX, _AXIS_PX, _LEGEND_PX = 64, 60, 28
_PLOT_PX = 236

_PALE = "#e9e9e6"


def figure(title: str, note: str, x: str, y: str, *, legend: bool = True) -> go.Figure:
    """Empty, with a title, a line below it that says of how many, and axes named with units."""
    axis = {
        "gridcolor": _FAINT,
        "linecolor": GREY,
        "zerolinecolor": GREY,
        "ticks": "outside",
        "tickcolor": GREY,
        "automargin": True,
    }
    made = go.Figure(
        layout={
            "template": "none",
            "title": {
                "text": title,
                "subtitle": {"text": note, "font": {"size": 12, "color": GREY}},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"l": 8, "t": 8},
                "font": {"size": 16},
            },
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": GREY},
            "colorway": COLOURS,
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "margin": {"l": 60, "r": 24, "t": _TITLE_PX, "b": _AXIS_PX},
            "showlegend": legend,
            "xaxis": {**axis, "title": {"text": x}, "showgrid": False},
            "yaxis": {**axis, "title": {"text": y}},
            "bargap": 0.25,
            "dragmode": False,
        }
    )
    return resize(made, _PLOT_PX)


def resize(made: go.Figure, plot_px: int) -> go.Figure:
    """The same figure with axes so high, and its legend above them."""
    top_px = _TITLE_PX + (_LEGEND_PX if made.layout.showlegend else 0)
    made.update_layout(
        height=top_px + plot_px + _AXIS_PX,
        margin_t=top_px,
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
        },
    )
    return made


def name_places(made: go.Figure, names: Sequence[str], *, columns: int = 26) -> None:
    """Names down the y axis, the first on top, shortened where they are long.

    They are somebody else's words: what looks like markup in them is text.
    """
    made.update_yaxes(
        type="category",
        autorange="reversed",
        showgrid=False,
        tickmode="array",
        tickvals=list(names),
        ticktext=[escape(shortened(name, columns)) for name in names],
    )
    made.update_xaxes(showgrid=True)


def shortened(name: str, columns: int) -> str:
    """Its middle left out, for the end is often what tells two names apart."""
    if len(name) <= columns:
        return name
    return f"{name[: columns - 11]}…{name[-10:]}"


def colours_of(amounts: Sequence[float]) -> dict[str, object]:
    """How a heat map shows them: blue for profit, orange for loss, pale for the nearest to 0."""
    low, high = min(amounts), max(amounts)
    if low >= 0:
        return {"colorscale": [(0.0, _PALE), (1.0, BLUE)], "zmin": low, "zmax": high}
    if high <= 0:
        return {"colorscale": [(0.0, ORANGE), (1.0, _PALE)], "zmin": low, "zmax": high}
    most = max(high, -low)
    scale = [(0.0, ORANGE), (0.5, _PALE), (1.0, BLUE)]
    return {"colorscale": scale, "zmin": -most, "zmax": most}


def add_band(
    made: go.Figure,
    x: Sequence[object],
    low: Sequence[float | None],
    high: Sequence[float | None],
    *,
    name: str,
    colour: str,
    shape: str = "linear",
) -> None:
    """An area from `low` to `high`; no area where either is None."""
    edge = {"width": 0, "shape": shape}
    made.add_scatter(
        x=x, y=low, name=f"{name}, low", mode="lines", line=edge, showlegend=False, hoverinfo="skip"
    )
    made.add_scatter(
        x=x,
        y=high,
        name=f"{name}, high",
        mode="lines",
        line=edge,
        fill="tonexty",
        fillcolor=faded(colour, _BAND_OPACITY),
        showlegend=False,
        hoverinfo="skip",
    )


def faded(colour: str, opacity: float) -> str:
    """A colour written #rrggbb, that lets its background through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def dollars(amount_e6: float | None) -> float | None:
    """For an axis only: exact sums stay in micro-dollars."""
    return None if amount_e6 is None else float(amount_e6) / 1_000_000


def plural(count: int, noun: str) -> str:
    """As in "1 opportunity", "1,204 opportunities"."""
    if count == 1:
        return f"1 {noun}"
    stem, ending = (noun[:-1], "ies") if noun.endswith(("ty", "ry")) else (noun, "s")
    return f"{count:,} {stem}{ending}"
