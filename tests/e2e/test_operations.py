"""Merges and redemptions as a live run carries them out, at a sandbox that is the judge."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from hfptm.drive.follower import Pace
from hfptm.drive.operation_log import OperationKind, OperationLine
from hfptm.drive.operations import Operations
from hfptm.errors import VenueError
from hfptm.records import INTENT, EventKind, IntentKind, RejectReason
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import RateLimit, Revert, Timeout, Vanish
from hfptm.sandbox.node import PATH
from hfptm.sandbox.reports import Operation
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.own_orders import Rows
from tests.gateway import ADDRESS, SPLIT_E6, secrets_of, serving
from tests.sandbox_api import FUNDS_E6, NEG_RISK_SLUG, STANDARD_SLUG, V2_SLUG

QUICK = Pace(
    poll_s=0.02,
    again_ns=100 * NS_PER_MS,
    replaced_ns=100 * NS_PER_MS,
    look_s=0.05,
    back_off_ns=300 * NS_PER_MS,
    end_s=5.0,
)
BACK_OFF_NS = NS_PER_S
"""Longer than what is asked within it takes on a busy machine."""

SIZE_E6 = 10 * ONE_E6


class Operator:
    """Operations at a sandbox, with what they told and what the chain did."""

    def __init__(self, server: Server, market: Market, **changes: Any) -> None:
        self.server, self.market = server, market
        self.lines: list[OperationLine] = []
        self.rows: list[tuple[EventKind, int, int]] = []
        """Kind, order, and reason or size."""
        self.gas_wei: set[int] = set()
        self.done: list[Operation] = []
        self.is_over = self.is_halted = False
        server.run(self._prepare)
        self.operations = Operations(
            server.servers,
            server.run(secrets_of),
            self._journal,
            self._hear,
            market_of=lambda _: market,
            is_over=lambda _: self.is_over,
            is_halted=lambda: self.is_halted,
            pace=QUICK._replace(**changes),
        )

    async def _journal(self, line: OperationLine) -> None:
        self.lines.append(line)

    def _prepare(self, sandbox: Sandbox) -> None:
        sandbox.chain.mined_after_ns = 40 * NS_PER_MS
        sandbox.chain.listeners.append(lambda _, done: self._witness(done))

    def _witness(self, done: object) -> None:
        assert isinstance(done, Operation)
        self.done.append(done)

    def _hear(self, rows: Rows) -> None:
        (row,) = rows
        kind = EventKind(int(row["kind"]))
        if kind is EventKind.GAS:
            self.gas_wei.add(int(row["aux"]))
            return
        assert row["market"] == self.market.market
        told = row["size_e6"] if kind is EventKind.SETTLED else row["price_e4"]
        self.rows.append((kind, int(row["aux"]), int(told)))

    def merge(self, order: int, size_e6: int = SIZE_E6) -> None:
        rows = np.zeros(1, INTENT)
        rows["kind"], rows["market"] = IntentKind.MERGE, self.market.market
        rows["order"], rows["size_e6"] = order, size_e6
        self.operations.take(rows)

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not met():
                self.operations.check()
                await asyncio.sleep(0.01)

    def holdings(self) -> tuple[int, int]:
        """Collateral since the start, and the smaller of both tokens' shares, in e6."""

        def look(sandbox: Sandbox) -> tuple[int, int]:
            account = sandbox.exchange.accounts[ADDRESS]
            tokens = (self.market.yes_token, self.market.no_token)
            pairs_e6 = min(account.shares_e6.get(token, 0) for token in tokens)
            return account.cash_e6 - FUNDS_E6 + SPLIT_E6, pairs_e6

        return self.server.run(look)


def operate(
    use: Callable[[Operator], Awaitable[None]], slug: str = STANDARD_SLUG, **changes: Any
) -> Operator:
    async def run() -> Operator:
        operator = Operator(server, market, **changes)
        async with operator.operations:
            await use(operator)
        operator.operations.check()
        return operator

    with serving(slug) as (server, market):
        return asyncio.run(run())


@pytest.mark.parametrize("slug", [STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG])
def test_pairs_are_merged_and_what_resolved_is_redeemed(slug: str) -> None:
    async def use(operator: Operator) -> None:
        operator.merge(1)
        operator.merge(2)
        await operator.until(lambda: len(operator.rows) == 2)
        assert operator.holdings() == (2 * SIZE_E6, SPLIT_E6 - 2 * SIZE_E6)
        operator.operations.watch([operator.market])
        await asyncio.sleep(0.2)
        assert len(operator.done) == 2
        market = operator.market.market
        operator.server.run(lambda s: s.resolve_market(market, 10_000, s.now_ns))
        operator.is_over = True
        assert operator.operations.unredeemed() == [operator.market]
        await operator.until(lambda: not operator.operations.unredeemed())
        assert operator.holdings() == (SPLIT_E6, 0)

    operator = operate(use, slug)
    assert operator.rows == [(EventKind.SETTLED, order, SIZE_E6) for order in (1, 2)]
    kinds = [line.kind for line in operator.lines]
    redeemed = 2 if slug == V2_SLUG else 1
    assert kinds == 2 * [OperationKind.MERGE] + redeemed * [OperationKind.REDEEM]
    assert [line.order for line in operator.lines[:2]] == [1, 2]
    assert len({line.sent.hash for line in operator.lines}) == len(kinds)
    assert operator.gas_wei == {30 * 10**9}


