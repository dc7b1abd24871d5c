"""Everything the kernel remembers, and nothing else in the project does.

Shapes: M market slots, G group slots, L lanes, P plan slots a lane. Books and registry are shared
by all lanes; what one parameter set owns has a leading lane axis. Nothing grows inside the kernel:
a loop that finds too little room stops before the row; Python enlarges (`with_levels`) or refuses.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from hfptm.kernel.arrays import Arrays, lanes_first, opener
from hfptm.kernel.jit import Array, cold, records
from hfptm.kernel.lane import KINDS, LANE, PARAMS, RISK
from hfptm.kernel.layouts import (
    BASKET,
    COUNTERS,
    EPISODE,
    GROUP,
    LOOSE,
    MARKET,
    MEASURED,
    OUTBOX,
    POSITION,
    WALK,
)
from hfptm.kernel.plans import LEG, LEGS_MAX, PLAN
from hfptm.opportunities import DECISION
from hfptm.records import INTENT
from hfptm.units import FAR_NS, NO_ASK_E4, PRICE_ONE_E4, TICKS_E4

GRID_MAX = 2 * (PRICE_ONE_E4 + 1)
"""Levels of both sides on the finest tick: the most that one market can ask for."""

SETS_MAX_E6 = 10**11
"""A basket is measured up to 100,000 sets: beyond, cash per set (LEGS_MAX legs, e12) times sets
would leave 64 bits."""

WALKED, DISPLAYED, EXPECTED, TRIED = 0, 1, 2, 3
"""Rows of `State.basket`: the last walk, the one without limits that a decision reports, what the
size to be sent is expected to bring, and one that is being tried."""

MEASURED_MAX = 32
"""Measurements of one look that are kept."""

MEMBERS_MAX = 256
INT64 = np.dtype(np.int64)
INT32 = np.dtype(np.int32)
UINT8 = np.dtype(np.uint8)


class Capacity(NamedTuple):
    """How much of everything there is room for."""

    markets: int
    groups: int
    lanes: int = 1
    plans: int = 64
    levels: int = 4 * GRID_MAX


class State(Arrays):
    """The kernel's arrays; see `kernel.layouts`, `kernel.lane`, `kernel.plans`."""

    FIELDS: ClassVar[dict[str, tuple[np.dtype[Any], int]]] = {
        "counters": (COUNTERS, 1),  # (1,)
        "markets": (MARKET, 1),  # (M,)
        "groups": (GROUP, 1),  # (G,)
        "members": (INT64, 2),  # (G, MEMBERS_MAX) market slots
        "levels": (INT64, 1),  # sizes_e6 of every grid, one after the other
        "free_grids": (INT64, 2),  # (ticks, M + 1) offsets given back; column 0 counts them
        "params": (PARAMS, 1),  # (L,)
        "lanes": (LANE, 1),  # (L,)
        "risk": (RISK, 1),  # (L,)
        "wakes": (INT64, 1),  # (L,) when a lane wants to be woken, FAR_NS if it does not
        "positions": (POSITION, 3),  # (L, M, 2) by token
        "held": (INT32, 2),  # (L, M) slots of the markets held, `lanes.held` of them
        "held_places": (INT32, 2),  # (L, M) where a market stands there, from 1; 0: nowhere
        "loose": (LOOSE, 2),  # (L, M) those not wholly locked, `lanes.loose` of them
        "loose_places": (INT32, 2),  # (L, M) where a market stands there, from 1; 0: nowhere
        "moves_marked": (INT64, 1),  # (L,) `counters.best_moves` then, -1: never
        "realised": (INT64, 2),  # (M, L) by the market now in the slot, e6
        "reserved": (INT64, 2),  # (L, M) cash promised to orders in flight, e6
        "locked_payouts": (INT64, 2),  # (L, G) least payout of held baskets, e6
        "episodes": (EPISODE, 2),  # (L, M + (KINDS - 1) G): BINARY by market, others by group
        "plans": (PLAN, 2),  # (L, P)
        "running": (UINT8, 2),  # (L, P) 1: a plan is under way there; see `kernel.running`
        "legs": (LEG, 3),  # (L, P, LEGS_MAX)
        "walk": (WALK, 1),  # (LEGS_MAX,) scratch
        "basket": (BASKET, 1),  # (4,) scratch: WALKED to TRIED
        "measured": (MEASURED, 1),  # (MEASURED_MAX,) scratch
        "measured_legs": (WALK, 2),  # (MEASURED_MAX, LEGS_MAX) scratch: their walks
        "outbox": (OUTBOX, 1),  # (1,)
        "intents": (INTENT, 1),  # out
        "decisions": (DECISION, 1),  # out
    }
    INNER: ClassVar[frozenset[str]] = frozenset(
        (
            *("positions", "held", "held_places", "loose_places", "reserved"),
            *("locked_payouts", "episodes", "plans", "legs"),
        )
    )
    counters: Array
    markets: Array
    groups: Array
    members: Array
    levels: Array
    free_grids: Array
    params: Array
    lanes: Array
    risk: Array
    wakes: Array
    positions: Array
    held: Array
    held_places: Array
    loose: Array
    loose_places: Array
    moves_marked: Array
    realised: Array
    reserved: Array
    locked_payouts: Array
    episodes: Array
    plans: Array
    running: Array
    legs: Array
    walk: Array
    basket: Array
    measured: Array
    measured_legs: Array
    outbox: Array
    intents: Array
    decisions: Array


