"""Reads a lake over and over while others maintain it: `python -m tests.reading DATA HOW FROM_NS`.

Until a line comes on standard input; then it prints how often it read. What it reads from `FROM_NS`
on is the same each time, or it ends with an error.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hfptm.clock import NS_MAX
from hfptm.lake import Lake
from recorder.derivation import derive
from recorder.verify import verify
from replay.importers.base import quiet
from replay.reader import EventReader

PAUSE_S = 0.02


def events(data: Path, from_ns: int) -> object:
    return sum(len(rows) for rows in EventReader(Lake(data), from_ns))


def everything(data: Path, from_ns: int) -> object:
    """Also what is about to go; only as much as is there when it begins."""
    sum(len(rows) for rows in EventReader(Lake(data)))
    return events(data, from_ns)


def raw(data: Path, from_ns: int) -> object:
    return sum(table.num_rows for table in Lake(data).scan_raw(from_ns))


def certificates(data: Path, from_ns: int) -> object:
    found = verify(data, from_ns, NS_MAX, quiet, wait_s=30)
    sums = [certificate.checksums for certificate in found]
    return [not (each.wrong or each.not_derivable) for each in sums]


def normalised(data: Path, from_ns: int) -> object:
    derive(data, quiet, wait_s=30)
    return events(data, from_ns)


HOW: dict[str, Callable[[Path, int], object]] = {
    each.__name__: each for each in (events, everything, raw, certificates, normalised)
}


def main(arguments: Sequence[str]) -> None:
    data, how, from_ns = Path(arguments[0]), HOW[arguments[1]], int(arguments[2])
    stop, times, first = threading.Event(), 0, how(data, from_ns)

    def listen() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while not stop.wait(PAUSE_S):
        found = how(data, from_ns)
        assert found == first, (found, first)
        times += 1
    sys.stdout.write(f"{times} {first}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
