"""Reads a lake over and over while others maintain it: `python -m tests.reading DATA HOW FROM_NS`.

The first time it stops where it has listed files and read one of them, until a line comes on
standard input. Then it goes on, until the next line; it prints a line each time, and at last how
often it read. What it reads from `FROM_NS` on is the same each time, or it ends with an error.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Sequence, Sized
from pathlib import Path

from hfptm.clock import NS_MAX, monotonic_ns
from hfptm.lake import Lake
from hfptm.units import NS_PER_S
from recorder.derivation import derive
from recorder.verify import verify
from replay.importers.base import quiet
from replay.reader import EventReader

PAUSE_S = 0.02
"""At least; as long as a reading took: several that never rest would keep anybody else out."""

Halt = Callable[[], None]
"""Called between two files."""


def events(data: Path, from_ns: int, halt: Halt) -> object:
    return _rows(EventReader(Lake(data), from_ns), halt)


def everything(data: Path, from_ns: int, halt: Halt) -> object:
    """Also what is about to go; only as much as is there when it begins."""
    _rows(EventReader(Lake(data)), halt)
    return events(data, from_ns, halt)


def raw(data: Path, from_ns: int, halt: Halt) -> object:
    return _rows(Lake(data).scan_raw(from_ns), halt)


def certificates(data: Path, from_ns: int, halt: Halt) -> object:
    found = verify(data, from_ns, NS_MAX, lambda *_: halt(), wait_s=30)
    sums = [certificate.checksums for certificate in found]
    return [not (each.wrong or each.not_derivable) for each in sums]


def normalised(data: Path, from_ns: int, halt: Halt) -> object:
    derive(data, quiet, wait_s=30)
    return events(data, from_ns, halt)


def _rows(blocks: Iterable[Sized], halt: Halt) -> int:
    rows = 0
    for block in blocks:
        halt()
        rows += len(block)
    return rows


HOW: dict[str, Callable[[Path, int, Halt], object]] = {
    each.__name__: each for each in (events, everything, raw, normalised, certificates)
}
"""Those before `certificates` have what they need before it stops with the normaliser's lock."""


def main(arguments: Sequence[str]) -> None:
    data, how, from_ns = Path(arguments[0]), HOW[arguments[1]], int(arguments[2])
    stop, times = threading.Event(), 0
    first = how(data, from_ns, _Once())

    def listen() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    pause_s = PAUSE_S
    while not stop.wait(pause_s):
        begin_ns = monotonic_ns()
        found = how(data, from_ns, lambda: None)
        assert found == first, (found, first)
        pause_s = max(PAUSE_S, (monotonic_ns() - begin_ns) / NS_PER_S)
        sys.stdout.write("read\n")
        sys.stdout.flush()
        times += 1
    sys.stdout.write(f"{times} {first}\n")


class _Once:
    """Halts the first time it is called."""

    def __init__(self) -> None:
        self._is_over = False

    def __call__(self) -> None:
        if not self._is_over:
            self._is_over = True
            sys.stdout.write("begun\n")
            sys.stdout.flush()
            sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1:])
