"""Plans and their legs: layouts, and the ids by which a report finds its leg without a table.

A plan is one basket on its way: a BUY a leg, then merge, conversion or holding of the complete
sets, and an end for what has no partner.

    FREE -> WORKING    every leg's entry order is out, at once
         -> LEADING    the entry order of one leg alone is out: the thinnest, or one that rests
    LEADING -> WORKING    it is over: the others follow, each for as many shares as it was filled
    WORKING -> CLOSING    no order of it is out and every fill has settled
    CLOSING -> CLOSING    complete sets are merged, converted or held; legs without partners are
                          completed, sold, or left (`kernel.mending`), again after each round
            -> FREE       nothing of it is out and nothing more can be done

What a plan leaves stays a position. `kernel.deadlines` looks at positions without partners again
and again, and opens a plan that begins at CLOSING for those that can be sold or merged.

A leg has one order out at most. Its status says what is known of it: SENT, RESTING after an ACK,
DELAYED in a taker delay, UNKNOWN where no answer came. Only DONE and REJECT end it; until then what
was promised to it stays promised, and no other order is sent for the leg. Fills that have not
settled are counted apart: a plan closes with nothing that may still be taken back.

Order id: lane, plan, leg and try, from the highest bit down.
"""

from enum import IntEnum

import numpy as np

from hfptm.kernel.jit import cold
from hfptm.records import LANE_SHIFT

LEGS_MAX = 64
"""More legs than any exclusive event that was ever quoted on all its outcomes."""

PLAN_SHIFT, LEG_SHIFT, TRY_MASK, LEG_MASK = 10, 2, 3, 255
WHOLE_PLAN = 255
"""Leg number of a merge or a conversion."""

TRIES_MAX = 3
"""Orders after the entry for each leg, and tries of a merge or conversion. At most TRY_MASK."""


class Stage(IntEnum):
    FREE = 0
    WORKING = 1
    CLOSING = 2
    LEADING = 3


class LegStatus(IntEnum):
    """What is known of the order that a leg has out."""

    IDLE = 0
    """It has none."""
    SENT = 1
    RESTING = 2
    DELAYED = 3
    UNKNOWN = 4


PLAN = np.dtype(
    [
        ("plan", "i8"),
        ("sets_e6", "i8"),  # asked for
        ("deadline_ns", "i8"),  # when what rests is cancelled, FAR_NS if nothing may
        ("subject", "i4"),  # market slot, or group slot
        ("legs", "i4"),
        ("open_orders", "i4"),  # merge or conversion, and fills that have not settled, included
        ("lead", "i4"),  # leg that goes first in LEADING
        ("kind", "u1"),  # OpportunityKind
        ("stage", "u1"),  # Stage
        ("merging", "u1"),  # 1: a merge or conversion is out
        ("merges", "u1"),  # that were sent
        ("cancels", "u1"),  # times that what rests was asked to end
        ("confirmed", "u1"),  # 1: a fill of it was
        ("taken_back", "u1"),  # 1: a fill of it was
    ],
    align=True,
)

LEG = np.dtype(
    [
        ("filled_e6", "i8"),  # shares of this plan held without partners
        ("cost_e6", "i8"),  # of those
        ("whole_e6", "i8"),  # shares in complete sets that are being merged or converted
        ("whole_cost_e6", "i8"),
        ("reserved_e6", "i8"),
        ("sent_ns", "i8"),  # of an order that is out without any report, else 0
        ("selling_e6", "i8"),  # shares on sale
        ("bought_e6", "i8"),  # shares, whatever became of them, but for those taken back
        ("arriving_e6", "i8"),  # part of filled whose purchases have not settled
        ("arriving_cost_e6", "i8"),
        ("returning_e6", "i8"),  # shares of sales that have not settled: they may come back
        ("returning_cost_e6", "i8"),  # of those, still promised
        ("left_e6", "i8"),  # what its order may still fill: dollars of an immediate BUY, or shares
        ("market", "i4"),
        ("unsettled", "i4"),  # fills
        ("limit_e4", "i4"),  # of its entry; 0 where the plan began at CLOSING
        ("token", "u1"),
        ("refused", "u1"),  # Reason why its next order is held back
        ("status", "u1"),  # LegStatus
        ("tries", "u1"),  # orders sent after the entry
        ("order_type", "u1"),  # OrderType of its last order
        ("overdue", "u1"),  # 1: held too long, to be sold at any bid
    ],
    align=True,
)


@cold
def order_id(lane: int, plan: int, leg: int, attempt: int) -> int:
    return (lane << LANE_SHIFT) | (plan << PLAN_SHIFT) | (leg << LEG_SHIFT) | attempt


@cold
def lane_of(order: int) -> int:
    return order >> LANE_SHIFT


@cold
def plan_of(order: int) -> int:
    return (order & ((1 << LANE_SHIFT) - 1)) >> PLAN_SHIFT


@cold
def leg_of(order: int) -> int:
    return (order >> LEG_SHIFT) & LEG_MASK


@cold
def try_of(order: int) -> int:
    return order & TRY_MASK
