"""Every order of a run, and what it changed in the books: told by the kernel that booked it.

A kernel is fed the reports one by one, and its cash and shares are read before and after each. So
an order is worth exactly what the books say, whatever fees and roundings they know.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from hfptm.drive.inputs import Rows, Start
from hfptm.engine import Engine, Output
from hfptm.limits import Limits
from hfptm.records import EventFlag, EventKind, IntentKind, MarketState, RejectReason, Token
from hfptm.units import PRICE_ONE_E4
from replay.parity import joined
from replay.rerun import Steps, engine_of

Shares = dict[tuple[int, int], int]
"""Sizes by (market, token)."""
Marks = dict[int, int]
"""What a YES share counts, in e4, by market; a NO share counts the rest of a dollar."""

NOBODY = -1
"""In the place of an order: no report has changed it."""


class Fill(NamedTuple):
    price_e4: int
    size_e6: int
    is_maker: bool


class Order(msgspec.Struct, kw_only=True):
    """A merge or conversion is one without price."""

    order: int
    plan: int
    kind: IntentKind
    basket: int
    leg: int
    market: int
    token: int
    side: int
    price_e4: int
    size_e6: int
    sent_ns: int
    answered_ns: int = 0
    """When it was first heard of; 0: never."""
    fills: list[Fill] = []
    rejected: int = 0
    """RejectReason; 0: not."""
    is_unknown: bool = False
    """Whether it was, for a while."""
    has_ghosts: bool = False
    """Whether a fill was taken back."""
    cash_e6: int = 0
    shares_e6: Shares = {}
    """Both as the books changed."""

    @property
    def filled_e6(self) -> int:
        return sum(fill.size_e6 for fill in self.fills)

    def worth_e10(self, marks: Marks) -> int:
        """Cash, and shares at their marks; 1 = a ten-billionth of a dollar, so nothing rounds."""
        return worth_e10(self.cash_e6, self.shares_e6, marks)


class Played(NamedTuple):
    """One side of a comparison: a run as its kernel saw it."""

    orders: dict[int, Order]
    others: "Result"
    """What no order has changed: payouts of resolutions, and orders that are not the run's."""
    decisions: Rows
    result: "Result"
    marks: Marks


class Result(NamedTuple):
    """What the books gained from first to last, apart from any order."""

    cash_e6: int
    shares_e6: Shares

    def worth_e10(self, marks: Marks) -> int:
        return worth_e10(self.cash_e6, self.shares_e6, marks)


NOTHING = Result(0, {})


def worth_e10(cash_e6: int, shares_e6: Shares, marks: Marks) -> int:
    total_e10 = cash_e6 * PRICE_ONE_E4
    for (market, token), size_e6 in shares_e6.items():
        yes_e4 = marks.get(market, 0)
        total_e10 += size_e6 * (yes_e4 if token == Token.YES else PRICE_ONE_E4 - yes_e4)
    return total_e10


def play(limits: Limits, start: Start, steps: Steps) -> Played:
    """Of a run whose orders left: the reports are among the rows."""
    outputs: list[Output] = []
    engine = engine_of(limits, start, outputs.append)
    books = _Books(engine, start)
    marks: Marks = {}
    for listing, rows in steps:
        engine.list_more(listing.markets, listing.groups)
        for part in _alone(rows):
            is_report = part[0]["kind"] >= EventKind.ACK
            if is_report:
                books.note(NOBODY)
            _note_payouts(marks, part)
            row = part[0].copy()
            engine.feed(part.copy())
            if is_report:
                books.note(int(row["aux"]))
    books.note(NOBODY)
    orders = _orders(joined(outputs, "intents"))
    for report in joined(outputs, "reports"):
        if report["kind"] >= EventKind.ACK and int(report["aux"]) in orders:
            _tell(orders[int(report["aux"])], report)
    for order in orders.values():
        change = books.changes.pop(order.order, NOTHING)
        order.cash_e6, order.shares_e6 = change.cash_e6, change.shares_e6
    return Played(
        orders,
        _sum(books.changes.values()),
        joined(outputs, "decisions"),
        books.result(),
        _last_prices(orders.values()) | _middles(engine) | marks,
    )


