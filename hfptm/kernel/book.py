"""The one order book: rows in, best prices and their reliability out.

One book a market, in YES terms, on the market's own tick grid (design, sections 4 and 5). A batch
is all frames of one (market, exchange time). Nobody says which frame is the last, so a frame whose
reported best prices agree with the book ends the batch; one that disagrees leaves it pending; still
pending when the next time comes is a mismatch, and the book is bad until its next snapshot, or
until another line brings what was missing and the best prices agree again.
"""

from hfptm.kernel.jit import Record, cold, hot
from hfptm.kernel.state import State
from hfptm.opportunities import Artefact
from hfptm.records import EventFlag, EventKind, Side
from hfptm.units import NO_ASK_E4, NO_BID_E4, PRICE_ONE_E4, TICKS_E4

WRONG_HASH = EventFlag.HASH_BAD.value
REPORTED = EventFlag.BEST_YES.value | EventFlag.BEST_NO.value
DOUBTED = EventFlag.MIRROR_BREAK.value | EventFlag.MAYBE_BAD.value


@hot
def packed_best(market: Record) -> int:
    return (int(market.best_bid_e4) << 32) + int(market.best_ask_e4)


@hot
def crossed(market: Record) -> bool:
    return bool(market.best_bid_e4 > market.best_ask_e4)


@cold
def book_artefact(market: Record) -> int:
    """The first reason to distrust a book; Artefact.NONE if there is none."""
    if market.bad:
        return Artefact.BAD_BOOK.value
    if market.pending:
        return Artefact.HALF_BATCH.value
    if crossed(market) and not market.confirmed:
        return Artefact.UNCONFIRMED_CROSS.value
    return 0


@hot
def note_move(state: State, market: Record) -> None:
    """What is held of the market is worth something else from here on."""
    state.counters[0].best_moves += 1
    market.best_move = state.counters[0].best_moves


@hot
def set_best_bid(state: State, market: Record, price_e4: int) -> None:
    if market.group >= 0:
        market.moved = 1
        state.groups[market.group].sum_bid_e4 += price_e4 - market.best_bid_e4
    market.best_bid_e4 = price_e4
    note_move(state, market)


@hot
def set_best_ask(state: State, market: Record, price_e4: int) -> None:
    if market.group >= 0:
        market.moved = 1
        state.groups[market.group].sum_ask_e4 += price_e4 - market.best_ask_e4
    market.best_ask_e4 = price_e4
    note_move(state, market)


@hot
def next_bid(state: State, market: Record, index: int) -> int:
    """Index of the first bid at or below `index`; 0 (price 0) if there is none."""
    while index > 0 and state.levels[market.offset + index] == 0:
        index -= 1
    return index


@hot
def next_ask(state: State, market: Record, index: int) -> int:
    """Index of the first ask at or above `index`; count - 1 (price 1) if there is none."""
    base = market.offset + market.count
    while index < market.count - 1 and state.levels[base + index] == 0:
        index += 1
    return index


@hot
def grid_index(market: Record, price_e4: int) -> int:
    """Level of a price on the market's grid, -1 if it is off the grid or no price at all."""
    if price_e4 <= 0 or price_e4 >= PRICE_ONE_E4:
        return -1
    index = int(price_e4 * market.reciprocal_q32) >> 32
    return index if index * market.tick_e4 == price_e4 else -1


@hot
def apply_level(state: State, market: Record, row: Record) -> None:
    """Set one level. A price off the grid leaves the book unreliable."""
    counters = state.counters[0]
    counters.level_changes += 1
    index = grid_index(market, row.price_e4)
    if index < 0 or row.size_e6 < 0:
        counters.off_grid += 1
        market.failed_ns = row.ts_recv_ns
        market.bad = 1
        market.lacking = 0
        return
    if row.side == Side.BID:
        state.levels[market.offset + index] = row.size_e6
        if row.size_e6 > 0:
            if row.price_e4 > market.best_bid_e4:
                set_best_bid(state, market, row.price_e4)
        elif row.price_e4 == market.best_bid_e4:
            set_best_bid(state, market, next_bid(state, market, index) * market.tick_e4)
    else:
        state.levels[market.offset + market.count + index] = row.size_e6
        if row.size_e6 > 0:
            if row.price_e4 < market.best_ask_e4:
                set_best_ask(state, market, row.price_e4)
        elif row.price_e4 == market.best_ask_e4:
            set_best_ask(state, market, next_ask(state, market, index) * market.tick_e4)


@cold
def fail_batch(state: State, market: Record) -> None:
    """The batch ended and its best prices never agreed: rows were lost."""
    state.counters[0].mismatches += 1
    market.failed_ns = state.counters[0].now_ns
    market.pending = 0
    if not market.bad:
        market.lacking = 1
    market.bad = 1


@hot
def enter_batch(state: State, market: Record, ts_venue_ns: int) -> None:
    """The first row of another exchange time ends the batch before it."""
    if ts_venue_ns != market.batch_ts_ns:
        if market.pending:
            fail_batch(state, market)
        market.batch_ts_ns = ts_venue_ns


