"""Many small raw segments of an hour into one, without a moment in which rows are there twice.

The new file lists what it replaces (`hfptm.segments`) and is published first: from then on readers
of the lake do not see the old ones, which are then removed. A crash in between leaves files that
nobody reads; the next `compact` removes them. So it does with those that are just being read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hfptm.clock import NS_MAX
from hfptm.errors import HfptmError
from hfptm.lake import SCHEMAS, Kind, Lake, hour_ns
from hfptm.parquet import HOUR_NS, TableFile, open_table, sorted_by_time, sync_folder
from hfptm.presence import unread
from hfptm.raw import RAW_GROUP_ROWS
from hfptm.segments import RECORDED, Merger, hidden, merged_name, merged_schema, merger_of
from hfptm.wal import logs
from recorder.lock import ProcessLock

Progress = Callable[[int, int], None]
"""Told (bytes of small segments merged, bytes in all)."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """A new file in the place of several."""

    path: str
    """Relative to the lake."""
    parts: int
    rows: int
    size_bytes: int
    parts_bytes: int


def maintenance_lock(lake: Lake) -> ProcessLock:
    """Held while sealed files are merged, copied or removed; a recorder may run beside it."""
    return ProcessLock(lake.root / "maintenance.lock", "compacting, copying or removing files")


def compact(lake: Lake, before_ns: int, progress: Progress) -> list[Merged]:
    """Merge the recorder's raw segments of every hour that ended by `before_ns`.

    Raises LakeError if another process maintains this lake, or for an unreadable segment.
    """
    with maintenance_lock(lake):
        for folder in sorted(lake.root.glob("raw/date=*/hour=*")):
            remove_unread(lake, hidden(folder.glob("*.parquet")))
        hours = [
            paths
            for hour, paths in sorted(_by_hour(lake).items())
            if len(paths) > 1 and hour + HOUR_NS <= before_ns
        ]
        all_bytes = sum(sum(map(_size, paths)) for paths in hours)
        merged: list[Merged] = []
        for paths in hours:
            merged.append(_merge(lake, paths))
            progress(sum(found.parts_bytes for found in merged), all_bytes)
        return merged


def _by_hour(lake: Lake) -> dict[int, list[Path]]:
    # While its log is there, a segment may be published again.
    unsealed = {log.stem for log in logs(lake.wal)}
    hours: dict[int, list[Path]] = {}
    for path in lake.files(Kind.RAW):
        if RECORDED.fullmatch(path.stem) and path.stem not in unsealed:
            hours.setdefault(hour_ns(path), []).append(path)
    return hours


def _merge(lake: Lake, paths: Sequence[Path]) -> Merged:
    merger = _merger(paths)
    schema = merged_schema(SCHEMAS[Kind.RAW], merger)
    name = merged_name(merger.segments)
    for stale in paths[0].parent.glob(f"{name}.*.tmp"):
        stale.unlink()
    file = TableFile(paths[0].with_name(f"{name}.parquet"), schema, RAW_GROUP_ROWS)
    try:
        for table in merged_rows(paths):
            file.append(table.replace_schema_metadata(schema.metadata))
    except (OSError, HfptmError):
        file.discard()
        raise
    file.publish()
    merged = Merged(
        path=file.path.relative_to(lake.root).as_posix(),
        parts=len(paths),
        rows=file.rows,
        size_bytes=_size(file.path),
        parts_bytes=sum(map(_size, paths)),
    )
    remove_unread(lake, paths)
    return merged


def _merger(paths: Sequence[Path]) -> Merger:
    mergers = [(path.stem, merger_of(path)) for path in paths]
    segments = [segment for stem, of in mergers for segment in (of.segments if of else [stem])]
    spans = [_span_ns(path) for path in paths]
    return Merger(
        segments=sorted(segments),
        replaced=[path.name for path in paths],
        in_sequence=all(last_ns <= first_ns for (_, last_ns), (first_ns, _) in pairwise(spans)),
    )


def _span_ns(path: Path) -> tuple[int, int]:
    """Times of the first and the last row."""
    with open_table(path) as file:
        groups = file.metadata.num_row_groups
        ends = [file.metadata.row_group(group).column(0) for group in (0, groups - 1)]
        return ends[0].statistics.min, ends[1].statistics.max


def _size(path: Path) -> int:
    return path.stat().st_size


def remove_unread(lake: Lake, paths: Iterable[Path]) -> bool:
    """False, and nothing is removed, while somebody reads in the lake."""
    with unread(lake.root) as is_unread:
        if is_unread:
            remove(paths)
        return is_unread


def remove(paths: Iterable[Path]) -> None:
    """Durable on return. One that the normaliser has just replaced is gone already."""
    gone = list(paths)
    for path in gone:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in gone}:
        sync_folder(folder)


def merged_rows(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """Rows of sorted files by (time, file, row).

    In memory is a row group or two of each file that overlaps the others in time.
    """
    with ExitStack() as stack:
        sources = [_Source(stack.enter_context(open_table(path))) for path in paths]
        while sources:
            until_ns = min(source.until_ns for source in sources)
            yield sorted_by_time(pa.concat_tables([source.take(until_ns) for source in sources]))
            for source in sources:
                if source.until_ns == until_ns:
                    source.read_on()
            sources = [source for source in sources if not source.is_over]


class _Source:
    """One file: the rows that were read and not taken, and how far they are known."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self._groups = iter(range(file.num_row_groups))
        self._held = file.schema_arrow.empty_table().replace_schema_metadata(None)
        self.until_ns: int = file.metadata.row_group(0).column(0).statistics.min
        """No row before it is missing among those read."""
        self.is_over = False

    def take(self, until_ns: int) -> pa.Table:
        times_ns = self._held.column(0).to_numpy()
        ready = len(times_ns) if until_ns > NS_MAX else np.searchsorted(times_ns, until_ns)
        taken, self._held = self._held.slice(0, ready), self._held.slice(ready)
        return taken

    def read_on(self) -> None:
        group = next(self._groups, None)
        if group is None:
            # Before the last rows are taken, then after.
            self.is_over = self.until_ns > NS_MAX
            self.until_ns = NS_MAX + 1
            return
        table = self._file.read_row_group(group).replace_schema_metadata(None)
        self._held = pa.concat_tables([self._held, table])
        # The next row group may go on with rows of the same time.
        self.until_ns = self._held.column(0)[-1].as_py()
