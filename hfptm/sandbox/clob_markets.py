"""CLOB reads by market: its rules in short and in long, lists of markets, and markets by token.

Source: exchange reference, section 3.1, and replies of the real API.
"""

import re

from hfptm.records import Token
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json
from hfptm.sandbox.catalogue import Catalogue, MarketEntry
from hfptm.sandbox.cursors import page
from hfptm.sandbox.gamma_markets import (
    LEGACY_BASE_FEE,
    Json,
    end_ns,
    iso,
    number,
    outcome_prices_e5,
)
from hfptm.sandbox.listings import Phase
from hfptm.units import PRICE_ONE_E4
from hfptm.venue.signing import parse_uint256

PAGE = 1_000
_CONDITION = re.compile(r"0x[0-9a-f]{64}")


class MarketReads:
    """Handlers over a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def clob_market(self, call: Call) -> Reply:
        """GET /clob-markets/{condition_id}: the rules to trade by, under short keys."""
        return as_json(_rules(self._of_condition(call)))

    def market(self, call: Call) -> Reply:
        """GET /markets/{condition_id}."""
        return as_json(_market(self._of_condition(call)))

    def markets(self, call: Call) -> Reply:
        """GET /markets: all, oldest first."""
        return page(call, self._catalogue.markets, PAGE, _market, "Invalid next_cursor")

    def sampling_markets(self, call: Call) -> Reply:
        """GET /sampling-markets: those that take orders."""
        return page(call, self._open(), PAGE, _market, "Invalid next_cursor")

    def simplified_markets(self, call: Call) -> Reply:
        """GET /simplified-markets."""
        return page(call, self._catalogue.markets, PAGE, _simplified, "Invalid next_cursor")

    def sampling_simplified_markets(self, call: Call) -> Reply:
        """GET /sampling-simplified-markets."""
        return page(call, self._open(), PAGE, _simplified, "Invalid next_cursor")

    def by_token(self, call: Call) -> Reply:
        """GET /markets-by-token/{token_id}; the primary token is the smaller one, not YES."""
        entry = self._catalogue.of_token(call.parts["token_id"])
        if entry is None:
            raise ApiError(404, "market not found")
        primary, secondary = sorted(entry.listed.tokens(), key=parse_uint256)
        return as_json(
            {
                "condition_id": entry.clob_condition(),
                "primary_token_id": primary,
                "secondary_token_id": secondary,
            }
        )

    def _open(self) -> list[MarketEntry]:
        return [m for m in self._catalogue.markets if m.listed.phase is Phase.OPEN]

    def _of_condition(self, call: Call) -> MarketEntry:
        condition = call.parts["condition_id"].lower()
        entry = self._catalogue.of_condition(condition)
        if entry is None and not _CONDITION.fullmatch(condition):
            raise ApiError(400, "Invalid market")
        if entry is None:
            raise ApiError(404, "market not found")
        return entry


def _base_fee(entry: MarketEntry) -> int:
    return LEGACY_BASE_FEE if entry.listed.market.fee_rate_e4 else 0


def _rules(entry: MarketEntry) -> Json:
    market, listing = entry.listed.market, entry.listed.listing
    rules: Json = {
        "c": entry.clob_condition(),
        "v": "v2" if entry.is_v2() else "v1",
        "t": [
            {"t": token, "o": outcome}
            for token, outcome in zip(entry.listed.tokens(), entry.terms.outcomes, strict=True)
        ],
        "mts": market.tick_e4 / PRICE_ONE_E4,
        "mos": number(market.min_size_e6),
        "nr": market.neg_risk,
        "mbf": _base_fee(entry),
        "tbf": _base_fee(entry),
        "ao": entry.listed.phase is Phase.OPEN,
        "aot": iso(entry.created_ns),
        "sd": listing.sd_s,
        "gst": iso(listing.game_start_ns) if listing.game_start_ns else None,
        "cbos": listing.clears_at_start,
        "itode": bool(listing.itode_ms),
        "ibce": False,
        "rfqe": False,
        "r": {"mi": 0, "ma": 0},
    }
    if market.fee_rate_e4:
        rate = market.fee_rate_e4 / PRICE_ONE_E4
        rules["fd"] = {"r": rate, "e": market.fee_exponent, "to": True}
    return rules


def _tokens(entry: MarketEntry) -> list[Json]:
    is_resolved = entry.listed.phase is Phase.RESOLVED
    return [
        {
            "token_id": entry.listed.tokens()[token],
            "outcome": entry.terms.outcomes[token],
            "price": price_e5 / (PRICE_ONE_E4 * 10),
            "winner": is_resolved and price_e5 == PRICE_ONE_E4 * 10,
        }
        for token, price_e5 in zip(Token, outcome_prices_e5(entry), strict=True)
    ]


def _simplified(entry: MarketEntry) -> Json:
    phase = entry.listed.phase
    return {
        "condition_id": entry.clob_condition(),
        "active": phase is not Phase.NOT_READY,
        "closed": phase is Phase.RESOLVED,
        "archived": False,
        "accepting_orders": phase is Phase.OPEN,
        "tokens": _tokens(entry),
        "rewards": {"rates": None, "min_size": 0, "max_spread": 0.0},
    }


def _market(entry: MarketEntry) -> Json:
    market, listing = entry.listed.market, entry.listed.listing
    payouts_e4 = (0, PRICE_ONE_E4)
    is_resolved = entry.listed.phase is Phase.RESOLVED
    return _simplified(entry) | {
        "accepting_order_timestamp": iso(entry.created_ns),
        "description": market.question,
        "enable_order_book": entry.listed.phase in (Phase.OPEN, Phase.CLOSED),
        "end_date_iso": iso(end_ns(entry)),
        "fpmm": "",
        "game_start_time": iso(listing.game_start_ns) if listing.game_start_ns else None,
        "icon": "",
        "image": "",
        "is_50_50_outcome": is_resolved and entry.listed.payout_e4 not in payouts_e4,
        "maker_base_fee": _base_fee(entry),
        "taker_base_fee": _base_fee(entry),
        "market_slug": market.slug,
        "minimum_order_size": number(market.min_size_e6),
        "minimum_tick_size": market.tick_e4 / PRICE_ONE_E4,
        "neg_risk": market.neg_risk,
        "neg_risk_market_id": entry.event.terms.neg_risk_id,
        "neg_risk_request_id": entry.clob_condition() if market.neg_risk else "",
        "notifications_enabled": True,
        "question": market.question,
        "question_id": entry.clob_condition(),
        "seconds_delay": listing.sd_s,
        "tags": [tag.label for tag in entry.event.terms.tags],
    }
