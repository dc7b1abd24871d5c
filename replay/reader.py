"""The tape of a stretch of time: event blocks from the lake in (receive time, file, row) order.

Memory does not grow with the length of the recording: of every file of the hour in progress one row
group is held.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hfptm.clock import NS_MAX
from hfptm.errors import LakeError
from hfptm.lake import Lake, hour_ns
from hfptm.parquet import fill_rows, open_table
from hfptm.records import EVENT

Rows = npt.NDArray[np.void]

_OPAQUE = np.dtype((np.void, EVENT.itemsize))
"""A row as plain bytes: numpy copies these six times as fast as rows with fields."""


class EventReader:
    """Iterates over blocks of records.EVENT with from_ns <= ts_recv_ns < to_ns.

    `markets` keeps the rows of these ids only. `rows_total` and `rows_read` count the rows of the
    row groups that overlap the stretch, before that filter, for a progress bar. None of its files
    is removed while it lives. Raises LakeError for a file of another schema version (at once) or a
    damaged one (when it is reached).
    """

    def __init__(
        self,
        lake: Lake,
        from_ns: int = 0,
        to_ns: int = NS_MAX,
        markets: set[int] | None = None,
    ) -> None:
        self.rows_read = 0
        self._from_ns = from_ns
        self._to_ns = to_ns
        self._markets = None if markets is None else np.array(sorted(markets), np.int64)
        self._held = lake.reading()
        self._hours = _by_hour(
            [_Source(path, from_ns, to_ns) for path in lake.events_files(from_ns, to_ns)]
        )
        sources = [source for hour in self._hours for source in hour]
        self.rows_total = sum(source.rows for source in sources)
        self.first_ns = max(min((s.first_ns for s in sources), default=0), from_ns)
        """No row of the stretch is earlier; 0 or `from_ns` if there is none."""
        self.last_ns = min(max((s.last_ns for s in sources), default=0), to_ns - 1)
        """No row of the stretch is later."""

    def __iter__(self) -> Iterator[Rows]:
        self.rows_read = 0
        for sources in self._hours:
            for block in _merge([self._blocks(source) for source in sources]):
                if len(block):
                    yield block

    def _blocks(self, source: "_Source") -> Iterator[Rows]:
        """The rows of one file that are asked for, a row group at a time, sorted."""
        for rows in source.blocks():
            self.rows_read += len(rows)
            if rows[0]["ts_recv_ns"] < self._from_ns or rows[-1]["ts_recv_ns"] >= self._to_ns:
                bounds = [self._from_ns, self._to_ns]
                start, stop = np.searchsorted(rows["ts_recv_ns"], bounds)
                rows = rows[start:stop]
            if self._markets is not None:
                rows = rows[np.isin(rows["market"], self._markets)]
            if len(rows):
                yield rows


class _Source:
    """One file: its row groups that overlap the stretch, with their times, from the metadata."""

    def __init__(self, path: Path, from_ns: int, to_ns: int) -> None:
        self.path = path
        self.groups: list[int] = []
        self.rows = 0
        self.first_ns = NS_MAX
        self.last_ns = 0
        metadata = open_table(path).metadata
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(0).statistics
            if from_ns <= statistics.max and statistics.min < to_ns:
                self.groups.append(group)
                self.rows += metadata.row_group(group).num_rows
                self.first_ns = min(self.first_ns, statistics.min)
                self.last_ns = max(self.last_ns, statistics.max)

    def blocks(self) -> Iterator[Rows]:
        with pq.ParquetFile(self.path) as file:
            for group in self.groups:
                try:
                    table = file.read_row_group(group)
                except (OSError, pa.ArrowException) as error:
                    raise LakeError(
                        f"{self.path}: row group {group} is damaged ({error}); "
                        "remove the file and import or record again"
                    ) from error
                yield fill_rows(table, EVENT)


def _by_hour(sources: list[_Source]) -> list[list[_Source]]:
    hours: dict[int, list[_Source]] = {}
    for source in sources:
        if source.groups:
            hours.setdefault(hour_ns(source.path), []).append(source)
    return [hours[hour] for hour in sorted(hours)]


def _merge(streams: list[Iterator[Rows]]) -> Iterator[Rows]:
    """Merge sorted streams; rows of one time keep the order of the streams."""
    if len(streams) == 1:
        yield from streams[0]
        return
    held: dict[int, Rows] = {}
    live = dict(enumerate(streams))
    while True:
        for index in [index for index in live if index not in held]:
            rows = next(live[index], None)
            if rows is None:
                del live[index]
            else:
                held[index] = rows
        if not held:
            return
        yield _take_safe(held)


def _take_safe(held: dict[int, Rows]) -> Rows:
    """Take, in order, every held row that nothing still unread can precede.

    The first stream to run out of held rows sets the limit: it may go on at its last time, so
    streams after it give only earlier rows. That stream itself is taken whole, hence every call
    makes room for a row group.
    """
    limit_ns, limit_index = min((int(rows[-1]["ts_recv_ns"]), i) for i, rows in held.items())
    taken = []
    for index in sorted(held):
        rows = held[index]
        side: Literal["left", "right"] = "right" if index <= limit_index else "left"
        count = int(np.searchsorted(rows["ts_recv_ns"], limit_ns, side))
        taken.append(rows[:count])
        if count == len(rows):
            del held[index]
        else:
            held[index] = rows[count:]
    block = np.concatenate([rows.view(_OPAQUE) for rows in taken])
    order = np.argsort(block.view(EVENT)["ts_recv_ns"], kind="stable")
    return block[order].view(EVENT)
