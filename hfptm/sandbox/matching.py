"""What a marketable order takes from a book: which resting orders, how much of each, for what.

Trades are at the resting order's price in its own token, and it gets or gives what the contracts'
floor(making x takerAmount / makerAmount) says. Whatever the floors leave over, less than a
micro-dollar each, is the taker's. Source: exchange reference, sections 4.3 (fill maths), 5 and 7.
"""

from collections.abc import Callable
from typing import NamedTuple

from hfptm.kernel.fees import taker_fee_e6
from hfptm.records import BUY, SELL
from hfptm.registry import Market
from hfptm.sandbox.order_book import Level, OrderBook
from hfptm.sandbox.orders import Order
from hfptm.units import PRICE_ONE_E4

_fee_rule: Callable[[int, int, int, int], int] = getattr(taker_fee_e6, "py_func", taker_fee_e6)
"""The kernel's rule as plain Python, which has no 64-bit limit."""


class Fill(NamedTuple):
    """Shares of one resting order, and the collateral that it pays (BUY) or gets (SELL)."""

    maker: Order
    size_e6: int
    collateral_e6: int

    def taker_collateral_e6(self, taker_side: int) -> int:
        """What the taker pays or gets: the same in its own token, else the rest of a dollar."""
        if taker_side != self.maker.side:
            return self.collateral_e6
        return self.size_e6 - self.collateral_e6


class Take(NamedTuple):
    """What is taken of one level."""

    level: Level
    price_e4: int
    """In the taker's token."""
    fills: list[Fill]
    size_e6: int
    collateral_e6: int
    """What the taker pays or gets, before the fee."""
    fee_e6: int


class Match(NamedTuple):
    takes: list[Take]
    size_e6: int
    collateral_e6: int
    fee_e6: int
    is_satisfied: bool
    """The taker wanted no more than it found, up to rounding."""


NO_MATCH = Match([], 0, 0, 0, False)


def prepare() -> None:
    """Compile what the fee rule calls, which takes a moment, before anybody waits for an answer."""
    _fee_rule(1, 1, 1, 1)


def match(taker: Order, book: OrderBook, market: Market) -> Match:
    """Walk the other side by price, then time, as far as limit and amount of the taker go."""
    left_e6 = taker.left_e6 if taker.spends() else taker.open_e6
    takes: list[Take] = []
    is_satisfied = False
    for level in book.sides[1 - taker.book_side].from_best():
        if not _is_within(taker, level.price_e4):
            break
        take, left_e6, is_satisfied = _take(taker, level, left_e6, market)
        if take.fills:
            takes.append(take)
        if is_satisfied:
            break
    size_e6 = collateral_e6 = fee_e6 = 0
    for take in takes:
        size_e6 += take.size_e6
        collateral_e6 += take.collateral_e6
        fee_e6 += take.fee_e6
    return Match(takes, size_e6, collateral_e6, fee_e6, is_satisfied)


def _is_within(taker: Order, price_e4: int) -> bool:
    if taker.book_side == BUY:
        return price_e4 <= taker.yes_price_e4
    return price_e4 >= taker.yes_price_e4


def _take(taker: Order, level: Level, left_e6: int, market: Market) -> tuple[Take, int, bool]:
    """(what is taken of a level, what the taker still wants, whether it is satisfied)."""
    price_e4 = PRICE_ONE_E4 - level.price_e4 if taker.outcome else level.price_e4
    fills: list[Fill] = []
    size_e6 = collateral_e6 = 0
    spends, is_satisfied = taker.spends(), False
    for maker in level.orders.values():
        wanted_e6 = left_e6 * PRICE_ONE_E4 // price_e4 if spends else left_e6
        is_part = wanted_e6 < maker.open_e6
        fill = _part_of(maker, wanted_e6) if is_part else _whole(maker)
        paid_e6 = fill.taker_collateral_e6(taker.side)
        if fill.collateral_e6:
            fills.append(fill)
            size_e6 += fill.size_e6
            collateral_e6 += paid_e6
            left_e6 -= paid_e6 if spends else fill.size_e6
        if is_part or left_e6 == 0:
            # After a part, what is left is too little to trade at this price.
            is_satisfied = True
            break
    fee_e6 = _fee_e6(taker, market, price_e4, size_e6, collateral_e6)
    take = Take(level, price_e4, fills, size_e6, collateral_e6, fee_e6)
    return take, left_e6, is_satisfied


def _whole(maker: Order) -> Fill:
    if maker.side == SELL:
        return Fill(maker, maker.open_e6, maker.open_e6 * maker.price_e4 // PRICE_ONE_E4)
    return Fill(maker, maker.open_e6, maker.left_e6)


def _part_of(maker: Order, wanted_e6: int) -> Fill:
    """At most `wanted_e6` shares; nothing if they are not worth a micro-dollar."""
    collateral_e6 = wanted_e6 * maker.price_e4 // PRICE_ONE_E4
    if maker.side == SELL:
        return Fill(maker, wanted_e6, collateral_e6)
    return Fill(maker, collateral_e6 * PRICE_ONE_E4 // maker.price_e4, collateral_e6)


def _fee_e6(taker: Order, market: Market, price_e4: int, size_e6: int, collateral_e6: int) -> int:
    """Taker fee of one level; a SELL's never exceeds its proceeds."""
    if not market.fee_rate_e4 or not size_e6:
        return 0
    fee_e6 = _fee_rule(market.fee_rate_e4, market.fee_exponent, price_e4, size_e6)
    return fee_e6 if taker.side == BUY else min(fee_e6, collateral_e6)
