"""Plans and their legs: layouts, and the ids by which a report finds its leg without a table.

A plan is one basket on its way: an immediate BUY a leg, then merge, conversion or holding of the
complete sets, and sales of what has no partner.

    FREE -> WORKING    every leg's entry order is out, at once
         -> CLOSING    complete sets are merged or converted, or held; what has no partner is sold
         -> FREE

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

UNWIND_TRIES_MAX = 3
"""At most TRY_MASK; try 0 is the entry."""


class Stage(IntEnum):
    FREE = 0
    WORKING = 1
    CLOSING = 2


PLAN = np.dtype(
    [
        ("plan", "i8"),
        ("sets_e6", "i8"),  # asked for
        ("subject", "i4"),  # market slot, or group slot
        ("legs", "i4"),
        ("open_orders", "i4"),  # merge or conversion, and fills that have not settled, included
        ("kind", "u1"),  # OpportunityKind
        ("stage", "u1"),  # Stage
        ("refused", "u1"),  # Reason why its merge or conversion is held back
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
        ("market", "i4"),
        ("waits", "i4"),  # for orders of it that are out, and fills that have not settled
        ("limit_e4", "i4"),
        ("token", "u1"),
        ("refused", "u1"),  # Reason why its next order is held back
        ("tries", "u1"),  # orders sent to sell what is left of it
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
