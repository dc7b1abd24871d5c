"""A sandbox full of traders, and somebody who watches every action for what must never be."""

import hashlib
from collections import Counter

from hfptm.opportunities import Relation
from hfptm.records import BUY, SELL
from hfptm.sandbox.floor import Floor
from hfptm.sandbox.frame_meter import FrameMeter
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.margins import MARGIN_E4
from hfptm.sandbox.population import populate
from hfptm.sandbox.reports import Action, OrderCanceled, Placed, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import Universe, make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, PRICE_ONE_E4


class Living:
    """`run` lets it live; every action goes into `digest`."""

    def __init__(
        self, seed: int = 1, markets: int = 12, rate: int = 500, *, speed: int = 1
    ) -> None:
        self.universe: Universe = make_universe(seed, markets, speed=speed)
        self.sandbox = Sandbox(seed)
        self.start_ns = self.universe.start_ns
        self.sandbox.advance(self.start_ns, self.start_ns)
        self.kinds: Counter[str] = Counter()
        self._hash = hashlib.sha256()
        self.sandbox.listeners.append(self._on_action)
        self.floor: Floor = populate(self.sandbox, self.universe, rate)
        self.meter = FrameMeter(self.sandbox)

    def run(self, seconds: int, step_ms: int = 10) -> None:
        """As a server would, told the time every so many ms."""
        end_ns = self.sandbox.now_ns + seconds * NS_PER_S
        while self.sandbox.now_ns < end_ns:
            now_ns = min(end_ns, self.sandbox.now_ns + step_ms * NS_PER_MS)
            self.sandbox.advance(now_ns, now_ns)

    def digest(self) -> str:
        return self._hash.hexdigest()

    def _on_action(self, action: Action, _: list[TradeRecord]) -> None:
        self._hash.update(repr(action).encode())
        self.kinds.update(type(report).__name__ for report in action.reports)


class EdgeWatch:
    """After every action: no book crossed, and no group closer to an edge than its margin."""

    def __init__(self, living: Living) -> None:
        self.living = living
        self.checked = 0
        self._groups: dict[int, tuple[Relation, list[ListedMarket]]] = {}
        living.sandbox.listeners.append(self._on_action)

    def _on_action(self, action: Action, _: list[TradeRecord]) -> None:
        listed = self.living.sandbox.exchange.markets[action.market]
        book = listed.book
        assert book.published_best_e4(BUY) < book.published_best_e4(SELL), listed.market.slug
        if listed.market.group:
            self._check(*self._group(listed))

    def _group(self, listed: ListedMarket) -> tuple[Relation, list[ListedMarket]]:
        group = listed.market.group
        if group not in self._groups:
            entry = self.living.sandbox.catalogue.of_market(listed.market.market)
            members = [member.listed for member in entry.event.markets]
            terms = entry.event.terms
            relation = Relation.EXACTLY_ONE
            if terms.is_cumulative:
                relation = Relation.NESTED
            elif terms.is_augmented:
                relation = Relation.AT_MOST_ONE
            self._groups[group] = relation, members
        return self._groups[group]

    def _check(self, relation: Relation, members: list[ListedMarket]) -> None:
        self.checked += 1
        bids_e4 = [member.book.published_best_e4(BUY) for member in members]
        asks_e4 = [member.book.published_best_e4(SELL) for member in members]
        if relation is Relation.NESTED:
            for later, ask_e4 in enumerate(asks_e4):
                assert max(bids_e4[:later], default=0) <= ask_e4 - MARGIN_E4
            return
        assert sum(bids_e4) <= PRICE_ONE_E4 - MARGIN_E4
        if relation is Relation.EXACTLY_ONE:
            assert sum(asks_e4) >= PRICE_ONE_E4 + MARGIN_E4


ORDERS, CANCELS, TRADES = Placed.__name__, OrderCanceled.__name__, Trade.__name__
