"""What the feed sees of each connection and each market on it, and what a watchdog may ask of it.

The receive path writes these objects in place, a frame at a time; a watchdog reads them once a
second. Every time is `clock.monotonic_ns`, 0 if it never was.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from hfptm.raw import Silence
from hfptm.records import GapReason


class Sight:
    """One market on one connection, since it was subscribed there the last time."""

    __slots__ = ("book_ns", "frames", "last_ns", "last_payload", "market", "since_ns", "tokens")

    def __init__(self, market: int, tokens: tuple[str, str], since_ns: int) -> None:
        self.market = market
        """`registry.Market.market`."""
        self.tokens = tokens
        self.since_ns = since_ns
        """When it was asked for."""
        self.book_ns = 0
        """Its first full book since then: before it, changes have nothing to stand on."""
        self.last_ns = 0
        self.last_payload = b""
        """Its last frame that tells of no other market: what it says is decoded by who needs it."""
        self.frames = 0

    def ask_again(self, now_ns: int) -> None:
        """It is subscribed once more: what came before proves nothing."""
        self.since_ns, self.book_ns = now_ns, 0


class LinkSight:
    """One connection that is open."""

    __slots__ = (
        "connection",
        "frames",
        "last_data_ns",
        "last_pong_ns",
        "line",
        "markets",
        "since_ns",
        "size_bytes",
    )

    def __init__(self, line: int, connection: int, since_ns: int) -> None:
        self.line = line
        self.connection = connection
        """As in the raw rows: no other connection of this recording has it."""
        self.since_ns = since_ns
        self.last_data_ns = 0
        self.last_pong_ns = 0
        self.frames = 0
        self.size_bytes = 0
        self.markets: dict[int, Sight] = {}
        """By market id. A market is on one connection of each line, on two while one takes over
        from the other."""


class Resubscribe(msgspec.Struct, frozen=True):
    """Unsubscribe the market and subscribe it again; a new book must come."""

    connection: int
    market: int


class Reconnect(msgspec.Struct, frozen=True):
    """Replace the connection by another with the same markets."""

    connection: int
    reason: GapReason
    """SILENCE: no data although some is due; DISCONNECT: not even a PONG."""


class Verdict(msgspec.Struct, frozen=True):
    """Nothing is to be expected of these markets on a connection any more, though it is up.

    Stored as a raw row of kind SILENCE; the gap begins with the last frame of each market there,
    and ends with its next full book.
    """

    connection: int
    markets: tuple[int, ...]

    def silence(self, link: LinkSight) -> Silence:
        """The row's payload, of the markets that the connection still has."""
        sights = [link.markets[market] for market in self.markets if market in link.markets]
        return Silence([token for sight in sights for token in sight.tokens])


Order = Verdict | Resubscribe | Reconnect


class Watching(Protocol):
    """What the service calls once a second, and the orders it then carries out in turn."""

    def tick(self, now_ns: int, links: Sequence[LinkSight]) -> Sequence[Order]: ...
