"""Discovery: which markets to record, from Gamma's listing to what the feed subscribes to.

`step` does what is due at a time and says what has changed; `changes` calls it again and again. The
lake knows a market before the feed does, and its payout before the feed drops it. What takes more
than a few milliseconds runs in a thread, since the loop may be the one that receives.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Self

import numpy as np

from hfptm import clock, sections
from hfptm.errors import VenueError
from hfptm.market_names import is_up_or_down
from hfptm.registry import market_id
from hfptm.units import NS_PER_S
from hfptm.venue.listings import Listed
from hfptm.venue.messages import MarketResolved, NewMarket
from hfptm.venue.resolutions import of_feed
from recorder import payouts
from recorder.catalogue import Catalogue
from recorder.changes import Changes, Ended, Status
from recorder.hydration import Hydration
from recorder.market_store import MarketStore, Settled
from recorder.payouts import Payouts
from recorder.rest import Rest
from recorder.selection import Refused, rules_of, select
from recorder.taker_delays import TakerDelays
from recorder.unresolved import Unresolved

TICK_S = 5.0
"""Between two questions for books and payouts that are due."""

HINT_S = 1.0
"""How long announcements gather before their events are looked up."""

_log = logging.getLogger(__name__)


class Discovery:
    """Use as an async context manager; `seed` spreads the waits between tries."""

    def __init__(
        self, section: sections.Discovery, servers: sections.Servers, store: MarketStore, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.status = Status()
        self._gamma = Rest(servers.gamma_url, "server.gamma_url", rng)
        self._clob = Rest(servers.clob_url, "server.clob_url", rng)
        self._refresh_ns = section.refresh_interval_s * NS_PER_S
        self._rules = rules_of(section)
        self._store = store
        self._catalogue = Catalogue(self._gamma)
        self._hydration = Hydration(self._clob)
        self._taker_delays = TakerDelays(self._clob)
        self._payouts = Payouts(self._gamma, self._clob)
        self._unresolved = Unresolved()
        self._recorded: dict[int, Listed] = {}
        self._wanted: dict[int, Listed] = {}
        """Chosen and not recorded yet."""
        self._resolved: set[int] = set()
        """By now; Gamma may list them as open for a while."""
        self._event_slugs: set[str] = set()
        self._hints: set[str] = set()
        self._heard: dict[int, Settled] = {}
        self._woken = asyncio.Event()
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for rest in (self._gamma, self._clob):
            await self._exits.enter_async_context(rest)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def changes(self) -> AsyncGenerator[Changes]:
        """Endless. Raises VenueError if the exchange does not answer the first look."""
        look_ns = clock.monotonic_ns()
        while True:
            is_look = clock.monotonic_ns() >= look_ns
            if is_look:
                look_ns = clock.monotonic_ns() + self._refresh_ns
            changes = await self.step(clock.wall_ns(), is_look=is_look)
            if changes:
                yield changes
            await self._wait()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), TICK_S)
        except TimeoutError:
            return
        await asyncio.sleep(HINT_S)
        self._woken.clear()

    def hear_new_market(self, message: NewMarket) -> None:
        """An announcement from anywhere on the exchange: it counts if it adds to what we record."""
        slug = (message.event_message or {}).get("slug")
        is_ours = slug in self._event_slugs or is_up_or_down(message.slug)
        if isinstance(slug, str) and is_ours:
            self.status.hints += 1
            self._hints.add(slug)
            self._woken.set()
        else:
            self.status.noise += 1

    def hear_resolved(self, message: MarketResolved, ts_recv_ns: int) -> None:
        market = self._unresolved.get(market_id(message.market))
        resolution = of_feed(message, market.yes_token, market.no_token) if market else None
        if market and resolution:
            settled = Settled(market=market, resolution=resolution, ts_recv_ns=ts_recv_ns)
            self._heard.setdefault(market.market, settled)
            self._woken.set()

    async def step(self, now_ns: int, *, is_look: bool) -> Changes:
        """Do what is due. Raises VenueError if the first look fails.

        Any later failure is a problem in `status`, and what it was about is tried again.
        """
        if not self.status.looks:
            self._unresolved.add(await asyncio.to_thread(self._store.unresolved, now_ns))
        removed = await self._look(now_ns, is_look=is_look)
        added = await self._hydrate(now_ns)
        asked = await self._ask_delays()
        seen = added | asked if removed is None else self._recorded
        versions = [(self._taker_delays.noted(each.market), each.group) for each in seen.values()]
        changed = await asyncio.to_thread(self._store.put, versions) if versions else []
        self._unresolved.add(changed)
        removed = removed or {}
        paid = await self._settle(now_ns)
        for market in paid:
            if self._recorded.pop(market, None) and not added.pop(market, None):
                removed[market] = Ended.RESOLVED
        self._store.forget(removed)
        self._taker_delays.forget(removed)
        self._note()
        groups = {each.group.group: each.group for each in added.values() if each.group}
        return Changes(
            add=[self._taker_delays.noted(each.market) for each in added.values()],
            groups=list(groups.values()),
            paid=paid,
            remove=removed,
            waiting=list(self._wanted),
            updated=[
                market
                for market in changed
                if market.market in self._recorded and market.market not in added
            ],
        )

    async def _look(self, now_ns: int, *, is_look: bool) -> dict[int, Refused | Ended] | None:
        """Look through the listing, or at what was announced, and choose anew.

        What is removed; None if there was nothing to look at, or no answer.
        """
        hints, self._hints = self._hints, set()
        try:
            if is_look:
                await self._catalogue.refresh(now_ns)
                self.status.looks += 1
                self._resolved &= self._catalogue.listed.keys()
            elif hints:
                await self._catalogue.look_up(hints, now_ns)
            else:
                return None
        except VenueError as error:
            if not self.status.looks:
                raise
            self._note_problem(error)
            return None
        return await self._choose(now_ns)

    async def _choose(self, now_ns: int) -> dict[int, Refused | Ended]:
        listed, closed = self._catalogue.listed, self._catalogue.closed
        for market in self._resolved:
            self._catalogue.drop(market)
        before = self._recorded.keys() | self._wanted.keys()
        choice = await asyncio.to_thread(select, listed, before, self._rules, now_ns)
        removed: dict[int, Refused | Ended] = {
            market: Ended.CLOSED if market in closed else why
            for market, why in choice.removed.items()
            if market in self._recorded
        }
        kept = self._recorded.keys() & choice.chosen
        self._recorded = {market: listed[market] for market in kept}
        self._wanted = {market: listed[market] for market in choice.chosen - kept}
        self._event_slugs = {listed[market].event_slug for market in choice.chosen}
        self._unresolved.hurry(self._catalogue.suspects, now_ns)
        self.status.refused = Counter(self._catalogue.refused)
        self.status.refused.update({str(why): count for why, count in choice.refused.items()})
        return removed

    async def _hydrate(self, now_ns: int) -> dict[int, Listed]:
        """Record what was chosen and has a book."""
        try:
            ready = await self._hydration.ready(list(self._wanted.values()), now_ns)
        except VenueError as error:
            self._note_problem(error)
            return {}
        added = {each.market.market: each for each in ready}
        for market in added:
            del self._wanted[market]
        self._recorded |= added
        return added

    async def _ask_delays(self) -> dict[int, Listed]:
        """Recorded markets of which it is known only now whether they delay what would take."""
        try:
            asked = await self._taker_delays.ask(each.market for each in self._recorded.values())
        except VenueError as error:
            self._note_problem(error)
            return {}
        return {market: self._recorded[market] for market in asked}

    async def _settle(self, now_ns: int) -> dict[int, int]:
        """Store the payouts that were heard or asked for; what a YES share pays, by market."""
        settled, self._heard = self._heard, {}
        try:
            due = self._unresolved.due(now_ns, payouts.AT_ONCE)
            found = await self._payouts.ask(due)
            for market in due:
                if resolution := found.get(market.market):
                    asked = Settled(market=market, resolution=resolution, ts_recv_ns=now_ns)
                    settled.setdefault(market.market, asked)
        except VenueError as error:
            self._note_problem(error)
        if settled:
            await asyncio.to_thread(self._store.settle, list(settled.values()))
        for id_, each in settled.items():
            self._unresolved.remove(id_)
            self._catalogue.drop(id_)
            self._wanted.pop(id_, None)
            self._resolved.add(id_)
            self.status.resolved[each.resolution.source] += 1
        return {id_: each.resolution.payout_e4 for id_, each in settled.items()}

    def _note_problem(self, error: VenueError) -> None:
        self.status.problems += 1
        self.status.last_problem = str(error)
        _log.warning("discovery: %s", error)

    def _note(self) -> None:
        self.status.listed = len(self._catalogue.listed)
        self.status.recorded = len(self._recorded)
        self.status.waiting = len(self._wanted)
        self.status.unresolved = len(self._unresolved)
