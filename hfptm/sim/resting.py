"""Orders in the book: their place in the queue, and who fills them.

The recording knows nothing of our orders, so what would have met them is told by two things. A
*print* at an order's price serves those ahead of it first; one beyond its price would have come to
it. And what the book comes to *show* on the other side within an order's price would have met it on
arrival. Prints are not read by their side, which is right only 59% of the time (reference, 1.3),
but by the book: one at the best price of the other side, or beyond that, took from there, if that
stood there before.

One trade is often seen twice, as a print and as the fall of its level (or of the level that crossed
an order), in either order. Within `ONE_TRADE_NS` of exchange time a print and a fall explain each
other as far as they agree in size, and count once. A fall without a print is orders that left: all
from behind ours as far as there may be any (risk-averse), or from ahead of it in proportion to what
stands there (probabilistic), which is Rigtorp's estimate ("Estimating order queue position", 2013)
and hftbacktest's power model with exponent 1.

Others' trades are never undone by ours, and orders of several lanes do not see each other; those of
one lane serve one print in the order of price and time.
"""

from hfptm.kernel.book import grid_index
from hfptm.kernel.cash import portion_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import EventFlag, EventKind, Token
from hfptm.sim.account import promise
from hfptm.sim.latency import drawn, passed, report_ns
from hfptm.sim.match import (
    FILLS_MAX,
    first_level,
    is_seen,
    next_level,
    own_price_e4,
    trade,
    within,
)
from hfptm.sim.queue import leave, remove, report, set_watch
from hfptm.sim.state import NOBODY, QueueModel, Sim, Waiting
from hfptm.sim.taken import displayed_e6, takes_asks
from hfptm.units import FAR_NS, NS_PER_S, PRICE_ONE_E4

ONE_TRADE_NS = NS_PER_S


@cold
def yes_price_e4(item: Record) -> int:
    price_e4 = int(item.price_e4)
    return price_e4 if item.token == Token.YES else PRICE_ONE_E4 - price_e4


@cold
def goes_before(first: Record, second: Record) -> bool:
    """Order of a market's list: by lane and side, so that one print is dealt out in one pass; then
    by price and time, as the exchange serves."""
    if first.lane != second.lane:
        return bool(first.lane < second.lane)
    if takes_asks(first) != takes_asks(second):
        return takes_asks(first)
    better_e4 = yes_price_e4(first) - yes_price_e4(second)
    return better_e4 > 0 if takes_asks(first) else better_e4 < 0


@cold
def enter(sim: Sim, place: int) -> None:
    """Move an item from its market's waiting list to its place among those that rest."""
    item = sim.items[place]
    slot = int(item.market)
    leave(sim, place)
    before, after = NOBODY, int(sim.rest_head[slot])
    while after != NOBODY and not goes_before(item, sim.items[after]):
        before, after = after, int(sim.items[after].next)
    item.next = after
    if before == NOBODY:
        sim.rest_head[slot] = place
    else:
        sim.items[before].next = place


@cold
def begin(state: State, sim: Sim, place: int, due_ns: int, open_e6: int) -> None:
    """Put what is left of an order that has arrived into the book, behind all that is shown."""
    item, rest = sim.items[place], sim.rests[place]
    rest.rested_ns = item.arrival_ns
    rest.open_e6 = open_e6
    rest.shown_e6 = rest.ahead_e6 = shown_e6(state, item)
    rest.fallen_e6 = rest.moved_e6 = rest.printed_e6 = rest.lifted_e6 = 0
    rest.crossing_e6 = crossing_e6(state, item)  # had its turn: it was matched, or we took it
    rest.crossing_ns = item.arrival_ns
    promise(sim, item, 0, open_e6)
    enter(sim, place)
    item.kind = Waiting.RESTING
    item.arrival_ns = FAR_NS
    set_watch(sim, int(item.market))
    report(sim, item, EventKind.ACK.value, due_ns, open_e6)


@cold
def shown_e6(state: State, item: Record) -> int:
    """What the book shows at an order's price, on its own side."""
    market = state.markets[item.market]
    index = grid_index(market, yes_price_e4(item))
    return displayed_e6(state, market, not takes_asks(item), index) if index >= 0 else 0


