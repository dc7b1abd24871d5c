"""One opportunity under the microscope: its legs, what a set cost, and what happened around it."""

from collections.abc import Sequence
from html import escape

import duckdb
import plotly.graph_objects as go

from hfptm.records import EventKind, Side, Token
from hfptm.units import NS_PER_MS, PRICE_ONE_E4
from notebooks import look
from notebooks.sights import Leg, Sight, told

_HOUR_NS = 3_600_000 * NS_PER_MS
_LEGS_DRAWN = 6
_LEVELS_DRAWN = 6


def set_cost(connection: duckdb.DuckDBPyConnection, seen: Sight) -> go.Figure:
    """What a set cost at the best prices, beside what it pays, before fees.

    Time counts from when it was displayed. A gap in the line: a leg had no price.
    """
    begin_ns, end_ns = seen.span_ns
    legs = look.plural(len(seen.legs), "leg")
    made = look.figure(
        told(seen),
        f"{escape(look.shortened(seen.slug, 48))}; {legs}; before fees",
        "ms since it was displayed",
        "$ a set",
    )
    line = _costs(connection, seen)
    pays = seen.pays_e4 / PRICE_ONE_E4
    ends_ms = [_since_ms(seen, begin_ns), _since_ms(seen, end_ns)]
    made.add_scatter(
        x=ends_ms,
        y=[pays, pays],
        name="it pays",
        mode="lines",
        line={"color": look.GREY, "dash": "dash"},
    )
    made.add_scatter(
        x=[*(_since_ms(seen, ts_ns) for ts_ns, _ in line), ends_ms[1]],
        y=[*(cost for _, cost in line), line[-1][1] if line else None],
        name="it costs at the best prices",
        mode="lines",
        line={"color": look.BLUE, "shape": "hv"},
    )
    for at_ms, name, anchor in (
        (0, "displayed", "right"),
        (seen.entry_ms, "orders arrive", "left"),
    ):
        made.add_vline(
            x=at_ms,
            line={"color": look.ORANGE, "width": 1, "dash": "dot"},
            annotation={
                "text": name,
                "font": {"color": look.ORANGE},
                "y": 1,
                "xanchor": anchor,
                "yanchor": "top",
            },
        )
    made.update_xaxes(range=ends_ms)
    drawn = [cost for _, cost in line if cost is not None] + [pays]
    span = max(drawn) - min(drawn) or 0.01
    made.update_yaxes(range=[min(drawn) - 0.1 * span, max(drawn) + 0.25 * span])
    return made


def _since_ms(seen: Sight, ts_ns: int) -> float:
    return (ts_ns - seen.displayed_ns) / NS_PER_MS


def _costs(connection: duckdb.DuckDBPyConnection, seen: Sight) -> list[tuple[int, float | None]]:
    """Times and dollars: what all legs cost from then on."""
    begin_ns, end_ns = seen.span_ns
    rows = connection.execute(
        """
        SELECT ts_recv_ns, market, best_bid_e4(aux), best_ask_e4(aux) FROM events
        WHERE market IN $markets AND flags & 12 <> 0 AND hour_ns >= $before AND hour_ns <= $end
            AND ts_recv_ns >= $before AND ts_recv_ns <= $end ORDER BY ts_recv_ns
        """,
        {
            "markets": [leg.market for leg in seen.legs],
            "before": begin_ns - _HOUR_NS,
            "end": end_ns,
        },
    ).fetchall()
    best: dict[int, tuple[int, int]] = {}
    line: list[tuple[int, float | None]] = []
    for ts_ns, market, bid_e4, ask_e4 in rows:
        best[market] = (bid_e4, ask_e4)
        cost = _cost(seen.legs, best)
        if ts_ns <= begin_ns:
            line = [(begin_ns, cost)]
        else:
            line.append((ts_ns, cost))
    return line


