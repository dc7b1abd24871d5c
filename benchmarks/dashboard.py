"""What watching costs: `python -m benchmarks.dashboard [--json]`."""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import msgspec

from benchmarks.report import Figure, main
from hfptm.bulletin import (
    LEVELS_MAX,
    PERIOD_NS,
    WATCHED_MAX,
    BookView,
    Bulletin,
    LatencyStatus,
    write,
)
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.feed_status import STARTING
from hfptm.journal import CodeVersion
from hfptm.trading_status import (
    RECENT_MAX,
    Counts,
    LimitUse,
    Money,
    OpportunityView,
    PlanView,
    PositionView,
    Trading,
)
from hfptm.units import NS_PER_MS, NS_PER_S

ABOUT = """`hfptm dashboard` in a process of its own, over bulletins with every list full (200
opportunities, plans and positions, 8 books), as of a run of 5,000 markets, written twice a second.
20 browsers read the stream, compressed. delay: from the file being there to the last of them
having the first byte of it."""

STREAMS, MARKETS, SECONDS = 20, 5_000, 10.0

_REQUEST = b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
_FIRST_MARKET = 2**62


def measure(seconds: float = SECONDS) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        command = (sys.executable, "-m", "hfptm.cli", "dashboard", "--port", "0", "--json")
        quiet = ("--set", "log.level=error", "--data", folder)
        with subprocess.Popen([*command, *quiet], stdout=subprocess.PIPE) as ran:
            try:
                assert ran.stdout is not None
                url = str(msgspec.json.decode(ran.stdout.readline())["url"])
                return asyncio.run(_measured(Path(folder), ran.pid, url, seconds))
            finally:
                ran.terminate()


async def _measured(data: Path, pid: int, url: str, seconds: float) -> list[Figure]:
    alone = await _share(data, pid, [], seconds)
    readers = [_Reader() for _ in range(STREAMS)]
    reading = [asyncio.create_task(reader.read(url)) for reader in readers]
    await asyncio.sleep(1.0)
    before_bytes = sum(reader.size_bytes for reader in readers)
    watched = await _share(data, pid, readers, seconds)
    size_bytes = sum(reader.size_bytes for reader in readers) - before_bytes
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    size = len(msgspec.json.encode(full(0)))
    return [
        Figure("bulletin_kb", size / 1e3, "KB", None, "as JSON"),
        Figure("idle_percent", alone.percent, "% of a core", None, "nobody looks"),
        Figure("watched_percent", watched.percent, "% of a core", None, f"{STREAMS} streams"),
        Figure("stream_kb_s", size_bytes / STREAMS / seconds / 1e3, "KB/s", None, "of each"),
        Figure("delay_p50_ms", watched.delays[49], "ms", None, "to the last of them"),
        Figure("delay_p99_ms", watched.delays[98], "ms", None, "the same"),
    ]


class _Reader:
    def __init__(self) -> None:
        self.size_bytes = self.heard_ns = 0

    async def read(self, url: str) -> None:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(_REQUEST)
        try:
            while said := await reader.read(1 << 20):
                self.size_bytes += len(said)
                self.heard_ns = monotonic_ns()
        finally:
            writer.close()


def _cpu_s(pid: int) -> float:
    """Of all its threads, to the nanosecond: by ticks much of what takes a millisecond is lost."""
    spent = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in spent) / NS_PER_S


class _Share(msgspec.Struct):
    percent: float
    delays: list[float]
    """Percentiles 1 to 99, ms."""


async def _share(data: Path, pid: int, readers: list[_Reader], seconds: float) -> _Share:
    """The processor's share of the dashboard, and how late the last reader was."""
    began_ns, before_s = monotonic_ns(), _cpu_s(pid)
    delays, serial = [], 0
    while (now_ns := monotonic_ns()) - began_ns < seconds * NS_PER_S:
        serial += 1
        write(data, full(serial))
        written_ns = monotonic_ns()
        await asyncio.sleep((PERIOD_NS - (monotonic_ns() - now_ns)) / NS_PER_S)
        delays += [max((r.heard_ns - written_ns) / NS_PER_MS for r in readers)] if readers else []
    took_s = (monotonic_ns() - began_ns) / NS_PER_S
    percent = 100 * (_cpu_s(pid) - before_s) / took_s
    return _Share(percent, quantiles(delays, n=100, method="inclusive") if delays else [])


