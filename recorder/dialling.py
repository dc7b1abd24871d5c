"""Opens connections to the market channel: one after the other, numbered, and not too fast.

Many at once are answered with 429 (exchange reference, section 1.5).
"""

import asyncio
from collections.abc import Iterable

import msgspec
import numpy as np

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.raw import RawKind, Silence
from hfptm.records import GapReason
from hfptm.registry import Market
from recorder.connection import Append, Connection, Ended, Hear, connect
from recorder.observations import LinkSight

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
_DOUBLINGS = 7
"""From the first wait to beyond the longest."""


class Dialling:
    """`rng` spreads the waits, so that connections which failed together do not return together."""

    def __init__(
        self, address: str, append: Append, hear: Hear, per_s: int, rng: np.random.Generator
    ) -> None:
        self.open: dict[int, Connection] = {}
        """By number."""
        self.opened = self.failed = 0
        """Since the start."""
        self._address, self._append, self._hear = address, append, hear
        self._interval_s, self._rng = 1 / per_s, rng
        self._next_s = 0.0
        self._last = 0
        self._frames = self._size_bytes = 0
        """Of connections that have ended."""

    async def connect(self, line: int, ended: Ended) -> Connection:
        """The next one, when it is its turn. Raises VenueError."""
        await self._turn()
        self._last += 1
        sight = LinkSight(line, self._last, monotonic_ns())

        def forget(connection: Connection) -> None:
            self._frames += sight.frames
            self._size_bytes += sight.size_bytes
            if self.open.pop(sight.connection, None):
                ended(connection)

        self.failed += 1
        made = await connect(self._address, sight, self._append, self._hear, forget)
        self.failed -= 1
        self.opened += 1
        self.open[sight.connection] = made
        return made

    def note_removed(self, line: int, markets: Iterable[Market]) -> None:
        """Say in the recording that these are asked for no more, while no connection has them."""
        tokens = [token for market in markets for token in (market.yes_token, market.no_token)]
        payload = msgspec.json.encode(Silence(tokens, GapReason.REMOVED))
        stamps = (wall_ns(), monotonic_ns())
        self._append((*stamps, line, 0, 0, int(RawKind.SILENCE), payload))

    def received(self) -> tuple[int, int]:
        """Frames since the start, and their bytes."""
        links = [connection.sight for connection in self.open.values()]
        frames = self._frames + sum(link.frames for link in links)
        return frames, self._size_bytes + sum(link.size_bytes for link in links)

    def wait_s(self, failures: int) -> float:
        """Before the next try: doubling with each failure, anywhere in its upper half."""
        longest_s = min(FIRST_WAIT_S * (1 << min(failures, _DOUBLINGS)), LONGEST_WAIT_S)
        return longest_s * self.spread(0.5, 1.0)

    def spread(self, least: float, most: float) -> float:
        """Any number between."""
        return float(self._rng.uniform(least, most))

    async def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        turn_s = max(self._next_s, now_s)
        self._next_s = turn_s + self._interval_s
        await asyncio.sleep(turn_s - now_s)
