"""What befalls the process of `hfptm live`: killed in the middle of plans, stopped for long enough
to be taken for dead, a disk that is full. All at the same time: each waits most of it.
"""

import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from hfptm.clock import wall_ns
from hfptm.errors import LakeError
from hfptm.units import NS_PER_S
from tests.conftest import ROOT
from tests.killed_live import Commanded, Verdict

IN_PLANS_MIN = 0.8
"""Share of kills that must have hit orders of which news was owed."""
STOPPED_S, AWAKE_S = 17.0, 4.0
"""The exchange takes it for dead after 15 s at most; and what it is given to set that right."""
BURST_S = 1.0
LAST_NS = NS_PER_S
"""What had been journalled when the disk was full has arrived by then."""

Ran = dict[str, "Future[list[str]]"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with ThreadPoolExecutor(3) as pool:
        yield {
            "killed": pool.submit(killed, [1], 3),
            "stopped": pool.submit(stopped, tmp_path_factory.mktemp("stopped")),
            "full": pool.submit(full, tmp_path_factory.mktemp("full")),
        }


def killed(seeds: Sequence[int], kills: int) -> list[str]:
    """So many kills of one account each."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: verdict(seed, kills), seeds))
    wrong = [
        f"python -m tests.killed_live {each.seed} {kills}: {problem}"
        for each in found
        for problem in each.wrong
    ]
    in_plans, all_kills = sum(each.in_plans for each in found), kills * len(found)
    if in_plans < IN_PLANS_MIN * all_kills:
        wrong.append(f"only {in_plans} of {all_kills} kills were in the middle of a plan")
    return wrong


def verdict(seed: int, kills: int) -> Verdict:
    command = (sys.executable, "-m", "tests.killed_live", str(seed), str(kills))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    return msgspec.json.decode(done.stdout, type=Verdict)


def stopped(folder: Path) -> list[str]:
    """With orders that rest, which the exchange cancels when no heartbeat comes.

    Not in the burst of its first orders: one whose write is all that is left is sent in the end.
    """
    with Commanded(folder, 2, "trading.order_type=resting", "trading.leg_timeout_ms=2000") as run:
        with run.begun() as trader:
            run.wait_for_order(trader)
            threading.Event().wait(BURST_S)
            run.wait(lambda: bool(run.open_ids()) or trader.poll() is not None, "a resting order")
            trader.send_signal(signal.SIGSTOP)
            threading.Event().wait(STOPPED_S)
            if resting := run.open_ids():
                run.wrong.append(f"still open without a heartbeat: {resting}")
            trader.send_signal(signal.SIGCONT)
            threading.Event().wait(AWAKE_S)
            run.end(trader)
        run.judge()
    return run.wrong


def full(folder: Path) -> list[str]:
    """No file of its process takes anything more, from its first order on."""
    with Commanded(folder, 3) as run:
        with run.begun() as trader:
            run.wait_for_order(trader)
            resource.prlimit(trader.pid, resource.RLIMIT_FSIZE, (1, 1))
            full_ns = wall_ns()
            _, err = trader.communicate()
        run.said(err)
        is_said = "takes no more" in err and "make room" in err
        if trader.returncode != LakeError.exit_code or not is_said:
            run.wrong.append(f"ended with {trader.returncode}: {err}")
        if run.ledger.placed_ns[-1] > full_ns + LAST_NS:
            run.wrong.append("an order left that nobody could journal")
        if still := run.open_ids():
            run.wrong.append(f"still open: {still}")
        run.last()
    return run.wrong


@pytest.mark.parametrize("name", ["killed", "stopped", "full"])
def test_what_befalls_it(ran: Ran, name: str) -> None:
    wrong = ran[name].result()
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
def test_a_hundred_kills() -> None:
    """`python -m pytest -m soak tests/faults/test_live_process.py`"""
    wrong = killed(range(100, 125), 4)
    assert not wrong, "\n".join(wrong)
