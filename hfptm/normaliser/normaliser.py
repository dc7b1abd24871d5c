"""Raw rows of all lines and connections in, the tape and its gaps out.

Pure and streaming: rows come in the order of receipt, and what was learnt can be saved and restored
between any two of them. `lake.NORMALISER` is its version.
"""

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.lake import Gap
from hfptm.normaliser.gaps import Gaps, Loose
from hfptm.normaliser.recent import Recent
from hfptm.normaliser.saved import Connection, Saved
from hfptm.normaliser.streams import Part, Stream, Streams, parts_of
from hfptm.normaliser.tally import Tally
from hfptm.raw import Chosen, Loss, RawKind, Silence, reason_of
from hfptm.records import EventFlag, EventKind, GapReason
from hfptm.registry import Market
from hfptm.venue.batch import Row, as_rows
from hfptm.venue.counters import Counters
from hfptm.venue.market_feed import MarketFeed

Rows = npt.NDArray[np.void]

_FRAME, _REST = int(RawKind.FRAME), int(RawKind.REST)
_SNAPSHOT, _GAP = int(EventKind.SNAPSHOT), int(EventKind.GAP)
_STATE, _BEST = int(EventKind.STATE), int(EventKind.BEST)
_LOSS, _SILENCE = msgspec.json.Decoder(Loss), msgspec.json.Decoder(Silence)
_CHOSEN = msgspec.json.Decoder(Chosen)
_LAST_DOUBTED = int(EventFlag.LAST_IN_BATCH | EventFlag.MAYBE_BAD)


