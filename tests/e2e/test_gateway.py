"""The gateway against a sandbox that behaves: orders, cancels, heartbeats, budget."""

import asyncio
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from hfptm import clock
from hfptm.drive.gateway import LEGS_MAX, STALE_NS, Gateway
from hfptm.drive.heartbeat import LAPSE_NS, Heartbeat
from hfptm.drive.reconciler import QUIET_NS, UNKNOWN_NS
from hfptm.errors import ConfigError, VenueError
from hfptm.records import BUY, SELL, EventKind, RejectReason, Token
from hfptm.sandbox.faults_kinds import Restart, Timeout
from hfptm.sandbox.heartbeats import SWEEP_NS
from hfptm.sandbox.rate_limits import Bucket
from hfptm.secrets import Secret, Secrets
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.account import Account, TimeInForce
from hfptm.venue.rate_budget import ORDERS_STANDARD
from hfptm.venue.signing import SignatureType
from tests.gateway import ADDRESS, KEY, SHORT_S, Desk, desk_of, secrets_of, serving
from tests.sandbox_api import NEG_RISK_SLUG, STANDARD_SLUG, V2_SLUG, make_sandbox

GTC, FOK = TimeInForce.GTC, TimeInForce.FOK
FILLED = ["FILL", "DONE", "FILL_CONFIRMED"]


def at_desk(use: Callable[[Desk], Awaitable[None]], slug: str = STANDARD_SLUG, **how: Any) -> None:
    async def run() -> None:
        async with desk_of(server, market, **how) as desk:
            await use(desk)
            await desk.settled()
            desk.check()

    with serving(slug) as (server, market):
        asyncio.run(run())


@pytest.mark.parametrize("slug", [STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG])
@pytest.mark.parametrize("has_channel", [True, False])
def test_legs_are_filled_whoever_tells_of_it(slug: str, has_channel: bool) -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send(
            [
                desk.placement(BUY, 6_000),
                desk.placement(BUY, 6_000, token=Token.NO),
                desk.placement(SELL, 4_000),
            ]
        )
        await desk.settled()
        assert [sorted(desk.kinds(n)) for n in (1, 2, 3)] == [sorted(FILLED)] * 3
        rows = desk.rows()
        assert {int(m) for m in rows["market"]} == {desk.market.market}
        assert {int(p) for p in rows["price_e4"][rows["kind"] == EventKind.FILL]} == {6_000, 4_000}

    at_desk(use, slug, has_channel=has_channel)


def test_the_id_is_known_before_the_order_is_sent() -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(), desk.placement(BUY, 5_000, time_in_force=GTC)])
        assert [s.placement.order for s in desk.journal] == [1, 2]
        assert list(desk.exchange_orders()) == [s.order_id for s in desk.journal]
        assert desk.kinds(2) == ["ACK"]
        await desk.gateway.cancel_all()

    at_desk(use)


def test_a_rehearsal_leaves_no_trace() -> None:
    async def use(desk: Desk) -> None:
        desk.gateway.rehearse()
        assert (desk.journal, desk.blocks, desk.placed) == ([], [], [])
        assert list(desk.gateway.own.unsettled()) == []

    at_desk(use)


def test_nothing_is_sent_that_the_journal_does_not_take() -> None:
    def full(_: object) -> None:
        raise OSError("no space left")

    async def use(desk: Desk) -> None:
        gateway = Gateway(desk.clob, desk.account, full, desk.blocks.append)
        with pytest.raises(OSError, match="no space"):
            await gateway.send([desk.placement()])
        assert list(gateway.own.unsettled()) == []

    at_desk(use)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price_e4": 5_000}, RejectReason.NO_MATCH),
        ({"time_in_force": FOK, "size_e6": 500 * ONE_E6}, RejectReason.NO_MATCH),
        ({"size_e6": ONE_E6}, RejectReason.REFUSED),
        ({"time_in_force": GTC, "is_post_only": True}, RejectReason.REFUSED),
        ({"price_e4": 6_050}, RejectReason.NOT_SENT),
        ({"size_e6": 100}, RejectReason.NOT_SENT),
    ],
)
def test_refusals(changes: dict[str, Any], reason: RejectReason) -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(**changes)])
        assert desk.kinds() == ["REJECT"]
        assert desk.rows()[0]["price_e4"] == reason
        assert (reason is RejectReason.NOT_SENT) == (not desk.journal)

    at_desk(use)


