"""Matching an immediate order against a book, as the exchange does it (reference, sections 3.4 and 7).

One book serves both tokens: BUY YES and SELL NO take asks, BUY NO and SELL YES take bids. Liquidity that a lane took
stays taken until the venue's book changes at that level.
"""

from hfptm.kernel.book import next_ask, next_bid
from hfptm.kernel.cash import affordable_e6, cost_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import OrderType, Side, Token
from hfptm.sim.state import Sim
from hfptm.units import PRICE_ONE_E4

PROBES_MAX = 32
"""Longest search in the taken table; a level that finds no place there counts as wholly taken."""


@cold
def takes_asks(token: int, side: int) -> bool:
    return (token == Token.YES) == (side == Side.BID)


@cold
def first_level(state: State, market: Record, asks: bool) -> int:
    return int(market.best_ask_e4 if asks else market.best_bid_e4) // int(market.tick_e4)


@cold
def next_level(state: State, market: Record, asks: bool, index: int) -> int:
    return next_ask(state, market, index + 1) if asks else next_bid(state, market, index - 1)


@cold
def own_price_e4(market: Record, token: int, index: int) -> int:
    """Price of a level in the token's own terms; 0 or 1 dollar where a side ended."""
    price_e4 = index * int(market.tick_e4)
    return price_e4 if token == Token.YES else PRICE_ONE_E4 - price_e4


@cold
def within(side: int, price_e4: int, limit_e4: int) -> bool:
    if price_e4 <= 0 or price_e4 >= PRICE_ONE_E4:
        return False
    return price_e4 <= limit_e4 if side == Side.BID else price_e4 >= limit_e4


@cold
def displayed_e6(state: State, market: Record, asks: bool, index: int) -> int:
    side = int(market.count) if asks else 0
    return int(state.levels[market.offset + side + index])


@cold
def level_key(slot: int, asks: bool, price_e4: int) -> int:
    return ((slot << 15) | (price_e4 << 1) | (1 if asks else 0)) + 1


@cold
def outdated(state: State, entry: Record) -> bool:
    """Whether the venue's book changed at an entry's level, so that what we took there no longer counts."""
    key = int(entry.key) - 1
    market = state.markets[key >> 15]
    price_e4, asks = (key >> 1) & 0x3FFF, (key & 1) == 1
    index = price_e4 // int(market.tick_e4)
    if index * int(market.tick_e4) != price_e4:
        return True
    return displayed_e6(state, market, asks, index) != int(entry.displayed_e6)


@cold
def taken_entry(state: State, sim: Sim, lane: int, key: int) -> int:
    """Place of a level in the lane's taken table, a free or outdated one if it has none; -1 if there is no room."""
    table = sim.taken[lane]
    start = ((key * 40_503) & 0x7FFF_FFFF) % len(table)
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
def available_e6(
    state: State, sim: Sim, lane: int, slot: int, asks: bool, index: int
) -> int:
    """Displayed size of a level less what the lane already took of it."""
    market = state.markets[slot]
    shown_e6 = displayed_e6(state, market, asks, index)
    key = level_key(slot, asks, index * int(market.tick_e4))
    place = taken_entry(state, sim, lane, key)
    if place < 0:
        return 0
    entry = sim.taken[lane, place]
    if entry.key != key or entry.displayed_e6 != shown_e6:
        return shown_e6
    return shown_e6 - int(entry.taken_e6)


@cold
def take_level(
    state: State, sim: Sim, lane: int, slot: int, asks: bool, index: int, size_e6: int
) -> None:
    market = state.markets[slot]
    shown_e6 = displayed_e6(state, market, asks, index)
    key = level_key(slot, asks, index * int(market.tick_e4))
    entry = sim.taken[lane, taken_entry(state, sim, lane, key)]
    if entry.key != key or entry.displayed_e6 != shown_e6:
        entry.key = key
        entry.displayed_e6 = shown_e6
        entry.taken_e6 = 0
    entry.taken_e6 += size_e6


@cold
def wanted_e6(item: Record, price_e4: int, left_e6: int) -> int:
    """Shares that what is left of the order buys at a price: a BUY's rest is dollars, a SELL's shares."""
    return affordable_e6(left_e6, price_e4) if item.side == Side.BID else left_e6


@cold
def spent_e6(item: Record, price_e4: int, size_e6: int) -> int:
    return cost_e6(price_e4, size_e6) if item.side == Side.BID else size_e6


@cold
def whole_order_e6(item: Record) -> int:
    """What the order gives at most: dollars of a BUY, shares of a SELL."""
    if item.side == Side.BID:
        return int(item.price_e4) * int(item.size_e6) // PRICE_ONE_E4
    return int(item.size_e6)


@cold
def fills_whole(state: State, sim: Sim, item: Record) -> bool:
    """Whether a FOK order finds everything it wants within its limit."""
    market = state.markets[item.market]
    asks = takes_asks(int(item.token), int(item.side))
    left_e6 = whole_order_e6(item)
    index = first_level(state, market, asks)
    price_e4 = own_price_e4(market, int(item.token), index)
    while within(int(item.side), price_e4, int(item.price_e4)):
        there_e6 = available_e6(state, sim, int(item.lane), int(item.market), asks, index)
        if there_e6 >= wanted_e6(item, price_e4, left_e6):
            return True
        left_e6 -= spent_e6(item, price_e4, there_e6)
        index = next_level(state, market, asks, index)
        price_e4 = own_price_e4(market, int(item.token), index)
    return False


@cold
def kills_unfilled(state: State, sim: Sim, item: Record) -> bool:
    return item.order_type == OrderType.FOK and not fills_whole(state, sim, item)
