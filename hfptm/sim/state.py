"""What the simulated venue remembers: what is on its way to it, and what is on its way back.

The strategy's book is the venue's book, looked at later. An order that arrives at T matches what
the book was at T, which is the state just before the first row of that market that the venue
stamped after T. So an order waits in its market's list until such a row comes (or a grace time
passes), and no second book is kept.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from hfptm.kernel.arrays import Arrays, lanes_first, opener
from hfptm.kernel.jit import Array, as_records, records
from hfptm.kernel.lane import KINDS
from hfptm.kernel.plans import LEGS_MAX
from hfptm.kernel.state import INT64, rows_reserve
from hfptm.opportunities import OUTCOME
from hfptm.records import EVENT
from hfptm.sim.heap import NODE
from hfptm.sim.layouts import HOLDING, PROBE, PROBE_LEG, PROBES_MAX, PURSE, TAKEN
from hfptm.units import FAR_NS

NOBODY = -1


class Waiting(IntEnum):
    """What an item waits for."""

    NOTHING = 0
    """It is free."""
    ORDER = 1
    """To be matched at its arrival."""
    DELAYED = 2
    """To be matched when its taker delay ends, which is its arrival now."""
    DEPTH = 3
    """A leg of a probe: to be measured at its arrival."""
    PRINT = 4
    """A leg of a probe: trades until its window ends."""
    RESTING = 5
    """An order in the book, see `hfptm.sim.resting`; its arrival is `units.FAR_NS`."""
    CANCEL = 6
    """Of the order named: to be heard at its arrival."""


class QueueModel(IntEnum):
    """Whose orders leave a level that falls without a trade."""

    RISK_AVERSE = 0
    """Those behind ours, as long as there may be any."""
    PROBABILISTIC = 1
    """Those ahead and behind, in proportion (`hfptm.sim.resting`)."""


DRAW = np.dtype(
    [
        ("entry_ns", "i8"),  # decision to arrival at the venue
        ("matching_ns", "i8"),  # arrival to the matching engine's turn
        ("response_ns", "i8"),  # matching to our knowledge of it
        ("fails", "i8"),  # 1: what it matches is taken back
    ]
)
"""What one message meets; a model of latency is a table of them (`hfptm.latency`)."""

LATENCIES = ("entry_ns", "matching_ns", "response_ns")

WINDOWS = np.dtype(
    [
        ("taker_delay_ns", "i8"),  # of marketable orders, but where a market has none
        ("settlement_ns", "i8"),  # of a trade, from the match on
        ("grace_ns", "i8"),  # after this silence a market's book is taken as unchanged
        ("print_window_ns", "i8"),  # how long after arrival a trade print still corroborates
        ("queue_model", "i8"),  # QueueModel
        ("first_draw", "i8"),  # of the lane's table in `Sim.draws`
        ("draws", "i8"),  # in it
    ]
)

ITEM = np.dtype(
    [
        ("arrival_ns", "i8"),
        ("order", "i8"),  # order id; of a probe's items its index
        ("size_e6", "i8"),
        ("response_ns", "i8"),  # of an order, see DRAW
        ("matched_ns", "i8"),  # of an order, when it last met another
        ("since_ns", "i8"),  # exchange time from which a print corroborates
        ("sequence", "i8"),  # order among items of one instant
        ("price_e4", "i4"),  # limit, token's own terms
        ("low_e4", "i4"),  # YES prices between which a print corroborates
        ("high_e4", "i4"),
        ("market", "i4"),
        ("lane", "i4"),
        ("leg", "i4"),
        ("next", "i4"),  # sibling where it waits, next that rests in its market, or next free
        ("before", "i4"),  # sibling, or parent of the first, where it waits
        ("child", "i4"),  # the first, where it waits
        ("kind", "u1"),  # Waiting
        ("fails", "u1"),  # see DRAW
        ("side", "u1"),
        ("token", "u1"),
        ("order_type", "u1"),
    ],
    align=True,
)

REST = np.dtype(
    [
        ("rested_ns", "i8"),  # exchange time from which it stands in the book
        ("open_e6", "i8"),
        ("ahead_e6", "i8"),  # shares of others at its price that are served before it
        ("shown_e6", "i8"),  # what the book shows at its price, which never includes it
        ("fallen_e6", "i8"),  # by which that fell without a print that explains it, so far
        ("moved_e6", "i8"),  # what of `fallen_e6` was ahead of it
        ("fallen_ns", "i8"),
        ("printed_e6", "i8"),  # prints at its price by which the book has not fallen, so far
        ("printed_ns", "i8"),
        ("crossing_e6", "i8"),  # what the book shows on the other side within its price
        ("crossing_ns", "i8"),  # when it last grew
        ("lifted_e6", "i8"),  # by which that fell without a print that explains it, so far
        ("lifted_ns", "i8"),
    ]
)
"""Of an order in the book, at its item's place."""