@hot
def close_frame(state: State, market: Record, row: Record) -> None:
    """Compare the best prices that the closing row of a frame reports with the book's."""
    if row.flags & (DOUBTED | WRONG_HASH):
        doubt(state, market, row)
    if row.flags & REPORTED:
        counters = state.counters[0]
        counters.best_values += 2 if (row.flags & REPORTED) == REPORTED else 1
        if market.checked_ts_ns != market.batch_ts_ns:
            market.checked_ts_ns = market.batch_ts_ns
            counters.batches_checked += 1
        agrees = row.aux == packed_best(market)
        market.pending = not agrees
        market.confirmed = agrees
        if row.flags & EventFlag.HEALED and agrees and market.lacking:
            market.bad = 0
            market.lacking = 0
    else:
        market.confirmed = 0


@cold
def doubt(state: State, market: Record, row: Record) -> None:
    """Whoever made the row says that the book may be wrong from here. A hash alone does not."""
    market.failed_ns = row.ts_recv_ns
    if row.flags & DOUBTED == 0:
        return
    if row.flags & EventFlag.MIRROR_BREAK:
        state.counters[0].mirror_breaks += 1
    market.bad = 1
    market.lacking = 0


@cold
def drop_levels(state: State, market: Record) -> None:
    """Empty both sides. Nothing lies beyond the best prices, so an empty side costs nothing."""
    if market.best_bid_e4 != NO_BID_E4:
        for index in range(market.best_bid_e4 // market.tick_e4 + 1):
            state.levels[market.offset + index] = 0
    if market.best_ask_e4 != NO_ASK_E4:
        for index in range(market.best_ask_e4 // market.tick_e4, market.count):
            state.levels[market.offset + market.count + index] = 0
    set_best_bid(state, market, NO_BID_E4)
    set_best_ask(state, market, NO_ASK_E4)


@cold
def begin_snapshot(state: State, market: Record, row: Record) -> None:
    """Empty the book for the full one that follows, unless the book has seen later changes.

    An older full book would undo those, also where it would replace a bad one.
    """
    counters = state.counters[0]
    if market.valid and row.ts_venue_ns < market.batch_ts_ns:
        market.skipping = 1
        counters.stale_snapshots += 1
        return
    enter_batch(state, market, row.ts_venue_ns)
    if row.price_e4 > 0 and (row.price_e4 != market.tick_e4 or market.count == 0):
        lay_grid(state, market, int(row.price_e4))
    if market.count == 0:
        hide(state, market, row.ts_recv_ns)
        return
    drop_levels(state, market)
    if not market.valid:
        market.covered_since_ns = row.ts_recv_ns
    market.valid = 1
    market.bad = 0
    market.lacking = 0
    market.pending = 0
    market.confirmed = 0
    market.skipping = 0
    counters.snapshots += 1


@cold
def hide(state: State, market: Record, ts_recv_ns: int) -> None:
    """Forget the book: from here on it was not seen."""
    note_move(state, market)
    if market.valid:
        state.counters[0].covered_ns += ts_recv_ns - market.covered_since_ns
    if market.count > 0:
        drop_levels(state, market)
    market.valid = 0
    market.bad = 0
    market.lacking = 0
    market.pending = 0
    market.confirmed = 0
    market.skipping = 0


@cold
def tick_class(tick_e4: int) -> int:
    """Position of a tick in `units.TICKS_E4`, -1 if the exchange has no such tick."""
    position = 0
    for known_e4 in TICKS_E4:
        if known_e4 == tick_e4:
            return position
        position += 1
    return -1


@cold
def free_grid(state: State, market: Record) -> None:
    """Give the market's levels back, emptied."""
    if market.count == 0:
        return
    drop_levels(state, market)
    free = state.free_grids[tick_class(int(market.tick_e4))]
    free[0] += 1
    free[free[0]] = market.offset
    market.count = 0


@cold
def lay_grid(state: State, market: Record, tick_e4: int) -> None:
    """Give the market an empty grid of another tick. An unknown tick leaves it without any."""
    position = tick_class(tick_e4)
    free_grid(state, market)
    if position < 0:
        state.counters[0].off_grid += 1
        return
    free = state.free_grids[position]
    market.tick_e4 = tick_e4
    market.reciprocal_q32 = (4_294_967_296 + tick_e4 - 1) // tick_e4
    market.count = PRICE_ONE_E4 // tick_e4 + 1
    if free[0] > 0:
        market.offset = free[free[0]]
        free[0] -= 1
    else:
        market.offset = state.counters[0].levels_used
        state.counters[0].levels_used += 2 * market.count


@hot
def apply(state: State, market: Record, row: Record) -> bool:
    """Apply one LEVEL, BEST or SNAPSHOT row; True if it closed a frame: the book may be looked at.

    Between a gap and the next snapshot there is no book to change.
    """
    if row.kind == EventKind.SNAPSHOT:
        begin_snapshot(state, market, row)
    elif not market.valid:
        state.counters[0].unused_rows += 1
        return False
    elif market.skipping and row.flags & EventFlag.SNAPSHOT:
        return False
    else:
        market.skipping = 0
        enter_batch(state, market, row.ts_venue_ns)
        if row.kind == EventKind.LEVEL:
            apply_level(state, market, row)
    if row.flags & EventFlag.LAST_IN_BATCH and market.valid and not market.skipping:
        close_frame(state, market, row)
        return True
    return False
