"""The runbook says what to do about everything that hfptm can say is wrong."""

import re

from msgspec.structs import replace

from hfptm import errors
from hfptm.alerts.kinds import GUIDE, Kind
from hfptm.cli.app import INTERRUPTED
from hfptm.feed_status import STARTING, LineStatus
from hfptm.opportunities import Reason
from recorder.status import MARKETS_MIN, SILENT_NS_MAX, problems_of
from tests.conftest import ROOT

RUNBOOK = (ROOT / GUIDE).read_text(encoding="utf-8")
SECTION = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


def named(section: str) -> set[str]:
    """What the first cells of its table's rows name."""
    cells = re.findall(r"^\| (.*?) \|", SECTION[section], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_runbook_has_every_alert() -> None:
    headings = re.findall(r"^### (.+)$", SECTION["Alerts"], re.MULTILINE)
    assert sorted(headings) == sorted(Kind)


def test_the_runbook_has_every_reason() -> None:
    assert named("Reasons") == {reason.name.lower() for reason in Reason}


def test_the_runbook_has_every_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.HfptmError)}
    told = re.findall(r"^\| .*?(\d+) \|", SECTION["Exit codes"], re.MULTILINE)
    assert {*codes, 0, INTERRUPTED} <= set(map(int, told))


def test_the_runbook_has_everything_that_forbids_a_start() -> None:
    sources = [*(ROOT / "hfptm/drive").glob("*.py"), *(ROOT / "hfptm/cli").glob("*.py")]
    made = re.compile(r'(?:Check|StartError)\(\s*"([^"]+)"')
    checks = {name for file in sources for name in made.findall(file.read_text(encoding="utf-8"))}
    assert len(checks) > 15
    assert checks <= named("What forbids a start")


def test_the_runbook_has_every_problem() -> None:
    sick = replace(
        STARTING,
        lines=[],
        markets=MARKETS_MIN,
        unsynced_ns=SILENT_NS_MAX,
        dropped_rows=1,
    )
    silent = replace(sick, lines=[LineStatus(line=0, markets=1, connections=1, shards=1, first=0)])
    silent = replace(silent, silent_ns=2 * SILENT_NS_MAX)
    found = {*problems_of(sick), *problems_of(silent)}
    assert len(found) == 4
    upkeep = (ROOT / "recorder/upkeep.py").read_text(encoding="utf-8")
    works = set(re.findall(r'_try\("(\w+)"', upkeep))
    assert works
    known = {re.sub(r"…|\d+|\s", "", name) for name in named("Problems")}
    assert {re.sub(r"\d+|\s", "", text) for text in found} <= known
    assert {f"{name}:" for name in works} <= known
