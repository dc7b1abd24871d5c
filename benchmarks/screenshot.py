"""The dashboard's picture: its page beside `hfptm paper` on a sandbox, as Chromium draws it.

    python -m benchmarks.screenshot docs/dashboard.png

writes what the README shows. It takes the extra `test` (playwright) and the system's Chromium.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from playwright.sync_api import ViewportSize, sync_playwright

from hfptm.config import environment
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S

SECONDS = 120
MARKETS, RATE = 60, 120
WIDTH_PX, HEIGHT_PX = 1_280, 940
STARTED_MS = 300_000
PLANT = """
[random]
kinds = ["BINARY", "NO_BASKET", "YES_BASKET", "NESTED"]
per_minute = 90
life_ms = [60, 3000]
edge_usd = [0.03, 0.06]
shares = [60, 300]
"""
CHOSEN = (
    *("discovery.min_volume_24h_usd=0", "discovery.min_liquidity_usd=0"),
    *("discovery.refresh_interval_s=5", "discovery.short_window_ahead_s=60"),
    *("sim.entry_latency_ms=50", "sim.taker_delay_ms=0"),
)


@contextmanager
def paper(folder: Path, run_s: int) -> Iterator[str]:
    """Beside a run on a sandbox: the address of its dashboard."""
    plant = folder / "plant.toml"
    plant.write_text(PLANT)
    settings = Settings(markets=MARKETS, rate=RATE, seed=7, plant=plant)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "hfptm.cli", "paper", "--data", str(folder / "data")]
    for setting in (*CHOSEN, f"dashboard.port={port}"):
        command += ["--set", setting]
    with Service(settings, duration_ns=run_s * NS_PER_S) as service:
        servers = service.server.servers
        names = {
            f"HFPTM_SERVER__{n.upper()}": getattr(servers, n) for n in servers.__struct_fields__
        }
        with subprocess.Popen(command, env={**environment(), **names}) as run:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                run.send_signal(signal.SIGTERM)


def draw(url: str, after_s: int, output: Path) -> None:
    """As seen when the page has been open for so long."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=ViewportSize(width=WIDTH_PX, height=HEIGHT_PX))
        while not _is_there(url):
            Event().wait(0.5)
        page.goto(url, timeout=STARTED_MS)
        page.locator("#opportunities-table tbody tr").first.wait_for(timeout=STARTED_MS)
        page.wait_for_timeout(after_s * 1_000)
        page.screenshot(path=output)
        browser.close()


def _is_there(url: str) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screenshot")
    parser.add_argument("output", type=Path, help="a PNG")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of trading, before it")
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder, paper(Path(folder), wanted.seconds + 120) as url:
        draw(url, wanted.seconds, wanted.output)


if __name__ == "__main__":
    main()
