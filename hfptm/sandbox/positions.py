"""Pairs from dollars and back: split, merge, redeem, convert (reference, section 7).

Each function either changes the account and the pool, and returns what the account's collateral
changed by, or changes nothing and returns a refusal. Only what open orders do not hold can be used.
"""

from hfptm.records import Token
from hfptm.sandbox.accounts import Account
from hfptm.sandbox.listings import ListedMarket, NegRiskEvent, Phase
from hfptm.sandbox.refusals import Reason, Refusal, refuse
from hfptm.sandbox.reports import OperationKind
from hfptm.units import PRICE_ONE_E4

BIPS = 10_000


def refusal_of(
    kind: OperationKind, account: Account, listed: ListedMarket, amount_e6: int
) -> Refusal | None:
    """Why a split, a merge or a redemption would be refused; None if it would not be."""
    if kind is OperationKind.REDEEM:
        return None if listed.phase is Phase.RESOLVED else refuse(Reason.NOT_RESOLVED)
    if kind is OperationKind.SPLIT:
        is_there = account.allows_collateral and 0 < amount_e6 <= account.free_e6()
    else:
        is_there = account.allows_shares and _has(account, listed.tokens(), amount_e6)
    return None if is_there else refuse(Reason.BALANCE)


def split(account: Account, listed: ListedMarket, amount_e6: int) -> int | Refusal:
    """One dollar into one YES and one NO share."""
    if refusal := refusal_of(OperationKind.SPLIT, account, listed, amount_e6):
        return refusal
    account.cash_e6 -= amount_e6
    listed.pool.collateral_e6 += amount_e6
    for token in listed.tokens():
        account.add_shares(token, amount_e6)
    return -amount_e6


def merge(account: Account, listed: ListedMarket, amount_e6: int) -> int | Refusal:
    """One YES and one NO share into one dollar."""
    if refusal := refusal_of(OperationKind.MERGE, account, listed, amount_e6):
        return refusal
    for token in listed.tokens():
        account.add_shares(token, -amount_e6)
    listed.pool.collateral_e6 -= amount_e6
    account.cash_e6 += amount_e6
    return amount_e6


def redeem(
    account: Account, listed: ListedMarket, only: tuple[Token, int] | None = None
) -> int | Refusal:
    """All shares of a resolved market at its payout, rounded down for each token; or only so many
    of one outcome."""
    if refusal := refusal_of(OperationKind.REDEEM, account, listed, 0):
        return refusal
    given_e6 = {outcome: account.free_shares_e6(listed.tokens()[outcome]) for outcome in Token}
    if only:
        if only[1] > given_e6[only[0]]:
            return refuse(Reason.BALANCE)
        given_e6 = dict([only])
    paid_e6 = 0
    for outcome, shares_e6 in given_e6.items():
        yes_e4 = listed.payout_e4
        payout_e4 = yes_e4 if outcome is Token.YES else PRICE_ONE_E4 - yes_e4
        account.add_shares(listed.tokens()[outcome], -shares_e6)
        paid_e6 += shares_e6 * payout_e4 // PRICE_ONE_E4
    listed.pool.collateral_e6 -= paid_e6
    account.cash_e6 += paid_e6
    return paid_e6


def convert(
    account: Account, fees: Account, event: NegRiskEvent, index_set: int, amount_e6: int
) -> int | Refusal:
    """NO of k members into YES of all others and k - 1 dollars, less the event's fee on both.

    `index_set` has the bits of the k members by their question index. One way only.
    """
    if not 0 < index_set < 1 << len(event.members):
        return refuse(Reason.INDEX_SET)
    chosen = [index_set >> i & 1 for i in range(len(event.members))]
    given = [m.tokens()[Token.NO] for m, bit in zip(event.members, chosen, strict=True) if bit]
    gained = [
        m.tokens()[Token.YES] for m, bit in zip(event.members, chosen, strict=True) if not bit
    ]
    if not account.allows_shares or not _has(account, given, amount_e6):
        return refuse(Reason.BALANCE)
    fee_e6 = amount_e6 * event.fee_bips // BIPS
    for token in given:
        account.add_shares(token, -amount_e6)
    for token in gained:
        account.add_shares(token, amount_e6 - fee_e6)
        fees.add_shares(token, fee_e6)
    dollars = len(given) - 1
    event.pool.collateral_e6 -= dollars * amount_e6
    event.converted_e6 += amount_e6
    fees.cash_e6 += dollars * fee_e6
    account.cash_e6 += dollars * (amount_e6 - fee_e6)
    return dollars * (amount_e6 - fee_e6)


def _has(account: Account, tokens: list[str] | tuple[str, str], amount_e6: int) -> bool:
    return amount_e6 > 0 and all(account.free_shares_e6(token) >= amount_e6 for token in tokens)
