"""One market's maker, and whoever takes from it: real orders, from a few plain operations.

Everything it has in the book it reads from the book, so that fills need no bookkeeping here.
Prices are YES prices.
"""

from hfptm.records import BUY, Side
from hfptm.sandbox.house import House
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.margins import Margins
from hfptm.sandbox.orders import IMMEDIATE, Order, TimeInForce
from hfptm.sandbox.quoting import LASTING_QUOTING, Quoting, draw_order_e6, draw_taker_e6
from hfptm.units import PRICE_ONE_E4
from hfptm.venue.orders import SHARE_STEP_E6

_ORDERS_PER_LEVEL = 4

Wanted = tuple[Side, int, int | None]
"""An order to rest: side, price_e4, and size_e6 unless that is to be drawn."""


class Quoter:
    """Its orders never cross by themselves: what would is not placed, or is refused (post-only).

    `held` says that a market belongs to whoever put it there: traders only shuffle its deep
    levels. Nothing is returned; whoever wants to know what happened listens to the sandbox.
    """

    def __init__(
        self,
        house: House,
        listed: ListedMarket,
        margins: Margins,
        fair_e4: int,
        quoting: Quoting = LASTING_QUOTING,
    ) -> None:
        self.listed = listed
        self.fair_e4 = fair_e4
        """What it believes a YES share to be worth."""
        self.held = False
        self.quoting = quoting
        self._house = house
        self._margins = margins
        self._maker = house.makers[listed.market.market % len(house.makers)]

    def best_e4(self, side: int) -> int:
        """Best price of a side, anybody's; `NO_BID_E4` or `NO_ASK_E4` if it is empty."""
        return self.listed.book.sides[side].best_e4()

    def fair_quotes(self) -> tuple[int, int]:
        """Bid and ask around the fair value as far as its group allows, on the grid.

        `NO_BID_E4` and `NO_ASK_E4` stand for no quote.
        """
        tick_e4 = self.listed.market.tick_e4
        bid_e4 = min(
            self.fair_e4 - self.quoting.half_spread_e4, self._margins.bid_max_e4(self.listed)
        )
        ask_e4 = max(
            self.fair_e4 + self.quoting.half_spread_e4, self._margins.ask_min_e4(self.listed)
        )
        return max(bid_e4 // tick_e4 * tick_e4, 0), min(-(-ask_e4 // tick_e4) * tick_e4, 10_000)

    def open(self) -> None:
        """The first orders of both sides."""
        tick_e4 = self.listed.market.tick_e4
        for side, best_e4 in zip(Side, self.fair_quotes(), strict=True):
            step_e4 = tick_e4 if side else -tick_e4
            for depth in range(self.quoting.opening_levels):
                self._place(side, best_e4 + depth * step_e4)

    def requote(self, bid_e4: int, ask_e4: int, size_e6: int | None = None) -> None:
        """Move the best prices: cancel what is in the way, then place what is missing.

        `size_e6` becomes the size at both. `NO_BID_E4` or `NO_ASK_E4` leaves a side empty. Sides
        keep the fewest to about the most levels of their quoting.
        """
        self.place(self.make_way(bid_e4, ask_e4, size_e6))

    def make_way(self, bid_e4: int, ask_e4: int, size_e6: int | None = None) -> list[Wanted]:
        """The first half of `requote`: cancel what is in the way. `place` what it returns."""
        gone: list[Order] = []
        new: list[Wanted] = []
        for side, best_e4 in zip(Side, (bid_e4, ask_e4), strict=True):
            levels = self._levels(side)
            kept = [p for p in levels if (p >= best_e4 if side else p <= best_e4)]
            gone += [order for p in levels.keys() - set(kept) for order in levels[p]]
            if len(kept) > self.quoting.most_levels:
                gone += levels[max(kept) if side else min(kept)]
            if best_e4 not in levels:
                new.append((side, best_e4, size_e6))
            elif size_e6 is not None:
                gone += levels[best_e4]
                new.append((side, best_e4, size_e6))
            new += [(side, p, None) for p in self._missing(side, best_e4, kept)]
        self._house.cancel(sorted(gone, key=lambda order: order.order_id))
        return new

    def place(self, wanted: list[Wanted]) -> None:
        for side, price_e4, size_e6 in wanted:
            self._place(side, price_e4, size_e6)

    def _missing(self, side: Side, best_e4: int, kept: list[int]) -> list[int]:
        """Prices of new levels behind the best one where few are left."""
        step_e4 = self.listed.market.tick_e4 * (1 if side else -1)
        behind = [best_e4 + depth * step_e4 for depth in range(1, self.quoting.fewest_levels)]
        few = self.quoting.fewest_levels - 1 - len([p for p in kept if p != best_e4])
        return [p for p in behind if p not in kept][: max(0, few)]

    def shuffle(self, depth: int) -> None:
        """Place or cancel an order `depth` ticks behind a best price; the best level stays."""
        draws, quoting = self._house.draws, self.quoting
        side = Side(draws.below(2))
        levels = len(self.listed.book.sides[side].levels)
        if not levels:
            return
        step_e4 = self.listed.market.tick_e4 * (1 if side else -1)
        price_e4 = self.best_e4(side) + depth * step_e4
        orders = self._orders_at(side, price_e4)
        may_go = len(orders) > 1 or (orders and depth and levels > quoting.fewest_levels)
        if may_go and (len(orders) >= _ORDERS_PER_LEVEL or draws.below(2)):
            self._house.cancel([orders[draws.below(len(orders))]])
        elif orders or levels < quoting.most_levels:
            self._place(side, price_e4)
        else:
            self._house.cancel(self._orders_at(side, self._deepest_e4(side)))

    def take(
        self, side: int, levels: int = 1, time_in_force: TimeInForce = TimeInForce.FAK
    ) -> None:
        """An order of a taker on `side`: for less than the best level, or a sweep of several.

        A sweep takes `levels` whole ones; it needs as many more than the fewest.
        """
        house = self._house
        found = self.listed.book.published_levels(1 - side)
        if levels > 1 and len(found) > self.quoting.fewest_levels + levels:
            size_e6 = sum(level_e6 for _, level_e6 in found[:levels])
            house.immediate(house.any_taker(), self.listed, side, (found[levels - 1][0], size_e6))
            return
        if not found:
            return
        price_e4, level_e6 = found[0]
        most_e6 = level_e6 - 1 - (level_e6 - 1) % SHARE_STEP_E6
        level = (price_e4, min(draw_taker_e6(house.draws), most_e6))
        if time_in_force in IMMEDIATE:
            house.immediate(house.any_taker(), self.listed, side, level, time_in_force)
        elif level[1] >= self.listed.market.min_size_e6:
            house.limit(house.any_taker(), self.listed, side, level)

    def jump(self, side: int, price_e4: int, rest_e6: int) -> None:
        """One order of a taker that takes every level up to a price and rests there.

        In one action levels go on one side and a better one appears on the other.
        """
        within = [
            level_e6
            for level_e4, level_e6 in self.listed.book.published_levels(1 - side)
            if (level_e4 <= price_e4 if side == BUY else level_e4 >= price_e4)
        ]
        taken_e6 = sum(within)
        size_e6 = taken_e6 - taken_e6 % -SHARE_STEP_E6 + rest_e6
        self._house.limit(self._house.any_taker(), self.listed, side, (price_e4, size_e6))

    def withdraw(self) -> None:
        """Cancel everything."""
        levels = [level for side in Side for level in self._levels(side).values()]
        self._house.cancel([order for orders in levels for order in orders])

    def _levels(self, side: int) -> dict[int, list[Order]]:
        """Orders of the house by price."""
        prices_e4 = list(self.listed.book.sides[side].levels)
        found = {price_e4: self._orders_at(side, price_e4) for price_e4 in prices_e4}
        return {price_e4: orders for price_e4, orders in found.items() if orders}

    def _orders_at(self, side: int, price_e4: int) -> list[Order]:
        """Orders of the house at one price."""
        level = self.listed.book.sides[side].levels.get(price_e4)
        owns = self._house.owns
        return [order for order in level.orders.values() if owns(order)] if level else []

    def _deepest_e4(self, side: int) -> int:
        levels = self.listed.book.sides[side].levels
        return max(levels) if side else min(levels)

    def _place(self, side: int, price_e4: int, size_e6: int | None = None) -> None:
        """Rest an order, unless its price is none or meets the other side."""
        if not 0 < price_e4 < PRICE_ONE_E4:
            return
        other_e4 = self.best_e4(1 - side)
        if price_e4 >= other_e4 if side == BUY else price_e4 <= other_e4:
            return
        level = (price_e4, draw_order_e6(self._house.draws) if size_e6 is None else size_e6)
        self._house.limit(self._maker, self.listed, side, level, post_only=True)
