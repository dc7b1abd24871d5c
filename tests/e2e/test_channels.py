"""The market and user channels on loopback, with real sockets and the exchange's own client."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from polymarket import AsyncSecureClient
from polymarket.models.clob import AcceptedOrder
from polymarket.streams import MarketSpec, SubscriptionHandle, UserSpec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode

from hfptm import clock
from hfptm.records import BUY, SELL
from hfptm.sandbox.catalogue import EventTerms, MarketTerms
from hfptm.sandbox.history import Fate, History
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.outlets import UNREAD_MAX_BYTES
from hfptm.sandbox.reports import Placed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS
from hfptm.venue.client import secure_client
from hfptm.venue.signing import Signer
from tests.sandbox import make_market
from tests.sandbox_api import (
    FUNDS_E6,
    NEG_RISK_SLUG,
    STANDARD_SLUG,
    V2_SLUG,
    Api,
    entry_of,
    make_sandbox,
)

KEY = "0x" + "11" * 32
ADDRESS = Signer(KEY).address
KINDS = (STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG)
WAIT_S = 5


@pytest.fixture
def api() -> Api:
    """Bids of 100 at 0.40 and asks of 100 at 0.60 on a market of each kind; a funded account."""
    history = History(1, 20 * NS_PER_MS, 40 * NS_PER_MS)
    api = Api(make_sandbox(history=history, start_ns=clock.wall_ns()))
    for slug in KINDS:
        api.rest(slug, BUY, 4_000, 100)
        api.rest(slug, SELL, 6_000, 100)
    api.sandbox.fund(ADDRESS, FUNDS_E6)
    return api


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    with Server(api.sandbox) as server:
        yield server


def tokens_of(server: Server, slug: str = STANDARD_SLUG) -> tuple[str, str]:
    return entry_of(server.sandbox, slug).listed.tokens()


# Plain sockets ----------------------------------------------------------------------------------


def talk(url: str, use: Callable[[ClientConnection], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        async with connect(url, max_size=None, close_timeout=1, **more) as line:
            await use(line)

    asyncio.run(run())


async def send(line: ClientConnection, **request: Any) -> None:
    await line.send(msgspec.json.encode(request).decode())


async def hear(line: ClientConnection) -> Any:
    """The next frame, decoded."""
    return msgspec.json.decode(await asyncio.wait_for(line.recv(), WAIT_S))


def test_frames_of_any_length_arrive_whole_and_in_order(server: Server, api: Api) -> None:
    yes, no = tokens_of(server)

    def fill(_: Sandbox) -> None:
        for price_e4 in range(100, 4_000, 100):
            api.rest(STANDARD_SLUG, BUY, price_e4, 50)

    def list_many(sandbox: Sandbox) -> None:
        for number in range(100, 300):
            list_market(sandbox, number)

    async def use(line: ClientConnection) -> None:
        await line.send("PING")
        assert await line.recv() == "PONG"
        await send(line, type="market", assets_ids=[])
        assert await hear(line) == []
        server.run(
            lambda _: [api.rest(STANDARD_SLUG, BUY, at, 50) for at in range(100, 4_000, 100)]
        )
        await send(line, type="market", assets_ids=[yes, no])
        assert [len(book["bids"]) for book in await hear(line)] == [40, 1]
        server.run(list_many)
        many = [token for e in api.sandbox.catalogue.markets for token in e.listed.tokens()][2:]
        await send(line, operation="subscribe", assets_ids=many)
        books = await asyncio.wait_for(line.recv(), WAIT_S)
        assert len(books) > 1 << 16
        assert [book["asset_id"] for book in msgspec.json.decode(books)] == many
        server.run(lambda _: api.rest(STANDARD_SLUG, BUY, 4_500, 50))
        change = await hear(line)
        assert [entry["asset_id"] for entry in change["price_changes"]] == [yes, no]

    talk(server.servers.market_ws_url, use)


def list_market(sandbox: Sandbox, number: int) -> None:
    """List and open one more market, with decimal tokens."""
    market = make_market(number, yes_token=f"{number}1", no_token=f"{number}2")
    listing, slug = Listing(market=market), market.slug
    terms = EventTerms(slug=slug, title=slug, tags=(), start_ns=0, end_ns=0)
    sandbox.add_event(terms, sandbox.now_ns)
    sandbox.add_market(slug, listing, MarketTerms(), sandbox.now_ns)
    sandbox.open_market(listing.market.market, sandbox.now_ns)


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/", "/ws/sports"])
def test_other_paths_are_not_found(server: Server, path: str) -> None:
    async def use(_: ClientConnection) -> None:
        raise AssertionError("let in")

    with pytest.raises(InvalidStatus) as refused:
        talk(server.ws_url + path, use)
    assert refused.value.response.status_code == 404


def test_a_query_does_not_matter(server: Server) -> None:
    async def use(line: ClientConnection) -> None:
        await line.send("PING")
        assert await line.recv() == "PONG"

    talk(server.servers.market_ws_url + "?token=1", use)


def test_a_wrong_key_is_shown_the_door(server: Server) -> None:
    async def use(line: ClientConnection) -> None:
        await send(line, type="user", auth={"apiKey": "a", "secret": "b", "passphrase": "c"})
        with pytest.raises(ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.POLICY_VIOLATION

    talk(server.servers.user_ws_url, use)


def test_a_subscriber_that_does_not_read_is_cut_off_and_others_go_on(
    server: Server, api: Api
) -> None:
    tokens = tokens_of(server)
    host, _, port = server.ws_url.removeprefix("ws://").partition(":")
    deaf = socket.create_connection((host, int(port)), WAIT_S)
    deaf.sendall(
        b"GET /ws/market HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert deaf.recv(12) == b"HTTP/1.1 101"
    request = msgspec.json.encode({"type": "market", "assets_ids": tokens})
    deaf.sendall(bytes((0x81, 0xFE)) + len(request).to_bytes(2, "big") + bytes(4) + request)

    def burst(sandbox: Sandbox) -> None:
        for _ in range(200):
            placed = api.rest(STANDARD_SLUG, BUY, 3_000, 50).reports[0]
            assert isinstance(placed, Placed)
            sandbox.cancel(placed.account, [placed.order_id])

    async def use(line: ClientConnection) -> None:
        await send(line, type="market", assets_ids=tokens)
        await hear(line)
        heard = 0
        while server.connections == 2:
            server.run(burst)
            for _ in range(400):
                heard += len(await asyncio.wait_for(line.recv(), WAIT_S))
        assert UNREAD_MAX_BYTES < heard < 3 * UNREAD_MAX_BYTES
        await line.send("PING")
        assert await line.recv() == "PONG"

    talk(server.servers.market_ws_url, use)
    deaf.close()


def test_who_still_listens_when_it_stops_is_told(api: Api) -> None:
    server = Server(api.sandbox)
    server.start()

    async def use(line: ClientConnection) -> None:
        await send(line, type="market", assets_ids=tokens_of(server))
        await hear(line)
        await asyncio.to_thread(server.stop)
        with pytest.raises(ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.GOING_AWAY

    talk(server.servers.market_ws_url, use)


# polymarket-client ------------------------------------------------------------------------------


class Ear:
    """A subscription of polymarket-client, read to the events one waits for."""

    def __init__(self, handle: SubscriptionHandle[Any]) -> None:
        self.handle = handle

    async def take(self, *kinds: str) -> list[Any]:
        """The next events, which must be of these kinds, in this order; payloads only."""
        events = [await asyncio.wait_for(self.handle.__anext__(), WAIT_S) for _ in kinds]
        assert [event.type for event in events] == list(kinds)
        return [event.payload for event in events]


def follow(server: Server, slug: str, use: Callable[..., Awaitable[None]]) -> None:
    """Trade on a market as polymarket-client, and follow it by both of its subscriptions."""

    async def run() -> None:
        client = await secure_client(server.servers, private_key=KEY, wallet=ADDRESS)
        async with client:
            condition = entry_of(server.sandbox, slug).clob_condition()
            user = Ear(await client.subscribe(UserSpec(markets=[condition])))
            spec = MarketSpec(asset_ids=tokens_of(server, slug), custom_feature_enabled=True)
            market = Ear(await client.subscribe(spec))
            await use(client, market, user)

    asyncio.run(run())


async def buy(client: AsyncSecureClient, token: str, price: str) -> str:
    """Ten shares; the order's id."""
    order = await client.create_limit_order(asset_id=token, price=price, size=10, side="BUY")
    reply = await client.post_order(order)
    assert isinstance(reply, AcceptedOrder), reply
    return str(reply.order_id)


