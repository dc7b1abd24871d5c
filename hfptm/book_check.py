"""Rows of the lake through the one book, to see whether it agrees with what the exchange says."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hfptm.kernel.check import CHECK, check_rows
from hfptm.kernel.jit import as_records, is_cached, records
from hfptm.kernel.lane import PARAMS
from hfptm.kernel.state import GRID_MAX, Capacity, new_state, with_levels
from hfptm.records import EVENT, EventKind, MarketState
from hfptm.registry import Market
from hfptm.slots import NOBODY, Slots

Rows = npt.NDArray[np.void]

_STATE, _RESOLVED = int(EventKind.STATE), int(MarketState.RESOLVED)


def is_compiled() -> bool:
    """Whether this machine holds what `BookCheck` runs, or needs it not compiled."""
    return is_cached(check_rows)


def compile_kernels() -> None:
    """Compile what `BookCheck` runs, once on a machine; then nothing to do."""
    state = new_state(Capacity(markets=1, groups=1), records(PARAMS, 1))
    slots = Slots((), (), market_slots=1, group_slots=1)
    slots.define(0, 0)
    slots.translate(records(EVENT, 0), 0, 0)
    check_rows(state.table, records(CHECK, 1), records(EVENT, 0), 0, 0)


class BookCheck:
    """`feed` rows in order; `take` what was found of each market since the last time.

    Between two `take` the books go on: cut the time as you like. With `room` for so many, markets
    may come later. `state` and `slots` are its own, to be read.
    """

    def __init__(self, markets: Iterable[Market], room: int = 0) -> None:
        markets = list(markets)
        slots = max(room, len(markets)) + 1
        self.state = new_state(Capacity(markets=slots, groups=1), records(PARAMS, 1))
        self.slots = Slots(markets, (), slots, 1)
        self._checks = records(CHECK, slots)

    def add(self, market: Market, ts_ns: int) -> None:
        """Its rows count from now on, also if they had ended. Raises CapacityError."""
        self.slots.add(market)
        if self.slots.is_over(market.market):
            self._run(self.slots.define(market.market, ts_ns))

    def feed(self, rows: Rows) -> None:
        """Apply rows of records.EVENT; their `market` column is overwritten."""
        rows = as_records(rows)
        start, stop = 0, len(rows)
        while start < stop:
            market = int(rows[start]["market"])
            end = self.slots.translate(rows, start, stop)
            if end == start:
                self._run(self.slots.define(market, int(rows[start]["ts_recv_ns"])))
                continue
            self._run(rows[start:end])
            last = rows[end - 1]
            if last["kind"] == _STATE:
                self.slots.note_state(last, int(self.slots.market_ids[last["market"]]))
            start = end

    def end(self, market: int, ts_ns: int) -> None:
        """No row of it comes any more: an hour later its room is free for another."""
        self.feed(np.array([(ts_ns, ts_ns, market, 0, _RESOLVED, 0, 0, _STATE, 0)], EVENT))

    def take(self) -> dict[int, np.void]:
        """By market id: what was seen of it, a CHECK."""
        found = np.array(self._checks.view(np.ndarray))
        self._checks[:] = np.zeros(1, CHECK)
        seen = np.flatnonzero(found["rows"])
        return {int(self.slots.market_ids[slot]): found[slot] for slot in seen if slot != NOBODY}

    def _run(self, rows: Rows) -> None:
        start = 0
        while start < len(rows):
            start = check_rows(self.state.table, self._checks, rows, start, len(rows))
            if start < len(rows):
                self.state = with_levels(self.state, 2 * len(self.state.levels) + GRID_MAX)
