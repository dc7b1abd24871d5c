"""What it costs to be watched: `python -m benchmarks.bulletin [--json]`.

5,000 markets with their books, an edge every 400 rows, traded on paper as the live loop does it,
and more bulletins than a run tells: one every 500 frames. *held*: what the loop spends on
a bulletin, with four books watched. *made*: what its thread spends on making one, which holds the
interpreter, so the loop may have to wait as long. *written*: encoding and the disk. *taken*: what
an output of the engine costs more. *burst*: *made*, after 20,000 opportunities came at once.
"""

import gc
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.engine import Sizes, World, make_world, resting_collector
from benchmarks.replay import SETS
from benchmarks.report import Figure, main
from hfptm import bulletin
from hfptm.bulletin import bulletin_path
from hfptm.cli.publishing import Publisher
from hfptm.clock import monotonic_ns
from hfptm.drive.inputs import PAPER, InputLog, Start
from hfptm.drive.loop import Loop
from hfptm.drive.trading_view import TradingView
from hfptm.engine import Engine, Output, compile_kernels
from hfptm.opportunities import DECISION, OUTCOME, Phase
from hfptm.raw import RawKind
from hfptm.records import EVENT, INTENT
from replay.metrics import Tally

ABOUT = "All frames are generated; see the head of benchmarks/wire.py."
EVERY_FRAMES = 500
BURST = 20_000
WATCHED = 4

_FRAME = int(RawKind.FRAME)


class Times(NamedTuple):
    """Microseconds."""

    held: list[float]
    made: list[float]
    written: list[float]
    taken: list[float]
    burst: list[float]
    size_bytes: int


def measure(sizes: Sizes) -> list[Figure]:
    compile_kernels()
    world = make_world(sizes)
    with TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        times = watched(world, Path(folder))
    return [
        *_figures("held_us", times.held, "of the loop, a bulletin"),
        *_figures("made_us", times.made, "of the thread, a bulletin"),
        *_figures("written_us", times.written, "of the thread, a bulletin"),
        *_figures("taken_us", times.taken, "of the loop, an output of the engine"),
        *_figures("burst_us", times.burst, f"of the thread, after {BURST:,} at once"),
        Figure("size_kb", times.size_bytes / 1e3, "kB", None, "the last bulletin"),
    ]


def watched(world: World, folder: Path) -> Times:
    times = Times([], [], [], [], [], 0)
    tally = Tally()
    publisher = Publisher(folder, PAPER, "measured")

    def sink(output: Output) -> None:
        began_ns = monotonic_ns()
        publisher.take(output)
        times.taken.append((monotonic_ns() - began_ns) / 1e3)
        tally.add(output)

    engine = Engine((), (), SETS, sink, spare_slots=len(world.markets) + len(world.groups))
    with InputLog(folder, Start(mode=PAPER)) as inputs:
        loop = Loop(engine, inputs, world.books[0].ts_recv_ns)
        loop.list_more(world.markets, world.groups)
        view = TradingView(engine, loop, tally.copy, Start(mode=PAPER))
        publisher.follow(view)
        publisher.watched = [market.market for market in world.markets[:WATCHED]]
        with resting_collector():
            for number, frame in enumerate([*world.books, *world.frames]):
                row = (frame.ts_recv_ns, monotonic_ns(), 0, 1, number, _FRAME, frame.payload)
                loop.receive(row)
                if number > len(world.books) and number % EVERY_FRAMES == 0:
                    _tell(publisher, times.held, times.made, times.written)
                    gc.collect(0)
        for _ in range(9):
            publisher.take(_burst(world))
            _tell(publisher, [], times.burst, [])
    return times._replace(size_bytes=bulletin_path(folder).stat().st_size)


def _tell(publisher: Publisher, held: list[float], made: list[float], written: list[float]) -> None:
    times_ns = [monotonic_ns()]
    copies = publisher.collect("")
    times_ns.append(monotonic_ns())
    told = publisher.made_of(copies)
    times_ns.append(monotonic_ns())
    bulletin.write(publisher.data, told)
    times_ns.append(monotonic_ns())
    for times, took_ns in zip((held, made, written), np.diff(times_ns).tolist(), strict=True):
        times.append(took_ns / 1e3)


def _burst(world: World) -> Output:
    decisions = np.zeros(BURST, DECISION)
    decisions["phase"], decisions["size_e6"] = Phase.BEGIN, 10**7
    decisions["decision"] = 10**9 + monotonic_ns() % 10**9 + np.arange(BURST)
    ids = np.array([market.market for market in world.markets])
    decisions["market"] = ids[np.arange(BURST) % len(ids)]
    intents, outcomes, reports = (np.zeros(0, dtype) for dtype in (INTENT, OUTCOME, EVENT))
    return Output(intents, decisions, outcomes, reports)


def _figures(name: str, times: list[float], what: str) -> list[Figure]:
    note = f"{what}: {len(times):,}"
    return [
        Figure(f"{name}_p{percent}", float(np.percentile(times, percent)), "us", None, note)
        for percent in (50, 99)
    ]


if __name__ == "__main__":
    main("bulletin", ABOUT, partial(measure, Sizes(rows=60_000)))
