"""Layouts of what the simulated venue keeps beside orders: accounts, probes, what was taken."""

import numpy as np

PURSE = np.dtype(
    [
        ("cash_e6", "i8"),
        ("reserved_e6", "i8"),  # promised to open BUYs
        ("probes", "i8"),  # of the lane, under way
    ]
)

HOLDING = np.dtype(
    [
        ("settled_e6", "i8"),  # shares whose trades are final
        ("on_sale_e6", "i8"),  # of those, promised to open SELLs
    ]
)

PROBES_MAX = 1_024
"""Of one lane under way at once."""

PROBE = np.dtype(
    [
        ("decision", "i8"),
        ("sets_e6", "i8"),
        ("market", "i8"),
        ("lane", "i4"),
        ("legs", "i4"),
        ("open_items", "i4"),
        ("next", "i4"),  # that it answers too, NOBODY if none; or next free
        ("last", "i4"),  # of those that it answers, itself at first
        ("earlier", "i4"),  # that was asked something else in the same row
        ("asked", "i4"),  # in that row: its first leg's place in `State.intents`
        ("kind", "u1"),
        ("printed", "u1"),
        ("unseen", "u1"),
    ],
    align=True,
)

PROBE_LEG = np.dtype([("size_e6", "i8"), ("cost_e6", "i8")])

TAKEN = np.dtype(
    [
        ("key", "i8"),  # 0: free
        ("displayed_e6", "i8"),  # size of the level when we took from it
        ("taken_e6", "i8"),
    ]
)
