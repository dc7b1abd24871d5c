"""What recording costs behind the socket: `python -m benchmarks.storage [--json]`.

Made frames of the exchange's form, 604 bytes and two tokens each, of 200 markets: prices, sizes and
book hashes are random, so half of what is left after compression are the hashes' 40 bytes.
"""

import resource
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.report import Figure, main
from hfptm.clock import monotonic_ns
from hfptm.lake import Lake
from hfptm.raw import RawKind
from hfptm.units import NS_PER_S
from recorder.seal import seal
from recorder.writer import RawRow, RawWriter, WriterSettings

ABOUT = "All in one process, sealing too, which a recorder leaves to another one."

START_NS = 1_795_183_200 * NS_PER_S
MARKETS = 200
RATE_PER_S = 100_000
"""By the stamps; they are made, not waited for."""

BURST_FRAMES = 1000
QUEUE_BYTES = WriterSettings().queue_bytes

READ_FRAMES = 80
"""Frames that leave the socket in one read, with one stamp, at such a rate."""


def make_frames(count: int, markets: int = MARKETS) -> list[bytes]:
    """`price_change` messages as the market channel prints them."""
    generator = np.random.default_rng(7)
    tokens = [str(int.from_bytes(generator.bytes(32)) >> 1) for _ in range(2 * markets)]
    conditions = [f"0x{generator.bytes(32).hex()}" for _ in range(markets)]
    frames = []
    for number in range(count):
        market = int(generator.integers(markets))
        bid = int(generator.integers(10, 990))
        changes = [
            {
                "asset_id": tokens[2 * market + token],
                "price": f"{(1000 - bid if token else bid) / 1000:g}",
                "size": f"{generator.exponential(300):.2f}",
                "side": "SELL" if token else "BUY",
                "hash": generator.bytes(20).hex(),
                "best_bid": f"{bid / 1000:g}",
                "best_ask": f"{(bid + 1) / 1000:g}",
            }
            for token in range(2)
        ]
        message = {
            "market": conditions[market],
            "price_changes": changes,
            "timestamp": str(START_NS // 1_000_000 + number // 3),
            "event_type": "price_change",
        }
        frames.append(msgspec.json.encode(message))
    return frames


def rows(frames: list[bytes], count: int, read_frames: int) -> list[RawRow]:
    """`count` rows at `RATE_PER_S`; those of one read bear one stamp."""
    generator = np.random.default_rng(8)
    made: list[RawRow] = []
    gap_ns = read_frames * NS_PER_S // RATE_PER_S
    ts_ns = 0
    for number in range(count):
        if number % read_frames == 0:
            ts_ns += int(generator.integers(1, 2 * gap_ns))
        connection = number // READ_FRAMES % 2
        frame = frames[number % len(frames)]
        row = (START_NS + ts_ns, ts_ns, 0, connection, number, RawKind.FRAME, frame)
        made.append(row)
    return made


def cpu_us(who: int) -> float:
    used = resource.getrusage(who)
    return (used.ru_utime + used.ru_stime) * 1e6


def spent(who: int, work: Callable[[], object]) -> float:
    """Microseconds of processor time of a thread or of the process."""
    before = cpu_us(who)
    work()
    return cpu_us(who) - before


def record(data: Path, received: list[RawRow]) -> list[Figure]:
    """As fast as it goes without a loss; the receive path is this thread."""
    logs: list[Path] = []
    writer = RawWriter(Lake(data).wal, WriterSettings(log_bytes=1 << 40), logs.append)
    pause = threading.Event()
    receiving_us = 0.0
    started_ns = monotonic_ns()
    before_us, thread_us = cpu_us(resource.RUSAGE_SELF), cpu_us(resource.RUSAGE_THREAD)
    for start in range(0, len(received), BURST_FRAMES):
        part = received[start : start + BURST_FRAMES]
        receiving_us += spent(resource.RUSAGE_THREAD, partial(_append, writer, part))
        while writer.status().queued_bytes > QUEUE_BYTES // 2:
            pause.wait(0.001)
    thread_us = cpu_us(resource.RUSAGE_THREAD) - thread_us
    writer.close()
    taken_s = (monotonic_ns() - started_ns) / NS_PER_S
    behind_us = cpu_us(resource.RUSAGE_SELF) - before_us - thread_us
    count = len(received)
    assert writer.status().dropped_rows == 0
    return [
        Figure("frames_per_s", count / taken_s, "frames/s", None, "to durable log, nothing lost"),
        Figure("append_us", receiving_us / count, "us/frame", None, "on the receive path"),
        Figure("log_us", behind_us / count, "us/frame", None, "writing thread, processor time"),
        Figure("log_bytes", logs[0].stat().st_size / count, "bytes/frame", None, "until sealed"),
    ]


def sealed(data: Path, received: list[RawRow]) -> tuple[float, float]:
    """Processor time and bytes of a frame in the lake."""
    logs: list[Path] = []
    writer = RawWriter(Lake(data).wal, WriterSettings(queue_bytes=1 << 40), logs.append)
    _append(writer, received)
    writer.close()
    files: list[Path] = []
    used_us = spent(resource.RUSAGE_SELF, lambda: files.extend(seal(Lake(data), logs[0])))
    return used_us / len(received), sum(file.stat().st_size for file in files) / len(received)


def measure(count: int = 400_000) -> list[Figure]:
    frames = make_frames(min(count, 131_072))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        figures = record(data / "log", rows(frames, count, READ_FRAMES))
        some = len(frames)
        seal_us, raw_bytes = sealed(data / "reads", rows(frames, some, READ_FRAMES))
        _, own_bytes = sealed(data / "frames", rows(frames, some, 1))
    return [
        *figures,
        Figure("seal_us", seal_us, "us/frame", None, "in a process of its own, nice 19"),
        Figure("raw_bytes", raw_bytes, "bytes/frame", None, "in the lake, a stamp a read"),
        Figure("raw_bytes_stamps", own_bytes, "bytes/frame", None, "the same, a stamp a frame"),
    ]


def _append(writer: RawWriter, received: list[RawRow]) -> None:
    for row in received:
        writer.append(row)


if __name__ == "__main__":
    main("storage", ABOUT, measure)