class _Books:
    """Reads cash and shares of a kernel, and keeps by order what changed between two readings."""

    def __init__(self, engine: Engine, start: Start) -> None:
        self._engine = engine
        held = {(p.market, p.token): p.size_e6 for p in start.portfolio.positions}
        self._first = self._last = Result(int(engine.state.lanes[0]["cash_e6"]), held)
        self.changes: dict[int, Result] = {}

    def note(self, order: int) -> None:
        """What has changed since the last reading is this order's doing."""
        now = self._read()
        if now != self._last:
            before = self.changes.get(order, NOTHING)
            self.changes[order] = _sum([before, _minus(now, self._last)])
        self._last = now

    def result(self) -> Result:
        return _minus(self._last, self._first)

    def _read(self) -> Result:
        if self._engine.rows == 0:
            return self._last
        sizes, ids = self._engine.state.positions[0]["size_e6"], self._engine.slots.market_ids
        shares = {
            (int(ids[slot]), token): int(sizes[slot, token])
            for slot, token in np.argwhere(sizes != 0).tolist()
        }
        return Result(int(self._engine.state.lanes[0]["cash_e6"]), shares)


def _minus(later: Result, earlier: Result) -> Result:
    less = {key: -size_e6 for key, size_e6 in earlier.shares_e6.items()}
    return _sum([later, Result(-earlier.cash_e6, less)])


def _sum(changes: Iterable[Result]) -> Result:
    cash_e6, sizes = 0, Counter[tuple[int, int]]()
    for change in changes:
        cash_e6 += change.cash_e6
        sizes.update(change.shares_e6)
    return Result(cash_e6, {key: size_e6 for key, size_e6 in sizes.items() if size_e6})


def _alone(rows: Rows) -> Iterable[Rows]:
    """Cut so that every report is a part of its own."""
    reports = np.flatnonzero(rows["kind"] >= EventKind.ACK)
    cuts = np.unique(np.concatenate([reports, reports + 1]))
    return (part for part in np.split(rows, cuts) if len(part))


def _orders(intents: Rows) -> dict[int, Order]:
    wanted = np.isin(intents["kind"], (IntentKind.PLACE, IntentKind.MERGE, IntentKind.CONVERT))
    return {int(intent["order"]): _order(intent) for intent in intents[wanted]}


def _order(intent: np.void) -> Order:
    return Order(
        order=int(intent["order"]),
        plan=int(intent["plan"]),
        kind=IntentKind(intent["kind"]),
        basket=int(intent["basket"]),
        leg=int(intent["leg"]),
        market=int(intent["market"]),
        token=int(intent["token"]),
        side=int(intent["side"]),
        price_e4=int(intent["price_e4"]),
        size_e6=int(intent["size_e6"]),
        sent_ns=int(intent["ts_ns"]),
    )


def _tell(order: Order, report: np.void) -> None:
    order.answered_ns = order.answered_ns or int(report["ts_recv_ns"])
    match report["kind"]:
        case EventKind.FILL:
            is_maker = bool(report["flags"] & EventFlag.MAKER)
            fill = Fill(int(report["price_e4"]), int(report["size_e6"]), is_maker)
            order.fills = [*order.fills, fill]
        case EventKind.REJECT:
            order.rejected = int(report["price_e4"]) or int(RejectReason.REFUSED)
        case EventKind.UNKNOWN:
            order.is_unknown = True
        case EventKind.FILL_FAILED:
            order.has_ghosts = True


def _note_payouts(marks: Marks, rows: Rows) -> None:
    paid = rows[(rows["kind"] == EventKind.STATE) & (rows["aux"] == MarketState.RESOLVED)]
    marks |= zip(paid["market"].tolist(), paid["price_e4"].tolist(), strict=True)


def _middles(engine: Engine) -> Marks:
    """Of the books that are known at the end: between their best prices, rounded down."""
    markets, ids = engine.state.markets, engine.slots.market_ids
    return {
        int(ids[slot]): (int(markets[slot]["best_bid_e4"]) + int(markets[slot]["best_ask_e4"])) // 2
        for slot in np.flatnonzero(markets["valid"] == 1).tolist()
    }


def _last_prices(orders: Iterable[Order]) -> Marks:
    """For markets whose book is not known at the end: of the last own fill."""
    marks: Marks = {}
    for order in orders:
        for fill in order.fills:
            is_yes = order.token == Token.YES
            marks[order.market] = fill.price_e4 if is_yes else PRICE_ONE_E4 - fill.price_e4
    return marks
