"""The same orders at the sandbox's own matching engine and at the simulated venue: the same fills.

A world is played twice by the sandbox. Once with our orders among those of others: what they get
there is the truth. Once without us, and what its feed shows then is all that the simulated venue
has, with no latency. Others do not see us: they sell whatever they like, and buy only what does not
match. So whatever our order changes, it changes for orders that come behind it.
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest

from hfptm.records import BUY, EventKind, IntentKind, OrderType, Side, TakerDelay
from hfptm.sandbox.catalogue import EventTerms, MarketTerms
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.market_frames import MarketFrames, Published
from hfptm.sandbox.orders import OrderRequest
from hfptm.sandbox.reports import Action, Placed, Rejected, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_MS, ONE_E6, PRICE_ONE_E4
from hfptm.venue.market_feed import MarketFeed
from hfptm.venue.orders import limit_amounts
from tests.kernels import Venue, market, row, timer
from tests.sandbox import FAK, FOK, GTC, make_market
from tests.tapes import Row

LISTING = Listing(market=make_market(1))
START_MS = 1_000_000
STEP_MS = 12_000
DELAY_MS = 16_000
"""Neither makes two things happen within `resting.ONE_TRADE_NS`: what is apart is seen apart."""

DELAYED = Listing(market=LISTING.market, itode_ms=DELAY_MS)

KINDS = {OrderType.FAK: FAK, OrderType.FOK: FOK, OrderType.GTC: GTC, OrderType.POST_ONLY: GTC}
ROUNDING_E6 = 10
"""Micro-shares that the exchange's floors, one a resting order, may take from a spender."""


class Deed(NamedTuple):
    """What somebody else does: an order in YES terms, or the cancel of an earlier one."""

    book_side: int
    price_e4: int
    shares: int
    token: int
    cancels: int
    """The order of which deed, counted from 0; -1: none."""


class Ours(NamedTuple):
    order_type: int
    book_side: int
    token: int
    price_e4: int
    """In YES terms."""
    shares: int
    at: int
    """Before which deed it arrives."""
    cancel_at: int
    """Likewise; -1: never."""


class World:
    """One market of a sandbox, and its feed."""

    def __init__(self, listing: Listing = LISTING) -> None:
        self.sandbox = Sandbox(1)
        self.feed = MarketFeed([LISTING.market])
        MarketFrames(self.sandbox).listeners.append(self._see)
        self.at(START_MS)
        self.sandbox.listeners.append(self._note)
        self.trades: list[tuple[int, Trade]] = []
        """With their ms."""
        terms = EventTerms(slug="e", title="", tags=(), start_ns=0, end_ns=0, neg_risk_id="")
        self.sandbox.add_event(terms, self.sandbox.now_ns)
        self.sandbox.add_market("e", listing, MarketTerms(), self.sandbox.now_ns)
        self.sandbox.open_market(LISTING.market.market, self.sandbox.now_ns)
        for trader in ("others", "we"):
            self.sandbox.fund(trader, 1_000_000 * ONE_E6)
            self.sandbox.exchange.split(trader, LISTING.market.market, 100_000 * ONE_E6)

    def _note(self, action: Action, _records: list[TradeRecord]) -> None:
        ts_ms = action.ts_ns // NS_PER_MS
        self.trades += [(ts_ms, each) for each in action.reports if isinstance(each, Trade)]

    def _see(self, batch: list[Published]) -> None:
        for frame in batch:
            self.feed.receive(frame.payload, frame.ts_ms * NS_PER_MS)

    def at(self, ts_ms: int) -> None:
        self.sandbox.advance(ts_ms * NS_PER_MS, 0)

    def send(self, name: str, order: Ours | Deed, kind: int, *, post_only: bool) -> Action:
        side = Side(order.book_side ^ order.token)
        price_e4 = PRICE_ONE_E4 - order.price_e4 if order.token else order.price_e4
        amounts = limit_amounts(side, price_e4, order.shares * ONE_E6, 100)
        return self.sandbox.submit(
            OrderRequest(
                order_id=name,
                account="we" if isinstance(order, Ours) else "others",
                token=f"{'YN'[order.token]}1",
                side=side,
                maker_e6=amounts[0],
                taker_e6=amounts[1],
                time_in_force=KINDS[OrderType(kind)],
                post_only=post_only,
            )
        )

    def do(self, number: int, deed: Deed, is_ours: int) -> Action | None:
        """Everybody else buys, on our side of the book, only what does not match."""
        if deed.cancels >= 0:
            self.sandbox.cancel("others", [f"d{deed.cancels}"])
            return None
        post_only = deed.book_side == is_ours
        return self.send(f"d{number}", deed, OrderType.GTC, post_only=post_only)


