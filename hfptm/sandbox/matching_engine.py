"""Orders against books: accept, delay, match, rest, expire, cancel.

Deterministic: time comes with every call and never goes back, nothing is random, and what is due at
one instant happens in the order in which it was scheduled.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator

from hfptm.clock import NS_MAX
from hfptm.records import BUY
from hfptm.sandbox import order_checks as checks
from hfptm.sandbox.accounts import Accounts
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.matching import NO_MATCH, Fill, Match, match, prepare
from hfptm.sandbox.order_store import OrderStore
from hfptm.sandbox.orders import IMMEDIATE, Order, OrderRequest, OrderStatus, TimeInForce
from hfptm.sandbox.refusals import Reason, Refusal, refuse
from hfptm.sandbox.reports import (
    Action,
    OrderCanceled,
    OrderUpdate,
    Placed,
    PlacedStatus,
    Rejected,
    Trade,
)
from hfptm.sandbox.settlement import settle_maker, settle_taker
from hfptm.sandbox.steps import Step
from hfptm.units import PRICE_ONE_E4

_Due = tuple[int, int, Callable[[], Action | None]]


class MatchingEngine:
    """The one place that changes books and orders."""

    def __init__(self, accounts: Accounts, orders: OrderStore) -> None:
        self.accounts = accounts
        self.orders = orders
        self.now_ns = 0
        self._due: list[_Due] = []
        self._scheduled = 0
        self._trades = 0
        prepare()

    def enter(self, ts_ns: int) -> None:
        """Begin an action. Raises ValueError if time goes back or something is due before it."""
        if ts_ns < self.now_ns or (self._due and self._due[0][0] <= ts_ns):
            raise ValueError(f"ts_ns={ts_ns}: call advance({ts_ns}) first, and never go back")
        self.now_ns = ts_ns

    def schedule(self, ts_ns: int, happens: Callable[[], Action | None]) -> None:
        self._scheduled += 1
        heapq.heappush(self._due, (ts_ns, self._scheduled, happens))

    def due_ns(self) -> int:
        """When something is due next; `clock.NS_MAX` if nothing is."""
        return self._due[0][0] if self._due else NS_MAX

    def advance(self, ts_ns: int) -> Iterator[Action]:
        """Everything that is due up to a time, each at its own time, and when it is asked for."""
        while self._due and self._due[0][0] <= ts_ns:
            due_ns, _, happens = heapq.heappop(self._due)
            self.now_ns = max(self.now_ns, due_ns)
            if action := happens():
                yield action
        self.enter(ts_ns)

    def submit(self, request: OrderRequest, listed: ListedMarket, outcome: int) -> Action:
        """Take an order in, at `now_ns`."""
        step = Step(listed, self.now_ns)
        if refusal := self._submit(request, outcome, step):
            step.reports.append(
                Rejected(request.order_id, request.account, refusal.reason, refusal.text)
            )
        return step.action()

    def _submit(self, request: OrderRequest, outcome: int, step: Step) -> Refusal | None:
        listed = step.listed
        price_e4 = self._check(request, listed)
        if isinstance(price_e4, Refusal):
            return price_e4
        order = self._order(request, outcome, price_e4)
        if not _can_give(order, 0):
            return refuse(Reason.BALANCE)
        if not listed.book.takes(order):
            return self._execute(order, NO_MATCH, step)
        if order.post_only:
            return refuse(Reason.POST_ONLY_CROSSES)
        found = match(order, listed.book, listed.market)
        refusal = checks.check_marketable(request)
        if refusal or not _can_give(order, found.fee_e6):
            return refusal or refuse(Reason.BALANCE)
        if delay_ns := listed.listing.delay_ns(self.now_ns):
            self._delay(order, delay_ns, step)
            return None
        return self._execute(order, found, step)

    def _check(self, request: OrderRequest, listed: ListedMarket) -> int | Refusal:
        if refusal := checks.check_market(request, listed):
            return refusal
        if request.order_id in self.orders:
            return refuse(Reason.DUPLICATED, order_id=request.order_id)
        if refusal := checks.check_terms(request, self.now_ns):
            return refusal
        price_e4 = checks.limit_price_e4(request, listed.market.tick_e4)
        if isinstance(price_e4, Refusal):
            return price_e4
        return checks.check_size(request, listed.market.min_size_e6) or price_e4

    def _order(self, request: OrderRequest, outcome: int, price_e4: int) -> Order:
        return Order(
            request.order_id,
            self.accounts[request.account],
            request.token,
            outcome,
            int(request.side),
            int(request.side) ^ outcome,
            price_e4,
            PRICE_ONE_E4 - price_e4 if outcome else price_e4,
            request.shares_e6,
            request.maker_e6,
            request.shares_e6,
            request.time_in_force,
            request.post_only,
            self.now_ns,
            checks.ends_ns(request),
        )

    def _delay(self, order: Order, delay_ns: int, step: Step) -> None:
        listed = step.listed
        order.status = OrderStatus.DELAYED
        order.reserve()
        self.orders.add(order)
        listed.delayed[order.order_id] = order
        if listed.shows_delayed:
            step.touch_level_of(order)
            listed.book.show(order)
        self.schedule(self.now_ns + delay_ns, lambda: self._end_delay(order, listed))
        step.reports.append(
            Placed(order.order_id, order.account.address, PlacedStatus.DELAYED, 0, 0)
        )

    def _end_delay(self, order: Order, listed: ListedMarket) -> Action | None:
        """Let an order meet the book as it is by now."""
        if order.status is not OrderStatus.DELAYED:
            return None
        step = Step(listed, self.now_ns)
        self._take_out_delayed(order, step)
        if 0 < order.ends_ns <= self.now_ns:
            self._end(order, OrderStatus.CANCELED_EXPIRED_ORDER, step)
            return step.action()
        found = NO_MATCH
        if listed.book.takes(order):
            found = match(order, listed.book, listed.market)
        if not _can_give(order, found.fee_e6):
            self._end(order, OrderStatus.CANCELED_NOT_ENOUGH_BALANCE, step, Reason.BALANCE)
        elif refusal := self._execute(order, found, step):
            self._end(order, OrderStatus.CANCELED, step, refusal.text)
        return step.action()

    def _execute(self, order: Order, found: Match, step: Step) -> Refusal | None:
        """Match, then rest or end. After a refusal nothing has happened."""
        if order.time_in_force is TimeInForce.FOK and not found.is_satisfied:
            return refuse(Reason.FOK_NOT_FILLED)
        if order.time_in_force is TimeInForce.FAK and not found.takes:
            return refuse(Reason.FAK_NO_MATCH)
        was_delayed = order.status is OrderStatus.DELAYED
        if not was_delayed:
            self.orders.add(order)
        order.status = OrderStatus.LIVE
        step.reports.append(_placed(order, found, was_delayed))
        if found.takes:
            self._trade(order, found, step)
        self._rest(order, found, step)
        return None

    def _trade(self, taker: Order, found: Match, step: Step) -> None:
        for take in found.takes:
            step.touch(1 - taker.book_side, take.level.price_e4)
            self._trades += 1
            trade = Trade(
                self._trades,
                taker.order_id,
                taker.account.address,
                taker.token,
                taker.side,
                take.price_e4,
                take.size_e6,
                take.collateral_e6,
                take.fee_e6,
                [settle_maker(taker, fill, step.listed.pool) for fill in take.fills],
            )
            step.reports.append(trade)
            for fill in take.fills:
                self._fill(fill, step)
        settle_taker(taker, found, self.accounts.fees)
        taker.matched_e6 = found.size_e6

    def _fill(self, fill: Fill, step: Step) -> None:
        """What a fill leaves of a resting order."""
        maker = fill.maker
        step.listed.book.sides[maker.book_side].fill(maker, fill.size_e6, fill.collateral_e6)
        if maker.is_worthless():
            maker.release()
            self.orders.finish(maker, OrderStatus.MATCHED)
        address = maker.account.address
        step.reports.append(OrderUpdate(maker.order_id, address, maker.status, maker.matched_e6))

    def _rest(self, order: Order, found: Match, step: Step) -> None:
        if found.takes:
            order.keep(order.open_e6 - found.size_e6)
        if order.time_in_force in IMMEDIATE or found.is_satisfied or order.is_worthless():
            self.orders.finish(order, OrderStatus.MATCHED)
            return
        order.reserve()
        step.touch_level_of(order)
        listed = step.listed
        listed.book.sides[order.book_side].add(order)
        if order.ends_ns:
            self.schedule(order.ends_ns, lambda: self._expire(order, listed))

    def _expire(self, order: Order, listed: ListedMarket) -> Action | None:
        if order.status is not OrderStatus.LIVE:
            return None
        return self.cancel([order], listed, OrderStatus.CANCELED_EXPIRED_ORDER)

    def cancel(self, orders: Iterable[Order], listed: ListedMarket, status: OrderStatus) -> Action:
        """End open orders of one market at once, delayed ones too."""
        step = Step(listed, self.now_ns)
        self.cancel_in(orders, step, status)
        return step.action()

    def cancel_in(self, orders: Iterable[Order], step: Step, status: OrderStatus) -> None:
        for order in orders:
            if order.status is OrderStatus.DELAYED:
                self._take_out_delayed(order, step)
            else:
                step.touch_level_of(order)
                step.listed.book.sides[order.book_side].remove(order)
                order.release()
            self._end(order, status, step)

    def _take_out_delayed(self, order: Order, step: Step) -> None:
        order.release()
        del step.listed.delayed[order.order_id]
        if step.listed.book.is_shown(order):
            step.touch_level_of(order)
            step.listed.book.hide(order)

    def _end(self, order: Order, status: OrderStatus, step: Step, text: str = "") -> None:
        """For an order that is in no book and holds nothing any more."""
        self.orders.finish(order, status)
        address = order.account.address
        step.reports.append(OrderCanceled(order.order_id, address, status, order.matched_e6, text))


def _can_give(order: Order, fee_e6: int) -> bool:
    """Whether balance and approval cover what an order that holds nothing yet may give."""
    account = order.account
    if not account.allows(order.side):
        return False
    if order.side == BUY:
        return account.free_e6() >= order.left_e6 + fee_e6
    return account.free_shares_e6(order.token) >= order.left_e6


def _placed(order: Order, found: Match, was_delayed: bool) -> Placed:
    status = PlacedStatus.MATCHED if found.takes else PlacedStatus.LIVE
    given_got = (found.collateral_e6, found.size_e6)
    making_e6, taking_e6 = given_got if order.side == BUY else given_got[::-1]
    address = order.account.address
    return Placed(order.order_id, address, status, making_e6, taking_e6, was_delayed)
