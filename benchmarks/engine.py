"""How long a decision takes: `python -m benchmarks.engine [--json]`.

From the bytes of a frame to the intents that it causes, on the path of the live loop: normaliser,
slots, kernel and simulated venue, a frame at a time, for 5,000 markets whose books were laid
before. Frames are those of a generated tape (`benchmarks.wire`, `benchmarks.tape`) with an edge
planted every 400 rows, one at a time. Compiling, making the tape and laying the books are outside,
and so is journalling, but for the figures that say so; the garbage collector rests.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.replay import SETS
from benchmarks.report import Figure, main
from benchmarks.tape import make_tape
from benchmarks.wire import Frame, frames_of, with_tokens
from hfptm.clock import monotonic_ns
from hfptm.engine import Engine, Output, compile_kernels
from hfptm.journal import ROW_KINDS, RunJournal
from hfptm.normaliser.normaliser import Normaliser
from hfptm.raw import RawKind
from hfptm.registry import Group, Market

ABOUT = "All frames are generated; see the head of benchmarks/wire.py."
EDGE_EVERY_ROWS = 400
_BOOKS = b"["
"""What a frame of books begins with."""

_FRAME = int(RawKind.FRAME)


class Sizes(NamedTuple):
    markets: int = 5_000
    rows: int = 300_000


class World(NamedTuple):
    markets: list[Market]
    groups: list[Group]
    books: list[Frame]
    frames: list[Frame]


def measure(sizes: Sizes) -> list[Figure]:
    compile_kernels()
    world = make_world(sizes)
    plain_us = times_us(world, lambda _output: None)
    with (
        TemporaryDirectory(prefix="hfptm-benchmark-") as folder,
        RunJournal(Path(folder), "measured", "") as journal,
    ):
        journalled_us = times_us(world, partial(keep, journal))
    return [
        *figures("tick_to_intent_us", plain_us.with_intents, "frames that cause intents"),
        *figures("tick_to_intent_journal_us", journalled_us.with_intents, "the same, journalled"),
        *figures("tick_us", plain_us.all, "all frames"),
    ]


def keep(journal: RunJournal, output: Output) -> None:
    for kind in ROW_KINDS:
        journal.append(kind, getattr(output, kind))


def make_world(sizes: Sizes) -> World:
    tape = make_tape(sizes.markets, sizes.rows, edge_every_rows=EDGE_EVERY_ROWS)
    markets = with_tokens(tape.markets)
    books: list[Frame] = []
    frames: list[Frame] = []
    for frame in frames_of(tape, markets):
        (books if frame.payload.startswith(_BOOKS) else frames).append(frame)
    return World(markets, tape.groups, books, frames)


class Times(NamedTuple):
    """Microseconds, of each frame in order."""

    all: list[float]
    with_intents: list[float]


def times_us(world: World, sink: Callable[[Output], None]) -> Times:
    times = Times([], [])
    intents = 0

    def count(output: Output) -> None:
        nonlocal intents
        sink(output)
        intents += len(output.intents)

    normaliser = Normaliser(world.markets)
    engine = Engine(world.markets, world.groups, SETS, count)
    for book in world.books:
        receive(normaliser, engine, book)
    with resting_collector():
        for frame in world.frames:
            before, began_ns = intents, monotonic_ns()
            receive(normaliser, engine, frame)
            took_us = (monotonic_ns() - began_ns) / 1e3
            times.all.append(took_us)
            if intents > before:
                times.with_intents.append(took_us)
    return times


def receive(normaliser: Normaliser, engine: Engine, frame: Frame) -> None:
    normaliser.receive(frame.ts_recv_ns, 0, 1, _FRAME, frame.payload)
    engine.feed(normaliser.take())


@contextmanager
def resting_collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def figures(name: str, times: list[float], what: str) -> Iterator[Figure]:
    note = f"{what}: {len(times):,}"
    for percentile in (50, 99):
        value = float(np.percentile(times, percentile))
        yield Figure(f"{name}_p{percentile}", value, "us", None, note)


if __name__ == "__main__":
    main("engine", ABOUT, partial(measure, Sizes()))
