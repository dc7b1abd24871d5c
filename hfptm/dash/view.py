"""What is told of a data folder at a moment: the last bulletin, how old it is, what else counts.

Pure: the moment is an argument.
"""

from collections.abc import Sequence

import msgspec

from hfptm.bulletin import Bulletin
from hfptm.units import NS_PER_S

SILENT_NS = 5 * NS_PER_S
"""A program that says nothing for so long is taken for dead; it speaks twice a second."""

ALERTS_MAX = 50


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the fields of the bulletin."""

    history_until_ns: int
    alerts: list[msgspec.Struct]
    """Newest first."""
    is_alive: bool
    age_ns: int | None
    """Of the bulletin; None if there is none."""
    killed: str | None
    """Why the kill switch was thrown; None if it was not."""
    can_kill: bool
    """Whether it can be thrown from here."""


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a bulletin where nothing ever ran."""

    mode: str = ""
    run_id: str = ""
    pid: int = 0
    began_ns: int = 0
    told_ns: int = 0
    serial: int = 0
    ended: str = ""
    code: None = None
    problems: Sequence[str] = ()
    feed: None = None
    trading: None = None
    latencies: Sequence[str] = ()
    books: Sequence[str] = ()


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A data folder at one moment."""

    bulletin: Bulletin | None
    problem: str
    """Why there is no bulletin though there is a file of that name; "" if that is not so."""
    now_ns: int
    """UTC, as all times."""

    @property
    def age_ns(self) -> int | None:
        """Never negative: the clock may have been set back in between."""
        return max(0, self.now_ns - self.bulletin.told_ns) if self.bulletin else None

    @property
    def is_alive(self) -> bool:
        age_ns = self.age_ns
        is_running = self.bulletin is not None and not self.bulletin.ended
        return is_running and age_ns is not None and age_ns < SILENT_NS

    def problems(self) -> list[str]:
        """Why it is not well; empty if it is."""
        if self.problem:
            return [self.problem]
        if self.bulletin is None:
            return ["nothing has run here yet"]
        named = f"hfptm {self.bulletin.mode} (process {self.bulletin.pid})"
        if self.bulletin.ended:
            return [f"{named} has ended: {self.bulletin.ended}"]
        if not self.is_alive:
            silent_s = (self.age_ns or 0) // NS_PER_S
            return [f"{named} has said nothing for {silent_s:,} s: it was killed, or hangs"]
        return self.bulletin.problems


def state(seen: Seen, around: Around) -> bytes:
    """One JSON object in one line: the bulletin's fields, then those around it."""
    told = msgspec.json.encode(seen.bulletin or Nothing())
    return told[:-1] + b"," + msgspec.json.encode(around)[1:]
