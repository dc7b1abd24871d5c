"""What a lake's raw rows hold, against the wire file of the sandbox that was recorded."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import msgspec

from hfptm.lake import Lake
from hfptm.raw import RawKind, Silence
from hfptm.registry import market_id
from hfptm.sandbox.wire_file import read_wire
from recorder.writer import RawRow


class Head(msgspec.Struct):
    market: str = ""
    timestamp: str = ""
    event_type: str = ""


class Stretch(NamedTuple):
    """Frames `start` to `stop` of a market, in the wire file's count, came on one connection."""

    connection: int
    start: int
    stop: int


class Sent:
    """The frames of a wire file: by market, and those that everybody gets under market 0."""

    def __init__(self, wire: Path) -> None:
        self.of: dict[int, list[bytes]] = defaultdict(list)
        for frame in read_wire(wire):
            self.of[frame.market if frame.assets else 0].append(bytes(frame.frame))


class Received:
    """Of one line: every frame in its place, or an AssertionError that says what is wrong."""

    def __init__(self, rows: list[RawRow], sent: Sent) -> None:
        self.frames = 0
        self.stretches: dict[int, list[Stretch]] = defaultdict(list)
        """By market; 0 holds the frames that everybody gets."""
        self.causes: list[bytes] = []
        """Of connections that ended."""
        self.left: set[str] = set()
        """Tokens that were not to be expected any more."""
        self._sent = sent
        by_connection: dict[int, list[RawRow]] = defaultdict(list)
        for row in rows:
            by_connection[row[3]].append(row)
        for connection, its_rows in by_connection.items():
            self._check_connection(connection, its_rows)

    def _check_connection(self, connection: int, rows: list[RawRow]) -> None:
        assert [row[4] for row in rows] == list(range(1, len(rows) + 1)), "rows are missing"
        assert (rows[0][5], rows[-1][5]) == (RawKind.LINK_UP, RawKind.LINK_DOWN)
        self.causes.append(rows[-1][6])
        for payload in (row[6] for row in rows if row[5] == RawKind.SILENCE):
            self.left.update(msgspec.json.decode(payload, type=Silence).tokens)
        found: dict[int, list[bytes]] = defaultdict(list)
        booked: dict[int, str] = {}
        for payload in (row[6] for row in rows if row[5] == RawKind.FRAME):
            self.frames += 1
            if payload.startswith(b"["):
                for book in msgspec.json.decode(payload, type=list[Head]):
                    market = market_id(book.market)
                    self._end(connection, market, found.pop(market, []), booked.get(market))
                    booked[market] = book.timestamp
            else:
                head = msgspec.json.decode(payload, type=Head)
                found[0 if head.event_type == "new_market" else market_id(head.market)].append(
                    payload
                )
        for market, frames in found.items():
            self._end(connection, market, frames, booked.get(market))

    def _end(self, connection: int, market: int, frames: list[bytes], booked: str | None) -> None:
        """Since its book on a connection a market's frames are the exchange's, one by one."""
        if not frames:
            return
        sent = self._sent.of[market]
        start = sent.index(frames[0])
        stop = start + len(frames)
        assert sent[start:stop] == frames, f"market {market}, connection {connection}: other frames"
        if market:
            assert booked is not None, f"market {market}, connection {connection}: no book first"
            assert start == 0 or _time(sent[start - 1]) <= booked <= _time(sent[start])
        self.stretches[market].append(Stretch(connection, start, stop))

    def covered(self, market: int) -> range:
        """All that came of a market, without a hole."""
        start = stop = -1
        for stretch in sorted(self.stretches[market], key=lambda stretch: stretch.start):
            if start < 0:
                start, stop = stretch.start, stretch.stop
            assert stretch.start <= stop, f"market {market}: frames {stop} to {stretch.start} lack"
            stop = max(stop, stretch.stop)
        return range(start, stop)


def _time(payload: bytes) -> str:
    return msgspec.json.decode(payload, type=Head).timestamp


def rows_of(data: Path) -> list[RawRow]:
    """All raw rows, in order."""
    tables = Lake(data).scan_raw(tail=True)
    return [tuple(row.values()) for table in tables for row in table.to_pylist()]


def received(data: Path, wire: Path) -> dict[int, Received]:
    """By line. The rows of no connection, the start's, are left out."""
    sent = Sent(wire)
    by_line: dict[int, list[RawRow]] = defaultdict(list)
    for row in rows_of(data):
        if row[3]:
            by_line[row[2]].append(row)
    return {line: Received(rows, sent) for line, rows in by_line.items()}
