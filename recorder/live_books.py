"""Every market's book while it is recorded: what is durable goes through the normaliser and the one
book, in blocks, to see which books do not agree with the best prices that they are told of.

The tape itself is made elsewhere, from sealed segments; here nothing is stored.
"""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from hfptm.book_check import BookCheck
from hfptm.book_view import book_view
from hfptm.bulletin import BookView
from hfptm.clock import wall_ns
from hfptm.errors import CapacityError
from hfptm.feed_status import BookStatus
from hfptm.histogram import BOUNDS_NS, Times, counted
from hfptm.lake import Lake
from hfptm.market_rows import is_news
from hfptm.normaliser.normaliser import Normaliser, Rows
from hfptm.records import EventKind, GapReason
from hfptm.registry import Market
from recorder.derivation import receive_batch
from recorder.tail import Tail

STRIKES = 3
"""Batches whose best prices never agreed, until a book counts as wrong: one may be a late frame."""

ROOM_SPARE = 4_096
"""Markets that have ended take room for an hour."""

_CHANGES = (int(EventKind.LEVEL), int(EventKind.SNAPSHOT))


class LiveBooks:
    """For `room` markets at once. `step` now and then, on one thread; from any, `add` a market
    before its first row, and `remove` it.

    What was received is durable, and so can be read, after `flush_ns`.
    """

    def __init__(self, data: Path, since_ns: int, room: int, flush_ns: int) -> None:
        self.status = BookStatus()
        self.took: Times = np.zeros(len(BOUNDS_NS), np.int64)
        """Changes and prints by how long they took to us, as `hfptm.histogram` counts them."""
        self.took_ns = 0
        self.watched: list[int] = []
        """Markets of which there are to be `views`."""
        self.views: list[BookView] = []
        """After the last step."""
        self._seen_ns: dict[int, int] = {}
        self._read_ns = 0
        self._flush_ns = flush_ns
        self._tail = Tail(Lake(data).wal, since_ns)
        self._room = room + ROOM_SPARE
        self._coming: deque[Market] = deque()
        self._going: deque[int] = deque()
        self._markets: dict[int, Market] = {}
        self._normaliser = Normaliser(())
        self._book = BookCheck((), self._room)
        self._strikes: Counter[int] = Counter()

    def add(self, market: Market) -> None:
        self._coming.append(market)

    def remove(self, market: int) -> None:
        self._going.append(market)

    def seen_ns(self, market: int) -> int:
        """The newest exchange time of a change of the market, 0 if there was none."""
        return self._seen_ns.get(market, 0)

    def read_ns(self) -> int:
        """UTC up to which all that was received has been read."""
        return self._read_ns

    def step(self) -> list[int]:
        """Read what is new; the markets whose book has turned out to be wrong."""
        begun_ns = wall_ns()
        for batch in self._tail.read():
            self._enter()
            receive_batch(self._normaliser, batch)
            rows = self._normaliser.take()
            self._note_times(rows)
            self._within_room(partial(self._book.feed, rows))
            self.status.rows += batch.num_rows
            self.status.lag_ns = wall_ns() - int(batch.column(0).to_numpy()[-1])
        self._read_ns = begun_ns - self._flush_ns
        self._leave()
        self._note()
        self.views = self._views()
        return self._find_wrong()

    def close(self) -> None:
        self._tail.close()

    def _enter(self) -> None:
        while self._coming:
            market = self._coming.popleft()
            self._markets[market.market] = market
            self._normaliser.add_market(market)
            self._within_room(partial(self._book.add, market, wall_ns()))

    def _leave(self) -> None:
        while self._going:
            market = self._going.popleft()
            known = self._markets.pop(market, None)
            if known is not None:
                self._normaliser.remove_market(known)
                self._book.end(market, wall_ns())
                self._seen_ns.pop(market, None)
                self._strikes.pop(market, None)

    def _note_times(self, rows: Rows) -> None:
        levels = rows[rows["kind"] == EventKind.LEVEL]  # a full book bears an older change's time
        if len(levels):
            behind_ns = levels["ts_recv_ns"] - levels["ts_venue_ns"]
            self.status.behind_ns = int(np.median(behind_ns))
        news = rows[is_news(rows)]
        took_ns = news["ts_recv_ns"] - news["ts_venue_ns"]
        self.took += counted(took_ns)
        self.took_ns += int(np.maximum(took_ns, 0).sum())
        changes = rows[np.isin(rows["kind"], _CHANGES)]
        for market, ts_venue_ns in changes[["market", "ts_venue_ns"]].tolist():
            if ts_venue_ns > self._seen_ns.get(market, 0):
                self._seen_ns[market] = ts_venue_ns

    def _within_room(self, work: Callable[[], None]) -> None:
        try:
            work()
        except CapacityError:
            # More markets in an hour than there is room for: books begin anew with their next.
            self._book = BookCheck(self._markets.values(), self._room)

    def _find_wrong(self) -> list[int]:
        status, wrong = self.status, []
        for market, check in self._book.take().items():
            status.batches_checked += int(check["batches_checked"])
            status.mismatches += int(check["mismatches"])
            status.healed += int(check["healed"])
            status.mirror_breaks += int(check["mirror_breaks"])
            if check["snapshots"] or check["healed"]:
                self._strikes.pop(market, None)
            elif check["mismatches"]:
                self._strikes[market] += int(check["mismatches"])
                if self._strikes[market] >= STRIKES:
                    del self._strikes[market]
                    wrong.append(market)
        return wrong

    def _views(self) -> list[BookView]:
        state, slots = self._book.state, self._book.slots
        views = (book_view(state, slots, market, self._read_ns) for market in self.watched)
        return [view for view in views if view]

    def _note(self) -> None:
        status, tally = self.status, self._normaliser.tally
        status.lost_rows = self._tail.lost_rows
        status.frames, status.copies = tally.frames, tally.copies
        status.late, status.too_late = tally.late, tally.too_late
        status.first, status.lead_p50_ns = tally.race.first, tally.race.lead_ns(0.5)
        status.unseen = len(self._normaliser.unseen)
        gaps = self._normaliser.take_gaps()
        status.gaps += sum(gap.reason is not GapReason.REMOVED for gap in gaps)