@cold
def crossing_e6(state: State, item: Record) -> int:
    """What the book shows on the other side within an order's price."""
    total_e6, index = 0, first_level(state, item)
    for _ in range(FILLS_MAX):
        if not within(item, own_price_e4(state, item, index)):
            break
        total_e6 += displayed_e6(state, state.markets[item.market], takes_asks(item), index)
        index = next_level(state, item, index)
    return total_e6


@cold
def meet(state: State, sim: Sim, row: Record) -> None:
    """A row was applied to a market in which orders rest."""
    market = state.markets[row.market]
    ends_frame = row.flags & EventFlag.LAST_IN_BATCH and is_seen(market)
    lane, is_bid, used_e6 = NOBODY, False, 0
    place = int(sim.rest_head[row.market])
    while place != NOBODY:
        item, after = sim.items[place], int(sim.items[place].next)
        if item.lane != lane or takes_asks(item) != is_bid:
            lane, is_bid, used_e6 = int(item.lane), takes_asks(item), 0
        met_e6 = 0
        if not market.open:
            end(sim, place, int(row.ts_venue_ns), int(row.ts_recv_ns))
        elif row.kind == EventKind.TRADE:
            met_e6 = note_print(state, sim, place, row, used_e6)
        elif ends_frame:
            note_fall(state, sim, place, int(row.ts_venue_ns))
            met_e6 = note_cross(state, sim, place, int(row.ts_venue_ns), used_e6)
        if met_e6 > 0:
            used_e6 += hit(state, sim, place, row, met_e6)
        place = after


@cold
def beyond_e4(item: Record, price_e4: int) -> int:
    """How far a YES price is on the other side of an order's, where it would be met."""
    distance_e4 = yes_price_e4(item) - price_e4
    return distance_e4 if takes_asks(item) else -distance_e4


@cold
def note_print(state: State, sim: Sim, place: int, row: Record, used_e6: int) -> int:
    """How many shares of a print come to an order; `used_e6` went to better ones of its lane."""
    item, rest, market = sim.items[place], sim.rests[place], state.markets[row.market]
    distance_e4 = beyond_e4(item, int(row.price_e4))
    other_e4 = market.best_ask_e4 if takes_asks(item) else market.best_bid_e4
    took_others = distance_e4 <= beyond_e4(item, int(other_e4))
    took_others = took_others and rest.crossing_ns < row.ts_venue_ns
    if distance_e4 < 0 or took_others or not passed(row.ts_venue_ns, rest.rested_ns):
        return 0
    forget(rest, int(row.ts_venue_ns))
    size_e6 = int(row.size_e6)
    known_e6 = min(size_e6, int(rest.lifted_e6))
    rest.lifted_e6 -= known_e6
    size_e6 -= known_e6
    if distance_e4 == 0:
        size_e6 -= explain_fall(rest, size_e6, int(row.ts_venue_ns))
    else:
        rest.ahead_e6 = 0
    size_e6 = max(0, size_e6 - used_e6)
    served_e6 = min(size_e6, int(rest.ahead_e6))
    rest.ahead_e6 -= served_e6
    return size_e6 - served_e6


@cold
def explain_fall(rest: Record, size_e6: int, ts_venue_ns: int) -> int:
    """Match a print with the falls before it; what of it has already shortened the queue."""
    known_e6 = min(size_e6, int(rest.fallen_e6))
    moved_e6 = portion_e6(int(rest.moved_e6), known_e6, int(rest.fallen_e6))
    rest.fallen_e6 -= known_e6
    rest.moved_e6 -= moved_e6
    if size_e6 > known_e6:
        rest.printed_e6 += size_e6 - known_e6
        rest.printed_ns = ts_venue_ns
    return moved_e6


