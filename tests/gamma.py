"""Gamma's JSON in few words: markets and events as its pages print them."""

import json
from typing import Any

from hfptm.clock import format_utc, parse_utc_ns
from hfptm.units import NS_PER_S
from hfptm.venue.gamma import EventPage, GammaMarket, decode_events, decode_markets
from hfptm.venue.listings import Listed, Reading, read_event

NOW_NS = parse_utc_ns("2026-11-22T12:00:00Z")


def condition(number: int) -> str:
    return f"0x{number << 200:064x}"


def market_json(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An open market of protocol V1, without fees; ids follow from its number."""
    ids = [str(number << 128 | 1), str(number << 128 | 2)]
    market = {
        "id": str(number),
        "conditionId": condition(number),
        "slug": f"market-{number}",
        "question": f"Market {number}?",
        "version": "v1",
        "clobTokenIds": json.dumps(ids),
        "positionIds": None,
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.5", "0.5"]',
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "volume24hr": 5_000.25,
        "liquidityNum": 900.5,
        "endDate": "2026-12-31T00:00:00Z",
        "acceptingOrdersTimestamp": "2026-11-01T00:00:00Z",
        "negRisk": False,
        "feesEnabled": False,
        "feeType": None,
    }
    return market | changes


def neg_risk_markets(count: int, first: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [
        market_json(number, negRisk=True, negRiskMarketID="0x" + "ab" * 32, **changes)
        for number in range(first, first + count)
    ]


def event_json(*markets: dict[str, Any], **changes: Any) -> dict[str, Any]:
    event = {
        "id": "1",
        "slug": "an-event",
        "title": "An event",
        "endDate": "2026-12-31T00:00:00Z",
        "negRisk": any(market.get("negRisk") for market in markets),
        "negRiskAugmented": False,
        "cumulativeMarkets": False,
        "tags": [{"id": "1", "label": "Sports", "slug": "sports"}],
        "markets": list(markets),
    }
    return event | changes


def page(*events: dict[str, Any], cursor: str | None = None) -> bytes:
    following = {} if cursor is None else {"next_cursor": cursor}
    return json.dumps({"events": events, **following}).encode()


def events_of(payload: bytes) -> EventPage:
    found = decode_events(payload)
    assert found is not None
    return found


def market_of(market: dict[str, Any]) -> GammaMarket:
    found = decode_markets(json.dumps({"markets": [market]}).encode())
    assert found is not None
    return found.markets[0]


def read(event: dict[str, Any], now_ns: int = NOW_NS) -> Reading:
    (decoded,) = events_of(page(event)).events
    return read_event(decoded, now_ns, parse_utc_ns)


def listed(number: int = 1, **changes: Any) -> Listed:
    """One market that Gamma lists in an event of its own; `event` changes the event."""
    event = {"slug": f"event-{number}"} | changes.pop("event", {})
    (found,) = read(event_json(market_json(number, **changes), **event)).listed
    return found


def window_json(
    asset: str, minutes: int, start_ns: int, number: int, **changes: Any
) -> dict[str, Any]:
    """A market of an up or down series."""
    start_s = start_ns // NS_PER_S
    return market_json(
        number,
        **{
            "slug": f"{asset}-updown-{minutes}m-{start_s}",
            "outcomes": '["Up", "Down"]',
            "volume24hr": 0,
            "endDate": iso(start_ns + minutes * 60 * NS_PER_S),
            "eventStartTime": iso(start_ns),
            **changes,
        },
    )


def iso(ts_ns: int) -> str:
    return format_utc(ts_ns).replace(" ", "T")