Fills = dict[int, list[tuple[int, int]]]
"""Of our order, by ms: prices in its own token, and sizes_e6."""


def recorded(
    deeds: list[Deed], ours: Ours, listing: Listing = LISTING
) -> tuple[list[Row], set[int]]:
    """What the feed shows without us, and which deeds the exchange refused."""
    world, refused = World(listing), set()
    for number, deed in enumerate(deeds):
        world.at(START_MS + (number + 1) * STEP_MS)
        action = world.do(number, deed, ours.book_side)
        if action and any(isinstance(report, Rejected) for report in action.reports):
            refused.add(number)
    world.at(1 << 40)
    rows = [Row._make(each)._replace(market=0) for each in world.feed.take().tolist()]
    return rows, refused


class Truth:
    """What our order gets among the others."""

    def __init__(
        self, deeds: list[Deed], refused: set[int], ours: Ours, listing: Listing = LISTING
    ) -> None:
        self.is_accepted = False
        self._world = world = World(listing)
        for number, deed in enumerate([*deeds, None]):
            ts_ms = START_MS + (number + 1) * STEP_MS
            if number == ours.at:
                self._place(ts_ms - 2_000, ours)
            if number == ours.cancel_at:
                world.at(ts_ms - 1_000)
                world.sandbox.cancel("we", ["ours"])
            world.at(ts_ms)
            if deed and number not in refused:
                world.do(number, deed, ours.book_side)
        world.at(1 << 40)
        self.fills = self._fills()
        self.open_e6 = sum(
            order.open_e6 for order in world.sandbox.exchange.accounts["we"].open_orders.values()
        )

    def _place(self, ts_ms: int, ours: Ours) -> None:
        self._world.at(ts_ms)
        post_only = ours.order_type == OrderType.POST_ONLY
        action = self._world.send("ours", ours, ours.order_type, post_only=post_only)
        self.is_accepted = isinstance(action.reports[0], Placed)

    def _fills(self) -> Fills:
        found: Fills = defaultdict(list)
        for ts_ms, trade in self._world.trades:
            if trade.taker_order_id == "ours":
                found[ts_ms].append((trade.price_e4, trade.size_e6))
            for maker in trade.makers:
                if maker.order_id == "ours":
                    found[ts_ms].append((maker.price_e4, maker.size_e6))
        return found


