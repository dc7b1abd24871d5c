"""What discovery tells: which markets are to be recorded from now on, and how it is doing."""

from collections import Counter
from enum import StrEnum

import msgspec

from hfptm.registry import Group, Market
from recorder.selection import Refused


class Ended(StrEnum):
    """Why a market is not recorded any more, beside the reasons of `selection.Refused`."""

    RESOLVED = "resolved"
    CLOSED = "closed"


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What the feed has to do. Nothing is in two of the first three."""

    add: list[Market]
    remove: dict[int, Refused | Ended]
    """By market id."""
    updated: list[Market]
    """Recorded markets whose rules or group have changed."""
    groups: list[Group]
    """Those of `add`, each once."""
    waiting: list[int]
    """Markets that were chosen too, and are in `add` once they have a book."""
    paid: dict[int, int]
    """What a YES share pays, in e4, of markets that have resolved, those of former runs too."""

    def __bool__(self) -> bool:
        return bool(self.add or self.remove or self.updated or self.paid)


class Status(msgspec.Struct, kw_only=True):
    """For people and metrics; counts are since the start, unless they are of now."""

    listed: int = 0
    recorded: int = 0
    waiting: int = 0
    """Chosen; the CLOB has no book of them yet."""
    unresolved: int = 0
    looks: int = 0
    hints: int = 0
    """Announcements of markets that concern us."""
    noise: int = 0
    """Announcements of all others."""
    problems: int = 0
    last_problem: str = ""
    resolved: Counter[str] = msgspec.field(default_factory=Counter)
    """By source."""
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Of the last look, by reason."""
