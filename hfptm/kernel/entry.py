"""What is wrong with a basket as it is displayed, whatever risk would allow to buy of it."""

from hfptm.kernel.detector import is_short_window
from hfptm.kernel.gates import is_locked
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.result import DAY_NS
from hfptm.kernel.risk import refuse
from hfptm.kernel.state import DISPLAYED, WALKED, State
from hfptm.opportunities import OpportunityKind, Reason
from hfptm.records import MarketTrait
from hfptm.units import NS_PER_S, ONE_E6

FOREVER_NS = 1 << 62
RETURN_MAX_E6 = 10**12
"""A higher return is not told apart: its product with a day would leave 64 bits."""


@cold
def unworthy(
    state: State, lane: int, kind: int, subject: int, legs: int, consistent_ns: int
) -> int:
    """The first Reason against the legs in `state.walk`, 0 if there is none.

    `consistent_ns`: for how long its books have been trusted. `basket.limit` and `basket.value`
    hold the Reason's numbers: e6 or nanoseconds.
    """
    params, basket = state.params[lane], state.basket[WALKED]
    for position in range(legs):
        if state.markets[state.walk[position].market].traits & MarketTrait.BLACKLISTED:
            return refuse(basket, Reason.BLACKLISTED.value, 0, 0)
    left_ns = time_to_expiry_ns(state, legs)
    if params.min_time_to_expiry_ns > 0 and left_ns < params.min_time_to_expiry_ns:
        limit_ns = int(params.min_time_to_expiry_ns)
        return refuse(basket, Reason.NEAR_EXPIRY.value, limit_ns, left_ns)
    if consistent_ns < params.confirm_ns:
        return refuse(basket, Reason.UNCONFIRMED.value, int(params.confirm_ns), consistent_ns)
    sets_e6 = int(state.basket[DISPLAYED].sets_e6)
    if sets_e6 < params.min_liquidity_e6:
        reason = Reason.LIQUIDITY_BELOW_MINIMUM.value
        return refuse(basket, reason, int(params.min_liquidity_e6), sets_e6)
    if params.min_return_e6 > 0 and is_locked(state, lane, kind, subject):
        return_e6 = daily_return_e6(state, legs)
        if return_e6 < params.min_return_e6:
            reason = Reason.RETURN_BELOW_MINIMUM.value
            return refuse(basket, reason, int(params.min_return_e6), return_e6)
    return 0


@cold
def time_to_expiry_ns(state: State, legs: int) -> int:
    """Until the first short window among the legs ends, negative after it; FOREVER_NS for others.

    Of other markets the scheduled end is no promise: games and votes go on past it.
    """
    left_ns = FOREVER_NS
    for position in range(legs):
        market = state.markets[state.walk[position].market]
        if is_short_window(market):
            left_ns = min(left_ns, int(market.end_ts_ns) - int(state.counters[0].now_ns))
    return left_ns


@cold
def daily_return_e6(state: State, legs: int) -> int:
    """Displayed profit over outlay for each day until the last leg's end, of one day at least.

    0 if an end is unknown: such a basket may be locked for ever.
    """
    last_ns = 0
    for position in range(legs):
        end_ns = int(state.markets[state.walk[position].market].end_ts_ns)
        if end_ns == 0:
            return 0
        last_ns = max(last_ns, end_ns)
    displayed = state.basket[DISPLAYED]
    return_e6 = int(displayed.edge_e6) * ONE_E6 // int(displayed.outlay_e6)
    locked_s = max(last_ns - int(state.counters[0].now_ns), DAY_NS) // NS_PER_S
    return min(return_e6, RETURN_MAX_E6) * (DAY_NS // NS_PER_S) // locked_s


@cold
def is_suspect_kind(kind: int) -> bool:
    """Whether edges of this kind stand in a crossed book, which the exchange cannot hold long."""
    return bool(kind == OpportunityKind.BINARY)


@cold
def consistent_ns(state: State, episode: Record) -> int:
    """How long the episode's books have been trusted; FOREVER_NS if nobody need wait."""
    if not episode.suspect:
        return FOREVER_NS
    return int(state.counters[0].now_ns) - int(episode.trusted_since_ns)