class Simulated:
    """What our order gets from the simulated venue."""

    def __init__(self, rows: list[Row], ours: Ours, said: TakerDelay = TakerDelay.NO) -> None:
        times_ms = {"entry": 0, "response": 0, "grace": 500, "taker_delay": DELAY_MS}
        self.venue = Venue({"bankroll_e6": 0}, **times_ms)
        self.venue.apply([market(0), row(EventKind.DELAY, 0, 0, price_e4=said)])
        placed_ms = START_MS + (ours.at + 1) * STEP_MS - 2_000
        cancelled_ms = START_MS + (ours.cancel_at + 1) * STEP_MS - 1_000
        self._rows = rows
        self._until(placed_ms)
        price_e4 = PRICE_ONE_E4 - ours.price_e4 if ours.token else ours.price_e4
        self.venue.send(
            placed_ms,
            1,
            side=ours.book_side ^ ours.token,
            token=ours.token,
            order_type=ours.order_type,
            price_e4=price_e4,
            size_e6=ours.shares * ONE_E6,
        )
        self.venue.apply([timer(placed_ms)])
        if ours.cancel_at >= 0:
            self._until(cancelled_ms)
            self.venue.send(cancelled_ms, 1, kind=IntentKind.CANCEL)
            self.venue.apply([timer(cancelled_ms)])
        self._until(1 << 40)
        self.venue.apply([timer(1 << 40)])
        self.fills: Fills = defaultdict(list)
        for report in self.venue.reports:
            if report["kind"] == EventKind.FILL:
                matched_ms = placed_ms + (DELAY_MS if said == TakerDelay.YES else 0)
                is_taker = not report["flags"]
                ts_ms = matched_ms if is_taker else report["ts_venue_ns"] // NS_PER_MS
                self.fills[ts_ms].append((report["price_e4"], report["size_e6"]))
        self.kinds = {report["kind"] for report in self.venue.reports}
        rests = self.venue.sim.rests[self.venue.sim.items["kind"] == 5]
        self.open_e6 = int(rests["open_e6"].sum())

    def _until(self, ts_ms: int) -> None:
        now = [each for each in self._rows if each.ts_recv_ns <= ts_ms * NS_PER_MS]
        self._rows = self._rows[len(now) :]
        if now:
            self.venue.apply(now)


Sums = dict[int, dict[int, int]]


def sums(fills: Fills) -> Sums:
    """Sizes by ms and price: the feed shows a taker's trades level by level."""
    found: Sums = {}
    for ts_ms, some in fills.items():
        for price_e4, size_e6 in some:
            by_price = found.setdefault(ts_ms, {})
            by_price[price_e4] = by_price.get(price_e4, 0) + size_e6
    return found


def script(seed: int, *, may_leave_ahead: bool) -> tuple[list[Deed], Ours]:
    """A book of some depth, our order at or near its best prices, and what comes then."""
    draw = np.random.default_rng(seed)

    def pick(low: int, high: int) -> int:
        """Both included."""
        return int(draw.integers(low, high + 1))

    def price_e4(side: int, nearest: int) -> int:
        """Cents from the middle, outwards."""
        return 5_000 + (1 if side else -1) * 100 * (nearest + pick(0, 3))

    side, at, later = pick(0, 1), pick(2, 8), pick(1, 14)
    order_type, cancel_at = pick(1, 4), at + pick(0, 3 * later)
    cancel_at = cancel_at if cancel_at <= at + later else -1
    near = pick(-2, 0) if order_type == OrderType.POST_ONLY or pick(0, 1) else -5
    limit_e4 = price_e4(side, near + 1)
    ours = Ours(order_type, side, pick(0, 1), limit_e4, pick(5, 40), at, cancel_at)
    deeds: list[Deed] = []
    for number in range(at + later):
        placed = [
            n
            for n, deed in enumerate(deeds)
            if deed.cancels < 0 and (may_leave_ahead or n >= at or not is_at(deed, ours))
        ]
        if placed and pick(0, 5) == 0:
            deeds.append(Deed(0, 0, 0, 0, placed[pick(0, len(placed) - 1)]))
            continue
        book_side = pick(0, 1) if number < at or pick(0, 2) == 0 else 1 - side
        nearest = 1 if number < at or book_side == side else -3
        deeds.append(Deed(book_side, price_e4(book_side, nearest), pick(5, 40), pick(0, 1), -1))
    return deeds, ours


def is_at(deed: Deed, ours: Ours) -> bool:
    return deed.book_side == ours.book_side and deed.price_e4 == ours.price_e4


