"""What a lake holds: which hours, which markets, at which spreads."""

from html import escape

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from notebooks import look

_SHOWN = 15
_EMPTY = "nothing recorded here yet: `hfptm record` records, `hfptm import` brings a recording in"


def recorded_hours(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Events by UTC day and hour; an hour without any is left blank.

    Raises LakeError if there are none.
    """
    rows = connection.execute(
        "SELECT strftime(date, '%Y-%m-%d'), hour, count(*) FROM events GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    if not rows:
        raise LakeError(_EMPTY)
    dates = sorted({date for date, _, _ in rows})
    counts = {(date, hour): count for date, hour, count in rows}
    ((markets, first, last),) = connection.execute(
        """
        SELECT (SELECT count(*) FROM markets),
            strftime(utc(min(ts_recv_ns)), '%Y-%m-%d %H:%M'),
            strftime(utc(max(ts_recv_ns)), '%Y-%m-%d %H:%M')
        FROM events
        WHERE hour_ns IN (SELECT unnest([min(hour_ns), max(hour_ns)]) FROM events)
        """
    ).fetchall()
    total = sum(counts.values())
    made = look.figure(
        f"{total:,} rows of {look.plural(markets, 'market')}, in {look.plural(len(rows), 'hour')}",
        f"{first} to {last} UTC; events recorded by day and hour, blank where there are none",
        "UTC hour",
        "",
        legend=False,
    )
    made.add_heatmap(
        x=list(range(24)),
        y=dates,
        z=[[counts.get((date, hour)) for hour in range(24)] for date in dates],
        colorscale=[[0, look.faded(look.BLUE, 0.25)], [1, look.BLUE]],
        zmin=0,
        zmax=max(counts.values()),
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "rows"}, "outlinewidth": 0, "nticks": 4, "tickformat": "~s"},
        hovertemplate="%{y} %{x}:00, %{z:,} rows<extra></extra>",
    )
    made.update_xaxes(dtick=2, range=[-0.5, 23.5]).update_yaxes(type="category", showgrid=False)
    return look.resize(made, min(420, 60 + 28 * len(dates)))


def busiest_markets(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Rows of the markets that have most, and the trades among them.

    Raises LakeError if there are no rows.
    """
    rows = connection.execute(
        """
        SELECT coalesce(slug, market::VARCHAR), changes, trades
        FROM (
            SELECT market, count_if(kind <> 3) AS changes, count_if(kind = 3) AS trades
            FROM events GROUP BY market
        ) LEFT JOIN markets USING (market)
        ORDER BY changes + trades DESC, 1 LIMIT $shown
        """,
        {"shown": _SHOWN},
    ).fetchall()
    if not rows:
        raise LakeError(_EMPTY)
    names = [name for name, _, _ in rows]
    made = look.figure(
        "The busiest markets",
        f"the first {look.plural(len(rows), 'market')} by rows",
        "rows",
        "",
    )
    made.add_bar(
        y=names, x=[row[1] for row in rows], orientation="h", name="changes", marker_color=look.BLUE
    )
    made.add_bar(
        y=names,
        x=[row[2] for row in rows],
        orientation="h",
        name="trades",
        marker_color=look.ORANGE,
    )
    made.update_layout(barmode="stack")
    look.name_places(made, names)
    return look.resize(made, 60 + 24 * len(names))


def spreads(connection: duckdb.DuckDBPyConnection, markets: int = 3) -> go.Figure:
    """Mean spread of the busiest markets by stretch, of which a recording has 60.

    Of best prices as they are reported, each counted once. Raises LakeError if none was.
    """
    rows = connection.execute(
        """
        WITH busiest AS (
            SELECT market, count(*) AS rows FROM events WHERE flags & 12 <> 0
            GROUP BY market ORDER BY rows DESC, market LIMIT $markets
        ),
        told AS (
            SELECT market, ts_recv_ns, best_bid_e4(aux) AS bid_e4, best_ask_e4(aux) AS ask_e4
            FROM events WHERE flags & 12 <> 0 AND market IN (SELECT market FROM busiest)
                AND best_bid_e4(aux) > 0 AND best_ask_e4(aux) < 10000
        ),
        whole AS (
            SELECT min(ts_recv_ns) AS first_ns, max(ts_recv_ns) - min(ts_recv_ns) + 1 AS span_ns
            FROM told
        )
        SELECT coalesce(slug, market::VARCHAR) AS name, utc(min(ts_recv_ns)) AS begins,
            avg(ask_e4 - bid_e4) / 100, any_value(busiest.rows) AS n
        FROM told CROSS JOIN whole JOIN busiest USING (market) LEFT JOIN markets USING (market)
        GROUP BY name, (ts_recv_ns - first_ns) * 60 // span_ns
        ORDER BY n DESC, name, begins
        """,
        {"markets": markets},
    ).fetchall()
    if not rows:
        raise LakeError("no best prices were reported; books that were sampled have none")
    names = list(dict.fromkeys(row[0] for row in rows))
    made = look.figure(
        "Spread over time",
        f"mean of reported best prices of the {look.plural(len(names), 'busiest market')}",
        "UTC",
        "ask - bid, cents",
    )
    for name, colour in zip(names, look.COLOURS, strict=False):
        line = [row for row in rows if row[0] == name]
        made.add_scatter(
            x=[row[1] for row in line],
            y=[row[2] for row in line],
            mode="lines",
            name=escape(look.shortened(name, 26)),
            line={"color": colour},
        )
    made.update_yaxes(rangemode="tozero")
    return made
