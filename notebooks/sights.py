"""One displayed opportunity of a run, and its legs."""

from typing import NamedTuple

import duckdb

from hfptm.errors import LakeError
from hfptm.opportunities import OpportunityKind, Reason
from hfptm.records import IntentKind, Token
from hfptm.units import NS_PER_MS, PRICE_ONE_E4
from notebooks import look
from notebooks.opportunities import KINDS

_MARGIN_NS = 2_000 * NS_PER_MS
"""At most so much is shown before and after."""


class Leg(NamedTuple):
    market: int
    slug: str
    token: Token
    limit_e4: int
    """In the token's own terms."""

    @property
    def name(self) -> str:
        return f"{self.token.name} of {look.shortened(self.slug, 34)}"


class Sight(NamedTuple):
    """One displayed opportunity of a run."""

    kind: OpportunityKind
    slug: str
    displayed_ns: int
    end_ns: int
    """Of the run's last row if it was open then."""
    displayed_size_e6: int
    displayed_e6: int
    arrived: bool
    unseen: bool
    was_taken: bool
    entry_ms: float
    """Of the run's latency model: median of what an order takes to the exchange."""
    legs: tuple[Leg, ...]

    @property
    def pays_e4(self) -> int:
        """A set: of a NO basket at most one outcome wins, so all others' NO pay."""
        is_no = self.kind is OpportunityKind.NO_BASKET
        return PRICE_ONE_E4 * (len(self.legs) - 1 if is_no else 1)

    @property
    def span_ns(self) -> tuple[int, int]:
        """What is shown: it, and half as long before and after."""
        life_ns = self.end_ns - self.displayed_ns
        margin_ns = min(_MARGIN_NS, max(200 * NS_PER_MS, life_ns // 2))
        return self.displayed_ns - margin_ns, self.end_ns + margin_ns


def largest(connection: duckdb.DuckDBPyConnection, run: str) -> int:
    """Decision id of the opportunity of a run that displayed the largest profit.

    Raises LakeError if none was displayed.
    """
    rows = connection.execute(
        "SELECT decision FROM opportunities WHERE run_id = $1 AND displayed "
        "ORDER BY displayed_e6 DESC, decision LIMIT 1",
        [run],
    ).fetchall()
    if not rows:
        raise LakeError(
            f"run {run} displayed nothing: take another, or lower trading.min_edge with "
            "`hfptm replay --set trading.min_edge=0`"
        )
    return int(rows[0][0])


def sight(connection: duckdb.DuckDBPyConnection, run: str, decision: int) -> Sight:
    """Raises LakeError if that run displayed no such opportunity."""
    rows = connection.execute(
        """
        SELECT kind, coalesce(slug, ''), displayed_ns, if(end_ns = 0, last_ns, end_ns),
            displayed_size_e6, displayed_e6, seen.arrived = 1, seen.unseen = 1, seen.reason,
            coalesce(CAST(summary->>'$.latency.entry_ms_p50' AS DOUBLE), 0)
        FROM (FROM opportunities WHERE run_id = $1 AND decision = $2 AND displayed) AS seen
        JOIN runs USING (run_id)
        LEFT JOIN (SELECT run_id, decision, slug FROM opportunities_named) USING (run_id, decision)
        """,
        [run, decision],
    ).fetchall()
    if not rows:
        raise LakeError(f"run {run} displayed no opportunity {decision}; opportunities names them")
    kind, slug, displayed_ns, end_ns, size_e6, edge_e6, arrived, unseen, reason, entry_ms = rows[0]
    return Sight(
        kind=OpportunityKind(kind),
        slug=slug,
        displayed_ns=displayed_ns,
        end_ns=end_ns,
        displayed_size_e6=size_e6,
        displayed_e6=edge_e6,
        arrived=arrived,
        unseen=unseen,
        was_taken=reason == Reason.TAKEN,
        entry_ms=entry_ms,
        legs=_legs(connection, run, decision),
    )


def _legs(connection: duckdb.DuckDBPyConnection, run: str, decision: int) -> tuple[Leg, ...]:
    """Those whose books at arrival the run asked for."""
    rows = connection.execute(
        f"""
        SELECT market, coalesce(slug, market::VARCHAR), token, price_e4
        FROM intents LEFT JOIN markets USING (market)
        WHERE run_id = $1 AND intents.kind = {IntentKind.OBSERVE} AND "order" = $2 ORDER BY leg
        """,
        [run, decision],
    ).fetchall()
    return tuple(Leg(market, slug, Token(token), price) for market, slug, token, price in rows)


def told(seen: Sight) -> str:
    """One opportunity in a sentence."""
    name = KINDS[seen.kind]
    became = "its book at arrival was not recorded" if seen.unseen else "gone at arrival"
    if seen.arrived:
        became = "still there at arrival"
    return (
        f"{name[0].upper()}{name[1:]}: ${seen.displayed_e6 / 1e6:,.2f} after fees on "
        f"{seen.displayed_size_e6 / 1e6:,.0f} sets for "
        f"{(seen.end_ns - seen.displayed_ns) / NS_PER_MS:,.0f} ms; {became}"
    )
