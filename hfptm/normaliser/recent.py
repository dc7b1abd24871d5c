"""Parts in order of receipt, until what all have delivered may be dropped."""

from collections import deque
from collections.abc import Iterable, Iterator

from hfptm.normaliser.streams import RECENT_NS, Part

FEW = 2
"""One frame adds one, so with two a frame what a stall left behind is worked off."""


class Recent:
    """Says which markets hold parts older than `RECENT_NS`, each part once.

    Where a market is used, its own old parts are dropped first, so when the others go makes no
    difference to anything but memory. All at once would make the first frame after a stall wait.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = deque(sorted(parts, key=lambda part: part.ts_recv_ns))
        self.before_ns = 0
        """Parts received before then are old, as of the last frame."""

    def add(self, part: Part) -> None:
        self._parts.append(part)

    def few(self, ts_recv_ns: int) -> Iterator[int]:
        """Markets of the oldest parts, when a frame is received."""
        self.before_ns = ts_recv_ns - RECENT_NS
        for _ in range(FEW):
            if not self._parts or self._parts[0].ts_recv_ns >= self.before_ns:
                return
            yield self._parts.popleft().market

    def all(self) -> Iterator[int]:
        """Markets of all that is old by now."""
        while self._parts and self._parts[0].ts_recv_ns < self.before_ns:
            yield self._parts.popleft().market
