"""Received rows to the write-ahead log: the receive path appends, one thread writes and syncs.

The receive path never waits. What the disk cannot take in time waits in memory up to a limit;
beyond it rows are dropped, counted, and stand in the recording as a row of kind LOSS for each
connection that lost some.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind
from hfptm.raw import Loss, RawKind
from hfptm.records import GapReason
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.wal import encode_block
from recorder.log import LogFile

RawRow = tuple[int, int, int, int, int, int, bytes]
"""ts_recv_ns, ts_mono_ns, line, connection, seq, kind, payload: a row of `SCHEMAS[Kind.RAW]`."""

WAKE_BYTES = 1 << 20
"""Of new rows, at which the writer is woken before its time."""

BLOCK_BYTES = 8 << 20
"""Most payload of a block. Whatever gathers while the last is written makes one: beside a busy
receive path each block costs the writer several waits for the interpreter's lock."""

ROW_BYTES = 300
"""What a waiting row takes in memory beside its payload."""

RETRY_S = 0.5
"""Between two attempts at a disk that refused."""

_DTYPES = [field.type.to_pandas_dtype() for field in SCHEMAS[Kind.RAW]][:-1]


class WriterSettings(msgspec.Struct, frozen=True, kw_only=True):
    flush_interval_ms: int = 250
    """Nothing waits longer in memory alone, unless the disk is slower."""
    queue_bytes: int = 64 << 20
    """Most memory of rows that wait for the disk."""
    log_bytes: int = 16 << 20
    """A log of this size is closed, and sealed. It seals within two seconds."""
    log_interval_s: int = 3600
    """A log is closed when a stretch of this many seconds of UTC ends."""


class WriterStatus(msgspec.Struct, frozen=True, kw_only=True):
    queued_bytes: int
    written_rows: int
    dropped_rows: int
    last_sync_ns: int
    """UTC; 0 before the first."""
    sync_latency_ns: int
    """Of the last write: encoding, writing and syncing what waited."""
    syncing_since_ns: int
    """Monotonic: since when the disk has what is written now; 0 if it has nothing to do."""
    problem: str
    """Why the disk takes nothing at the moment; empty if it does."""


