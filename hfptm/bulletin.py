"""What a running `hfptm record`, `paper` or `live` says of itself, for whoever watches it.

One file a data folder, replaced as a whole twice a second: a reader never sees half of it, and
whoever runs never waits for a reader. A program that was killed says nothing more, and its file
grows old: `told_ns` tells. All JSON that the dashboard serves has the names of these fields.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from hfptm.errors import LakeError
from hfptm.feed_status import FeedStatus
from hfptm.histogram import BOUNDS_NS, TOLD, Timing, percentile_ns
from hfptm.journal import CodeVersion
from hfptm.trading_status import Trading

VERSION = 1
"""Of the file; a reader refuses any other."""

PERIOD_NS = 500_000_000
"""Between two bulletins."""

LEVELS_MAX = 20
"""Of a side of a book that is told."""
WATCHED_MAX = 8
"""Markets whose books are told."""
WATCHED_NS = 10_000_000_000
"""So long a wish to see books holds."""

Mode = Literal["record", "paper", "shadow", "live"]


class LatencyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How long something takes; times are rounded up to the bounds of `hfptm.histogram`."""

    name: str
    """feed: from the exchange's time of news to its receipt, by both clocks; decision: from the
    receipt of a frame to its intents; order: from the decision to the first report of the order;
    confirmation: from the first fill of an order to its trade being final. The last two are the
    simulated venue's, but in live."""
    count: int
    """Since the start, as `sum_ns` and `buckets`."""
    sum_ns: int
    minute_count: int
    """In the last minute, as what follows."""
    p50_ns: int
    p99_ns: int
    max_ns: int
    """All 0 if there was none."""
    buckets: list[tuple[int, int]]
    """Bounds, and how many took no longer."""


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """The YES book of one market, best first."""

    market: int
    slug: str
    question: str
    tick_e4: int
    bids: list[tuple[int, int]]
    """price_e4 and size_e6."""
    asks: list[tuple[int, int]]
    ts_recv_ns: int
    """Receive time (UTC) up to which it was read."""
    is_bad: bool
    """It is not known, or failed a check."""


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    version: int = VERSION
    mode: Mode
    run_id: str
    """Empty for `record`."""
    pid: int
    began_ns: int
    told_ns: int
    """Both UTC."""
    serial: int
    """Counts up."""
    ended: str = ""
    """Empty while it runs; else how it ended: `stopped`, or `failed: ` and why."""
    code: CodeVersion
    problems: list[str]
    """What somebody should do something about; empty if all is well."""
    feed: FeedStatus
    """`hfptm.feed_status.STARTING` for the first second."""
    trading: Trading | None
    """None for `record`."""
    latencies: list[LatencyStatus]
    books: list[BookView]


class _Head(msgspec.Struct):
    """What tells whether the rest can be read."""

    version: int


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Markets whose books somebody looks at; heeded for WATCHED_NS."""

    told_ns: int
    """UTC."""
    markets: list[int]
    """Lake ids; WATCHED_MAX at most are heeded."""


def latency_status(name: str, timing: Timing, now_ns: int) -> LatencyStatus:
    """`now_ns` by the clock that the timing is told."""
    minute = timing.minute(now_ns)
    below = np.cumsum(timing.counts)
    return LatencyStatus(
        name=name,
        count=int(below[-1]),
        sum_ns=timing.sum_ns,
        minute_count=int(minute.sum()),
        p50_ns=percentile_ns(minute, 50),
        p99_ns=percentile_ns(minute, 99),
        max_ns=percentile_ns(minute, 100),
        buckets=list(zip(BOUNDS_NS[TOLD].tolist(), below[TOLD].tolist(), strict=True)),
    )


def bulletin_path(data: Path) -> Path:
    return data / "bulletin.json"


def watched_path(data: Path) -> Path:
    return data / "watched.json"


def write(data: Path, bulletin: Bulletin) -> None:
    """Raises OSError if the disk does not take it; then the last one stays."""
    _replace(bulletin_path(data), msgspec.json.encode(bulletin))


def read(data: Path) -> Bulletin | None:
    """The last one; None if nothing ever ran here. Raises LakeError if it is of another version."""
    path = bulletin_path(data)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        version = msgspec.json.decode(content, type=_Head).version
        if version == VERSION:
            return msgspec.json.decode(content, type=Bulletin)
        problem = f"version {version}"
    except msgspec.DecodeError as error:
        problem = str(error)
    raise LakeError(
        f"{path}: not of this version of hfptm ({problem}); the next `hfptm record`, `paper` or "
        "`live` replaces it"
    )


def write_watched(data: Path, watched: Watched) -> None:
    """Raises OSError if the disk does not take it."""
    _replace(watched_path(data), msgspec.json.encode(watched))


def read_watched(data: Path, now_ns: int) -> list[int]:
    """Markets whose books somebody wants to see; none if the wish is old, or cannot be read."""
    try:
        watched = msgspec.json.decode(watched_path(data).read_bytes(), type=Watched)
    except (OSError, msgspec.DecodeError):
        return []
    return watched.markets[:WATCHED_MAX] if now_ns - watched.told_ns < WATCHED_NS else []


def _replace(path: Path, content: bytes) -> None:
    """Not brought to disk: after a crash of the machine nobody asks for it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
