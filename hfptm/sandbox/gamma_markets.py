"""Markets in Gamma's words.

The keys are those that every open market of the real API was seen to have, and those that depend
on its kind. Numbers are JSON numbers here, as there: they are for people, never for books.
Source: exchange reference, section 6.
"""

from hfptm.clock import format_utc
from hfptm.records import BUY, SELL, Token
from hfptm.sandbox.book_text import size_text
from hfptm.sandbox.books import best_e4
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.listings import Phase, Role
from hfptm.units import NO_ASK_E4, NO_BID_E4, ONE_E6, PRICE_ONE_E4, format_scaled

Json = dict[str, object]

LEGACY_BASE_FEE = 1_000
"""What `makerBaseFee` and its like say of every market with fees; it means nothing."""

REBATE_PERCENT = {"crypto": 20, "sports": 15}
"""Maker rebate as a part of the fee, by category; 25 in all others."""


def iso(ts_ns: int) -> str:
    """ "2026-11-01T00:00:00Z", with milliseconds if there are any."""
    return format_utc(ts_ns).replace(" ", "T").replace(".000Z", "Z")


def gamma_time(ts_ns: int) -> str:
    """ "2026-11-01 00:00:00+00", as some of Gamma's times are."""
    return format_utc(ts_ns)[:19] + "+00"


def market_json(market: MarketEntry, ts_ns: int) -> Json:
    """A market as it stands within its event."""
    return {
        **_described(market, ts_ns),
        **_ids(market),
        **_state(market),
        **_money(market),
        **_prices(market),
        **_fees(market),
        **_constants(),
    }


def _described(market: MarketEntry, ts_ns: int) -> Json:
    described: Json = {
        "question": market.listed.market.question,
        "description": market.listed.market.question,
        "slug": market.listed.market.slug,
        "resolutionSource": "",
        "image": "",
        "icon": "",
        "startDate": iso(market.created_ns),
        "startDateIso": iso(market.created_ns)[:10],
        "endDate": iso(end_ns(market)),
        "endDateIso": iso(end_ns(market))[:10],
        "createdAt": iso(market.created_ns),
        "updatedAt": iso(ts_ns),
        "acceptingOrdersTimestamp": iso(market.created_ns),
        "groupItemThreshold": str(market.event.markets.index(market)),
        "groupItemTitle": market.terms.group_title,
    }
    if market.listed.listing.game_start_ns:
        described["gameStartTime"] = gamma_time(market.listed.listing.game_start_ns)
    if market.terms.window_start_ns:
        described["eventStartTime"] = iso(market.terms.window_start_ns)
    return described


def end_ns(market: MarketEntry) -> int:
    """Its scheduled end, its event's if it has none of its own."""
    return market.listed.market.end_ts_ns or market.event.terms.end_ns


def _ids(market: MarketEntry) -> Json:
    """v1 ids are an array in a string, v2 ids a real one."""
    yes, no = market.listed.tokens()
    is_v2, neg_risk_id = market.is_v2(), market.event.terms.neg_risk_id
    ids: Json = {
        "id": str(market.market_id),
        "conditionId": market.gamma_condition(),
        "questionID": market.clob_condition(),
        "version": "v2" if is_v2 else "v1",
        "clobTokenIds": None if is_v2 else _strings(yes, no),
        "positionIds": [yes, no] if is_v2 else None,
        "outcomes": _strings(*market.terms.outcomes),
        "marketMakerAddress": "",
    }
    if neg_risk_id:
        ids |= {"negRiskMarketID": neg_risk_id, "negRiskRequestID": market.clob_condition()}
    return ids


def _strings(first: str, second: str) -> str:
    """A JSON array of two plain strings, as the text that Gamma puts into a string."""
    return f'["{first}", "{second}"]'


def _state(market: MarketEntry) -> Json:
    listed = market.listed
    is_resolved = listed.phase is Phase.RESOLVED
    state: Json = {
        "active": listed.phase is not Phase.NOT_READY,
        "closed": is_resolved,
        "archived": False,
        "acceptingOrders": listed.phase is Phase.OPEN,
        "enableOrderBook": True,
        "restricted": True,
        "negRisk": listed.market.neg_risk,
        "negRiskOther": listed.role is Role.OTHER,
        "clearBookOnStart": listed.listing.clears_at_start,
        "secondsDelay": listed.listing.sd_s,
        "umaResolutionStatuses": '["proposed", "resolved"]' if is_resolved else "[]",
    }
    if is_resolved and market.is_v2():
        state["resolutionStatus"] = "resolved"
    elif is_resolved:
        state["umaResolutionStatus"] = "resolved"
    return state


