"""Messages of the user channel, and orders and trades as REST tells them; decoding never raises.

The structs ask for nothing they can do without, and unknown keys are ignored. Source: exchange
reference, sections 2 and 3.3.
"""

import msgspec

from hfptm.venue.messages import (
    Decoders,
    Keys,
    Malformed,
    Text,
    Trouble,
    decode_piece,
    decode_pieces,
    string_of,
)

NO_MORE = "LTE="
"""The cursor behind the last page of REST."""


class UserOrder(msgspec.Struct, gc=False):
    """`{"event_type":"order","id":"0x9f","market":"0xc0","type":"UPDATE","status":"LIVE",
    "original_size":"10","size_matched":"2","timestamp":"1793000000500"}`; from REST without the
    first, the type and the timestamp."""

    id: str
    market: str = ""
    type: str | None = None
    """PLACEMENT, UPDATE or CANCELLATION."""
    status: str | None = None
    """LIVE, MATCHED, DELAYED, UNMATCHED, INVALID, CANCELED and more, or CANCELED_ and a text."""
    size_matched: Text = None
    timestamp: Text = None


class MakerOrder(msgspec.Struct, gc=False):
    """A resting order's part of a trade; the price is in its own token."""

    order_id: str = ""
    asset_id: Text = None
    matched_amount: Text = None
    price: Text = None


class UserTrade(msgspec.Struct, gc=False):
    """`{"event_type":"trade","id":"5c","market":"0xc0","status":"MATCHED","taker_order_id":"0x9f",
    "asset_id":"7","size":"10","price":"0.52","timestamp":"1793000000600","maker_orders":[{
    "order_id":"0x77","asset_id":"8","matched_amount":"10","price":"0.48"}]}`; what is on top is the
    taker's, whoever listens."""

    id: str
    market: str = ""
    status: str | None = None
    """MATCHED, MINED, CONFIRMED, RETRYING, FAILED; REST puts TRADE_STATUS_ before."""
    taker_order_id: str | None = None
    asset_id: Text = None
    """The taker's token."""
    size: Text = None
    price: Text = None
    timestamp: Text = None
    maker_orders: list[MakerOrder] | None = None


UserMessage = UserOrder | UserTrade | Malformed


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    next_cursor: str = NO_MORE


_PAGE = msgspec.json.Decoder(_Page)
_KINDS: Decoders[UserOrder | UserTrade] = {
    "order": msgspec.json.Decoder(UserOrder).decode,
    "trade": msgspec.json.Decoder(UserTrade).decode,
}
_UNREADABLE = (ValueError, RecursionError)


def decode(payload: bytes) -> list[UserMessage]:
    """Every message of one frame, or the one object of a REST reply; empty for `PONG` and `[]`."""
    return decode_pieces(payload, _kind, _KINDS)


def decode_page(payload: bytes) -> tuple[list[UserMessage], str]:
    """The messages of a page of REST, and the cursor of the next one, `NO_MORE` behind the last."""
    try:
        page = _PAGE.decode(payload)
    except _UNREADABLE:
        return [Malformed(Trouble.BAD_MESSAGE)], NO_MORE
    return [decode_piece(bytes(piece), _kind, _KINDS) for piece in page.data], page.next_cursor


def _kind(keys: Keys) -> str:
    """The event type, or for REST what the keys say."""
    if "event_type" in keys:
        return string_of(keys, "event_type")
    if "taker_order_id" in keys:
        return "trade"
    return "order" if "size_matched" in keys else ""
