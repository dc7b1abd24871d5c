"""Of which hours a lake holds rows, how many, and what certificates say of them."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import msgspec

from hfptm.certificate import Origin, verdict
from hfptm.clock import utc_date_hour
from hfptm.lake import Kind, Lake, hour_ns
from hfptm.parquet import HOUR_NS, open_table

HOURS_A_DAY = 24


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A UTC day."""

    date: str
    hours: int
    """With rows, of 24."""
    event_rows: int
    raw_rows: int
    size_bytes: int
    """Of its events and raw files."""
    verified: int
    """Hours with a certificate."""
    unseen_share: float
    """Of the time in which markets were listed in these; 0 if there are none."""
    grade: str
    """The worst of them; empty if there are none."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    first_ns: int
    """Of the first row."""
    last_ns: int
    hours: int
    """With rows."""
    hours_between: int
    """From the first row's to the last row's, both included."""
    days: list[Day]


class _Segment(msgspec.Struct, frozen=True):
    hour_ns: int
    kind: Kind
    rows: int
    first_ns: int
    last_ns: int
    size_bytes: int

    @property
    def date(self) -> str:
        return utc_date_hour(self.hour_ns)[0]


def coverage(lake: Lake) -> Coverage | None:
    """None if there are no rows. Reads metadata only; raises LakeError for a damaged file."""
    paths = [(kind, path) for kind in (Kind.EVENTS, Kind.RAW) for path in lake.files(kind)]
    segments = [segment for kind, path in paths if (segment := _segment(kind, path)).rows]
    if not segments:
        return None
    hours = {segment.hour_ns for segment in segments}
    by_date = groupby(sorted(segments, key=lambda segment: segment.hour_ns), lambda s: s.date)
    return Coverage(
        first_ns=min(segment.first_ns for segment in segments),
        last_ns=max(segment.last_ns for segment in segments),
        hours=len(hours),
        hours_between=(max(hours) - min(hours)) // HOUR_NS + 1,
        days=[_day(lake, date, list(of_day)) for date, of_day in by_date],
    )


def _segment(kind: Kind, path: Path) -> _Segment:
    with open_table(path) as file:
        metadata = file.metadata
        groups = [metadata.row_group(group).column(0) for group in range(metadata.num_row_groups)]
    return _Segment(
        hour_ns=hour_ns(path),
        kind=kind,
        rows=metadata.num_rows,
        first_ns=groups[0].statistics.min if groups else 0,
        last_ns=groups[-1].statistics.max if groups else 0,
        size_bytes=path.stat().st_size,
    )


def _day(lake: Lake, date: str, segments: list[_Segment]) -> Day:
    hours = {segment.hour_ns for segment in segments}
    found = [verdict(lake, hour, origin) for hour in sorted(hours) for origin in Origin]
    verdicts = [each for each in found if each]
    listed_s = sum(each.total.listed_s for each in verdicts)
    unseen_s = sum(each.total.unseen_s for each in verdicts)
    return Day(
        date=date,
        hours=len(hours),
        event_rows=_rows(segments, Kind.EVENTS),
        raw_rows=_rows(segments, Kind.RAW),
        size_bytes=sum(segment.size_bytes for segment in segments),
        verified=len({each.hour_ns for each in verdicts}),
        unseen_share=unseen_s / listed_s if listed_s else 0.0,
        grade=max((each.grade for each in verdicts), default=""),
    )


def _rows(segments: Iterable[_Segment], kind: Kind) -> int:
    return sum(segment.rows for segment in segments if segment.kind is kind)
