"""What one frame says about the book of one market, folded into YES terms, as rows.

YES and NO are one book shown twice: NO BUY at p is a YES ask at 1 - p, NO SELL at p a YES bid at
1 - p. Source: exchange reference, sections 1.3 and 7.
"""

import struct
from collections.abc import Callable, Iterable
from itertools import starmap

import numpy as np
import numpy.typing as npt

from hfptm.records import EVENT, EventFlag, EventKind, Token
from hfptm.registry import Market
from hfptm.units import (
    NO_ASK_E4,
    NO_BID_E4,
    NS_PER_MS,
    PRICE_ONE_E4,
    pack_best,
    parse_price_e4,
    parse_size_e6,
)
from hfptm.venue.messages import Text

Row = tuple[int, int, int, int, int, int, int, int, int]
"""The fields of `records.EVENT` in its order."""

Rows = npt.NDArray[np.void]

_pack = struct.Struct("<5qiHBB").pack


def as_rows(rows: Iterable[Row]) -> Rows:
    """Shape (n,), dtype `records.EVENT`; in half the time that `np.array` takes for a few."""
    return np.frombuffer(bytearray(b"".join(starmap(_pack, rows))), EVENT)


Levels = dict[tuple[int, int], int]
"""(side, price_e4) to size_e6, in YES terms."""

UNREADABLE = -1
NOT_REPORTED = -2

_LONGEST_NUMBER = 40
"""Longer strings are no number; refusing them early also bounds what is kept of them."""

_KEPT = 1 << 16
"""Texts of each sort whose meaning is kept."""

_FIRST_MS, _LAST_MS = 1_500_000_000_000, 4_000_000_000_000
"""2017 to 2096: a timestamp outside is in another unit or nonsense."""

_LEVEL, _SNAPSHOT, _BEST = int(EventKind.LEVEL), int(EventKind.SNAPSHOT), int(EventKind.BEST)
_LAST, _OF_SNAPSHOT = int(EventFlag.LAST_IN_BATCH), int(EventFlag.SNAPSHOT)
_MIRROR_BREAK, _MAYBE_BAD = int(EventFlag.MIRROR_BREAK), int(EventFlag.MAYBE_BAD)
_BEST_OF = (int(EventFlag.BEST_YES), int(EventFlag.BEST_NO))
_BOTH = 0b11


class _Numbers(dict[Text, int]):
    """What texts of the wire mean, found by one look-up; those that are no number are not kept."""

    def __init__(self, parse: Callable[[str], int]) -> None:
        self._parse = parse

    def __missing__(self, text: Text) -> int:
        if type(text) is not str or len(text) > _LONGEST_NUMBER:
            return UNREADABLE
        if len(self) >= _KEPT:
            self.clear()
        try:
            self[text] = self._parse(text)
        except ValueError:
            return UNREADABLE
        return self[text]


read_price_e4 = _Numbers(parse_price_e4).__getitem__
"""A price of the wire, 0 to 1 inclusive, or UNREADABLE."""
read_size_e6 = _Numbers(parse_size_e6).__getitem__
"""A size of the wire, or UNREADABLE."""


def read_ts_ns(text: Text) -> int:
    """A timestamp of the wire (ms as digits, rarely as a JSON integer) in ns, or UNREADABLE."""
    if type(text) is str and text.isascii() and text.isdigit() and len(text) < 20:
        ts_ms = int(text)
    elif type(text) is int:
        ts_ms = text
    else:
        return UNREADABLE
    return ts_ms * NS_PER_MS if _FIRST_MS <= ts_ms <= _LAST_MS else UNREADABLE


Reported = tuple[Text, Text, int]
"""best_bid and best_ask as one entry of the wire tells them, and its token."""


class _Bests(dict[Reported, int]):
    """The same for two best prices at once."""

    def __missing__(self, told: Reported) -> int:
        best_bid, best_ask, token = told
        if best_bid is None or best_ask is None:
            return NOT_REPORTED
        if type(best_bid) is not str or type(best_ask) is not str:
            return UNREADABLE
        if len(best_bid) > _LONGEST_NUMBER or len(best_ask) > _LONGEST_NUMBER:
            return UNREADABLE
        if len(self) >= _KEPT:
            self.clear()
        self[told] = best = _best(best_bid, best_ask, token)
        return best


read_best = _Bests().__getitem__
"""Best prices reported for a token, in YES terms as `units.pack_best`.

Each of "", "0" and "1" stands for an empty side. UNREADABLE if either is no price, NOT_REPORTED if
either is absent.
"""


def _best(best_bid: str, best_ask: str, token: int) -> int:
    bid_e4 = read_price_e4(best_bid) if best_bid else NO_BID_E4
    ask_e4 = read_price_e4(best_ask) if best_ask else NO_ASK_E4
    if UNREADABLE in (bid_e4, ask_e4):
        return UNREADABLE
    bid_e4 = NO_BID_E4 if bid_e4 == PRICE_ONE_E4 else bid_e4
    ask_e4 = ask_e4 or NO_ASK_E4
    if token == Token.NO:
        bid_e4, ask_e4 = PRICE_ONE_E4 - ask_e4, PRICE_ONE_E4 - bid_e4
    return pack_best(bid_e4, ask_e4)


ListingState = tuple[int, int, int]
"""Tick, the time of its change, the time of the last message; see `Listing`."""


