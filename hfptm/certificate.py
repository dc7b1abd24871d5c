"""What a recorded hour is worth: the findings of `hfptm verify`, and the grade they give.

    certificates/date=2026-04-29/hour=02.recorded.json      of the lake; `.imported.json` beside it

The grade of a market and hour is the worst that any of three findings allows (`LIMITS`): the share
of its time that was not seen, the share of its batches whose best prices never agreed with the
book, and the share of its book hashes that prove something missing. An hour has the grade of all
its markets together, weighed by their time and batches. A file whose bytes are not those that were
written, or a tape that the raw rows do not give again, is an F for its hour.
"""

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from hfptm.clock import utc_date_hour
from hfptm.errors import LakeError
from hfptm.lake import Lake, hour_ns
from hfptm.parquet import publish_bytes
from hfptm.segments import RECORDED


class Grade(StrEnum):
    """From best to worst; compares as text."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


LIMITS = {
    Grade.A: (0.001, 0.0, 0.0),
    Grade.B: (0.01, 0.001, 0.001),
    Grade.C: (0.05, 0.01, 0.01),
    Grade.D: (0.2, 0.05, 0.05),
    Grade.E: (0.5, 0.2, 0.2),
}
"""The largest shares unseen, mismatched and with a bad hash; beyond the last is F."""


class Origin(StrEnum):
    RECORDED = "recorded"
    """By hfptm: raw rows, from which the tape is derived."""
    IMPORTED = "imported"


GAPS_SEGMENT = "recorded"
"""The segment of a recorded hour's gaps: they end long after the segment in which they began."""

DISCOVERED_PREFIX = "discovery-"
"""Of segments that a recorder's discovery writes: payouts, which no raw row gives."""


def origin_of(path: Path) -> Origin:
    """Of a file of raw rows, events or gaps, by its segment."""
    is_named = path.stem == GAPS_SEGMENT or path.stem.startswith(DISCOVERED_PREFIX)
    recorded = is_named or RECORDED.fullmatch(path.stem)
    return Origin.RECORDED if recorded else Origin.IMPORTED


class Findings(msgspec.Struct, kw_only=True):
    """Of one market in one hour, or of many added up. Times in seconds of the receive clock."""

    rows: int = 0
    frames: int = 0
    trades: int = 0
    snapshots: int = 0
    batches_checked: int = 0
    """Changes at one exchange time whose reported best prices were compared with the book's."""
    mismatches: int = 0
    healed: int = 0
    """Mismatches whose missing rows another line brought late."""
    mirror_breaks: int = 0
    doubted: int = 0
    """Frames of which something was unreadable."""
    hashes_ok: int = 0
    hashes_bad: int = 0
    hashes_unknown: int = 0
    listed_s: float = 0.0
    unseen_s: float = 0.0
    unseen_s_by_reason: dict[str, float] = {}
    gaps: int = 0

    def add(self, other: "Findings") -> None:
        for name in self.__struct_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            if name == "unseen_s_by_reason":
                keys = sorted(mine.keys() | more.keys())
                total = {key: mine.get(key, 0.0) + more.get(key, 0.0) for key in keys}
                setattr(self, name, total)
            else:
                setattr(self, name, mine + more)

    @property
    def grade(self) -> Grade:
        hashes = self.hashes_ok + self.hashes_bad
        shares = (
            _share(self.unseen_s, self.listed_s),
            _share(self.mismatches - self.healed, self.batches_checked),
            _share(self.hashes_bad, hashes),
        )
        for grade, limits in LIMITS.items():
            if all(share <= limit for share, limit in zip(shares, limits, strict=True)):
                return grade
        return Grade.F


class MarketHour(msgspec.Struct, kw_only=True):
    market: int
    slug: str
    grade: Grade
    first_ns: int
    """Receive times of its rows; 0 if it had none."""
    last_ns: int
    findings: Findings


class Lines(msgspec.Struct, kw_only=True):
    """How the connections of one hour agree."""

    raw_frames: int = 0
    copies: int = 0
    late: int = 0
    too_late: int = 0
    first: dict[int, int] = {}
    """Of the frames that came on two lines: how often each was first."""
    lead_p50_ns: int = 0
    lead_p99_ns: int = 0


class Clock(msgspec.Struct, kw_only=True):
    """Receive time minus exchange time. Its least is the fastest way plus our clock's offset."""

    least_lag_ns: int = 0
    drift_ppm: float = 0.0
    """How fast that least changes over the hour; 0 if there is too little to say."""


class Checksums(msgspec.Struct, kw_only=True):
    """Files against the SHA-256 of when they were written; imports have none."""

    right: int = 0
    wrong: list[str] = []
    not_derivable: list[str] = []
    """Events that their raw rows do not give again."""


class Certificate(msgspec.Struct, kw_only=True):
    """Of one hour and origin."""

    hour_ns: int
    origin: Origin
    grade: Grade
    total: Findings
    lines: Lines
    clock: Clock
    checksums: Checksums
    markets: list[MarketHour]


def path_of(lake: Lake, start_ns: int, origin: Origin) -> Path:
    date, hour = utc_date_hour(start_ns)
    return lake.root / "certificates" / f"date={date}" / f"hour={hour:02d}.{origin}.json"


def store(lake: Lake, certificate: Certificate) -> None:
    path = path_of(lake, certificate.hour_ns, certificate.origin)
    publish_bytes(path, msgspec.json.format(msgspec.json.encode(certificate)) + b"\n")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What certificates say of a stretch of time."""

    hours: int
    """Recorded ones, of which rows are there."""
    verified: int
    """Those with a certificate."""
    worst: Certificate | None

    @property
    def grade(self) -> str:
        """That of the worst hour; empty if none was verified."""
        return self.worst.grade if self.worst else ""


def standing(lake: Lake, from_ns: int, to_ns: int) -> Standing:
    """Of the recorded hours that overlap [from_ns, to_ns); raises LakeError for a damaged one."""
    files = lake.events_files(from_ns, to_ns)
    hours = sorted({hour_ns(path) for path in files if origin_of(path) is Origin.RECORDED})
    paths = [path_of(lake, start_ns, Origin.RECORDED) for start_ns in hours]
    found = [_read(path, Certificate) for path in paths if path.exists()]
    worst = max(found, key=lambda certificate: certificate.grade, default=None)
    return Standing(hours=len(hours), verified=len(found), worst=worst)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Of a certificate, what is short: the rest, every market, is not even decoded."""

    hour_ns: int
    grade: Grade
    total: Findings


def verdict(lake: Lake, start_ns: int, origin: Origin) -> Verdict | None:
    """None for an hour that was not verified; raises LakeError for a damaged certificate."""
    path = path_of(lake, start_ns, origin)
    return _read(path, Verdict) if path.exists() else None


_Kind = TypeVar("_Kind", Certificate, Verdict)


def _read(path: Path, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise LakeError(
            f"{path}: damaged ({error}); remove it and run `hfptm verify` again"
        ) from error


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
