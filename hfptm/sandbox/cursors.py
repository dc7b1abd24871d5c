"""Pages of the CLOB's lists: an offset in base64, and a mark for the end.

Source: exchange reference, section 3.1; "MA==" is the offset 0, "LTE=" is -1.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from hfptm.sandbox.calls import ApiError, Call, Reply, as_json

END = "LTE="

Entry = TypeVar("Entry")


def page(
    call: Call,
    entries: Sequence[Entry],
    limit: int,
    as_object: Callable[[Entry], object],
    problem: str,
) -> Reply:
    """The page that `next_cursor` asks for; a cursor that is none is refused as `problem`."""
    start = _offset(call.first("next_cursor"), problem)
    data = [as_object(entry) for entry in entries[start : start + limit]]
    end = start + len(data)
    following = base64.b64encode(str(end).encode()).decode() if end < len(entries) else END
    return as_json({"data": data, "next_cursor": following, "limit": limit, "count": len(data)})


def _offset(cursor: str, problem: str) -> int:
    try:
        text = base64.b64decode(cursor, validate=True).decode() if cursor else "0"
        offset = int(text)
    except ValueError as error:
        raise ApiError(400, problem) from error
    if offset < 0:
        raise ApiError(400, problem)
    return offset