def check_equal(simulated: Sums, expected: Sums, ours: Ours, seed: int) -> None:
    is_spender = ours.book_side ^ ours.token == BUY and ours.order_type <= OrderType.FOK
    most_e6 = ROUNDING_E6 if is_spender else 0
    assert simulated.keys() == expected.keys(), seed
    for ts_ms, by_price in expected.items():
        assert simulated[ts_ms].keys() == by_price.keys(), seed
        for price_e4, size_e6 in by_price.items():
            assert abs(simulated[ts_ms][price_e4] - size_e6) <= most_e6, seed


SEEDS = [range(start, start + 25) for start in range(0, 200, 25)]


@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"{seeds[0]}")
def test_the_same_orders_get_the_same_fills(seeds: range) -> None:
    """As long as nobody ahead of it leaves, which the feed cannot tell from one behind it."""
    for seed in seeds:
        deeds, ours = script(seed, may_leave_ahead=False)
        rows, refused = recorded(deeds, ours)
        truth, found = Truth(deeds, refused, ours), Simulated(rows, ours)
        expected, simulated = sums(truth.fills), sums(found.fills)
        check_equal(simulated, expected, ours, seed)
        assert (EventKind.REJECT not in found.kinds) == truth.is_accepted, seed
        assert found.open_e6 == truth.open_e6, seed


@pytest.mark.parametrize("seeds", SEEDS[:4], ids=lambda seeds: f"{seeds[0]}")
def test_a_resting_order_never_gets_more_than_at_the_exchange(seeds: range) -> None:
    for seed in seeds:
        deeds, ours = script(seed, may_leave_ahead=True)
        ours = ours._replace(order_type=int(OrderType.POST_ONLY))
        rows, refused = recorded(deeds, ours)
        truth, found = Truth(deeds, refused, ours), Simulated(rows, ours)
        total_e6 = sum(size for some in truth.fills.values() for _, size in some)
        assert sum(size for some in found.fills.values() for _, size in some) <= total_e6, seed


def delayed(seed: int) -> tuple[Ours, Truth, Simulated]:
    """Of an order that does not rest: one that only ours would meet waits where nobody sees it."""
    deeds, ours = script(seed, may_leave_ahead=True)
    ours = ours._replace(order_type=1 + seed % 2)
    rows, refused = recorded(deeds, ours, DELAYED)
    return ours, Truth(deeds, refused, ours, DELAYED), Simulated(rows, ours, TakerDelay.YES)


@pytest.mark.parametrize("seeds", SEEDS[:4], ids=lambda seeds: f"{seeds[0]}")
def test_a_delayed_order_meets_the_same_book(seeds: range) -> None:
    for seed in seeds:
        ours, truth, found = delayed(seed)
        check_equal(sums(found.fills), sums(truth.fills), ours, seed)
        assert (EventKind.DELAYED in found.kinds) == truth.is_accepted, seed


def test_the_seeds_delay_what_meets_another_book_than_on_arrival() -> None:
    others = 0
    for seed in range(60):
        deeds, ours = script(seed, may_leave_ahead=True)
        ours = ours._replace(order_type=1 + seed % 2)
        truth = delayed(seed)[1]
        at_once = Truth(deeds, recorded(deeds, ours)[1], ours)
        others += list(sums(truth.fills).values()) != list(sums(at_once.fills).values())
    assert others >= 8, others


def test_the_seeds_reach_what_they_are_about() -> None:
    taken = served = waited = cancelled = 0
    for seed in range(60):
        deeds, ours = script(seed, may_leave_ahead=False)
        truth = Truth(deeds, recorded(deeds, ours)[1], ours)
        placed_ms = START_MS + (ours.at + 1) * STEP_MS - 2_000
        taken += placed_ms in truth.fills
        served += any(ts_ms > placed_ms for ts_ms in truth.fills)
        waited += len([ts_ms for ts_ms in truth.fills if ts_ms > placed_ms]) > 1
        cancelled += truth.is_accepted and ours.cancel_at >= 0
    assert min(taken, served, waited, cancelled) >= 8, (taken, served, waited, cancelled)
