"""Two runs on the same rows, such as a live run and its paper twin: plans and orders."""

from collections.abc import Mapping

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from hfptm.records import EventKind, IntentKind
from notebooks import look

_BOTH = "planned by both"


def plan_pairs(connection: duckdb.DuckDBPyConnection, runs: Mapping[str, str]) -> go.Figure:
    """Opportunities that both runs traded, or one of them and what the other answered.

    `runs`: a name for each of two run ids. An opportunity is the same if both saw it first at the
    same instant, of the same kind and in the same market or event. Raises LakeError if neither run
    made a plan.
    """
    (one, run), (other, run_other) = runs.items()
    rows = connection.execute(
        """
        WITH mine AS (FROM opportunities WHERE run_id = $run),
        others AS (FROM opportunities WHERE run_id = $other)
        SELECT coalesce(mine.plan, 0) <> 0 AS planned, coalesce(others.plan, 0) <> 0 AS by_other,
            CASE WHEN planned AND by_other THEN ''
                 WHEN planned THEN coalesce(reason_name(others.reason), 'not seen')
                 ELSE coalesce(reason_name(mine.reason), 'not seen') END AS answer,
            count(*) AS plans
        FROM mine FULL JOIN others USING (begin_ns, kind, market)
        WHERE planned OR by_other GROUP BY ALL ORDER BY plans DESC, answer
        """,
        {"run": run, "other": run_other},
    ).fetchall()
    if not rows:
        raise LakeError(f"neither {run} nor {run_other} made a plan")
    names = [
        _said(planned, by_other, answer, (one, other)) for planned, by_other, answer, _ in rows
    ]
    made = look.figure(
        "Plans of the same opportunity",
        f"n = {look.plural(sum(row[3] for row in rows), 'opportunity')} that either run traded",
        "opportunities",
        "",
        legend=False,
    )
    made.add_bar(
        x=[row[3] for row in rows],
        y=names,
        orientation="h",
        name="opportunities",
        marker_color=[look.BLUE if name == _BOTH else look.ORANGE for name in names],
        texttemplate="%{x:,}",
        hovertemplate="%{x:,}",
    )
    look.name_places(made, names, columns=44)
    return look.resize(made, 40 + 30 * len(names))


def _said(planned: bool, by_other: bool, answer: str, names: tuple[str, str]) -> str:
    if planned and by_other:
        return _BOTH
    traded, not_traded = names if planned else names[::-1]
    return f"{traded} only; {not_traded}: {answer.replace('_', ' ')}"


def order_ends(connection: duckdb.DuckDBPyConnection, runs: Mapping[str, str]) -> go.Figure:
    """How much of each run's orders was filled; raises LakeError if none sent any."""
    counts = {name: _ends(connection, run_id) for name, run_id in runs.items()}
    if not any(sum(found) for found in counts.values()):
        raise LakeError(f"no order in {', '.join(runs.values())}")
    orders = ", ".join(
        f"{look.plural(sum(found), 'order')} {name}" for name, found in counts.items()
    )
    made = look.figure("What became of orders", f"n = {orders}", "orders, %", "")
    ends = ("filled whole", "filled in part", "not filled")
    colours = (look.BLUE, look.ORANGE, look.GREY)
    for place, (end, colour) in enumerate(zip(ends, colours, strict=True)):
        made.add_bar(
            x=[100 * found[place] / (sum(found) or 1) for found in counts.values()],
            y=list(counts),
            orientation="h",
            name=end,
            marker_color=colour,
            hovertemplate=f"{end}: %{{x:.1f}} %",
        )
    made.update_layout(barmode="stack")
    look.name_places(made, list(counts))
    return look.resize(made, 40 + 40 * len(counts))


def _ends(connection: duckdb.DuckDBPyConnection, run_id: str) -> tuple[int, int, int]:
    """Orders filled whole, in part, and not at all; a BUY that spends dollars may get more."""
    found = connection.execute(
        f"""
        WITH fills AS (
            SELECT aux AS "order", sum(size_e6) AS filled_e6 FROM reports
            WHERE run_id = $run AND kind = {EventKind.FILL} GROUP BY aux
        )
        SELECT count(*) FILTER (filled_e6 >= size_e6),
               count(*) FILTER (filled_e6 > 0 AND filled_e6 < size_e6),
               count(*) FILTER (coalesce(filled_e6, 0) = 0)
        FROM intents LEFT JOIN fills USING ("order")
        WHERE run_id = $run AND kind = {IntentKind.PLACE}
        """,
        {"run": run_id},
    ).fetchone()
    assert found is not None
    return found[0], found[1], found[2]
