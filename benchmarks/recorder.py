"""How fast the recorder is, and what it takes: `python -m benchmarks.recorder [--json]`.

From the socket to the durable log, with the sealing that follows; sender and recorder are processes
of their own. Takes six minutes. On a machine with fewer than three free cores they take them from
each other: what the recorder could do with a core of its own stands beside each figure.
"""

import asyncio
import gc
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from benchmarks import sandbox
from benchmarks.child import child
from benchmarks.process_tree import own_peak_bytes, tree_cpu_s
from benchmarks.report import ROOT, Figure, main
from benchmarks.sender import OPENING_S, Head, Load, send
from benchmarks.storage import make_frames
from hfptm.clock import monotonic_ns
from hfptm.lake import Kind, Lake
from hfptm.raw import RawKind
from hfptm.registry import Market, market_id
from hfptm.sandbox.resend import resend
from hfptm.sandbox.wire_file import read_wire
from hfptm.sections import Recorder
from hfptm.units import NS_PER_S
from hfptm.wal import logs
from recorder.derivation import derive
from recorder.feed import Feed
from recorder.scan import MARKET
from recorder.storage import Storage
from recorder.writer import WriterSettings

ABOUT = (
    "Frames are made: price changes of two tokens, 604 bytes, half of what does not compress are "
    "hashes."
)
SEALING_S = 600.0
"""What sealing and counting are given behind the last frame."""

_MIB = 1 << 20


class Sizes(NamedTuple):
    seconds: int = 60
    assets: int = 20_000
    memory_seconds: int = 20
    wire_frames: int = 100_000
    command_markets: int = 500
    command_rate: int = 500
    """Frames per second of the exchange, which come on each line."""
    warm_s: int = 20
    command_seconds: int = 120


class Task(NamedTuple):
    """What a recorder is to do: receive these markets there until all connections are closed."""

    address: str
    markets: list[Market]
    connections: int
    section: Recorder
    data: Path


class Received(NamedTuple):
    """What it has done, and what it took, from the first frame to the last."""

    frames: int
    in_lake: int
    dropped: int
    took_s: float
    cpu_s: float
    sealing_cpu_s: float
    """Of the processes of low priority that seal logs."""
    raw_bytes: int
    rss_bytes: int
    """At the most."""


def measure(sizes: Sizes) -> list[Figure]:
    return [*_flat_out(sizes), _events(sizes), _memory(sizes), _command(sizes)]


def _flat_out(sizes: Sizes) -> list[Figure]:
    sent, got = recorded(Load(sizes.seconds, markets=200, connections=2), Recorder(redundancy=1))
    assert got.dropped == 0
    assert got.in_lake == got.frames == sent, "frames are lost"
    alone = got.frames / got.cpu_s
    note = f"{sizes.seconds} s, {sent:,} frames, none lost; {alone:,.0f} with a whole core"
    per_frame = got.raw_bytes / got.frames
    return [
        Figure("frames_per_s", got.frames / got.took_s, "frames/s", None, note),
        Figure("raw_bytes_per_frame", per_frame, "bytes", None, "of 604, sealed"),
    ]


def _events(sizes: Sizes) -> Figure:
    """Frames of the sandbox's traders, whose books are books."""
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        wire, data = Path(folder) / "wire.jsonl", Path(folder) / "data"
        sandbox.write_wire(wire, sandbox.Sizes(wire_frames=sizes.wire_frames))
        markets = wire_markets(wire)
        section = Recorder(redundancy=1, assets_per_connection=2 * len(markets))
        with child(receive) as receiving:
            resend(
                wire,
                on_ready=lambda address: receiving.tell(Task(address, markets, 1, section, data)),
            )
            receiving.hear(SEALING_S)
        Lake(data).write_markets("markets", markets)
        made = derive(data, lambda *_: None)
    note = f"{made.event_rows:,} rows of {made.frames:,} frames of the sandbox"
    per_row = made.event_bytes / made.event_rows
    return Figure("event_bytes_per_row", per_row, "bytes", None, note)


def _memory(sizes: Sizes) -> Figure:
    section = Recorder()
    connections = section.redundancy * sizes.assets // section.assets_per_connection
    load = Load(
        sizes.memory_seconds,
        markets=sizes.assets // 2,
        connections=connections,
        rate=2_000,
        has_books=True,
    )
    _, got = recorded(load, section)
    note = f"{connections} connections, books of 2 KB, 2,000 frames/s"
    return Figure(f"rss_mib_{sizes.assets}", got.rss_bytes / _MIB, "MiB", None, note)


