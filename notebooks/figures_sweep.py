"""A sweep: what the sets earned, and what is left of a winner on other days."""

import duckdb
import numpy as np
import plotly.graph_objects as go

from hfptm.errors import LakeError
from notebooks import look
from notebooks.opportunities import EVENTS_SHOWN
from notebooks.summaries import BestSet, Correction, WalkForward, part, summary_of

RESULT = "realised + locked profit + residue at the bid - its cost"
"""What a result is, wherever one is drawn."""

_BINS_MIN, _BINS_MAX = 8, 40


def distribution(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """How many sets had which result, and what the best of so many had to exceed."""
    results_e6 = results(connection, sweep_id)
    days = connection.execute(
        "SELECT count(DISTINCT date) FROM sweep_days WHERE sweep_id = ?", [sweep_id]
    ).fetchone()
    assert days is not None
    bins = min(_BINS_MAX, max(_BINS_MIN, len(results_e6) // 2))
    counts, edges = np.histogram(np.array(list(results_e6.values())) / 1e6, bins)
    made = look.figure(
        "Results of all sets",
        f"n = {look.plural(len(results_e6), 'set')}, {look.plural(days[0], 'day')} each; {RESULT}",
        "result of a set, $",
        "sets",
        legend=False,
    )
    made.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges) * 0.9,
        name="sets",
        marker_color=look.BLUE,
        hovertemplate="about $%{x:.2f}: %{y} sets",
    )
    _add_threshold(connection, sweep_id, made)
    return made


def results(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> dict[int, int]:
    """Of each set, over all days, micro-dollars; raises LakeError if there is none."""
    rows = connection.execute(
        'SELECT "set", sum(result_e6) FROM sweep_days WHERE sweep_id = ? GROUP BY 1 ORDER BY 1',
        [sweep_id],
    ).fetchall()
    if not rows:
        raise LakeError(f"sweep {sweep_id} has no days, so no results")
    return {int(number): int(result_e6) for number, result_e6 in rows}


def _add_threshold(connection: duckdb.DuckDBPyConnection, sweep_id: str, made: go.Figure) -> None:
    """Nothing where the sweep was too small to correct."""
    made.add_vline(x=0, line={"color": look.GREY, "width": 1})
    if summary_of(connection, sweep_id).get("correction") is None:
        return
    correction = part(connection, sweep_id, "correction", Correction)
    if correction.threshold_e6 is not None:
        made.add_vline(
            x=look.dollars(correction.threshold_e6),
            line={"color": look.ORANGE, "dash": "dash"},
            annotation={
                "text": f"as far as luck takes the best of {correction.tried:,}",
                "xanchor": "right",
                "font": {"color": look.ORANGE},
            },
        )


def best_sets(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """The sets that earned most, with bands that know nothing of how many were tried."""
    best = part(connection, sweep_id, "best", list[BestSet])
    made = look.figure(
        "Best sets, on the days they were chosen on",
        f"n = {look.plural(len(best), 'set')} shown, {_keys(best)}; bands: 95 % for "
        "these together, not for all that were tried",
        "result, $",
        "",
        legend=False,
    )
    values = [each.result_e6 / 1e6 for each in best]
    names = [_settings(each) for each in best]
    made.add_scatter(
        x=values,
        y=names,
        mode="markers",
        name="result, $",
        marker={"color": look.BLUE, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_reach(each.high_e6, each.result_e6) for each in best],
            "arrayminus": [_reach(each.result_e6, each.low_e6) for each in best],
            "color": look.BLUE,
        },
    )
    made.add_vline(x=0, line={"color": look.GREY, "width": 1})
    look.name_places(made, names)
    return look.resize(made, 30 * len(best))


def _settings(best: BestSet) -> str:
    values = ", ".join(str(value) for value in best.settings.values())
    return f"{best.set}: {values}"


def _keys(best: list[BestSet]) -> str:
    return f"by {', '.join(best[0].settings)}" if best and best[0].settings else "by number"


def _reach(high: float | None, low: float | None) -> float:
    """Of a band, from its middle; 0 where there is none."""
    return 0.0 if high is None or low is None else (high - low) / 1e6


def best_set(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> int:
    """Of the largest result, the first of equals."""
    found = results(connection, sweep_id)
    return max(found, key=lambda number: (found[number], -number))


def walk_forward(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """Each day judged by the set that was best on the days before it."""
    walk = part(connection, sweep_id, "walk_forward", WalkForward)
    if not walk.days:
        raise LakeError(f"sweep {sweep_id} has too few days to judge a winner on others")
    total = walk.total_e6
    band = (
        ""
        if total.low is None or total.high is None
        else (f", 95 % {total.low / 1e6:,.2f} to {total.high / 1e6:,.2f}")
    )
    made = look.figure(
        "Winners, on days they were not chosen on",
        f"n = {look.plural(len(walk.days), 'day')}; total ${total.value / 1e6:,.2f}{band}",
        "UTC day",
        "result, $",
    )
    dates = [day.date for day in walk.days]
    made.add_bar(
        x=dates,
        y=[day.result_e6 / 1e6 for day in walk.days],
        name="of the day",
        marker_color=look.BLUE,
        customdata=[day.set for day in walk.days],
        hovertemplate="set %{customdata}: $%{y:.2f}",
    )
    made.add_scatter(
        x=dates,
        y=np.cumsum([day.result_e6 for day in walk.days]) / 1e6,
        name="so far",
        mode="lines+markers",
        line={"color": look.ORANGE},
        hovertemplate="so far $%{y:.2f}",
    )
    made.update_layout(xaxis_type="category")
    return made


def result_by_day(
    connection: duckdb.DuckDBPyConnection, sweep_id: str, number: int = 0
) -> go.Figure:
    """What one set earned each day: paid out, locked, and marked at the bid, apart."""
    rows = connection.execute(
        """
        SELECT date::VARCHAR, realised_e6, locked_profit_e6, residue_bid_e6 - residue_cost_e6,
               result_e6, plans
        FROM sweep_days WHERE sweep_id = ? AND "set" = ? ORDER BY date
        """,
        [sweep_id, number],
    ).fetchall()
    if not rows:
        raise LakeError(f"sweep {sweep_id} has no set {number}")
    dates, *parts, totals, plans = zip(*rows, strict=True)
    made = look.figure(
        f"Result by day, set {number}",
        f"n = {look.plural(len(rows), 'day')}, {look.plural(sum(plans), 'plan')}; each day begins "
        "flat",
        "UTC day",
        "$",
    )
    names = ("realised", "locked profit", "residue at the bid - cost")
    for name, amounts, colour in zip(names, parts, look.COLOURS, strict=False):
        made.add_bar(x=dates, y=_usd(amounts), name=name, marker_color=colour)
    made.add_scatter(
        x=dates,
        y=_usd(np.cumsum(totals)),
        name="result so far",
        mode="lines+markers",
        line={"color": look.GREY, "dash": "dot"},
    )
    made.update_layout(barmode="relative", xaxis_type="category", hovermode="x unified")
    return made


def _usd(amounts_e6: object) -> list[float]:
    return [float(amount) for amount in np.asarray(amounts_e6, np.float64) / 1e6]


def result_by_event(
    connection: duckdb.DuckDBPyConnection, sweep_id: str, number: int = 0
) -> go.Figure:
    """Where one set gained and lost; raises LakeError if it booked nothing in any event."""
    rows = connection.execute(
        """
        SELECT coalesce(any_value(event_slug), event::VARCHAR), sum(result_e6) AS total_e6
        FROM sweep_events LEFT JOIN (SELECT DISTINCT event, event_slug FROM markets) USING (event)
        WHERE sweep_id = ? AND "set" = ? GROUP BY event
        HAVING total_e6 <> 0 ORDER BY abs(total_e6) DESC, event
        """,
        [sweep_id, number],
    ).fetchall()
    if not rows:
        raise LakeError(f"set {number} of sweep {sweep_id} booked nothing in any event")
    shown = [(str(name), int(total_e6)) for name, total_e6 in rows[:EVENTS_SHOWN]]
    which = f", the {EVENTS_SHOWN} largest shown" if len(rows) > EVENTS_SHOWN else ""
    made = look.figure(
        f"Result by event, set {number}",
        f"n = {look.plural(len(rows), 'event')} with a result{which}; {RESULT}",
        "result, $",
        "",
        legend=False,
    )
    made.add_bar(
        x=[total_e6 / 1e6 for _, total_e6 in shown],
        y=[name for name, _ in shown],
        orientation="h",
        name="result, $",
        marker_color=look.BLUE,
        texttemplate="%{x:,.2f}",
        hovertemplate="$%{x:,.2f}",
    )
    look.name_places(made, [name for name, _ in shown])
    return look.resize(made, 40 + 24 * len(shown))
