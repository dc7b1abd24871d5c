"""A configuration as integers: what the kernel and the simulated venue take."""

import msgspec

from hfptm.records import LegOrder, LegPolicy
from hfptm.sections import FeeModel


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration in the units of `hfptm.units`; its relations hold."""

    bankroll_e6: int
    min_edge_e4: int
    max_outlay_e6: int
    min_liquidity_e6: int
    min_return_e6: int
    """A locked day; 0: any."""
    max_exposure_market_e6: int
    max_exposure_event_e6: int
    max_exposure_total_e6: int
    max_concurrent_plans: int
    daily_loss_e6: int
    max_drawdown_e6: int
    max_feed_lag_ns: int
    stale_book_after_ns: int
    """0: any age."""
    max_consecutive_failures: int
    failure_pause_ns: int
    max_drift_e6: int
    max_order_latency_ns: int
    """0: any."""
    order_interval_ns: int
    order_burst: int
    failed_book_pause_ns: int
    max_gas_wei: int
    canary_outlay_e6: int
    canary_plans: int
    """0: no plan is a canary."""
    entry_latency_ns: int
    entry_latency_p99_ns: int
    """0: constant; so for each latency."""
    matching_delay_ns: int
    matching_delay_p99_ns: int
    response_latency_ns: int
    response_latency_p99_ns: int
    taker_delay_ns: int
    restarts_ns: tuple[int, ...]
    settlement_ns: int
    settlement_failure_e4: int
    measured_requests: str
    """A file, or empty."""
    seed: int
    quiet_grace_ns: int
    print_window_ns: int
    queue_model: str
    """Name of a `sim.state.QueueModel`, in lower case."""
    fee_model: FeeModel
    block_rows: int
    merges_pairs: bool
    converts_baskets: bool
    leg_policy: LegPolicy
    leg_order: LegOrder
    leg_timeout_ns: int
    slippage_e4: int
    position_timeout_ns: int
    edge_scaled_share_e4: int
    """0: sizes do not grow with the edge."""
    short_window_ns: int
    """The longest that counts as short."""
    short_window_min_edge_e4: int
    short_window_max_outlay_e6: int
    min_time_to_expiry_ns: int
    """Of short windows; 0: any."""
    confirm_ns: int
    blacklist: tuple[str, ...]
    """In lower case, for `market_names.is_named`."""
    min_quality_e4: int
    quality_weights_e4: tuple[int, int, int, int]
    """Of edge, liquidity, amount and gain."""
