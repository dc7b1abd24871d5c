"""`hfptm live` killed with kill -9 in the middle of plans: the next run takes over all of it."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.conftest import ROOT
from tests.killed_live import Verdict

AT_ONCE = 2
IN_PLANS_MIN = 0.8
"""Share of kills that must have hit orders of which news was owed."""


def check(seeds: Sequence[int], kills: int) -> None:
    """So many kills of one account each."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda seed: verdict(seed, kills), seeds))
    wrong = [
        f"python -m tests.killed_live {each.seed} {kills}: {problem}"
        for each in found
        for problem in each.wrong
    ]
    assert not wrong, "\n".join(wrong)
    assert sum(each.in_plans for each in found) >= IN_PLANS_MIN * kills * len(found)


def verdict(seed: int, kills: int) -> Verdict:
    command = (sys.executable, "-m", "tests.killed_live", str(seed), str(kills))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    return msgspec.json.decode(done.stdout, type=Verdict)


def test_three_kills() -> None:
    check([1], 3)


@pytest.mark.soak
def test_a_hundred_kills() -> None:
    """`python -m pytest -m soak tests/faults/test_killed_live.py`"""
    check(range(100, 125), 4)