@pytest.mark.parametrize("slug", KINDS)
def test_the_exchanges_client_follows_a_market_to_its_resolution(server: Server, slug: str) -> None:
    yes, no = tokens_of(server, slug)
    entry = entry_of(server.sandbox, slug)
    number, tick_e4 = entry.listed.market.market, entry.listed.market.tick_e4

    async def use(client: AsyncSecureClient, market: Ear, user: Ear) -> None:
        books = await market.take("book", "book")
        assert {book.asset_id for book in books} == {yes, no}
        assert [(level.price, level.size) for level in books[0].bids] == [
            (Decimal("0.4"), Decimal(100))
        ]

        order_id = await buy(client, yes, "0.3")
        (change,) = await market.take("price_change")
        assert [entry.asset_id for entry in change.price_changes] == [yes, no]
        (placed,) = await user.take("order")
        assert (placed.id, placed.order_event_type) == (order_id, "PLACEMENT")
        await client.cancel_order(order_id=order_id)
        (change,) = await market.take("price_change")
        assert {entry.size for entry in change.price_changes} == {Decimal(0)}
        (canceled,) = await user.take("order")
        assert (canceled.id, canceled.status) == (order_id, "CANCELED")

        order_id = await buy(client, yes, "0.6")
        traded = ("price_change", "last_trade_price", "book", "book")
        _, print_, book, _ = await market.take(*traded)
        assert (print_.asset_id, print_.price, print_.size) == (yes, Decimal("0.6"), Decimal(10))
        assert book.last_trade_price == Decimal("0.6")
        placed, *trades = await user.take("order", "trade", "trade", "trade")
        assert (placed.id, placed.status, placed.size_matched) == (order_id, "MATCHED", 10)
        assert [str(trade.status) for trade in trades] == ["MATCHED", "MINED", "CONFIRMED"]
        assert {trade.id for trade in trades} == set(placed.associate_trades)
        assert trades[-1].transaction_hash == print_.transaction_hash

        server.run(lambda sandbox: sandbox.change_tick(number, 10, sandbox.now_ns))
        tick, *_ = await market.take("tick_size_change", "tick_size_change", "book", "book")
        assert (tick.old_tick_size, tick.new_tick_size) == (
            Decimal(tick_e4) / 10_000,
            Decimal("0.001"),
        )
        await buy(client, yes, "0.401")
        _, best, _ = await market.take("price_change", "best_bid_ask", "best_bid_ask")
        assert (best.asset_id, best.best_bid) == (yes, Decimal("0.401"))
        await user.take("order")

        server.run(lambda sandbox: list_market(sandbox, 100))
        (news,) = await market.take("new_market")
        assert news.slug == make_market(100).slug

        server.run(lambda sandbox: sandbox.resolve_market(number, 10_000, sandbox.now_ns))
        kinds = (*["price_change"] * 3, "best_bid_ask", "best_bid_ask", "market_resolved")
        *_, resolved = await market.take(*kinds)
        assert (resolved.winning_asset_id, resolved.winning_outcome) == (
            yes,
            entry.terms.outcomes[0],
        )
        (gone,) = await user.take("order")
        assert gone.status == "CANCELED_MARKET_RESOLVED"

    follow(server, slug, use)


def test_the_exchanges_client_hears_of_a_ghost_fill(server: Server) -> None:
    yes, _ = tokens_of(server)
    server.sandbox.history.fate = lambda _: Fate.FAILED

    async def use(client: AsyncSecureClient, _: Ear, user: Ear) -> None:
        await buy(client, yes, "0.6")
        _, *trades = await user.take("order", "trade", "trade", "trade")
        assert [str(trade.status) for trade in trades] == ["MATCHED", "RETRYING", "FAILED"]
        assert yes not in server.sandbox.exchange.accounts[ADDRESS].shares_e6

    follow(server, STANDARD_SLUG, use)
