"""One market on several connections at once, made into one stream.

Every connection delivers, in order, a part of what the exchange sent. What two of them deliver is
kept once, at its first arrival. What only a slower one has comes late: of its levels only those
that nothing newer has set are still true, so only these are passed on, and the book ends as if
nothing had been lost. The exchange's order is that of its times, and within one time that of the
connections that have both frames.
"""

from collections.abc import Iterator

import msgspec

from hfptm.records import EventFlag, EventKind
from hfptm.units import NS_PER_S
from hfptm.venue.batch import Row

SETTLED_NS = 2 * NS_PER_S
"""After which what one connection has and another has not is no matter of lag."""

RECENT_NS = NS_PER_S // 2
"""How long what all have delivered is kept: who joins with a book from before it may bring what
they all lacked, and is matched against it. A book comes within this of its time."""

WINDOW_NS = 30 * NS_PER_S
"""How far a connection may lag and still be matched: longer than the watchdog takes to give it up.
What comes later than that is dropped, and the book doubted."""

_LEVEL, _SNAPSHOT, _BEST = int(EventKind.LEVEL), int(EventKind.SNAPSHOT), int(EventKind.BEST)
_TICK = int(EventKind.TICK)
_REPORTED = int(EventFlag.BEST_YES | EventFlag.BEST_NO)
_DOUBTED = int(EventFlag.MIRROR_BREAK | EventFlag.MAYBE_BAD)
_LAST_HEALED = int(EventFlag.LAST_IN_BATCH | EventFlag.HEALED)
_LAST = int(EventFlag.LAST_IN_BATCH)
_OF_BATCH = (_LEVEL, _SNAPSHOT)
_OF_BOOK = (_LEVEL, _SNAPSHOT, _BEST)
_TS, _SIZE, _AUX, _PRICE, _FLAGS, _KIND, _SIDE = 1, 3, 4, 5, 6, 7, 8
"""Positions in a `Row`."""


class Part(msgspec.Struct, gc=False):
    """What one frame says about one market at one exchange time, until all have delivered it."""

    order: int
    """Position in the market's stream, as far as it is known."""
    ts_venue_ns: int
    ts_recv_ns: int
    line: int
    payload: bytes
    """The frame by which it is known again; empty if that holds more, or is a repeated one."""
    market: int
    rows: list[Row]

    @property
    def is_of_book(self) -> bool:
        return self.rows[-1][_KIND] in _OF_BOOK or self.starts_book

    @property
    def starts_book(self) -> bool:
        """Nothing before it matters to the book."""
        return self.rows[0][_KIND] in (_SNAPSHOT, _TICK)


class Stream(msgspec.Struct, gc=False):
    """How far one connection is with this market."""

    line: int
    order: int
    """Of the last part that it delivered, or that it will not deliver any more."""
    floor_ns: int
    """Parts before this exchange time are too late to match: nothing of then is kept."""
    seen_ns: int
    """Receive time of its last part."""
    joined_ns: int
    """Receive time of its first part."""
    latest_ns: int = 0
    """The newest exchange time of its parts."""
    late_ns: int = 0
    """Parts before this exchange time may be news that cannot be matched any more."""

    def hear(self, ts_recv_ns: int, ts_venue_ns: int) -> None:
        """It delivers something of then, be it known or not."""
        self.seen_ns = ts_recv_ns
        self.latest_ns = max(self.latest_ns, ts_venue_ns)


class Ahead(msgspec.Struct, frozen=True):
    """A connection joined with something newer than all that the others had delivered."""

    ts_venue_ns: int
    ts_recv_ns: int
    seen_ns: int
    """Receive time of the others' last part until then."""