TAKEN_LEVELS = 4_096
"""That a lane may have taken from at once."""

PLENTY_E6 = 10**14
"""Dollars, or shares of a token, beyond what any order asks for."""

CLOCK = np.dtype(
    [
        ("wake_ns", "i8"),  # nothing happens here before this
        ("sequence", "i8"),
        ("intents_seen", "i8"),
        ("free_item", "i8"),
        ("items_used", "i8"),  # high-water mark
        ("items", "i8"),  # waiting now
        ("waiting", "i8"),  # of the items, all but those that rest
        ("free_report", "i8"),
        ("reports_used", "i8"),  # high-water mark
        ("reports", "i8"),  # queued
        ("delivered", "i8"),  # rows filled in `delivered`
        ("outcomes", "i8"),  # rows filled in `outcomes`
        ("probes_dropped", "i8"),
        ("probes", "i8"),  # under way
        ("probes_used", "i8"),  # high-water mark
        ("free_probe", "i8"),
        ("no_book", "i8"),  # orders whose book at arrival was never seen
        ("orders_leave", "i8"),  # 1: for another venue than this, which only measures
    ]
)


class Sim(Arrays):
    """The simulated venue's arrays; M, L as in `kernel.state`."""

    FIELDS: ClassVar[dict[str, tuple[np.dtype[Any], int]]] = {
        "clock": (CLOCK, 1),  # (1,)
        "windows": (WINDOWS, 1),  # (L,)
        "draws": (DRAW, 1),  # the tables of all lanes, each once
        "restarts": (INT64, 1),  # when the matching engine's restarts begin, ns
        "items": (ITEM, 1),
        "head": (INT64, 1),  # (M,) item of a market that arrives first, NOBODY if none waits
        "due": (NODE, 1),  # heap of the items that wait, by the end of their grace
        "due_places": (INT64, 1),  # (items,) where each stands there
        "rest_head": (INT64, 1),  # (M,) first of the orders that rest there, NOBODY if none
        "watch_ns": (INT64, 1),  # (M,) a row stamped later concerns the venue, see `set_watch`
        "levels_taken": (INT64, 1),  # (M,) levels of a market in `taken`, of all lanes
        "rests": (REST, 1),  # (items,)
        "probes": (PROBE, 1),
        "probe_legs": (PROBE_LEG, 2),  # (probes, LEGS_MAX)
        "purses": (PURSE, 1),  # (L,)
        "holdings": (HOLDING, 3),  # (L, M, 2) by token
        "taken": (TAKEN, 2),  # (L, T) open addressing
        "takers": (INT64, 1),  # (T,) levels taken, of all lanes, whose search begins there
        "reports": (EVENT, 1),
        "coming": (NODE, 1),  # heap of the reports, by ts_recv_ns
        "coming_places": (INT64, 1),  # (reports,) where each stands there, or the next free one
        "delivered": (EVENT, 1),  # out: reports the kernel was given
        "outcomes": (OUTCOME, 1),  # out
    }
    INNER: ClassVar[frozenset[str]] = frozenset(("holdings", "taken"))
    clock: Array
    windows: Array
    draws: Array
    restarts: Array
    items: Array
    head: Array
    due: Array
    due_places: Array
    rest_head: Array
    watch_ns: Array
    levels_taken: Array
    rests: Array
    probes: Array
    probe_legs: Array
    purses: Array
    holdings: Array
    taken: Array
    takers: Array
    reports: Array
    coming: Array
    coming_places: Array
    delivered: Array
    outcomes: Array


