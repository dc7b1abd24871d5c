"""The gateway under every fault of requests, trades and frames: no order twice, none lost.

`Desk.check` compares every order's end with the exchange's own books.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hfptm.drive.clob import Clob
from hfptm.drive.gateway import LEGS_MAX, Gateway
from hfptm.records import BUY, SELL, RejectReason
from hfptm.sandbox.faults_kinds import (
    Disconnect,
    Drop,
    Duplicate,
    FalseSuccess,
    Fault,
    GhostFill,
    Malformed,
    PostOnly,
    RateLimit,
    Reorder,
    Restart,
    Slow,
    Timeout,
)
from hfptm.units import ONE_E6
from hfptm.venue.account import TimeInForce
from tests.gateway import SHORT_S, Desk, desk_of, serving

GTC = TimeInForce.GTC
OK, REFUSED, ASKED = "filled", "refused", "asked"

CASES: list[tuple[Fault, str]] = [
    (Timeout(method="POST", path="/orders"), ASKED),
    (Timeout(method="POST", path="/orders", status=502), ASKED),
    (Slow(method="POST", path="/orders", delay_ms=(500, 500)), ASKED),
    (Slow(method="POST", path="/orders", delay_ms=(20, 20)), OK),
    (Restart(), REFUSED),
    (PostOnly(), REFUSED),
    (FalseSuccess(), REFUSED),
    (RateLimit(method="POST", path="/orders"), REFUSED),
    (RateLimit(method="POST", path="/orders", has_headers=False), REFUSED),
]
UNKNOWN_FIRST = (Timeout, Restart)


def under(fault: Fault, use: Callable[[Desk], Awaitable[None]], *, has_channel: bool) -> Desk:
    """Use a desk while a fault is in force, then compare."""

    async def run() -> Desk:
        async with desk_of(server, market, has_channel=has_channel, deadline_s=SHORT_S) as desk:
            number = desk.start(fault)
            await use(desk)
            desk.stop(number)
            await desk.settled()
            desk.check()
            return desk

    with serving() as (server, market):
        return asyncio.run(run())


def name(case: object) -> str:
    return type(case).__name__ if isinstance(case, Fault) else str(case)


@pytest.mark.parametrize(("fault", "end"), CASES, ids=name)
@pytest.mark.parametrize("has_channel", [True, False])
def test_every_end_is_the_exchanges(fault: Fault, end: str, has_channel: bool) -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(BUY), desk.placement(SELL, 4_000)])

    desk = under(fault, use, has_channel=has_channel)
    for number in (1, 2):
        kinds = desk.kinds(number)
        assert ("REJECT" in kinds) == (end == REFUSED)
        assert ("FILL_CONFIRMED" in kinds) == (end != REFUSED)
    is_bare = isinstance(fault, RateLimit) and not fault.has_headers
    is_unknown = isinstance(fault, UNKNOWN_FIRST) or is_bare
    if is_unknown and not has_channel:
        assert desk.kinds()[0] == "UNKNOWN"


def test_a_market_with_an_unknown_order_is_left_alone_until_it_is_known() -> None:
    async def use(desk: Desk) -> None:
        gateway = desk.gateway
        await gateway.send([desk.placement()])
        assert gateway.own.is_held(desk.market.market)
        await gateway.send([desk.placement()])
        assert len(desk.journal) == 1
        assert desk.rows()[-1]["price_e4"] == RejectReason.NOT_SENT

    desk = under(Timeout(method="POST", path="/orders"), use, has_channel=False)
    assert not desk.gateway.own.is_held(desk.market.market)


def test_of_several_requests_each_has_its_own_outcome() -> None:
    async def use(desk: Desk) -> None:
        count = 4 * LEGS_MAX
        await desk.gateway.send([desk.placement(size_e6=3 * ONE_E6) for _ in range(count)])
        unknown = ["UNKNOWN" in desk.kinds(n + 1) for n in range(count)]
        assert 0 < sum(unknown) < count
        assert all(unknown[n] == unknown[n - n % LEGS_MAX] for n in range(count))

    under(Timeout(method="POST", path="/orders", share=Decimal("0.5")), use, has_channel=False)


def test_an_unknown_order_is_not_given_up_early() -> None:
    """An order that the exchange does not know yet may still arrive."""

    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement()])
        await asyncio.sleep(0.4)
        assert desk.kinds() == ["UNKNOWN"]

    assert under(Restart(), use, has_channel=True).kinds() == ["UNKNOWN", "REJECT"]


def test_a_connection_that_never_was_sent_nothing() -> None:
    async def run() -> None:
        async with (
            desk_of(server, market) as desk,
            Clob("http://127.0.0.1:1", desk.account) as clob,
        ):
            gateway = Gateway(clob, desk.account, desk.note, desk.blocks.append)
            await gateway.send([desk.placement()])
            assert desk.kinds() == ["REJECT"]
            assert desk.rows()[0]["price_e4"] == RejectReason.NOT_SENT

    with serving() as (server, market):
        asyncio.run(run())


def test_trades_that_cannot_be_read_are_asked_for_again() -> None:
    asked: list[bool] = []

    async def broken(_: Request) -> Response:
        asked.append(True)
        return Response(b'{"data":[{"id":7,"taker_order_id":"0x1"}]}')

    async def run() -> None:
        async with desk_of(server, market, has_channel=False) as desk:
            await desk.gateway.send([desk.placement()])
            while len(asked) < 2:
                await asyncio.sleep(0.02)
            assert desk.kinds() == []

    with serving(further=[Route("/data/trades", broken)]) as (server, market):
        asyncio.run(run())


def test_a_ghost_fill_is_taken_back() -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(), desk.placement()])
        await desk.settled()

    desk = under(GhostFill(), use, has_channel=True)
    assert desk.kinds().count("FILL_FAILED") == 1


@pytest.mark.parametrize(
    "fault", [Drop(channel="user"), Malformed(channel="user"), Disconnect(channel="user")], ids=name
)
def test_no_order_is_left_to_the_channel(fault: Fault) -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(), desk.placement(BUY, 5_000, time_in_force=GTC)])
        await desk.gateway.cancel_all()
        await desk.settled()

    under(fault, use, has_channel=True)


def test_cancels_are_repeated_until_they_are_answered() -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(BUY, 5_000, time_in_force=GTC)])
        number = desk.start(Restart())
        cancelling = asyncio.create_task(desk.gateway.cancel_all())
        await asyncio.sleep(0.3)
        desk.stop(number)
        assert len((await cancelling).canceled) == 1

    under(Drop(channel="market"), use, has_channel=True)


MIXED: list[Fault] = [
    Timeout(method="POST", path="/orders", share=Decimal("0.15")),
    Timeout(method="GET", path="/data", share=Decimal("0.2")),
    Timeout(method="POST", path="/orders", status=503, share=Decimal("0.1")),
    FalseSuccess(share=Decimal("0.1")),
    RateLimit(share=Decimal("0.1"), has_headers=False),
    Slow(share=Decimal("0.2"), delay_ms=(1, 400)),
    GhostFill(share=Decimal("0.3")),
    Drop(share=Decimal("0.2"), channel="user"),
    Duplicate(share=Decimal("0.3"), channel="user"),
    Malformed(share=Decimal("0.1"), channel="user"),
    Reorder(share=Decimal("0.3"), channel="user", delay_ms=(1, 200)),
]


async def mixed(seed: int) -> None:
    """Twenty plans under everything at once; then the faults stop, and all is known."""
    rng = np.random.default_rng(seed)
    with serving() as (server, market):
        async with desk_of(server, market, deadline_s=SHORT_S) as desk:
            numbers = [desk.start(fault) for fault in MIXED]
            for _ in range(20):
                while desk.gateway.own.is_held(market.market) and rng.integers(5):
                    await asyncio.sleep(0.1)
                legs = [
                    desk.placement(
                        (BUY, SELL)[rng.integers(2)],
                        int(rng.choice([4_000, 5_000, 6_000])),
                        size_e6=int(rng.choice([5, 8, 30])) * ONE_E6,
                        time_in_force=(TimeInForce.FAK, GTC)[rng.integers(2)],
                    )
                    for _ in range(rng.integers(1, 4))
                ]
                await desk.gateway.send(legs)
                await asyncio.sleep(float(rng.choice([0, 0.02, 0.3])))
            for number in numbers:
                desk.stop(number)
            await desk.gateway.cancel_all()
            await desk.settled()
            desk.check()
            assert desk.gateway.own.counters.after_end == 0
            assert len(desk.journal) >= 10


def test_all_faults_at_once() -> None:
    asyncio.run(mixed(seed=1))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_all_faults_at_once_by_many_seeds(seed: int) -> None:
    asyncio.run(mixed(seed))
