"""Parquet files of rows: how they are encoded, published so that none is ever half there, and read.

The encodings were chosen by size and measured read speed into `records.EVENT`, on a generated tape
of 5 M level changes of 128 markets: 6.6 bytes a row and 35 M rows/s on two cores, against 7.0 bytes
and 25 M rows/s with pyarrow's defaults.
"""

import filecmp
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hfptm.errors import LakeError
from hfptm.records import SCHEMA_VERSION

HOUR_NS = 3_600_000_000_000

ROW_GROUP_ROWS = 262_144
"""Most rows of a row group, and so of what a reader holds of one file.

More reads no faster, and merges at half the speed: from 32 MiB on every buffer is fresh memory."""

_ARROW_TYPES = {"i8": pa.int64(), "i4": pa.int32(), "u2": pa.uint16(), "u1": pa.uint8()}

_FILL_ROWS = 8_192
"""Rows filled at a time: nine strided passes stay in the second-level cache."""

_ENCODINGS = {
    "ts_recv_ns": "DELTA_BINARY_PACKED",
    "ts_venue_ns": "DELTA_BINARY_PACKED",
    "ts_mono_ns": "DELTA_BINARY_PACKED",
    "seq": "DELTA_BINARY_PACKED",
    "size_e6": "BYTE_STREAM_SPLIT",
    "payload": "DELTA_LENGTH_BYTE_ARRAY",
}
"""By column name; every other column is dictionary encoded."""

_ZSTD = ("zstd", 3)
_CODECS = {"payload": ("brotli", 4)}
"""By column name, with the level; every other column is `_ZSTD`. Half of a frame's entropy is book
hashes: brotli's context model gives their digits 4 bits each beside text of other alphabets."""

_WHOLE_PAGES = {"data_page_size": 1 << 26, "max_rows_per_page": 1 << 30}
"""One page a row group, up to 64 MiB: a codec forgets every token id at the end of a page."""

_VERSION_KEY = b"hfptm.schema_version"


class TableFile:
    """A Parquet file in the making: not at `path` before `publish`, a crash leaves `*.tmp`."""

    def __init__(self, path: Path, schema: pa.Schema, group_rows: int = ROW_GROUP_ROWS) -> None:
        self.path = path
        self.rows = 0
        self._temporary = path.with_name(f"{path.stem}.{os.getpid()}.tmp")
        self._group_rows = group_rows
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        make_folder(path.parent)
        try:
            self._writer = _open_writer(self._temporary, schema)
        except OSError:  # the first bytes are written already, which a full disk refuses
            self._temporary.unlink(missing_ok=True)
            raise

    def append(self, table: pa.Table) -> None:
        """Row groups are cut by row count alone: equal rows give equal bytes in any portions."""
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        if self._waiting_rows >= self._group_rows:
            waiting = pa.concat_tables(self._waiting)
            whole = waiting.num_rows - waiting.num_rows % self._group_rows
            self._writer.write_table(waiting.slice(0, whole), row_group_size=self._group_rows)
            self._waiting = [waiting.slice(whole)]
            self._waiting_rows = waiting.num_rows - whole

    def publish(self, keep_longer: bool = False) -> bool:
        """Make the file visible, whole and durable; False if an equal one was there already.

        `keep_longer` leaves an existing file of as many rows or more: a damaged input may only add.
        """
        self._finish()
        if self.path.exists() and self._may_stay(keep_longer):
            self._temporary.unlink()
            return False
        self._temporary.replace(self.path)
        sync_folder(self.path.parent)
        return True

    def discard(self) -> None:
        try:
            self._writer.close()
        finally:  # closing writes, which a full disk refuses
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._waiting_rows:
            table = pa.concat_tables(self._waiting)
            self._writer.write_table(table, row_group_size=self._group_rows)
        self._writer.close()
        with self._temporary.open("rb+") as file:
            os.fsync(file.fileno())

    def _may_stay(self, keep_longer: bool) -> bool:
        if keep_longer and open_table(self.path).metadata.num_rows >= self.rows:
            return True
        return filecmp.cmp(self.path, self._temporary, shallow=False)


def _open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    encodings = {name: _ENCODINGS[name] for name in schema.names if name in _ENCODINGS}
    return pq.ParquetWriter(
        path,
        schema,
        compression={name: _CODECS.get(name, _ZSTD)[0] for name in schema.names},
        compression_level={name: _CODECS.get(name, _ZSTD)[1] for name in schema.names},
        use_dictionary=[name for name in schema.names if name not in encodings],
        column_encoding=encodings,
        **(_WHOLE_PAGES if "payload" in schema.names else {}),
    )


