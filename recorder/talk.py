"""What the recorder and its companion tell each other, as bytes on a pipe: length, then msgpack."""

import asyncio
from pathlib import Path
from typing import TypeVar

import msgspec

from hfptm import sections
from hfptm.bulletin import BookView
from hfptm.feed_status import BookStatus
from hfptm.registry import Group, Market
from recorder import changes
from recorder.watchdog import Finding

_LENGTH = 4
T = TypeVar("T")


class UpkeepStatus(msgspec.Struct, kw_only=True):
    """Counts are since the start."""

    derived_segments: int = 0
    merged_hours: int = 0
    copied_files: int = 0
    removed_hours: int = 0
    problems: dict[str, str] = {}
    """By what it kept from being done, until that is done again."""


class Begin(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """To the companion, first and once."""

    data: Path
    servers: sections.Servers
    discovery: sections.Discovery
    seed: int
    since_ns: int
    """When this recording began."""
    settle_ns: int
    """How long what the exchange shows may be on its way to us."""
    storage: sections.Storage


class Ask(msgspec.Struct, frozen=True, tag=True):
    """To the companion: look whether the exchange has something newer of these markets."""

    markets: list[int]


class Heard(msgspec.Struct, frozen=True, tag=True):
    """To the companion: a frame with news of a market."""

    payload: bytes
    ts_recv_ns: int


class Found(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What discovery has to say, as `changes.Changes`."""

    add: list[Market]
    remove: dict[int, str]
    """Why, by market id."""
    updated: list[Market]
    groups: list[Group]
    waiting: list[int]
    paid: dict[int, int]

    @property
    def chosen(self) -> list[int]:
        """All that is to be recorded, by id, if it is the first of its kind."""
        return [*(market.market for market in self.add), *self.waiting]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """To an `Ask`, a market each."""

    market: int
    finding: Finding


class Watch(msgspec.Struct, frozen=True, tag=True):
    """To the companion: show these books from now on."""

    markets: list[int]


class Doubted(msgspec.Struct, frozen=True, tag=True):
    """Markets whose book does not agree with the best prices that they are told of."""

    markets: list[int]


class ClockAsked(msgspec.Struct, frozen=True, tag=True):
    """The exchange's own time: our UTC before and after, and its answer verbatim."""

    sent_ns: int
    recv_ns: int
    payload: bytes


class Report(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """How the companion is doing."""

    discovery: changes.Status
    books: BookStatus
    clock_offset_ns: int
    """The exchange's clock less ours, as far as whole seconds tell; 0 before the first answer."""
    upkeep: UpkeepStatus
    took: list[int]
    """Changes and prints by how long they took from the exchange to us, by both clocks: a count for
    each of `hfptm.histogram.BOUNDS_NS`."""
    took_ns: int
    """All of them together."""
    watched: list[BookView]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The exchange did not answer the first look, and so there is nothing to do."""

    url: str
    setting: str
    problem: str


class Logged(msgspec.Struct, frozen=True, tag=True):
    """A line for the recorder's log."""

    level: int
    logger: str
    text: str


ToCompanion = Begin | Ask | Heard | Watch
ToRecorder = Found | Answer | Doubted | ClockAsked | Report | Refused | Logged


def packed(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message, enc_hook=str)
    return len(body).to_bytes(_LENGTH, "little") + body


async def receive(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
    """The next message; None if the other side has gone."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "little")
        return decoder.decode(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None


def _decoded(kind: type, value: object) -> object:
    """Paths and counters."""
    return kind(value)


TO_COMPANION: msgspec.msgpack.Decoder[ToCompanion] = msgspec.msgpack.Decoder(
    ToCompanion, dec_hook=_decoded
)
TO_RECORDER: msgspec.msgpack.Decoder[ToRecorder] = msgspec.msgpack.Decoder(
    ToRecorder, dec_hook=_decoded
)
