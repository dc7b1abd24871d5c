"""What a feed does wrong by itself: half a batch that comes late, removals that never come.

Stands between the printed frames and whoever sends them; all others pass untouched and at once.
"""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from hfptm.clock import NS_MAX
from hfptm.sandbox.market_frames import EventType, Published, Publisher

_REMOVAL = b'"size":"0"'

_NEVER_NS = NS_MAX


class FeedArtefacts:
    """A listener of `MarketFrames`, and an agent of the sandbox for what it holds back."""

    def __init__(self) -> None:
        self.listeners: list[Publisher] = []
        """Get each batch, or part of one, when it is sent."""
        self.due_ns = NS_MAX
        self._spoilt: dict[int, int] = {}
        """Markets whose batches are being spoilt, and when the rest of them arrives."""
        self._held: dict[int, list[Sequence[Published]]] = {}
        self._due: list[tuple[int, int]] = []
        self._sent = 0

    @contextmanager
    def half_batch(self, market: int, until_ns: int) -> Iterator[None]:
        """Of what happens at a market inside, new levels are sent at once, the rest, and all that
        the market sends meanwhile, at `until_ns`."""
        with self._spoiling(market, until_ns):
            yield

    @contextmanager
    def lost_delta(self, market: int) -> Iterator[None]:
        """Of what happens at a market inside, nothing but new levels is ever sent."""
        with self._spoiling(market, _NEVER_NS):
            yield

    @contextmanager
    def _spoiling(self, market: int, until_ns: int) -> Iterator[None]:
        self._spoilt[market] = until_ns
        try:
            yield
        finally:
            del self._spoilt[market]

    def receive(self, batch: Sequence[Published]) -> None:
        """Take the frames of one action and send what is to be sent of them now."""
        market = batch[0].market
        until_ns = self._spoilt.get(market)
        if market in self._held:
            self._held[market].append(batch)
        elif until_ns is None:
            self._send(batch)
        else:
            self._send([frame for frame in batch if _is_new_level(frame)])
            if until_ns != _NEVER_NS:
                self._hold(market, [f for f in batch if not _is_new_level(f)], until_ns)

    def act(self, ts_ns: int) -> None:
        """Send what was held until now."""
        while self._due and self._due[0][0] <= ts_ns:
            _, market = heapq.heappop(self._due)
            for batch in self._held.pop(market):
                self._send(batch)
        self.due_ns = self._due[0][0] if self._due else NS_MAX

    def _hold(self, market: int, frames: list[Published], until_ns: int) -> None:
        self._held[market] = [frames]
        heapq.heappush(self._due, (until_ns, market))
        self.due_ns = self._due[0][0]

    def _send(self, frames: Sequence[Published]) -> None:
        if frames:
            batch = [self._numbered(frame) for frame in frames]
            for listener in self.listeners:
                listener(batch)

    def _numbered(self, frame: Published) -> Published:
        """Numbers are those of what is sent, without a gap where something was lost."""
        self._sent += 1
        if frame.number == self._sent:
            return frame
        return msgspec.structs.replace(frame, number=self._sent)


def _is_new_level(frame: Published) -> bool:
    return frame.event_type is EventType.PRICE_CHANGE and _REMOVAL not in frame.payload
