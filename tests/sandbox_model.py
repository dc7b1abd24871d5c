"""A naive exchange to check the sandbox's against: sorted lists, fractions, one account book.

It reads the reports in order. Before each order it works out by itself what must match, and after
each report what everybody owns and what the feed's followers see.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

from hfptm.records import BUY
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.orders import IMMEDIATE, OrderRequest, TimeInForce
from hfptm.sandbox.refusals import Reason
from hfptm.sandbox.reports import (
    Action,
    MakerFill,
    MatchType,
    OrderCanceled,
    Placed,
    PlacedStatus,
    Rejected,
    Trade,
)


@dataclass
class Resting:
    request: OrderRequest
    is_no: bool
    price: Fraction
    """Limit in its own token."""
    left_e6: int
    arrival: int

    @property
    def buys(self) -> bool:
        return self.request.side == BUY

    @property
    def is_bid(self) -> bool:
        """In YES terms."""
        return self.buys != self.is_no

    @property
    def yes_price(self) -> Fraction:
        return 1 - self.price if self.is_no else self.price

    @property
    def open_e6(self) -> int:
        return int(self.left_e6 / self.price) if self.buys else self.left_e6

    @property
    def is_worthless(self) -> bool:
        return self.left_e6 * (1 if self.buys else self.price) < 1


Fill = tuple[str, int, int]
"""Maker's order id, shares, maker's collateral."""


@dataclass
class Found:
    fills: list[Fill]
    shares_e6: int
    paid_e6: int
    """The taker's collateral."""
    is_satisfied: bool


