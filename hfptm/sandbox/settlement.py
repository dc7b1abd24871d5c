"""Who gives what to whom when orders match: nothing is made or lost but pairs against dollars.

Source: exchange reference, section 7 (match types).
"""

from hfptm.records import BUY
from hfptm.sandbox.accounts import Account
from hfptm.sandbox.listings import Pool
from hfptm.sandbox.matching import Fill, Match
from hfptm.sandbox.orders import Order
from hfptm.sandbox.reports import MakerFill, MatchType


def settle_maker(taker: Order, fill: Fill, pool: Pool) -> MakerFill:
    """Move the resting order's collateral and shares, and out of what it held for the order.

    A pair is made of a dollar, or a dollar of a pair, if both orders are on the same side. The
    order itself is not touched.
    """
    maker, account = fill.maker, fill.maker.account
    if maker.side == BUY:
        account.cash_e6 -= fill.collateral_e6
        account.reserved_e6 -= fill.collateral_e6
        account.add_shares(maker.token, fill.size_e6)
    else:
        account.cash_e6 += fill.collateral_e6
        account.reserve_shares(maker.token, -fill.size_e6)
        account.add_shares(maker.token, -fill.size_e6)
    match_type = _match_type(taker, maker)
    if match_type is not MatchType.COMPLEMENTARY:
        pool.collateral_e6 += fill.size_e6 if maker.side == BUY else -fill.size_e6
    return MakerFill(
        maker.order_id,
        account.address,
        maker.token,
        maker.side,
        maker.price_e4,
        fill.size_e6,
        fill.collateral_e6,
        match_type,
    )


def settle_taker(taker: Order, match: Match, fees: Account) -> None:
    """Move the taker's half of all fills, and the fee. Its order must hold nothing by now."""
    account = taker.account
    if taker.side == BUY:
        account.cash_e6 -= match.collateral_e6 + match.fee_e6
        account.add_shares(taker.token, match.size_e6)
    else:
        account.cash_e6 += match.collateral_e6 - match.fee_e6
        account.add_shares(taker.token, -match.size_e6)
    fees.cash_e6 += match.fee_e6


def _match_type(taker: Order, maker: Order) -> MatchType:
    if taker.side != maker.side:
        return MatchType.COMPLEMENTARY
    return MatchType.MINT if taker.side == BUY else MatchType.MERGE
