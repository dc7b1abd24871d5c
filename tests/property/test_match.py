"""Fills against a book kept in the exchange's own time, which the simulated venue never sees."""

from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hfptm.records import EventKind, OrderType, RejectReason, Side, Token
from hfptm.units import ONE_E6, PRICE_ONE_E4
from tests.kernels import ASK, BID, MS, Levels, Venue, book, market, timer
from tests.tapes import Row

ENTRY_MS, RESPONSE_MS, GRACE_MS = 50, 30, 200
FEED_MS = 10
"""Delay of the feed; below the grace time, as the venue asks for."""


class Order(NamedTuple):
    """Sent at `ts_ms`; size in shares, price in the token's own terms."""

    order: int
    ts_ms: int
    side: int
    token: int
    order_type: int
    price_e4: int
    shares: int

    @property
    def arrival_ms(self) -> int:
        return self.ts_ms + ENTRY_MS


class Change(NamedTuple):
    """A full book, as the exchange has it from `venue_ms` on."""

    venue_ms: int
    bids: Levels
    asks: Levels


class Answer(NamedTuple):
    """What an order got: fills as (price_e4, size_e6), and when that is known."""

    fills: list[tuple[int, int]]
    due_ms: int
    delayed_ms: int | None
    """When it is known that the order sits in a taker delay, None if it does not."""


class Exchange:
    """Knows every change at once, and what was taken at each level since it last changed."""

    def __init__(self, changes: list[Change], taker_delay_ms: int) -> None:
        self.changes = changes
        self.taker_delay_ms = taker_delay_ms
        self.taken: dict[tuple[int, int], tuple[int, int]] = {}

    def answer(self, order: Order) -> Answer:
        matched_ms, delayed_ms = order.arrival_ms, None
        if self.taker_delay_ms and crosses(order, self.book(matched_ms)):
            delayed_ms = self.known_ms(matched_ms)
            matched_ms += self.taker_delay_ms
        fills = self.match(order, self.book(matched_ms))
        return Answer(fills, self.known_ms(matched_ms), delayed_ms)

    def book(self, at_ms: int) -> Change:
        return [c for c in self.changes if c.venue_ms <= at_ms][-1]

    def known_ms(self, at_ms: int) -> int:
        after = [c.venue_ms + FEED_MS for c in self.changes if c.venue_ms > at_ms]
        return max(at_ms + RESPONSE_MS, min([*after, at_ms + GRACE_MS]))

    def match(self, order: Order, now: Change) -> list[tuple[int, int]]:
        takes_asks = (order.side == Side.BID) == (order.token == Token.YES)
        side, levels = (ASK, now.asks) if takes_asks else (BID, now.bids)
        budget = order.price_e4 * order.shares * 100 if order.side == Side.BID else None
        left_e6 = order.shares * ONE_E6
        fills, uses, is_whole = [], [], False
        for price_e4, shown in sorted(levels.items(), reverse=side == BID):
            own_e4 = price_e4 if order.token == Token.YES else PRICE_ONE_E4 - price_e4
            if (own_e4 - order.price_e4) * (1 if order.side == Side.BID else -1) > 0:
                break
            seen_e6, gone_e6 = self.taken.get((side, price_e4), (0, 0))
            shown_e6 = shown * ONE_E6
            there_e6 = shown_e6 - (gone_e6 if seen_e6 == shown_e6 else 0)
            wanted_e6 = left_e6 if budget is None else budget * PRICE_ONE_E4 // own_e4
            size_e6 = min(there_e6, wanted_e6)
            if size_e6:
                fills.append((own_e4, size_e6))
                uses.append(((side, price_e4), (shown_e6, shown_e6 - there_e6 + size_e6)))
            is_whole = there_e6 >= wanted_e6
            if is_whole:
                break
            left_e6 -= size_e6
            if budget is not None:
                budget -= own_e4 * size_e6 // PRICE_ONE_E4
        if order.order_type == OrderType.FOK and not is_whole:
            return []  # a BUY is whole when its dollars are spent, not when it has its shares
        self.taken.update(uses)
        return fills


def crosses(order: Order, now: Change) -> bool:
    """Whether the best price on the other side is within the limit."""
    limit_e4, side = order.price_e4, order.side
    if order.token == Token.NO:
        limit_e4, side = PRICE_ONE_E4 - limit_e4, 1 - side
    if side == Side.BID:
        return min(now.asks, default=PRICE_ONE_E4) <= limit_e4
    return max(now.bids, default=0) >= limit_e4


