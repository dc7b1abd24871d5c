"""What each lane has to show for itself: what is held, at what it would bring, and all by event.

A result is profit that was paid out, what complete sets that are held pay beyond their cost, and
shares without partners at the best bids less their cost.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hfptm.engine import Engine
from hfptm.kernel.jit import Array
from hfptm.records import Token
from hfptm.units import PRICE_ONE_E4

Amounts = npt.NDArray[np.int64]


def residue_bid_e6(engine: Engine, positions: Array) -> Amounts:
    """What shares outside complete sets would bring at the best bids now; positions (..., M, 2)."""
    markets = engine.state.markets
    bids_e4 = np.empty((len(markets), 2), np.int64)
    bids_e4[:, Token.YES] = markets["best_bid_e4"]
    bids_e4[:, Token.NO] = PRICE_ONE_E4 - markets["best_ask_e4"].astype(np.int64)
    alone_e6 = positions["size_e6"] - positions["locked_size_e6"]
    value_e6: Amounts = alone_e6 * bids_e4 // PRICE_ONE_E4
    return value_e6


def result_by_event(
    engine: Engine, realised: Mapping[int, Amounts], event_of: Mapping[int, int]
) -> dict[int, Amounts]:
    """The result of each lane, (L,) e6, by event; of a finished engine.

    realised: of `Engine.realised_by_market`. event_of: a market's group, or its own id if it has
    none. They sum to realised + locked profit + residue at the bid - residue at cost.
    """
    state, ids = engine.state, engine.slots.market_ids
    results: dict[int, Amounts] = defaultdict(lambda: np.zeros(len(state.lanes), np.int64))
    for market, realised_e6 in realised.items():
        results[event_of[market]] += realised_e6
    positions = state.positions
    held_e6 = (residue_bid_e6(engine, positions) - positions["cost_e6"]).sum(axis=2)
    for slot in np.flatnonzero(held_e6.any(axis=0)).tolist():
        results[event_of[int(ids[slot])]] += held_e6[:, slot]
    for group in np.flatnonzero(state.locked_payouts.any(axis=0)).tolist():
        results[int(engine.slots.group_ids[group])] += state.locked_payouts[:, group]
    return dict(results)
