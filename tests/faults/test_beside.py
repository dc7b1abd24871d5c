"""The process beside a run: it serves, comes back, ends with the run however that ends, and holds
nothing that trades."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import msgspec
import pytest

from hfptm.bulletin import write
from hfptm.cli import beside
from hfptm.cli.beside import Beside
from hfptm.cli.monitoring import NICE
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import Config, load
from hfptm.dash.server import listen
from hfptm.errors import ConfigError
from hfptm.units import NS_PER_S
from tests.bulletins import PAPER
from tests.conftest import ROOT
from tests.e2e.command import hfptm, process

SOON_S = 20.0

ALONE = """
import asyncio, sys
from pathlib import Path
from hfptm.cli.beside import Beside
from hfptm.config import load

async def work():
    await asyncio.sleep(60)

with Beside(load(None, [f"dashboard.port={sys.argv[2]}"], {}), Path(sys.argv[1])) as watched:
    asyncio.run(watched.around(work()))
"""


def free_port() -> int:
    with listen("127.0.0.1", 0) as listening:
        return int(listening.getsockname()[1])


def config(port: int) -> Config:
    return load(None, [f"dashboard.port={port}"], {})


def health(port: int) -> int:
    """Its status; 0 while nobody answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code
    except httpx.TransportError:
        return 0


def is_ill(port: int) -> bool:
    return health(port) == 503


async def until(is_so: Callable[[], object]) -> None:
    end_ns = monotonic_ns() + int(SOON_S * NS_PER_S)
    while not await asyncio.to_thread(is_so):
        assert monotonic_ns() < end_ns
        await asyncio.sleep(0.05)


def is_free(port: int) -> bool:
    try:
        listen("127.0.0.1", port).close()
    except ConfigError:
        return False
    return True


def test_it_serves_comes_back_and_ends_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", "0x" + "5e" * 32)
    caplog.set_level("INFO")
    port = free_port()
    write(tmp_path, msgspec.structs.replace(PAPER, told_ns=wall_ns() + 60 * NS_PER_S))

    async def work() -> str:
        await until(lambda: health(port) == 200)
        first = watched.pid or 0
        assert os.getpriority(os.PRIO_PROCESS, first) >= min(NICE, 19)
        assert b"5e5e" not in Path(f"/proc/{first}/environ").read_bytes()
        os.kill(first, signal.SIGTERM)
        os.kill(first, signal.SIGINT)
        await asyncio.sleep(0.3)
        assert health(port) == 200
        os.kill(first, signal.SIGKILL)
        await until(lambda: watched.pid != first and health(port) == 200)
        return "done"

    with Beside(config(port), tmp_path) as watched:
        assert asyncio.run(watched.around(work())) == "done"
        assert not Path(f"/proc/{watched.pid}").exists()
    assert is_free(port)
    assert f"the dashboard is at http://127.0.0.1:{port}" in caplog.text
    assert "ended (-9); nobody watches for 1 s" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_run_that_is_killed_takes_it_along(tmp_path: Path) -> None:
    port = free_port()
    run = subprocess.Popen([sys.executable, "-c", ALONE, str(tmp_path), str(port)], cwd=ROOT)
    try:
        asyncio.run(until(lambda: health(port) == 503))
    finally:
        run.kill()
        run.wait()
    before_ns = monotonic_ns()
    asyncio.run(until(lambda: is_free(port)))
    assert monotonic_ns() - before_ns < beside.PORT_WAIT_S * NS_PER_S


def test_what_fails_in_the_run_comes_out_as_it_was(tmp_path: Path) -> None:
    async def work() -> None:
        raise LookupError("of the run")

    with (
        Beside(config(free_port()), tmp_path) as watched,
        pytest.raises(LookupError, match="of the run"),
    ):
        asyncio.run(watched.around(work()))


def test_one_that_cannot_be_started_costs_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))

    async def work() -> int:
        await asyncio.sleep(0.3)
        return 7

    with Beside(config(free_port()), tmp_path) as watched:
        assert asyncio.run(watched.around(work())) == 7
    assert "cannot be started (No such file or directory); nobody watches" in caplog.text


def test_without_a_port_and_addresses_there_is_none(tmp_path: Path) -> None:
    async def work() -> object:
        await asyncio.sleep(0.1)
        return watched.pid

    with Beside(config(0), tmp_path) as watched:
        assert asyncio.run(watched.around(work())) is None


@pytest.mark.parametrize("command", ["record", "paper", "dashboard"])
def test_a_port_that_is_taken_is_said_before_anything_begins(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "PORT_WAIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        data = tmp_path / "data"
        ran = hfptm(command, "--data", data, "--set", f"dashboard.port={port}")
    assert (ran.code, ran.out) == (2, "")
    assert f"dashboard: dashboard.port: 127.0.0.1:{port} cannot be listened on" in ran.err
    assert not data.exists()


def test_another_address_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYMARKET_DASHBOARD_TOKEN", raising=False)
    ran = hfptm("dashboard", "--data", tmp_path, "--address", "0.0.0.0", "--port", "0")
    assert ran.code == 2
    assert "needs a dashboard_token" in ran.err
    assert "ssh -L" in ran.err


def test_the_command_says_where_and_ends_cleanly(tmp_path: Path) -> None:
    shown = {"POLYMARKET_DASHBOARD_TOKEN": "a-token-of-the-tests-0123456789"}
    for number in (signal.SIGINT, signal.SIGTERM):
        arguments = ("--data", tmp_path, "--address", "0.0.0.0", "--port", "0", "--json")
        ran = process("dashboard", *arguments, **shown)
        assert ran.stdout is not None
        told = msgspec.json.decode(ran.stdout.readline())
        assert told["needs_token"]
        port = int(told["url"].rpartition(":")[2])
        asyncio.run(until(partial(is_ill, port)))
        assert httpx.get(f"http://127.0.0.1:{port}/state").status_code == 401
        ran.send_signal(number)
        out, err = ran.communicate(timeout=20)
        assert (ran.returncode, out, err) == (0, "", "")
