"""One market's book out of a kernel's, for whoever looks at it."""

import numpy as np

from hfptm.bulletin import LEVELS_MAX, BookView
from hfptm.kernel.jit import Array
from hfptm.kernel.state import State
from hfptm.slots import Slots


def book_view(state: State, slots: Slots, market_id: int, now_ns: int) -> BookView | None:
    """As of a receive time; None if no such market was listed."""
    listed = slots.markets.get(market_id)
    if listed is None:
        return None
    places = np.flatnonzero(slots.market_ids == market_id)
    book = state.markets[int(places[0]) if len(places) else 0]
    is_known = bool(len(places) and book["valid"])
    offset, count, tick_e4 = (int(book[name]) for name in ("offset", "count", "tick_e4"))
    grid = state.levels[offset : offset + 2 * count] if is_known else state.levels[:0]
    bids, asks = grid[:count], grid[count:]
    return BookView(
        market=market_id,
        slug=listed.slug,
        question=listed.question,
        tick_e4=tick_e4 if is_known else listed.tick_e4,
        bids=_levels(bids, np.flatnonzero(bids)[::-1], tick_e4),
        asks=_levels(asks, np.flatnonzero(asks), tick_e4),
        ts_recv_ns=now_ns,
        is_bad=not is_known or bool(book["bad"]),
    )


def _levels(sizes_e6: Array, best_first: Array, tick_e4: int) -> list[tuple[int, int]]:
    places = best_first[:LEVELS_MAX]
    prices_e4 = (places * tick_e4).tolist()
    return list(zip(prices_e4, sizes_e6[places].tolist(), strict=True))
