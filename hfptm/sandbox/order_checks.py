"""What an order must look like before it meets a book (reference, sections 3.3 to 3.5)."""

from hfptm.records import BUY
from hfptm.sandbox.listings import ListedMarket, Phase
from hfptm.sandbox.orders import IMMEDIATE, OrderRequest, TimeInForce
from hfptm.sandbox.refusals import Reason, Refusal, refuse
from hfptm.units import (
    NS_PER_S,
    ONE_E6,
    PRICE_ONE_E4,
    SIZE_MAX_E6,
    format_e4,
    format_e6,
    format_scaled,
)
from hfptm.venue.orders import (
    AMOUNT_DECIMALS,
    IMMEDIATE_SHARE_STEP_E6,
    SHARE_STEP_E6,
    is_immediate_buy_valid,
)

GTD_ENDS_EARLY_S = 60
"""A GTD order ends this much before its stated expiration."""

MARKETABLE_BUY_MIN_E6 = ONE_E6


def check_market(request: OrderRequest, listed: ListedMarket) -> Refusal | None:
    if listed.phase is Phase.OPEN:
        return None
    if listed.phase is Phase.NOT_READY:
        return refuse(Reason.NOT_READY)
    return refuse(Reason.NO_ORDERBOOK, token=request.token)


def check_terms(request: OrderRequest, ts_ns: int) -> Refusal | None:
    """Post-only and expiration against the order's type and the time."""
    if request.post_only and request.time_in_force in IMMEDIATE:
        return refuse(Reason.POST_ONLY_TYPE)
    if request.time_in_force is not TimeInForce.GTD:
        return refuse(Reason.EXPIRATION) if request.expiration_s else None
    return refuse(Reason.EXPIRATION) if ends_ns(request) <= ts_ns else None


def ends_ns(request: OrderRequest) -> int:
    """When a GTD order really ends; 0 for all others."""
    if request.time_in_force is not TimeInForce.GTD:
        return 0
    return (request.expiration_s - GTD_ENDS_EARLY_S) * NS_PER_S


def limit_price_e4(request: OrderRequest, tick_e4: int) -> int | Refusal:
    """The price that both amounts stand for, in the order's own token.

    Exactly a price of the grid, except for a market BUY: its shares were rounded down by its
    client, so its price is the best one on the grid that gives these shares for its collateral.
    """
    shares_e6, collateral_e6 = request.shares_e6, request.collateral_e6
    if not (0 < shares_e6 <= SIZE_MAX_E6 and 0 < collateral_e6 <= SIZE_MAX_E6):
        return refuse(Reason.AMOUNTS)
    price_e4, remainder = divmod(collateral_e6 * PRICE_ONE_E4, shares_e6)
    is_exact = remainder == 0 and price_e4 % tick_e4 == 0
    if request.side == BUY and request.time_in_force in IMMEDIATE:
        if not is_immediate_buy_valid(request.maker_e6, request.taker_e6):
            return refuse(Reason.BUY_AMOUNTS)
        price_e4 -= price_e4 % tick_e4
        is_exact = price_e4 > 0 and _is_rounding(request, price_e4, tick_e4)
    elif shares_e6 % SHARE_STEP_E6:
        return refuse(Reason.AMOUNTS)
    if not is_exact:
        return _off_tick(request, tick_e4)
    if not tick_e4 <= price_e4 <= PRICE_ONE_E4 - tick_e4:
        return _out_of_range(price_e4, tick_e4)
    return price_e4


def _is_rounding(request: OrderRequest, price_e4: int, tick_e4: int) -> bool:
    """Whether the shares asked for are those of the price, rounded down as clients do."""
    step_e6 = max(int(10 ** (6 - AMOUNT_DECIMALS[tick_e4])), IMMEDIATE_SHARE_STEP_E6)
    return request.maker_e6 * PRICE_ONE_E4 // price_e4 - request.taker_e6 < step_e6


def _off_tick(request: OrderRequest, tick_e4: int) -> Refusal:
    price_e16 = request.collateral_e6 * 10**16 // request.shares_e6
    return refuse(
        Reason.OFF_TICK,
        order_id=request.order_id,
        price=format_scaled(price_e16, 16),
        tick=format_e4(tick_e4),
    )


def _out_of_range(price_e4: int, tick_e4: int) -> Refusal:
    return refuse(
        Reason.OUT_OF_RANGE,
        price=format_e4(price_e4),
        low=format_e4(tick_e4),
        high=format_e4(PRICE_ONE_E4 - tick_e4),
    )


def check_size(request: OrderRequest, min_size_e6: int) -> Refusal | None:
    """Orders that may rest have a smallest size in shares, market BUYs one in dollars."""
    if request.time_in_force in IMMEDIATE:
        return check_marketable(request)
    if request.shares_e6 >= min_size_e6:
        return None
    return refuse(
        Reason.TOO_SMALL,
        order_id=request.order_id,
        size=format_e6(request.shares_e6),
        minimum=format_e6(min_size_e6),
    )


def check_marketable(request: OrderRequest) -> Refusal | None:
    if request.side != BUY or request.maker_e6 >= MARKETABLE_BUY_MIN_E6:
        return None
    return refuse(Reason.BUY_TOO_SMALL, dollars=format_e6(request.maker_e6))