@pytest.mark.parametrize("how", ["ids", "market", "all"])
def test_cancels(how: str) -> None:
    async def use(desk: Desk) -> None:
        gateway = desk.gateway
        resting = [desk.placement(BUY, 5_000 + 100 * n, time_in_force=GTC) for n in range(3)]
        await gateway.send(resting)
        ids = [signed.order_id for signed in desk.journal]
        if how == "ids":
            canceled = await gateway.cancel(ids)
        elif how == "market":
            canceled = await gateway.cancel_market(desk.market.condition_id)
        else:
            canceled = await gateway.cancel_all()
        assert canceled.canceled == ids
        due = gateway.own.due(clock.wall_ns(), UNKNOWN_NS, QUIET_NS)
        assert [own.order_id for own in due] == ids
        assert (await gateway.cancel(ids)).not_canceled.keys() == set(ids)
        await desk.settled()
        assert [desk.kinds(n) for n in (1, 2, 3)] == [["ACK", "DONE"]] * 3

    at_desk(use, has_channel=False)


def test_a_cancel_that_is_refused_says_what_may_be_open() -> None:
    async def use(desk: Desk) -> None:
        with pytest.raises(VenueError, match="orders may still be open: 400 Invalid orderID"):
            await desk.gateway.cancel(["0x12"])

    at_desk(use)


def test_more_legs_than_a_request_takes_go_in_several() -> None:
    async def use(desk: Desk) -> None:
        count = 2 * LEGS_MAX + 1
        await desk.gateway.send([desk.placement(size_e6=3 * ONE_E6) for _ in range(count)])
        await desk.settled()
        assert len(desk.journal) == len(desk.placed) == count
        assert all(sorted(desk.kinds(n + 1)) == sorted(FILLED) for n in range(count))

    at_desk(use)


def test_the_budget_is_for_all_requests_of_a_plan_or_none() -> None:
    async def use(desk: Desk) -> None:
        await desk.gateway.send([desk.placement(BUY, 5_000) for _ in range(ORDERS_STANDARD[1] + 1)])
        assert desk.journal == []
        assert set(desk.rows()["price_e4"].tolist()) == {RejectReason.NOT_SENT}

    at_desk(use, orders=ORDERS_STANDARD)


def test_nothing_leaves_that_was_decided_long_ago() -> None:
    """One leg is enough: the plan is no more what it was."""

    async def use(desk: Desk) -> None:
        old_ns = clock.wall_ns() - STALE_NS
        await desk.gateway.send([desk.placement(), desk.placement(decided_ns=old_ns)])
        assert [desk.kinds(n) for n in (1, 2)] == [["REJECT"]] * 2
        assert set(desk.rows()["price_e4"].tolist()) == {RejectReason.NOT_SENT}
        assert desk.placed == []

    async def run() -> None:
        async with desk_of(server, market) as desk:
            await use(desk)

    with serving() as (server, market):
        asyncio.run(run())


def test_a_journal_that_took_too_long_lets_nothing_leave() -> None:
    """As a disk that stalls, or a machine that is stopped between decision and order."""

    async def use(desk: Desk) -> None:
        def slow(_: object) -> None:
            threading.Event().wait((STALE_NS + NS_PER_MS) / NS_PER_S)

        gateway = Gateway(desk.clob, desk.account, slow, desk.blocks.append)
        await gateway.send([desk.placement()])
        assert desk.kinds() == ["REJECT"]
        assert desk.placed == []

    at_desk(use)


def test_a_spent_budget_sends_nothing() -> None:
    async def use(desk: Desk) -> None:
        for _ in range(5):
            await desk.gateway.send(
                [desk.placement(BUY, 5_000, size_e6=6 * ONE_E6) for _ in range(LEGS_MAX)]
            )
        reasons = [int(r["price_e4"]) for r in desk.rows() if r["kind"] == EventKind.REJECT]
        assert reasons.count(RejectReason.NOT_SENT) >= 1
        assert len(desk.journal) % LEGS_MAX == 0
        assert 60 <= len(desk.journal) <= 75

    at_desk(use, orders=ORDERS_STANDARD)


