"""HTTP calls as plain data: what handlers are given, and what they answer.

Handlers are pure functions of a call, so that they can be tried without a socket; `endpoint` is all
there is between them and Starlette.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

MAX_BODY_BYTES = 1_000_000
"""Fifteen signed orders are 20 kB, a thousand order ids 70 kB."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    """Without the query."""
    ts_ns: int
    """Now, by the exchange's clock, which may run faster than real time."""
    ts_wall_ns: int
    """Now, by the clock that clients have."""
    headers: Mapping[str, str] = {}
    """Names in lower case."""
    query: Mapping[str, list[str]] = {}
    """Every value of a parameter, in the order given."""
    parts: Mapping[str, str] = {}
    """What stood in the path's braces."""
    body: bytes = b""

    def first(self, name: str) -> str:
        """The first value of a query parameter; empty if there is none."""
        return next(iter(self.query.get(name, ())), "")


class Reply(msgspec.Struct, frozen=True):
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    late_ms: int = 0
    """How long to wait before it is sent."""
    is_withheld: bool = False
    """Never sent: the client waits until it gives up."""


class ApiError(Exception):
    """A call that is answered with an error. It becomes a reply and goes no further."""

    def __init__(
        self, status: int, text: str, *, headers: Mapping[str, str] | None = None, **fields: object
    ) -> None:
        self.status = status
        self.text = text
        self.headers = headers or {}
        self.fields = fields
        """Further members of the error object."""
        super().__init__(f"{status}: {text}")

    def reply(self) -> Reply:
        return as_json({"error": self.text, **self.fields}, self.status, self.headers)


Handler = Callable[[Call], Reply]
Clock = Callable[[], int]

_ENCODER = msgspec.json.Encoder()


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(_ENCODER.encode(value), status, headers or {})


def decode_body(body: bytes, decoder: msgspec.json.Decoder[Any], problem: str) -> Any:
    """The body in the decoder's shape; refused as `problem` otherwise."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, problem) from error


def answer(handler: Handler, call: Call) -> Reply:
    """What the handler says, errors included."""
    try:
        return handler(call)
    except ApiError as error:
        return error.reply()


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
