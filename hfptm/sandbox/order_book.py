"""One market's book in YES terms: price levels, each a queue in the order of arrival.

An order in the NO token rests mirrored, so that both tokens share one book (reference, section 7).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from hfptm.records import BUY, SELL
from hfptm.sandbox.orders import Order
from hfptm.units import NO_ASK_E4, NO_BID_E4


class Level:
    """Orders at one price, oldest first, and the shares they add up to."""

    __slots__ = ("orders", "price_e4", "size_e6")

    def __init__(self, price_e4: int) -> None:
        self.price_e4 = price_e4
        self.size_e6 = 0
        self.orders: dict[str, Order] = {}


class BookSide:
    """Levels by price. A rank is the price, negated on the ask side: the best one is the last."""

    __slots__ = ("empty_e4", "levels", "ranks", "sign")

    def __init__(self, side: int) -> None:
        self.sign = 1 if side == BUY else -1
        self.empty_e4 = NO_BID_E4 if side == BUY else NO_ASK_E4
        self.ranks: list[int] = []
        self.levels: dict[int, Level] = {}

    def best_e4(self) -> int:
        """Best price; `units.NO_BID_E4` or `NO_ASK_E4` of an empty side."""
        return self.ranks[-1] * self.sign if self.ranks else self.empty_e4

    def add(self, order: Order) -> None:
        """Queue an order behind those at its price."""
        price_e4 = order.yes_price_e4
        level = self.levels.get(price_e4)
        if level is None:
            level = self.levels[price_e4] = Level(price_e4)
            insort(self.ranks, price_e4 * self.sign)
        level.orders[order.order_id] = order
        level.size_e6 += order.open_e6

    def remove(self, order: Order) -> None:
        """Take an order out with all it still has open."""
        level = self.levels[order.yes_price_e4]
        del level.orders[order.order_id]
        level.size_e6 -= order.open_e6
        if not level.orders:
            del self.levels[level.price_e4]
            del self.ranks[bisect_left(self.ranks, level.price_e4 * self.sign)]

    def fill(self, order: Order, size_e6: int, collateral_e6: int) -> None:
        """Fill a resting order, and take it out if what is left is worthless."""
        level = self.levels[order.yes_price_e4]
        level.size_e6 -= order.open_e6
        order.fill(size_e6, collateral_e6)
        level.size_e6 += order.open_e6
        if order.is_worthless():
            self.remove(order)

    def from_best(self) -> Iterator[Level]:
        """Levels, the best one first. The side must not change meanwhile."""
        levels, sign = self.levels, self.sign
        return (levels[rank * sign] for rank in reversed(self.ranks))


class OrderBook:
    """Both sides, and what the feed shows of delayed orders on top of them, if it does."""

    __slots__ = ("_shown", "shown_e6", "sides")

    def __init__(self) -> None:
        self.sides = (BookSide(BUY), BookSide(SELL))
        self.shown_e6: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Shares of delayed orders by price, of each side."""
        self._shown: set[str] = set()

    def takes(self, order: Order) -> bool:
        """Whether an order meets the best price of the other side."""
        if order.book_side == BUY:
            return order.yes_price_e4 >= self.sides[SELL].best_e4()
        return order.yes_price_e4 <= self.sides[BUY].best_e4()

    def is_shown(self, order: Order) -> bool:
        return order.order_id in self._shown

    def show(self, order: Order) -> None:
        self._shown.add(order.order_id)
        shown_e6 = self.shown_e6[order.book_side]
        shown_e6[order.yes_price_e4] = shown_e6.get(order.yes_price_e4, 0) + order.open_e6

    def hide(self, order: Order) -> None:
        self._shown.remove(order.order_id)
        shown_e6 = self.shown_e6[order.book_side]
        shown_e6[order.yes_price_e4] -= order.open_e6
        if not shown_e6[order.yes_price_e4]:
            del shown_e6[order.yes_price_e4]

    def published_best_e4(self, side: int) -> int:
        """Best price as the feed reports it."""
        best_e4 = self.sides[side].best_e4()
        if not self.shown_e6[side]:
            return best_e4
        best = max if side == BUY else min
        return best(best_e4, best(self.shown_e6[side]))

    def published_size_e6(self, side: int, price_e4: int) -> int:
        """Shares at a price as the feed reports them, 0 if there is no level."""
        level = self.sides[side].levels.get(price_e4)
        size_e6 = level.size_e6 if level else 0
        return size_e6 + self.shown_e6[side].get(price_e4, 0) if self.shown_e6[side] else size_e6

    def published_levels(self, side: int) -> list[tuple[int, int]]:
        """(price_e4, size_e6) of a side as the feed reports it, the best one first."""
        prices_e4 = self.sides[side].levels.keys() | self.shown_e6[side].keys()
        return [
            (price_e4, self.published_size_e6(side, price_e4))
            for price_e4 in sorted(prices_e4, reverse=side == BUY)
        ]