def test_what_the_exchange_says_is_left_is_believed() -> None:
    async def use(desk: Desk) -> None:
        desk.server.run(lambda s: s.limits.charge(ADDRESS, Bucket.ORDERS, 895, 2**62))
        await desk.gateway.send([desk.placement(BUY, 5_000)])
        await desk.gateway.send([desk.placement(BUY, 5_000) for _ in range(LEGS_MAX)])
        assert len(desk.journal) == 1

    at_desk(use)


def test_heartbeats_go_on_from_whatever_id_the_exchange_expects() -> None:
    async def use(desk: Desk) -> None:
        lapses: list[int] = []
        heart = Heartbeat(desk.clob, lambda: lapses.append(1))
        assert [await heart.beat(), await heart.beat()] == [True, True]
        other = Heartbeat(desk.clob, lambda: lapses.append(1))
        assert await other.beat()
        assert await heart.beat()
        assert lapses == []

    at_desk(use)


def test_a_heart_that_stopped_costs_all_orders_and_says_so() -> None:
    ahead_ns = 0

    def shifted_ns() -> int:
        return clock.wall_ns() + ahead_ns

    async def run() -> None:
        nonlocal ahead_ns
        async with desk_of(server, market, has_channel=False) as desk:
            heart = Heartbeat(desk.clob, desk.gateway.doubt_all)
            await desk.gateway.send([desk.placement(BUY, 5_000, time_in_force=GTC)])
            assert await heart.beat()
            ahead_ns = LAPSE_NS + SWEEP_NS
            heart.last_ns = (heart.last_ns or 0) - ahead_ns
            assert await heart.beat()
            await desk.settled()
            assert desk.kinds() == ["ACK", "UNKNOWN", "DONE"]
            desk.check()

    with serving(wall_ns=shifted_ns) as (server, market):
        asyncio.run(run())


def test_no_secret_is_in_anything_that_a_run_prints(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every logger at its most talkative, a journal, rows, counters and errors."""
    shown: list[object] = []

    async def use(desk: Desk) -> None:
        heart = Heartbeat(desk.clob, desk.gateway.doubt_all)
        await heart.beat()
        await desk.gateway.send([desk.placement(), desk.placement(BUY, 5_000, time_in_force=GTC)])
        await desk.gateway.cancel_all()
        numbers = [desk.start(Timeout(method="DELETE")), desk.start(Restart())]
        with pytest.raises(VenueError, match="orders may still be open: no answer") as caught:
            await desk.gateway.cancel_all()
        await desk.gateway.send([desk.placement()])
        for number in numbers:
            desk.stop(number)
        shown.extend(traceback.format_exception(caught.value))
        shown.extend(
            [desk.journal, desk.rows(), desk.gateway.own.counters, desk.account, vars(heart)]
        )
        shown.extend(msgspec.json.encode(signed) for signed in desk.journal)
        shown.append({name: repr(value) for name, value in vars(desk.gateway).items()})
        found.extend(hidden_of(desk.server.run(secrets_of)))

    found: list[str] = []
    caplog.set_level(logging.DEBUG)
    at_desk(use, has_channel=False, deadline_s=SHORT_S)
    printed = capfd.readouterr()
    text = f"{caplog.text}{printed.out}{printed.err}{shown}"
    assert len(found) == 4
    assert "POST" in caplog.text
    assert [secret for secret in found if secret in text] == []


def hidden_of(secrets: Secrets) -> list[str]:
    values = msgspec.structs.asdict(secrets).values()
    return [value.reveal() for value in values if isinstance(value, Secret)]


def test_a_wallet_that_does_not_fit_is_refused() -> None:
    sandbox = make_sandbox()
    for changes in (
        {"signature_type": int(SignatureType.POLY_1271)},
        {"funder_address": "0x" + "cd" * 20},
    ):
        with pytest.raises(ConfigError, match="signature_type") as caught:
            Account(secrets_of(sandbox, **changes))
        assert KEY not in str(caught.value)


def test_an_account_shows_addresses_only() -> None:
    account = Account(secrets_of(make_sandbox()))
    assert repr(account) == f"Account({ADDRESS} for {ADDRESS})"
