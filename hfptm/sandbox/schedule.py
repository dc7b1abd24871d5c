"""The world's calendar: rounds are listed, opened, begun, closed, resolved, and forgotten."""

import heapq
from collections import deque
from collections.abc import Callable
from functools import partial

from hfptm.clock import NS_MAX
from hfptm.sandbox.floor import Floor, Pit
from hfptm.sandbox.offers import EventOffer
from hfptm.sandbox.opening import list_event, list_universe, open_event
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.series import Series
from hfptm.sandbox.universe import Universe

FINISHED_EVENTS_MAX = 2_000
"""Resolved events that can still be asked for; the oldest is forgotten first."""


class Schedule:
    """An agent. Making it lists and opens all that there is at the universe's start, and the next
    rounds of its series."""

    def __init__(self, sandbox: Sandbox, universe: Universe, floor: Floor) -> None:
        self._sandbox, self._floor = sandbox, floor
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._scheduled = 0
        self._finished: deque[str] = deque()
        list_universe(sandbox, universe, sandbox.now_ns)
        for event in universe.events:
            floor.enter(event)
            self._plan_end(event)
        for series in universe.series:
            self._plan_round(series, series.round_at(universe.start_ns) + 1)
        while self.due_ns <= sandbox.now_ns:
            self.act(sandbox.now_ns)

    @property
    def due_ns(self) -> int:
        return self._agenda[0][0] if self._agenda else NS_MAX

    def act(self, ts_ns: int) -> None:
        """The one thing that is due next."""
        _, _, happens = heapq.heappop(self._agenda)
        happens(ts_ns)

    def _plan(self, at_ns: int, happens: Callable[[int], None]) -> None:
        self._scheduled += 1
        heapq.heappush(self._agenda, (at_ns, self._scheduled, happens))

    def _plan_round(self, series: Series, number: int) -> None:
        self._plan(series.lists_ns(number), partial(self._list, series, number))

    def _list(self, series: Series, number: int, ts_ns: int) -> None:
        event = series.round(number)
        list_event(self._sandbox, event, ts_ns)
        self._plan(event.times.opens_ns, partial(self._open, event))
        self._plan_round(series, number + 1)

    def _open(self, event: EventOffer, ts_ns: int) -> None:
        open_event(self._sandbox, event, ts_ns)
        self._floor.enter(event)
        self._plan_end(event)

    def _plan_end(self, event: EventOffer) -> None:
        times, slug = event.times, event.terms.slug
        if times.starts_ns > self._sandbox.now_ns:
            self._plan(times.starts_ns, lambda _: self._floor.start(slug))
        if times.ends_ns:
            self._plan(times.ends_ns, partial(self._close, slug))

    def _close(self, slug: str, ts_ns: int) -> None:
        pit = self._floor.leave(slug)
        for index, quoter in enumerate(pit.quoters):
            pit.fair_values.move(index, ts_ns)
            self._sandbox.close_market(quoter.listed.market.market, ts_ns)
        self._plan(pit.event.times.resolves_ns, partial(self._resolve, pit))

    def _resolve(self, pit: Pit, ts_ns: int) -> None:
        for quoter, payout_e4 in zip(pit.quoters, pit.fair_values.payouts_e4(), strict=True):
            market = quoter.listed.market.market
            self._sandbox.resolve_market(market, payout_e4, ts_ns)
            self._floor.house.redeem(market)
        self._finished.append(pit.event.terms.slug)
        if len(self._finished) > FINISHED_EVENTS_MAX:
            self._sandbox.forget_event(self._finished.popleft())
