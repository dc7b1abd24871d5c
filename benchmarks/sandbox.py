"""How fast the sandbox is: `python -m benchmarks.sandbox [--json]`.

Every sandbox is `hfptm sandbox serve` in a process of its own, and its subscriber another one: on a
machine with fewer than three free cores they take them from each other. Takes two minutes.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing import get_context
from os import sysconf
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.orders import PER_S, Desk, RoundTrips
from benchmarks.report import ROOT, Figure, main
from benchmarks.subscriber import Counted, follow, follow_for
from hfptm.clock import monotonic_ns
from hfptm.sandbox.resend import resend
from hfptm.sandbox.session import Session, Settings
from hfptm.sandbox.wire_file import read_wire
from hfptm.units import NS_PER_S

ABOUT = "Frames are those of the sandbox's own traders; orders are signed before they are timed."

START_NS = 1_795_183_200 * NS_PER_S
_PAGE = 100


class Sizes(NamedTuple):
    """How much is measured, and how often."""

    markets: int = 500
    rate: int = 2_000
    flat_out: int = 40_000
    """Frames per second that cannot be reached: the exchange goes as fast as it can."""
    duration_ms: int = 10_000
    """Of a run, after what it takes to get going."""
    warm_ms: int = 1_000
    orders: int = 400
    wire_frames: int = 150_000
    runs: int = 5


class Served:
    """`hfptm sandbox serve` in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        self._pid = process.pid
        said = json.loads(process.stdout.readline())
        self.servers: dict[str, str] = said["servers"]
        self.private_key: str = said["account"]["private_key"]

    def markets(self) -> list[dict[str, Any]]:
        """Gamma's, all of them."""
        found: list[dict[str, Any]] = []
        while len(found) % _PAGE == 0:
            address = f"{self.servers['gamma_url']}/markets?limit={_PAGE}&offset={len(found)}"
            with urlopen(address) as reply:
                page = json.load(reply)
            if not page:
                break
            found += page
        return found

    def tokens(self) -> list[str]:
        return [
            token
            for market in self.markets()
            for token in market["positionIds"] or json.loads(market["clobTokenIds"])
        ]

    def cpu_s(self) -> float:
        """What the process has computed so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


@contextmanager
def serving(markets: int, rate: int) -> Iterator[Served]:
    command = [sys.executable, "-m", "hfptm.cli", "sandbox", "serve", "--json"]
    command += ["--markets", str(markets), "--rate", str(rate)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Served(process)
        finally:
            process.terminate()


@contextmanager
def subscriber() -> Iterator[ProcessPoolExecutor]:
    """Where `follow` runs; fresh, since a fork would share the sockets of others."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


def measure(sizes: Sizes) -> list[Figure]:
    with subscriber() as pool:
        return [
            measure_flat_out(sizes, pool),
            measure_resend(sizes, pool),
            *measure_busy(sizes, pool),
            *measure_quiet(sizes),
        ]


def measure_flat_out(sizes: Sizes, pool: ProcessPoolExecutor) -> Figure:
    """Traders, matching, hashes, printing, sending: what arrives at a subscriber of everything."""
    with serving(sizes.markets, sizes.flat_out) as served:
        runs = [watched(served, pool, sizes) for _ in range(sizes.runs)]
    rates = [received for received, _ in runs]
    alone = median(received / share for received, share in runs)
    note = f"{sizes.markets} markets, a subscriber of everything; {alone:,.0f} with a whole core"
    return Figure("frames_per_s", median(rates), "frames/s", (min(rates), max(rates)), note)


def watched(served: Served, pool: ProcessPoolExecutor, sizes: Sizes) -> tuple[float, float]:
    """Frames a second at a subscriber of everything, and what part of a core their server took."""
    address = served.servers["market_ws_url"]
    warm_ms, duration_ms = sizes.warm_ms, sizes.duration_ms
    counting = pool.submit(follow_for, address, served.tokens(), duration_ms, warm_ms=warm_ms)
    wait_ms(warm_ms)
    before_s, began_ns = served.cpu_s(), monotonic_ns()
    wait_ms(duration_ms)
    share = (served.cpu_s() - before_s) * NS_PER_S / (monotonic_ns() - began_ns)
    return counting.result().frames_per_s, share


def measure_resend(sizes: Sizes, pool: ProcessPoolExecutor) -> Figure:
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        wire = Path(folder) / "wire.jsonl"
        write_wire(wire, sizes)
        assets = sorted({asset for frame in read_wire(wire) for asset in frame.assets})
        runs = [_resent(wire, assets, pool) for _ in range(sizes.runs)]
    rates = [counted.frames_per_s for counted in runs]
    note = f"a file of {runs[0].frames:,} frames, from the first to the last at the subscriber"
    return Figure("resend_frames_per_s", median(rates), "frames/s", (min(rates), max(rates)), note)


def write_wire(path: Path, sizes: Sizes) -> None:
    """What the exchange sends in as much of its own time as the frames need."""
    session = Session(Settings(markets=sizes.markets, rate=sizes.rate, wire=path), START_NS)
    session.open_files()
    missing = max(0, sizes.wire_frames - session.frames)
    session.sandbox.advance(START_NS + missing * NS_PER_S // sizes.rate, START_NS)
    session.close()


def _resent(wire: Path, assets: Sequence[str], pool: ProcessPoolExecutor) -> Counted:
    counting: list[Future[Counted]] = []
    sent = resend(
        wire, on_ready=lambda address: counting.append(pool.submit(follow, address, assets))
    )
    counted = counting[0].result()
    assert counted.frames == sent.frames
    return counted


def measure_busy(sizes: Sizes, pool: ProcessPoolExecutor) -> list[Figure]:
    """The same sandbox first with a subscriber of everything alone, then with orders too."""
    with serving(sizes.markets, sizes.rate) as served:
        received, share = watched(served, pool, sizes)
        address, duration_ms = served.servers["market_ws_url"], sizes.orders * 1_000 // PER_S
        counting = pool.submit(follow_for, address, served.tokens(), duration_ms)
        trips = round_trips(served, sizes.orders)
        counting.result()
    what = f"{sizes.markets} markets at {sizes.rate:,} frames/s"
    note = f"of a core; {what}, {received:,.0f} of them at a subscriber"
    return [
        Figure("idle_core_share", share, "", None, note),
        *_trip_figures("", trips, what),
    ]


def measure_quiet(sizes: Sizes) -> list[Figure]:
    with serving(12, 1) as served:
        return _trip_figures("_quiet", round_trips(served, sizes.orders), "12 markets at rest")


def wait_ms(ms: int) -> None:
    threading.Event().wait(ms / 1_000)


def round_trips(served: Served, orders: int) -> RoundTrips:
    """In the market that ends last, since windows end within minutes."""
    takes = [m for m in served.markets() if m["clobTokenIds"] and m["acceptingOrders"]]
    with closing(Desk(served.servers["clob_url"], served.private_key)) as desk:
        desk.choose(max(takes, key=lambda market: str(market["endDate"])))
        return desk.round_trips(orders)


def _trip_figures(ending: str, trips: RoundTrips, what: str) -> list[Figure]:
    note = f"an order of a plain HTTP client, {what}"
    return [
        Figure(f"order_rtt_ms_p50{ending}", trips.p50, "ms", None, note),
        Figure(f"order_rtt_ms_p99{ending}", trips.p99, "ms", None, note),
    ]


if __name__ == "__main__":
    main("sandbox", ABOUT, partial(measure, Sizes()))
