"""Each fault of a connection, met by a plain client on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hfptm import clock
from hfptm.records import BUY
from hfptm.sandbox.faults_kinds import (
    ClockSkew,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Lose,
    Malformed,
    Refuse,
    Reorder,
)
from hfptm.sandbox.faults_log import OPENED, Deed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS
from tests.sandbox_api import (
    FUNDS_E6,
    NEG_RISK_SLUG,
    STANDARD_SLUG,
    START_NS,
    Api,
    Trader,
    entry_of,
    make_sandbox,
    post_body,
)

WAIT_S = 5


class Feed:
    """A server whose markets move when told to, with a clock that is real but for its start."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.deeds: list[Deed] = []
        self.placed = 0
        self.peers: list[str] = []
        server.run(lambda sandbox: setattr(sandbox.faults, "tell", self._hear))
        self.tokens = server.run(tokens_by_slug)
        self._api = server.run(Api)

    def _hear(self, deed: Deed) -> None:
        if deed.kind == OPENED:
            self.peers.append(deed.peer)
        else:
            self.deeds.append(deed)

    def start(self, fault: Fault) -> int:
        return self.server.run(lambda sandbox: sandbox.faults.start(fault))

    def stop(self, number: int) -> None:
        self.server.run(lambda sandbox: sandbox.faults.stop(number))

    def move(self, count: int = 1, slug: str = STANDARD_SLUG) -> list[str]:
        """New bids, one frame each; their sizes, by which a frame is known again."""
        sizes = []
        for _ in range(count):
            self.placed += 1
            self.server.run(lambda _: self._api.rest(slug, BUY, 100 * self.placed, 4 + self.placed))
            sizes.append(str(4 + self.placed))
        return sizes

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[ClientConnection]:
        """A connection that has had its first books."""
        async with connect(self.server.servers.market_ws_url, compression=None) as client:
            await self.subscribe(client)
            yield client

    @asynccontextmanager
    async def reconnected(self) -> AsyncIterator[ClientConnection]:
        """A connection, as soon as somebody listens."""
        while True:
            with suppress(ConnectionRefusedError):
                async with connect(self.server.servers.market_ws_url) as client:
                    yield client
                    return
            await asyncio.sleep(0.01)

    async def until_told(self, deeds: int) -> None:
        while len(self.deeds) < deeds:
            await asyncio.sleep(0.01)

    async def subscribe(self, client: ClientConnection, **more: Any) -> None:
        assets = [token for tokens in self.tokens.values() for token in tokens]
        await client.send(json.dumps({"type": "market", "assets_ids": assets} | more))
        assert len(await receive(client)) == 4


def tokens_by_slug(sandbox: Sandbox) -> dict[str, tuple[str, str]]:
    return {s: entry_of(sandbox, s).listed.tokens() for s in (STANDARD_SLUG, NEG_RISK_SLUG)}


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Server(make_sandbox(seed=7)) as server:
        yield Feed(server)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test(), 4 * WAIT_S)

    asyncio.run(bounded())


async def receive(client: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(client.recv(), WAIT_S))


async def receive_sizes(client: ClientConnection, count: int) -> list[str]:
    """The sizes of so many price changes."""
    return [size_of(await receive(client)) for _ in range(count)]


def size_of(frame: Any) -> str:
    (size,) = {change["size"] for change in frame["price_changes"]}
    return str(size)


async def pong(client: ClientConnection) -> list[Any]:
    """Everything that comes before the answer to a PING."""
    await client.send("PING")
    before = []
    while (text := await asyncio.wait_for(client.recv(), WAIT_S)) != "PONG":
        before.append(json.loads(text))
    return before