def _command(sizes: Sizes) -> Figure:
    """`hfptm record` whole: receiving, companion, watchdog, sealing, the tape of what is sealed."""
    with (
        tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder,
        sandbox.serving(sizes.command_markets, sizes.command_rate) as served,
        recording(Path(folder), served.servers) as process,
    ):
        sandbox.wait_ms(sizes.warm_s * 1_000)
        before_s, began_ns = tree_cpu_s(process.pid), monotonic_ns()
        sandbox.wait_ms(sizes.command_seconds * 1_000)
        share = (tree_cpu_s(process.pid) - before_s) * NS_PER_S / (monotonic_ns() - began_ns)
        process.terminate()
        summary = json.loads(process.communicate()[0])
    assert summary["dropped_rows"] == 0
    per_s = summary["frames"] / summary["ran_s"]
    note = (
        f"all processes, {summary['markets']} markets, both lines: {per_s:,.0f} frames/s received"
    )
    return Figure(f"core_share_{sizes.command_rate}", share, "", None, note)


@contextmanager
def recording(data: Path, servers: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The command, which records everything; a minute's log is sealed and normalised."""
    command = [sys.executable, "-m", "hfptm.cli", "record", "--json", "--data", str(data)]
    settings = [
        *(f"server.{name}={address}" for name, address in servers.items()),
        *("discovery.min_volume_24h_usd=0", "discovery.min_liquidity_usd=0"),
        "storage.log_interval_s=60",
    ]
    command += [word for setting in settings for word in ("--set", setting)]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=nowhere, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def recorded(load: Load, section: Recorder) -> tuple[int, Received]:
    """How many frames were sent, and what a recorder of its own made of them."""
    with (
        tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder,
        child(send, load) as sending,
        child(receive) as receiving,
    ):
        data = Path(folder)
        address = sending.hear(OPENING_S, receiving)
        receiving.tell(Task(address, listed(load), load.connections, section, data))
        sent: int = sending.hear(2 * OPENING_S + load.seconds, receiving)
        received: Received = receiving.hear(SEALING_S)
        return sent, received


def receive(pipe: Pipe) -> None:
    """Do a `Task` and tell what was `Received`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pipe.send(runner.run(_receive(pipe.recv())))


async def _receive(task: Task) -> Received:
    storage = Storage(task.data, WriterSettings())
    feed = Feed(task.section, task.address, storage.append, lambda *_: None, seed=1)
    gc.collect()
    async with feed:
        feed.add(task.markets)
        while len(feed.dialling.open) < task.connections:
            await asyncio.sleep(0.05)
        books, began_ns, before_s = feed.dialling.received()[0], monotonic_ns(), _cpu_s()
        last_ns, frames = began_ns, books
        while feed.dialling.open:
            await asyncio.sleep(0.05)
            feed.tick(monotonic_ns())
            if frames < (frames := feed.dialling.received()[0]):
                last_ns = monotonic_ns()
        used_s = _cpu_s() - before_s
        rss_bytes = own_peak_bytes()
        dropped = storage.status().writer.dropped_rows
    storage.close()
    lake = Lake(task.data)
    while logs(lake.wal):  # sealing goes on
        await asyncio.sleep(0.1)
    return Received(
        frames=frames,
        in_lake=_frames_in(lake),
        dropped=dropped,
        took_s=(last_ns - began_ns) / NS_PER_S,
        cpu_s=used_s,
        sealing_cpu_s=_cpu_s(resource.RUSAGE_CHILDREN),
        raw_bytes=sum(path.stat().st_size for path in lake.files(Kind.RAW)),
        rss_bytes=rss_bytes,
    )


def listed(load: Load) -> list[Market]:
    """The markets of the sender's frames."""
    found: dict[str, Market] = {}
    for payload in make_frames(load.frames, load.markets):
        head = msgspec.json.decode(payload, type=Head)
        if head.market not in found:
            tokens = [change["asset_id"] for change in head.price_changes]
            found[head.market] = _market(head.market, tokens)
    return list(found.values())


def wire_markets(wire: Path) -> list[Market]:
    """Those of which a wire file has a price change."""
    found: dict[int, Market] = {}
    for frame in read_wire(wire):
        payload = bytes(frame.frame)
        is_change = payload.startswith(b'{"market":"') and len(frame.assets) == 2
        if is_change and frame.market not in found:
            found[frame.market] = _market(payload[MARKET].decode(), frame.assets)
    return list(found.values())


def _market(condition_id: str, tokens: list[str]) -> Market:
    yes_token, no_token = tokens
    return Market(
        market=market_id(condition_id),
        condition_id=condition_id,
        yes_token=yes_token,
        no_token=no_token,
        slug="",
        question="",
        category="",
        group=0,
        tick_e4=10,
        min_size_e6=0,
        fee_rate_e4=0,
        fee_exponent=1,
        neg_risk=False,
        version="v1",
        end_ts_ns=0,
        valid_from_ns=0,
    )


def _frames_in(lake: Lake) -> int:
    tables = lake.scan_raw(tail=True)
    return sum(int((t.column("kind").to_numpy() == RawKind.FRAME).sum()) for t in tables)


def _cpu_s(who: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main("recorder", ABOUT, lambda: measure(Sizes()))
