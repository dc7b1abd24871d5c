"""Matching an order that arrives against a book as the exchange does (reference, sections 3.4, 7).

One book serves both tokens: BUY YES and SELL NO take asks, BUY NO and SELL YES take bids. Liquidity
that a lane took stays taken until the venue's book shows another size at that level.
"""

from hfptm.kernel.book import book_artefact, next_ask, next_bid
from hfptm.kernel.cash import affordable_e6, proceeds_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State, rows_reserve
from hfptm.records import EventFlag, EventKind, OrderType, RejectReason, Side, Token
from hfptm.sim import account
from hfptm.sim.queue import OF_NO, reject, report
from hfptm.sim.state import Sim, Waiting
from hfptm.sim.taken import available_e6, take_level, takes_asks
from hfptm.units import PRICE_ONE_E4

REPORTS_MAX = 3
"""Of one order at once, its fills on arrival apart: that it is delayed, that nobody knows, that it
is over; or, in the book, a fill, what becomes of that, and that it is over."""

FILLS_MAX = 128
"""Levels that one order walks at most; what lies beyond is not filled."""


@cold
def first_level(state: State, item: Record) -> int:
    market = state.markets[item.market]
    best_e4 = market.best_ask_e4 if takes_asks(item) else market.best_bid_e4
    return int(best_e4) // int(market.tick_e4)


@cold
def next_level(state: State, item: Record, index: int) -> int:
    market = state.markets[item.market]
    if takes_asks(item):
        return next_ask(state, market, index + 1)
    return next_bid(state, market, index - 1)


@cold
def own_price_e4(state: State, item: Record, index: int) -> int:
    """Price of a level in the item's token's own terms; 0 or 1 dollar where a side ended."""
    price_e4 = index * int(state.markets[item.market].tick_e4)
    return price_e4 if item.token == Token.YES else PRICE_ONE_E4 - price_e4


@cold
def within(item: Record, price_e4: int) -> bool:
    if price_e4 <= 0 or price_e4 >= PRICE_ONE_E4:
        return False
    if item.side == Side.BID:
        return bool(price_e4 <= item.price_e4)
    return bool(price_e4 >= item.price_e4)


@cold
def is_seen(market: Record) -> bool:
    """Whether the book, as it stands, can be claimed to be the exchange's."""
    return bool(market.valid and book_artefact(market) == 0)


@cold
def may_rest(item: Record) -> bool:
    return bool(item.order_type == OrderType.GTC or item.order_type == OrderType.POST_ONLY)


@cold
def spends(item: Record) -> bool:
    """Whether it wants to spend dollars, and not a number of shares."""
    return bool(item.side == Side.BID and not may_rest(item))


@cold
def wanted_e6(item: Record, price_e4: int, left_e6: int) -> int:
    """Shares at a price that the rest of an order stands for, in dollars if it spends those."""
    return affordable_e6(left_e6, price_e4) if spends(item) else left_e6


@cold
def spent_e6(item: Record, price_e4: int, size_e6: int) -> int:
    """Of the rest of an order: a taker's dollars, which round in its favour, or its shares."""
    return proceeds_e6(price_e4, size_e6) if spends(item) else size_e6


@cold
def whole_order_e6(item: Record) -> int:
    """What the order is about: dollars if it spends those, else shares."""
    if spends(item):
        return int(item.price_e4) * int(item.size_e6) // PRICE_ONE_E4
    return int(item.size_e6)


@cold
def fills_whole(state: State, sim: Sim, item: Record) -> bool:
    """Whether a FOK order finds everything it wants within its limit."""
    left_e6 = whole_order_e6(item)
    index = first_level(state, item)
    for _ in range(FILLS_MAX):
        price_e4 = own_price_e4(state, item, index)
        if not within(item, price_e4):
            return False
        there_e6 = available_e6(state, sim, item, index)
        if there_e6 >= wanted_e6(item, price_e4, left_e6):
            return True
        left_e6 -= spent_e6(item, price_e4, there_e6)
        index = next_level(state, item, index)
    return False