class Streams(msgspec.Struct):
    """`streams` by connection. What one alone delivers is kept a while, and compared to nothing."""

    streams: dict[int, Stream] = {}
    parts: list[Part] = []
    """In the exchange's order; those that some connection may still deliver, and recent ones."""
    last_order: int = 0
    latest_ns: int = 0
    """The newest exchange time so far."""
    gone_ns: int = 0
    """The newest exchange time of a part that is kept no longer."""
    seen_ns: int = 0
    """Receive time up to which connections that left had seen it."""
    aheads: list[Ahead] = []
    """While it is open whether the others deliver it too."""
    told_ns: int = 0
    """Receive time of the last part of those that left."""
    left: list[tuple[int, int]] = []
    """Of those that left since something is open: receive time of their first part, and the newest
    exchange time of all."""
    book_ns: int = 0
    """Exchange time of the newest full book."""
    is_over: bool = False
    """The market is resolved: that nobody sees it any more is no loss."""

    def join(self, connection: int, line: int, rows: list[Row]) -> Stream:
        """A connection delivers its first part of this market."""
        if not self.streams:
            self.latest_ns = 0
        order, ts_venue_ns = self.last_order, rows[0][_TS]
        is_book = rows[0][_KIND] == _SNAPSHOT  # which holds all of its own time
        for part in reversed(self.parts):
            if part.ts_venue_ns < ts_venue_ns + is_book:
                break
            order = part.order - 1
        is_newest = is_book and ts_venue_ns >= self.latest_ns
        floor_ns = self.gone_ns + (not is_newest)
        stream = Stream(line, order, floor_ns, 0, rows[0][0], late_ns=floor_ns)
        if self.streams and ts_venue_ns > self.latest_ns:
            seen_ns = max(self.told_ns, *(other.seen_ns for other in self.streams.values()))
            self.aheads.append(Ahead(ts_venue_ns, stream.joined_ns, seen_ns))
        self.streams[connection] = stream
        return stream

    def leave(self, connection: int, seen_ns: int) -> Iterator[Part]:
        """A connection delivers nothing any more; gives the parts nobody waits for."""
        stream = self.streams.pop(connection)
        self.left.append((stream.joined_ns, stream.latest_ns))
        self.told_ns = max(self.told_ns, stream.seen_ns)
        self.seen_ns = max(self.seen_ns, seen_ns)
        return self.passed(seen_ns - RECENT_NS) if self.streams else iter(self.parts)

    def holes(self, ts_recv_ns: int) -> Iterator[tuple[int, int]]:
        """What all lacked when one joined with a newer book, from when to when; told once.

        After a while they have not come up to its time: what the book shows never came on them.
        """
        while self.aheads:
            ahead = self.aheads[0]
            here = [(each.joined_ns, each.latest_ns) for each in self.streams.values()]
            others = [latest_ns for joined_ns, latest_ns in here if joined_ns < ahead.ts_recv_ns]
            gone = [latest_ns for joined_ns, latest_ns in self.left if joined_ns < ahead.ts_recv_ns]
            lacked = max([*others, *gone], default=0) < ahead.ts_venue_ns
            if others and lacked and ts_recv_ns - ahead.ts_recv_ns <= SETTLED_NS:
                return
            del self.aheads[0]
            if lacked:
                yield ahead.seen_ns, ahead.ts_recv_ns
        self.left.clear()

    def passed(self, before_ns: int) -> Iterator[Part]:
        """Take out the parts received before then that no connection is expected to deliver."""
        if not self.parts or self.parts[0].ts_recv_ns >= before_ns:
            return
        oldest = min(stream.order for stream in self.streams.values())
        while self.parts and self.parts[0].order <= oldest and self.parts[0].ts_recv_ns < before_ns:
            yield self._taken()

    def _taken(self) -> Part:
        part = self.parts.pop(0)
        self.gone_ns = max(self.gone_ns, part.ts_venue_ns)
        return part

    def outdated(self, ts_recv_ns: int) -> Iterator[Part]:
        """Take out the parts that are too old to be waited for."""
        while self.parts and self.parts[0].ts_recv_ns < ts_recv_ns - WINDOW_NS:
            part = self._taken()
            for stream in self.streams.values():
                if stream.order < part.order:
                    stream.order = part.order
                    stream.late_ns = part.ts_venue_ns + 1
                    stream.floor_ns = max(stream.floor_ns, stream.late_ns)
            yield part

    def is_doubtful(self, stream: Stream, rows: list[Row]) -> bool:
        """Whether a part that is too late may have been news of the book: once for all of a lag."""
        is_of_book = rows[-1][_KIND] in _OF_BOOK or rows[0][_KIND] == _TICK
        if rows[0][_KIND] == _SNAPSHOT and rows[0][0] == stream.joined_ns:
            return False  # it brings nothing itself; what follows it may
        if not is_of_book or not self.book_ns < rows[0][_TS] < stream.late_ns:
            return False
        stream.late_ns = 0
        return True

    def is_leading(self, stream: Stream) -> bool:
        """Alone, and not behind one that has left: the order of its parts is that of receipt."""
        return len(self.streams) == 1 and stream.order == self.last_order

    def place(self, stream: Stream, part: Part) -> tuple[Part, int]:
        """Where a part belongs: the same part, known already, or itself and its index."""
        index, same = len(self.parts), part
        for other in reversed(self.parts):
            if other.ts_venue_ns <= part.ts_venue_ns:
                if other.ts_venue_ns < part.ts_venue_ns or other.order <= stream.order:
                    break
                if _says_the_same(other, part):
                    same = other
            index -= 1
        return same, index

    def append(self, stream: Stream, part: Part) -> None:
        self.last_order += 1
        part.order = stream.order = self.last_order
        self.parts.append(part)

    def insert(self, stream: Stream, part: Part, index: int) -> None:
        caught_up = self.last_order
        self.last_order += 1
        if index == len(self.parts):
            part.order = self.last_order
            self.parts.append(part)
            if part.rows[0][_KIND] == _SNAPSHOT and part.ts_venue_ns <= self.latest_ns:
                # All that is in this book is behind those who have delivered everything.
                for other in self.streams.values():
                    other.order += other.order == caught_up
        else:
            part.order = self.parts[index].order
            for later in range(index, len(self.parts)):
                self.parts[later].order += 1
            for other in self.streams.values():
                other.order += other.order >= part.order
            self.parts.insert(index, part)
        stream.order = max(stream.order, part.order)

    def still_true(self, part: Part, index: int) -> list[Row]:
        """The rows of the part at `index` that nothing after it has overtaken.

        They join the newest batch, whose best prices the book must show once they are applied.
        """
        newer = [self.parts[later] for later in range(index + 1, len(self.parts))]
        newer = [other for other in newer if other.is_of_book]
        if not newer:
            return part.rows
        others = [row for row in part.rows if row[_KIND] not in _OF_BOOK]
        levels = [] if part.starts_book else _not_overtaken(part, newer)
        doubts = part.rows[-1][_FLAGS] & _DOUBTED
        if levels or doubts:
            others += _joined(part, levels, doubts, newer[-1])
        return others


