"""What a run says in one sentence; where it saw too little it says that instead."""

from typing import NamedTuple

import duckdb

from hfptm.tables import duration
from replay.confidence import EVENTS_MIN, Estimate, ratio_by_event
from replay.metrics import Json
from replay.report import number, section

OPPORTUNITIES_MIN = 30
"""Of fewer no share is worth a sentence."""
QUIET_MIN_S = 86_400
"""A shorter silence says nothing about the next hour."""


class Caught(NamedTuple):
    """Of what was displayed while the book at arrival was recorded."""

    events: int
    displayed: int
    printed: int
    arrived: Estimate
    """Share by count."""


def caught(connection: duckdb.DuckDBPyConnection, run_id: str) -> Caught:
    rows = connection.execute(
        """
        SELECT count(*), sum(arrived::INT), sum(printed::INT) FROM opportunities
        WHERE run_id = ? AND displayed AND artefact = 0 AND NOT confirmed AND unseen = 0
        GROUP BY event ORDER BY event
        """,
        [run_id],
    ).fetchall()
    displayed, arrived, printed = zip(*rows, strict=True) if rows else ((), (), ())
    share = ratio_by_event(arrived, displayed)
    return Caught(len(rows), sum(displayed), sum(printed), share)


def sentence(summary: Json, found: Caught) -> str:
    """The verdict of a run."""
    span_s = number(section(summary, "coverage"), "span_s")
    if found.displayed == 0 and span_s >= QUIET_MIN_S:
        hours = span_s / 3_600
        return f"No edge here: in {hours:,.0f} hours nothing was displayed that paid after fees."
    if found.displayed < OPPORTUNITIES_MIN or found.events < EVENTS_MIN:
        return (
            f"Too thin for a verdict: {_count(found.displayed)} in {_events(found.events)} with a "
            f"known book at arrival, in {duration(span_s)}; at least {OPPORTUNITIES_MIN} "
            f"in {EVENTS_MIN} are wanted."
        )
    share = found.arrived
    assert share.low is not None
    assert share.high is not None
    return (
        f"Of {_count(found.displayed)} in {_events(found.events)}, {share.value:.1%} (95 %: "
        f"{share.low:.1%} to {share.high:.1%}) were still there when orders would have arrived "
        f"and {found.printed / found.displayed:.1%} were corroborated by a print; "
        f"{_result(summary)}."
    )


def _count(opportunities: int) -> str:
    return f"{opportunities:,} displayed opportunit{'y' if opportunities == 1 else 'ies'}"


def _events(events: int) -> str:
    return f"{events:,} event{'' if events == 1 else 's'}"


def _result(summary: Json) -> str:
    residue = number(summary, "residue_bid_usd") - number(summary, "residue_cost_usd")
    compared = "less" if residue < 0 else "more"
    return (
        f"after fees the run realised {_dollars(number(summary, 'pnl_usd'))}, locked "
        f"{_dollars(number(summary, 'locked_profit_usd'))} of profit until resolution, and carries "
        f"shares without partners worth {_dollars(abs(residue))} {compared} at the last bids than "
        "they cost"
    )


def _dollars(amount: float) -> str:
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"
