"""Answers that several parts give: JSON, and refusals."""

from typing import Any

import msgspec
from starlette.responses import Response

from hfptm.dash.access import Access

_ENDING = frozenset({411, 413, 429, 431, 503})
"""Whoever gets one of these has no claim on a connection."""


def json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refusal(status: int, problem: str) -> Response:
    answer = json({"error": problem}, status)
    if status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    if status in _ENDING:
        answer.headers["connection"] = "close"
    return answer


async def wrong_token(access: Access) -> Response:
    """The same for every wrong one, after a while."""
    if await access.is_patient():
        return refusal(401, "not the token")
    return refusal(429, "too many wrong tokens at once; wait a second")
