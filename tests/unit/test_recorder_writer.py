"""Received rows become durable in time, none is lost unsaid, and the receive path never waits."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from hfptm.clock import monotonic_ns
from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.records import GapReason
from hfptm.wal import encode_block, read_batches
from recorder.log import LogFile
from recorder.recovery import recover
from recorder.writer import RawWriter, WriterSettings
from tests.recordings import START_NS, accounted, frames, losses, ones, read, row

RAW = SCHEMAS[Kind.RAW]
FAST = WriterSettings(flush_interval_ms=20)


def ignored(_log: Path) -> None:
    """Of a log that was closed."""


@contextmanager
def writer(data: Path, settings: WriterSettings = FAST) -> Iterator[RawWriter]:
    made = RawWriter(Lake(data).wal, settings, ignored)
    try:
        yield made
    finally:
        made.close()


def wait_for(said: threading.Event) -> None:
    assert said.wait(10)


def wait_until_written(made: RawWriter, rows: int) -> None:
    deadline_ns = monotonic_ns() + 10_000_000_000
    while made.status().written_rows < rows:
        assert monotonic_ns() < deadline_ns, made.status()
        threading.Event().wait(0.002)


def test_what_was_appended_is_read_back_before_and_after_sealing(tmp_path: Path) -> None:
    with writer(tmp_path) as made:
        for seq in range(1000):
            made.append(row(seq))
        wait_until_written(made, 1000)
        assert frames(read(tmp_path, tail=True)) == {1: list(range(1000))}
        assert read(tmp_path).num_rows == 0
    (sealed,) = recover(tmp_path)
    assert sealed.parent.name == "hour=02"
    assert frames(read(tmp_path)) == {1: list(range(1000))}
    assert frames(read(tmp_path, tail=True)) == {1: list(range(1000))}


def test_a_row_is_durable_within_the_flush_interval_though_nothing_follows(tmp_path: Path) -> None:
    with writer(tmp_path, WriterSettings(flush_interval_ms=250)) as made:
        started_ns = monotonic_ns()
        made.append(row(0))
        wait_until_written(made, 1)
        taken_ns = monotonic_ns() - started_ns
        assert taken_ns < 250_000_000 + made.status().sync_latency_ns
        assert made.status().queued_bytes == 0
        assert made.status().last_sync_ns > 0


def test_a_log_ends_with_its_hour_and_at_its_size(tmp_path: Path) -> None:
    closed: list[Path] = []
    made = RawWriter(Lake(tmp_path).wal, WriterSettings(log_bytes=2500), closed.append)
    for seq, ts_ns in enumerate([0, 1000, 2000, 3_600_000_000_000]):
        made.append(row(seq, ts_ns=START_NS + ts_ns))
        wait_until_written(made, seq + 1)
    made.close()
    assert [log.name[:18] for log in closed] == [
        "20260429T020000000",
        "20260429T020000000",
        "20260429T030000000",
    ]


def test_a_full_log_is_closed_without_waiting_for_the_next_row(tmp_path: Path) -> None:
    closed = threading.Event()
    settings = WriterSettings(flush_interval_ms=20, log_bytes=1000)
    made = RawWriter(Lake(tmp_path).wal, settings, lambda _log: closed.set())
    made.append(row(0))
    wait_for(closed)
    made.close()


def test_a_full_queue_drops_on_account_of_each_connection(tmp_path: Path) -> None:
    settings = WriterSettings(flush_interval_ms=20, queue_bytes=50_000)
    with writer(tmp_path, settings) as made:
        for seq in range(250):
            made.append(row(seq, connection=1))
            made.append(row(seq, connection=2))
        dropped = made.status().dropped_rows
        wait_until_written(made, 500 - dropped)
        made.append(row(250, connection=1))
    recover(tmp_path)
    table = read(tmp_path)
    told = losses(table)
    assert sum(loss.rows for _, _, loss in told) == dropped > 0
    assert {loss.reason for _, _, loss in told} == {GapReason.OVERLOAD}
    assert [loss.from_ns for _, _, loss in told] == [row(loss.from_seq)[0] for _, _, loss in told]
    assert frames(table)[1][-1] == 250
    assert accounted(table, 1) == ones(range(251))
    assert accounted(table, 2) == ones(range(250))


def test_a_loss_that_lasts_to_the_end_is_told_at_the_end(tmp_path: Path) -> None:
    with writer(tmp_path, WriterSettings(queue_bytes=5_000)) as made:
        for seq in range(100):
            made.append(row(seq))
    recover(tmp_path)
    assert accounted(read(tmp_path), 1) == ones(range(100))
    assert losses(read(tmp_path))


def test_a_disk_that_refuses_for_good_is_an_error_that_counts_the_rows(tmp_path: Path) -> None:
    folder = Lake(tmp_path).wal
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    made = RawWriter(folder, FAST, ignored)
    made.append(row(0))
    with pytest.raises(LakeError, match=r"1 received rows are lost.*File exists"):
        made.close()
    assert folder.read_text() == "a file where the folder should be"


def test_no_log_is_opened_twice(tmp_path: Path) -> None:
    names = set()
    for _ in range(20):
        log = LogFile(tmp_path, START_NS)
        names.add(log.path.name)
        log.close()
    assert len(names) == 20


def test_a_refused_block_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    """The limit on a file's size cuts a write in the middle, as a full disk does."""
    log = LogFile(tmp_path, START_NS)
    columns = [pa.array([value], field.type) for value, field in zip(row(1), RAW, strict=True)]
    block = encode_block(pa.RecordBatch.from_arrays(columns, schema=RAW))
    log.append([block])
    size_bytes = log.path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes + len(block) + 10, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            log.append([block, block])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert log.path.stat().st_size == size_bytes
    log.append([block])
    log.close()
    with log.path.open("rb") as file:
        assert [batch.num_rows for batch in read_batches(file)] == [1, 1]


def test_a_writer_that_died_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(str(args.exc_value)))
    made = RawWriter(Lake(tmp_path).wal, FAST, ignored)
    made.append((2**63, 0, 0, 1, 0, 1, b"{}"))
    made._thread.join(10)
    assert "died" in made.status().problem
    assert told
    with pytest.raises(LakeError, match=r"1 received rows are lost.*died"):
        made.close()
