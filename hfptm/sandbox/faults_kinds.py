"""What can go wrong on purpose: one type for each kind of fault, with its times and own fields.

Docs: docs/sandbox-faults.md. Source: the defects and errors of the exchange reference, sections
1.6, 2, 3.3 and 3.5.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hfptm.units import parse_decimal

Number = int | Decimal
Span = tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]]
"""Least and most, both included."""

SHARE_ONE_E6 = 1_000_000
SECONDS_MAX = 10**9


def _kind_name(class_name: str) -> str:
    """How a kind is written in a file: "GhostBook" is "ghost_book"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=_kind_name,
):
    """Common to all kinds. Times count from the start of the server, by its own clock.

    Raises ValueError, saying what is allowed, for values that make no sense.
    """

    start_s: Number = 0
    duration_s: Number | None = None
    """None: until the end."""
    every_s: Number | None = None
    """Begin again this long after each beginning; None: once."""
    share: Number = 1
    """Of what the kind hits: frames, connections, requests, orders, or trades."""

    def __post_init__(self) -> None:
        _check(self.share, "share", 0, 1)
        _check(self.start_s, "start_s", 0, SECONDS_MAX)
        if self.duration_s is not None:
            _check(self.duration_s, "duration_s", 0, SECONDS_MAX)
        if self.every_s is None:
            return
        _check(self.every_s, "every_s", 0, SECONDS_MAX)
        if self.duration_s is None or not 0 < self.duration_s <= self.every_s:
            raise ValueError("every_s needs a duration_s above 0 that is not longer")

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)


class LineFault(Fault, frozen=True, kw_only=True):
    """On a WebSocket connection."""

    channel: Literal["market", "user"] | None = None
    """None: both."""


class Drop(LineFault, frozen=True, kw_only=True):
    """Frames vanish."""


class Duplicate(LineFault, frozen=True, kw_only=True):
    """Frames come twice."""


class Delay(LineFault, frozen=True, kw_only=True):
    """A frame is late, and everything behind it waits: order is kept."""

    delay_ms: Span

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_span(self.delay_ms)


class Reorder(LineFault, frozen=True, kw_only=True):
    """A frame is late, and others overtake it."""

    delay_ms: Span

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_span(self.delay_ms)


class Lose(LineFault, frozen=True, kw_only=True):
    """Changes of a market, or of one of its tokens, stop while all else flows.

    Hits what was subscribed before the window began: subscribing again heals it. `share` is that
    of the markets of a connection.
    """

    market: str = ""
    """Its slug; empty: any."""
    asset: str = ""
    """One token id, whose market goes on showing its other token; empty: both."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channel == "user":
            raise ValueError("lose is of the market channel only")


class Freeze(LineFault, frozen=True, kw_only=True):
    """Nothing comes any more but PONG, on connections opened before the window began."""


class Disconnect(LineFault, frozen=True, kw_only=True):
    """Connections that are open when the window begins are cut."""

    code: Annotated[int, Meta(ge=1000, le=4999)] | None = None
    """Of the close frame; None: no close frame, the connection is reset."""


class Refuse(LineFault, frozen=True, kw_only=True):
    """No new connection."""

    status: Literal[429, 503] | None = None
    """Of the answer to the upgrade; None: nobody listens, on both channels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status is None and (self.share != 1 or self.channel):
            raise ValueError("refuse without a status refuses all: no share below 1, no channel")


class Malformed(LineFault, frozen=True, kw_only=True):
    """Something unreadable comes in a frame's place."""

    form: Literal["cut", "types", "junk", "unknown"] | None = None
    """Half of its JSON, values of another type, random bytes in a binary frame, an event type that
    nobody knows; None: one of them by seed."""


class CallFault(Fault, frozen=True, kw_only=True):
    """On requests to Gamma and the CLOB."""

    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str = ""
    """Itself and everything below it; empty: any."""


class RateLimit(CallFault, frozen=True, kw_only=True):
    """429, before anything else is looked at."""

    has_headers: bool = True
    """Whether it says when to come back."""
    retry_after_s: Annotated[int, Meta(ge=1)] = 1


class Timeout(CallFault, frozen=True, kw_only=True):
    """What was asked for is done, and the answer never sent."""

    status: Literal[500, 502, 503, 504] | None = None
    """Answer this instead; None: nothing at all."""


class Slow(CallFault, frozen=True, kw_only=True):
    """What was asked for is done at once, and the answer sent later."""

    delay_ms: Span

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_span(self.delay_ms)


class GhostBook(Fault, frozen=True, kw_only=True):
    """/book and /books show 0.01 against 0.99."""


class Geoblock(Fault, frozen=True, kw_only=True):
    """The site says that who asks is where trading is blocked."""


class Restart(Fault, frozen=True, kw_only=True):
    """425 for everything that places or cancels."""


class PostOnly(Fault, frozen=True, kw_only=True):
    """503 for orders that are not post-only; cancels work."""


class FalseSuccess(Fault, frozen=True, kw_only=True):
    """Orders of a batch are not placed, and answered with `success` and an error."""


class GhostFill(Fault, frozen=True, kw_only=True):
    """Trades fail after they were MATCHED."""


class Revert(Fault, frozen=True, kw_only=True):
    """Transactions of accounts are mined without doing what they were for."""


class Vanish(Fault, frozen=True, kw_only=True):
    """Transactions of accounts are taken, and never mined; sent again, they are new ones."""


class ClockSkew(Fault, frozen=True, kw_only=True):
    """The server's clock is off, by a step when the window begins and by drift from then on."""

    skew_ms: int = 0
    drift_ppm: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.skew_ms and not self.drift_ppm:
            raise ValueError("clock_skew needs skew_ms or drift_ppm, other than 0")


KINDS: dict[str, type[Fault]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        *(Drop, Duplicate, Delay, Reorder, Lose, Freeze, Disconnect, Refuse, Malformed),
        *(RateLimit, Timeout, Slow, GhostBook, Geoblock, Restart, PostOnly, FalseSuccess),
        *(GhostFill, Revert, Vanish, ClockSkew),
    )
}


def scaled(value: Number, digits: int) -> int:
    """A value times 10**digits, exactly; ValueError if it is finer, or negative."""
    return parse_decimal(f"{value:f}" if isinstance(value, Decimal) else str(value), digits)


def _check(value: Number, name: str, least: int, most: int) -> None:
    if not (Decimal(value).is_finite() and least <= value <= most):
        raise ValueError(f"{name} {value} is not within {least} and {most}")
    try:
        scaled(value, 6)
    except ValueError as error:
        raise ValueError(f"{name} {value} has more than 6 decimals") from error


def _check_span(delay_ms: Span) -> None:
    if delay_ms[0] > delay_ms[1]:
        raise ValueError(f"delay_ms {list(delay_ms)} is not [least, most]")
