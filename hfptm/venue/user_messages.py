"""Messages of the user channel, and orders and trades as REST tells them; decoding never raises.

The structs ask for nothing they can do without, and unknown keys are ignored. Source: exchange
reference, sections 2 and 3.3.
"""

import msgspec

from hfptm.venue.messages import Malformed, Text, Trouble

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
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_KINDS: dict[str, msgspec.json.Decoder[UserOrder] | msgspec.json.Decoder[UserTrade]] = {
    "order": msgspec.json.Decoder(UserOrder),
    "trade": msgspec.json.Decoder(UserTrade),
}
_UNREADABLE = (ValueError, RecursionError)


def decode(payload: bytes) -> list[UserMessage]:
    """Every message of one frame, or the one object of a REST reply; empty for `PONG` and `[]`."""
    text = payload.strip()
    if text == b"PONG":
        return []
    if not text.startswith(b"["):
        return [_decode_element(text)]
    try:
        elements = _ELEMENTS.decode(text)
    except _UNREADABLE:
        return [Malformed(Trouble.BAD_JSON)]
    return [_decode_element(bytes(element)) for element in elements]


def decode_page(payload: bytes) -> tuple[list[UserMessage], str]:
    """The messages of a page of REST, and the cursor of the next one, `NO_MORE` behind the last."""
    try:
        page = _PAGE.decode(payload)
    except _UNREADABLE:
        return [Malformed(Trouble.BAD_MESSAGE)], NO_MORE
    return [_decode_element(bytes(element)) for element in page.data], page.next_cursor


def _decode_element(text: bytes) -> UserMessage:
    try:
        keys = _KEYS.decode(text)
    except msgspec.ValidationError:
        return Malformed(Trouble.BAD_MESSAGE)
    except _UNREADABLE:
        return Malformed(Trouble.BAD_JSON)
    decoder = _KINDS.get(_kind(keys))
    if decoder is None:
        return Malformed(Trouble.UNKNOWN_TYPE)
    try:
        return decoder.decode(text)
    except _UNREADABLE:
        return Malformed(Trouble.BAD_MESSAGE, _string(keys, "market"))


def _kind(keys: dict[str, msgspec.Raw]) -> str:
    """The event type, or for REST what the keys say."""
    if "event_type" in keys:
        return _string(keys, "event_type")
    if "taker_order_id" in keys:
        return "trade"
    return "order" if "size_matched" in keys else ""


def _string(keys: dict[str, msgspec.Raw], key: str) -> str:
    try:
        return _STRING.decode(keys[key]) if key in keys else ""
    except _UNREADABLE:
        return ""
