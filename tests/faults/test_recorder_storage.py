"""The recorder's storage against kill -9 at random moments, and against a disk that is full."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hfptm.clock import monotonic_ns
from hfptm.lake import Kind, Lake
from hfptm.parquet import open_table
from hfptm.units import NS_PER_MS
from recorder.recovery import recover
from tests.conftest import ROOT
from tests.recording_process import SETTINGS
from tests.recordings import frames, read
from tests.unit.test_recorder_seal import make_log

INTERVAL_NS = SETTINGS.flush_interval_ms * NS_PER_MS


class Killed(NamedTuple):
    at_ns: int
    appended: list[tuple[int, int, int]]
    """Of every row reported: number, monotonic time behind its append, and `starved_ns` then."""
    sync_latency_ns: int
    """The longest reported."""
    written_rows: int
    """Said to be on the disk, at last."""
    syncing_since_ns: int
    """Since when the disk had what it was killed over; 0 if it was said to have nothing."""


def record_until_killed(data: Path, connection: int, after_rows: int) -> Killed:
    """Start a recorder and kill it as its row `after_rows` is reported, at no moment it chose."""
    command = [sys.executable, "-m", "tests.recording_process", str(data), str(connection)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(after_rows)]
        at_ns = monotonic_ns()
        process.kill()
        lines += process.stdout.readlines()
    reports = [tuple(map(int, line.split())) for line in lines if line.endswith("\n")]
    latency_ns, written_rows = (max(r[field] for r in reports) for field in (2, 3))
    appended = [(r[0], r[1], r[5]) for r in reports]
    return Killed(at_ns, appended, latency_ns, written_rows, syncing_since_ns=reports[-1][4])


def check_account(kept: list[int], killed: Killed) -> None:
    """No row twice, none left out in the middle, and whatever was said to be written is there."""
    assert kept == list(range(len(kept)))
    assert len(kept) >= killed.written_rows


def check_interval(kept: list[int], killed: Killed) -> int:
    """At most one flush interval lost, and as long as the disk takes, also over the write that it
    was killed in, which has reported no time of its own. While it had no processor no time passed.

    The longest, ns.
    """
    allowed_ns = INTERVAL_NS + killed.sync_latency_ns
    until_ns, starved_ns = killed.syncing_since_ns or killed.at_ns, killed.appended[-1][2]
    lost_ns = [
        until_ns - ns - (starved_ns - before_ns)
        for seq, ns, before_ns in killed.appended
        if seq >= len(kept)
    ]
    assert all(ns < allowed_ns for ns in lost_ns), (max(lost_ns), allowed_ns)
    return max(lost_ns, default=0)


def kill_often(data: Path, kills: int, seed: int) -> list[tuple[list[int], Killed]]:
    """What is kept of each run, and how it ended."""
    generator = np.random.default_rng(seed)
    runs: dict[int, Killed] = {}
    for connection in range(kills):
        after_rows = int(generator.integers(1, 600))
        runs[connection] = record_until_killed(data, connection, after_rows)
        kept = frames(read(data, tail=True))
        for of, killed in runs.items():
            check_account(kept.get(of, []), killed)
    before = read(data, tail=True).num_rows
    recover(data)
    sealed = [open_table(path).read() for path in Lake(data).files(Kind.RAW)]
    assert sum(table.num_rows for table in sealed) == before
    assert list(Lake(data).wal.glob("*.wal")) == []
    assert 4 * before > sum(len(killed.appended) for killed in runs.values())
    return [(kept.get(of, []), killed) for of, killed in runs.items()]


@pytest.mark.parametrize("seed", [1])
def test_twenty_kills(tmp_path: Path, seed: int) -> None:
    for kept, killed in kill_often(tmp_path, 20, seed):
        check_interval(kept, killed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    longest_ns = max(check_interval(*run) for run in kill_often(tmp_path, 20, seed))
    sys.stdout.write(f"lost: {longest_ns / NS_PER_MS:.0f} ms at most\n")


NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount(folder: Path) -> bool:
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "none", str(folder)]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def on_a_small_disk(module: str, folder: Path) -> dict[str, Any]:
    """What the module prints, run in a namespace in which it can mount."""
    if not can_mount(folder):
        pytest.skip("this machine lets nobody mount a small tmpfs")
    command = [*NAMESPACE, sys.executable, "-m", module, str(folder)]
    result = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    happened: dict[str, Any] = json.loads(result.stdout)
    return happened


def test_a_full_disk(tmp_path: Path) -> None:
    happened = on_a_small_disk("tests.full_disk", tmp_path)
    assert "No space left on device" in happened["problem"]
    assert "free space" in happened["problem"]
    assert "No space left on device" in happened["seal"]
    assert happened["left"] == []
    assert happened["durable"]
    assert happened["dropped"] > 0
    assert happened["after"] == ""
    assert happened["told"] == ["DISK"]
    assert happened["last"] == 3199
    assert happened["whole"]


def test_old_hours_make_room_on_a_full_disk(tmp_path: Path) -> None:
    happened = on_a_small_disk("tests.full_lake", tmp_path)
    assert happened["planned"] == happened["removed"] == ["02", "03"]
    assert happened["untouched"]
    assert happened["is_enough"]
    assert happened["is_least"]
    assert happened["left"]


def test_a_sealing_process_killed_at_any_moment(tmp_path: Path) -> None:
    """Kills spread over its run; the log is sealed once in the end, whatever they left."""
    log = make_log(tmp_path, list(range(20_000)))
    command = [sys.executable, "-m", "recorder.seal", str(tmp_path), str(log)]
    generator = np.random.default_rng(3)
    for _ in range(6):
        with subprocess.Popen(command, cwd=ROOT) as process:
            try:
                process.wait(float(generator.uniform(0.3, 1.0)))
            except subprocess.TimeoutExpired:
                process.kill()
        assert frames(read(tmp_path, tail=True)) == {1: list(range(20_000))}
    recover(tmp_path)
    assert frames(read(tmp_path)) == {1: list(range(20_000))}
    assert list(Lake(tmp_path).root.rglob("*.tmp")) == []
