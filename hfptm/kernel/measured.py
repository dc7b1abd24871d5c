"""What one look measures of a basket, kept for the lanes with the same fees and least edge."""

from hfptm.kernel.detector import measure
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import MEASURED_MAX, SETS_MAX_E6, WALKED, State

NOBODY = -1


@cold
def forget(state: State) -> None:
    """Another look begins: books may have changed."""
    state.measured[0].lane = NOBODY


@cold
def measure_once(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """`detector.measure` without a limit, of a basket of so many legs."""
    place = 0
    while place < MEASURED_MAX and state.measured[place].lane != NOBODY:
        if measures_alike(state, lane, int(state.measured[place].lane)):
            return recall(state, place, legs)
        place += 1
    sets_e6 = measure(state, lane, kind, subject, SETS_MAX_E6)
    if place < MEASURED_MAX:
        keep(state, place, lane, legs)
    return sets_e6


@cold
def measures_alike(state: State, lane: int, other: int) -> bool:
    mine, its = state.params[lane], state.params[other]
    return bool(
        mine.min_edge_e4 == its.min_edge_e4
        and mine.window_min_edge_e4 == its.window_min_edge_e4
        and mine.charge_fees == its.charge_fees
        and mine.payout_fee_e4 == its.payout_fee_e4
    )


@cold
def keep(state: State, place: int, lane: int, legs: int) -> None:
    measured, walked = state.measured[place], state.basket[WALKED]
    measured.lane = lane
    measured.sets_e6, measured.outlay_e6 = walked.sets_e6, walked.outlay_e6
    measured.edge_e6 = walked.edge_e6
    for position in range(legs):
        copy_leg(state.walk[position], state.measured_legs[place, position])
    if place + 1 < MEASURED_MAX:
        state.measured[place + 1].lane = NOBODY


@cold
def recall(state: State, place: int, legs: int) -> int:
    measured, walked = state.measured[place], state.basket[WALKED]
    walked.sets_e6, walked.outlay_e6 = measured.sets_e6, measured.outlay_e6
    walked.edge_e6 = measured.edge_e6
    if measured.sets_e6 > 0:
        for position in range(legs):
            copy_leg(state.measured_legs[place, position], state.walk[position])
    return int(measured.sets_e6)


@cold
def copy_leg(source: Record, target: Record) -> None:
    target.left_e6 = source.left_e6
    target.market = source.market
    target.index = source.index
    target.limit_e4 = source.limit_e4
    target.token = source.token
    target.spent_e10 = source.spent_e10