class Normaliser:
    """`receive` raw rows in order of receipt, then take rows and gaps.

    A market is seen while any connection is up that delivered something of it.
    """

    def __init__(self, markets: Iterable[Market], saved: bytes = b"") -> None:
        self.tally = Tally()
        self._feed = MarketFeed(markets)
        self._rows: list[Row] = []
        self._waiting: dict[bytes, Part] = {}
        state = msgspec.msgpack.decode(saved, type=Saved) if saved else None
        self._connections = state.connections if state else {}
        self._markets = state.markets if state else {}
        self._gaps = Gaps(state.unseen, state.loose) if state else Gaps({}, {})
        if state:
            self._feed.restore(state.listings)
        kept = [part for streams in self._markets.values() for part in streams.parts]
        self._waiting.update((part.payload, part) for part in kept if part.payload)
        self._recent = Recent(kept)

    @property
    def unseen(self) -> dict[int, Gap]:
        """The gaps that go on, by market."""
        return self._gaps.unseen

    @property
    def counters(self) -> Counters:
        """Of the frames that were read."""
        return self._feed.counters

    def add_market(self, market: Market) -> None:
        """Decode this market from now on."""
        self._feed.add_market(market)

    def remove_market(self, market: Market) -> None:
        """Forget a market that nobody sends any more; its tokens are unknown from now on."""
        self._feed.remove_market(market)
        self._gaps.forget(market.market)
        for link in self._connections.values():
            link.markets.pop(market.market, None)
        streams = self._markets.pop(market.market, None)
        self._forget(streams.parts if streams else ())

    def save(self) -> bytes:
        """For another normaliser of the same version to go on; the same history, the same bytes."""
        self._expire(self._recent.all())
        state = Saved(
            connections=self._connections,
            markets=self._markets,
            unseen=self._gaps.lasting(self._feed.markets()),
            loose=self._gaps.loose,
            listings=self._feed.save(),
        )
        return msgspec.msgpack.encode(state)

    def take(self) -> Rows:
        """All rows since the last call, shape (n,), dtype `records.EVENT`, market = lake id."""
        rows, self._rows = self._rows, []
        return as_rows(rows)

    def take_gaps(self) -> list[Gap]:
        """The gaps that ended since the last call."""
        return self._gaps.take()

    def receive(
        self, ts_recv_ns: int, line: int, connection: int, kind: int, payload: bytes
    ) -> None:
        """One row of `lake.SCHEMAS[RAW]`; receive times must not go back."""
        link = self._connections.get(connection)
        if kind == _FRAME or (kind == _REST and link is not None):
            if link is None:
                link = self._connections[connection] = Connection(line, ts_recv_ns)
            link.seen_ns = ts_recv_ns
            self.tally.frames += 1
            self._receive_frame(ts_recv_ns, connection, link, payload)
        elif kind == _REST:
            self.tally.stray_replies += 1
        else:
            self._receive_link(ts_recv_ns, line, connection, kind, payload)

    def stop(self, reason: GapReason, ts_recv_ns: int) -> None:
        """The recording ends here, whatever it says of its links."""
        for connection in list(self._connections):
            self._lose(ts_recv_ns, connection, reason)
        self._connections.clear()

    def _receive_frame(
        self, ts_recv_ns: int, connection: int, link: Connection, payload: bytes
    ) -> None:
        self._expire(self._recent.few(ts_recv_ns))
        known = self._waiting.get(payload)
        if known is not None:
            streams = self._markets[known.market]
            stream = streams.streams.get(connection)
            if stream is not None and stream.order < known.order:
                stream.hear(ts_recv_ns, known.ts_venue_ns)
                self._pass(streams, stream, known, ts_recv_ns)
                self.tally.copies += 1
                return
        self._feed.receive(payload, ts_recv_ns)
        rows = self._feed.take_tuples()
        if not rows:
            return
        parts = [rows] if len(rows) == 1 else parts_of(rows)
        whole = payload if len(parts) == 1 else b""
        new = [self._add(connection, link, part, whole) for part in parts]
        self.tally.copies += not any(new)

    def _add(self, connection: int, link: Connection, rows: list[Row], payload: bytes) -> bool:
        """One part of a frame; False if it was known."""
        ts_recv_ns, ts_venue_ns, market = rows[0][:3]
        streams = self._markets.get(market)
        if streams is None:
            streams = self._markets[market] = Streams()
        else:
            self._forget(streams.passed(self._recent.before_ns))
        stream = streams.streams.get(connection)
        if stream is None:
            stream = streams.join(connection, link.line, rows)
            link.markets[market] = None
        stream.hear(ts_recv_ns, ts_venue_ns)
        if ts_venue_ns < stream.floor_ns:
            self.tally.too_late += 1
            if streams.is_doubtful(stream, rows):
                head = (ts_recv_ns, streams.latest_ns, market)
                self._rows.append((*head, 0, 0, 0, _LAST_DOUBTED, _BEST, 0))
            return False
        part = Part(0, ts_venue_ns, ts_recv_ns, stream.line, payload, market, rows)
        if streams.is_leading(stream):
            streams.append(stream, part)
            self._recent.add(part)
        else:
            rows = self._merge(streams, stream, part)
            if not rows:
                return False
        streams.latest_ns = max(streams.latest_ns, ts_venue_ns)
        self._rows += rows
        streams.is_over |= rows[-1][7] == _STATE
        if rows[0][7] == _SNAPSHOT:
            streams.book_ns = ts_venue_ns
        if market in self.unseen and any(row[7] == _SNAPSHOT for row in rows):
            self._gaps.end(market, ts_recv_ns, ts_venue_ns)
        return True

    def _merge(self, streams: Streams, stream: Stream, part: Part) -> list[Row]:
        """What is new and still true of a part."""
        self._forget(streams.outdated(part.ts_recv_ns))
        same, index = streams.place(stream, part)
        if same is not part:
            self._pass(streams, stream, same, part.ts_recv_ns)
            return []
        rows, is_late = part.rows, index < len(streams.parts)
        self.tally.late += is_late
        if is_late and rows[0][7] == _SNAPSHOT:
            return []  # older than what is known: it shows nothing, so it overtakes nothing
        streams.insert(stream, part, index)
        self._recent.add(part)
        if is_late:
            rows = streams.still_true(part, index)
        if part.payload in self._waiting:
            part.payload = b""  # a repeated frame: the first is found by it
        elif part.payload:
            self._waiting[part.payload] = part
        self._forget(streams.passed(self._recent.before_ns))
        return rows

    def _pass(self, streams: Streams, stream: Stream, part: Part, ts_recv_ns: int) -> None:
        """A connection delivers a part that is known."""
        stream.order = part.order
        if stream.line != part.line:
            self.tally.race.add(part.line, ts_recv_ns - part.ts_recv_ns)
        self._forget(streams.passed(self._recent.before_ns))

    def _expire(self, markets: Iterable[int]) -> None:
        """Drop what is old in these markets, where it is known any more."""
        for market in markets:
            if market in self._markets:
                self._forget(self._markets[market].passed(self._recent.before_ns))

    def _forget(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if self._waiting.get(part.payload) is part:
                del self._waiting[part.payload]

    def _receive_link(
        self, ts_recv_ns: int, line: int, connection: int, kind: int, payload: bytes
    ) -> None:
        if kind == RawKind.START:
            self.stop(GapReason.STOPPED, ts_recv_ns)
        elif kind == RawKind.LINK_UP:
            self._lose(ts_recv_ns, connection, GapReason.DISCONNECT)
            self._connections[connection] = Connection(line, ts_recv_ns)
        elif kind == RawKind.SILENCE:
            self._lose_some(ts_recv_ns, connection, _SILENCE.decode(payload))
        elif kind == RawKind.CHOSEN:
            for market in sorted(self.unseen.keys() - set(_CHOSEN.decode(payload).markets)):
                self._note_removed(ts_recv_ns, market)
        elif connection not in self._connections:
            return
        elif kind == RawKind.LOSS:
            self._lose(ts_recv_ns, connection, _LOSS.decode(payload).reason)
            self._connections[connection].seen_ns = ts_recv_ns
        else:
            self._lose(ts_recv_ns, connection, reason_of(payload))
            del self._connections[connection]

    def _lose(self, ts_recv_ns: int, connection: int, reason: GapReason) -> None:
        """Nothing that follows on this connection continues what came before."""
        link = self._connections.get(connection)
        if link is None:
            return
        for market in link.markets:
            self._leave(ts_recv_ns, connection, Gap(link.seen_ns, market, 0, reason))
        link.markets.clear()

    def _lose_some(self, ts_recv_ns: int, connection: int, silence: Silence) -> None:
        """Of a market that nobody sees already, that it is meant is still news."""
        link = self._connections.get(connection)
        for market in dict.fromkeys(map(self._feed.market_of, silence.tokens)):
            if market is None:
                continue
            if link is not None and market in link.markets:
                del link.markets[market]
                seen_ns = self._markets[market].streams[connection].seen_ns
                self._leave(ts_recv_ns, connection, Gap(seen_ns, market, 0, silence.reason))
            elif silence.reason is GapReason.REMOVED and market in self.unseen:
                self._note_removed(ts_recv_ns, market)

    def _note_removed(self, ts_recv_ns: int, market: int) -> None:
        gap = Gap(ts_recv_ns, market, 0, GapReason.REMOVED)
        self._begin_gap(ts_recv_ns, gap, Loose(ts_recv_ns, 0))

    def _leave(self, ts_recv_ns: int, connection: int, gap: Gap) -> None:
        """A connection was there for a market until `gap` begins, which is one if it was alone."""
        streams = self._markets[gap.market]
        self._forget(streams.leave(connection, gap.from_ns))
        for from_ns, to_ns in streams.holes(ts_recv_ns):
            self._gaps.add(from_ns, gap.market, to_ns)
        if streams.streams:
            return
        del self._markets[gap.market]
        if not streams.is_over:
            gap = Gap(streams.seen_ns, gap.market, 0, gap.reason)
            self._begin_gap(ts_recv_ns, gap, Loose(streams.told_ns, streams.latest_ns))

    def _begin_gap(self, ts_recv_ns: int, gap: Gap, loose: Loose) -> None:
        """The row stands where the loss is known, the gap begins where it began."""
        if self._gaps.begin(gap, loose):
            head = (ts_recv_ns, ts_recv_ns, gap.market)
            self._rows.append((*head, 0, int(gap.reason), 0, 0, _GAP, 0))