def test_dropped_frames_are_told_and_the_others_come(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            feed.start(Drop(share=Decimal("0.5")))
            sent = feed.move(20)
            got = [size_of(frame) for frame in await pong(client)]
        dropped = [deed.frame for deed in feed.deeds]
        # The first frame of the connection was the dump.
        assert got == [size for n, size in enumerate(sent, 2) if n not in dropped]
        assert 0 < len(dropped) < 20
        assert {deed.connection for deed in feed.deeds} == {1}
        assert all(deed.n and deed.market.startswith("0x") for deed in feed.deeds)

    run(test)


def test_connections_are_told_with_their_clients_addresses(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as first, feed.subscribed() as second:
            ports = [client.local_address[1] for client in (first, second)]
            assert feed.peers == [f"127.0.0.1:{port}" for port in ports]

    run(test)


def test_duplicates_come_twice(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            feed.start(Duplicate())
            sent = feed.move(3)
            assert await receive_sizes(client, 6) == [size for size in sent for _ in range(2)]

    run(test)


def test_delay_is_late_and_keeps_order_while_pongs_pass(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            feed.start(Delay(delay_ms=(300, 300)))
            sent = feed.move(5)
            assert await pong(client) == []
            assert await receive_sizes(client, 5) == sent

    run(test)


def test_reordered_frames_come_in_another_order(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            number = feed.start(Reorder(delay_ms=(200, 200)))
            late = feed.move(2)
            feed.stop(number)
            soon = feed.move(2)
            assert await receive_sizes(client, 4) == soon + late

    run(test)


def test_one_markets_changes_are_lost_until_it_is_subscribed_anew(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            feed.start(Lose(market=STANDARD_SLUG))
            feed.move(3)
            other = feed.move(1, NEG_RISK_SLUG)
            assert [size_of(frame) for frame in await pong(client)] == other
            assert [deed.detail for deed in feed.deeds] == ["all"] * 3
            tokens = list(feed.tokens[STANDARD_SLUG])
            for operation in ("unsubscribe", "subscribe"):
                await client.send(json.dumps({"operation": operation, "assets_ids": tokens}))
            books = await receive(client)
            assert [len(book["bids"] + book["asks"]) for book in books] == [3, 3]
            sent = feed.move(1)
            assert await receive_sizes(client, 1) == sent

    run(test)


def test_one_token_is_lost_and_the_other_is_not(feed: Feed) -> None:
    async def test() -> None:
        yes, no = feed.tokens[STANDARD_SLUG]
        async with feed.subscribed() as client:
            feed.start(Lose(asset=no))
            feed.move(1)
            (change,) = (await receive(client))["price_changes"]
            assert change["asset_id"] == yes

    run(test)


def test_news_of_a_lost_market_come(feed: Feed) -> None:
    async def test() -> None:
        async with connect(feed.server.servers.market_ws_url) as client:
            await feed.subscribe(client, custom_feature_enabled=True)
            feed.start(Lose())
            feed.move(1)
            feed.server.run(resolve)
            assert [frame["event_type"] for frame in await pong(client)] == ["market_resolved"]

    run(test)


def resolve(sandbox: Sandbox) -> None:
    market = entry_of(sandbox, STANDARD_SLUG).listed.market.market
    sandbox.resolve_market(market, 10_000, sandbox.now_ns)


def test_a_frozen_connection_answers_pings_and_nothing_else(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            number = feed.start(Freeze())
            feed.move(3)
            assert await pong(client) == []
            async with feed.subscribed() as newer:
                sent = feed.move(1)
                assert await receive_sizes(newer, 1) == sent
            assert await pong(client) == []
            feed.stop(number)
            sent = feed.move(1)
            assert await receive_sizes(client, 1) == sent
        assert [(deed.connection, deed.frame) for deed in feed.deeds] == [
            (1, frame) for frame in (2, 3, 4, 5)
        ]

    run(test)


@pytest.mark.parametrize(("code", "received"), [(None, None), (1012, 1012)])
def test_connections_are_cut(feed: Feed, code: int | None, received: int | None) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            feed.start(Disconnect(code=code))
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(client.recv(), WAIT_S)
            assert (closed.value.rcvd and closed.value.rcvd.code) == received
            assert isinstance(closed.value.__cause__, ConnectionResetError) == (code is None)
        async with feed.subscribed() as client:
            sent = feed.move(1)
            assert await receive_sizes(client, 1) == sent
        assert [deed.connection for deed in feed.deeds] == [1]

    run(test)


@pytest.mark.parametrize("status", [429, 503])
def test_an_upgrade_is_refused_with_a_status(feed: Feed, status: Any) -> None:
    async def test() -> None:
        number = feed.start(Refuse(status=status))
        with pytest.raises(InvalidStatus) as refused:
            await connect(feed.server.servers.market_ws_url)
        assert refused.value.response.status_code == status
        feed.stop(number)
        async with feed.subscribed():
            pass
        assert [(d.path, d.status) for d in feed.deeds] == [("/ws/market", status)]

    run(test)


def test_nobody_listens_and_then_somebody_does_on_the_same_port(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as older:
            for rounds in (1, 2):
                number = feed.start(Refuse())
                await feed.until_told(rounds)
                with pytest.raises(ConnectionRefusedError):
                    await connect(feed.server.servers.market_ws_url)
                sent = feed.move(1)
                assert await receive_sizes(older, 1) == sent
                feed.stop(number)
                async with feed.reconnected() as client:
                    await feed.subscribe(client)
                    sent = feed.move(1)
                    for one in (client, older):
                        assert await receive_sizes(one, 1) == sent

    run(test)


def test_a_server_stops_while_nobody_may_connect() -> None:
    with Server(make_sandbox()) as server:
        feed = Feed(server)
        feed.start(Refuse())
        run(lambda: feed.until_told(1))


def test_malformed_frames_come_in_place_of_good_ones(feed: Feed) -> None:
    async def test() -> None:
        async with feed.subscribed() as client:
            for form in ("cut", "types", "junk", "unknown"):
                number = feed.start(Malformed(form=form))
                feed.move(1)
                message = await asyncio.wait_for(client.recv(), WAIT_S)
                feed.stop(number)
                assert isinstance(message, bytes) == (form == "junk")
                if form == "cut":
                    with pytest.raises(ValueError, match="column"):
                        json.loads(message)
                if form == "unknown":
                    assert json.loads(message)["event_type"] == "engine_notice"
                if form == "types":
                    assert [v for v in json.loads(message).values() if isinstance(v, dict)]
            sent = feed.move(1)
            assert await receive_sizes(client, 1) == sent
        assert [deed.detail for deed in feed.deeds] == ["cut", "types", "junk", "unknown"]

    run(test)


def place(server: Server, trader: Trader) -> None:
    """A bid of the trader through the API."""
    trader.api.now_ns = clock.wall_ns()
    body = post_body(trader, STANDARD_SLUG)
    status, _ = server.run(lambda _: trader.call("POST", "/order", body))
    assert status == 200


def test_the_user_channel_has_faults_of_its_own(feed: Feed) -> None:
    async def test() -> None:
        trader = feed.server.run(lambda sandbox: Trader(Api(sandbox), "0x" + "11" * 32))
        feed.server.run(lambda sandbox: sandbox.fund(trader.signer.address, FUNDS_E6))
        credentials = msgspec.to_builtins(trader.credentials)
        async with connect(feed.server.servers.user_ws_url) as user, feed.subscribed() as market:
            await user.send(json.dumps({"type": "user", "auth": credentials}))
            assert await pong(user) == []
            number = feed.start(Freeze(channel="user"))
            place(feed.server, trader)
            assert (await receive(market))["event_type"] == "price_change"
            assert await pong(user) == []
            feed.stop(number)
            place(feed.server, trader)
            assert (await receive(user))["event_type"] == "order"
        assert [deed.kind for deed in feed.deeds] == ["freeze"]

    run(test)


def test_frames_have_the_time_of_a_clock_that_is_off() -> None:
    now_ns = START_NS
    with Server(make_sandbox(), now_ns=lambda: now_ns, wall_ns=lambda: now_ns) as server:
        feed = Feed(server)

        async def test() -> None:
            async with feed.subscribed() as client:
                feed.move(1)
                before = await receive(client)
                feed.start(ClockSkew(skew_ms=1_500))
                feed.move(1)
                after = await receive(client)
            # Changes of one market never share a millisecond, even if the clock stands.
            assert int(before["timestamp"]) - START_NS // NS_PER_MS in range(3)
            assert int(after["timestamp"]) == START_NS // NS_PER_MS + 1_500

        run(test)
