"""The account of a fed recorder: what became of every frame that its exchange sent.

A frame that the raw rows do not hold must stand in a gap row, with one exception: it came damaged,
or was taken from within what a connection told, which says nothing of it (`robbed`). No recorder
can know of that but by best prices and hashes, so a book is allowed to be wrong for it, if the
certificate flags it. So it is for a frame that came when no line could be waited for any more.
"""

from bisect import bisect_right
from collections import defaultdict
from typing import NamedTuple

import msgspec

from hfptm.lake import Gap
from hfptm.normaliser.streams import WINDOW_NS
from hfptm.raw import RawKind, Silence
from hfptm.records import GapReason
from hfptm.registry import Market
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.market_frames import Published
from hfptm.units import NS_PER_MS
from tests.raw_tape import Book, Row, Tape

ROBBERS = ("drop", "malformed", "reorder")
"""What takes one frame and leaves those that follow; a late one is taken if the connection ends."""

_CHANGES = ("price_change", "book", "tick_size_change")


class Sample(NamedTuple):
    """The exchange's books at one moment, and the last frame that it had sent of each market."""

    numbers: dict[int, int]
    books: dict[int, Book]


class Sent(msgspec.Struct):
    """What the exchange sent and did, and the books that it had; all of it is the truth."""

    markets: list[Market]
    published: list[Published]
    deeds: list[Deed]
    samples: list[Sample]
    """The last one at the end, when everything had arrived."""


class Stint(msgspec.Struct):
    """One market on one connection, from its full book on until nothing is to be expected; or from
    its first frame on, if that book was taken.
    """

    book_ms: int
    """The exchange's time of that book, or just before the first frame."""
    book_recv_ns: int
    numbers: list[int] = []
    recv_ns: list[int] = []
    strange_ns: int = 0
    """Receive time of the connection's last row that is no frame as it was sent."""

    def told_by(self, ts_ns: int) -> tuple[int, int, int]:
        """Of all until then: the last receive time, the last frame, the time of the book."""
        if ts_ns < self.book_recv_ns:
            return 0, 0, 0
        count = bisect_right(self.recv_ns, ts_ns)
        last_ns = self.recv_ns[count - 1] if count else self.book_recv_ns
        return last_ns, max(self.numbers[:count], default=0), self.book_ms


