"""The lake: every recording as Parquet segments under `<data>/lake`, by kind, UTC date and hour.

    events/date=2026-04-29/hour=02/<segment>.parquet   records.EVENT, what replay reads
    raw/date=…/hour=…/<segment>.parquet                every frame as received, and link changes
    gaps/date=…/hour=…/<segment>.parquet               when a market was not seen, by its start
    markets/<segment>.parquet                          markets and their groups as valid from a time
    wal/<segment>.wal                                  raw rows of the last hour at most, not sealed

A segment is one recording's name. Files are sorted by receive time, appear whole or not at all, and
the same rows give the same bytes. Temporary files end in `.tmp` and no reader looks at them.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hfptm.clock import NS_MAX, parse_utc_ns, utc_date_hour
from hfptm.errors import LakeError
from hfptm.opportunities import Relation
from hfptm.parquet import (
    HOUR_NS,
    ROW_GROUP_ROWS,
    HourlyWriter,
    TableFile,
    arrow_schema,
    open_table,
    to_arrow,
)
from hfptm.presence import Reading
from hfptm.raw import RAW_GROUP_ROWS, RAW_SCHEMA, rows_between
from hfptm.records import EVENT, SCHEMA_VERSION, GapReason, TakerDelay
from hfptm.registry import Group, Market
from hfptm.segments import hidden
from hfptm.wal import open_logs, read_in_order

NORMALISER = "6"
"""Version of how frames become events; stands in the metadata of every events file."""


class Kind(StrEnum):
    """What is partitioned by hour."""

    EVENTS = "events"
    RAW = "raw"
    GAPS = "gaps"


class Gap(msgspec.Struct, frozen=True, order=True):
    """One market was not seen from `from_ns` to `to_ns` (0: to the end of its recording)."""

    from_ns: int
    market: int
    to_ns: int
    reason: GapReason


def _metadata(**more: str) -> dict[str, str]:
    keys = {"schema_version": str(SCHEMA_VERSION), **more}
    return {f"hfptm.{key}": value for key, value in keys.items()}


SCHEMAS: dict[Kind, pa.Schema] = {
    Kind.EVENTS: arrow_schema(EVENT, normaliser=NORMALISER),
    Kind.RAW: RAW_SCHEMA,
    Kind.GAPS: pa.schema(
        [
            pa.field("from_ns", pa.int64(), nullable=False),
            pa.field("market", pa.int64(), nullable=False),
            pa.field("to_ns", pa.int64(), nullable=False),  # 0: to the end of the recording
            pa.field("reason", pa.uint8(), nullable=False),  # records.GapReason
        ],
        metadata=_metadata(),
    ),
}

_ARROW = {kind: pa.int64() for kind in (int, Relation, TakerDelay)} | {
    str: pa.string(),
    bool: pa.bool_(),
}
_GROUP = {"group_slug": "slug", "relation": "relation", "members": "members"} | {
    "convertible": "convertible"
}


def _markets_schema() -> pa.Schema:
    market = [
        pa.field(field.name, _ARROW[field.type], nullable=False)
        for field in msgspec.structs.fields(Market)
    ]
    types = {field.name: _ARROW[field.type] for field in msgspec.structs.fields(Group)}
    group = [pa.field(column, types[name]) for column, name in _GROUP.items()]
    return pa.schema(market + group, metadata=_metadata())


MARKETS_SCHEMA = _markets_schema()
"""`registry.Market`, then its group's columns (null if it belongs to none)."""


