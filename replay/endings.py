"""Who took it: what the tape shows around the end of an opportunity.

An opportunity ends with the change of one market's book that makes a leg dearer. What stood there
before is compared with what stands there after, and the difference explained:

    trade    prints at those prices explain half of it or more. A print explains the nearest fall
             of its price, at most a second of exchange time away: the feed tells both of one trade
             in either order, and not always with one time.
    move     no trade, and within 50 ms of exchange time about as much (half to twice) as stood at
             the best price appears at a dearer one. Nobody says whose an order is: it is a guess.
    cancel   neither.
    unseen   a gap, a close or a new tick hid the book, or no change of a leg is to be seen.
    open     it had not ended when the day, or the recording, did.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.config import Config, limits
from hfptm.engine import Engine
from hfptm.latency import latencies_of
from hfptm.parameters import ParameterSet
from hfptm.records import EVENT, EventKind, Side, Token
from hfptm.registry import Market
from hfptm.risk_state import RiskState
from hfptm.slots import NOBODY
from hfptm.units import NS_PER_MS, NS_PER_S, PRICE_ONE_E4

Rows = npt.NDArray[np.void]
Sizes = dict[int, int]
"""size_e6 by YES price_e4."""

PRINT_NS = NS_PER_S
MOVE_NS = 50 * NS_PER_MS
_HOLD_NS = 3 * NS_PER_S
"""By receive time, before and after an end: what is looked at, and how long rows are held."""


class Ending(StrEnum):
    TRADE = "trade"
    CANCEL = "cancel"
    MOVE = "move"
    UNSEEN = "unseen"
    OPEN = "open"


class Ended(NamedTuple):
    """An opportunity whose end was seen."""

    end_ns: int
    """By receive time."""
    legs: tuple[tuple[int, int], ...]
    """(market, token) of each."""


class _Side(NamedTuple):
    """One leg's side of the book around the change that ended an opportunity."""

    side: int
    before: Sizes
    after: Sizes

    def best_e4(self, sizes: Sizes) -> int:
        if self.side == Side.BID:
            return max(sizes, default=0)
        return min(sizes, default=PRICE_ONE_E4)

    @property
    def is_dearer(self) -> bool:
        before_e4, after_e4 = self.best_e4(self.before), self.best_e4(self.after)
        return after_e4 < before_e4 if self.side == Side.BID else after_e4 > before_e4

    def fallen(self) -> Sizes:
        """What went from the best price, and from all that are gone with it."""
        first, last = sorted((self.best_e4(self.before), self.best_e4(self.after)))
        best_e4 = self.best_e4(self.before)
        gone = (
            p for p in self.before if first <= p <= last and (p == best_e4 or p not in self.after)
        )
        falls = {price_e4: self.before[price_e4] - self.after.get(price_e4, 0) for price_e4 in gone}
        return {price_e4: size_e6 for price_e4, size_e6 in falls.items() if size_e6 > 0}


class _Change(NamedTuple):
    """The batch that ended an opportunity."""

    market: int
    ts_venue_ns: int
    sides: list[_Side]


def endings(
    blocks: Iterable[Rows], markets: Sequence[Market], config: Config, ended: Sequence[Ended]
) -> list[Ending]:
    """How each of `ended`, which are in order of time, ended.

    blocks: the tape of all their markets from before the first one on, (n,) EVENT of lake ids.
    Memory holds some seconds of it and a block.
    """
    tape = _Tape(markets, config)
    found: list[Ending] = []
    waiting = list(ended)
    for rows in blocks:
        tape.hold(rows)
        ready = [each for each in waiting if each.end_ns <= tape.last_ns - _HOLD_NS]
        found += tape.explain(ready)
        waiting = waiting[len(ready) :]
        tape.let_go()
    return found + list(tape.explain(waiting))


