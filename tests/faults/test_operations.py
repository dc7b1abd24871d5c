"""Merges under every fault of node and chain at once, killed in between: the chain is the judge."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from hfptm.drive.owed import owed_merges
from hfptm.records import EVENT, EventKind
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import Fault, RateLimit, Revert, Slow, Timeout, Vanish
from hfptm.sandbox.node import PATH
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import ONE_E6
from tests.e2e.test_operations import Operator
from tests.gateway import SPLIT_E6, serving

MERGES = 12
ENDS = (EventKind.SETTLED, EventKind.REJECT)
MIXED: tuple[Fault, ...] = (
    Timeout(method="POST", path=PATH, status=502, share=Decimal("0.1")),
    RateLimit(method="POST", path=PATH, share=Decimal("0.05")),
    Slow(method="POST", path=PATH, share=Decimal("0.2"), delay_ms=(1, 60)),
    Revert(share=Decimal("0.3")),
    Vanish(share=Decimal("0.3")),
)


async def asked(operator: Operator, orders: range, rng: np.random.Generator) -> None:
    for order in orders:
        operator.merge(order, int(rng.integers(1, 9)) * ONE_E6)
        await asyncio.sleep(float(rng.choice([0.0, 0.05, 0.2])))


def told(operator: Operator) -> Any:
    """Its rows, as a killed run's inputs hold them."""
    rows = np.zeros(len(operator.rows), EVENT)
    rows["kind"] = [kind for kind, _, _ in operator.rows]
    rows["aux"] = [order for _, order, _ in operator.rows]
    return rows


async def killed(server: Server, market: Market, seed: int) -> tuple[Operator, Operator]:
    """One that is killed with merges under way, and who takes them over."""
    rng = np.random.default_rng(seed)
    numbers = server.run(lambda sandbox: [sandbox.faults.start(fault) for fault in MIXED])
    first = Operator(server, market, back_off_ns=0)
    async with first.operations:
        await asked(first, range(MERGES // 2), rng)
        work = list(first.operations._tasks.under_way)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    second = Operator(server, market, back_off_ns=0)
    async with second.operations:
        second.operations.take_over(owed_merges(first.lines, told(first)))
        await asked(second, range(MERGES // 2, MERGES), rng)
        await asyncio.sleep(float(rng.choice([0.0, 1.0])))
        server.run(lambda sandbox: stop(sandbox, numbers))
    return first, second


def stop(sandbox: Sandbox, numbers: list[int]) -> None:
    for number in numbers:
        sandbox.faults.stop(number)


def check(first: Operator, second: Operator) -> None:
    """What was told is what the chain has done, each merge once."""
    rows = [*first.rows, *second.rows]
    lines = [*first.lines, *second.lines]
    ends = Counter(order for kind, order, _ in rows if kind in ENDS)
    owed = {line.order for line in lines} | set(range(MERGES // 2, MERGES))
    assert set(ends) >= owed
    assert set(ends.values()) == {1}
    settled = {order: size_e6 for kind, order, size_e6 in rows if kind is EventKind.SETTLED}
    sizes = {line.order: line.size_e6 for line in lines}
    assert settled.items() <= sizes.items()
    # `first` hears of all that the chain does, whoever sent it.
    assert sum(done.amount_e6 for done in first.done) == sum(settled.values())
    assert first.holdings() == (sum(settled.values()), SPLIT_E6 - sum(settled.values()))


def run(seed: int) -> None:
    with serving() as (server, market):
        first, second = asyncio.run(killed(server, market, seed))
        check(first, second)


def test_merges_are_carried_out_once_and_told_as_they_were() -> None:
    run(seed=305)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(310, 330))
def test_merges_are_carried_out_once_by_many_seeds(seed: int) -> None:
    """`python -m pytest -m soak tests/faults/test_operations.py`, about a minute."""
    run(seed)
