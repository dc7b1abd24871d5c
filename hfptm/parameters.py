"""Limits as the records of one lane: what its kernel and its simulated venue go by."""

from collections.abc import Sequence
from typing import NamedTuple

from hfptm.kernel.jit import Array, records
from hfptm.kernel.lane import PARAMS
from hfptm.limits import Limits
from hfptm.sections import FeeModel
from hfptm.sim.state import WINDOWS, QueueModel

SEED_PAYOUT_FEE_E4 = 200


class ParameterSet(NamedTuple):
    """Of one lane. Lanes that meet the same luck may share one table."""

    limits: Limits
    draws: Array
    """(D,) DRAW, of `latency.latencies_of`."""


def lanes_params(sets: Sequence[ParameterSet]) -> Array:
    """(L,) PARAMS."""
    rows = records(PARAMS, len(sets))
    for lane, one in enumerate(sets):
        rows[lane] = params_of(one.limits)[0]
    return rows


def lanes_windows(sets: Sequence[ParameterSet]) -> Array:
    """(L,) WINDOWS, which do not say yet where the draws are."""
    rows = records(WINDOWS, len(sets))
    for lane, one in enumerate(sets):
        rows[lane] = windows_of(one.limits)[0]
    return rows


def params_of(limits: Limits) -> Array:
    """One lane's parameters, (1,) PARAMS."""
    params = records(PARAMS, 1)
    params["bankroll_e6"] = limits.bankroll_e6
    params["max_outlay_e6"] = limits.max_outlay_e6
    params["max_market_e6"] = limits.max_exposure_market_e6
    params["max_event_e6"] = limits.max_exposure_event_e6
    params["min_liquidity_e6"] = limits.min_liquidity_e6
    params["min_return_e6"] = limits.min_return_e6
    params["max_total_e6"] = limits.max_exposure_total_e6
    params["max_plans"] = limits.max_concurrent_plans
    params["daily_loss_e6"] = limits.daily_loss_e6
    params["max_drawdown_e6"] = limits.max_drawdown_e6
    params["max_lag_ns"] = limits.max_feed_lag_ns
    params["max_age_ns"] = limits.stale_book_after_ns
    params["max_failures"] = limits.max_consecutive_failures
    params["pause_ns"] = limits.failure_pause_ns
    params["max_drift_e6"] = limits.max_drift_e6
    params["max_order_latency_ns"] = limits.max_order_latency_ns
    params["order_interval_ns"] = limits.order_interval_ns
    params["order_burst"] = limits.order_burst
    params["failed_book_ns"] = limits.failed_book_pause_ns
    params["max_gas_wei"] = limits.max_gas_wei
    params["canary_outlay_e6"] = limits.canary_outlay_e6
    params["canary_plans"] = limits.canary_plans
    params["min_edge_e4"] = limits.min_edge_e4
    params["charge_fees"] = limits.fee_model == FeeModel.PUBLISHED
    params["fills_settle"] = 1
    params["holds_pairs"] = not limits.merges_pairs
    params["holds_baskets"] = not limits.converts_baskets
    params["leg_policy"] = limits.leg_policy
    params["leg_order"] = limits.leg_order
    params["leg_timeout_ns"] = limits.leg_timeout_ns
    params["slippage_e4"] = limits.slippage_e4
    params["position_timeout_ns"] = limits.position_timeout_ns
    params["edge_scaled_share_e4"] = limits.edge_scaled_share_e4
    params["window_min_edge_e4"] = limits.short_window_min_edge_e4
    params["window_max_outlay_e6"] = limits.short_window_max_outlay_e6
    params["min_time_to_expiry_ns"] = limits.min_time_to_expiry_ns
    params["confirm_ns"] = limits.confirm_ns
    params["min_quality_e4"] = limits.min_quality_e4
    params["quality_weights_e4"] = limits.quality_weights_e4
    params["payout_fee_e4"] = (
        SEED_PAYOUT_FEE_E4 if limits.fee_model == FeeModel.SEED_FLAT_2PCT else 0
    )
    return params


def windows_of(limits: Limits) -> Array:
    """One lane's waiting times, (1,) WINDOWS."""
    windows = records(WINDOWS, 1)
    windows["taker_delay_ns"] = limits.taker_delay_ns
    windows["settlement_ns"] = limits.settlement_ns
    windows["grace_ns"] = limits.quiet_grace_ns
    windows["print_window_ns"] = limits.print_window_ns
    windows["queue_model"] = QueueModel[limits.queue_model.upper()]
    return windows
