"""Whatever goes wrong at the exchange: what was recorded and its gaps account for every frame.

What must stand in a gap row: every frame that no connection delivered, because all were silent, cut
or not yet back. What can only be flagged, by best prices or hashes: a frame that was taken from
within what a connection told (`drop`, `malformed`, a `reorder` that its connection did not live to
see) while no other one had it. Every book at every sampled moment must be the exchange's, but where
such a frame is missing.
"""

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from hfptm.book_check import compile_kernels
from hfptm.records import GapReason
from hfptm.sandbox import faults_kinds as kinds
from hfptm.sandbox.faults_log import OPENED
from tests.account import Account
from tests.fed import Fed, account

ROOT = Path(__file__).parents[2]
FAULTY_S = 1.2
AT_ONCE = 10
SHARE = Decimal("0.05")

KINDS: dict[str, list[kinds.Fault]] = {
    "none": [],
    "drop": [kinds.Drop(share=SHARE)],
    "duplicate": [kinds.Duplicate(share=SHARE)],
    "malformed": [kinds.Malformed(share=SHARE)],
    "delay": [kinds.Delay(share=SHARE, delay_ms=(0, 150))],
    "reorder": [kinds.Reorder(share=SHARE, delay_ms=(0, 150))],
    "lose": [kinds.Lose()],
    "lose_half": [kinds.Lose(share=Decimal("0.5"))],
    "freeze": [kinds.Freeze()],
    "freeze_half": [kinds.Freeze(share=Decimal("0.5"))],
    "close": [msgspec.convert({"kind": "disconnect", "code": 1012}, kinds.Disconnect)],
    "reset": [msgspec.convert({"kind": "disconnect"}, kinds.Disconnect)],
    "refused": [kinds.Disconnect(), kinds.Refuse(status=429)],
    "away": [kinds.Disconnect(), kinds.Refuse()],
    "ghosts": [kinds.Lose(), kinds.GhostBook()],
    "slow": [kinds.Lose(), kinds.Slow(delay_ms=(100, 400))],
    "limited": [kinds.Lose(), kinds.RateLimit()],
}
Run = tuple[Fed, Account]


ROBBING = {"drop", "malformed", "reorder"}
"""What they take leaves no hole."""

MIXED, PROCESSES = 50, 2


async def _all_kinds(folder: Path) -> dict[str, Run]:
    compile_kernels()
    feds = {kind: Fed(folder / kind, number) for number, kind in enumerate(KINDS)}
    for start in range(0, len(KINDS), AT_ONCE):
        some = list(KINDS)[start : start + AT_ONCE]
        await asyncio.gather(*(feds[kind].run(KINDS[kind], FAULTY_S) for kind in some))
    return {kind: (fed, account(fed)) for kind, fed in feds.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return asyncio.run(_all_kinds(tmp_path_factory.mktemp("feeds")))


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_accounted_for(kind: str, runs: dict[str, Run]) -> None:
    fed, found = runs[kind]
    assert len(fed.published) > 100
    assert any(deed.kind != OPENED for deed in fed.deeds) == bool(KINDS[kind])
    assert found.errors == []
    assert found.compared > len(fed.markets)
    if kind not in ROBBING:
        assert found.robbed == 0
        assert all(not found.tape.findings[market.market].hashes_bad for market in fed.markets)


def test_without_faults_nothing_is_doubted(runs: dict[str, Run]) -> None:
    fed, found = runs["none"]
    assert fed.watchdog.remedies.counts.total() == 0
    assert {gap.reason for gaps in found.tape.gaps.values() for gap in gaps} <= {GapReason.STOPPED}
    assert found.in_gaps == 0


@pytest.mark.parametrize("kind", ["lose", "freeze", "ghosts"])
def test_what_is_silent_on_all_lines_is_a_gap(kind: str, runs: dict[str, Run]) -> None:
    fed, found = runs[kind]
    reasons = {gap.reason for gaps in found.tape.gaps.values() for gap in gaps}
    assert GapReason.SILENCE in reasons
    assert found.in_gaps > 0
    assert fed.watchdog.remedies.counts["healed"] > 0


def test_mixed_faults_by_seed() -> None:
    _assert_accounted(range(MIXED))


@pytest.mark.soak
@pytest.mark.parametrize("first", range(MIXED, 550, MIXED))
def test_mixed_faults_of_more_seeds(first: int) -> None:
    _assert_accounted(range(first, first + MIXED))


def _assert_accounted(seeds: range) -> None:
    """In processes of their own, for one has but one core."""
    command = [sys.executable, "-m", "tests.fed"]
    portions = [map(str, seeds[part::PROCESSES]) for part in range(PROCESSES)]
    running = [
        subprocess.Popen([*command, *portion], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for portion in portions
    ]
    errors = [process.communicate()[1] for process in running]
    assert not any(process.returncode for process in running), "".join(errors)
