"""Who gives what to whom when orders match: nothing is made or lost but pairs against dollars.

Source: exchange reference, sections 2 (trades that fail) and 7 (match types).
"""

from collections import Counter
from collections.abc import Iterator

from hfptm.records import BUY
from hfptm.sandbox.accounts import Account, Accounts
from hfptm.sandbox.listings import Pool
from hfptm.sandbox.matching import Fill, Match
from hfptm.sandbox.orders import Order
from hfptm.sandbox.reports import MakerFill, MatchType, Trade


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


def take_back(trade: Trade, accounts: Accounts, pool: Pool) -> bool:
    """Move everything of a trade back, the fee too; nothing if anybody lacks what it got.

    What open orders hold counts as there: afterwards they may hold more than that.
    """
    cash_e6: Counter[str] = Counter()
    shares_e6: Counter[tuple[str, str]] = Counter()
    for address, got_e6, token, got_shares_e6 in _gains(trade, accounts.fees.address):
        cash_e6[address] += got_e6
        shares_e6[address, token] += got_shares_e6
    is_there = all(accounts[address].cash_e6 >= n for address, n in cash_e6.items()) and all(
        accounts[address].shares_e6.get(token, 0) >= n for (address, token), n in shares_e6.items()
    )
    if is_there:
        pool.collateral_e6 += sum(cash_e6.values())
        for address, got_e6 in cash_e6.items():
            accounts[address].cash_e6 -= got_e6
        for (address, token), got_shares_e6 in shares_e6.items():
            accounts[address].add_shares(token, -got_shares_e6)
    return is_there


def _gains(trade: Trade, fees: str) -> Iterator[tuple[str, int, str, int]]:
    """(address, collateral, token, shares) that each party got; negative for what it gave."""
    sign = 1 if trade.side == BUY else -1
    collateral_e6 = -sign * trade.collateral_e6 - trade.fee_e6
    yield trade.account, collateral_e6, trade.token, sign * trade.size_e6
    yield fees, trade.fee_e6, trade.token, 0
    for maker in trade.makers:
        sign = 1 if maker.side == BUY else -1
        yield maker.account, -sign * maker.collateral_e6, maker.token, sign * maker.size_e6
