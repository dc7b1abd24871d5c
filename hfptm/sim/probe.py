"""Was it still there? Every displayed opportunity is measured again when its orders would arrive.

For each leg: how many shares were within the limit price at arrival, what they cost, and whether a
trade printed between the leg's best and limit price. Prints are not read by their side: the feed's
direction is right only 59% of the time (reference, section 1.3). Nothing is taken from the book,
and the strategy never learns the answer.
"""

from hfptm.kernel.cash import cost_e6, portion_e6
from hfptm.kernel.detector import BINARY, payout_per_set_e12
from hfptm.kernel.fees import E12, market_fee_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import Side, Token
from hfptm.sim.arrivals import next_of
from hfptm.sim.latency import arrival_ns, draw, taker_delay_ns
from hfptm.sim.layouts import PROBES_MAX
from hfptm.sim.match import first_level, is_seen, next_level, own_price_e4, within
from hfptm.sim.queue import new_item
from hfptm.sim.state import NOBODY, Sim, Waiting
from hfptm.sim.taken import displayed_e6, takes_asks
from hfptm.units import PRICE_ONE_E4

DEPTH, PRINT = Waiting.DEPTH.value, Waiting.PRINT.value


@cold
def free_probe(sim: Sim) -> int:
    """A free place; `run.has_room` made sure that there is one."""
    clock = sim.clock[0]
    clock.probes += 1
    place = int(clock.free_probe)
    if place == NOBODY:
        place = int(clock.probes_used)
        clock.probes_used += 1
    else:
        clock.free_probe = sim.probes[place].next
    return place


@cold
def free(sim: Sim, place: int) -> None:
    probe, clock = sim.probes[place], sim.clock[0]
    sim.purses[probe.lane].probes -= 1
    clock.probes -= 1
    probe.next = clock.free_probe
    clock.free_probe = place


@cold
def open_probe(state: State, sim: Sim, intent: Record) -> int:
    """Start measuring an OBSERVE intent's decision; NOBODY, counted, if too many are under way."""
    purse = sim.purses[intent.lane]
    if purse.probes == PROBES_MAX:
        sim.clock[0].probes_dropped += 1
        return NOBODY
    purse.probes += 1
    place = free_probe(sim)
    probe = sim.probes[place]
    probe.decision = intent.order
    probe.sets_e6 = intent.size_e6
    probe.lane = intent.lane
    probe.kind = intent.basket
    probe.legs = 0
    probe.open_items = 0
    probe.printed = probe.unseen = 0
    probe.market = intent.market
    if intent.basket != BINARY:
        probe.market = state.markets[intent.market].group
    return place


@cold
def add_leg(state: State, sim: Sim, place: int, intent: Record) -> None:
    """Watch one leg: its depth at arrival, and prints from the book's last change until the window
    after arrival ends."""
    probe = sim.probes[place]
    leg = int(probe.legs)
    probe.legs += 1
    probe.open_items += 2
    sim.probe_legs[place, leg].size_e6 = 0
    sim.probe_legs[place, leg].cost_e6 = 0
    arrives_ns = arrival_ns(draw(sim, intent), int(intent.ts_ns))
    market = state.markets[intent.market]
    arrives_ns += taker_delay_ns(sim, market, int(intent.lane), arrives_ns)
    depth = watch(sim, place, intent, arrives_ns)
    depth.kind, depth.leg = DEPTH, leg
    trades = watch(sim, place, intent, arrives_ns + int(sim.windows[intent.lane].print_window_ns))
    trades.kind, trades.leg = PRINT, leg
    trades.since_ns = market.batch_ts_ns
    if intent.token == Token.YES:
        trades.low_e4, trades.high_e4 = market.best_ask_e4, intent.price_e4
    else:
        trades.low_e4, trades.high_e4 = PRICE_ONE_E4 - int(intent.price_e4), market.best_bid_e4


@cold
def watch(sim: Sim, place: int, intent: Record, until_ns: int) -> Record:
    item = new_item(sim, int(intent.market), int(intent.lane), until_ns)
    item.order = place
    item.side = Side.BID
    item.token = intent.token
    item.size_e6 = intent.size_e6
    item.price_e4 = intent.price_e4
    return item


@cold
def note_print(sim: Sim, row: Record) -> None:
    """A trade: does it corroborate a leg that is being watched in this market?"""
    place = int(sim.head[row.market])
    while place != NOBODY:
        item = sim.items[place]
        seen = item.kind == PRINT and row.ts_venue_ns >= item.since_ns
        if seen and item.low_e4 <= row.price_e4 <= item.high_e4:
            sim.probes[item.order].printed = 1
        place = next_of(sim, place)


@cold
def note_depth(state: State, sim: Sim, item: Record) -> None:
    """Measure a leg's book as it stands, which is as it was at arrival."""
    market = state.markets[item.market]
    if not market.open or not is_seen(market):
        sim.probes[item.order].unseen = 1
        return
    params = state.params[item.lane]
    leg = sim.probe_legs[item.order, item.leg]
    index = first_level(state, item)
    price_e4 = own_price_e4(state, item, index)
    left_e6 = int(item.size_e6)
    while left_e6 > 0 and within(item, price_e4):
        size_e6 = min(left_e6, displayed_e6(state, market, takes_asks(item), index))
        leg.size_e6 += size_e6
        leg.cost_e6 += cost_e6(price_e4, size_e6) + market_fee_e6(params, market, price_e4, size_e6)
        left_e6 -= size_e6
        index = next_level(state, item, index)
        price_e4 = own_price_e4(state, item, index)


@cold
def close_item(state: State, sim: Sim, place: int, known_ns: int) -> None:
    """One watch of a probe is over; after the last, write its outcome."""
    probe = sim.probes[place]
    probe.open_items -= 1
    if probe.open_items == 0:
        write_outcome(state, sim, place, known_ns)
        free(sim, place)


@cold
def write_outcome(state: State, sim: Sim, place: int, known_ns: int) -> None:
    """Sets still there, and their profit: each leg at its average price, so a lower bound."""
    probe = sim.probes[place]
    sets_e6 = int(probe.sets_e6)
    for leg in range(probe.legs):
        sets_e6 = min(sets_e6, int(sim.probe_legs[place, leg].size_e6))
    cost = 0
    for leg in range(probe.legs):
        there = sim.probe_legs[place, leg]
        cost += portion_e6(int(there.cost_e6), sets_e6, int(there.size_e6)) + 1
    payout_e12 = payout_per_set_e12(state.params[probe.lane], int(probe.kind), int(probe.legs))
    edge_e6 = portion_e6(payout_e12, sets_e6, E12) - cost
    outcome = sim.outcomes[sim.clock[0].outcomes]
    sim.clock[0].outcomes += 1
    outcome.ts_ns = known_ns
    outcome.decision = probe.decision
    outcome.market = probe.market
    outcome.size_e6 = sets_e6
    outcome.edge_e6 = edge_e6 if sets_e6 > 0 else 0
    outcome.lane = probe.lane
    outcome.kind = probe.kind
    outcome.arrived = 1 if sets_e6 > 0 and edge_e6 > 0 and not probe.unseen else 0
    outcome.printed = probe.printed
    outcome.unseen = probe.unseen
