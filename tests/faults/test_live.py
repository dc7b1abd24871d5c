"""`hfptm live` under all faults of the sandbox, by seed: what it says is what the exchange did."""

import subprocess
import sys

import msgspec
import pytest

from tests.conftest import ROOT
from tests.lived import Verdict

SEEDS, PROCESSES = range(1, 51), 2
ORDERS_MIN = 3
"""Of a seed, on the average: without any, nothing is shown."""


def verdicts(seeds: range) -> list[Verdict]:
    """In processes of their own, each with several seeds at once."""
    shares = [seeds[place::PROCESSES] for place in range(PROCESSES)]
    running = [_process(share) for share in shares]
    found: list[Verdict] = []
    for process in running:
        with process:
            out, _ = process.communicate()
        found += [msgspec.json.decode(line, type=Verdict) for line in out.splitlines()]
    return found


def _process(seeds: range) -> "subprocess.Popen[bytes]":
    command = (sys.executable, "-m", "tests.lived", *map(str, seeds))
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def check(seeds: range) -> None:
    found = verdicts(seeds)
    wrong = [
        f"python -m tests.lived {verdict.seed}: {each}"
        for verdict in found
        for each in verdict.wrong
    ]
    assert not wrong, "\n".join(wrong)
    assert {verdict.seed for verdict in found} == set(seeds)
    assert sum(verdict.orders for verdict in found) >= ORDERS_MIN * len(seeds)


def test_all_faults_at_once() -> None:
    check(SEEDS)


@pytest.mark.soak
def test_all_faults_at_once_by_many_seeds() -> None:
    """`python -m pytest -m soak tests/faults/test_live.py`"""
    check(range(1_000, 1_200))
