"""Which settings of a sweep matter, alone and in pairs."""

from decimal import Decimal

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from notebooks import look
from notebooks.figures_sweep import results
from notebooks.summaries import Sensitivity, part, summary_of

VALUES_MAX = 24
"""Of either setting of a heat map."""
TEXTS_MAX = 8
"""Of columns, in which numbers still fit."""


def sensitivity(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> go.Figure:
    """Which swept keys explain how the sets differ."""
    keys = sorted(
        part(connection, sweep_id, "sensitivity", list[Sensitivity]), key=lambda k: -k.share
    )
    made = look.figure(
        "What matters",
        f"n = {look.plural(len(results(connection, sweep_id)), 'set')}; share of the variance of "
        "the result that a key alone explains",
        "share of the variance, %",
        "",
        legend=False,
    )
    made.add_bar(
        x=[100 * key.share for key in keys],
        y=[key.key for key in keys],
        orientation="h",
        name="share, %",
        marker_color=look.BLUE,
        hovertemplate="%{x:.1f} %",
    )
    made.update_xaxes(range=[0, 100])
    look.name_places(made, [key.key for key in keys])
    return look.resize(made, 34 * len(keys))


def profile(connection: duckdb.DuckDBPyConnection, sweep_id: str, key: str) -> go.Figure:
    """Mean result over the sets with each value of a key; raises LakeError for one not swept."""
    found = part(connection, sweep_id, "sensitivity", list[Sensitivity])
    chosen = next((each for each in found if each.key == key), None)
    if chosen is None:
        known = ", ".join(each.key for each in found)
        raise LakeError(f"sweep {sweep_id} did not vary {key}; it varied {known}")
    made = look.figure(
        f"Result by {key}",
        f"n = {look.plural(len(results(connection, sweep_id)), 'set')}; mean over the sets with a "
        "value",
        key,
        "mean result, $",
        legend=False,
    )
    made.add_scatter(
        x=[each.value for each in chosen.profile],
        y=[each.result_e6 / 1e6 for each in chosen.profile],
        name="mean result, $",
        mode="lines+markers",
        line={"color": look.BLUE},
        hovertemplate="$%{y:.2f}",
    )
    return made


def swept_keys(connection: duckdb.DuckDBPyConnection, sweep_id: str) -> list[str]:
    """Those that explain most of the results first, if the sweep says so; LakeError without one."""
    row = connection.execute("SELECT keys FROM sweeps WHERE sweep_id = ?", [sweep_id]).fetchone()
    if row is None:
        raise LakeError(f"no sweep {sweep_id}; `hfptm sweep` makes them")
    shares: dict[str, float] = {}
    if summary_of(connection, sweep_id).get("sensitivity"):
        found = part(connection, sweep_id, "sensitivity", list[Sensitivity])
        shares = {each.key: each.share for each in found}
    keys: list[str] = list(row[0])
    return sorted(keys, key=lambda key: -shares.get(key, 0.0))


def heat_map(
    connection: duckdb.DuckDBPyConnection, sweep_id: str, x_key: str, y_key: str
) -> go.Figure:
    """Mean result over the sets with both values; raises LakeError for keys not swept."""
    if unknown := {x_key, y_key} - set(swept_keys(connection, sweep_id)):
        raise LakeError(f"sweep {sweep_id} did not vary {' and '.join(sorted(unknown))}")
    rows = connection.execute(
        f"""
        SELECT "{x_key}", "{y_key}", avg(result_e6), count(*)
        FROM (SELECT "set", sum(result_e6) AS result_e6 FROM sweep_days
              WHERE sweep_id = $sweep GROUP BY "set")
        JOIN (FROM sweep_sets WHERE sweep_id = $sweep) USING ("set")
        GROUP BY ALL ORDER BY ALL
        """,
        {"sweep": sweep_id},
    ).fetchall()
    xs, ys = (list(dict.fromkeys(sorted(row[place] for row in rows))) for place in (0, 1))
    if max(len(xs), len(ys)) > VALUES_MAX:
        raise LakeError(
            f"{x_key} and {y_key} have too many values for a heat map: it wants a grid of at most "
            f"{VALUES_MAX} each"
        )
    cells = {(x, y): result_e6 / 1e6 for x, y, result_e6, _ in rows}
    made = look.figure(
        f"Result by {x_key} and {y_key}",
        f"n = {look.plural(sum(row[3] for row in rows), 'set')}; mean over the sets with both",
        x_key,
        y_key,
        legend=False,
    )
    made.add_heatmap(
        x=[_value(x) for x in xs],
        y=[_value(y) for y in ys],
        z=[[cells.get((x, y)) for x in xs] for y in ys],
        **look.colours_of(list(cells.values())),
        texttemplate="%{z:,.2f}" if len(xs) <= TEXTS_MAX else None,
        colorbar={"title": {"text": "$"}, "thickness": 12},
        hovertemplate=f"{x_key} %{{x}}, {y_key} %{{y}}: $%{{z:,.2f}}<extra></extra>",
    )
    made.update_xaxes(type="category").update_yaxes(type="category")
    return made


def _value(setting: object) -> str:
    """As a person writes it: a column of decimals pads them."""
    return f"{setting.normalize():f}" if isinstance(setting, Decimal) else str(setting)
