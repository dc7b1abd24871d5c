"""A log becomes a segment once, whatever stops it on the way; one recorder at a time."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hfptm.errors import LakeError
from hfptm.lake import Kind, Lake
from hfptm.parquet import open_table
from recorder.recovery import recover
from recorder.seal import seal
from recorder.storage import Storage, recording_lock
from recorder.writer import RawWriter, WriterSettings
from tests.conftest import ROOT
from tests.recordings import START_NS, frames, read, row

HOUR_NS = 3_600_000_000_000
FAST = WriterSettings(flush_interval_ms=20)


def make_log(data: Path, times_ns: list[int]) -> Path:
    closed: list[Path] = []
    writer = RawWriter(Lake(data).wal, WriterSettings(), closed.append)
    for seq, ts_ns in enumerate(times_ns):
        writer.append(row(seq, ts_ns=START_NS + ts_ns))
    writer.close()
    (log,) = closed
    return log


def test_a_log_over_two_hours_becomes_a_file_in_each(tmp_path: Path) -> None:
    log = make_log(tmp_path, [HOUR_NS - 1, HOUR_NS, HOUR_NS - 2])
    sealed = seal(Lake(tmp_path), log)
    assert [path.parent.name for path in sealed] == ["hour=02", "hour=03"]
    assert {path.stem for path in sealed} == {log.stem}
    assert frames(read(tmp_path)) == {1: [2, 0, 1]}
    assert not log.exists()


def test_sealing_again_after_a_crash_before_the_log_was_removed(tmp_path: Path) -> None:
    log = make_log(tmp_path, [0, 1, HOUR_NS])
    saved = log.read_bytes()
    first, second = seal(Lake(tmp_path), log)
    sealed = [first.read_bytes(), second.read_bytes()]
    # As after a crash between the two files, and as after one behind both.
    for lost in ([second], []):
        for path in lost:
            path.unlink()
        log.write_bytes(saved)
        assert frames(read(tmp_path, tail=True)) == {1: [0, 1, 2]}
        assert seal(Lake(tmp_path), log) == lost
        assert [first.read_bytes(), second.read_bytes()] == sealed
        assert frames(read(tmp_path)) == {1: [0, 1, 2]}


def test_a_log_that_another_process_sealed_is_nothing_to_do(tmp_path: Path) -> None:
    log = make_log(tmp_path, [0])
    assert len(seal(Lake(tmp_path), log)) == 1
    assert seal(Lake(tmp_path), log) == []


def test_a_log_is_sealed_when_its_writer_is_done_and_not_before(tmp_path: Path) -> None:
    log = make_log(tmp_path, [0])
    with log.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sealing = threading.Thread(target=seal, args=(Lake(tmp_path), log))
        sealing.start()
        sealing.join(0.1)
        assert sealing.is_alive()
        assert Lake(tmp_path).files(Kind.RAW) == []
    sealing.join(10)
    assert frames(read(tmp_path)) == {1: [0]}


def test_an_empty_log_leaves_no_segment(tmp_path: Path) -> None:
    log = Lake(tmp_path).wal / "20260429T020000000Z-00000000.wal"
    log.parent.mkdir(parents=True)
    log.touch()
    assert seal(Lake(tmp_path), log) == []
    assert not log.exists()


def test_a_damaged_log_is_kept_and_told(tmp_path: Path) -> None:
    log = make_log(tmp_path, [0])
    whole = log.read_bytes()
    log.write_bytes(whole + whole[12:].replace(b"HFWB", b"HFWX") + whole[12:])
    with pytest.raises(LakeError, match=f"damaged at byte {len(whole)}.*was kept"):
        recover(tmp_path)
    assert frames(read(tmp_path)) == {1: [0]}
    assert [path.name for path in log.parent.glob("*.damaged")] == [f"{log.name}.damaged"]
    assert recover(tmp_path) == []


def test_the_program_seals_what_it_can_and_says_what_not(tmp_path: Path) -> None:
    log = make_log(tmp_path, [0])
    other = log.with_name("other.wal")
    other.write_bytes(b"something else entirely")
    command = [sys.executable, "-m", "recorder.seal", str(tmp_path), str(other), str(log)]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "not a log of the recorder" in result.stderr
    assert frames(read(tmp_path)) == {1: [0]}


def test_storage_seals_what_the_last_recorder_left_and_its_own(tmp_path: Path) -> None:
    make_log(tmp_path, [0, 1])
    storage = Storage(tmp_path, FAST)
    storage.append(row(2))
    assert storage.status().free_bytes > 0
    storage.close()
    recover(tmp_path)  # waits for what the stop did not wait for
    assert frames(read(tmp_path)) == {1: [0, 1, 2]}


def test_two_recorders_on_one_folder(tmp_path: Path) -> None:
    storage = Storage(tmp_path, FAST)
    try:
        for second in (lambda: Storage(tmp_path, FAST), lambda: recover(tmp_path)):
            with pytest.raises(LakeError, match=f"process {os.getpid()} is recording there; stop"):
                second()
    finally:
        storage.close()
    recording_lock(tmp_path).close()


def test_the_segment_has_one_page_a_row_group_and_the_schema_version(tmp_path: Path) -> None:
    (sealed,) = seal(Lake(tmp_path), make_log(tmp_path, list(range(100))))
    column = open_table(sealed).metadata.row_group(0).column(6)
    assert (column.path_in_schema, column.compression) == ("payload", "BROTLI")
