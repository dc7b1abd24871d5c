"""What a resolved market pays, as far as the exchange has said so beyond doubt.

Sans-I/O. Prices of a closed market are no payouts until its resolution is final, and old markets
closed without one: whatever is not plainly 1, 0 or 1/2 stays unresolved rather than guessed.
Source: exchange reference, sections 1.3 (market_resolved), 6 and 7.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hfptm.units import PRICE_ONE_E4
from hfptm.venue.gamma import GammaMarket, exact, strings
from hfptm.venue.messages import MarketResolved

FINAL = ("resolved", "settled")
"""Of umaResolutionStatus (protocol V1) and resolutionStatus (V2)."""

TIE_E4 = PRICE_ONE_E4 // 2
_PAYOUTS_E4 = (0, TIE_E4, PRICE_ONE_E4)


class Source(StrEnum):
    GAMMA = "gamma"
    CLOB = "clob"
    FEED = "feed"


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    payout_e4: int
    """Of one YES share; a NO share pays the rest of a dollar."""
    source: Source


class _ClobToken(msgspec.Struct):
    token_id: str
    winner: bool = False


class _ClobMarket(msgspec.Struct):
    condition_id: str
    tokens: list[_ClobToken]
    closed: bool = False
    is_50_50_outcome: bool = False


_CLOB = msgspec.json.Decoder(_ClobMarket, float_hook=Decimal)


def is_over(market: GammaMarket) -> bool:
    """Closed for good, whether or not its payout is known yet."""
    return bool(market.closed or market.archived)


def of_gamma(market: GammaMarket, condition_id: str) -> Resolution | None:
    """The payout if the resolution is final and its prices are a payout, else None."""
    status = market.resolution_status if market.version == "v2" else market.uma_resolution_status
    yes_e4 = _yes_e4(market)
    if not market.closed or (status or "").lower() not in FINAL or yes_e4 not in _PAYOUTS_E4:
        return None
    return Resolution(condition_id=condition_id, payout_e4=yes_e4, source=Source.GAMMA)


def is_consistent(market: GammaMarket, resolution: Resolution) -> bool:
    """Whether Gamma's prices, final or not, are those of the payout that another source names."""
    return _yes_e4(market) == resolution.payout_e4


def _yes_e4(market: GammaMarket) -> int | None:
    """The YES price; None without two prices that make a dollar."""
    prices_e4 = [exact(price, 4) for price in strings(market.outcome_prices)]
    if len(prices_e4) != 2 or prices_e4[0] is None or prices_e4[1] is None:
        return None
    yes_e4, no_e4 = prices_e4[0], prices_e4[1]
    return yes_e4 if yes_e4 + no_e4 == PRICE_ONE_E4 else None


def of_clob(payload: bytes, yes_token: str) -> Resolution | None:
    """From a reply of the CLOB's GET /markets/{condition_id}; None if it names no outcome."""
    try:
        market = _CLOB.decode(payload)
    except (ValueError, RecursionError):
        return None
    winners = [token.token_id for token in market.tokens if token.winner]
    if not market.closed or len(market.tokens) != 2 or len(winners) > 1:
        return None
    if yes_token not in {token.token_id for token in market.tokens}:
        return None
    if winners:
        payout_e4 = PRICE_ONE_E4 if winners[0] == yes_token else 0
    elif market.is_50_50_outcome:
        payout_e4 = TIE_E4
    else:
        return None
    condition_id = market.condition_id
    return Resolution(condition_id=condition_id, payout_e4=payout_e4, source=Source.CLOB)


def of_feed(message: MarketResolved, yes_token: str, no_token: str) -> Resolution | None:
    """From a frame about this market; None if it names another token."""
    if message.winning_asset_id not in (yes_token, no_token):
        return None
    payout_e4 = PRICE_ONE_E4 if message.winning_asset_id == yes_token else 0
    return Resolution(condition_id=message.market, payout_e4=payout_e4, source=Source.FEED)
