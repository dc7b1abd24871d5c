"""An exchange and its connections in virtual time, as far as the watchdog can see them.

Every frame reaches every connection of its market after a while, unless that connection, or this
market on it, is frozen. Being subscribed again, or a new connection, thaws and brings the book.
"""

import heapq
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from hfptm.units import NS_PER_MS, NS_PER_S
from recorder.observations import LinkSight, Order, Reconnect, Resubscribe, Sight, Verdict
from recorder.watchdog import Finding, Patience, Watchdog

BOOK_NS = 200 * NS_PER_MS
DIALLING_NS = 3 * NS_PER_S
"""From the end of a connection to the next one."""

ASKED_NS = 5 * NS_PER_S
"""From a check to its answer: the exchange's own, and whether it comes on a connection yet."""


class _Arrival(NamedTuple):
    ts_ns: int
    order: int
    link: LinkSight
    market: int
    is_book: bool


class Watched:
    """`lines` lines of `links` connections each, over which `markets` are spread."""

    def __init__(self, markets: int, *, lines: int = 2, links: int = 2, seed: int = 1) -> None:
        self.now_ns = NS_PER_S
        self.dog = Watchdog(Patience())
        self.links: dict[int, LinkSight] = {}
        self.orders: list[tuple[int, Order]] = []
        self.frozen: set[tuple[int, int]] = set()
        """Connection and market; market 0: all of it."""
        self.stubborn: set[int] = set()
        """Markets whose book never comes."""
        self.ghosts: set[int] = set()
        """Markets of which the exchange's answers say nothing."""
        self.without_pong: set[int] = set()
        self.changed_ns: dict[int, int] = {}
        self._told_ns: dict[int, int] = {}
        """The newest change that came on some connection."""
        self._rng = np.random.default_rng(seed)
        self._arrivals: list[_Arrival] = []
        self._answers: list[tuple[int, int]] = []
        self._coming: list[tuple[int, LinkSight]] = []
        self._serial = 0
        for line in range(lines):
            for part in range(links):
                self.open(line, [m for m in range(1, markets + 1) if m % links == part])

    def open(self, line: int, markets: Iterable[int]) -> LinkSight:
        self._serial += 1
        link = LinkSight(line, self._serial, self.now_ns)
        self.links[link.connection] = link
        for market in markets:
            self.subscribe(link, market)
        return link

    def subscribe(self, link: LinkSight, market: int) -> None:
        link.markets[market] = Sight(market, (f"Y{market}", f"N{market}"), self.now_ns)
        self.changed_ns.setdefault(market, self.now_ns)
        self._send(link, market, BOOK_NS, is_book=True)

    def remove(self, market: int) -> None:
        for link in self.links.values():
            link.markets.pop(market, None)

    def change(self, market: int, delay_ms: int = 50) -> None:
        """The exchange tells of this market now."""
        self.changed_ns[market] = self.now_ns
        for link in self.links.values():
            if market in link.markets:
                delay_ns = int(self._rng.integers(1, 2 * delay_ms)) * NS_PER_MS
                self._send(link, market, delay_ns)

    def freeze(self, market: int, lines: Iterable[int]) -> None:
        """These lines' connections say nothing of it any more; of market 0, of any."""
        chosen = set(lines)
        for link in self.links.values():
            if link.line in chosen and (market in link.markets or market == 0):
                self.frozen.add((link.connection, market))

    def run(self, seconds: int, each: Callable[["Watched"], None] | None = None) -> None:
        """`each` is called at the beginning of every second."""
        for _ in range(seconds):
            if each is not None:
                each(self)
            self.now_ns += NS_PER_S
            self._open_due()
            self._receive()
            self._answer()
            for order in self.dog.tick(self.now_ns, list(self.links.values())):
                self.orders.append((self.now_ns, order))
                self._carry_out(order)
            due_ns = self.now_ns + ASKED_NS
            self._answers += [(due_ns, market) for market in self.dog.take_checks()]

    def _open_due(self) -> None:
        for due_ns, link in [each for each in self._coming if each[0] <= self.now_ns]:
            self._coming.remove((due_ns, link))
            self.open(link.line, list(link.markets))

    def verdicts(self, market: int) -> list[int]:
        """When it was found to be missed, in seconds."""
        return [
            ts_ns // NS_PER_S
            for ts_ns, order in self.orders
            if isinstance(order, Verdict) and market in order.markets
        ]

    def _send(self, link: LinkSight, market: int, delay_ns: int, *, is_book: bool = False) -> None:
        if {(link.connection, market), (link.connection, 0)} & self.frozen:
            return
        if is_book and market in self.stubborn:
            return
        self._serial += 1
        arrival = _Arrival(self.now_ns + delay_ns, self._serial, link, market, is_book)
        heapq.heappush(self._arrivals, arrival)

    def _receive(self) -> None:
        while self._arrivals and self._arrivals[0].ts_ns <= self.now_ns:
            ts_ns, _, link, market, is_book = heapq.heappop(self._arrivals)
            sight = link.markets.get(market)
            if sight is not None:
                sight.last_ns = link.last_data_ns = ts_ns
                sight.frames += 1
                link.frames += 1
                if is_book and not sight.book_ns:
                    sight.book_ns = ts_ns
                self._told_ns[market] = max(self._told_ns.get(market, 0), ts_ns)
        for link in self.links.values():
            if link.connection not in self.without_pong:
                link.last_pong_ns = self.now_ns // (10 * NS_PER_S) * (10 * NS_PER_S)

    def _answer(self) -> None:
        for due_ns, market in [each for each in self._answers if each[0] <= self.now_ns]:
            self._answers.remove((due_ns, market))
            if market in self.ghosts:
                finding = Finding.UNSURE
            elif market in self.stubborn and market not in self._told_ns:
                finding = Finding.NO_BOOK
            elif self._told_ns.get(market, 0) < self.changed_ns[market]:
                finding = Finding.MISSED
            else:
                finding = Finding.QUIET
            self.dog.answer(market, finding)

    def _carry_out(self, order: Order) -> None:
        if isinstance(order, Verdict):
            return
        link = self.links[order.connection]
        if isinstance(order, Reconnect):
            del self.links[link.connection]
            self._coming.append((self.now_ns + DIALLING_NS, link))
        elif isinstance(order, Resubscribe):
            link.markets[order.market].ask_again(self.now_ns)
            self.frozen.discard((link.connection, order.market))
            self._send(link, order.market, BOOK_NS, is_book=True)
