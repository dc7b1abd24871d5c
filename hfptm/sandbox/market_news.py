"""Messages of the market channel that are about a market as a whole, in the exchange's words.

Source: exchange reference, section 1.3. `assets_ids` are in the order of their numbers, which says
nothing about outcomes, as on the real exchange.
"""

import json

from hfptm.records import Token
from hfptm.sandbox.book_text import price_text
from hfptm.sandbox.catalogue import EventEntry, MarketEntry
from hfptm.sandbox.gamma_markets import LEGACY_BASE_FEE, REBATE_PERCENT, Json, gamma_time
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, format_scaled


def new_market(entry: MarketEntry) -> str:
    """A market was listed."""
    listed, market = entry.listed, entry.listed.market
    game_ns = listed.listing.game_start_ns
    return _json(
        {
            "id": str(entry.market_id),
            "question": market.question,
            "market": entry.clob_condition(),
            "slug": market.slug,
            "description": market.question,
            "assets_ids": _by_number(entry),
            "outcomes": list(entry.terms.outcomes),
            "event_message": _event(entry.event),
            "timestamp": str(entry.created_ns // NS_PER_MS),
            "event_type": "new_market",
            "tags": [tag.slug for tag in entry.event.terms.tags],
            "condition_id": entry.clob_condition(),
            "active": False,
            "clob_token_ids": list(listed.tokens()),
            "sports_market_type": "",
            "line": "",
            "game_start_time": gamma_time(game_ns) if game_ns else "",
            "order_price_min_tick_size": price_text(market.tick_e4),
            "group_item_title": entry.terms.group_title,
            "taker_base_fee": str(LEGACY_BASE_FEE if market.fee_rate_e4 else 0),
            "fees_enabled": bool(market.fee_rate_e4),
            "fee_schedule": _fee_schedule(entry),
        }
    )


def market_resolved(entry: MarketEntry) -> str:
    """A market was resolved. In a tie no token wins."""
    payout_e4 = entry.listed.payout_e4
    winner = {PRICE_ONE_E4: Token.YES, 0: Token.NO}.get(payout_e4)
    return _json(
        {
            "id": str(entry.market_id),
            "market": entry.clob_condition(),
            "assets_ids": _by_number(entry),
            "winning_asset_id": "" if winner is None else entry.listed.tokens()[winner],
            "winning_outcome": "" if winner is None else entry.terms.outcomes[winner],
            "event_message": _event(entry.event),
            "timestamp": str(entry.tape.changed_ms),
            "tags": [tag.slug for tag in entry.event.terms.tags],
            "event_type": "market_resolved",
        }
    )


def tick_size_change(entry: MarketEntry, token: Token, old_tick_e4: int) -> str:
    """The price grid is another one. The tick of before is not known to the market any more."""
    return _json(
        {
            "market": entry.clob_condition(),
            "asset_id": entry.listed.tokens()[token],
            "old_tick_size": price_text(old_tick_e4),
            "new_tick_size": price_text(entry.listed.market.tick_e4),
            "timestamp": str(entry.tape.changed_ms),
            "event_type": "tick_size_change",
        }
    )


def _by_number(entry: MarketEntry) -> list[str]:
    return sorted(entry.listed.tokens(), key=lambda token: (len(token), token))


def _event(event: EventEntry) -> Json:
    terms = event.terms
    return {
        "id": str(event.event_id),
        "ticker": terms.slug,
        "slug": terms.slug,
        "title": terms.title,
        "description": terms.title,
    }


def _fee_schedule(entry: MarketEntry) -> Json | None:
    """Names and numbers differ from Gamma's: snake case, strings."""
    market = entry.listed.market
    if not market.fee_rate_e4:
        return None
    return {
        "exponent": str(market.fee_exponent),
        "rate": price_text(market.fee_rate_e4),
        "taker_only": True,
        "rebate_rate": format_scaled(REBATE_PERCENT.get(market.category, 25), 2),
    }


def _json(message: Json) -> str:
    """With a blank after each comma, as the exchange prints these."""
    return json.dumps(message, separators=(", ", ":"), ensure_ascii=False)
