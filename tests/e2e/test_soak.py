"""Hours of tape: a replay of many must not need more memory than one of few."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.tape import make_tape, with_ids
from hfptm.lake import Lake
from tests.conftest import ROOT

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