class _Tape:
    """The newest rows, and the books as they were before some place among them."""

    def __init__(self, markets: Sequence[Market], config: Config) -> None:
        settings = limits(config)
        alone = [msgspec.structs.replace(market, group=0) for market in markets]
        sets = [ParameterSet(settings, latencies_of(settings).draws)]
        stopped = RiskState(latch="stopped")  # it is here for its books
        self._engine = Engine(alone, [], sets, lambda _: None, stopped)
        self._slots: dict[int, int] = {}
        self._held: Rows = np.zeros(0, EVENT)
        self._fed = 0

    @property
    def last_ns(self) -> int:
        return int(self._held["ts_recv_ns"][-1])

    def hold(self, rows: Rows) -> None:
        self._held = np.concatenate([self._held, rows])

    def let_go(self) -> None:
        """Apply what no end that is to come looks back to, and forget it."""
        times_ns = self._held["ts_recv_ns"]
        count = int(np.searchsorted(times_ns, times_ns[-1] - 2 * _HOLD_NS))
        self._feed(count)
        self._held, self._fed = self._held[count:], self._fed - count

    def explain(self, ended: Sequence[Ended]) -> Iterator[Ending]:
        for each, change in zip(ended, self._changes(ended), strict=True):
            if change:
                yield _explained(change, self._near(each, change.market))
            else:
                yield Ending.UNSEEN

    def _changes(self, ended: Sequence[Ended]) -> list[_Change | None]:
        """The books are read in the order of the tape, which is not that of `ended`: a batch may
        begin before the end of another one."""
        batches = [(number, b) for number, each in enumerate(ended) for b in self._batches(each)]
        reads = [(b.start, 0, at) for at, (_, b) in enumerate(batches)]
        reads += [(b.stop, 1, at) for at, (_, b) in enumerate(batches)]
        books: dict[tuple[int, int], list[Sizes]] = {}
        for place, when, at in sorted(reads):
            self._feed(place)
            batch = batches[at][1]
            books[at, when] = [self._sizes(batch.market, side) for side in batch.sides]
        changes: list[_Change | None] = [None] * len(ended)
        for at, (number, batch) in enumerate(batches):
            change = _change(batch, books[at, 0], books[at, 1])
            changes[number] = changes[number] or change
        return changes

    def _batches(self, ended: Ended) -> "Iterator[_Batch]":
        """The last changes of the legs' markets that are told at the very end."""
        start, stop = self._places(ended.end_ns - _HOLD_NS, ended.end_ns)
        rows = self._held[start:stop]
        last = rows[rows["ts_recv_ns"] == ended.end_ns]
        for market in dict.fromkeys(market for market, _ in ended.legs):
            mine = last[last["market"] == market]
            if len(mine):
                ts_venue_ns = int(mine["ts_venue_ns"][-1])
                of_batch = (rows["market"] == market) & (rows["ts_venue_ns"] == ts_venue_ns)
                places = start + np.flatnonzero(of_batch)
                sides = [_side_of(token) for leg, token in ended.legs if leg == market]
                yield _Batch(market, ts_venue_ns, int(places[0]), int(places[-1]) + 1, sides)

    def _near(self, ended: Ended, market: int) -> Rows:
        start, stop = self._places(ended.end_ns - _HOLD_NS, ended.end_ns + _HOLD_NS)
        rows = self._held[start:stop]
        of_market: Rows = rows[rows["market"] == market]
        return of_market

    def _places(self, first_ns: int, last_ns: int) -> tuple[int, int]:
        times_ns = self._held["ts_recv_ns"]
        return int(np.searchsorted(times_ns, first_ns)), int(
            np.searchsorted(times_ns, last_ns, "right")
        )

    def _feed(self, place: int) -> None:
        if place > self._fed:
            self._engine.feed(self._held[self._fed : place].copy())
            self._fed = place

    def _sizes(self, market: int, side: int) -> Sizes:
        if market not in self._slots:
            ids = self._engine.slots.market_ids
            self._slots |= {int(ids[slot]): slot for slot in np.flatnonzero(ids).tolist()}
        state = self._engine.state
        book = state.markets[self._slots.get(market, NOBODY)]
        start = int(book["offset"]) + side * int(book["count"])
        sizes_e6 = state.levels[start : start + int(book["count"])]
        held = np.flatnonzero(sizes_e6)
        return dict(
            zip((held * int(book["tick_e4"])).tolist(), sizes_e6[held].tolist(), strict=True)
        )