def full(serial: int) -> Bulletin:
    """With every list as long as it gets."""
    return Bulletin(
        mode="paper",
        run_id="paper-benchmark",
        pid=1,
        began_ns=wall_ns(),
        told_ns=wall_ns(),
        serial=serial,
        code=CodeVersion(package="0", commit=None, python="3", numpy="2", platform="linux"),
        problems=[],
        feed=msgspec.structs.replace(STARTING, markets=MARKETS, frames=serial * 2_000),
        trading=_trading(serial),
        latencies=[
            _latency(name, serial) for name in ("feed", "decision", "order", "confirmation")
        ],
        books=[_book(number) for number in range(WATCHED_MAX)],
    )


def _trading(serial: int) -> Trading:
    numbers = range(serial, serial + RECENT_MAX)
    return Trading(
        counts=Counts(seen=serial * 3, displayed=serial * 2, arrived=serial),
        kinds={name: Counts(seen=serial) for name in ("binary", "no_basket", "yes_basket")},
        money=Money(cash_e6=serial * 1_000_003, result_e6=serial * 7_001),
        latch="",
        latch_limit=0,
        latch_value=0,
        pause="",
        paused_until_ns=0,
        limits=[
            LimitUse(name=f"max_limit_{number}_usd", used=serial, limit=10**9, unit="usd_e6")
            for number in range(12)
        ],
        positions=[_position(number) for number in numbers],
        positions_count=MARKETS,
        opportunities=[_opportunity(number) for number in numbers],
        plans=[_plan(number) for number in numbers],
        refusals={"taken": serial, "below_edge": serial * 9, "no_cash": serial},
    )


def _slug(number: int) -> str:
    return f"will-candidate-{number}-win-the-election-of-district-{number % 77}-in-2028"


def _position(number: int) -> PositionView:
    return PositionView(
        market=_FIRST_MARKET + number,
        slug=_slug(number),
        event_slug=f"district-{number % 77}-2028",
        token="yes" if number % 2 else "no",
        size_e6=number * 1_234_567,
        cost_e6=number * 603_211,
        bid_e6=number * 598_000,
        locked_size_e6=0,
        alone_since_ns=0,
    )


def _opportunity(number: int) -> OpportunityView:
    return OpportunityView(
        serial=number,
        ts_ns=wall_ns(),
        ended_ns=0,
        kind="no_basket",
        market=_FIRST_MARKET + number,
        slug=_slug(number),
        event_slug=f"district-{number % 77}-2028",
        legs=3 + number % 9,
        size_e6=number * 1_234_567,
        outlay_e6=number * 603_211,
        displayed_e6=number * 4_321,
        reason="taken",
        artefact="",
        plan=number,
        is_measured=True,
        arrived=True,
        arrived_e6=number * 4_000,
        printed=False,
        unseen=False,
    )


def _plan(number: int) -> PlanView:
    return PlanView(
        serial=number,
        ts_ns=wall_ns(),
        ended_ns=wall_ns(),
        kind="no_basket",
        market=_FIRST_MARKET + number,
        slug=_slug(number),
        event_slug=f"district-{number % 77}-2028",
        legs=3 + number % 9,
        size_e6=number * 1_234_567,
        expected_e6=number * 4_321,
        spent_e6=9_000_000,  # below what is worth an alert
        outcome="completed",
        result_e6=number * 4_000,
    )


def _latency(name: str, serial: int) -> LatencyStatus:
    return LatencyStatus(
        name=name,
        count=serial,
        sum_ns=serial * 10_000_000,
        minute_count=120,
        p50_ns=9_000_000,
        p99_ns=40_000_000,
        max_ns=90_000_000,
        buckets=[(1_000 << power, serial * power) for power in range(24)],
    )


def _book(number: int) -> BookView:
    levels = [(100 * level, level * 1_000_000) for level in range(1, LEVELS_MAX + 1)]
    return BookView(
        market=_FIRST_MARKET + number,
        slug=_slug(number),
        question=f"Will candidate {number} win?",
        tick_e4=100,
        bids=levels,
        asks=levels,
        ts_recv_ns=wall_ns(),
        is_bad=False,
    )


if __name__ == "__main__":
    main("dashboard", ABOUT, measure)