def _cost(legs: Sequence[Leg], best: dict[int, tuple[int, int]]) -> float | None:
    """None while a leg has nothing to buy."""
    total_e4 = 0
    for leg in legs:
        bid_e4, ask_e4 = best.get(leg.market, (0, PRICE_ONE_E4))
        cost_e4 = ask_e4 if leg.token is Token.YES else PRICE_ONE_E4 - bid_e4
        if cost_e4 >= PRICE_ONE_E4:
            return None
        total_e4 += cost_e4
    return total_e4 / PRICE_ONE_E4


def ladders(connection: duckdb.DuckDBPyConnection, seen: Sight) -> go.Figure:
    """The levels that each leg could buy when it was displayed, cheapest first.

    Prices and shares are those of the leg's own token; blue ones lie within its order's limit.
    """
    drawn = seen.legs[:_LEGS_DRAWN]
    left_out = len(seen.legs) - len(drawn)
    note = f"; {left_out} more legs are not drawn" if left_out else ""
    made = look.figure(
        "What there was to buy when it was displayed",
        f"the best {_LEVELS_DRAWN} levels of each leg; blue within the order's limit{note}",
        "shares",
        "",
        legend=False,
    )
    names: list[str] = []
    places: list[str] = []
    for number, leg in enumerate(drawn):
        for price_e4, size_e6 in _levels(connection, leg, seen.displayed_ns):
            is_first = not names or not names[-1].startswith(f"{number} ")
            price = f"{price_e4 / PRICE_ONE_E4:.3f}"
            names.append(f"{number} {price}")
            places.append(f"{leg.name} · {price}" if is_first else price)
            made.add_bar(
                x=[size_e6 / 1e6],
                y=[names[-1]],
                orientation="h",
                marker_color=look.BLUE if price_e4 <= leg.limit_e4 else look.GREY,
                hovertemplate="%{x:,.0f} shares<extra></extra>",
            )
    look.name_places(made, names)
    made.update_yaxes(ticktext=[escape(place) for place in places])
    made.update_layout(barmode="overlay")
    return look.resize(made, 40 + 20 * len(names))


def _levels(connection: duckdb.DuckDBPyConnection, leg: Leg, ts_ns: int) -> list[tuple[int, int]]:
    """Prices and sizes that buying the leg takes, in its own token's terms."""
    side = Side.ASK if leg.token is Token.YES else Side.BID
    rows = connection.execute(
        f"SELECT price_e4, size_e6 FROM book_at($1, utc($2)) WHERE side = {side} "
        f"ORDER BY price_e4 {'DESC' if side == Side.BID else ''} LIMIT {_LEVELS_DRAWN}",
        [leg.slug, ts_ns],
    ).fetchall()
    if leg.token is Token.YES:
        return rows
    return [(PRICE_ONE_E4 - price_e4, size_e6) for price_e4, size_e6 in rows]


def events_around(
    connection: duckdb.DuckDBPyConnection, seen: Sight, rows: int = 10
) -> duckdb.DuckDBPyRelation:
    """What the tape says of its legs around the moment at which it was displayed, in words."""
    markets = ", ".join(str(leg.market) for leg in seen.legs)
    kinds = f"{EventKind.LEVEL}, {EventKind.TRADE}, {EventKind.SNAPSHOT}, {EventKind.GAP}"
    return connection.sql(
        f"""
        SELECT round((ts_recv_ns - {seen.displayed_ns}) / 1e6, 3) AS since_ms, slug,
            event_kind_name(kind) AS what, side_name(side) AS side, price(price_e4) AS price_usd,
            shares(size_e6) AS size_shares
        FROM (
            SELECT * FROM events
            WHERE market IN ({markets}) AND kind IN ({kinds})
                AND hour_ns > {seen.displayed_ns - _HOUR_NS} AND hour_ns <= {seen.displayed_ns}
            ORDER BY abs(ts_recv_ns - {seen.displayed_ns}) LIMIT {rows}
        ) LEFT JOIN (SELECT market, slug FROM markets) USING (market) ORDER BY since_ms
        """
    )
