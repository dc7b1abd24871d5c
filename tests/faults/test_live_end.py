"""The end of a live run: an order may arrive after everything was cancelled, or nothing can be."""

import asyncio

import msgspec
import pytest

from hfptm.drive.clob import Clob
from hfptm.errors import VenueError
from hfptm.records import EventKind
from hfptm.sandbox.faults_kinds import RateLimit
from hfptm.venue.account import Account
from tests.e2e.test_live_parts import RESTING, Trader, trade
from tests.gateway import secrets_of

LATE_S = 0.6
"""So much later than its refusal an order arrives after all; all are cancelled within less."""


def test_an_order_that_arrives_after_the_last_cancellation_is_cancelled_too() -> None:
    """Nobody knows of it at first: a gateway in between said 429, and kept it."""
    arriving: list[asyncio.Task[None]] = []

    async def use(trader: Trader) -> None:
        fault = RateLimit(method="POST", path="/orders", has_headers=False)
        number = trader.server.run(lambda s: s.faults.start(fault))
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.UNKNOWN)
        trader.server.run(lambda s: s.faults.stop(number))
        arriving.append(asyncio.create_task(arrive(trader)))

    async def arrive(trader: Trader) -> None:
        await asyncio.sleep(LATE_S)
        account = Account(trader.server.run(secrets_of))
        async with Clob(trader.server.clob_url, account) as clob:
            body = msgspec.json.encode([account.posting(trader.signed[0])])
            assert (await clob.request("POST", "/orders", body)).status == 200
        assert trader.open_orders() == 1

    trader = trade(use)
    arriving[0].result()
    assert trader.kinds(1) == ["UNKNOWN", "ACK", "DONE"]


def test_an_end_that_cannot_cancel_says_what_becomes_of_orders() -> None:
    async def use(trader: Trader) -> None:
        trader.desk.take(trader.intents({"order": 1, "plan": 1, **RESTING}))
        await trader.told(1, EventKind.ACK)
        trader.server.run(lambda s: s.faults.start(RateLimit(method="DELETE")))

    said = "orders may still be open: 429.*without a heartbeat they end soon; begin another run"
    with pytest.raises(VenueError, match=said):
        trade(use)
