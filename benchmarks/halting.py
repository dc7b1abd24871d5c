"""How fast the kill switch works: `python -m benchmarks.halting [--json]`."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.capture import UNBOUND
from benchmarks.report import Figure, main
from hfptm.cli.sandbox import environment_of
from hfptm.clock import monotonic_ns
from hfptm.config import environment
from hfptm.drive.kill_switch import lift, throw
from hfptm.sandbox.faults_kinds import Slow
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_MS

ABOUT = """`hfptm live` in a process of its own, at a sandbox with as many opportunities as it can
take. While it trades the kill switch is thrown, by its file or by a signal, and lifted again. From
then on, until the exchange is asked to cancel everything; and until the last order comes in."""

SETTINGS = (
    *UNBOUND,
    "trading.mode=live",
    "trading.complete_sets=hold",
    "trading.bankroll_usd=900000",
    "trading.max_arb_size_usd=20",
    "risk.max_exposure_total_usd=900000",
    "risk.max_exposure_per_event_usd=900000",
    "risk.max_exposure_per_market_usd=900000",
    "live.canary_plans=1",
    "discovery.min_volume_24h_usd=0",
    "discovery.min_liquidity_usd=0",
    "discovery.refresh_interval_s=2",
)
PLANT = """
[random]
kinds = ["YES_BASKET"]
per_minute = 600
life_ms = [500, 1000]
edge_usd = [0.08, 0.09]
shares = [200, 300]
"""
MARKETS, RATE = 20, 100
THROWS = 40
ORDERS, CANCEL_ALL = "/orders", "/cancel-all"
WATCHED_S, BEGUN_S = 0.5, 120.0


class Seen:
    """When the exchange was asked for what."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._asked: list[tuple[int, str]] = []
        sandbox.faults.tell = self._note
        sandbox.faults.start(Slow(method="POST", path=ORDERS, delay_ms=(0, 0)))
        sandbox.faults.start(Slow(method="DELETE", path=CANCEL_ALL, delay_ms=(0, 0)))

    def _note(self, deed: Deed) -> None:
        self._asked.append((monotonic_ns(), deed.path))

    def since(self, begin_ns: int, path: str) -> list[int]:
        return [ns - begin_ns for ns, asked in self._asked if asked == path and ns >= begin_ns]

    def wait_for(self, path: str, deadline_s: float) -> None:
        """Until it is asked from now on. Raises TimeoutError."""
        begin_ns = monotonic_ns()
        while not self.since(begin_ns, path):
            if monotonic_ns() - begin_ns > deadline_s * 10**9:
                raise TimeoutError(f"nobody asked for {path}")
            threading.Event().wait(0.001)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        plant, data = Path(folder, "plant.toml"), Path(folder, "data")
        plant.write_text(PLANT)
        with Service(Settings(markets=MARKETS, rate=RATE, plant=plant)) as service:
            seen = service.server.run(Seen)
            variables = {**environment(), **environment_of(service)}
            run(variables, "paper", data, "--duration", "1s").check_returncode()
            run(variables, "doctor", data, "--live").check_returncode()
            command = command_of("live", data, "--yes-trade-real-money")
            nowhere = subprocess.DEVNULL
            with subprocess.Popen(command, env=variables, stdout=nowhere, stderr=nowhere) as trader:
                try:
                    return figures(trader.pid, data, seen)
                finally:
                    trader.send_signal(signal.SIGTERM)


def command_of(name: str, data: Path, *options: str) -> list[str]:
    sets = [word for each in SETTINGS for word in ("--set", each)]
    return [sys.executable, "-m", "hfptm.cli", name, "--data", str(data), *options, *sets]


def run(
    variables: dict[str, str], name: str, data: Path, *options: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command_of(name, data, *options), env=variables, check=False, capture_output=True
    )


def figures(pid: int, data: Path, seen: Seen) -> list[Figure]:
    seen.wait_for(ORDERS, BEGUN_S)
    found: list[Figure] = []
    ways: dict[str, Callable[[], None]] = {
        "signal": lambda: os.kill(pid, signal.SIGUSR1),
        "file": lambda: throw(data, "measured"),
    }
    for way, throws in ways.items():
        canceled_ns: list[int] = []
        last_ns: list[int] = []
        for _ in range(THROWS):
            seen.wait_for(ORDERS, BEGUN_S)
            begin_ns = monotonic_ns()
            throws()
            threading.Event().wait(WATCHED_S)
            canceled_ns.append(seen.since(begin_ns, CANCEL_ALL)[0])
            last_ns.append(max(seen.since(begin_ns, ORDERS), default=0))
            lift(data)
        found.append(figure(f"{way}_to_cancel_ms", canceled_ns, "until all is cancelled"))
        found.append(figure(f"{way}_to_last_order_ms", last_ns, "until the last order comes in"))
    return found


def figure(name: str, spans_ns: list[int], note: str) -> Figure:
    """The median, beside the shortest and the longest."""
    least, most = min(spans_ns) / NS_PER_MS, max(spans_ns) / NS_PER_MS
    return Figure(name, median(spans_ns) / NS_PER_MS, "ms", (least, most), note)


if __name__ == "__main__":
    main("halting", ABOUT, measure)
