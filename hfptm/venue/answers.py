"""What the exchange's answer to an order means: taken, refused, or nobody can say.

Anything that does not certainly mean one of the first two is unknown. Source: exchange reference,
sections 3.3 and 3.5.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec

from hfptm.venue.messages import Text

POST_ONLY_MODE = "post_only_mode"
"""The code of the one 503 that the exchange itself gives, before it looks at an order."""

_DUPLICATED = "Duplicated"
_TAKEN = frozenset({"live", "matched", "delayed", "unmatched"})
_DEFINITE = frozenset({400, 401, 403, 404})
_TEXT_MAX = 300


class Outcome(Enum):
    ACCEPTED = 1
    REFUSED = 2
    """The order never was on the exchange, and will not be."""
    UNKNOWN = 3


class Answer(msgspec.Struct, frozen=True):
    """What became of one order."""

    outcome: Outcome
    text: str = ""
    """Why, if it was not accepted."""
    status: str = ""
    """If accepted: live, matched, delayed or unmatched."""
    making: Text = None
    taking: Text = None
    """What it gave and got so far, as decimal texts."""


class Cancels(msgspec.Struct, frozen=True):
    """Answer to a cancel request."""

    canceled: list[str] = []
    not_canceled: dict[str, str] = {}
    """Order id to the reason."""


class _Placed(msgspec.Struct, rename="camel"):
    success: bool | None = None
    error_msg: str | None = None
    order_id: str | None = msgspec.field(default=None, name="orderID")
    status: str | None = None
    making_amount: Text = None
    taking_amount: Text = None


class _Error(msgspec.Struct):
    error: str = ""
    code: str | None = None


_PLACED = msgspec.json.Decoder(list[_Placed])
_ERROR = msgspec.json.Decoder(_Error)
_CANCELS = msgspec.json.Decoder(Cancels)


def read_placed(
    status: int, headers: Mapping[str, str], body: bytes, order_ids: Sequence[str]
) -> list[Answer]:
    """The answer to POST /orders, one for each order, in order. Header names are in lower case."""
    if status != 200:
        return [read_failure(status, headers, body)] * len(order_ids)
    try:
        placed = _PLACED.decode(body)
    except ValueError:
        placed = []
    if len(placed) != len(order_ids):
        return [Answer(Outcome.UNKNOWN, "an answer that cannot be read")] * len(order_ids)
    return [_read_one(*pair) for pair in zip(placed, order_ids, strict=True)]


def _read_one(placed: _Placed, order_id: str) -> Answer:
    """`success` is no answer: refused orders of a batch have it too."""
    text = placed.error_msg or ""
    if _DUPLICATED in text:
        return Answer(Outcome.UNKNOWN, text)
    if text and not placed.order_id:
        return Answer(Outcome.REFUSED, text[:_TEXT_MAX])
    status = (placed.status or "").lower()
    if text or (placed.order_id or "").lower() != order_id or status not in _TAKEN:
        return Answer(Outcome.UNKNOWN, text[:_TEXT_MAX] or "an answer to another order")
    amounts = (placed.making_amount, placed.taking_amount)
    return Answer(Outcome.ACCEPTED, "", status, *amounts)


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """A refusal of everything that was asked, if the exchange itself says so, else unknown.

    429 with its headers is the exchange's; without them it is a gateway's, as 425 and 5xx are, and
    what stands behind may have acted.
    """
    try:
        error = _ERROR.decode(body)
    except ValueError:
        error = _Error()
    text = f"{status} {error.error or body[:_TEXT_MAX].decode(errors='replace')}"[:_TEXT_MAX]
    is_counted = status == 429 and "poly-ratelimit-remaining" in headers
    is_mode = status == 503 and error.code == POST_ONLY_MODE
    if _DUPLICATED not in text and (status in _DEFINITE or is_counted or is_mode):
        return Answer(Outcome.REFUSED, text)
    return Answer(Outcome.UNKNOWN, text)


def read_cancels(body: bytes) -> Cancels | None:
    """The answer to a cancel request, None if it cannot be read."""
    try:
        return _CANCELS.decode(body)
    except ValueError:
        return None


def retry_after_s(headers: Mapping[str, str]) -> int:
    """How long an answer asks to be left alone, 0 if it does not."""
    text = headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