class Model:
    """Compares itself with an exchange by `see`; AssertionError where they differ."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.cash_e6: Counter[str] = Counter()
        self.shares_e6: Counter[tuple[str, str]] = Counter()
        self.resting: defaultdict[int, list[Resting]] = defaultdict(list)
        self.delayed: dict[str, OrderRequest] = {}
        self.feed_e6: defaultdict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        self.cancels: Counter[str] = Counter()
        self.fills_e6: Counter[str] = Counter()
        """Shares by order id, takers' and makers'."""
        self.ends_of_delay: Counter[str] = Counter()
        self.partial_shares = 0
        """Fills that are no whole hundredths of a share."""
        self.requests: dict[str, OrderRequest] = {}
        self.match_types: Counter[MatchType] = Counter()
        self.refused: Counter[Reason] = Counter()
        self.trades: list[tuple[int, Trade]] = []
        """With their markets; taken back ones left out."""
        self._arrivals = 0

    def see(self, actions: list[Action], request: OrderRequest | None = None) -> None:
        """What an exchange call returned; `request` if it was a submission."""
        for action in actions:
            self._see_orders(action, request)
            for report in action.reports:
                if isinstance(report, OrderCanceled):
                    self._see_canceled(action, report)
                if isinstance(report, Trade):
                    self.trades.append((action.market, report))
                    self._pay(report)
            feed_e6 = self.feed_e6[action.market]
            for level in action.levels:
                assert feed_e6.get((level.side, level.price_e4), 0) != level.size_e6
                feed_e6[level.side, level.price_e4] = level.size_e6

    def _see_orders(self, action: Action, request: OrderRequest | None) -> None:
        first = action.reports[0] if action.reports else None
        if isinstance(first, Rejected):
            assert len(action.reports) == 1
            assert action.levels == []
            assert request is not None
            self.refused[first.reason] += 1
            self._check_refusal(action.market, request, first.reason)
        elif isinstance(first, Placed) and first.status is PlacedStatus.DELAYED:
            assert request is not None
            assert self.find(action.market, request).fills
            self.delayed[request.order_id] = request
            self.requests[request.order_id] = request
        elif isinstance(first, Placed):
            if first.was_delayed:
                self.ends_of_delay[first.status] += 1
                request = self.delayed.pop(first.order_id)
            assert request is not None
            self.requests[request.order_id] = request
            self._match(action, request, first)

    def _check_refusal(self, market: int, request: OrderRequest, reason: Reason) -> None:
        if reason is Reason.FAK_NO_MATCH:
            assert not self.find(market, request).fills
        if reason is Reason.FOK_NOT_FILLED:
            assert not self.find(market, request).is_satisfied
        if reason is Reason.POST_ONLY_CROSSES:
            assert self.find(market, request).fills

    def _see_canceled(self, action: Action, report: OrderCanceled) -> None:
        self.cancels[report.order_id] += 1
        assert report.matched_e6 == self.fills_e6[report.order_id]
        if self.delayed.pop(report.order_id, None):
            self.ends_of_delay["canceled"] += 1
            return
        resting = self.resting[action.market]
        (gone,) = [order for order in resting if order.request.order_id == report.order_id]
        resting.remove(gone)

    def find(self, market: int, request: OrderRequest) -> Found:
        """What an order must match now: everybody sorted by price and arrival."""
        taker = self._as_resting(request, 0)
        sign = 1 if taker.is_bid else -1
        others = [
            order
            for order in self.resting[market]
            if order.is_bid != taker.is_bid and order.yes_price * sign <= taker.yes_price * sign
        ]
        others.sort(key=lambda order: (order.yes_price * sign, order.arrival))
        spends = taker.buys and request.time_in_force in IMMEDIATE
        found = Found([], 0, 0, False)
        left_e6 = request.maker_e6 if spends else request.shares_e6
        for maker in others:
            own_price = 1 - maker.yes_price if taker.is_no else maker.yes_price
            wanted_e6 = int(left_e6 / own_price) if spends else left_e6
            if wanted_e6 >= maker.open_e6:
                shares_e6 = maker.open_e6
                given_e6 = maker.left_e6 if maker.buys else int(shares_e6 * maker.price)
            else:
                given_e6 = int(wanted_e6 * maker.price)
                shares_e6 = int(given_e6 / maker.price) if maker.buys else wanted_e6
                found.is_satisfied = True
            if given_e6:
                paid_e6 = given_e6 if maker.buys != taker.buys else shares_e6 - given_e6
                found.fills.append((maker.request.order_id, shares_e6, given_e6))
                found.shares_e6 += shares_e6
                found.paid_e6 += paid_e6
                left_e6 -= paid_e6 if spends else shares_e6
            found.is_satisfied |= left_e6 == 0
            if found.is_satisfied:
                break
        return found

    def _as_resting(self, request: OrderRequest, arrival: int) -> Resting:
        found = self.exchange.markets.of_token(request.token)
        assert found is not None
        price = Fraction(request.collateral_e6, request.shares_e6)
        tick = Fraction(found[0].market.tick_e4, 10_000)
        if request.side == BUY and request.time_in_force in IMMEDIATE:
            price = price // tick * tick
        return Resting(request, bool(found[1]), price, request.maker_e6, arrival)

    def _match(self, action: Action, request: OrderRequest, placed: Placed) -> None:
        found = self.find(action.market, request)
        trades = [report for report in action.reports if isinstance(report, Trade)]
        fills = [
            (maker.order_id, maker.size_e6, maker.collateral_e6)
            for trade in trades
            for maker in trade.makers
        ]
        assert fills == found.fills
        given = (found.paid_e6, found.shares_e6)
        assert (placed.making_e6, placed.taking_e6) == (
            given if request.side == BUY else given[::-1]
        )
        assert sum(trade.size_e6 for trade in trades) == found.shares_e6
        assert sum(trade.collateral_e6 for trade in trades) == found.paid_e6
        if request.time_in_force is TimeInForce.FOK:
            assert found.is_satisfied
        if request.time_in_force is TimeInForce.FAK:
            assert found.fills
        assert not (request.post_only and found.fills)
        self._reduce_makers(action.market, fills)
        self._rest(action.market, request, found)

    def _reduce_makers(self, market: int, fills: list[Fill]) -> None:
        by_id = {order.request.order_id: order for order in self.resting[market]}
        for order_id, shares_e6, given_e6 in fills:
            order = by_id[order_id]
            order.left_e6 -= given_e6 if order.buys else shares_e6
        self.resting[market] = [o for o in self.resting[market] if not o.is_worthless]

    def _rest(self, market: int, request: OrderRequest, found: Found) -> None:
        self._arrivals += 1
        order = self._as_resting(request, self._arrivals)
        open_e6 = request.shares_e6 - found.shares_e6
        order.left_e6 = int(open_e6 * order.price) if order.buys else open_e6
        is_over = found.is_satisfied or order.is_worthless
        if request.time_in_force not in IMMEDIATE and not is_over:
            self.resting[market].append(order)

    def _pay(self, trade: Trade) -> None:
        found = self.exchange.markets.of_token(trade.token)
        assert found is not None
        price = Fraction(trade.price_e4, 10_000)
        rate = Fraction(found[0].market.fee_rate_e4, 10_000)
        fee_e6 = int(rate * price * (1 - price) * trade.size_e6 / 10 + Fraction(1, 2)) * 10
        buys = trade.side == BUY
        assert trade.fee_e6 == (fee_e6 if buys else min(fee_e6, trade.collateral_e6))
        self.settle(trade)
        self.fills_e6[trade.taker_order_id] += trade.size_e6
        for maker in trade.makers:
            self.fills_e6[maker.order_id] += maker.size_e6
            self.partial_shares += maker.size_e6 % 10_000 > 0
            self.match_types[maker.match_type] += 1

    def settle(self, trade: Trade, sign: int = 1) -> None:
        """Give and take what a trade moves; with a sign of -1, the other way round."""
        self.cash_e6[trade.account] -= sign * trade.fee_e6
        self.cash_e6["fees"] += sign * trade.fee_e6
        parts: list[Trade | MakerFill] = [trade, *trade.makers]
        for part in parts:
            way = sign if part.side == BUY else -sign
            self._move(part.account, part.token, way, part.size_e6, part.collateral_e6)

    def lacks(self) -> bool:
        """Whether anybody has less than nothing."""
        return min([*self.cash_e6.values(), *self.shares_e6.values()]) < 0

    def _move(
        self, account: str, token: str, sign: int, shares_e6: int, collateral_e6: int
    ) -> None:
        self.cash_e6[account] -= sign * collateral_e6
        self.shares_e6[account, token] += sign * shares_e6
