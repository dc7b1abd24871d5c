"""Writes a small seeded recording in the exchange's wire format, with its markets and its truth.

The feed in front of it: a lognormal delay around 20 ms, one line that breaks and is built up again,
frames lost on purpose. The same seed gives the same bytes.
"""

import gzip
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from hfptm.sandbox.director import Director
from hfptm.sandbox.plan import Planted, Step
from hfptm.sandbox.universe import START_MS, Universe, make_universe
from hfptm.sandbox.wire import Wire
from hfptm.sandbox.world import World
from hfptm.units import NS_PER_MS

DURATION_MS = 150_000
"""Every planted thing has its place within it."""

LINE_DOWN_MS = (80_000, 81_500)
"""When the line breaks and when it is back, after the start."""

DELAY_MEDIAN_NS = 20 * NS_PER_MS
_DELAY_SIGMA = 0.35
_FRAME_GAP_NS = 40_000
"""Between frames of one batch as they arrive."""


class FrameRecord(msgspec.Struct, frozen=True):
    """One line of `frames.jsonl.gz`; a new `connection` means the one before has ended."""

    ts_recv_ns: int
    connection: int
    seq: int
    source: str
    payload: str


class Truth(msgspec.Struct, frozen=True):
    """What is in a recording, by the exchange's clock."""

    seed: int
    start_ts_venue_ns: int
    end_ts_venue_ns: int
    frames: int
    line_down_ns: list[tuple[int, int]]
    planted: list[Planted]


def write_recording(folder: Path, seed: int, steps_per_s: int = 180) -> Truth:
    """Write `frames.jsonl.gz`, `markets.jsonl`, `groups.jsonl` and `truth.json` into `folder`.

    `steps_per_s` is how much happens in all markets together by itself; a step is one to a few
    frames. The folder is made if it is missing; each file replaces its predecessor whole.
    Raises ValueError unless `steps_per_s` is between 1 and 1000.
    """
    if not 1 <= steps_per_s <= 1_000:
        raise ValueError(f"steps_per_s={steps_per_s} is not between 1 and 1000")
    rng = np.random.default_rng(seed)
    universe = make_universe(seed)
    world = World(universe, START_MS, rng)
    director = Director(world, START_MS, START_MS + DURATION_MS)
    records = list(_record(world, _steps(world, director, 1_000 / steps_per_s), rng))
    truth = _truth(seed, len(records), director.planted)
    _write_files(folder, universe, records, truth)
    return truth


def _steps(world: World, director: Director, mean_gap_ms: float) -> Iterator[Step]:
    """Everything that happens, in time order, each step applied to the world when it is yielded."""
    ts_ms = START_MS
    while ts_ms < START_MS + DURATION_MS:
        for step in director.due(ts_ms):
            yield _applied(world, step)
        index = world.draw(0, len(world.books))
        if world.books[index].ts_ms < ts_ms:
            changes, trades = world.act(index)
            if changes:
                yield _applied(
                    world, Step(ts_ms=ts_ms, index=index, changes=changes, trades=trades)
                )
        ts_ms += int(world.rng.geometric(1 / mean_gap_ms))


def _applied(world: World, step: Step) -> Step:
    book = world.books[step.index]
    if step.changes:
        book.apply(step.changes)
        book.ts_ms = step.ts_ms
    if step.tick_e4:
        world.ticks_e4[step.index] = step.tick_e4
        book.ts_ms = step.ts_ms
    return step


class _Line:
    """Delivers frames late and in order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._connection = 1
        self._seq = 0
        self._ts_recv_ns = 0

    def reconnect(self) -> None:
        self._connection += 1

    def deliver(
        self, frames: Iterable[str], ts_ms: int, gap_ns: int = _FRAME_GAP_NS
    ) -> Iterator[FrameRecord]:
        """Frames that the exchange sent at `ts_ms`, `gap_ns` apart."""
        delay_ns = int(self._rng.lognormal(math.log(DELAY_MEDIAN_NS), _DELAY_SIGMA))
        ts_recv_ns = max(ts_ms * NS_PER_MS + delay_ns, self._ts_recv_ns + _FRAME_GAP_NS)
        for payload in frames:
            self._ts_recv_ns = ts_recv_ns
            yield FrameRecord(ts_recv_ns, self._connection, self._seq, "ws", payload)
            self._seq += 1
            ts_recv_ns += gap_ns


def _record(world: World, steps: Iterator[Step], rng: np.random.Generator) -> Iterator[FrameRecord]:
    wire, line = Wire(world), _Line(rng)
    down_ms, up_ms = (START_MS + after_ms for after_ms in LINE_DOWN_MS)
    is_up = True
    yield from line.deliver([wire.dump()], START_MS)
    for step in steps:
        frames = list(wire.step(step))
        if down_ms <= step.ts_ms < up_ms:
            is_up = False
        elif not is_up:
            is_up = True
            line.reconnect()
            yield from line.deliver([wire.dump()], step.ts_ms)
        else:
            yield from line.deliver(frames, step.ts_ms, step.gap_ns or _FRAME_GAP_NS)


def _truth(seed: int, frames: int, planted: list[Planted]) -> Truth:
    down_ns, up_ns = ((START_MS + after_ms) * NS_PER_MS for after_ms in LINE_DOWN_MS)
    return Truth(
        seed=seed,
        start_ts_venue_ns=START_MS * NS_PER_MS,
        end_ts_venue_ns=(START_MS + DURATION_MS) * NS_PER_MS,
        frames=frames,
        line_down_ns=[(down_ns, up_ns)],
        planted=sorted(planted, key=lambda item: item.start_ts_venue_ns),
    )


def _write_files(
    folder: Path, universe: Universe, records: list[FrameRecord], truth: Truth
) -> None:
    encode = msgspec.json.encode
    files = {
        "frames.jsonl.gz": gzip.compress(_lines(records), compresslevel=6, mtime=0),
        "markets.jsonl": _lines(universe.markets),
        "groups.jsonl": _lines(universe.groups),
        "truth.json": msgspec.json.format(encode(truth), indent=1) + b"\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


def _lines(items: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)
