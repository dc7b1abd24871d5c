"""Memory: a replay of many hours takes no more than one of few, nor does a recorder after many
markets.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.tape import make_tape, with_ids
from hfptm.lake import Lake
from tests.conftest import ROOT
from tests.turnover import Task, recorded

PEAK = """
import sys
from pathlib import Path
from hfptm.cli import main
try:
    main(["replay", "--json", "--data", sys.argv[1]])
finally:
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024, file=sys.stderr)
"""
"""VmHWM is the process's own; rusage would also know the parent that made the tape."""


def peak_mib(data: Path) -> int:
    """Of a process that replays the whole lake."""
    command = [sys.executable, "-c", PEAK, str(data)]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(result.stderr.split()[-1])


@pytest.mark.soak
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    peaks = []
    for rows in (2_000_000, 30_000_000):
        tape = make_tape(256, rows)
        lake = Lake(tmp_path / str(rows))
        lake.write_markets("long", tape.markets, tape.groups)
        lake.write_events("long", with_ids(tape))
        del tape
        peaks.append(peak_mib(tmp_path / str(rows)))
    assert peaks[1] < peaks[0] + 150, peaks


@pytest.mark.soak
def test_a_recorder_is_as_large_after_ten_thousand_markets(tmp_path: Path) -> None:
    """A day of windows, 200 at a time. It grew by 95 MiB when what was announced was kept."""
    sizes = [size >> 20 for size in recorded(Task(tmp_path, waves=50, size=200))]
    sys.stdout.write(f"MiB behind each of fifty waves: {sizes}\n")
    assert max(sizes[-10:]) < max(sizes[10:20]) + 24, sizes
