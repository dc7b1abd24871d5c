"""An action in the making: what happens is written down, levels are compared at its end."""

from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.orders import Order
from hfptm.sandbox.reports import Action, LevelChange, Report


class Step:
    """`touch` each level before it changes; `action` then tells which really did."""

    __slots__ = ("_before_e6", "listed", "reports", "ts_ns")

    def __init__(self, listed: ListedMarket, ts_ns: int) -> None:
        self.listed = listed
        self.ts_ns = ts_ns
        self.reports: list[Report] = []
        self._before_e6: dict[tuple[int, int], int] = {}

    def touch(self, side: int, price_e4: int) -> None:
        key = (side, price_e4)
        if key not in self._before_e6:
            self._before_e6[key] = self.listed.book.published_size_e6(side, price_e4)

    def touch_level_of(self, order: Order) -> None:
        self.touch(order.book_side, order.yes_price_e4)

    def action(self) -> Action:
        book, levels = self.listed.book, []
        for (side, price_e4), before_e6 in self._before_e6.items():
            size_e6 = book.published_size_e6(side, price_e4)
            if size_e6 != before_e6:
                levels.append(LevelChange(side, price_e4, size_e6))
        return Action(self.listed.market.market, self.ts_ns, self.reports, levels)