def parts_of(rows: list[Row]) -> list[list[Row]]:
    """A frame's rows by what closes them: each batch of a market, and each row of another kind."""
    parts: list[list[Row]] = []
    start = 0
    for stop, row in enumerate(rows, 1):
        if row[_FLAGS] & _LAST or row[_KIND] not in _OF_BATCH:
            parts.append(rows[start:stop])
            start = stop
    return parts


def _not_overtaken(part: Part, newer: list[Part]) -> list[Row]:
    if any(other.starts_book for other in newer):
        return []
    taken = {_level(row) for other in newer for row in other.rows if row[_KIND] == _LEVEL}
    return [row for row in part.rows if row[_KIND] == _LEVEL and _level(row) not in taken]


def _joined(part: Part, levels: list[Row], doubts: int, newest: Part) -> list[Row]:
    """The levels as a frame of the newest batch; a BEST row stands for none."""
    head = (part.ts_recv_ns, newest.ts_venue_ns, part.market)
    rows = [(*head, row[_SIZE], 0, row[_PRICE], 0, _LEVEL, row[_SIDE]) for row in levels]
    *body, last = rows or [(*head, 0, 0, 0, 0, _BEST, 0)]
    closing = newest.rows[-1]
    flags = closing[_FLAGS] & _REPORTED | doubts | _LAST_HEALED
    return [*body, (*last[:4], closing[_AUX], last[_PRICE], flags, *last[7:])]


def _level(row: Row) -> tuple[int, int]:
    return row[_SIDE], row[_PRICE]


def _says_the_same(one: Part, other: Part) -> bool:
    """All but the receive times."""
    return len(one.rows) == len(other.rows) and all(
        a[1:] == b[1:] for a, b in zip(one.rows, other.rows, strict=True)
    )