class RawWriter:
    """`append` and `close` on one thread; `closed` is called on the writer's for each whole log."""

    def __init__(
        self, folder: Path, settings: WriterSettings, closed: Callable[[Path], None]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._closed = closed
        # The receive path alone changes these.
        self._rows: list[RawRow] = []
        self._received_bytes = 0
        self._wake_at_bytes = WAKE_BYTES
        self._limit_bytes = settings.queue_bytes
        self._losses: dict[tuple[int, int], _Losing] = {}  # by line and connection
        self._dropped_rows = 0
        # The writing thread alone changes these.
        self._log: LogFile | None = None
        self._opened_ns = 0
        self._written_bytes = 0
        self._written_rows = 0
        self._last_sync_ns = 0
        self._sync_latency_ns = 0
        self._syncing_since_ns = 0
        self._problem = ""
        self._finished = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        # A daemon: a recorder that fails elsewhere must end, not hang with the lake locked.
        self._thread = threading.Thread(target=self._run, name="raw-writer", daemon=True)
        self._thread.start()

    def append(self, row: RawRow) -> None:
        """Keep a row, or drop it on account if `queue_bytes` of rows wait already."""
        if self._received_bytes - self._written_bytes > self._limit_bytes:
            self._drop(row)
            return
        if self._losses:
            self._tell_losses()
        self._received_bytes += len(row[6]) + ROW_BYTES
        self._rows.append(row)
        if self._received_bytes >= self._wake_at_bytes:
            self._wake_at_bytes = self._received_bytes + WAKE_BYTES
            self._wake.set()

    def status(self) -> WriterStatus:
        return WriterStatus(
            queued_bytes=self._received_bytes - self._written_bytes,
            written_rows=self._written_rows,
            dropped_rows=self._dropped_rows,
            last_sync_ns=self._last_sync_ns,
            sync_latency_ns=self._sync_latency_ns,
            syncing_since_ns=self._syncing_since_ns,
            problem=self._problem or self._death(),
        )

    def close(self) -> None:
        """Write all that waits and close the log. Raises LakeError if the disk refuses it."""
        self._tell_losses()
        self._closing.set()
        self._wake.set()
        self._thread.join()
        if self._rows:
            raise LakeError(
                f"{len(self._rows)} received rows are lost, they could not be written: "
                f"{self.status().problem}"
            )

    def _death(self) -> str:
        alive = self._thread.is_alive() or self._finished
        return "" if alive else "the writing thread died of an error; stop the recorder"

    def _drop(self, row: RawRow) -> None:
        self._dropped_rows += 1
        # Room for one row at a time would cut one loss into thousands.
        self._limit_bytes = self._settings.queue_bytes // 2
        link = (row[2], row[3])
        if link not in self._losses:
            reason = GapReason.DISK if self._problem else GapReason.OVERLOAD
            self._losses[link] = _Losing(reason, row)
        self._losses[link].add(row)

    def _tell_losses(self) -> None:
        for losing in self._losses.values():
            row = losing.row()
            self._received_bytes += len(row[6]) + ROW_BYTES
            self._rows.append(row)
        self._losses.clear()
        self._limit_bytes = self._settings.queue_bytes

    def _run(self) -> None:
        # Half of the interval for waiting, half for encoding and the disk.
        wait_s = self._settings.flush_interval_ms * NS_PER_MS / 2 / NS_PER_S
        while not self._closing.is_set():
            self._wake.wait(wait_s)
            self._wake.clear()
            self._flush()
            if self._log and self._is_over(self._log):
                self._close_log(self._log)
        self._flush()
        if self._log:
            self._close_log(self._log)
        self._finished = True

    def _flush(self) -> None:
        """Write what waits; meanwhile the receive path appends behind it to the same list."""
        rows = self._rows[:]
        if not rows:
            return
        started_ns = monotonic_ns()
        parts = list(_parts(rows))
        blocks = [_encode(part) for part in parts]
        self._syncing_since_ns = monotonic_ns()
        while not self._write(blocks, rows[0][0]):
            if self._closing.wait(RETRY_S):
                return
        del self._rows[: len(rows)]
        self._written_rows += len(rows)
        self._written_bytes += sum(map(_row_bytes, rows))
        self._last_sync_ns = wall_ns()
        self._syncing_since_ns = 0
        self._sync_latency_ns = monotonic_ns() - started_ns

    def _write(self, blocks: Sequence[bytes], first_ns: int) -> bool:
        try:
            self._log_of(first_ns).append(blocks)
        except OSError as error:
            self._problem = (
                f"{self._folder}: {error.strerror}; received rows wait in memory while there is "
                "room, then they are dropped; free space or mend the disk, and writing goes on"
            )
            return False
        self._problem = ""
        return True

    def _log_of(self, first_ns: int) -> LogFile:
        """The log that rows from `first_ns` on belong to."""
        stretch_ns = self._settings.log_interval_s * NS_PER_S
        if self._log and self._log.first_ns // stretch_ns != first_ns // stretch_ns:
            self._close_log(self._log)
        if not self._log:
            self._log = LogFile(self._folder, first_ns)
            self._opened_ns = monotonic_ns()
        return self._log

    def _is_over(self, log: LogFile) -> bool:
        full = log.size_bytes >= self._settings.log_bytes
        return full or monotonic_ns() - self._opened_ns >= self._settings.log_interval_s * NS_PER_S

    def _close_log(self, log: LogFile) -> None:
        log.close()
        self._log = None
        self._closed(log.path)


class _Losing:
    """What one connection is losing: the first and the last row of it, and how many."""

    def __init__(self, reason: GapReason, first: RawRow) -> None:
        self._reason = reason
        self._first = first
        self._last = first
        self._rows = 0

    def add(self, row: RawRow) -> None:
        self._last = row
        self._rows += 1

    def row(self) -> RawRow:
        ts_recv_ns, ts_mono_ns, line, connection, seq, _, _ = self._last
        loss = Loss(self._reason, self._rows, self._first[4], self._first[0])
        payload = msgspec.json.encode(loss)
        return ts_recv_ns, ts_mono_ns, line, connection, seq, RawKind.LOSS, payload


def _row_bytes(row: RawRow) -> int:
    return len(row[6]) + ROW_BYTES


def _parts(rows: list[RawRow]) -> Iterator[list[RawRow]]:
    """Cut where a part's payload reaches `BLOCK_BYTES`."""
    start = size_bytes = 0
    for stop, row in enumerate(rows, 1):
        size_bytes += len(row[6])
        if size_bytes >= BLOCK_BYTES:
            yield rows[start:stop]
            start, size_bytes = stop, 0
    if start < len(rows):
        yield rows[start:]


def _encode(rows: list[RawRow]) -> bytes:
    *numbers, payloads = zip(*rows, strict=True)
    columns = [
        pa.array(np.array(column, dtype)) for column, dtype in zip(numbers, _DTYPES, strict=True)
    ]
    schema = SCHEMAS[Kind.RAW]
    batch = pa.RecordBatch.from_arrays([*columns, pa.array(payloads, pa.binary())], schema=schema)
    return encode_block(batch)