open_sim = opener(Sim)


def new_sim(
    markets: int,
    windows: Array,
    draws: Iterable[Array],
    restarts_ns: Sequence[int] = (),
    items: int = 65_536,
    *,
    has_plenty: bool = True,
) -> Sim:
    """An idle venue.

    windows: (L,) WINDOWS. draws: of each lane its table, (D,) DRAW; a table that several lanes
    share is kept once. restarts_ns: their begins, sorted. items: what may be on its way at once, at
    least. has_plenty: the accounts have `PLENTY_E6` of everything, else nothing.
    """
    lanes, items = len(windows), max(items, 8 * rows_reserve(len(windows)))
    probes = max(PROBES_MAX, 2 * lanes * KINDS)
    sim = Sim(
        clock=records(CLOCK, 1),
        windows=records(WINDOWS, lanes),
        draws=_tables(windows, list(draws)),
        restarts=np.array(restarts_ns, np.int64),
        items=records(ITEM, items),
        head=np.full(markets, NOBODY, np.int64),
        due=records(NODE, items),
        due_places=np.zeros(items, np.int64),
        rest_head=np.full(markets, NOBODY, np.int64),
        watch_ns=np.full(markets, FAR_NS, np.int64),
        levels_taken=np.zeros(markets, np.int64),
        rests=records(REST, items),
        probes=records(PROBE, probes),
        probe_legs=records(PROBE_LEG, (probes, LEGS_MAX)),
        purses=records(PURSE, lanes),
        holdings=lanes_first(records(HOLDING, (markets, 2, lanes))),
        taken=lanes_first(records(TAKEN, (TAKEN_LEVELS, lanes))),
        takers=np.zeros(TAKEN_LEVELS, np.int64),
        reports=records(EVENT, items),
        coming=records(NODE, items),
        coming_places=np.zeros(items, np.int64),
        delivered=records(EVENT, 4 * items),
        outcomes=records(OUTCOME, max(65_536, 2 * lanes * PROBES_MAX)),
    )
    sim.windows[:] = windows
    sim.clock["wake_ns"] = FAR_NS
    for name in ("free_item", "free_probe", "free_report"):
        sim.clock[name] = NOBODY
    if has_plenty:
        sim.purses["cash_e6"] = sim.holdings["settled_e6"] = PLENTY_E6
    return sim


def _tables(windows: Array, draws: Sequence[Array]) -> Array:
    """Every table once, one after the other; notes in `windows` where each lane's is."""
    first: dict[int, int] = {}
    tables: list[Array] = []
    for lane, table in enumerate(draws):
        if id(table) not in first:
            first[id(table)] = sum(map(len, tables))
            tables.append(table)
        windows["first_draw"][lane], windows["draws"][lane] = first[id(table)], len(table)
    return as_records(np.concatenate(tables))


def with_probes(sim: Sim, probes: int) -> Sim:
    """The same venue with room for so many probes at once."""
    more = probes - len(sim.probes)
    legs = np.concatenate([sim.probe_legs, records(PROBE_LEG, (more, LEGS_MAX))])
    probe_rows = np.concatenate([sim.probes, records(PROBE, more)])
    return sim.replace(probes=as_records(probe_rows), probe_legs=as_records(legs))
