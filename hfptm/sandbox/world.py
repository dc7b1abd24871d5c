"""A seeded exchange without a wire: books in YES terms that drift, trade and are swept.

Nothing it does by itself leaves an edge: no book crosses, and the best prices of exclusive markets
keep `MARGIN_E4` away from one dollar. All prices and sizes are integers from the first draw on.
"""

import numpy as np

from hfptm.records import Relation, Side
from hfptm.sandbox.universe import Universe
from hfptm.units import PRICE_ONE_E4

Change = tuple[int, int, int]
"""side, price_e4 and the level's new size_e6."""

Trade = tuple[int, int, int]
"""Side of the taker, price_e4, size_e6."""

MARGIN_E4 = 100
"""How far the sum of bids (asks) of a group stays below (above) one dollar."""

_HALF_SPREAD_E4 = 80
_OPENING_LEVELS = 10
_FEWEST_LEVELS = 6
_MOST_LEVELS = 14
_FAIR_RANGE_E4 = (600, 9_000)
_CENT_SHARES_E6 = 10_000


class YesBook:
    """One market's book, sizes by price, and when it last changed."""

    def __init__(self, ts_ms: int) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.ts_ms = ts_ms

    def apply(self, changes: list[Change]) -> None:
        for side, price_e4, size_e6 in changes:
            if size_e6:
                self.sides[side][price_e4] = size_e6
            else:
                self.sides[side].pop(price_e4, None)

    def best(self, side: int) -> int:
        """Best price of a side, which is never empty here."""
        levels = self.sides[side]
        return min(levels) if side else max(levels)