class Lake:
    """Raises LakeError where the folder does not hold what was asked of it."""

    def __init__(self, data: Path) -> None:
        self.root = data / "lake"
        self.wal = self.root / "wal"
        """The write-ahead log, `hfptm.wal`."""

    def path(self, kind: Kind, ts_ns: int, segment: str) -> Path:
        date, hour = utc_date_hour(ts_ns)
        return self.root / kind / f"date={date}" / f"hour={hour:02d}" / f"{segment}.parquet"

    def reading(self) -> Reading:
        """Held from before the files are listed: until it ends none of them is removed."""
        return Reading(self.root)

    def files(self, kind: Kind, from_ns: int = 0, to_ns: int = NS_MAX) -> list[Path]:
        """Files whose hour overlaps [from_ns, to_ns), by hour, then by segment."""
        found = sorted(self.root.glob(f"{kind}/date=*/hour=*/*.parquet"))
        inside = [f for f in found if hour_ns(f) < to_ns and from_ns < hour_ns(f) + HOUR_NS]
        merged = hidden(inside)
        return [file for file in inside if file not in merged]

    def writer(self, kind: Kind, segment: str) -> HourlyWriter:
        """For rows of `SCHEMAS[kind]` in time order."""
        group_rows = RAW_GROUP_ROWS if kind is Kind.RAW else ROW_GROUP_ROWS
        return HourlyWriter(
            lambda ts_ns: TableFile(self.path(kind, ts_ns, segment), SCHEMAS[kind], group_rows)
        )

    def events_files(self, from_ns: int = 0, to_ns: int = NS_MAX) -> list[Path]:
        return self.files(Kind.EVENTS, from_ns, to_ns)

    def write_events(self, segment: str, rows: npt.NDArray[np.void]) -> list[Path]:
        """Rows of records.EVENT by receive time; returns the files that were new or changed."""
        return self._write(Kind.EVENTS, segment, to_arrow(rows, SCHEMAS[Kind.EVENTS]))

    def write_raw(self, segment: str, table: pa.Table) -> list[Path]:
        return self._write(Kind.RAW, segment, table)

    def write_gaps(self, segment: str, gaps: Iterable[Gap]) -> list[Path]:
        return self._write(Kind.GAPS, segment, gaps_table(gaps))

    def write_markets(
        self,
        segment: str,
        markets: Sequence[Market],
        groups: Sequence[Group] = (),
    ) -> bool:
        """One file a segment; False if an equal one was there already."""
        by_id = {group.group: group for group in groups}
        missing = sorted({market.group for market in markets} - by_id.keys() - {0})
        if missing:
            raise LakeError(f"segment {segment}: markets name groups that are not given: {missing}")
        rows = [_market_row(market, by_id.get(market.group)) for market in markets]
        file = TableFile(self.root / "markets" / f"{segment}.parquet", MARKETS_SCHEMA)
        file.append(pa.Table.from_pylist(rows, schema=MARKETS_SCHEMA))
        return file.publish()

    def market_versions(self) -> list[tuple[Market, Group | None]]:
        """Every version of every market, oldest first; of equal age by segment."""
        versions: list[tuple[Market, Group | None]] = []
        for path in sorted(self.root.glob("markets/*.parquet")):
            versions += map(_market_version, open_table(path).read().to_pylist())
        return sorted(versions, key=lambda version: version[0].valid_from_ns)

    def markets(self) -> list[Market]:
        """The newest version of every market, by id."""
        newest = {market.market: market for market, _ in self.market_versions()}
        return [newest[key] for key in sorted(newest)]

    def groups(self) -> list[Group]:
        """The newest version of every group, by id."""
        newest = {group.group: group for _, group in self.market_versions() if group}
        return [newest[key] for key in sorted(newest)]

    def gaps(self, from_ns: int = 0, to_ns: int = NS_MAX) -> list[Gap]:
        """Gaps that overlap [from_ns, to_ns), by start."""
        found: list[Gap] = []
        for path in self.files(Kind.GAPS, 0, to_ns):
            found += msgspec.convert(open_table(path).read().to_pylist(), list[Gap])
        return sorted(g for g in found if g.from_ns < to_ns and (g.to_ns == 0 or from_ns < g.to_ns))

    def scan_raw(
        self, from_ns: int = 0, to_ns: int = NS_MAX, *, tail: bool = False
    ) -> Iterator[pa.Table]:
        """Tables of `SCHEMAS[Kind.RAW]`, a row group each; within an hour segment after segment.

        With `tail`, then what is durable in the write-ahead log and not sealed yet, log after log.
        """
        with self.reading(), self._logs(tail) as logs:
            for path in self.files(Kind.RAW, from_ns, to_ns):
                if path.stem in logs:  # published already, or partly: the log holds all of it
                    continue
                file = open_table(path)
                for group in range(file.num_row_groups):
                    yield rows_between(file.read_row_group(group), from_ns, to_ns)
            for log in logs.values():
                for table in read_in_order(log):
                    yield rows_between(table, from_ns, to_ns)

    def _logs(self, tail: bool) -> AbstractContextManager[dict[str, BinaryIO]]:
        return open_logs(self.wal) if tail else nullcontext({})

    def clean(self, segment: str) -> None:
        """Remove what processes that died left of this segment."""
        for pattern in ("markets", "*/date=*/hour=*"):
            for path in self.root.glob(f"{pattern}/{segment}.*.tmp"):
                if not process_runs(int(path.suffixes[-2][1:])):
                    path.unlink(missing_ok=True)

    def remove_others(self, kind: Kind, segment: str, kept: Sequence[Path]) -> list[Path]:
        """Remove the segment's files that are not in `kept`; returns them."""
        found = self.root.glob(f"{kind}/date=*/hour=*/{segment}.parquet")
        others = sorted(set(found) - set(kept))
        for path in others:
            path.unlink()
        return others

    def _write(self, kind: Kind, segment: str, table: pa.Table) -> list[Path]:
        writer = self.writer(kind, segment)
        writer.append(table)
        return writer.close()


def hour_ns(file: Path) -> int:
    """Start of the hour that a partitioned file belongs to, from its folders' names."""
    date, hour = (folder.name.partition("=")[2] for folder in (file.parents[1], file.parent))
    try:
        return parse_utc_ns(f"{date}T{hour}:00Z")
    except ValueError as error:
        raise LakeError(f"{file}: not in a folder date=YYYY-MM-DD/hour=HH; move it out") from error


def gaps_table(gaps: Iterable[Gap]) -> pa.Table:
    rows = [msgspec.to_builtins(gap) for gap in sorted(gaps)]
    return pa.Table.from_pylist(rows, schema=SCHEMAS[Kind.GAPS])


def _market_row(market: Market, group: Group | None) -> dict[str, Any]:
    columns = {column: getattr(group, name, None) for column, name in _GROUP.items()}
    return {**msgspec.to_builtins(market), **columns}


def _market_version(row: dict[str, Any]) -> tuple[Market, Group | None]:
    fields = {name: row.pop(column) for column, name in _GROUP.items()}
    market = msgspec.convert(row, Market)
    if not market.group:
        return market, None
    return market, msgspec.convert({"group": market.group, **fields}, Group)


def process_runs(process: int) -> bool:
    """Whether there is a process of this number, of whomever."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
