"""HTTP calls as plain data: what handlers are given, and what they answer.

Handlers are pure functions of a call, so that they can be tried without a socket; `endpoints` is
all there is between them and Starlette.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


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
