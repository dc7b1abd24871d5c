"""The kernel's book against two dictionaries and the batch rule written out in words."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.opportunities import Relation
from hfptm.records import EventFlag, EventKind
from hfptm.units import NO_ASK_E4, NO_BID_E4, ONE_E6, PRICE_ONE_E4, TICKS_E4, pack_best
from tests.kernels import (
    ASK,
    BEST_YES,
    BID,
    IN_SNAPSHOT,
    LAST,
    MS,
    Kernel,
    best,
    group,
    level,
    market,
    row,
)
from tests.tapes import Row

MARKETS = 3
COUNTED = ("mismatches", "snapshots", "stale_snapshots", "off_grid", "best_values")


@dataclass
class Book:
    """One market as the design's section 5 describes it."""

    tick_e4: int | None = 100
    valid: bool = False
    bad: bool = False
    pending: bool = False
    confirmed: bool = False
    skipping: bool = False
    batch_ns: int = 0
    sides: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))

    @property
    def best(self) -> tuple[int, int]:
        return max(self.sides[BID], default=NO_BID_E4), min(self.sides[ASK], default=NO_ASK_E4)

    def drop(self) -> None:
        self.sides = ({}, {})

    def hide(self) -> None:
        self.drop()
        self.valid = self.bad = self.pending = self.confirmed = self.skipping = False


class Model:
    """All books, and what was counted."""

    def __init__(self) -> None:
        self.books = [Book() for _ in range(MARKETS)]
        self.counts = dict.fromkeys(COUNTED, 0)

    def apply(self, event: Row) -> None:
        book = self.books[event.market]
        if event.kind == EventKind.GAP:
            book.hide()
        elif event.kind == EventKind.TICK:
            book.hide()
            self.lay(book, event.price_e4)
        elif event.kind == EventKind.SNAPSHOT:
            self.begin(book, event)
        elif book.valid and not (book.skipping and event.flags & IN_SNAPSHOT):
            book.skipping = False
            self.enter(book, event.ts_venue_ns)
            if event.kind == EventKind.LEVEL:
                self.set_level(book, event)
            if event.flags & LAST:
                self.close(book, event)

    def lay(self, book: Book, tick_e4: int) -> None:
        book.tick_e4 = tick_e4 if tick_e4 in TICKS_E4 else None
        self.counts["off_grid"] += book.tick_e4 is None

    def begin(self, book: Book, event: Row) -> None:
        if book.valid and event.ts_venue_ns < book.batch_ns:
            book.skipping = True
            self.counts["stale_snapshots"] += 1
            return
        self.enter(book, event.ts_venue_ns)
        if event.price_e4 and event.price_e4 != book.tick_e4:
            self.lay(book, event.price_e4)
        book.hide()
        if book.tick_e4 is not None:
            book.valid = True
            self.counts["snapshots"] += 1

    def enter(self, book: Book, ts_ns: int) -> None:
        if ts_ns != book.batch_ns:
            self.counts["mismatches"] += book.pending
            book.bad |= book.pending
            book.pending = False
            book.batch_ns = ts_ns

    def set_level(self, book: Book, event: Row) -> None:
        assert book.tick_e4 is not None
        if event.price_e4 % book.tick_e4 or not 0 < event.price_e4 < PRICE_ONE_E4:
            book.bad = True
            self.counts["off_grid"] += 1
            return
        book.sides[event.side][event.price_e4] = event.size_e6
        if event.size_e6 == 0:
            del book.sides[event.side][event.price_e4]

    def close(self, book: Book, event: Row) -> None:
        if event.flags & (EventFlag.MAYBE_BAD | EventFlag.MIRROR_BREAK):
            book.bad = True
        book.confirmed = False
        if event.flags & BEST_YES:
            self.counts["best_values"] += 1
            book.confirmed = event.aux == pack_best(*book.best)
            book.pending = not book.confirmed


@st.composite
def events(draw: st.DrawFn) -> list[Row]:
    """A tape on which exchange time mostly stands still or advances, and prices mostly fit."""
    rows: list[Row] = []
    model = Model()
    now_ms = 1_000
    for index in range(draw(st.integers(1, 60))):
        slot = draw(st.integers(0, MARKETS - 1))
        now_ms += draw(st.sampled_from([0, 0, 1, 1, 2, -3]))
        rows.append(draw(event(model.books[slot], slot, now_ms, index)))
        model.apply(rows[-1])
    return rows