class HourlyWriter:
    """Rows in time order to one file an hour, which appears when the next hour begins.

    `open_hour` makes the file of the hour of a time; rows are tables whose first column is it, ns.
    """

    def __init__(self, open_hour: Callable[[int], TableFile]) -> None:
        self.touched: list[Path] = []
        """The files of all hours published so far, new, changed or equal."""
        self._open_hour = open_hour
        self._file: TableFile | None = None
        self._changed: list[Path] = []
        self._last_ns = 0

    def append(self, table: pa.Table) -> None:
        """Raises ValueError if time goes back."""
        ts_ns = table.column(0).to_numpy()
        if len(ts_ns) == 0:
            return
        if ts_ns[0] < self._last_ns or np.any(ts_ns[1:] < ts_ns[:-1]):
            raise ValueError("rows are not sorted by time")
        start = 0
        while start < len(ts_ns):
            first_ns = int(ts_ns[start])
            hour = first_ns // HOUR_NS
            if self._file is None or hour != self._last_ns // HOUR_NS:
                self._publish(keep_longer=False)
                self._file = self._open_hour(first_ns)
            stop = int(np.searchsorted(ts_ns, (hour + 1) * HOUR_NS))
            self._file.append(table.slice(start, stop - start))
            self._last_ns = int(ts_ns[stop - 1])
            start = stop

    def close(self, keep_longer: bool = False) -> list[Path]:
        """Publish the last hour (see `TableFile.publish`); returns what was new or changed."""
        self._publish(keep_longer)
        return self._changed

    def discard(self) -> None:
        """Drop the hour in progress; earlier hours stay."""
        if self._file:
            self._file.discard()
            self._file = None

    def _publish(self, keep_longer: bool) -> None:
        if self._file:
            self.touched.append(self._file.path)
            if self._file.publish(keep_longer):
                self._changed.append(self._file.path)
            self._file = None


def open_table(path: Path) -> pq.ParquetFile:
    """Raises LakeError for a file that cannot be read or holds another schema version."""
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise LakeError(
            f"{path}: not a readable Parquet file ({error}); remove it and import or record again"
        ) from error
    version = (file.schema_arrow.metadata or {}).get(_VERSION_KEY, b"none").decode()
    if version != str(SCHEMA_VERSION):
        raise LakeError(
            f"{path}: schema version {version}, this hfptm reads {SCHEMA_VERSION}; import the "
            "recording again into a new data folder (--data), or use the hfptm that wrote it"
        )
    return file


def read_rows(path: Path, dtype: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """The whole of a small file as rows of `dtype`."""
    return fill_rows(open_table(path).read(columns=list(dtype.names or ())), dtype)


def arrow_schema(dtype: np.dtype, **metadata: str) -> pa.Schema:
    """The Arrow schema of a row dtype; the schema version and `metadata` become its key-values."""
    fields = [
        pa.field(name, _ARROW_TYPES[dtype[name].str[1:]], nullable=False)
        for name in dtype.names or ()
    ]
    keys = {"schema_version": str(SCHEMA_VERSION), **metadata}
    return pa.schema(fields, metadata={f"hfptm.{key}": value for key, value in keys.items()})


def to_arrow(rows: npt.NDArray[np.void], schema: pa.Schema) -> pa.Table:
    """Rows of a dtype as an Arrow table of `arrow_schema`; columns are copied."""
    return pa.table(
        [pa.array(np.ascontiguousarray(rows[name])) for name in schema.names], schema=schema
    )


def fill_rows(table: pa.Table, dtype: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """Columns to an array of rows."""
    rows = np.empty(table.num_rows, dtype)
    columns = [(name, table.column(name).to_numpy()) for name in dtype.names or ()]
    for start in range(0, len(rows), _FILL_ROWS):
        part = rows[start : start + _FILL_ROWS]
        for name, column in columns:
            part[name] = column[start : start + _FILL_ROWS]
    return rows


def publish_bytes(path: Path, content: bytes) -> None:
    """A small file of any kind, there as a whole or as it was before, and durable."""
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sorted_by_time(table: pa.Table) -> pa.Table:
    """By the first column; rows of one time keep their order."""
    times_ns = table.column(0).to_numpy()
    if np.all(times_ns[1:] >= times_ns[:-1]):
        return table
    return table.take(np.argsort(times_ns, kind="stable"))


def make_folder(folder: Path) -> None:
    """Create a folder and its parents durably: each new name is in its parent on disk."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