class _Batch(NamedTuple):
    market: int
    ts_venue_ns: int
    start: int
    """Place of its first row."""
    stop: int
    sides: list[int]
    """Of the market's legs."""


def _side_of(token: int) -> int:
    """Where a BUY of it takes: YES from the asks, NO from the bids."""
    return int(Side.ASK if token == Token.YES else Side.BID)


def _change(batch: _Batch, before: list[Sizes], after: list[Sizes]) -> _Change | None:
    sides = [_Side(*around) for around in zip(batch.sides, before, after, strict=True)]
    is_dearer = any(side.is_dearer for side in sides)
    return _Change(batch.market, batch.ts_venue_ns, sides) if is_dearer else None


def _explained(change: _Change, near: Rows) -> Ending:
    if any(_is_traded(side, change.ts_venue_ns, near) for side in change.sides):
        return Ending.TRADE
    dearer = (side for side in change.sides if side.is_dearer)
    is_moved = any(_is_moved(side, change.ts_venue_ns, near) for side in dearer)
    return Ending.MOVE if is_moved else Ending.CANCEL


def _is_traded(side: _Side, ts_venue_ns: int, near: Rows) -> bool:
    falls = side.fallen()
    explained_e6 = 0
    for price_e4, size_e6 in falls.items():
        at_price = near[near["price_e4"] == price_e4]
        prints = at_price[at_price["kind"] == EventKind.TRADE]
        levels = at_price[(at_price["kind"] == EventKind.LEVEL) & (at_price["side"] == side.side)]
        others_ns = _falls_ns(levels)
        away_ns = np.abs(prints["ts_venue_ns"] - ts_venue_ns)
        nearest_ns = np.abs(prints["ts_venue_ns"][:, None] - others_ns[None, :])
        is_ours = away_ns <= np.minimum(nearest_ns.min(axis=1, initial=PRINT_NS), PRINT_NS)
        explained_e6 += min(size_e6, int(prints["size_e6"][is_ours].sum()))
    return bool(falls) and 2 * explained_e6 >= sum(falls.values())


def _falls_ns(levels: Rows) -> npt.NDArray[np.int64]:
    """When one level fell, by exchange time; its first row here may be a fall, so it counts."""
    sizes_e6 = levels["size_e6"]
    has_fallen = np.append(True, sizes_e6[1:] < sizes_e6[:-1])[: len(levels)]
    times_ns: npt.NDArray[np.int64] = levels["ts_venue_ns"][has_fallen]
    return times_ns


def _is_moved(side: _Side, ts_venue_ns: int, near: Rows) -> bool:
    best_e4 = side.best_e4(side.before)
    fall_e6 = side.before[best_e4] - side.after.get(best_e4, 0)
    is_level = (near["kind"] == EventKind.LEVEL) & (near["side"] == side.side)
    after_ns = near["ts_venue_ns"] - ts_venue_ns
    is_dearer = near["price_e4"] < best_e4 if side.side == Side.BID else near["price_e4"] > best_e4
    rows = near[is_level & (after_ns >= 0) & (after_ns <= MOVE_NS) & is_dearer]
    last = dict(zip(rows["price_e4"].tolist(), rows["size_e6"].tolist(), strict=True))
    # A level may go with the best one and come back: what was there meanwhile counts.
    stood = {p: min(side.before.get(p, 0), side.after.get(p, 0)) for p in last}
    grown = (size_e6 - stood[price_e4] for price_e4, size_e6 in last.items())
    return any(fall_e6 <= 2 * more_e6 and more_e6 <= 2 * fall_e6 for more_e6 in grown)
