"""What a recording is worth: what was not seen, how late it came, what its checks say."""

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from hfptm.records import EventFlag, EventKind, GapReason
from notebooks import look

_EMPTY = "nothing recorded here yet: `hfptm record` records, `hfptm import` brings a recording in"
_STRETCHES = 60
_CHECKS = {
    "best prices disagreed": EventFlag.BEST_MISMATCH,
    "YES and NO disagreed": EventFlag.MIRROR_BREAK,
    "hash wrong": EventFlag.HASH_BAD,
    "unreadable": EventFlag.MAYBE_BAD,
    "brought late by another line": EventFlag.HEALED,
}


def unseen(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Time in which markets were not seen, by hour and reason, all markets added up.

    A gap counts in the hour of its start, an open one to the last row. What was asked for no more
    is no loss and left out. Raises LakeError if nothing was recorded.
    """
    rows = connection.execute(
        f"""
        WITH last AS (SELECT max(ts_recv_ns) AS ns FROM events)
        SELECT strftime(utc(hour_ns), '%Y-%m-%d %H'), gap_reason_name(reason),
            sum(greatest(0, if(to_ns = 0, ns, to_ns) - from_ns)) / 1e9, count(*)
        FROM gaps CROSS JOIN last WHERE reason <> {GapReason.REMOVED} GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    ((hours, markets, span_s),) = connection.execute(
        """
        SELECT count(DISTINCT hour_ns), count(DISTINCT market),
            (max(ts_recv_ns) - min(ts_recv_ns)) / 1e9 FROM events
        """
    ).fetchall()
    if not hours:
        raise LakeError(_EMPTY)
    lost_s, whole_s = sum(row[2] for row in rows), span_s * markets
    share = 100 * lost_s / whole_s if whole_s else 0
    gaps = look.plural(sum(row[3] for row in rows), "gap")
    made = look.figure(
        f"Not seen: {share:.3g} % of the markets' time",
        f"{gaps} in {look.plural(hours, 'hour')} of {look.plural(markets, 'market')}",
        "UTC hour in which a gap began",
        "market seconds not seen",
    )
    reasons = sorted({row[1] for row in rows})
    for reason, colour in zip(reasons, (*look.COLOURS, look.GREY), strict=False):
        of_reason = [row for row in rows if row[1] == reason]
        made.add_bar(
            x=[row[0] for row in of_reason],
            y=[row[2] for row in of_reason],
            name=reason,
            marker_color=colour,
            width=min(0.75, hours / 10),  # one bar of one hour is no wall
            hovertemplate="%{x}:00, %{y:,.1f} s",
        )
    made.update_layout(barmode="stack").update_xaxes(
        type="category", categoryorder="category ascending"
    )
    return made


def lags(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """How long after the exchange's own stamp frames came, over time.

    Raises LakeError if no frame has one.
    """
    rows = connection.execute(
        f"""
        WITH frames AS (
            SELECT ts_recv_ns, (ts_recv_ns - ts_venue_ns) / 1e6 AS lag_ms FROM events
            WHERE flags & {EventFlag.LAST_IN_BATCH} <> 0 AND ts_venue_ns > 0
                AND kind <> {EventKind.GAP} AND flags & {EventFlag.SNAPSHOT} = 0
        ),
        whole AS (
            SELECT min(ts_recv_ns) AS first_ns, max(ts_recv_ns) - min(ts_recv_ns) + 1 AS span_ns
            FROM frames
        )
        SELECT utc(min(ts_recv_ns)), approx_quantile(lag_ms, 0.5), approx_quantile(lag_ms, 0.99),
            count(*)
        FROM frames CROSS JOIN whole
        GROUP BY (ts_recv_ns - first_ns) * {_STRETCHES} // span_ns ORDER BY 1
        """
    ).fetchall()
    if not rows:
        raise LakeError(_EMPTY)
    made = look.figure(
        "How late frames came",
        f"n = {look.plural(sum(row[3] for row in rows), 'frame')}; receive time - exchange time",
        "UTC",
        "ms",
    )
    for place, name, colour in ((1, "median", look.BLUE), (2, "99 %", look.ORANGE)):
        made.add_scatter(
            x=[row[0] for row in rows],
            y=[row[place] for row in rows],
            name=name,
            mode="lines",
            line={"color": colour},
        )
    made.update_yaxes(rangemode="tozero")
    return made


def doubts(connection: duckdb.DuckDBPyConnection) -> go.Figure:
    """Frames that a check contradicts, by what it says, of a million.

    Raises LakeError if nothing was recorded.
    """
    counted = ", ".join(f"count_if(flags & {flag} <> 0)" for flag in _CHECKS.values())
    ((frames, *found),) = connection.execute(
        f"SELECT count(*), {counted} FROM events WHERE flags & {EventFlag.LAST_IN_BATCH} <> 0"
    ).fetchall()
    if not frames:
        raise LakeError(_EMPTY)
    title = "What the checks contradict" if any(found) else "No check contradicts a frame"
    made = look.figure(
        title,
        f"n = {look.plural(frames, 'frame')}",
        "frames of a million",
        "",
        legend=False,
    )
    made.add_bar(
        x=[1e6 * count / frames for count in found],
        y=list(_CHECKS),
        orientation="h",
        marker_color=look.BLUE,
        text=[f"{count:,}" for count in found],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text} frames<extra></extra>",
    )
    look.name_places(made, list(_CHECKS), columns=34)
    made.update_xaxes(range=[0, 1.1 * max(1e6 * max(found) / frames, 1)])
    return look.resize(made, 200)
