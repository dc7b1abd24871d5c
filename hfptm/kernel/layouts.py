"""Layouts of what the kernel keeps: books, what a lane holds and looks at, and scratch."""

import numpy as np

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
        ("best_move", "i8"),  # number of the last of its own among `counters.best_moves`
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

LOOSE = np.dtype(
    [
        ("market", "i8"),  # slot
        ("yes_e6", "i8"),  # shares that belong to no locked basket
        ("yes_cost_e6", "i8"),
        ("no_e6", "i8"),
        ("no_cost_e6", "i8"),
        ("mark_e6", "i8"),  # what selling these would bring beyond their cost
    ]
)
"""A market that a lane holds, and not wholly locked; side by side for `kernel.marks`."""

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

MEASURED = np.dtype([("lane", "i8"), ("sets_e6", "i8"), ("outlay_e6", "i8"), ("edge_e6", "i8")])
"""What a basket measured for a lane, -1 behind the last; see `kernel.measured`."""

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
        ("best_moves", "i8"),  # of best prices, of all markets
    ]
)

OUTBOX = np.dtype([("intents", "i8"), ("decisions", "i8")])
"""How many rows of each output buffer are filled; whoever empties a buffer sets it to 0."""
