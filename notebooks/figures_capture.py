"""What could be caught: over latency, over time since it began, and who took the rest."""

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from hfptm.opportunities import OpportunityKind
from notebooks import look
from notebooks.opportunities import KINDS
from notebooks.summaries import CurvePoint, Estimate, Survival, part

_BAND = "band: 95 %, whole events drawn again"


def capture_curve(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """Share of what was displayed that was still there at arrival, by latency, with its bands.

    Raises LakeError if that is no capture analysis.
    """
    curve = part(connection, sweep_id, "curve", list[CurvePoint])
    first = next((point for point in curve if point.displayed), None)
    if first is None:
        raise LakeError(
            f"capture analysis {sweep_id} displayed nothing, so nothing could be caught"
        )
    grew = (
        "; above 100 %: depth was added until arrival"
        if any(point.dollars.value > 1 for point in curve)
        else ""
    )
    made = look.figure(
        "Share still there when orders would arrive",
        f"n = {look.plural(first.displayed, 'opportunity')} of "
        f"{look.plural(first.events, 'event')} at {first.latency_ms:g} ms; {_BAND}{grew}",
        "latency from decision to exchange, ms",
        "share still there, %",
    )
    _add_share(made, curve, "by count", look.BLUE, [point.count for point in curve])
    _add_share(made, curve, "by profit after fees", look.ORANGE, [p.dollars for p in curve])
    shares = [share for point in curve for share in (point.count, point.dollars)]
    most = max(share.value if share.high is None else share.high for share in shares)
    made.update_layout(hovermode="x unified", yaxis_range=[0, max(103, 105 * most)])
    return made


def nearest_set(connection: duckdb.DuckDBPyConnection, sweep_id: str, latency_ms: float) -> int:
    """The set of a capture analysis whose latency is nearest, the quicker one of two."""
    curve = part(connection, sweep_id, "curve", list[CurvePoint])
    return min(curve, key=lambda p: (abs(p.latency_ms - latency_ms), p.latency_ms)).set


def _add_share(
    made: go.Figure, curve: list[CurvePoint], name: str, colour: str, shares: list[Estimate]
) -> None:
    latencies_ms = [point.latency_ms for point in curve]
    low, high = [_percent(s.low) for s in shares], [_percent(s.high) for s in shares]
    look.add_band(made, latencies_ms, low, high, name=name, colour=colour)
    dash = "solid" if colour == look.BLUE else "dash"
    made.add_scatter(
        x=latencies_ms,
        y=[_percent(share.value) for share in shares],
        name=name,
        mode="lines+markers",
        line={"color": colour, "dash": dash},
        hovertemplate="%{y:.1f} %",
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def lifetimes(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """How long opportunities stay displayed; raises LakeError if that is no capture analysis."""
    curves = [c for c in part(connection, sweep_id, "survival", list[Survival]) if c.n]
    if not curves:
        raise LakeError(f"capture analysis {sweep_id} displayed nothing, so nothing has a lifetime")
    n, censored = sum(c.n for c in curves if c.kind != "all"), sum(c.censored for c in curves)
    whole = next((curve for curve in curves if curve.kind == "all"), None)
    if whole:
        n, censored = whole.n, whole.censored
    made = look.figure(
        "How long opportunities last",
        f"n = {look.plural(n, 'opportunity')}, {censored:,} of them cut off (Kaplan-Meier)",
        "time since first displayed, ms (log)",
        "share still displayed, %",
    )
    colours = iter(look.COLOURS)
    for curve in curves:
        colour = look.GREY if curve.kind == "all" else next(colours)
        _add_survival(made, curve, colour)
    made.update_layout(xaxis_type="log", yaxis_range=[0, 103], hovermode="x unified")
    return made


def _add_survival(made: go.Figure, curve: Survival, colour: str) -> None:
    name = curve.kind.replace("_", " ")
    if curve.kind == "all" and curve.low and curve.high:
        low, high = ([_percent(share) for share in side] for side in (curve.low, curve.high))
        look.add_band(made, curve.after_ms, low, high, name=name, colour=colour, shape="hv")
    made.add_scatter(
        x=curve.after_ms,
        y=[_percent(share) for share in curve.alive],
        name=f"{name} ({curve.n:,})",
        mode="lines",
        line={"color": colour, "shape": "hv"},
        hovertemplate="%{y:.1f} %",
    )


_ENDINGS = {
    "trade": "taken by a trade",
    "cancel": "cancelled",
    "move": "moved to another price",
    "unseen": "no longer seen",
    "open": "still open at the end",
}


def taken_by(connection: duckdb.DuckDBPyConnection, sweep_id: str, number: int = 0) -> go.Figure:
    """How the opportunities of one set ended; raises LakeError if it displayed none."""
    rows = connection.execute(
        """
        SELECT kind, taken_by, count(*) FROM sweep_opportunities
        WHERE sweep_id = ? AND "set" = ? GROUP BY kind, taken_by ORDER BY kind
        """,
        [sweep_id, number],
    ).fetchall()
    if not rows:
        raise LakeError(f"set {number} of {sweep_id} displayed nothing, so nothing was taken")
    counts = {(kind, ending): count for kind, ending, count in rows}
    kinds = list(dict.fromkeys(kind for kind, _, _ in rows))
    made = look.figure(
        "Who took it",
        f"n = {look.plural(sum(counts.values()), 'opportunity')}; as the tape around the end says",
        "opportunities",
        "",
    )
    colours = (*look.COLOURS, look.GREY)
    for (ending, name), colour in zip(_ENDINGS.items(), colours, strict=True):
        made.add_bar(
            x=[counts.get((kind, ending), 0) for kind in kinds],
            y=[KINDS[OpportunityKind(kind)] for kind in kinds],
            orientation="h",
            name=name,
            marker_color=colour,
            hovertemplate=f"{name}: %{{x:,}}",
        )
    made.update_layout(barmode="stack")
    look.name_places(made, [KINDS[OpportunityKind(kind)] for kind in kinds])
    return look.resize(made, 40 * len(kinds))
