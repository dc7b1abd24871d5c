"""docs/quickstart.md, typed as it stands: every command ends well, in that order.

`python -m pytest -m soak tests/e2e/test_quickstart.py` takes some three minutes, most of them the
minutes that it records and trades.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hfptm.clock import monotonic_ns
from hfptm.units import NS_PER_S
from tests.conftest import ROOT

FLAGS = re.MULTILINE | re.DOTALL
BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/quickstart.md").read_text(), FLAGS)
INSTALL, SERVE, POINT, WATCH, *STEPS = BLOCKS
"""`make demo` is what `make test` has done before; the first and the third terminal run until they
are stopped, all others are what is typed in the second."""

STATE = "http://127.0.0.1:3000/state"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that is to the commands what a fresh clone is after its first `make`."""
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "hfptm").write_text(f'#!/bin/sh\nexec {sys.executable} -m hfptm.cli "$@"\n')
    (binaries / "hfptm").chmod(0o755)
    (binaries / "activate").write_text(f"export PATH={binaries}:$PATH PYTHONPATH={ROOT}\n")
    return tmp_path


@contextmanager
def terminal(clone: Path, block: str) -> Iterator[None]:
    """One that runs until Ctrl-C."""
    with subprocess.Popen(
        ["bash", "-c", block], cwd=clone, start_new_session=True, stdout=subprocess.DEVNULL
    ) as running:
        try:
            yield
        finally:
            os.killpg(running.pid, signal.SIGTERM)


def wait_for(is_so: Callable[[], bool]) -> None:
    until_ns = monotonic_ns() + 60 * NS_PER_S
    while not is_so():
        assert monotonic_ns() < until_ns
        threading.Event().wait(0.1)


def answers() -> bool:
    try:
        return httpx.get(STATE).status_code == 200
    except httpx.ConnectError:
        return False


def test_its_blocks_are_the_terminals_it_speaks_of() -> None:
    assert INSTALL == "make demo\n"
    assert "hfptm sandbox serve" in SERVE
    assert "grep ^export" in POINT
    assert "hfptm dashboard" in WATCH
    words = [line.split()[1] for step in STEPS for line in step.splitlines() if "hfptm " in line]
    assert {"record", "replay", "capture", "paper", "report", "parity"} <= set(words)


@pytest.mark.soak
def test_every_command_of_it_ends_well(clone: Path) -> None:
    script = "\n".join(["set -e -o pipefail", POINT, *STEPS])
    said = clone / "sandbox.txt"
    with terminal(clone, SERVE), terminal(clone, WATCH):
        wait_for(lambda: said.exists() and "SIGNATURE_TYPE" in said.read_text())
        wait_for(answers)
        done = subprocess.run(
            ["bash", "-c", script], cwd=clone, capture_output=True, text=True, check=False
        )
        shown = httpx.get(STATE).json()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert re.search(r"grade +A", done.stdout)
    assert re.search(r"plans: baskets sent as one order a leg +[1-9]", done.stdout)
    (page,) = clone.glob("*.html")
    assert (shown["mode"], shown["run_id"], shown["ended"]) == ("paper", page.stem, "stopped")
