"""Everything the kernel remembers, and nothing else in the project does.

Shapes: M market slots, G group slots, L lanes, P plan slots a lane. Books and registry are shared
by all lanes; what one parameter set owns has a leading lane axis. Nothing grows inside the kernel:
a loop that finds too little room stops before the row and lets Python enlarge (`with_levels`) or
refuse.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from hfptm.kernel.jit import Array, Arrays, cold, opener, records
from hfptm.kernel.lane import KINDS, LANE, PARAMS, RISK
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

MEMBERS_MAX = 256
INT64 = np.dtype(np.int64)
INT32 = np.dtype(np.int32)

MARKET = np.dtype(
    [
        ("batch_ts_ns", "i8"),  # exchange time of the batch being applied
        ("checked_ts_ns", "i8"),  # of the last batch whose best prices were compared
        ("offset", "i8"),  # of its grid in `levels`: bids first, then asks
        ("reciprocal_q32", "i8"),  # ceil(2**32 / tick_e4)
        ("tick_e4", "i4"),
        ("count", "i4"),  # levels a side, index 0 is price 0
        ("best_bid_e4", "i4"),
        ("best_ask_e4", "i4"),
        ("group", "i4"),  # slot, -1 if none
        ("fee_rate_e4", "i4"),
        ("fee_exponent", "i4"),
        ("payout_e4", "i2"),  # of one YES share once resolved, -1 before
        ("open", "u1"),  # 1: defined and neither closed nor resolved
        ("valid", "u1"),  # 1: had a snapshot and no gap since
        ("bad", "u1"),  # 1: failed a check, until the next snapshot
        ("lacking", "u1"),  # 1: bad for nothing but a mismatch, whose missing rows may still come
        ("pending", "u1"),  # 1: the last frame's best prices disagree with the book
        ("confirmed", "u1"),  # 1: the last frame reported best prices and they agree
        ("skipping", "u1"),  # 1: inside a snapshot older than the book
        ("active", "u1"),  # 1: some lane has an open BINARY episode
        ("moved", "u1"),  # 1: a best price changed since `detector.worth_a_look` judged its group
        ("taker_delay", "u1"),  # TakerDelay
        ("min_size_e6", "i8"),
        ("game_delay_ns", "i8"),  # of marketable orders
        ("game_start_ns", "i8"),  # from when on
        ("covered_since_ns", "i8"),
        ("end_ts_ns", "i8"),  # scheduled, 0 if unknown
        ("failed_ns", "i8"),  # when its book failed a check last, 0: never
        ("traits", "u1"),  # bits of MarketTrait
    ],
    align=True,
)

GROUP = np.dtype(
    [
        ("sum_bid_e4", "i4"),  # of the members' best bids, a missing one counts 0
        ("sum_ask_e4", "i4"),  # of the members' best asks, a missing one counts 1
        ("no_above_e4", "i4"),  # a NO basket may exist above this sum of bids
        ("yes_below_e4", "i4"),  # a YES basket may exist below this sum of asks
        ("members", "i4"),  # defined so far
        ("expected", "i4"),
        ("relation", "i4"),
        ("convertible", "u1"),
        ("nested", "u1"),  # 1: `members` go from the earliest end to the latest
        ("active", "u1"),  # 1: some lane has an open basket episode
        ("group", "i8"),
    ],
    align=True,
)

POSITION = np.dtype(
    [
        ("size_e6", "i8"),
        ("cost_e6", "i8"),  # fees included
        ("locked_size_e6", "i8"),  # part of size that belongs to a held basket
        ("locked_cost_e6", "i8"),
        ("alone_since_ns", "i8"),  # when the rest was first seen outside any plan, 0: none is
    ]
)

EPISODE = np.dtype(
    [
        ("decision", "i8"),  # 0: none open
        ("trusted_since_ns", "i8"),  # when its books were first seen without a doubt, 0: not now
        ("displayed", "u1"),  # 1: had an edge above the minimum
        ("taken", "u1"),
        ("reason", "u1"),
        ("artefact", "u1"),
        ("suspect", "u1"),  # 1: counts only after `confirm_ns`
    ],
    align=True,
)

WALK = np.dtype(
    [
        ("left_e6", "i8"),  # at the level the walk stands on
        ("market", "i4"),
        ("index", "i4"),  # level on the market's grid
        ("limit_e4", "i4"),  # worst price used, token's own terms
        ("token", "u1"),
        ("spent_e10", "i8"),  # price_e4 times size_e6 of what was taken
    ],
    align=True,
)

BASKET = np.dtype(
    [
        ("sets_e6", "i8"),
        ("outlay_e6", "i8"),  # fees included, rounded up
        ("edge_e6", "i8"),  # rounded down
        ("binding", "i8"),  # Reason of the check that made it smaller or refused it, 0 if none
        ("limit", "i8"),  # of that check
        ("value", "i8"),
    ],
    align=True,
)

COUNTERS = np.dtype(
    [
        ("now_ns", "i8"),
        ("level_changes", "i8"),
        ("batches_checked", "i8"),
        ("best_values", "i8"),
        ("mismatches", "i8"),
        ("snapshots", "i8"),
        ("stale_snapshots", "i8"),
        ("off_grid", "i8"),
        ("mirror_breaks", "i8"),
        ("trades", "i8"),
        ("gaps", "i8"),
        ("covered_ns", "i8"),
        ("unused_rows", "i8"),  # of kinds or for markets the kernel has no use for
        ("levels_used", "i8"),
        ("wake_ns", "i8"),  # the earliest of `wakes`: a TIMER row is due then; FAR_NS if none
        ("gas_price_wei", "i8"),  # 0: nobody said
    ]
)

OUTBOX = np.dtype([("intents", "i8"), ("decisions", "i8")])
"""How many rows of each output buffer are filled; whoever empties a buffer sets it to 0."""


class Capacity(NamedTuple):
    """How much of everything there is room for."""

    markets: int
    groups: int
    lanes: int = 1
    plans: int = 64
    levels: int = 4 * GRID_MAX


class State(Arrays):
    """The kernel's arrays; see the dtypes above."""

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
        "realised": (INT64, 2),  # (M, L) by the market now in the slot, e6
        "reserved": (INT64, 2),  # (L, M) cash promised to orders in flight, e6
        "locked_payouts": (INT64, 2),  # (L, G) least payout of held baskets, e6
        "episodes": (EPISODE, 2),  # (L, M + (KINDS - 1) G): BINARY by market, others by group
        "plans": (PLAN, 2),  # (L, P)
        "legs": (LEG, 3),  # (L, P, LEGS_MAX)
        "walk": (WALK, 1),  # (LEGS_MAX,) scratch
        "basket": (BASKET, 1),  # (4,) scratch: WALKED to TRIED
        "outbox": (OUTBOX, 1),  # (1,)
        "intents": (INTENT, 1),  # out
        "decisions": (DECISION, 1),  # out
    }
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
    realised: Array
    reserved: Array
    locked_payouts: Array
    episodes: Array
    plans: Array
    legs: Array
    walk: Array
    basket: Array
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
        positions=records(POSITION, (lanes, markets, 2)),
        held=np.zeros((lanes, markets), np.int32),
        held_places=np.zeros((lanes, markets), np.int32),
        realised=np.zeros((markets, lanes), np.int64),
        reserved=np.zeros((lanes, markets), np.int64),
        locked_payouts=np.zeros((lanes, groups), np.int64),
        episodes=records(EPISODE, (lanes, markets + (KINDS - 1) * groups)),
        plans=records(PLAN, (lanes, capacity.plans)),
        legs=records(LEG, (lanes, capacity.plans, LEGS_MAX)),
        walk=records(WALK, LEGS_MAX),
        basket=records(BASKET, 4),
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
    scratch = {"walk", "basket", "outbox", "intents", "decisions"}
    arrays = {**state.arrays(), "levels": state.levels[: state.counters[0]["levels_used"]]}
    return [array.tobytes() for name, array in arrays.items() if name not in scratch]
