"""The score of an opportunity: one number, 0 to 10, for edge, liquidity, size and profit.

A measure of what is worth the attention, not of what is true: see docs/strategy.md.
"""

from hfptm.kernel.jit import cold
from hfptm.kernel.state import DISPLAYED, EXPECTED, State
from hfptm.units import ONE_E6, PRICE_ONE_E4

POINTS_MAX_E4 = 10 * PRICE_ONE_E4
FULL_EDGE_E4 = PRICE_ONE_E4 // 10
"""Net profit over outlay that is worth 10 points, and so below."""
FULL_LIQUIDITY_E6 = 1_000 * ONE_E6
FULL_SIZE_E6 = 500 * ONE_E6
FULL_PROFIT_E6 = 50 * ONE_E6


@cold
def points_e4(value: int, full: int) -> int:
    """0 to 10 points in proportion, rounded down; all of them from `full` on."""
    return min(max(value, 0), full) * POINTS_MAX_E4 // full


@cold
def quality_e4(state: State, lane: int) -> int:
    """Of the size in `EXPECTED`, offered as `DISPLAYED` says; 0 if there is none."""
    expected, weights_e4 = state.basket[EXPECTED], state.params[lane].quality_weights_e4
    if expected.sets_e6 == 0:
        return 0
    edge_e6, outlay_e6 = int(expected.edge_e6), int(expected.outlay_e6)
    score_e8 = int(weights_e4[0]) * points_e4(edge_e6 * PRICE_ONE_E4 // outlay_e6, FULL_EDGE_E4)
    thinnest_e6 = int(state.basket[DISPLAYED].sets_e6)
    score_e8 += int(weights_e4[1]) * points_e4(thinnest_e6, FULL_LIQUIDITY_E6)
    score_e8 += int(weights_e4[2]) * points_e4(outlay_e6, FULL_SIZE_E6)
    score_e8 += int(weights_e4[3]) * points_e4(edge_e6, FULL_PROFIT_E6)
    return score_e8 // PRICE_ONE_E4
