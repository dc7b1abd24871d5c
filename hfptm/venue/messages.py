"""Messages of the market channel and REST books, decoded from bytes without ever raising.

The exchange adds keys, omits others and has changed shapes over the years, so the structs ask for
nothing they can do without: unknown keys are ignored, and a number that should have been a string
is kept as it came, for the reader of that one level to refuse. Nothing decoded from JSON refers to
itself, so none of it is the garbage collector's (`gc=False`). Source: exchange reference, sections
1.2, 1.3 and 3.1.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

Text = str | int | float | None
"""A number on the wire: a string, as specified. Anything else is unreadable, but only there."""


class Level(msgspec.Struct, gc=False):
    """`{"price":"0.47","size":"30"}`: the exchange's own strings."""

    price: Text = None
    size: Text = None


class Book(msgspec.Struct, gc=False, tag_field="event_type", tag="book"):
    """Full book of one token, from the WebSocket or (without `event_type`) from REST.

    `{"market":"0xc0","asset_id":"71","timestamp":"1793000000123","hash":"66",
    "bids":[{"price":"0.47","size":"30"}],"asks":[],"tick_size":"0.01","event_type":"book",
    "last_trade_price":"0.510"}`
    """

    asset_id: str
    market: str = ""
    timestamp: Text = None
    hash: Text = None
    bids: list[Level] = []
    asks: list[Level] = []
    tick_size: Text = None
    last_trade_price: Text = None
    min_order_size: Text = None
    neg_risk: bool | None = None


class Change(msgspec.Struct, gc=False):
    """One entry of a price change: the new total size of a level, "0" if it is gone."""

    asset_id: str = ""
    price: Text = None
    size: Text = None
    side: Text = None
    hash: Text = None
    best_bid: Text = None
    best_ask: Text = None


class PriceChange(msgspec.Struct, gc=False, tag_field="event_type", tag="price_change"):
    """Changed levels; three shapes, read through `entries`.

    Since 2025-09-15: `{"market":"0xc0","price_changes":[{"asset_id":"71","price":"0.51",
    "size":"40","side":"BUY","hash":"f3","best_bid":"0.51","best_ask":"0.52"}],
    "timestamp":"1793000000987","event_type":"price_change"}`; before: one `asset_id` for all, and
    `"changes":[{"price":"0.51","side":"BUY","size":"40"}]`; before that: price, side and size at
    the top level.
    """

    market: str = ""
    timestamp: Text = None
    price_changes: list[Change] | None = None
    changes: list[Change] | None = None
    asset_id: str = ""
    price: Text = None
    size: Text = None
    side: Text = None
    hash: Text = None

    def entries(self) -> list[Change]:
        """The changes in one shape, in the order of the frame."""
        if self.price_changes is not None:
            return self.price_changes
        if self.changes is not None:
            return [self._of_one_token(change) for change in self.changes]
        return [Change(self.asset_id, self.price, self.size, self.side, self.hash)]

    def _of_one_token(self, change: Change) -> Change:
        return Change(self.asset_id, change.price, change.size, change.side, self.hash)


class LastTradePrice(msgspec.Struct, gc=False, tag_field="event_type", tag="last_trade_price"):
    """A trade print; `side` is the taker's.

    `{"market":"0xc0","asset_id":"71","price":"0.52","size":"12.5","fee_rate_bps":"0","side":"BUY",
    "timestamp":"1793000001200","event_type":"last_trade_price"}`
    """

    asset_id: str
    market: str = ""
    price: Text = None
    size: Text = None
    side: Text = None
    timestamp: Text = None


class TickSizeChange(msgspec.Struct, gc=False, tag_field="event_type", tag="tick_size_change"):
    """`{"market":"0xc0","asset_id":"71","old_tick_size":"0.01","new_tick_size":"0.001",
    "timestamp":"1793000002000","event_type":"tick_size_change"}`"""

    asset_id: str
    market: str = ""
    new_tick_size: Text = None
    timestamp: Text = None


class BestBidAsk(msgspec.Struct, gc=False, tag_field="event_type", tag="best_bid_ask"):
    """`{"market":"0xc0","asset_id":"71","best_bid":"0.51","best_ask":"0.52","spread":"0.01",
    "timestamp":"1793000000987","event_type":"best_bid_ask"}`"""

    asset_id: str
    market: str = ""
    best_bid: Text = None
    best_ask: Text = None
    timestamp: Text = None


class NewMarket(msgspec.Struct, gc=False, tag_field="event_type", tag="new_market"):
    """A market was created, anywhere on the exchange. The order of `assets_ids` means nothing.

    `{"id":"29","question":"Up or Down?","market":"0xc0","slug":"btc-updown-5m-1793000100",
    "assets_ids":["72","71"],"outcomes":["Up","Down"],"clob_token_ids":["71","72"],
    "order_price_min_tick_size":"0.01","fee_schedule":{"exponent":"1","rate":"0.07"},
    "timestamp":"1793000003000","event_type":"new_market"}`
    """

    market: str
    slug: str = ""
    question: str = ""
    assets_ids: list[str] = []
    clob_token_ids: list[str] = []
    outcomes: list[str] = []
    order_price_min_tick_size: Text = None
    fee_schedule: dict[str, Any] | None = None
    event_message: dict[str, Any] | None = None
    timestamp: Text = None


