"""What a lane took from the book, which the recording knows nothing of.

It stays taken until the venue's book shows another size at that level.
"""

from hfptm.kernel.book import grid_index
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import EventFlag, Side, Token
from hfptm.sim.queue import set_watch
from hfptm.sim.state import Sim

PROBES_MAX = 32
"""Longest search in the taken table; a level that finds no place there counts as wholly taken."""


@cold
def takes_asks(item: Record) -> bool:
    return bool((item.token == Token.YES) == (item.side == Side.BID))


@cold
def displayed_e6(state: State, market: Record, asks: bool, index: int) -> int:
    side = int(market.count) if asks else 0
    return int(state.levels[market.offset + side + index])


@cold
def level_key(slot: int, asks: bool, price_e4: int) -> int:
    return ((slot << 15) | (price_e4 << 1) | (1 if asks else 0)) + 1


@cold
def outdated(state: State, entry: Record) -> bool:
    """Whether the book changed at an entry's level: what was taken there no longer counts."""
    key = int(entry.key) - 1
    market = state.markets[key >> 15]
    if market.count == 0:
        return True
    price_e4, asks = (key >> 1) & 0x3FFF, (key & 1) == 1
    index = price_e4 // int(market.tick_e4)
    if index * int(market.tick_e4) != price_e4:
        return True
    return displayed_e6(state, market, asks, index) != int(entry.displayed_e6)


@cold
def first_place(sim: Sim, key: int) -> int:
    """Where the search for a level begins, in the table of any lane."""
    return ((key * 40_503) & 0x7FFF_FFFF) % int(sim.taken.shape[1])


@cold
def taken_place(sim: Sim, lane: int, key: int) -> int:
    """Place of a level in the lane's taken table, -1 if it has none."""
    table, start = sim.taken[lane], first_place(sim, key)
    for probe in range(PROBES_MAX):
        place = (start + probe) % len(table)
        if table[place].key == key:
            return place
        if table[place].key == 0:
            break
    return -1


@cold
def taken_entry(state: State, sim: Sim, lane: int, key: int) -> int:
    """Place of a level in the lane's taken table, or one it may have; -1 if there is no room."""
    table, start = sim.taken[lane], first_place(sim, key)
    spare = -1
    for probe in range(PROBES_MAX):
        place = (start + probe) % len(table)
        if table[place].key == key:
            return place
        if spare < 0 and (table[place].key == 0 or outdated(state, table[place])):
            spare = place
        if table[place].key == 0:
            break
    return spare


@cold
def item_key(state: State, item: Record, index: int) -> int:
    price_e4 = index * int(state.markets[item.market].tick_e4)
    return level_key(int(item.market), takes_asks(item), price_e4)


@cold
def available_e6(state: State, sim: Sim, item: Record, index: int) -> int:
    """Displayed size of a level less what the lane already took of it."""
    shown_e6 = displayed_e6(state, state.markets[item.market], takes_asks(item), index)
    key = item_key(state, item, index)
    place = taken_entry(state, sim, int(item.lane), key)
    if place < 0:
        return 0
    entry = sim.taken[item.lane, place]
    if entry.key != key or entry.displayed_e6 != shown_e6:
        return shown_e6
    return shown_e6 - int(entry.taken_e6)


@cold
def take_level(state: State, sim: Sim, item: Record, index: int, size_e6: int) -> None:
    shown_e6 = displayed_e6(state, state.markets[item.market], takes_asks(item), index)
    key = item_key(state, item, index)
    entry = sim.taken[item.lane, taken_entry(state, sim, int(item.lane), key)]
    if entry.key != key or entry.displayed_e6 != shown_e6:
        give_back(sim, entry)
        entry.key = key
        entry.displayed_e6 = shown_e6
    if entry.taken_e6 == 0:
        sim.levels_taken[item.market] += 1
        sim.takers[first_place(sim, key)] += 1
    entry.taken_e6 += size_e6


@cold
def give_back(sim: Sim, entry: Record) -> None:
    """What was taken there no longer counts."""
    if entry.taken_e6 > 0:
        entry.taken_e6 = 0
        sim.levels_taken[(entry.key - 1) >> 15] -= 1
        sim.takers[first_place(sim, int(entry.key))] -= 1


@cold
def renew(state: State, sim: Sim, row: Record) -> None:
    """A level is told: who took from it when it showed another size, than before or from now on,
    took what has gone since, though the old size may come back. A full book tells no level's way
    there."""
    slot = int(row.market)
    market = state.markets[slot]
    index = grid_index(market, int(row.price_e4))
    if index < 0 or row.flags & EventFlag.SNAPSHOT:
        return
    asks = bool(row.side == Side.ASK)
    shown_e6 = displayed_e6(state, market, asks, index)
    key = level_key(slot, asks, int(row.price_e4))
    if sim.takers[first_place(sim, key)] == 0:
        return
    for lane in range(len(sim.taken)):
        place = taken_place(sim, lane, key)
        if place < 0:
            continue
        entry = sim.taken[lane, place]
        if entry.displayed_e6 != shown_e6 or entry.displayed_e6 != row.size_e6:
            give_back(sim, entry)
    if sim.levels_taken[slot] == 0:
        set_watch(sim, slot)