PRICES = st.integers(35, 65).map(lambda cents: cents * 100)
BOOKS = st.dictionaries(PRICES, st.sampled_from([5, 5, 10, 40]), max_size=5)


@st.composite
def tapes(draw: st.DrawFn) -> tuple[list[Change], list[Order]]:
    changes, now_ms = [], 1_000
    bids, asks = draw(BOOKS), draw(BOOKS)
    for _ in range(draw(st.integers(1, 8))):
        changes.append(Change(now_ms, dict(bids), dict(asks)))
        now_ms += draw(st.integers(1, 120))
        levels = draw(st.sampled_from([bids, asks]))
        for price_e4 in draw(st.lists(PRICES, max_size=2)):
            levels[price_e4] = draw(st.sampled_from([5, 10, 40]))
        for price_e4 in draw(st.lists(st.sampled_from([*levels, 0]), max_size=1)):
            levels.pop(price_e4, None)
    sent_ms = draw(st.lists(st.integers(1_011, 1_700), min_size=1, max_size=8))
    orders = [
        Order(
            place + 1,
            ts_ms,
            draw(st.sampled_from(Side)),
            draw(st.sampled_from(Token)),
            draw(st.sampled_from([OrderType.FAK, OrderType.FOK])),
            draw(PRICES),
            draw(st.integers(1, 60)),
        )
        for place, ts_ms in enumerate(sorted(sent_ms))
    ]
    return changes, orders


def run(venue: Venue, changes: list[Change], orders: list[Order]) -> None:
    """Feed rows and orders in the order of the strategy's clock."""
    steps: list[tuple[int, int, list[Row] | Order]] = [
        (
            c.venue_ms + FEED_MS,
            0,
            book(c.venue_ms + FEED_MS, 0, c.bids, c.asks, venue_ms=c.venue_ms),
        )
        for c in changes
    ]
    steps += [(order.ts_ms, 1, order) for order in orders]
    venue.apply([market(0)])
    for ts_ms, _, what in sorted(steps, key=lambda step: step[:2]):
        if isinstance(what, Order):
            fields = what._asdict()
            shares = fields.pop("shares")
            venue.send(**fields, size_e6=shares * ONE_E6)
            venue.apply([timer(ts_ms)])
        else:
            venue.apply(what)
    venue.apply([timer(10_000)])


@given(tapes(), st.sampled_from([0, 0, 40, 300]))
@example(
    (
        [Change(1_000, {6_400: 10}, {})],
        [Order(1, 1_011, Side.BID, Token.NO, OrderType.FOK, 3_700, 10)],
    ),
    0,
)
@settings(max_examples=200)
def test_orders_meet_the_book_of_their_arrival_or_of_the_end_of_their_delay(
    tape: tuple[list[Change], list[Order]], taker_delay_ms: int
) -> None:
    changes, orders = tape
    penniless = {"bankroll_e6": 0}  # no order but ours
    times_ms = {"entry": ENTRY_MS, "response": RESPONSE_MS, "grace": GRACE_MS}
    venue = Venue(penniless, **times_ms, taker_delay=taker_delay_ms)
    exchange = Exchange(changes, taker_delay_ms)
    run(venue, changes, orders)
    assert [r["ts_recv_ns"] for r in venue.reports] == sorted(
        r["ts_recv_ns"] for r in venue.reports
    )
    for order in orders:
        expected = exchange.answer(order)
        reports = [r for r in venue.reports if r["aux"] == order.order]
        delayed = [r for r in reports if r["kind"] == EventKind.DELAYED]
        assert [r["ts_recv_ns"] for r in delayed] == (
            [] if expected.delayed_ms is None else [expected.delayed_ms * MS]
        )
        reports = reports[len(delayed) :]
        fills = [r for r in reports if r["kind"] == EventKind.FILL]
        assert [(r["price_e4"], r["size_e6"]) for r in fills] == expected.fills
        assert {r["ts_recv_ns"] for r in reports} == {expected.due_ms * MS}
        assert all(r["side"] == order.side for r in fills)
        over = reports[len(fills)]
        if fills:
            unfilled_e6 = order.shares * ONE_E6 - sum(size_e6 for _, size_e6 in expected.fills)
            assert (over["kind"], over["size_e6"]) == (EventKind.DONE, max(0, unfilled_e6))
        else:
            assert (over["kind"], over["price_e4"]) == (EventKind.REJECT, RejectReason.NO_MATCH)
        assert len(reports) == len(fills) + 1
