"""A day's displayed opportunities, each with its event and how it ended, as rows to be kept."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import polars as pl

from hfptm.clock import NS_MAX
from hfptm.config import Config
from hfptm.lake import Lake
from hfptm.opportunities import Reason
from hfptm.registry import Market
from hfptm.sweep_files import OPPORTUNITIES
from replay.driver import Selection
from replay.endings import Ended, Ending, endings
from replay.opportunity_rows import OpportunityRows
from replay.reader import EventReader

_ONE = ("kind", "market", "begin_ns")
"""What tells an opportunity from others, whichever set saw it."""


class Places(NamedTuple):
    """What a lake knows of where an opportunity is."""

    markets: list[Market]
    event_of: dict[int, int]
    """A market's group, or its own id if it has none; of a group itself."""
    category_of: dict[int, str]
    """Of markets and groups."""

    @classmethod
    def of(cls, lake: Lake) -> Self:
        markets = lake.markets()
        event_of = {market.market: market.group or market.market for market in markets}
        category_of = {event_of[market.market]: market.category for market in markets}
        category_of |= {market.market: market.category for market in markets}
        return cls(markets, event_of | {event: event for event in event_of.values()}, category_of)


def opportunity_rows(
    found: OpportunityRows,
    lake: Lake,
    places: Places,
    stretch: Selection,
    passed: tuple[Config, int],
) -> pl.DataFrame:
    """Rows of `sweep_files.OPPORTUNITIES` of a pass, its lanes being sets, and `seen_to_ns`.

    How they ended is read from the tape of `stretch`, once for all sets. passed: a set of the pass,
    and its last receive time, to which what is open was seen.
    """
    config, last_ns = passed
    rows = found.displayed().rename({"lane": "set"})
    once = rows.unique(_ONE, keep="first", maintain_order=True).sort("end_ns")
    ended = [str(end) for end in _endings(once, found.legs(), lake, places, (stretch, config))]
    once = once.select(*_ONE, pl.Series("taken_by", ended, pl.String))
    rows = rows.join(once, on=_ONE, how="left").sort("set", "decision")
    market = pl.col("market")
    rows = rows.with_columns(
        event=market.replace_strict(places.event_of, return_dtype=pl.Int64),
        category=market.replace_strict(places.category_of, return_dtype=pl.String),
        seen_to_ns=pl.when(pl.col("end_ns") > 0).then("end_ns").otherwise(last_ns),
    )
    return rows.select(*OPPORTUNITIES.names, "seen_to_ns")


def _endings(
    once: pl.DataFrame,
    legs: pl.DataFrame,
    lake: Lake,
    places: Places,
    asked: tuple[Selection, Config],
) -> Sequence[Ending]:
    """In the order of `once`, which is that of their ends, open ones first."""
    stretch, config = asked
    is_seen = (once["end_ns"] > 0) & (once["end_reason"] != int(Reason.UNSEEN))
    of_each = legs.group_by("lane", "decision").agg(pl.struct("market", "token").alias("legs"))
    seen = once.filter(is_seen).join(
        of_each, left_on=("set", "decision"), right_on=("lane", "decision"), maintain_order="left"
    )
    ended = [
        Ended(end_ns, tuple((leg["market"], leg["token"]) for leg in of_one))
        for end_ns, of_one in seen.select("end_ns", "legs").iter_rows()
    ]
    chosen = {market for each in ended for market, _ in each.legs}
    tape = EventReader(lake, stretch.from_ns, min(stretch.to_ns, NS_MAX), chosen)
    markets = [market for market in places.markets if market.market in chosen]
    answers = iter(endings(tape, markets, config, ended))
    open_or_hidden = [Ending.UNSEEN if end_ns else Ending.OPEN for end_ns in once["end_ns"]]
    return [
        next(answers) if was_seen else other
        for was_seen, other in zip(is_seen, open_or_hidden, strict=True)
    ]