class World:
    """Books, fair values and the rules that keep them free of edges.

    Methods named after an action return the changes it would make; `YesBook.apply` makes them.
    Markets in `held` belong to whoever put them there: by themselves they only shuffle deep levels.
    """

    def __init__(self, universe: Universe, start_ms: int, rng: np.random.Generator) -> None:
        self.universe = universe
        self.rng = rng
        self.fairs_e4 = list(universe.fairs_e4)
        self.ticks_e4 = [market.tick_e4 for market in universe.markets]
        self.held: set[int] = set()
        relations = {group.group: group.relation for group in universe.groups}
        self._relations = [relations.get(m.group, Relation.NONE) for m in universe.markets]
        self._members = [universe.members(market.group) for market in universe.markets]
        self.books: list[YesBook] = []
        for index in range(len(universe.markets)):
            self.books.append(YesBook(start_ms - self.draw(1, 20_000)))
            self.books[index].apply(self._opening(index))

    def draw(self, low: int, high: int) -> int:
        """A uniform integer in [low, high)."""
        return int(self.rng.integers(low, high))

    def draw_size_e6(self, low: int = 5, high: int = 400) -> int:
        """Shares between `low` and `high`, in hundredths."""
        return self.draw(low * 100, high * 100) * _CENT_SHARES_E6

    def fair_quotes(self, index: int) -> tuple[int, int]:
        """The best bid and ask that the fair value asks for, on the market's grid."""
        tick_e4, fair_e4 = self.ticks_e4[index], self.fairs_e4[index]
        bid_e4 = (fair_e4 - _HALF_SPREAD_E4) // tick_e4 * tick_e4
        ask_e4 = -((-fair_e4 - _HALF_SPREAD_E4) // tick_e4) * tick_e4
        return bid_e4, ask_e4

    def act(self, index: int) -> tuple[list[Change], list[Trade]]:
        """Something ordinary at one market: a level changes, the fair value drifts, or a trade."""
        dice = self.draw(0, 100)
        if index in self.held:
            return self.shuffle(index, self.draw(1, 10)), []
        if dice < 72:
            return self.shuffle(index, self.draw(0, 10)), []
        if dice < 88:
            self._drift(index)
            return self.requote(index, *self._allowed(index)), []
        return self.take(index, self.draw(0, 2), levels=3 if dice > 97 else 1)

    def requote(
        self, index: int, bid_e4: int, ask_e4: int, size_e6: int | None = None
    ) -> list[Change]:
        """Move the best prices, levels in the way first; `size_e6` sets the size at both."""
        removed: list[Change] = []
        added: list[Change] = []
        for side, best_e4 in ((Side.BID, bid_e4), (Side.ASK, ask_e4)):
            levels = self.books[index].sides[side]
            beyond = [p for p in levels if (p < best_e4 if side else p > best_e4)]
            removed += [(int(side), price_e4, 0) for price_e4 in sorted(beyond)]
            kept = levels.keys() - set(beyond)
            if len(kept) > _MOST_LEVELS:
                removed.append((int(side), max(kept) if side else min(kept), 0))
            if size_e6 is not None or best_e4 not in kept:
                added.append((int(side), best_e4, size_e6 or self.draw_size_e6()))
            added += self._refill(index, side, best_e4, kept)
        return removed + added

    def _refill(self, index: int, side: Side, best_e4: int, kept: set[int]) -> list[Change]:
        """New levels behind the best one where few are left."""
        step_e4 = self.ticks_e4[index] * (1 if side else -1)
        behind = [best_e4 + depth * step_e4 for depth in range(1, _FEWEST_LEVELS)]
        missing = [p for p in behind if p not in kept and 0 < p < PRICE_ONE_E4]
        return [
            (int(side), price_e4, self.draw_size_e6())
            for price_e4 in missing[: max(0, _FEWEST_LEVELS - 1 - len(kept))]
        ]

    def shuffle(self, index: int, depth: int) -> list[Change]:
        """Set or remove the level `depth` ticks behind the best; nothing if that would cross."""
        side = self.draw(0, 2)
        levels = self.books[index].sides[side]
        step_e4 = self.ticks_e4[index] * (1 if side else -1)
        price_e4 = self.books[index].best(side) + depth * step_e4
        ahead_e4 = (self.books[index].best(1 - side) - price_e4) * (1 if side else -1)
        if not 0 < price_e4 < PRICE_ONE_E4 or ahead_e4 >= 0:
            return []
        if depth and price_e4 in levels and len(levels) > _FEWEST_LEVELS and self.draw(0, 3) == 0:
            return [(side, price_e4, 0)]
        return [(side, price_e4, self.draw_size_e6())]

    def take(self, index: int, side: int, levels: int = 1) -> tuple[list[Change], list[Trade]]:
        """A taker's order on `side`: part of the best level, or a sweep of several whole ones."""
        book = self.books[index].sides[1 - side]
        if levels > 1 and len(book) > _FEWEST_LEVELS + levels:
            prices = sorted(book, reverse=side == Side.ASK)[:levels]
            return (
                [(1 - side, price_e4, 0) for price_e4 in prices],
                [(side, price_e4, book[price_e4]) for price_e4 in prices],
            )
        price_e4 = self.books[index].best(1 - side)
        cents = book[price_e4] // _CENT_SHARES_E6
        if cents < 2:
            return [], []
        size_e6 = self.draw(1, cents) * _CENT_SHARES_E6
        return [(1 - side, price_e4, book[price_e4] - size_e6)], [(side, price_e4, size_e6)]

    def _opening(self, index: int) -> list[Change]:
        tick_e4 = self.ticks_e4[index]
        bid_e4, ask_e4 = self.fair_quotes(index)
        ladder = [(int(Side.BID), bid_e4 - depth * tick_e4) for depth in range(_OPENING_LEVELS)]
        ladder += [(int(Side.ASK), ask_e4 + depth * tick_e4) for depth in range(_OPENING_LEVELS)]
        return [
            (side, price_e4, self.draw_size_e6())
            for side, price_e4 in ladder
            if 0 < price_e4 < PRICE_ONE_E4
        ]

    def _drift(self, index: int) -> None:
        """The fair value walks; in a group another member gives what this one gains."""
        others = [i for i in self._members[index] if i != index and i not in self.held]
        step_e4 = self.draw(-60, 61)
        moves = {index: step_e4}
        if self._members[index]:
            if not others:
                return
            moves[others[self.draw(0, len(others))]] = -step_e4
        low_e4, high_e4 = _FAIR_RANGE_E4
        if all(low_e4 <= self.fairs_e4[i] + move <= high_e4 for i, move in moves.items()):
            for i, move in moves.items():
                self.fairs_e4[i] += move

    def _allowed(self, index: int) -> tuple[int, int]:
        """The fair quotes, or as much of them as leaves the group without an edge."""
        bid_e4, ask_e4 = self.fair_quotes(index)
        others = [self.books[i] for i in self._members[index] if i != index]
        if others:
            bids_e4 = sum(book.best(Side.BID) for book in others)
            bid_e4 = min(bid_e4, self._on_grid(index, PRICE_ONE_E4 - MARGIN_E4 - bids_e4))
        if self._relations[index] is Relation.EXACTLY_ONE:
            asks_e4 = sum(book.best(Side.ASK) for book in others)
            ask_e4 = max(ask_e4, -self._on_grid(index, asks_e4 - PRICE_ONE_E4 - MARGIN_E4))
        return bid_e4, ask_e4

    def _on_grid(self, index: int, price_e4: int) -> int:
        return price_e4 // self.ticks_e4[index] * self.ticks_e4[index]
