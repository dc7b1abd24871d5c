"""Gamma's pages of events and markets, decoded from bytes without ever raising.

Sans-I/O. Most keys are optional on the wire, numbers are sometimes strings, and arrays of ids,
outcomes and prices come as JSON within a string, so the structs ask for nothing they can do
without; `venue.listings` decides what is a market that can be recorded. Each entry is decoded by
itself: one of an unreadable shape costs that entry, not its page. Source: exchange reference,
section 6.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

Number = Any
"""A number, a decimal string, or null; read with `exact` or `floored`. Never a float."""

Strings = str | list[str] | None
"""An array of strings, or the JSON text of one; read with `strings`."""

_ADJUSTED_MAX = 18
"""Decimal exponent beyond which nothing here is a quantity; spelt out it might not fit memory."""


class FeeSchedule(msgspec.Struct):
    """`{"rate":0.04,"exponent":1,"takerOnly":true,"rebateRate":0.25}`"""

    rate: Number = None
    exponent: Number = None


class GammaMarket(msgspec.Struct, rename="camel"):
    """The keys that are used of a market; `reference, section 6` shows a whole one."""

    condition_id: str
    slug: str = ""
    question: str | None = None
    version: str | None = None
    clob_token_ids: Strings = None
    position_ids: Strings = None
    outcomes: Strings = None
    outcome_prices: Strings = None
    active: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    order_price_min_tick_size: Number = None
    order_min_size: Number = None
    volume_24h: Number = msgspec.field(default=None, name="volume24hr")
    liquidity_num: Number = None
    start_date: str | None = None
    end_date: str | None = None
    event_start_time: str | None = None
    game_start_time: str | None = None
    seconds_delay: Number = None
    accepting_orders_timestamp: str | None = None
    closed_time: str | None = None
    neg_risk: bool | None = None
    neg_risk_id: str | None = msgspec.field(default=None, name="negRiskMarketID")
    fees_enabled: bool | None = None
    fee_type: str | None = None
    fee_schedule: FeeSchedule | None = None
    uma_resolution_status: str | None = None
    resolution_status: str | None = None


class Tag(msgspec.Struct):
    slug: str | None = None


class Series(msgspec.Struct):
    slug: str | None = None
    volume_24h: Number = msgspec.field(default=None, name="volume24hr")


class EventHead(msgspec.Struct, rename="camel"):
    """The keys that are used of an event, apart from its markets."""

    slug: str = ""
    end_date: str | None = None
    neg_risk: bool | None = None
    neg_risk_augmented: bool | None = None
    neg_risk_id: str | None = msgspec.field(default=None, name="negRiskMarketID")
    neg_risk_fee_bips: Number = None
    cumulative_markets: bool | None = None
    series_slug: str | None = None
    series: list[Series] | None = None
    tags: list[Tag] | None = None


class GammaEvent(msgspec.Struct, frozen=True):
    head: EventHead
    markets: list[GammaMarket]
    unreadable: int
    """Markets of an unreadable shape."""


class EventPage(msgspec.Struct, frozen=True):
    events: list[GammaEvent]
    next_cursor: str
    """Empty on the last page."""
    unreadable: int
    """Events of an unreadable shape."""


class MarketPage(msgspec.Struct, frozen=True):
    markets: list[GammaMarket]
    next_cursor: str
    unreadable: int


class _Page(msgspec.Struct):
    events: list[msgspec.Raw] | None = None
    markets: list[msgspec.Raw] | None = None
    next_cursor: str | None = None


class _Event(EventHead):
    markets: list[msgspec.Raw] | None = None


_UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises on hostile input: its own errors and UnicodeDecodeError are ValueErrors."""

_PAGE = msgspec.json.Decoder(_Page)
_EVENT = msgspec.json.Decoder(_Event, float_hook=Decimal)
_MARKET = msgspec.json.Decoder(GammaMarket, float_hook=Decimal)
_STRINGS = msgspec.json.Decoder(list[str])


def decode_events(payload: bytes) -> EventPage | None:
    """A reply of GET /events/keyset; None if it is no page of events."""
    page = _decode_page(payload)
    if page is None or page.events is None:
        return None
    events: list[GammaEvent] = []
    unreadable = 0
    for raw in page.events:
        try:
            events.append(_decode_event(raw))
        except _UNREADABLE:
            unreadable += 1
    return EventPage(events, page.next_cursor or "", unreadable)


def decode_markets(payload: bytes) -> MarketPage | None:
    """A reply of GET /markets/keyset; None if it is no page of markets."""
    page = _decode_page(payload)
    if page is None or page.markets is None:
        return None
    markets, unreadable = _decode_each(page.markets)
    return MarketPage(markets, page.next_cursor or "", unreadable)


def _decode_page(payload: bytes) -> _Page | None:
    try:
        return _PAGE.decode(payload)
    except _UNREADABLE:
        return None


def _decode_event(raw: msgspec.Raw) -> GammaEvent:
    event = _EVENT.decode(raw)
    markets, unreadable = _decode_each(event.markets or [])
    event.markets = None  # raw values keep the whole page in memory
    return GammaEvent(event, markets, unreadable)


def _decode_each(raws: list[msgspec.Raw]) -> tuple[list[GammaMarket], int]:
    markets: list[GammaMarket] = []
    for raw in raws:
        try:
            markets.append(_MARKET.decode(raw))
        except _UNREADABLE:
            continue
    return markets, len(raws) - len(markets)


def strings(value: Strings) -> tuple[str, ...]:
    """The array, wherever it is hidden; empty if there is none or it is unreadable."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(value)
    try:
        return tuple(_STRINGS.decode(value))
    except _UNREADABLE:
        return ()


def exact(value: Number, digits: int) -> int | None:
    """`value` x 10**digits; None if it is no number, negative, or has more decimals."""
    scaled = _scaled(value, digits)
    return int(scaled) if scaled is not None and scaled == scaled.to_integral_value() else None


def floored(value: Number, digits: int) -> int | None:
    """`value` x 10**digits, rounded down; None if it is no number or negative."""
    scaled = _scaled(value, digits)
    return None if scaled is None else int(scaled)


def _scaled(value: Number, digits: int) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0 or number.adjusted() not in range(-100, _ADJUSTED_MAX):
        return None
    return number.scaleb(digits)
