"""One market's published book as text, in both tokens' terms, kept level by level.

Every batch of frames carries the hash of both books as a whole (exchange reference, section 1.4):
what did not change since the last one is not printed again.
"""

from bisect import bisect_left
from functools import lru_cache

from hfptm.records import BUY, SELL, Token
from hfptm.units import PRICE_ONE_E4, format_e4, format_e6

price_text = lru_cache(maxsize=1 << 16)(format_e4)
size_text = lru_cache(maxsize=1 << 16)(format_e6)


class _SideText:
    """A side's levels, the best one last: that order is the same for YES and for the mirrored NO.

    A rank is the YES price, negated on the ask side.
    """

    __slots__ = ("_joined", "_levels", "_ranks", "_sign")

    def __init__(self, side: int) -> None:
        self._sign = 1 if side == BUY else -1
        self._ranks: list[int] = []
        self._levels: tuple[list[str], list[str]] = ([], [])
        self._joined: list[str | None] = [None, None]

    def set(self, price_e4: int, size_e6: int) -> None:
        rank = price_e4 * self._sign
        place = bisect_left(self._ranks, rank)
        is_there = place < len(self._ranks) and self._ranks[place] == rank
        stop = place + is_there
        self._ranks[place:stop] = [rank] if size_e6 else []
        for levels, own_e4 in zip(self._levels, (price_e4, PRICE_ONE_E4 - price_e4), strict=True):
            levels[place:stop] = [_level(own_e4, size_e6)] if size_e6 else []
        self._joined = [None, None]

    def text(self, token: Token) -> str:
        joined = self._joined[token]
        if joined is None:
            joined = self._joined[token] = ",".join(self._levels[token])
        return joined


class BookText:
    """Levels are set in YES terms; `text` is in those of the token asked for."""

    __slots__ = ("_sides",)

    def __init__(self) -> None:
        self._sides = (_SideText(BUY), _SideText(SELL))

    def set(self, side: int, price_e4: int, size_e6: int) -> None:
        """A level's new size; 0 takes it out."""
        self._sides[side].set(price_e4, size_e6)

    def text(self, token: Token) -> str:
        """`"bids":[...],"asks":[...]`, bids upwards and asks downwards."""
        bids, asks = self._sides if token is Token.YES else reversed(self._sides)
        return f'"bids":[{bids.text(token)}],"asks":[{asks.text(token)}]'


def _level(price_e4: int, size_e6: int) -> str:
    return f'{{"price":"{price_text(price_e4)}","size":"{size_text(size_e6)}"}}'
