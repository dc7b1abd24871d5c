"""Whatever goes wrong at the exchange: what was recorded and its gaps account for every frame."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from hfptm.records import GapReason
from hfptm.sandbox.faults_kinds import (
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    GhostBook,
    Lose,
    Malformed,
    RateLimit,
    Refuse,
    Reorder,
    Slow,
)
from hfptm.sandbox.faults_log import OPENED
from tests.fed import Fed, Tape, of_seed, unaccounted

FAULTY_S = 1.2
AT_ONCE = 10
SHARE = Decimal("0.05")

KINDS: dict[str, list[Fault]] = {
    "none": [],
    "drop": [Drop(share=SHARE)],
    "duplicate": [Duplicate(share=SHARE)],
    "malformed": [Malformed(share=SHARE)],
    "delay": [Delay(share=SHARE, delay_ms=(0, 150))],
    "reorder": [Reorder(share=SHARE, delay_ms=(0, 150))],
    "lose": [Lose()],
    "lose_half": [Lose(share=Decimal("0.5"))],
    "freeze": [Freeze()],
    "freeze_half": [Freeze(share=Decimal("0.5"))],
    "close": [msgspec.convert({"kind": "disconnect", "code": 1012}, Disconnect)],
    "reset": [msgspec.convert({"kind": "disconnect"}, Disconnect)],
    "refused": [Disconnect(), Refuse(status=429)],
    "away": [Disconnect(), Refuse()],
    "ghosts": [Lose(), GhostBook()],
    "slow": [Lose(), Slow(delay_ms=(100, 400))],
    "limited": [Lose(), RateLimit()],
}
CERTAIN = KINDS.keys() - {"drop", "malformed", "reorder"}
"""What they take away is taken from all that follows, so that it can be known."""


async def _all_kinds(folder: Path) -> dict[str, tuple[Fed, Tape]]:
    feds = {kind: Fed(folder / kind, number) for number, kind in enumerate(KINDS)}
    for start in range(0, len(KINDS), AT_ONCE):
        some = list(KINDS)[start : start + AT_ONCE]
        await asyncio.gather(*(feds[kind].run(KINDS[kind], FAULTY_S) for kind in some))
    return {kind: (fed, Tape(fed.folder, fed.markets)) for kind, fed in feds.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Fed, Tape]]:
    return asyncio.run(_all_kinds(tmp_path_factory.mktemp("feeds")))


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_accounted_for(kind: str, runs: dict[str, tuple[Fed, Tape]]) -> None:
    fed, tape = runs[kind]
    assert len(fed.published) > 100
    assert any(deed.kind != OPENED for deed in fed.deeds) == bool(KINDS[kind])
    assert unaccounted(fed, tape) == []


@pytest.mark.parametrize("kind", sorted(CERTAIN))
def test_books_after_gaps_are_the_exchanges(kind: str, runs: dict[str, tuple[Fed, Tape]]) -> None:
    fed, tape = runs[kind]
    for market in fed.markets:
        assert tape.book(market.market) == fed.books[market.market], market.slug
        assert tape.findings[market.market].hashes_bad == 0


def test_without_faults_nothing_is_doubted(runs: dict[str, tuple[Fed, Tape]]) -> None:
    fed, tape = runs["none"]
    assert fed.watchdog.remedies.counts.total() == 0
    assert {gap.reason for gaps in tape.gaps.values() for gap in gaps} <= {GapReason.STOPPED}


@pytest.mark.parametrize("kind", ["lose", "freeze", "ghosts"])
def test_what_is_silent_on_all_lines_is_a_gap(kind: str, runs: dict[str, tuple[Fed, Tape]]) -> None:
    fed, tape = runs[kind]
    reasons = {gap.reason for gaps in tape.gaps.values() for gap in gaps}
    assert GapReason.SILENCE in reasons
    assert fed.watchdog.remedies.counts["healed"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("first", range(0, 550, AT_ONCE))
def test_mixed_faults_by_seed(first: int, tmp_path: Path) -> None:
    _assert_accounted(range(first, first + AT_ONCE), tmp_path)


def _assert_accounted(seeds: range, folder: Path) -> None:
    async def run() -> list[list[str]]:
        return await asyncio.gather(*(of_seed(seed, folder / str(seed)) for seed in seeds))

    found = dict(zip(seeds, asyncio.run(run()), strict=True))
    wrong = {seed: lines for seed, lines in found.items() if lines}
    again = "; ".join(f"python -m tests.fed {seed}" for seed in wrong)
    assert not wrong, f"{wrong}\nagain: {again}"