@cold
def trade(state: State, sim: Sim, item: Record, due_ns: int, price_e4: int, size_e6: int) -> None:
    """Report a fill at `matched_ns`, and how its trade on the chain ends.

    The trade is one transaction, so all that an order fills at once settles, or fails, together.
    """
    flags = EventFlag.MAKER.value if item.kind == Waiting.RESTING else 0
    row = report(sim, item, EventKind.FILL.value, due_ns, size_e6)
    row.price_e4, row.side, row.flags = price_e4, item.side, flags
    account.exchange(state, sim, item, row)
    if not state.params[item.lane].fills_settle:
        return
    kind = EventKind.FILL_FAILED.value if item.fails else EventKind.FILL_CONFIRMED.value
    known_ns = int(item.matched_ns) + int(item.response_ns)
    settled_ns = known_ns + int(sim.windows[item.lane].settlement_ns)
    row = report(sim, item, kind, max(due_ns, settled_ns), size_e6)
    row.price_e4, row.side = price_e4, item.side
    row.flags = flags | (OF_NO if item.token == Token.NO else 0)


@cold
def fill(state: State, sim: Sim, item: Record, due_ns: int) -> int:
    """Walk the book within the limit, a FILL a level; the shares filled."""
    left_e6, total_e6 = whole_order_e6(item), 0
    item.matched_ns = item.arrival_ns
    index = first_level(state, item)
    for _ in range(FILLS_MAX):
        price_e4 = own_price_e4(state, item, index)
        if not within(item, price_e4):
            break
        there_e6 = available_e6(state, sim, item, index)
        rest_e6 = wanted_e6(item, price_e4, left_e6)
        size_e6 = min(there_e6, rest_e6)
        if size_e6 > 0:
            take_level(state, sim, item, index, size_e6)
            trade(state, sim, item, due_ns, price_e4, size_e6)
            total_e6 += size_e6
            left_e6 -= spent_e6(item, price_e4, size_e6)
        if there_e6 >= rest_e6:
            break
        index = next_level(state, item, index)
    return total_e6


@cold
def is_marketable(state: State, item: Record) -> bool:
    """Whether an order would match at all, were nothing taken."""
    return within(item, own_price_e4(state, item, first_level(state, item)))


@cold
def may_fill(state: State, sim: Sim, item: Record) -> bool:
    """Whether its fills leave room for all other reports, and a FOK order finds everything."""
    clock = sim.clock[0]
    reserve = 2 * rows_reserve(len(state.lanes)) + 2 * FILLS_MAX
    if clock.reports + REPORTS_MAX * clock.items + reserve > len(sim.reports):
        return False
    return bool(item.order_type != OrderType.FOK or fills_whole(state, sim, item))


@cold
def is_refused(state: State, sim: Sim, item: Record) -> bool:
    """Whether an order breaks a rule: its account cannot give what it may take, or, of one that may
    rest, it is too small, or is not to match at all and would."""
    if not account.is_covered(state, sim, item):
        return True
    if not may_rest(item):
        return False
    is_small = item.size_e6 < state.markets[item.market].min_size_e6
    return bool(is_small or (item.order_type == OrderType.POST_ONLY and is_marketable(state, item)))


@cold
def execute(state: State, sim: Sim, item: Record, due_ns: int) -> int:
    """Match an order that has arrived; its reports are queued for `due_ns`.

    Returns the shares that are to rest in the book: then only its fills are reported.
    """
    market = state.markets[item.market]
    reason = RejectReason.NO_MATCH.value
    if not market.open:
        reason = RejectReason.MARKET_CLOSED.value
    elif not is_seen(market):
        sim.clock[0].no_book += 1
        reason = RejectReason.NO_BOOK.value
    elif is_refused(state, sim, item):
        reason = RejectReason.REFUSED.value
    elif may_fill(state, sim, item):
        total_e6 = fill(state, sim, item, due_ns)
        left_e6 = max(0, int(item.size_e6) - total_e6)
        if may_rest(item) and left_e6 > 0:
            return left_e6
        if total_e6 > 0:
            report(sim, item, EventKind.DONE.value, due_ns, left_e6)
            return 0
    reject(sim, item, due_ns, reason)
    return 0
