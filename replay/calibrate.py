"""Calibrates hours of the lake: every real order there, and what ours would have got."""

from pathlib import Path

from hfptm import __version__
from hfptm.clock import NS_MAX
from hfptm.config import limits, load
from hfptm.errors import LakeError
from hfptm.lake import Lake
from hfptm.limits import Limits
from hfptm.parquet import HOUR_NS
from hfptm.records import MarketTrait
from hfptm.registry import Group, Market
from hfptm.traits import traits_of
from hfptm.units import NS_PER_MS
from replay.calibration import (
    Calibration,
    HourCalibration,
    Tally,
    calibration,
    rows_by_hour,
    store,
)
from replay.definitions import definitions_at
from replay.driver import Progress
from replay.reader import EventReader
from replay.shadow import Shadow, ShadowTrades

SHORT_WINDOW = "short window"
NO_CLASS = "unnamed"
"""Of other markets whose recording names no category."""


def calibrate(
    data: Path, span_ns: tuple[int, int], print_lag_ms: int, progress: Progress
) -> Calibration:
    """Calibrate the whole hours that overlap [from, to) of `span_ns`, and keep the result.

    Raises LakeError if there are none.
    """
    lake = Lake(data)
    rows = rows_by_hour(lake, *span_ns)
    if not rows:
        raise LakeError(
            f"{lake.root}: nothing recorded in this time; see what is there with `hfptm lake`"
        )
    from_ns, to_ns = min(rows), min(max(rows) + HOUR_NS, NS_MAX)
    markets, groups, _ = definitions_at(lake.market_versions(), from_ns)
    defaults = limits(load(None, (), {}))
    tallies = _Tallies(markets, groups, defaults)
    shadows = ShadowTrades(markets, groups, defaults, tallies.add, print_lag_ms * NS_PER_MS)
    reader = EventReader(lake, from_ns, to_ns)
    for block in reader:
        shadows.feed(block)
        progress(reader.rows_read, reader.rows_total)
    shadows.finish()
    for start_ns, count in rows.items():
        store(
            lake,
            HourCalibration(
                hour_ns=start_ns,
                rows=count,
                version=__version__,
                print_lag_ms=print_lag_ms,
                tallies=tallies.of_hour(start_ns),
            ),
        )
    return calibration(lake, from_ns, to_ns)


class _Tallies:
    """By hour, event and class."""

    def __init__(self, markets: list[Market], groups: list[Group], limits: Limits) -> None:
        events = {group.group: group for group in groups}
        self._names = {}
        for market in markets:
            event = events.get(market.group)
            slug = event.slug if event else market.slug
            self._names[market.market] = slug, class_of(market, event, limits)
        self._hours: dict[int, dict[tuple[str, str], Tally]] = {}

    def add(self, shadow: Shadow) -> None:
        order = shadow.order
        event, market_class = self._names[order.market]
        hour = self._hours.setdefault(order.ts_recv_ns // HOUR_NS * HOUR_NS, {})
        key = event, market_class
        if key not in hour:
            hour[key] = Tally(event=event, market_class=market_class)
        hour[key].add(shadow)

    def of_hour(self, start_ns: int) -> list[Tally]:
        hour = self._hours.get(start_ns, {})
        return [hour[key] for key in sorted(hour)]


def class_of(market: Market, event: Group | None, limits: Limits) -> str:
    """Short windows are one class, whatever they are about; others go by their category."""
    if traits_of(market, event, limits) & MarketTrait.SHORT_WINDOW:
        return SHORT_WINDOW
    return market.category or NO_CLASS
