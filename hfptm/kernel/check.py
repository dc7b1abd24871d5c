"""The book alone: rows through it, and what its own check of each market finds."""

from typing import Any

import numpy as np

from hfptm.kernel.book import apply
from hfptm.kernel.jit import Array, entry
from hfptm.kernel.state import open_state
from hfptm.kernel.step import has_level_room, rare
from hfptm.records import EventFlag, EventKind

CHECK = np.dtype(
    [
        ("first_ns", "i8"),  # receive time of the first row
        ("last_ns", "i8"),
        ("rows", "i8"),
        ("frames", "i8"),  # rows that closed one
        ("trades", "i8"),
        ("snapshots", "i8"),
        ("batches_checked", "i8"),
        ("mismatches", "i8"),  # batches whose best prices never agreed
        ("healed", "i8"),  # of them, those whose missing rows another line brought
        ("unhealed", "i8"),  # since the book was last right
        ("mirror_breaks", "i8"),
        ("doubted", "i8"),  # frames of which something was unreadable
    ]
)
"""What was seen of one market."""


@entry
def check_rows(table: Any, checks: Array, rows: Array, start: int, stop: int) -> int:
    """Apply rows[start:stop], whose `market` is a slot, and count in checks[slot].

    Returns the index of the first row not applied for want of room, or stop.
    """
    state = open_state(table)
    counters = state.counters[0]
    for index in range(start, stop):
        row = rows[index]
        if not has_level_room(state, row):
            return index
        if row.kind == EventKind.GROUP:
            rare(state, row)
            continue
        check = checks[row.market]
        batches, mismatches = counters.batches_checked, counters.mismatches
        if row.kind <= EventKind.SNAPSHOT or row.kind == EventKind.BEST:
            market = state.markets[row.market]
            lacked = market.lacking
            if market.open:
                apply(state, market, row)
            if lacked and not market.lacking:
                if row.flags & EventFlag.HEALED:
                    check.healed += check.unhealed
                check.unhealed = 0
        else:
            rare(state, row)
        if row.kind == EventKind.MARKET or row.kind == EventKind.FEE:
            continue
        if check.rows == 0:
            check.first_ns = row.ts_recv_ns
        check.last_ns = row.ts_recv_ns
        check.rows += 1
        check.trades += row.kind == EventKind.TRADE
        check.snapshots += row.kind == EventKind.SNAPSHOT
        check.batches_checked += counters.batches_checked - batches
        check.mismatches += counters.mismatches - mismatches
        check.unhealed += counters.mismatches - mismatches
        if row.flags & EventFlag.LAST_IN_BATCH:
            check.frames += 1
            check.mirror_breaks += (row.flags & EventFlag.MIRROR_BREAK) > 0
            check.doubted += (row.flags & EventFlag.MAYBE_BAD) > 0
    return stop
