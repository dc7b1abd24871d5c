"""What a program and everything that it starts take, as Linux counts it in /proc."""

from os import sysconf
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    parent: int
    cpu_s: float
    """With that of its children that have ended."""


def tree_cpu_s(pid: int) -> float:
    """Processor time of a process and all that it started, those that have ended included."""
    alive = _processes()
    family, size = {pid}, 0
    while size < len(family):
        size = len(family)
        family |= {child for child, process in alive.items() if process.parent in family}
    return sum(alive[member].cpu_s for member in family)


def own_peak_bytes() -> int:
    """Most memory that this program took; getrusage would also know that of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _processes() -> dict[int, _Process]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        found[int(path.parent.name)] = _Process(
            int(fields[1]), sum(map(int, fields[11:15])) / _TICKS_PER_S
        )
    return found
