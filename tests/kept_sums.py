"""What the kernel keeps so as not to count it anew, counted anew."""

import numpy as np

from hfptm.kernel.jit import Array
from hfptm.kernel.plans import Stage
from hfptm.kernel.state import State
from hfptm.units import PRICE_ONE_E4


def check_kept(state: State, lane: int) -> None:
    """The plans under way, the markets that are not wholly locked, and what these are worth."""
    account, plans = state.lanes[lane], state.plans[lane]
    is_running = plans["stage"] != Stage.FREE
    assert np.array_equal(state.running[lane] != 0, is_running)
    assert account["running"] == is_running.sum()
    assert account["merging"] == plans["merging"][is_running].sum()
    loose = state.loose[lane, : account["loose"]]
    assert account["marked_e6"] == loose["mark_e6"].sum()
    slots, positions = loose["market"], state.positions[lane]
    places = np.zeros(len(positions), np.int64)
    places[slots] = np.arange(len(slots)) + 1
    assert np.array_equal(state.loose_places[lane], places)
    alone_e6 = positions["size_e6"] - positions["locked_size_e6"]
    costs_e6 = positions["cost_e6"] - positions["locked_cost_e6"]
    assert not alone_e6[places == 0].any()
    for token, side in enumerate(("yes", "no")):
        assert np.array_equal(loose[f"{side}_e6"], alone_e6[slots, token])
        assert np.array_equal(loose[f"{side}_cost_e6"], costs_e6[slots, token])
    if state.risk[lane]["marked_ns"] != 0:
        assert np.all((loose["yes_e6"] != 0) | (loose["no_e6"] != 0))
    if state.moves_marked[lane] == state.counters[0]["best_moves"]:
        marks_e6 = [mark_e6(state, slot, alone_e6[slot], costs_e6[slot]) for slot in slots]
        assert loose["mark_e6"].tolist() == marks_e6


def mark_e6(state: State, slot: int, alone_e6: Array, costs_e6: Array) -> int:
    """What the shares of both tokens would bring at the market's best bids beyond their cost."""
    market = state.markets[slot]
    yes_e4, no_e4 = int(market["best_bid_e4"]), PRICE_ONE_E4 - int(market["best_ask_e4"])
    if market["payout_e4"] >= 0:
        yes_e4 = int(market["payout_e4"])
        no_e4 = PRICE_ONE_E4 - yes_e4
    elif not market["valid"]:
        return 0
    gains_e6 = [
        price_e4 * int(size_e6) // PRICE_ONE_E4 - int(cost_e6)
        for price_e4, size_e6, cost_e6 in zip((yes_e4, no_e4), alone_e6, costs_e6, strict=True)
        if size_e6 > 0
    ]
    return sum(gains_e6)
