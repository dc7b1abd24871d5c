"""The gaps of all markets: which go on, and where those begin whose beginning nobody saw."""

from collections.abc import Set

import msgspec

from hfptm.lake import Gap
from hfptm.records import GapReason

_OF_EXCHANGE = (GapReason.DISCONNECT, GapReason.SILENCE)
"""Losses on the way to us: the market may have been silent before, unnoticed. In all others the
recorder was at fault, or meant it."""


class Loose(msgspec.Struct):
    """What was known of a market when a gap began later than its last word."""

    told_ns: int
    """Receive time of that last word."""
    latest_ns: int
    """The newest exchange time until then."""


class Gaps:
    """`begin` and `end` them, then take those that ended. `unseen` are the others, by market.

    A connection that is up and says nothing of a market proves nothing. So when a connection ends,
    it is open what was sent since its last word of the market, until the next full book: one that
    shows nothing newer proves that nothing was; else all the time since then was not seen.
    """

    def __init__(self, unseen: dict[int, Gap], loose: dict[int, Loose]) -> None:
        self.unseen, self.loose = unseen, loose
        self._closed: list[Gap] = []

    def take(self) -> list[Gap]:
        """Those that ended since the last call."""
        closed, self._closed = self._closed, []
        return closed

    def lasting(self, markets: Set[int]) -> dict[int, Gap]:
        """Those of `unseen` that may still end, if only these markets can be seen again: of others
        nothing is missed, once they are removed.
        """
        return {
            market: gap
            for market, gap in self.unseen.items()
            if market in markets or gap.reason is not GapReason.REMOVED
        }

    def begin(self, gap: Gap, loose: Loose) -> bool:
        """False if it goes on already. One that is meant ends what was a loss."""
        before = self.unseen.get(gap.market)
        if before is not None and (
            gap.reason is not GapReason.REMOVED or before.reason is GapReason.REMOVED
        ):
            return False
        if before is not None:
            self._closed.append(Gap(before.from_ns, gap.market, gap.from_ns, before.reason))
            self.loose.pop(gap.market, None)
        elif gap.reason in _OF_EXCHANGE and loose.told_ns < gap.from_ns:
            self.loose[gap.market] = loose
        self.unseen[gap.market] = gap
        return True

    def end(self, market: int, ts_recv_ns: int, ts_venue_ns: int) -> None:
        """With a full book of that exchange time, if there is one."""
        gap, loose = self.unseen.pop(market, None), self.loose.pop(market, None)
        if gap is None:
            return
        if loose is not None and ts_venue_ns > loose.latest_ns:
            self.add(loose.told_ns, market, gap.from_ns)
        self._closed.append(Gap(gap.from_ns, market, ts_recv_ns, gap.reason))

    def add(self, from_ns: int, market: int, to_ns: int) -> None:
        """One that was over when it was known."""
        self._closed.append(Gap(from_ns, market, to_ns, GapReason.SILENCE))

    def forget(self, market: int) -> None:
        self.unseen.pop(market, None)
        self.loose.pop(market, None)
