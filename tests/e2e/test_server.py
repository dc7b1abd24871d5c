"""Setup on a Debian that has nothing yet, booted with its own systemd.

    apt-get install debootstrap systemd-container
    python -m pytest -m soak tests/e2e/test_server.py

As root, some 10 minutes, 2 GiB of disk and Debian's and Python's packages over the network: a
minimal Debian 12 is made, this checkout set up in it by its own script, and its recorder watched as
it records a sandbox that runs beside it.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("debootstrap", "systemd-nspawn", "git"))),
        reason="needs root, debootstrap and systemd-nspawn",
    ),
]

PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,procps"
CERTIFICATES = "/etc/ssl/certs"
PATHS = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLOB, GAMMA, WS = 18_461, 18_462, 18_463
SANDBOX = f"sandbox serve --markets 40 --clob-port {CLOB} --gamma-port {GAMMA} --ws-port {WS}"
ENVIRONMENT = f"""\
HFPTM_SERVER__CLOB_URL=http://127.0.0.1:{CLOB}
HFPTM_SERVER__GAMMA_URL=http://127.0.0.1:{GAMMA}
HFPTM_SERVER__MARKET_WS_URL=ws://127.0.0.1:{WS}/ws/market
HFPTM_DISCOVERY__MIN_VOLUME_24H_USD=0
HFPTM_DISCOVERY__MIN_LIQUIDITY_USD=0
"""
BACK_S, HUNG_S, BOOT_S = 60, 120, 60
RECORDED_S = 10


class Server:
    """A booted Debian: `must` runs a command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        binds = [f"--bind-ro={CERTIFICATES}"]
        # No unit of the machine's own manager, no name with it: works in a container, too.
        command = ["systemd-nspawn", "--quiet", "--boot", "--keep-unit", "--register=no"]
        options = ["--console=read-only", f"--directory={root}", "--resolv-conf=copy-host", *binds]
        self._boot = subprocess.Popen(
            [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until(BOOT_S, lambda: "running" in self.run("systemctl is-system-running"))

    def run(self, line: str) -> str:
        children = Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text()
        enter = ["nsenter", "--target", (children.split() or ["0"])[0], "--all", "--", "env", "-i"]
        command = [*enter, PATHS, f"HOME=/{'root'}", "bash", "-c", line]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        return result.stdout + result.stderr + ("" if result.returncode == 0 else "\nfailed")

    def must(self, line: str) -> str:
        said = self.run(line)
        assert not said.endswith("\nfailed"), f"{line}: {said}"
        return said

    def shown(self, key: str) -> str:
        return self.must(f"systemctl show hfptm-record --property={key} --value").strip()

    def close(self) -> None:
        self.run("systemctl poweroff")
        self._boot.wait()


def until(limit_s: float, happened: Callable[[], bool]) -> None:
    for _ in range(round(limit_s * 2)):
        if happened():
            return
        threading.Event().wait(0.5)
    raise AssertionError(f"not within {limit_s} s")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("server") / "debian"
    debootstrap = [
        "debootstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        "bookworm",
        str(root),
    ]
    subprocess.run(debootstrap, check=True, capture_output=True)
    if Path("/etc/pip.conf").exists():  # how this machine reaches packages
        shutil.copy("/etc/pip.conf", root / "etc")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    for name in names.splitlines():
        (root / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / "checkout" / name)
    made = Server(root)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(root)


def begin_sandbox(server: Server) -> None:
    program = f"/{'opt'}/hfptm/current/bin/hfptm"
    server.must(f"systemd-run --unit=sandbox --property=User=hfptm {program} {SANDBOX} --json")
    until(BOOT_S, lambda: "servers" in server.run("journalctl --unit=sandbox --output=cat"))
    (server.root / "etc/hfptm/environment").write_text(ENVIRONMENT)


def killed(server: Server, signal: str, limit_s: float) -> None:
    """The recorder gets it, and another one is there in time."""
    before, restarts = server.shown("MainPID"), int(server.shown("NRestarts"))
    server.must(f"kill -{signal} {before}")
    until(
        limit_s,
        lambda: (
            server.shown("MainPID") not in ("0", before) and server.shown("ActiveState") == "active"
        ),
    )
    assert int(server.shown("NRestarts")) == restarts + 1


def test_a_server_records_whatever_happens_to_its_service(server: Server) -> None:
    before = server.must("ls -A /etc /usr/local/bin /var/lib")
    assert "would run" in server.must("checkout/deploy/setup.sh --dry-run --start record")
    assert server.must("ls -A /etc /usr/local/bin /var/lib") == before
    server.must("checkout/deploy/setup.sh")
    assert server.shown("ActiveState") == "inactive"
    begin_sandbox(server)
    assert "ready" in server.must("checkout/deploy/setup.sh --start record")
    assert server.shown("ActiveState") == "active"
    killed(server, "KILL", BACK_S)
    threading.Event().wait(RECORDED_S)
    killed(server, "STOP", HUNG_S)
    threading.Event().wait(RECORDED_S)
    server.must("systemctl stop hfptm-record")
    assert server.shown("Result") == "success"
    server.must("hfptm normalize")
    hours = [line for line in server.run("hfptm verify --json").splitlines() if line[:1] == "["]
    check_recording(json.loads(hours[-1]))


def check_recording(hours: Any) -> None:
    """Three runs: what was not seen was not recorded, and what was is right."""
    for hour in hours:
        total = hour["total"]
        assert total["hashes_bad"] == total["mismatches"] == 0
        assert hour["checksums"]["wrong"] == []
        assert set(total["unseen_s_by_reason"]) <= {"stopped"}
    assert sum(hour["total"]["hashes_ok"] for hour in hours) > 0
