"""One of the independent lines to the exchange: all markets once, on as few connections as hold
them.

Each line draws by itself which market goes where, so that a connection which fails here has no
counterpart with the same markets there.
"""

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np

from hfptm.clock import monotonic_ns
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from recorder.dialling import Dialling
from recorder.shard import Shard, wait_for

SPREAD = (0.75, 1.25)
"""Of the time between two planned reconnects, so that they do not fall together."""

TOKENS = 2
"""Of a market; they go together."""


class Line:
    """`tasks` run its shards; `renew_s` 0 never replaces a connection that works."""

    def __init__(
        self,
        number: int,
        dialling: Dialling,
        tasks: asyncio.TaskGroup,
        *,
        assets: int,
        renew_s: int,
    ) -> None:
        self.shards: dict[Shard, int] = {}
        """With the monotonic time of their next planned reconnect."""
        self.number, self._dialling, self._tasks = number, dialling, tasks
        self._room = max(1, assets // TOKENS)
        self._renew_ns = renew_s * NS_PER_S
        self._at: dict[int, Shard] = {}
        self._rng = np.random.default_rng(number)
        self._renewing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many markets it carries."""
        return len(self._at)

    def add(self, markets: Iterable[Market]) -> None:
        """Carry these; those that it carries already stay where they are."""
        new = [market for market in markets if market.market not in self._at]
        while self._free() < len(new):
            shard = Shard(self.number, self._dialling)
            self.shards[shard] = self._next_renewal_ns()
        for shard, placed in self._placed(new).items():
            is_new = not shard.markets
            shard.add(placed)
            if is_new:
                shard.start(self._tasks)

    def remove(self, markets: Iterable[int]) -> None:
        """Carry these no more, by id."""
        by_shard: dict[Shard, list[int]] = {}
        for market in markets:
            if shard := self._at.pop(market, None):
                by_shard.setdefault(shard, []).append(market)
        for shard, gone in by_shard.items():
            shard.remove(gone)
            if not shard.markets:
                del self.shards[shard]
                shard.stop("empty")

    def tick(self, now_ns: int) -> None:
        """Replace a connection that is due, one at a time; call it about once a second."""
        if not self._renew_ns or (self._renewing and not self._renewing.done()):
            return
        shard = min(self.shards, key=self.shards.__getitem__, default=None)
        if shard is not None and self.shards[shard] <= now_ns:
            self.shards[shard] = self._next_renewal_ns()
            has_room = self._free() - self._room + len(shard.markets) >= 2 * len(shard.markets)
            work = self._merge(shard) if has_room else shard.renew()
            self._renewing = self._tasks.create_task(work)

    def stop(self, cause: str) -> None:
        if self._renewing:
            self._renewing.cancel()
        for shard in self.shards:
            shard.stop(cause)

    def _free(self) -> int:
        return self._room * len(self.shards) - len(self._at)

    def _placed(self, markets: Sequence[Market]) -> dict[Shard, list[Market]]:
        """Where each goes: anywhere that has room."""
        room = {shard: self._room - len(shard.markets) for shard in self.shards}
        open_ = [shard for shard, places in room.items() if places]
        placed: dict[Shard, list[Market]] = {}
        for market in markets:
            index = int(self._rng.integers(len(open_)))
            shard = self._at[market.market] = open_[index]
            placed.setdefault(shard, []).append(market)
            room[shard] -= 1
            if not room[shard]:
                open_.pop(index)
        return placed

    async def _merge(self, shard: Shard) -> None:
        """Its markets go to the others, which have their books before it goes."""
        del self.shards[shard]
        moved = list(shard.markets.values())
        for market in moved:
            del self._at[market.market]
        self.add(moved)
        try:
            await wait_for(lambda: all(self._has_book(market) for market in moved))
        finally:
            shard.stop("merged")

    def _has_book(self, market: Market) -> bool:
        home = self._at.get(market.market)
        return home is None or home.has_book(market.market)

    def _next_renewal_ns(self) -> int:
        return monotonic_ns() + int(self._renew_ns * self._dialling.spread(*SPREAD))
