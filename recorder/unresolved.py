"""Recorded markets whose payout is not known yet, and when to ask about each again.

Pure. The question comes soon after a market's end and then ever more rarely: short windows resolve
within minutes, disputes take days.
"""

from collections.abc import Iterable

import msgspec

from hfptm.registry import Market
from hfptm.units import NS_PER_S

SHORTEST_WAIT_NS = 15 * NS_PER_S
LONGEST_WAIT_NS = 3_600 * NS_PER_S
AGE_SHARE = 4
"""The wait is a quarter of the time since the market's end, within the bounds above."""


class _Open(msgspec.Struct, gc=False):
    market: Market
    over_ns: int
    """Since when it may be resolved; 0 if its end is unknown."""
    due_ns: int
    """0: not before `hurry`."""


class Unresolved:
    """By market id."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def get(self, market: int) -> Market | None:
        found = self._open.get(market)
        return found.market if found else None

    def add(self, markets: Iterable[Market]) -> None:
        """From its scheduled end on a market is asked about. Known ones get their new rules."""
        for market in markets:
            found = self._open.get(market.market)
            if found is None or found.market.end_ts_ns != market.end_ts_ns:
                found = _Open(market, market.end_ts_ns, market.end_ts_ns)
                self._open[market.market] = found
            found.market = market

    def hurry(self, markets: Iterable[int], now_ns: int) -> None:
        """These may be over, whatever their schedule says: as if they had ended now."""
        for market in markets:
            if found := self._open.get(market):
                found.over_ns = found.due_ns = now_ns

    def due(self, now_ns: int, limit: int) -> list[Market]:
        """The `limit` that have been due longest; each is then due again later."""
        due = [each for each in self._open.values() if 0 < each.due_ns <= now_ns]
        due.sort(key=lambda each: (each.due_ns, each.market.market))
        for each in due[:limit]:
            wait_ns = (now_ns - each.over_ns) // AGE_SHARE
            each.due_ns = now_ns + min(max(wait_ns, SHORTEST_WAIT_NS), LONGEST_WAIT_NS)
        return [each.market for each in due[:limit]]

    def remove(self, market: int) -> None:
        self._open.pop(market, None)
