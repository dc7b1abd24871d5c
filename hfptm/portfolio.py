"""What an account is left with when a run ends: taken from a kernel, and given to the next.

Cash is not told: it is the bankroll and what was realised, less what the positions cost. So a run
with another bankroll has so much more or less of it.
"""

import msgspec
import numpy as np

from hfptm.kernel.state import State
from hfptm.kernel.wake import SWEEP_NS
from hfptm.registry import Group, Market
from hfptm.sim.state import Sim
from hfptm.slots import Slots


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of one token, as `kernel.layouts.POSITION` has them."""

    market: int
    """Lake id."""
    token: int
    size_e6: int
    cost_e6: int
    """Fees included."""
    locked_size_e6: int
    locked_cost_e6: int
    alone_since_ns: int


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    realised_e6: int = 0
    """Since the account began."""
    result_e6: int = 0
    """The same, and what was held marked, when last looked at."""
    positions: list[Position] = []
    promised_e6: dict[int, int] = {}
    """What locked baskets pay at least, by group."""
    markets: list[Market] = []
    """Of all positions."""
    groups: list[Group] = []


def portfolio_of(state: State, slots: Slots) -> Portfolio:
    """Of the first lane. No order is out: what is promised to one is not told."""
    held = state.positions[0]
    places = np.argwhere((held["size_e6"] != 0) | (held["cost_e6"] != 0)).tolist()
    ids = dict.fromkeys(int(slots.market_ids[slot]) for slot, _ in places)
    markets = [slots.markets[market] for market in ids]
    promised = state.locked_payouts[0]
    groups = dict.fromkeys(market.group for market in markets if market.group in slots.groups)
    return Portfolio(
        realised_e6=int(state.lanes[0]["realised_e6"]),
        result_e6=int(state.risk[0]["result_e6"]),
        positions=[
            Position(
                market=int(slots.market_ids[slot]),
                token=token,
                **{name: int(held[slot, token][name]) for name in held.dtype.names or ()},
            )
            for slot, token in places
        ],
        promised_e6={
            int(slots.group_ids[slot]): int(promised[slot])
            for slot in np.flatnonzero(promised).tolist()
        },
        markets=markets,
        groups=[slots.groups[group] for group in groups],
    )


def fund(state: State, sim: Sim, portfolio: Portfolio) -> None:
    """The cash and the result of a new kernel, before its first row."""
    account = state.lanes[0]
    account["realised_e6"] = portfolio.realised_e6
    account["cash_e6"] += portfolio.realised_e6 - sum(p.cost_e6 for p in portfolio.positions)
    state.risk[0]["result_e6"] = portfolio.result_e6
    sim.purses["cash_e6"] = account["cash_e6"]


def seat(state: State, sim: Sim, slots: Slots, portfolio: Portfolio, now_ns: int) -> None:
    """The positions, in the slots of their markets; what is alone is looked at in a while."""
    slot_of = {int(market): slot for slot, market in enumerate(slots.market_ids) if market}
    account = state.lanes[0]
    for position in portfolio.positions:
        slot, token = slot_of[position.market], position.token
        held = state.positions[0, slot, token]
        for name in held.dtype.names or ():
            held[name] = getattr(position, name)
        sim.holdings[0, slot, token]["settled_e6"] = position.size_e6
        account["locked_e6"] += position.locked_cost_e6
        if not state.held_places[0, slot]:
            state.held[0, account["held"]] = slot
            state.loose["market"][0, account["loose"]] = slot
            account["held"] += 1
            account["loose"] += 1
            state.held_places[0, slot] = account["held"]
            state.loose_places[0, slot] = account["loose"]
        alone, side = state.loose[0, state.loose_places[0, slot] - 1], ("yes", "no")[token]
        alone[f"{side}_e6"] = position.size_e6 - position.locked_size_e6
        alone[f"{side}_cost_e6"] = position.cost_e6 - position.locked_cost_e6
    group_slot_of = {int(group): slot for slot, group in enumerate(slots.group_ids) if group}
    for group, promised_e6 in portfolio.promised_e6.items():
        if group in group_slot_of:  # an event may have been taken apart meanwhile
            state.locked_payouts[0, group_slot_of[group]] = promised_e6
            account["locked_payout_e6"] += promised_e6
    if portfolio.positions:
        account["sweep_ns"] = now_ns + SWEEP_NS
        state.wakes[0] = min(int(state.wakes[0]), now_ns + SWEEP_NS)
        state.counters["wake_ns"] = state.wakes[0]
