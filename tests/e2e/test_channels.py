"""The market and user channels on loopback, with real sockets and other people's clients."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from hfptm import clock
from hfptm.records import BUY, SELL
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from tests.sandbox_api import NEG_RISK_SLUG, STANDARD_SLUG, Api, entry_of, make_sandbox


@pytest.fixture
def api() -> Api:
    """Bids of 100 at 0.40 and asks of 100 at 0.60 on two markets."""
    api = Api(make_sandbox(start_ns=clock.wall_ns()))
    for slug in (STANDARD_SLUG, NEG_RISK_SLUG):
        api.rest(slug, BUY, 4_000, 100)
        api.rest(slug, SELL, 6_000, 100)
    return api


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    with Server(api.sandbox) as server:
        yield server


def tokens_of(server: Server, slug: str = STANDARD_SLUG) -> tuple[str, str]:
    return entry_of(server.sandbox, slug).listed.tokens()


def talk(url: str, use: Callable[[ClientConnection], Awaitable[None]]) -> None:
    async def run() -> None:
        async with connect(url, max_size=None) as line:
            await use(line)

    asyncio.run(run())


async def hear(line: ClientConnection) -> Any:
    """The next frame, decoded."""
    return msgspec.json.decode(await asyncio.wait_for(line.recv(), 5))


def test_a_subscriber_gets_books_and_then_changes(server: Server, api: Api) -> None:
    yes, no = tokens_of(server)

    async def use(line: ClientConnection) -> None:
        await line.send(msgspec.json.encode({"type": "market", "assets_ids": [yes]}).decode())
        (book,) = await hear(line)
        assert (book["event_type"], book["asset_id"]) == ("book", yes)
        server.run(lambda _: api.rest(STANDARD_SLUG, BUY, 4_100, 50))
        change = await hear(line)
        assert [entry["asset_id"] for entry in change["price_changes"]] == [yes, no]

    talk(server.servers.market_ws_url, use)
