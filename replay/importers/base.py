"""What every importer shares: options, the report, and one recording on its way into the lake."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hfptm.errors import ConfigError
from hfptm.lake import SCHEMAS, Gap, Kind, Lake, gaps_table
from hfptm.parquet import to_arrow
from hfptm.records import EventKind
from hfptm.registry import Group, Market
from hfptm.units import NS_PER_MS

Rows = npt.NDArray[np.void]

Progress = Callable[[int, int], None]
"""Told (done, total) now and then, in a unit of the format's choice."""


def quiet(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said; None: the format's own default. Each format names those it uses."""

    preset: str | None = None
    """frames-jsonl: "hfptm" (default) or "updown"."""
    fields: Mapping[str, str] = {}
    """frames-jsonl: overrides of single fields of the preset (`frames_jsonl.FrameFields`)."""
    markets: Path | None = None
    """frames-jsonl: the markets file; default markets.jsonl beside the frames."""
    groups: Path | None = None
    """quotes: the groups file, required. frames-jsonl: default groups.jsonl beside the frames."""
    hold_ms: int | None = None
    """l2-json, resolvedkit, quotes: how long a sample is the book; default 5000, 5000, 1000."""
    default_size: Decimal | None = None
    """quotes: shares at each quote; default 100."""
    fee_rate: Decimal | None = None
    """l2-json, resolvedkit, and groups missing in the groups file: taker fee rate; default 0.07."""
    slug: str | None = None
    """l2-json: the market's slug; default the segment's name."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import took, skipped and assumed."""

    format: str
    paths: list[str]
    segments: list[str] = []
    files_changed: list[str] = []
    """Files of the lake that are new or different now; none: everything was there already."""
    files_unchanged: int = 0
    first_ns: int = 0
    last_ns: int = 0
    frames: int = 0
    markets: int = 0
    groups: int = 0
    rows: dict[str, int] = {}
    """By event kind, in lower case."""
    gaps: dict[str, int] = {}
    """By reason, in lower case."""
    skipped: dict[str, int] = {}
    """What was left out or is doubtful, by reason."""
    hashes: dict[str, int] = {}
    """Book hashes of the exchange checked, by verdict."""
    assumptions: list[str] = []

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self.skipped[reason] = self.skipped.get(reason, 0) + count

    def assume(self, text: str) -> None:
        if text not in self.assumptions:
            self.assumptions.append(text)


class Recording:
    """One segment on its way into the lake, and its share of the report.

    Use as a context manager: left by an error other than damaged input, hours in progress vanish.
    """

    def __init__(self, lake: Lake, segment: str, report: ImportReport) -> None:
        self.report = report
        self._lake = lake
        self._segment = segment
        self._gaps: list[Gap] = []
        lake.clean(segment)
        self._writers = {kind: lake.writer(kind, segment) for kind in Kind}
        report.segments.append(segment)

    def define(self, markets: Sequence[Market], groups: Sequence[Group] = ()) -> None:
        """Comes first, so that the lake never holds events of a market it does not know."""
        if self._lake.write_markets(self._segment, markets, groups):
            self.report.files_changed.append(f"markets/{self._segment}.parquet")
        else:
            self.report.files_unchanged += 1
        self.report.markets += len(markets)
        self.report.groups += len(groups)

    def events(self, rows: Rows) -> None:
        """Rows of records.EVENT, not before any given so far."""
        if len(rows) == 0:
            return
        self._writers[Kind.EVENTS].append(to_arrow(rows, SCHEMAS[Kind.EVENTS]))
        counts = Counter(self.report.rows)
        for kind, count in enumerate(np.bincount(rows["kind"])):
            if count:
                counts[EventKind(kind).name.lower()] += int(count)
        self.report.rows = dict(counts)
        first_ns = int(rows[0]["ts_recv_ns"])
        self.report.first_ns = min(self.report.first_ns or first_ns, first_ns)
        self.report.last_ns = max(self.report.last_ns, int(rows[-1]["ts_recv_ns"]))

    def raw(self, table: pa.Table) -> None:
        self._writers[Kind.RAW].append(table)

    def gap(self, gap: Gap) -> None:
        self._gaps.append(gap)
        name = gap.reason.name.lower()
        self.report.gaps[name] = self.report.gaps.get(name, 0) + 1

    def finish(self, *, is_damaged: bool = False) -> None:
        """Publish. A damaged input replaces no longer file, a whole one all of its segment."""
        self._writers[Kind.GAPS].append(gaps_table(self._gaps))
        for kind, writer in self._writers.items():
            changed = writer.close(keep_longer=is_damaged)
            self.report.files_unchanged += len(writer.touched) - len(changed)
            if not is_damaged:
                changed += self._lake.remove_others(kind, self._segment, writer.touched)
            self.report.files_changed += [str(p.relative_to(self._lake.root)) for p in changed]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.discard()


def segment_name(format_name: str, first_record: bytes) -> str:
    """The same recording has the same name, whole or cut short, whatever the options."""
    digest = hashlib.sha256(format_name.encode() + b"\0" + first_record)
    return f"{format_name}-{digest.hexdigest()[:16]}"


def reject_options(options: ImportOptions, format_name: str, used: Sequence[str]) -> None:
    """Raises ConfigError for an option that was given and means nothing to this format."""
    defaults = ImportOptions()
    for name in options.__struct_fields__:
        if getattr(options, name) != getattr(defaults, name) and name not in used:
            raise ConfigError(
                "import", name, f"not an option of {format_name}; it takes: {', '.join(used)}"
            )


def hold_ns(options: ImportOptions, default_ms: int) -> int:
    hold_ms = default_ms if options.hold_ms is None else options.hold_ms
    if hold_ms <= 0:
        raise ConfigError("import", "hold_ms", f"{hold_ms}: a sample is held at least 1 ms")
    return hold_ms * NS_PER_MS


def fee_rate_e4(options: ImportOptions) -> int:
    """Default 0.07, the highest published rate (reference, section 5)."""
    rate = Decimal("0.07") if options.fee_rate is None else options.fee_rate
    return scale_option("fee_rate", rate, 4, most=1)


def scale_option(name: str, value: Decimal, digits: int, most: int) -> int:
    scaled = value.scaleb(digits)
    if not value.is_finite() or not 0 <= value <= most or scaled != scaled.to_integral_value():
        allowed = f"a number from 0 to {most} of at most {digits} decimals"
        raise ConfigError("import", name, f"{value}: expected {allowed}")
    return int(scaled)
