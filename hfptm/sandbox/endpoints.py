"""Handlers behind Starlette: requests into calls, replies into responses, in their own time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from hfptm.sandbox.calls import ApiError, Call, Clock, Handler, Reply, answer

MAX_BODY_BYTES = 1_000_000
"""Fifteen signed orders are 20 kB, a thousand order ids 70 kB."""


def endpoint(
    handler: Handler, now_ns: Clock, wall_ns: Clock
) -> Callable[[Request], Awaitable[Response]]:
    """A handler as an endpoint of Starlette; time is read once the whole body is there."""

    async def serve(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            reply = ApiError(413, "Payload exceeds the limit").reply()
        else:
            call = Call(
                method=request.method,
                path=request.url.path,
                ts_ns=now_ns(),
                ts_wall_ns=wall_ns(),
                headers=request.headers,
                query=_all_values(request),
                parts=request.path_params,
                body=body,
            )
            reply = answer(handler, call)
        await _wait(reply, request)
        headers = {"content-type": "application/json; charset=utf-8", **reply.headers}
        return Response(reply.body, reply.status, headers)

    return serve


async def _wait(reply: Reply, request: Request) -> None:
    """Until it is time to answer, or nobody is left to be answered."""
    if not reply.late_ms and not reply.is_withheld:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(None if reply.is_withheld else reply.late_ms / 1_000):
            while (await request.receive())["type"] != "http.disconnect":
                continue


def _all_values(request: Request) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        values.setdefault(name, []).append(value)
    return values