def test_one_that_reverted_is_tried_again_after_a_while_and_never_twice() -> None:
    async def use(operator: Operator) -> None:
        number = operator.server.run(lambda s: s.faults.start(Revert()))
        operator.merge(1)
        await operator.until(lambda: operator.rows)
        operator.server.run(lambda s: s.faults.stop(number))
        operator.merge(2)
        await operator.until(lambda: len(operator.rows) == 2)
        await asyncio.sleep(BACK_OFF_NS / NS_PER_S)
        operator.merge(3)
        await operator.until(lambda: len(operator.rows) == 3)
        assert operator.holdings() == (SIZE_E6, SPLIT_E6 - SIZE_E6)

    operator = operate(use, back_off_ns=BACK_OFF_NS)
    assert operator.rows == [
        (EventKind.REJECT, 1, RejectReason.REFUSED),
        (EventKind.REJECT, 2, RejectReason.NOT_SENT),
        (EventKind.SETTLED, 3, SIZE_E6),
    ]
    assert [line.order for line in operator.lines] == [1, 3]


def test_what_never_left_is_not_sent() -> None:
    async def use(operator: Operator) -> None:
        operator.merge(1, SPLIT_E6 + 1)
        await operator.until(lambda: operator.rows)
        operator.is_halted = True
        operator.merge(2)
        await operator.until(lambda: len(operator.rows) == 2)

    operator = operate(use)
    assert operator.rows == [(EventKind.REJECT, n, RejectReason.NOT_SENT) for n in (1, 2)]
    assert operator.lines == []


def test_without_an_answer_it_is_asked_for_by_its_hash() -> None:
    """The node carries out what it is handed, and nobody hears of it for a while."""

    async def use(operator: Operator) -> None:
        server = operator.server

        async def fail(line: OperationLine) -> None:
            operator.lines.append(line)
            fault = Timeout(method="POST", path=PATH, status=502)
            server.run(lambda s: s.faults.start(fault))

        operator.operations._journal = fail
        operator.merge(1)
        await operator.until(lambda: operator.done)
        await asyncio.sleep(0.2)
        assert operator.rows == []
        server.run(lambda s: s.faults.stop(1))
        await operator.until(lambda: operator.rows)

    operator = operate(use)
    assert operator.rows == [(EventKind.SETTLED, 1, SIZE_E6)]
    assert (len(operator.lines), len(operator.done)) == (1, 1)


def test_one_that_vanished_is_sent_again_and_not_made_anew() -> None:
    async def use(operator: Operator) -> None:
        number = operator.server.run(lambda s: s.faults.start(Vanish()))
        operator.merge(1)
        await operator.until(lambda: operator.lines)
        await asyncio.sleep(0.3)
        assert operator.rows == []
        operator.server.run(lambda s: s.faults.stop(number))
        await operator.until(lambda: operator.rows)

    operator = operate(use)
    assert operator.rows == [(EventKind.SETTLED, 1, SIZE_E6)]
    assert (len(operator.lines), len(operator.done)) == (1, 1)


def test_the_end_waits_for_it_but_not_for_ever() -> None:
    async def waited(operator: Operator) -> None:
        operator.merge(1)

    assert operate(waited).rows == [(EventKind.SETTLED, 1, SIZE_E6)]

    async def vanished(operator: Operator) -> None:
        operator.server.run(lambda s: s.faults.start(Vanish()))
        operator.merge(1)
        await operator.until(lambda: operator.lines)

    with pytest.raises(VenueError, match="not settled yet"):
        operate(vanished, end_s=0.2)


@pytest.mark.parametrize("is_sent", [True, False])
def test_one_of_a_killed_run_is_looked_up_and_not_repeated(is_sent: bool) -> None:
    """It was handed to the chain before the end, or the process ended just before."""

    async def use(operator: Operator) -> None:
        if not is_sent:
            operator.server.run(lambda s: s.faults.start(Vanish(duration_s=1)))
        operator.merge(1)
        await operator.until(lambda: operator.lines)
        (work,) = operator.operations._tasks.under_way
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        operator.operations.take_over(operator.lines)
        await operator.until(lambda: operator.rows)

    operator = operate(use)
    assert operator.rows == [(EventKind.SETTLED, 1, SIZE_E6)]
    assert (len(operator.lines), len(operator.done)) == (1, 1)


def test_one_whose_nonce_another_took_was_never_carried_out() -> None:
    async def use(operator: Operator) -> None:
        operator.merge(1)
        await operator.until(lambda: operator.rows)
        sent = operator.lines[0].sent
        other = type(sent)(hash="0x" + "77" * 32, nonce=sent.nonce, raw="0x")
        line = OperationLine(
            kind=OperationKind.MERGE, market=operator.market, sent=other, order=2, size_e6=1
        )
        operator.operations.take_over([line])
        await operator.until(lambda: len(operator.rows) == 2)

    assert operate(use).rows[1] == (EventKind.REJECT, 2, RejectReason.REFUSED)


def test_a_journal_that_is_full_stops_the_run_before_anything_left() -> None:
    async def use(operator: Operator) -> None:
        async def full(_: object) -> None:
            raise OSError("no space left")

        operator.operations._journal = full
        operator.merge(1)
        with pytest.raises(OSError, match="no space left"):
            await operator.until(lambda: operator.rows)
        operator.operations._tasks.failure = None

    operator = operate(use)
    assert operator.done == []
    assert operator.rows == []


def test_without_a_node_nothing_begins() -> None:
    async def run() -> None:
        server.run(lambda s: s.faults.start(RateLimit()))
        async with Operator(server, market).operations:
            pytest.fail("it began")

    with serving() as (server, market), pytest.raises(VenueError, match="rpc_url"):
        asyncio.run(run())
