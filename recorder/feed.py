"""Everything that is received: the lines, their connections, and what a watchdog has done to them.

Use as an async context manager; what goes wrong in a task of it ends the `async with`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from hfptm import sections
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from recorder.connection import Append, Hear
from recorder.dialling import Dialling
from recorder.line import Line
from recorder.observations import LinkSight, Order, Reconnect, Resubscribe, Verdict

PING_NS = 10 * NS_PER_S


class Feed:
    """`append` takes every raw row, `hear` every frame with news of a market."""

    def __init__(
        self, section: sections.Recorder, address: str, append: Append, hear: Hear, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.dialling = Dialling(address, append, hear, section.connections_per_s, rng)
        self._section = section
        self._tasks = asyncio.TaskGroup()
        self._pinged_ns = 0
        self.lines = [
            Line(
                number,
                self.dialling,
                self._tasks,
                assets=section.assets_per_connection,
                renew_s=section.reconnect_interval_s,
            )
            for number in range(section.redundancy)
        ]

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for line in self.lines:
            line.stop("stopped")
        await self._tasks.__aexit__(kind, error, traceback)

    def add(self, markets: Sequence[Market]) -> None:
        """Receive these from now on, on every line."""
        for line in self.lines:
            line.add(markets)

    def remove(self, markets: Iterable[int]) -> None:
        """By id; the recording says that they are not seen any more."""
        gone = list(markets)
        for line in self.lines:
            line.remove(gone)

    def links(self) -> list[LinkSight]:
        """What is seen of the connections that are open."""
        return [connection.sight for connection in self.dialling.open.values()]

    def tick(self, now_ns: int) -> None:
        """Do what is due by the monotonic time; call it about once a second."""
        if is_ping_due := now_ns - self._pinged_ns >= PING_NS:
            self._pinged_ns = now_ns
        for connection in self.dialling.open.values():
            connection.settle(now_ns)
            if is_ping_due:
                connection.ping()
        for line in self.lines:
            line.tick(now_ns)

    def carry_out(self, orders: Iterable[Order]) -> None:
        """In turn. What they are about may be gone by now, and is left alone then."""
        for order in orders:
            connection = self.dialling.open.get(order.connection)
            if connection is None:
                continue
            match order:
                case Verdict(markets=markets):
                    connection.note_silence(markets)
                case Resubscribe(market=market) if market in connection.sight.markets:
                    connection.resubscribe(market)
                case Reconnect(reason=reason):
                    connection.close(reason.name.lower())