@st.composite
def event(draw: st.DrawFn, book: Book, slot: int, venue_ms: int, ts_ms: int) -> Row:
    what = draw(st.sampled_from("llllllbbssstgd"))
    place = {"venue_ms": venue_ms}
    tick_e4 = draw(st.sampled_from([*TICKS_E4, 7]))
    if what == "t":
        return row(EventKind.TICK, ts_ms, slot, price_e4=tick_e4, **place)
    if what == "g":
        return row(EventKind.GAP, ts_ms, slot, **place)
    if what == "s":
        new_e4 = draw(st.sampled_from([0, 0, book.tick_e4 or 0, tick_e4]))
        flags = draw(st.sampled_from([IN_SNAPSHOT, IN_SNAPSHOT | LAST]))
        return row(EventKind.SNAPSHOT, ts_ms, slot, price_e4=new_e4, flags=flags, **place)
    if what == "d":
        return best(ts_ms, slot, 0, 0, flags=LAST | EventFlag.MAYBE_BAD, **place)
    if what == "b":
        bid_e4, ask_e4 = book.best
        wrong_e4 = draw(st.sampled_from([0, 0, 0, 100]))
        return best(ts_ms, slot, bid_e4 + wrong_e4, ask_e4, **place)
    grid_e4 = book.tick_e4 or 100
    steps = draw(st.integers(0, PRICE_ONE_E4 // grid_e4))
    price_e4 = steps * grid_e4 + draw(st.sampled_from([0, 0, 0, 0, 0, 1]))
    shares, side = draw(st.integers(0, 2)), draw(st.sampled_from([BID, ASK]))
    flags = draw(st.sampled_from([0, LAST, IN_SNAPSHOT]))
    return level(ts_ms, slot, side, price_e4, shares, flags=flags, **place)


@given(events())
@settings(max_examples=100)
def test_book_is_the_dictionaries(tape: list[Row]) -> None:
    kernel, model = Kernel(), Model()
    kernel.apply([group(0, Relation.NONE, MARKETS), *(market(s, group=0) for s in range(MARKETS))])
    for item in tape:
        kernel.apply([item])
        model.apply(item)
        book, record = model.books[item.market], kernel.market(item.market)
        assert (record["best_bid_e4"], record["best_ask_e4"]) == book.best
        assert record["valid"] == book.valid
        if book.valid:
            assert kernel.levels(item.market) == book.sides
            states = (book.bad, book.pending, book.confirmed)
            assert (record["bad"], record["pending"], record["confirmed"]) == states
        sums = kernel.state.groups[0]
        assert sums["sum_bid_e4"] == sum(book.best[0] for book in model.books)
        assert sums["sum_ask_e4"] == sum(book.best[1] for book in model.books)
        assert {name: kernel.counters()[name] for name in COUNTED} == model.counts


@given(st.lists(st.tuples(st.integers(0, MARKETS - 1), st.sampled_from(TICKS_E4)), max_size=80))
@settings(max_examples=30)
def test_grids_never_overlap_and_are_used_again(ticks: list[tuple[int, int]]) -> None:
    kernel = Kernel()
    kernel.apply([market(slot) for slot in range(MARKETS)])
    most: dict[int, int] = {100: MARKETS}
    current = dict.fromkeys(range(MARKETS), 100)
    for ts_ms, (slot, tick_e4) in enumerate(ticks, 1):
        kernel.apply([row(EventKind.TICK, ts_ms, slot, price_e4=tick_e4)])
        current[slot] = tick_e4
        alike = list(current.values()).count(tick_e4)
        most[tick_e4] = max(most.get(tick_e4, 0), alike)
        kernel.apply([row(EventKind.SNAPSHOT, ts_ms, slot, flags=IN_SNAPSHOT)])
        kernel.apply([level(ts_ms, slot, ASK, PRICE_ONE_E4 - tick_e4, 1 + slot)])
        spans = []
        for other in range(MARKETS):
            record = kernel.market(other)
            spans.append((record["offset"], record["offset"] + 2 * record["count"]))
        spans.sort()
        assert all(left[1] <= right[0] for left, right in pairwise(spans))
        assert kernel.levels(slot) == ({}, {PRICE_ONE_E4 - tick_e4: (1 + slot) * ONE_E6})
    needed = sum(2 * (PRICE_ONE_E4 // tick + 1) * count for tick, count in most.items())
    assert kernel.counters()["levels_used"] <= needed
    assert kernel.counters()["now_ns"] == len(ticks) * MS