class Account:
    """`faults` are its errors; `lost` says what is excused, and why."""

    def __init__(self, sent: Sent, tape: Tape) -> None:
        self._sent, self.tape = sent, tape
        self._numbers = {frame.payload: frame.number for frame in reversed(sent.published)}
        self._arrived: dict[int, int] = {}
        """Receive time of each frame by its number."""
        self._stints: dict[int, list[Stint]] = defaultdict(list)
        self._frames: dict[int, list[Published]] = defaultdict(list)
        self._read_raw()
        known = {market.market for market in sent.markets}
        for frame in sent.published:
            if frame.market in known and not frame.is_exchange_wide:
                self._frames[frame.market].append(frame)
        self._robbers = {deed.n for deed in sent.deeds if deed.kind in ROBBERS}
        self._damaged = {deed.n for deed in sent.deeds if deed.kind == "malformed"}
        self.in_gaps = self.robbed = self.compared = 0
        """Frames that were not received, by what accounts for them; and books that were right."""
        self.errors = [error for market in sent.markets for error in self._check(market)]

    def _read_raw(self) -> None:
        open_: dict[tuple[int, int], Stint] = {}
        by_token = {t: m.market for m in self._sent.markets for t in (m.yes_token, m.no_token)}
        of_markets = (frame for frame in self._sent.published if not frame.is_exchange_wide)
        market_of = {frame.number: frame.market for frame in of_markets}
        for row in self.tape.raw:
            if row.kind == RawKind.FRAME:
                number = self._numbers.get(row.payload)
                if number is not None:
                    self._arrived.setdefault(number, row.ts_recv_ns)
                    if market := market_of.get(number):
                        stint = open_.get((row.connection, market)) or self._bookless(row, number)
                        open_[row.connection, market] = stint
                        stint.numbers.append(number)
                        stint.recv_ns.append(row.ts_recv_ns)
                else:
                    for (connection, _), stint in open_.items():
                        if connection == row.connection:
                            stint.strange_ns = row.ts_recv_ns
                    self._open_stints(row, by_token, open_)
            elif row.kind == RawKind.SILENCE:
                tokens = msgspec.json.decode(row.payload, type=Silence).tokens
                for market in {by_token[token] for token in tokens}:
                    open_.pop((row.connection, market), None)
            else:
                open_ = {key: s for key, s in open_.items() if key[0] != row.connection}

    def _bookless(self, row: Row, number: int) -> Stint:
        """A stint whose full book was taken: it begins with its first frame."""
        frame = self._frame(number)
        stint = Stint(frame.ts_ms - 1, row.ts_recv_ns)
        self._stints[frame.market].append(stint)
        return stint

    def _open_stints(
        self, row: Row, by_token: dict[str, int], open_: dict[tuple[int, int], Stint]
    ) -> None:
        """The books that answer a subscription: whatever else has come in its place opens none."""
        try:
            books = msgspec.json.decode(row.payload)
        except (msgspec.DecodeError, RecursionError):
            return
        for book in books if isinstance(books, list) else []:
            if isinstance(book, dict) and book.get("event_type") == "book":
                try:
                    market, book_ms = by_token[book["asset_id"]], int(book["timestamp"])
                except (KeyError, TypeError, ValueError):
                    continue  # malformed
                stint = open_[row.connection, market] = Stint(book_ms, row.ts_recv_ns)
                self._stints[market].append(stint)

    def _check(self, market: Market) -> list[str]:
        snapshots = self.tape.snapshots(market.market)
        # The exchange's milliseconds are rounded up: a book may be received before its own time.
        first_ns = int(max(snapshots[["ts_recv_ns", "ts_venue_ns"]][0])) if len(snapshots) else 0
        lost = [
            frame
            for frame in self._frames[market.market]
            if frame.ts_ms * NS_PER_MS > first_ns and frame.number not in self._arrived
        ]
        robbed, silent = [], []
        for frame in lost:
            if self._is_in_gap(frame):
                self.in_gaps += 1
            elif self._is_robbed(frame):
                robbed.append(frame)
            else:
                silent.append(frame.number)
        self.robbed += len(robbed)
        errors = [f"{market.slug}: no row tells of frames {silent}"] if silent else []
        return errors + self._check_books(market, robbed)

    def _is_in_gap(self, frame: Published) -> bool:
        """A gap ends with a book that shows all that was sent before it."""
        return any(
            self._is_after(frame, gap) and (not gap.to_ns or frame.ts_ms <= self._shown_ms(gap))
            for gap in self.tape.gaps[frame.market]
            if gap.reason is not GapReason.STOPPED
        )

    def _is_after(self, frame: Published, gap: Gap) -> bool:
        """Or sent after what was received as the gap began: it was still under way."""
        if frame.ts_ms * NS_PER_MS >= gap.from_ns:
            return True
        told = [stint.told_by(gap.from_ns) for stint in self._stints[frame.market]]
        last_ns, number, shown_ms = map(max, zip(*told, strict=True))
        return bool(last_ns == gap.from_ns) and frame.number > number and frame.ts_ms > shown_ms

    def _shown_ms(self, gap: Gap) -> int:
        """The exchange's time of the book that ended a gap; without one, another gap follows."""
        books = self.tape.snapshots(gap.market)
        shown = books["ts_venue_ns"][books["ts_recv_ns"] == gap.to_ns]
        return int(shown.max(initial=gap.to_ns if not len(shown) else 0)) // NS_PER_MS

    def _is_robbed(self, frame: Published) -> bool:
        """A connection told what came before it and what came after it, without a word of it; or
        told it, damaged.
        """
        if frame.number not in self._robbers:
            return False
        stints = [stint for stint in self._stints[frame.market] if stint.book_ms < frame.ts_ms]
        return any(max(stint.numbers, default=0) > frame.number for stint in stints) or (
            frame.number in self._damaged
            and any(stint.strange_ns > frame.ts_ms * NS_PER_MS for stint in stints)
        )

    def _check_books(self, market: Market, robbed: list[Published]) -> list[str]:
        is_reordered = any(
            deed.kind == "reorder" and deed.market in (market.condition_id, "")  # first books: all
            for deed in self._sent.deeds
        )
        late = [frame for frame in self._frames[market.market] if self._is_late(frame)]
        may_differ = is_reordered or any(f.event_type in _CHANGES for f in (*robbed, *late))
        last, id_, errors = self._sent.samples[-1], market.market, []
        if self.tape.book(id_) == last.books[id_]:
            self.compared += 1
        elif not may_differ:
            errors.append(f"{market.slug}: its book is wrong")
        elif not self.tape.is_flagged(id_):
            errors.append(f"{market.slug}: its book is wrong, and nothing flags it")
        if may_differ:
            return errors
        for sample in self._sent.samples[:-1]:
            at_ns = self._comparable_ns(id_, sample.numbers.get(id_, 0))
            if at_ns and self.tape.book(id_, at_ns) != sample.books[id_]:
                errors.append(f"{market.slug}: after frame {sample.numbers[id_]} its book is wrong")
            self.compared += at_ns > 0
        return errors

    def _comparable_ns(self, market: int, number: int) -> int:
        """When all until a frame had come and nothing after it; 0 if it was never so."""
        at_ns = self._arrived.get(number, 0)
        books = self.tape.snapshots(market)
        index = bisect_right(books["ts_recv_ns"].tolist(), at_ns) - 1
        if not at_ns or index < 0 or self._is_unseen(market, at_ns):
            return 0
        book_ns = int(books["ts_venue_ns"][index])
        for frame in self._frames[market]:
            has_come = self._arrived.get(frame.number, 1 << 62) <= at_ns
            is_due = frame.number <= number
            if has_come != is_due and not (is_due and frame.ts_ms * NS_PER_MS <= book_ns):
                return 0
        # A book that came after the frame may show more.
        return at_ns if book_ns <= self._ts_ns(number) else 0

    def _is_late(self, frame: Published) -> bool:
        """No line can be waited for so long."""
        sent_ns = frame.ts_ms * NS_PER_MS
        return self._arrived.get(frame.number, 0) > sent_ns + WINDOW_NS

    def _is_unseen(self, market: int, at_ns: int) -> bool:
        return any(
            gap.from_ns <= at_ns and (not gap.to_ns or at_ns < gap.to_ns)
            for gap in self.tape.gaps[market]
        )

    def _ts_ns(self, number: int) -> int:
        return self._frame(number).ts_ms * NS_PER_MS

    def _frame(self, number: int) -> Published:
        return self._sent.published[number - self._sent.published[0].number]
