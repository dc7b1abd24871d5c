"""Makers and takers of all markets together, at a steady number of frames per second.

Decisions come in clusters: each makes another one soon after it likely, mostly at the same event
(a self-exciting process, seen as its clusters). Between clusters there is as much quiet as brings
the frames of the market channel back to their rate.
"""

from math import log

from hfptm.sandbox.floor import Floor, Pit
from hfptm.sandbox.frame_meter import FrameMeter
from hfptm.sandbox.orders import TimeInForce
from hfptm.sandbox.quoter import Quoter
from hfptm.units import NS_PER_MS, NS_PER_S

GOES_ON_PERCENT = 70
"""How likely a decision is followed by another one of its cluster."""

STAYS_PERCENT = 85
"""And that one is at the same event."""

TAKES_PERMILLE, DRIFTS_PERMILLE = 20, 25
"""Decisions that take, and those that follow the fair value; all others place or cancel an order.
Quotes follow only if the fair value has moved by a tick."""

SWEEPS_PERCENT = 4
"""Takers that take three whole levels."""

_KINDS = (TimeInForce.FAK, TimeInForce.FAK, TimeInForce.FOK, TimeInForce.GTC)

_SOON_NS = (300_000, 1_000_000, 2_000_000, 3_000_000, 6_000_000)
"""Quantiles of the time between decisions of a cluster, while the rate leaves room for it."""

_Q = 1 << 10
_WAITS = [round(-log(1 - (i + 0.5) / 257) * _Q) for i in range(257)]
"""Quantiles of the exponential distribution."""

_LEAST_NS = 1_000
_IDLE_NS = 100 * NS_PER_MS
_OFF_NS = NS_PER_S
"""How far the rate may be ahead or behind before that is forgotten."""


class Traders:
    """An agent. `rate` is in frames per second, custom ones included, in all markets together.

    Whatever else happens at the sandbox counts too, so that it comes on top only if it is more than
    a second's worth.
    """

    def __init__(self, floor: Floor, rate: int) -> None:
        if rate < 1:
            raise ValueError(f"rate={rate} frames per second: at least 1")
        sandbox = floor.house.sandbox
        self.due_ns = sandbox.now_ns + _LEAST_NS
        self._floor, self._draws = floor, floor.house.draws
        self._meter = FrameMeter(sandbox)
        self._frame_ns = NS_PER_S // rate
        self._counted = 0
        self._even_ns = sandbox.now_ns
        """When the frames so far would be at their rate."""
        self._pit: Pit | None = None
        """Where the cluster goes on."""

    def act(self, ts_ns: int) -> None:
        """One decision at one market."""
        draws = self._draws
        if self._pit is None or draws.below(100) >= STAYS_PERCENT:
            self._pit = self._floor.any_pit()
        if self._pit is None:
            self.due_ns = ts_ns + _IDLE_NS
            return
        self._decide(self._pit, ts_ns)
        ahead_ns = self._ahead_ns(ts_ns)
        if draws.below(100) < GOES_ON_PERCENT:
            wait_ns = min(draws.quantile(_SOON_NS), ahead_ns // 2)
        else:
            self._pit = None
            wait_ns = ahead_ns * draws.quantile(_WAITS) // _Q
        self.due_ns = ts_ns + max(wait_ns, _LEAST_NS)

    def _ahead_ns(self, ts_ns: int) -> int:
        """How long it would have to be quiet for the rate to be even."""
        frames = self._meter.frames
        even_ns = self._even_ns + (frames - self._counted) * self._frame_ns
        self._counted = frames
        self._even_ns = max(ts_ns - _OFF_NS, min(even_ns, ts_ns + _OFF_NS))
        return self._even_ns - ts_ns

    def _decide(self, pit: Pit, ts_ns: int) -> None:
        draws = self._draws
        index = draws.below(len(pit.quoters))
        quoter = pit.quoters[index]
        dice = draws.below(1_000)
        depth = draws.quantile(quoter.quoting.depths)
        if quoter.held:
            quoter.shuffle(max(depth, 1))
        elif dice < TAKES_PERMILLE:
            self._take(quoter, pit)
        elif dice < TAKES_PERMILLE + DRIFTS_PERMILLE and self._follow(pit, index, ts_ns):
            return
        else:
            quoter.shuffle(depth)

    def _take(self, quoter: Quoter, pit: Pit) -> None:
        """Delayed orders are left to others where they show: the book would look crossed."""
        draws, listing = self._draws, quoter.listed.listing
        side = draws.below(2)
        if listing.shows_delayed:
            return
        if draws.below(100) < SWEEPS_PERCENT:
            quoter.take(side, levels=3)
            return
        kind = _KINDS[draws.below(len(_KINDS))]
        # What rests after its delay might leave an edge within its group.
        may_rest = pit.event.group is None
        quoter.take(side, time_in_force=kind if may_rest else TimeInForce.FAK)

    def _follow(self, pit: Pit, index: int, ts_ns: int) -> bool:
        """Quote around the fair value as it is by now; False if that changes nothing."""
        pit.fair_values.move(index, ts_ns)
        quoter = pit.quoters[index]
        quotes = quoter.fair_quotes()
        if quotes == (quoter.best_e4(0), quoter.best_e4(1)):
            return False
        quoter.requote(*quotes)
        return True