open_state = opener(State)


@cold
def rows_reserve(lanes: int) -> int:
    """The most intents (or decisions) that one input row can cause."""
    return lanes * KINDS * (2 * LEGS_MAX + 4)


def new_state(capacity: Capacity, params: Array) -> State:
    """An empty state. params: (L,) PARAMS, one set a lane."""
    lanes, markets, groups = capacity.lanes, capacity.markets, capacity.groups
    room = max(65_536, 2 * rows_reserve(lanes))
    state = State(
        counters=records(COUNTERS, 1),
        markets=records(MARKET, markets),
        groups=records(GROUP, groups),
        members=np.zeros((groups, MEMBERS_MAX), np.int64),
        levels=np.zeros(max(capacity.levels, GRID_MAX), np.int64),
        free_grids=np.zeros((len(TICKS_E4), markets + 1), np.int64),
        params=records(PARAMS, lanes),
        lanes=records(LANE, lanes),
        risk=records(RISK, lanes),
        wakes=np.full(lanes, FAR_NS, np.int64),
        positions=lanes_first(records(POSITION, (markets, 2, lanes))),
        held=lanes_first(np.zeros((markets, lanes), np.int32)),
        held_places=lanes_first(np.zeros((markets, lanes), np.int32)),
        loose=records(LOOSE, (lanes, markets)),
        loose_places=lanes_first(np.zeros((markets, lanes), np.int32)),
        moves_marked=np.full(lanes, -1, np.int64),
        realised=np.zeros((markets, lanes), np.int64),
        reserved=lanes_first(np.zeros((markets, lanes), np.int64)),
        locked_payouts=lanes_first(np.zeros((groups, lanes), np.int64)),
        episodes=lanes_first(records(EPISODE, (markets + (KINDS - 1) * groups, lanes))),
        plans=lanes_first(records(PLAN, (capacity.plans, lanes))),
        running=np.zeros((lanes, capacity.plans), np.uint8),
        legs=lanes_first(records(LEG, (capacity.plans, LEGS_MAX, lanes))),
        walk=records(WALK, LEGS_MAX),
        basket=records(BASKET, 4),
        measured=records(MEASURED, MEASURED_MAX),
        measured_legs=records(WALK, (MEASURED_MAX, LEGS_MAX)),
        outbox=records(OUTBOX, 1),
        intents=records(INTENT, room),
        decisions=records(DECISION, room),
    )
    state.markets["best_ask_e4"] = NO_ASK_E4
    state.markets["group"] = -1
    state.markets["payout_e4"] = -1
    state.params[:] = params
    state.counters["wake_ns"] = FAR_NS
    state.lanes["sweep_ns"] = FAR_NS
    state.lanes["confirm_ns"] = FAR_NS
    state.lanes["cash_e6"] = state.params["bankroll_e6"]
    return state


def with_levels(state: State, levels: int) -> State:
    """The same state with room for `levels` levels in all."""
    grown = np.zeros(levels, np.int64)
    grown[: len(state.levels)] = state.levels
    return state.replace(levels=grown)


def nbytes(state: State) -> int:
    return sum(array.nbytes for array in state.arrays().values())


def digest_parts(state: State) -> list[bytes]:
    """What decides future behaviour, as bytes, in field order: no scratch, no spare room."""
    scratch = {"walk", "basket", "measured", "measured_legs", "outbox", "intents", "decisions"}
    arrays = {name: state.in_memory(name) for name in state.FIELDS if name not in scratch}
    arrays["levels"] = state.levels[: state.counters[0]["levels_used"]]
    return [array.tobytes() for array in arrays.values()]