class MarketResolved(msgspec.Struct, gc=False, tag_field="event_type", tag="market_resolved"):
    """`{"id":"29","market":"0xc0","assets_ids":["71","72"],"winning_asset_id":"71",
    "winning_outcome":"Up","timestamp":"1793000400000","event_type":"market_resolved"}`"""

    winning_asset_id: str
    market: str = ""
    timestamp: Text = None


class Trouble(StrEnum):
    """Why something could not be used; the names of the counters of `counters.Counters`."""

    BAD_JSON = "bad_json"
    UNKNOWN_TYPE = "unknown_type"
    BAD_MESSAGE = "bad_message"


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """A frame, or one element of an array frame, that is no readable message.

    `market` is its condition id where that much could be read: something of it was missed.
    """

    trouble: Trouble
    market: str = ""


Known = (
    Book | PriceChange | LastTradePrice | TickSizeChange | BestBidAsk | NewMarket | MarketResolved
)
Message = Known | Malformed

Keys = dict[str, msgspec.Raw]
Kind = TypeVar("Kind")
Decoders = Mapping[str, Callable[[bytes], Kind]]

_FRAME = msgspec.json.Decoder(list[Known] | Known)
_PIECES = msgspec.json.Decoder(list[msgspec.Raw])
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_TYPES: Decoders[Known] = {
    "book": msgspec.json.Decoder(Book).decode,
    "price_change": msgspec.json.Decoder(PriceChange).decode,
    "last_trade_price": msgspec.json.Decoder(LastTradePrice).decode,
    "tick_size_change": msgspec.json.Decoder(TickSizeChange).decode,
    "best_bid_ask": msgspec.json.Decoder(BestBidAsk).decode,
    "new_market": msgspec.json.Decoder(NewMarket).decode,
    "market_resolved": msgspec.json.Decoder(MarketResolved).decode,
}
_SIGNATURES = (
    ("book", {"asset_id", "bids", "asks"}),
    ("price_change", {"market", "price_changes"}),
    ("price_change", {"asset_id", "changes"}),
    ("tick_size_change", {"asset_id", "new_tick_size"}),
    ("best_bid_ask", {"asset_id", "best_bid", "best_ask"}),
    ("market_resolved", {"market", "winning_asset_id"}),
    ("new_market", {"market", "question", "assets_ids"}),
    ("last_trade_price", {"asset_id", "price", "size", "side", "fee_rate_bps"}),
    ("price_change", {"asset_id", "price", "size", "side", "hash"}),
)
"""Keys by which a message without `event_type` is known; the first that fits decides."""

_USER_CHANNEL_KEYS = {"owner", "order_owner", "maker_address", "taker_order_id"}
_UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises on hostile input: its own errors and UnicodeDecodeError are ValueErrors."""


def decode(payload: bytes) -> list[Message]:
    """Every message of one frame (object or array), in order; never raises, whatever the bytes.

    Empty for `PONG` and `[]`. What cannot be read becomes `Malformed`, each element of an array
    by itself.
    """
    try:
        frame = _FRAME.decode(payload)
    except _UNREADABLE:
        return decode_pieces(payload, _event_type, _TYPES)
    return list(frame) if isinstance(frame, list) else [frame]


def decode_pieces(
    payload: bytes, kind_of: Callable[[Keys], str], decoders: Decoders[Kind]
) -> list[Kind | Malformed]:
    """As `decode`, each message by the decoder of the kind that its keys tell."""
    text = payload.strip()
    if text == b"PONG":
        return []
    if not text.startswith(b"["):
        return [decode_piece(text, kind_of, decoders)]
    try:
        pieces = _PIECES.decode(text)
    except _UNREADABLE:
        return [Malformed(Trouble.BAD_JSON)]
    return [decode_piece(bytes(piece), kind_of, decoders) for piece in pieces]


def decode_piece(
    text: bytes, kind_of: Callable[[Keys], str], decoders: Decoders[Kind]
) -> Kind | Malformed:
    """One message; never raises."""
    try:
        keys = _KEYS.decode(text)
    except msgspec.ValidationError:
        return Malformed(Trouble.BAD_MESSAGE)
    except _UNREADABLE:
        return Malformed(Trouble.BAD_JSON)
    decode_kind = decoders.get(kind_of(keys))
    if decode_kind is None:
        return Malformed(Trouble.UNKNOWN_TYPE)
    try:
        return decode_kind(text)
    except _UNREADABLE:
        return Malformed(Trouble.BAD_MESSAGE, string_of(keys, "market"))


def _event_type(keys: Keys) -> str:
    if "event_type" in keys:
        return string_of(keys, "event_type")
    if not _USER_CHANNEL_KEYS.isdisjoint(keys):
        return ""
    return next((name for name, needed in _SIGNATURES if needed <= keys.keys()), "")


def string_of(keys: Keys, key: str) -> str:
    """Empty if it is missing, or no string."""
    try:
        return _STRING.decode(keys[key]) if key in keys else ""
    except _UNREADABLE:
        return ""
