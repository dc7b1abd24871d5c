"""What belongs to one parameter set: what it was told, its account, and what risk recalls."""

import numpy as np

from hfptm.opportunities import OpportunityKind

KINDS = len(OpportunityKind)

PARAMS = np.dtype(
    [
        ("bankroll_e6", "i8"),
        ("max_outlay_e6", "i8"),
        ("max_market_e6", "i8"),
        ("max_event_e6", "i8"),
        ("max_total_e6", "i8"),
        ("daily_loss_e6", "i8"),
        ("max_drawdown_e6", "i8"),
        ("max_lag_ns", "i8"),
        ("max_age_ns", "i8"),  # of the book of any leg; 0: any
        ("max_plans", "i8"),  # at once
        ("max_failures", "i8"),  # one after the other
        ("pause_ns", "i8"),  # after so many
        ("min_liquidity_e6", "i8"),  # shares of each leg
        ("min_return_e6", "i8"),  # net profit over outlay and locked day; 0: any
        ("min_edge_e4", "i4"),  # net profit over outlay
        ("payout_fee_e4", "i4"),  # the seed's legacy model; 0 otherwise
        ("charge_fees", "i4"),  # 1: each market's own schedule
        ("fills_settle", "i4"),  # 1: a fill is provisional until it is confirmed or taken back
        ("leg_policy", "i4"),  # LegPolicy
        ("max_order_latency_ns", "i8"),  # to an order's first report; 0: any
        ("order_interval_ns", "i8"),  # between orders in the long run; 0: any number
        ("order_burst", "i8"),  # orders at once
        ("max_gas_wei", "i8"),
        ("failed_book_ns", "i8"),  # how long a book that failed a check is not bought on
        ("max_drift_e6", "i8"),
        ("leg_order", "i4"),  # LegOrder
        ("slippage_e4", "i4"),  # most above its limit that a missing leg may cost
        ("leg_timeout_ns", "i8"),  # after which what rests is cancelled
        ("position_timeout_ns", "i8"),  # after which what is held alone is sold at any bid
        ("window_max_outlay_e6", "i8"),  # of short windows, and so below
        ("min_time_to_expiry_ns", "i8"),  # 0: any
        ("confirm_ns", "i8"),  # that an edge which may be an artefact must last
        ("window_min_edge_e4", "i4"),
        ("edge_scaled_share_e4", "i4"),  # of the bankroll at the minimum edge; 0: does not bind
        ("min_quality_e4", "i4"),
        ("quality_weights_e4", "i4", (4,)),  # of edge, liquidity, amount and gain
        ("holds_pairs", "i4"),  # 1: YES and NO are not merged, but held until they resolve
        ("holds_baskets", "i4"),  # 1: NO sets are not converted, but held until they resolve
        ("canary_outlay_e6", "i8"),  # largest of a plan, until so many have proved themselves
        ("canary_plans", "i8"),
    ],
    align=True,
)

LANE = np.dtype(
    [
        ("cash_e6", "i8"),
        ("reserved_e6", "i8"),  # promised to orders in flight, and the cost of unsettled sales
        ("unsettled_gain_e6", "i8"),  # what those brought beyond their cost
        ("realised_e6", "i8"),
        ("fees_e6", "i8"),
        ("locked_e6", "i8"),  # cost of complete baskets held until resolution
        ("locked_payout_e6", "i8"),  # what they pay at least
        ("plan_serial", "i8"),  # of the last plan
        ("plans", "i8"),  # made
        ("running", "i8"),  # under way
        ("merging", "i8"),  # of those, with a merge or a conversion out
        ("decisions", "i8"),
        ("completed", "i8"),  # plans in which every leg filled whole
        ("partial", "i8"),  # plans in which some, but not all, was filled
        ("missed", "i8"),  # plans in which nothing was filled
        ("fills", "i8"),
        ("rejects", "i8"),
        ("delayed", "i8"),  # orders that sat in a taker delay
        ("ghosts", "i8"),  # fills that were taken back
        ("unknown", "i8"),  # orders whose outcome was unknown for a while
        ("unwinds", "i8"),  # orders sent to leave a leg without its partners
        ("unwind_result_e6", "i8"),  # profit of those sales, normally negative
        ("sightings", "i8", (KINDS,)),
        ("withheld", "i8"),  # orders, merges and conversions that risk held back
        ("held", "i8"),  # markets in `State.held`
        ("loose", "i8"),  # markets in `State.loose`
        ("marked_e6", "i8"),  # sum of its row of `State.marks`
        ("completions", "i8"),  # orders sent to buy what a leg lacked
        ("sweeps", "i8"),  # plans made to end what earlier ones left
        ("sweep_ns", "i8"),  # when that is looked at again, FAR_NS if nothing is left
        ("confirm_ns", "i8"),  # when the first edge in doubt has lasted, FAR_NS if none waits
        ("is_over", "i8"),  # 1: it had its last TIMER, and hears nothing more
    ],
    align=True,
)

RISK = np.dtype(
    [
        ("latch", "i8"),  # Reason why nothing may begin until Control.RESUME, 0 if none
        ("latch_limit", "i8"),
        ("latch_value", "i8"),
        ("day", "i8"),  # UTC, since 1970
        ("day_start_e6", "i8"),  # result when it began
        ("peak_e6", "i8"),  # highest result
        ("result_e6", "i8"),  # realised and marked, when last looked at
        ("unrealised_e6", "i8"),  # of what is held, at best bids
        ("marked_ns", "i8"),  # when that was computed, 0 if what is held changed since
        ("failures", "i8"),  # plans since the last completed one
        ("paused_until_ns", "i8"),
        ("slow_orders", "i8"),  # since the last that was answered in time
        ("slow_until_ns", "i8"),
        ("slow_ns", "i8"),  # latency of the last order
        ("proven_plans", "i8"),  # that bought, and of which no fill was taken back, to their end
        ("budget_ns", "i8"),  # when every order of the burst is free again
    ],
    align=True,
)
"""What of a lane outlives a restart, but for the budget, which is full then."""