def liquidity_e6(market: MarketEntry) -> int:
    """What resting orders would spend: bids their price, asks the rest of a dollar."""
    book = market.listed.book
    bids = sum(price_e4 * size_e6 for price_e4, size_e6 in book.published_levels(BUY))
    asks = book.published_levels(SELL)
    return (bids + sum((PRICE_ONE_E4 - p_e4) * size_e6 for p_e4, size_e6 in asks)) // PRICE_ONE_E4


def _money(market: MarketEntry) -> Json:
    """Volume windows are all the same: nothing here is a day old."""
    volume_e6, resting_e6 = market.tape.volume_e6, liquidity_e6(market)
    spans = ("volumeNum", "volumeClob", "volume24hr", "volume1wk", "volume1mo", "volume1yr")
    clob_spans = tuple(f"{span}Clob" for span in spans[2:])
    return {
        "volume": size_text(volume_e6),
        **dict.fromkeys((*spans, *clob_spans), volume_e6 / ONE_E6),
        "liquidity": size_text(resting_e6),
        "liquidityNum": resting_e6 / ONE_E6,
        "liquidityClob": resting_e6 / ONE_E6,
        "orderMinSize": number(market.listed.market.min_size_e6),
        "orderPriceMinTickSize": market.listed.market.tick_e4 / PRICE_ONE_E4,
    }


def outcome_prices_e5(market: MarketEntry) -> tuple[int, int]:
    """The payouts once resolved, else the middle of both best prices, which may be half a tick."""
    if market.listed.phase is Phase.RESOLVED:
        yes_e5 = market.listed.payout_e4 * 10
    else:
        yes_e5 = sum(best_e4(market, Token.YES)) * 5
    return yes_e5, PRICE_ONE_E4 * 10 - yes_e5


def _prices(market: MarketEntry) -> Json:
    bid_e4, ask_e4 = best_e4(market, Token.YES)
    yes_e5, no_e5 = outcome_prices_e5(market)
    prices: Json = {
        "outcomePrices": _strings(format_scaled(yes_e5, 5), format_scaled(no_e5, 5)),
        "spread": (ask_e4 - bid_e4) / PRICE_ONE_E4,
    }
    if bid_e4 != NO_BID_E4:
        prices["bestBid"] = bid_e4 / PRICE_ONE_E4
    if ask_e4 != NO_ASK_E4:
        prices["bestAsk"] = ask_e4 / PRICE_ONE_E4
    if market.tape.last_token:
        yes_e4 = market.tape.last_price_of_e4(market.listed.market.yes_token)
        prices["lastTradePrice"] = yes_e4 / PRICE_ONE_E4
    return prices


def number(value_e6: int) -> int | float:
    """As JSON prints it: 5 and not 5.0."""
    return value_e6 / ONE_E6 if value_e6 % ONE_E6 else value_e6 // ONE_E6


def _fees(market: MarketEntry) -> Json:
    terms = market.listed.market
    if not terms.fee_rate_e4:
        return {"feesEnabled": False, "feeType": None}
    return {
        "feesEnabled": True,
        "feeType": f"{terms.category}_fees",
        "feeSchedule": {
            "exponent": terms.fee_exponent,
            "rate": terms.fee_rate_e4 / PRICE_ONE_E4,
            "takerOnly": True,
            "rebateRate": REBATE_PERCENT.get(terms.category, 25) / 100,
        },
        "makerBaseFee": LEGACY_BASE_FEE,
        "takerBaseFee": LEGACY_BASE_FEE,
    }


def _constants() -> Json:
    """What is the same for every market here."""
    switched_off = (
        "new",
        "featured",
        "ready",
        "funded",
        "cyom",
        "pagerDutyNotificationEnabled",
        "showGmpSeries",
        "showGmpOutcome",
        "manualActivation",
        "pendingDeployment",
        "deploying",
        "rfqEnabled",
        "holdingRewardsEnabled",
        "requiresTranslation",
    )
    switched_on = ("approved", "automaticallyActive", "hasReviewedDates")
    return {
        **dict.fromkeys(switched_off, False),
        **dict.fromkeys(switched_on, True),
        "rewardsMinSize": 0,
        "rewardsMaxSpread": 0.0,
    }
