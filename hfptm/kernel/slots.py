"""Lake ids to dense slots, row by row: the first thing that happens to a block of rows."""

from hfptm.kernel.jit import Array, cold, entry
from hfptm.records import EventKind

EMPTY = -1
"""A free place of the id table; ids are never negative."""


@cold
def home(market: int, places: int) -> int:
    """Where the search for an id starts; ids are hashes already. places: a power of two."""
    return market & (places - 1)


@entry
def put(ids: Array, slots: Array, market: int, slot: int) -> None:
    """Enter an id, or change its slot. ids, slots: (places,) int64, at most half full."""
    place = home(market, len(ids))
    while ids[place] != EMPTY and ids[place] != market:
        place = (place + 1) & (len(ids) - 1)
    ids[place] = market
    slots[place] = slot


@entry
def translate(ids: Array, slots: Array, rows: Array, start: int, stop: int) -> int:
    """Replace the market ids of rows[start:stop] by slots, in place.

    Stops before a row whose id is not entered, and behind a STATE row, which may free a slot.
    Returns the index of the first row that was not translated.
    """
    for index in range(start, stop):
        row = rows[index]
        market = row.market
        place = home(market, len(ids))
        while ids[place] != market:
            if ids[place] == EMPTY:
                return index
            place = (place + 1) & (len(ids) - 1)
        row.market = slots[place]
        if row.kind == EventKind.STATE:
            return index + 1
    return stop
