"""One run, or two side by side: its result, and how long its orders took."""

from collections.abc import Mapping
from typing import NamedTuple

import duckdb
import msgspec
import plotly.graph_objects as go

from hfptm.errors import LakeError
from hfptm.records import EventKind, IntentKind
from notebooks import look

_PARTS = {
    "realised": ("pnl_usd",),
    "locked profit": ("locked_profit_usd",),
    "residue at the bid - cost": ("residue_bid_usd", "residue_cost_usd"),
}
_QUANTILES = 100


def summary_of_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, float]:
    """Raises LakeError if there is no such run, or it is not closed."""
    found = connection.execute("SELECT summary FROM runs WHERE run_id = ?", [run_id]).fetchone()
    if found is None:
        raise LakeError(f"no closed run {run_id}; `hfptm runs` lists what is there")
    summary: dict[str, float] = msgspec.json.decode(found[0])
    return summary


def result_parts(connection: duckdb.DuckDBPyConnection, runs: Mapping[str, str]) -> go.Figure:
    """What each run earned: paid out, locked until resolution, and marked at the bid, apart.

    `runs`: a name for each run id, as in {"live": "...", "paper twin": "...-twin"}.
    """
    summaries = {name: summary_of_run(connection, run_id) for name, run_id in runs.items()}
    plans = ", ".join(
        f"{look.plural(int(summary['plans']), 'plan')} {name}".strip()
        for name, summary in summaries.items()
    )
    made = look.figure(
        "Result and its parts", f"n = {plans}; after fees", "", "$", legend=len(runs) > 1
    )
    for (name, summary), colour in zip(summaries.items(), look.COLOURS, strict=False):
        parts = {title: _part(summary, keys) for title, keys in _PARTS.items()}
        parts["result"] = sum(parts.values())
        made.add_bar(
            x=list(parts),
            y=list(parts.values()),
            name=name,
            marker_color=colour,
            texttemplate="%{y:,.2f}",
            textposition="outside",
            cliponaxis=False,
            hovertemplate="$%{y:,.6f}",
        )
    return made


def _part(summary: Mapping[str, float], keys: tuple[str, ...]) -> float:
    plus, *minus = (summary[key] for key in keys)
    return plus - sum(minus)


def answer_times(connection: duckdb.DuckDBPyConnection, runs: Mapping[str, str]) -> go.Figure:
    """Share of each run's orders that were answered within a time: filled, refused or resting.

    Of a simulated venue these are the times of its latency model and of the feed. Raises LakeError
    if no order of any of the runs was answered.
    """
    found = {name: _answers(connection, run_id) for name, run_id in runs.items()}
    if not any(answers.orders for answers in found.values()):
        raise LakeError(f"no order of {', '.join(runs.values())} was answered")
    orders = ", ".join(
        f"{look.plural(answers.orders, 'order')} {name}".strip() for name, answers in found.items()
    )
    made = look.figure(
        "From a decision to the first answer",
        f"n = {orders}",
        "ms (log)",
        "answered so far, %",
        legend=len(runs) > 1,
    )
    for (name, answers), colour, dash in zip(
        found.items(), look.COLOURS, ("solid", "dash", "dot", "dashdot"), strict=False
    ):
        made.add_scatter(
            x=answers.waits_ms,
            y=[100 * place / _QUANTILES for place in range(len(answers.waits_ms))],
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "shape": "hv"},
            hovertemplate="%{y:.0f} % within %{x:,.1f} ms",
        )
    made.update_layout(xaxis_type="log", yaxis_range=[0, 103])
    return made


class _Answers(NamedTuple):
    orders: int
    waits_ms: list[float]
    """Percentiles 0 to 100; empty if there were no orders."""


def _answers(connection: duckdb.DuckDBPyConnection, run_id: str) -> _Answers:
    ranks = [place / _QUANTILES for place in range(_QUANTILES + 1)]
    found = connection.execute(
        f"""
        WITH answers AS (
            SELECT aux AS "order", min(ts_recv_ns) AS ts_recv_ns FROM reports
            WHERE run_id = $run AND kind BETWEEN {EventKind.ACK} AND {EventKind.UNKNOWN}
            GROUP BY aux
        )
        SELECT count(*), quantile_disc((answers.ts_recv_ns - intents.ts_ns) / 1e6, $ranks)
        FROM intents JOIN answers USING ("order")
        WHERE intents.run_id = $run AND intents.kind = {IntentKind.PLACE}
        """,
        {"run": run_id, "ranks": ranks},
    ).fetchone()
    assert found is not None
    return _Answers(found[0], found[1] or [])
