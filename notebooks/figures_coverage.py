"""What a recording is worth, hour by hour, as `hfptm verify` found it."""

from typing import NamedTuple

import duckdb
import plotly.graph_objects as go

from hfptm.errors import LakeError
from notebooks import look

_NS_PER_HOUR = 3_600_000_000_000


class GradedHour(NamedTuple):
    """Of the hours with a certificate; several origins of an hour are several of these."""

    hour: str
    """UTC, as "2026-04-29 02"."""
    origin: str
    grade: str
    listed_s: float
    unseen_s: float
    batches_checked: int
    mismatches: int
    gaps: int

    @property
    def seen_percent(self) -> float:
        return 100 * (1 - self.unseen_s / self.listed_s) if self.listed_s else 0.0


def graded_hours(
    connection: duckdb.DuckDBPyConnection, first_ns: int, last_ns: int
) -> list[GradedHour]:
    """Those that overlap the time between two stamps; empty if none was verified."""
    rows = connection.execute(
        """
        SELECT strftime(utc(hour_ns), '%Y-%m-%d %H'), origin, grade, listed_s, unseen_s,
               batches_checked, mismatches, gaps
        FROM certificates WHERE hour_ns > ? AND hour_ns <= ? ORDER BY hour_ns, origin
        """,
        [first_ns - _NS_PER_HOUR, last_ns],
    ).fetchall()
    return [GradedHour(*row) for row in rows]


def coverage(connection: duckdb.DuckDBPyConnection, first_ns: int, last_ns: int) -> go.Figure:
    """Share of the markets' listed time that was seen, by hour, with each hour's grade.

    Raises LakeError if none of these hours was verified.
    """
    hours = graded_hours(connection, first_ns, last_ns)
    if not hours:
        raise LakeError("none of these hours was verified; `hfptm verify` checks and grades them")
    made = look.figure(
        "Coverage and grade by hour",
        f"n = {look.plural(len(hours), 'hour')} verified; A is best, F worst",
        "UTC hour",
        "listed time seen, %",
        legend=False,
    )
    made.add_bar(
        x=[hour.hour for hour in hours],
        y=[hour.seen_percent for hour in hours],
        name="seen, %",
        text=[hour.grade for hour in hours],
        textposition="inside",
        marker_color=look.BLUE,
        hovertemplate="%{x}: grade %{text}, %{y:.2f} % seen",
    )
    made.update_xaxes(type="category").update_yaxes(range=[0, 103])
    return made