@cold
def note_fall(state: State, sim: Sim, place: int, ts_venue_ns: int) -> None:
    """A frame ended: where does the size at its price leave an order in the queue?"""
    item, rest = sim.items[place], sim.rests[place]
    now_e6, before_e6 = shown_e6(state, item), int(rest.shown_e6)
    rest.shown_e6 = now_e6
    if now_e6 >= before_e6:
        return
    forget(rest, ts_venue_ns)
    traded_e6 = min(before_e6 - now_e6, int(rest.printed_e6))
    rest.printed_e6 -= traded_e6
    before_e6 -= traded_e6
    moved_e6 = 0
    if sim.windows[item.lane].queue_model == QueueModel.PROBABILISTIC:
        ahead_e6 = min(int(rest.ahead_e6), before_e6)
        moved_e6 = portion_e6(before_e6 - now_e6, ahead_e6, before_e6)
    moved_e6 = max(moved_e6, int(rest.ahead_e6) - now_e6)
    rest.ahead_e6 -= moved_e6
    rest.moved_e6 += moved_e6
    rest.fallen_e6 += before_e6 - now_e6
    rest.fallen_ns = ts_venue_ns


@cold
def note_cross(state: State, sim: Sim, place: int, ts_venue_ns: int, used_e6: int) -> int:
    """A frame ended: how many shares newly shown within its price come to an order."""
    rest = sim.rests[place]
    before_e6 = int(rest.crossing_e6)
    rest.crossing_e6 = crossing_e6(state, sim.items[place])
    if rest.crossing_e6 < before_e6:
        forget(rest, ts_venue_ns)
        rest.lifted_e6 += before_e6 - int(rest.crossing_e6)
        rest.lifted_ns = ts_venue_ns
    elif rest.crossing_e6 > before_e6:
        rest.crossing_ns = ts_venue_ns
    return max(0, int(rest.crossing_e6) - before_e6 - used_e6)


@cold
def forget(rest: Record, ts_venue_ns: int) -> None:
    """What is too long ago explains nothing any more."""
    if ts_venue_ns - rest.fallen_ns > ONE_TRADE_NS:
        rest.fallen_e6 = rest.moved_e6 = 0
    if ts_venue_ns - rest.printed_ns > ONE_TRADE_NS:
        rest.printed_e6 = 0
    if ts_venue_ns - rest.lifted_ns > ONE_TRADE_NS:
        rest.lifted_e6 = 0


@cold
def hit(state: State, sim: Sim, place: int, row: Record, met_e6: int) -> int:
    """Fill an order at its own price, as far as it is open; the shares filled."""
    item, rest = sim.items[place], sim.rests[place]
    size_e6 = min(met_e6, int(rest.open_e6))
    rest.open_e6 -= size_e6
    promise(sim, item, int(rest.open_e6) + size_e6, int(rest.open_e6))
    item.matched_ns = row.ts_venue_ns
    item.fails = drawn(sim, int(item.lane), int(row.ts_venue_ns), int(item.leg)).fails
    due_ns = report_ns(int(item.response_ns), int(row.ts_venue_ns), int(row.ts_recv_ns))
    trade(state, sim, item, due_ns, int(item.price_e4), size_e6)
    if rest.open_e6 == 0:
        end(sim, place, int(row.ts_venue_ns), int(row.ts_recv_ns))
    return size_e6


@cold
def end(sim: Sim, place: int, at_ns: int, shown_ns: int) -> None:
    """An order in the book is over, with what is open of it."""
    item = sim.items[place]
    due_ns = report_ns(int(item.response_ns), at_ns, shown_ns)
    promise(sim, item, int(sim.rests[place].open_e6), 0)
    report(sim, item, EventKind.DONE.value, due_ns, int(sim.rests[place].open_e6))
    remove(sim, place)


@cold
def cancel(sim: Sim, item: Record, shown_ns: int) -> None:
    """A cancel has arrived: nobody answers one of an order that is in no book."""
    place = int(sim.rest_head[item.market])
    while place != NOBODY:
        if sim.items[place].order == item.order:
            resting = sim.items[place]  # its end is told after its fills
            resting.response_ns = max(int(resting.response_ns), int(item.response_ns))
            end(sim, place, int(item.arrival_ns), shown_ns)
            return
        place = int(sim.items[place].next)
