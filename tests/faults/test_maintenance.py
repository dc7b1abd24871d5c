"""Files are merged and removed while other processes read them: none of those notices."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hfptm.clock import monotonic_ns
from hfptm.config import environment
from hfptm.lake import Kind, Lake
from hfptm.parquet import HOUR_NS
from hfptm.units import NS_PER_MS
from recorder.compact import compact
from recorder.derivation import derivation_lock, derive, derive_held
from recorder.lock import HeldError
from recorder.retention import DAY_NS, RetentionSettings, retain
from replay.importers.base import quiet
from tests.conftest import ROOT
from tests.property.test_normaliser import Arrival
from tests.reading import HOW
from tests.unit.test_derivation import FIRST_NS, arrivals, new_lake, write

DAYS, KEPT = 6, 3
PARTS = 3
PATIENCE_S = 60
FIRST_HALF_NS = 200_000_000
"""In which the scenario's rows lie in one hour."""


def made(data: Path) -> Lake:
    """A recorded hour a day, each of several segments, all of them normalised."""
    lake, rows = new_lake(data), [row for row in arrivals() if row.at_ns < FIRST_HALF_NS]
    size = len(rows) // PARTS + 1
    for day in range(DAYS):
        for part in range(PARTS):
            some = rows[part * size : (part + 1) * size]
            write(lake, day * PARTS + part, [later(row, day) for row in some])
    derive(data, quiet)
    assert left(lake, Kind.EVENTS) == DAYS * PARTS
    return lake


def later(row: Arrival, days: int) -> Arrival:
    """With the exchange's own time in it: what was said before would be a copy."""

    def moved(found: re.Match[bytes]) -> bytes:
        return b'"timestamp": "%d"' % (int(found[1]) + days * DAY_NS // NS_PER_MS)

    payload = re.sub(rb'"timestamp": "([0-9]+)"', moved, row.payload)
    return row._replace(at_ns=row.at_ns + days * DAY_NS, payload=payload)


@contextmanager
def reader(data: Path, how: str, from_ns: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.reading", str(data), how, str(from_ns)]
    pipe, env = subprocess.PIPE, {**environment(), "NUMBA_DISABLE_JIT": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def maintain(lake: Lake, day: int) -> None:
    """Merge a day as the recorder does, and remove one that is older; as often as it takes."""
    start_ns = FIRST_NS // HOUR_NS * HOUR_NS
    end_ns = start_ns + day * DAY_NS + HOUR_NS
    deadline_ns = monotonic_ns() + PATIENCE_S * 10**9
    settings = RetentionSettings(keep_days=DAYS - KEPT)
    while True:
        assert monotonic_ns() < deadline_ns, f"day {day}: nobody lets anything be removed"
        try:
            with derivation_lock(lake, PATIENCE_S):
                compact(lake, end_ns, quiet)
                derive_held(lake, quiet)
            report = retain(lake, settings, end_ns + DAY_NS // 2, wait_s=PATIENCE_S)
        except HeldError:
            continue
        if report.is_enough and left(lake, Kind.RAW) == expected(day):
            return
        threading.Event().wait(0.005)


def left(lake: Lake, kind: Kind) -> int:
    """Files on disk, those that no reader sees any more too."""
    return len(list(lake.root.glob(f"{kind}/date=*/hour=*/*.parquet")))


def expected(day: int) -> int:
    removed = max(0, day + 1 - KEPT)
    return (DAYS - day - 1) * PARTS + day + 1 - removed


@contextmanager
def begun_readers(data: Path, ways: Iterable[str]) -> Iterator[list["subprocess.Popen[str]"]]:
    """One for each of the ways, in the middle of the files that it has listed."""
    from_ns = FIRST_NS // HOUR_NS * HOUR_NS + KEPT * DAY_NS
    with ExitStack() as stack:
        readers = []
        for how in ways:
            process = stack.enter_context(reader(data, how, from_ns))
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n", process.communicate()[1]
            readers.append(process)
        yield readers


def go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def check_ends(readers: list["subprocess.Popen[str]"], times: int) -> None:
    said = [process.communicate("stop\n") for process in readers]
    for process, (out, err) in zip(readers, said, strict=True):
        assert process.returncode == 0, (process.args, err)
        assert int(out.splitlines()[-1].split()[0]) >= times, (process.args, err)


def test_readers_notice_nothing(tmp_path: Path) -> None:
    lake = made(tmp_path)
    assert left(lake, Kind.RAW) == DAYS * PARTS
    with begun_readers(tmp_path, HOW) as readers:
        for process in readers:
            go_on(process)
        for day in range(DAYS):
            maintain(lake, day)
            for process in readers:
                assert process.stdout is not None
                assert process.stdout.readline() == "read\n"
        check_ends(readers, 4)
    derive(tmp_path, quiet)
    assert left(lake, Kind.EVENTS) == left(lake, Kind.RAW) == expected(DAYS - 1)


def test_readers_between_two_files_notice_nothing(tmp_path: Path) -> None:
    """All that they have listed and not opened yet is merged meanwhile."""
    lake = made(tmp_path)
    with begun_readers(tmp_path, HOW.keys() - {"certificates"}) as readers:
        with derivation_lock(
            lake, PATIENCE_S
        ):  # which whoever certifies has, and so keeps merging away
            assert len(compact(lake, FIRST_NS + DAYS * DAY_NS, quiet)) == DAYS
            derive_held(lake, quiet)
        for process in readers:
            go_on(process)
        check_ends(readers, 0)


def test_what_is_being_read_goes_the_next_time(tmp_path: Path) -> None:
    lake = made(tmp_path)
    late_ns = FIRST_NS + DAYS * DAY_NS
    with lake.reading():
        assert len(compact(lake, late_ns, quiet)) == DAYS
        assert left(lake, Kind.RAW) == DAYS * (PARTS + 1)
        assert len(lake.files(Kind.RAW)) == DAYS
        report = retain(lake, RetentionSettings(keep_days=1), late_ns)
        assert "a process reads in this lake" in report.held_back
        assert not report.is_enough
    assert compact(lake, late_ns, quiet) == []
    assert left(lake, Kind.RAW) == DAYS
    assert retain(lake, RetentionSettings(keep_days=1), late_ns).is_enough


def test_a_folder_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    lake = made(tmp_path)
    lake.root.chmod(0o555)
    try:
        with lake.reading():
            assert len(lake.files(Kind.RAW)) == DAYS * PARTS
    finally:
        lake.root.chmod(0o755)
