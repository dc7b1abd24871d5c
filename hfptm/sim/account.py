"""What each lane's account at the exchange can give, told from what the venue itself did.

It is kept beside the kernel's own books and never read by it: an order that the kernel should not
have sent is refused here, as at the exchange. Cash counts as soon as a trade is matched; shares can
be sold, merged or converted once the trade that brought them is final, and what an open order may
give is promised to it.
"""

from hfptm.kernel.cash import cost_e6, fill_cash_e6, proceeds_e6
from hfptm.kernel.fees import dearest_fee_e6, market_fee_e6, payout_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.plans import lane_of
from hfptm.kernel.state import State
from hfptm.records import EventFlag, EventKind, IntentKind, MarketState, Side, Token
from hfptm.sim.state import Sim
from hfptm.units import ONE_E6, PRICE_ONE_E4

NO, YES = Token.NO.value, Token.YES.value


@cold
def is_covered(state: State, sim: Sim, item: Record) -> bool:
    """Whether the account can give what an order may take from it, the dearest fee included."""
    if item.side == Side.ASK:
        held = sim.holdings[item.lane, item.market, item.token]
        return bool(free_e6(held) >= item.size_e6)
    params, market = state.params[item.lane], state.markets[item.market]
    fee_e6 = dearest_fee_e6(params, market, int(item.price_e4)) * int(item.size_e6) // ONE_E6
    purse = sim.purses[item.lane]
    most_e6 = cost_e6(int(item.price_e4), int(item.size_e6)) + fee_e6
    return bool(purse.cash_e6 - purse.reserved_e6 >= most_e6)


@cold
def promise(sim: Sim, item: Record, before_e6: int, after_e6: int) -> None:
    """An open order that could give so many shares' worth at its price can now give so many."""
    if item.side == Side.ASK:
        held = sim.holdings[item.lane, item.market, item.token]
        held.on_sale_e6 += after_e6 - before_e6
    else:
        price_e4 = int(item.price_e4)
        change_e6 = cost_e6(price_e4, after_e6) - cost_e6(price_e4, before_e6)
        sim.purses[item.lane].reserved_e6 += change_e6


@cold
def exchange(state: State, sim: Sim, item: Record, row: Record) -> None:
    """A FILL: cash and what was sold change hands; what was bought waits if trades settle."""
    lane, size_e6 = int(item.lane), int(row.size_e6)
    cash_e6 = cash_of(state, lane, row)
    sim.purses[lane].cash_e6 += cash_e6
    if item.side == Side.ASK:
        sim.holdings[lane, item.market, item.token].settled_e6 -= size_e6
    elif not state.params[lane].fills_settle:
        give(state, sim, lane, int(item.market), int(item.token), size_e6)


@cold
def cash_of(state: State, lane: int, row: Record) -> int:
    """What a FILL brings, or, negative, costs."""
    price_e4, size_e6 = int(row.price_e4), int(row.size_e6)
    fee_e6 = market_fee_e6(state.params[lane], state.markets[row.market], price_e4, size_e6)
    is_buy, is_maker = row.side == Side.BID, row.flags & EventFlag.MAKER != 0
    gross_e6 = fill_cash_e6(price_e4, size_e6, is_buy, is_maker)
    if is_maker:
        fee_e6 = 0
    return -gross_e6 - fee_e6 if is_buy else gross_e6 - fee_e6


@cold
def settle(state: State, sim: Sim, row: Record, token: int) -> None:
    """A trade became final, or was taken back with the cash that it moved.

    An order id of no lane was sent by somebody else than the kernel, who looks after himself.
    """
    lane, slot, size_e6 = lane_of(int(row.aux)), int(row.market), int(row.size_e6)
    is_final = row.kind == EventKind.FILL_CONFIRMED
    if not (is_final or row.kind == EventKind.FILL_FAILED) or lane >= len(sim.purses):
        return
    is_bought = row.side == Side.BID
    if not is_final:
        sim.purses[lane].cash_e6 -= cash_of(state, lane, row)
        is_bought = not is_bought
    if is_bought:
        give(state, sim, lane, slot, token, size_e6)


@cold
def give(state: State, sim: Sim, lane: int, slot: int, token: int, size_e6: int) -> None:
    """Shares arrive; those of a resolved market as what they pay."""
    payout_yes_e4 = int(state.markets[slot].payout_e4)
    if payout_yes_e4 < 0:
        sim.holdings[lane, slot, token].settled_e6 += size_e6
        return
    share_e4 = payout_yes_e4 if token == YES else PRICE_ONE_E4 - payout_yes_e4
    sim.purses[lane].cash_e6 += payout_e6(state.params[lane], proceeds_e6(share_e4, size_e6))


@cold
def redeem(state: State, sim: Sim, row: Record) -> None:
    """A market's STATE was applied: if that resolved it, its shares are paid."""
    if row.aux != MarketState.RESOLVED:
        return
    for lane in range(len(sim.purses)):
        for token in range(2):
            held = sim.holdings[lane, row.market, token]
            size_e6 = int(held.settled_e6)
            held.settled_e6 = 0
            give(state, sim, lane, int(row.market), token, size_e6)


@cold
def turn(state: State, sim: Sim, intent: Record) -> bool:
    """Merge or convert what an intent names; False, and nothing done, if it is not all there."""
    lane, size_e6 = int(intent.lane), int(intent.size_e6)
    if intent.kind == IntentKind.MERGE:
        pair = sim.holdings[lane, intent.market]
        if min(free_e6(pair[YES]), free_e6(pair[NO])) < size_e6:
            return False
        pair[YES].settled_e6 -= size_e6
        pair[NO].settled_e6 -= size_e6
        sim.purses[lane].cash_e6 += payout_e6(state.params[lane], size_e6)
        return True
    legs = state.legs[lane, intent.plan % state.plans.shape[1]]
    count = int(state.plans[lane, intent.plan % state.plans.shape[1]].legs)
    for position in range(count):
        if free_e6(sim.holdings[lane, legs[position].market, NO]) < size_e6:
            return False
    for position in range(count):
        sim.holdings[lane, legs[position].market, NO].settled_e6 -= size_e6
    for member in range(state.groups[intent.market].members):
        slot, is_left_out = int(state.members[intent.market, member]), True
        for position in range(count):
            is_left_out = is_left_out and legs[position].market != slot
        if is_left_out:
            give(state, sim, lane, slot, YES, size_e6)
    sim.purses[lane].cash_e6 += payout_e6(state.params[lane], (count - 1) * size_e6)
    return True


@cold
def free_e6(held: Record) -> int:
    return int(held.settled_e6 - held.on_sale_e6)
