"""Faults in force: when each one acts, and whom it hits.

Whom a fault hits follows from the seed, its kind, its number and the number of what could be hit,
so the same traffic meets the same faults in every run. Pure: time is told by `advance`.
"""

import hashlib
from typing import Any, Generic, NamedTuple, TypeVar, cast

from hfptm.sandbox.faults_kinds import SHARE_ONE_E6, ClockSkew, Fault, scaled
from hfptm.sandbox.faults_log import Deed, Teller
from hfptm.units import NS_PER_MS

F = TypeVar("F", bound=Fault)
_S_TO_NS_DIGITS = 9


class Active(NamedTuple, Generic[F]):
    """A fault within one of its windows."""

    fault: F
    share_e6: int
    number: int
    """From 1: its place in the file, then in the order of `Faults.start`."""
    window: int
    """From 0."""
    since_ns: int
    """When the window began, or the fault was started within it."""
    until_ns: int | None


class _Entry:
    """A fault with its times in ns since the start of the server."""

    __slots__ = (
        "_duration_ns",
        "_every_ns",
        "_share_e6",
        "_start_ns",
        "_started_ns",
        "fault",
        "number",
    )

    def __init__(self, fault: Fault, number: int, started_ns: int) -> None:
        self.fault, self.number, self._started_ns = fault, number, started_ns
        self._share_e6 = scaled(fault.share, 6)
        self._start_ns = scaled(fault.start_s, _S_TO_NS_DIGITS)
        self._duration_ns = _ns(fault.duration_s)
        self._every_ns = _ns(fault.every_s)

    def active(self, begin_ns: int, now_ns: int) -> Active[Any] | None:
        since_ns, window = begin_ns + self._start_ns, 0
        if now_ns < since_ns:
            return None
        if self._every_ns is not None:
            window = (now_ns - since_ns) // self._every_ns
            since_ns += window * self._every_ns
        until_ns = None if self._duration_ns is None else since_ns + self._duration_ns
        if until_ns is not None and now_ns >= until_ns:
            return None
        since_ns = max(since_ns, self._started_ns)
        return Active(self.fault, self._share_e6, self.number, window, since_ns, until_ns)


class Faults:
    """All faults of a server: `start` and `stop` them at any time.

    `tell` hears of everything that a fault does.
    """

    def __init__(self, seed: int) -> None:
        self.tell: Teller = _nobody
        self.now_ns = 0
        """The server's clock, without skew, as of the last `advance`."""
        self.skew_ns = 0
        """What the exchange's clock and that of `/time` are off by."""
        self.generation = 0
        """Another number whenever another fault, or another window, is active."""
        self._seed = seed
        self._begin_ns: int | None = None
        self._entries: list[_Entry] = []
        self._started = 0
        self._active: dict[type[Fault], list[Active[Any]]] = {}
        self._counts: dict[int, int] = {}

    def start(self, fault: Fault) -> int:
        """Put a fault in force; its number, by which it can be stopped.

        Its times are those since the start of the server: one without any acts at once.
        """
        self._started += 1
        self._entries.append(_Entry(fault, self._started, self.now_ns))
        self._review()
        return self._started

    def stop(self, number: int) -> None:
        """End a fault. Raises ValueError if there is none of this number."""
        kept = [entry for entry in self._entries if entry.number != number]
        if len(kept) == len(self._entries):
            raise ValueError(f"no fault {number} is in force")
        self._entries = kept
        self._counts.pop(number, None)
        self._review()

    def advance(self, ts_ns: int) -> None:
        """Tell the time, which never goes back here. The first call is the start of the server."""
        if self._begin_ns is None:
            self._begin_ns = ts_ns
        self.now_ns = max(self.now_ns, ts_ns)
        if self._entries or self._active:
            self._review()

    def active(self, kind: type[F]) -> list[Active[F]]:
        """The faults of a kind that act at this time, by number."""
        return cast("list[Active[F]]", self._active.get(kind, ()))

    def any_active(self, kinds: tuple[type[Fault], ...]) -> bool:
        return bool(self._active) and not self._active.keys().isdisjoint(kinds)

    def hits(self, active: Active[Any], *numbers: object) -> bool:
        """Whether a fault hits what has these numbers, by its share."""
        return self.draw(active, SHARE_ONE_E6, "hits", *numbers) < active.share_e6

    def hits_next(self, active: Active[Any]) -> int:
        """The running number of what a fault may hit next if it does hit it; 0 if not."""
        count = self._counts[active.number] = self._counts.get(active.number, 0) + 1
        return count if self.hits(active, count) else 0

    def draw(self, active: Active[Any], below: int, *numbers: object) -> int:
        """A seeded integer in [0, below)."""
        key = ":".join(map(str, (self._seed, active.fault.kind, active.number, *numbers)))
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % below

    def draw_between(self, active: Active[Any], span: tuple[int, int], *numbers: object) -> int:
        """A seeded integer of a span, both ends included."""
        return span[0] + self.draw(active, span[1] - span[0] + 1, "between", *numbers)

    def note(self, active: Active[Any], **fields: Any) -> None:
        """Tell what a fault did, now."""
        kind = active.fault.kind
        self.tell(Deed(ts_ns=self.now_ns, kind=kind, fault=active.number, **fields))

    def _review(self) -> None:
        """Find what is active now; only what has begun with the server can be."""
        found: dict[type[Fault], list[Active[Any]]] = {}
        if self._begin_ns is not None:
            for entry in self._entries:
                if active := entry.active(self._begin_ns, self.now_ns):
                    found.setdefault(type(entry.fault), []).append(active)
        if found != self._active:
            self._announce_skews(found)
            self._active = found
            self.generation += 1
        self.skew_ns = sum(
            self._skew_ns(active) for active in self.active(ClockSkew) if self._is_skewed(active)
        )

    def _announce_skews(self, found: dict[type[Fault], list[Active[Any]]]) -> None:
        known = self._active.get(ClockSkew, [])
        for active in found.get(ClockSkew, []):
            if active not in known and self._is_skewed(active):
                skew_ms, ppm = active.fault.skew_ms, active.fault.drift_ppm
                self.note(active, detail=f"skew_ms={skew_ms} drift_ppm={ppm}")

    def _is_skewed(self, active: Active[ClockSkew]) -> bool:
        return self.hits(active, active.window)

    def _skew_ns(self, active: Active[ClockSkew]) -> int:
        drift_ns = (self.now_ns - active.since_ns) * active.fault.drift_ppm // 1_000_000
        return active.fault.skew_ms * NS_PER_MS + drift_ns


def _ns(value_s: Any) -> int | None:
    return None if value_s is None else scaled(value_s, _S_TO_NS_DIGITS)


def _nobody(deed: Deed) -> None:
    """Hears of it, and does nothing."""