class Listing:
    """A market as the feed knows it now: its tick, and the time of its last message."""

    __slots__ = ("market", "tick_e4", "ts_tick_ns", "ts_venue_ns")

    def __init__(self, market: Market) -> None:
        self.market = market.market
        self.tick_e4 = market.tick_e4
        self.ts_venue_ns = 0
        self.ts_tick_ns = 0

    def stamp(self, ts_venue_ns: int, ts_recv_ns: int) -> int:
        """Note the time of a message, or supply the last one known if it had none."""
        if ts_venue_ns == UNREADABLE:
            return self.ts_venue_ns or ts_recv_ns
        self.ts_venue_ns = ts_venue_ns
        return ts_venue_ns

    @property
    def is_used(self) -> bool:
        return self.ts_venue_ns != 0

    def save(self) -> ListingState:
        return self.tick_e4, self.ts_tick_ns, self.ts_venue_ns

    def restore(self, saved: ListingState) -> None:
        self.tick_e4, self.ts_tick_ns, self.ts_venue_ns = saved


class Batch:
    """Levels and best prices of one market and timestamp within one frame, until the frame ends.

    Filled by the feed, token by token; read once through `rows`.
    """

    __slots__ = (
        "_best",
        "_levels",
        "_seen",
        "flags",
        "is_book",
        "market",
        "tick_e4",
        "ts_venue_ns",
    )

    def __init__(self, market: int, ts_venue_ns: int, is_book: bool) -> None:
        self.market = market
        self.ts_venue_ns = ts_venue_ns
        self.is_book = is_book
        self.tick_e4 = 0
        self.flags = 0
        self._levels: tuple[Levels, Levels] = ({}, {})
        self._best = [NOT_REPORTED, NOT_REPORTED]
        self._seen = 0

    def takes(self, ts_venue_ns: int, is_book: bool, token: int) -> bool:
        """Whether a message may join: same time, same kind, and no second book of one token."""
        return (
            self.ts_venue_ns == ts_venue_ns
            and self.is_book == is_book
            and not (is_book and self._seen >> token & 1)
        )

    def see(self, token: int) -> None:
        """The frame has something of this token, if only an unreadable or an empty part."""
        self._seen |= 1 << token

    def set_level(self, token: int, side: int, price_e4: int, size_e6: int) -> None:
        """One readable level in the token's own terms; the last of several at one price counts."""
        if token:
            side, price_e4 = 1 - side, PRICE_ONE_E4 - price_e4
        self._levels[token][side, price_e4] = size_e6

    def count(self, token: int) -> int:
        """Levels set so far for this token."""
        return len(self._levels[token])

    def set_best(self, token: int, aux: int) -> None:
        self._best[token] = aux

    @property
    def is_broken(self) -> bool:
        """YES and NO parts were no mirror images of each other; known once `rows` was called."""
        return bool(self.flags & _MIRROR_BREAK)

    def spoil(self) -> None:
        """Something of this market was unreadable."""
        self.flags |= _MAYBE_BAD

    def rows(self, ts_recv_ns: int) -> list[Row]:
        """Rows in YES terms, the last of which closes the frame for this market."""
        levels = self._folded()
        aux, best_flags = self._reported()
        closing = self.flags | best_flags | _LAST
        ts_venue_ns, market = self.ts_venue_ns, self.market
        of_book = _OF_SNAPSHOT if self.is_book else 0
        rows: list[Row] = [
            (ts_recv_ns, ts_venue_ns, market, size_e6, 0, price_e4, of_book, _LEVEL, side)
            for (side, price_e4), size_e6 in levels
        ]
        if self.is_book:
            opening = (0, 0, self.tick_e4, _OF_SNAPSHOT, _SNAPSHOT, 0)
            rows.insert(0, (ts_recv_ns, ts_venue_ns, market, *opening))
        if rows:
            rows[-1] = _closed(rows[-1], aux, closing)
        else:
            rows.append((ts_recv_ns, ts_venue_ns, market, 0, aux, 0, closing, _BEST, 0))
        return rows

    def _folded(self) -> list[tuple[tuple[int, int], int]]:
        yes, no = self._levels
        if self._seen != _BOTH:
            return list((no if self._seen >> Token.NO else yes).items())
        if yes == no:
            return list(yes.items())
        self.flags |= _MIRROR_BREAK
        contradicting = [] if self.is_book else [x for x in no.items() if x not in yes.items()]
        return [*contradicting, *yes.items()]

    def _reported(self) -> tuple[int, int]:
        """aux and its flags for the closing row; the YES token's word stands where two differ."""
        yes, no = self._best
        if yes < 0 and no < 0:
            return 0, 0
        if yes < 0:
            return no, _BEST_OF[Token.NO]
        if no < 0:
            return yes, _BEST_OF[Token.YES]
        if yes == no:
            return yes, _BEST_OF[Token.YES] | _BEST_OF[Token.NO]
        self.flags |= _MIRROR_BREAK
        return yes, _BEST_OF[Token.YES]


def _closed(row: Row, aux: int, flags: int) -> Row:
    ts_recv_ns, ts_venue_ns, market, size_e6, _, price_e4, of_book, kind, side = row
    return ts_recv_ns, ts_venue_ns, market, size_e6, aux, price_e4, of_book | flags, kind, side
