"""Other people's clients against the sandbox on loopback: keys, books, orders of every kind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from polymarket import AsyncSecureClient
from polymarket._internal.actions.orders.typed_data import build_order_typed_data
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket.errors import OrderHeartbeatMismatchError, RequestRejectedError
from polymarket.models.clob import AcceptedOrder, SignedOrder
from polymarket.models.types import OrderSide
from polymarket.rate_limit import RateLimitUpdate
from polymarket.types import EvmAddress
from py_clob_client_v2.client import ClobClient
from py_clob_client_v2.clob_types import (
    AssetType,
    BalanceAllowanceParams,
    BookParams,
    MarketOrderArgsV2,
    OrderArgsV2,
    OrderMarketCancelParams,
    OrderPayload,
    PostOrdersV2Args,
    RequestArgs,
)
from py_clob_client_v2.exceptions import PolyApiException
from py_clob_client_v2.headers.headers import create_level_2_headers
from py_clob_client_v2.order_utils.exchange_order_builder_v2 import ExchangeOrderBuilderV2

from hfptm import clock
from hfptm.errors import ConfigError
from hfptm.records import BUY, SELL
from hfptm.sandbox.auth import FRESH_S
from hfptm.sandbox.history import History
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.client import environment, public_client, secure_client
from hfptm.venue.signing import (
    CHAIN_ID,
    EXCHANGE_V3,
    NEG_RISK,
    STANDARD,
    SignatureType,
    Signer,
)
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
WALLET = Signer("0x" + "33" * 32).address
DOMAINS = {STANDARD_SLUG: STANDARD, NEG_RISK_SLUG: NEG_RISK, V2_SLUG: EXCHANGE_V3}
SLUGS = pytest.mark.parametrize("slug", DOMAINS)
FOK_KILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED = "no orders found to match with FAK order"
CROSSES = "invalid post-only order: order crosses book"
INVALID_KEY = "Unauthorized/Invalid api key"

Result = TypeVar("Result")


class Shifted:
    """The clients' clock as the server sees it; a test can move it."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def __call__(self) -> int:
        return clock.wall_ns() + self.ahead_ns


@pytest.fixture
def shifted() -> Shifted:
    return Shifted()


@pytest.fixture
def server(shifted: Shifted) -> Iterator[Server]:
    """Bids of 100 at 0.40 and asks of 100 at 0.60 on one market of each kind; a funded account."""
    history = History(1, 20 * NS_PER_MS, 40 * NS_PER_MS)
    sandbox = make_sandbox(history=history, start_ns=clock.wall_ns())
    api = Api(sandbox)
    for slug in DOMAINS:
        api.rest(slug, BUY, 4_000, 100)
        api.rest(slug, SELL, 6_000, 100)
    sandbox.fund(ADDRESS, FUNDS_E6)
    with Server(sandbox, wall_ns=shifted) as server:
        yield server


def token_of(server: Server, slug: str = STANDARD_SLUG) -> str:
    return entry_of(server.sandbox, slug).listed.market.yes_token


def as_owner(server: Server, use: Callable[[AsyncSecureClient], Awaitable[Result]]) -> Result:
    """Do something with polymarket-client, which creates or derives its keys first."""

    async def run() -> Result:
        client = await secure_client(server.servers, private_key=KEY, wallet=ADDRESS)
        async with client:
            return await use(client)

    return asyncio.run(run())


def clob_client(server: Server, **wallet: Any) -> Any:
    """py-clob-client-v2, which creates or derives its keys first."""
    client = ClobClient(server.clob_url, CHAIN_ID, key=KEY, **wallet)
    client.set_api_creds(client.create_or_derive_api_key())
    return client


def client_digest(signed: SignedOrder, slug: str) -> str:
    """The EIP-712 digest of what polymarket-client says it signed."""
    domain = DOMAINS[slug]
    names = set(UnsignedOrder.__dataclass_fields__) & set(SignedOrder.__dataclass_fields__)
    order = UnsignedOrder(
        chain_id=CHAIN_ID,
        exchange_address=EvmAddress(domain.contract),
        protocol_version="3" if domain is EXCHANGE_V3 else "2",
        **{name: getattr(signed, name) for name in names},
    )
    message = encode_typed_data(full_message=build_order_typed_data(order))
    return "0x" + keccak(b"\x19" + message.version + message.header + message.body).hex()


def oracle_digest(signed: Any, slug: str) -> str:
    """The order hash of py-clob-client-v2."""
    domain = DOMAINS[slug]
    builder = ExchangeOrderBuilderV2(domain.contract, CHAIN_ID, None, domain_version=domain.version)
    return str(builder.build_order_hash(builder.build_order_typed_data(signed)))


def limit(
    client: AsyncSecureClient, token: str, price: str, side: OrderSide = "BUY", **more: Any
) -> Awaitable[SignedOrder]:
    """Ten shares."""
    return client.create_limit_order(asset_id=token, price=price, size=10, side=side, **more)


def spend(
    client: AsyncSecureClient, token: str, kind: Any, max_price: str = "0.6"
) -> Awaitable[SignedOrder]:
    """Six dollars."""
    return client.create_market_order(
        asset_id=token, side="BUY", amount=6, max_price=max_price, order_type=kind
    )


# polymarket-client ------------------------------------------------------------------------------


def test_public_reads(server: Server) -> None:
    tokens = [token_of(server, slug) for slug in DOMAINS]

    async def read() -> None:
        async with public_client(server.servers) as client:
            book = await client.get_order_book(asset_id=tokens[0])
            assert [(x.price, x.size) for x in book.bids] == [(Decimal("0.4"), Decimal(100))]
            books = await client.get_order_books(asset_ids=tokens)
            assert [one.asset_id for one in books] == tokens
            assert await client.get_midpoint(asset_id=tokens[0]) == Decimal("0.5")
            assert await client.get_spread(asset_id=tokens[1]) == Decimal("0.2")
            assert await client.get_price(asset_id=tokens[2], side="SELL") == Decimal("0.6")
            assert await client.get_last_trade_price(asset_id=tokens[0]) is None
            markets = [m async for m in client.list_markets(page_size=5).iter_items()]
            events = [e async for e in client.list_events(page_size=2).iter_items()]
            assert len({market.id for market in markets}) == 14
            assert sum(len(event.markets) for event in events) == 14

    asyncio.run(read())


@SLUGS
def test_orders_that_rest(server: Server, slug: str) -> None:
    token = token_of(server, slug)

    async def trade(client: AsyncSecureClient) -> None:
        expiration = clock.wall_ns() // NS_PER_S + 600
        for order in (
            await limit(client, token, "0.3"),
            await limit(client, token, "0.3", expiration=expiration),
            await limit(client, token, "0.3", post_only=True),
        ):
            reply = await client.post_order(order)
            assert isinstance(reply, AcceptedOrder), reply
            assert (reply.status, reply.order_id) == ("live", client_digest(order, slug))
            resting = await client.get_order(order_id=reply.order_id)
            assert (resting.status, resting.order_type) == ("LIVE", order.order_type)
            assert (resting.price, resting.original_size) == (Decimal("0.3"), Decimal(10))
        crossing = await limit(client, token, "0.6", post_only=True)
        with pytest.raises(RequestRejectedError, match=CROSSES) as caught:
            await client.post_order(crossing)
        assert caught.value.status == 400
        found = [order async for order in client.list_open_orders().iter_items()]
        assert len(found) == 3

    as_owner(server, trade)


@SLUGS
def test_orders_that_take(server: Server, slug: str) -> None:
    token = token_of(server, slug)

    async def trade(client: AsyncSecureClient) -> None:
        for order, shares in (
            (await limit(client, token, "0.6"), 10),
            (await spend(client, token, "FOK"), 10),
            (await spend(client, token, "FAK"), 10),
        ):
            reply = await client.post_order(order)
            assert isinstance(reply, AcceptedOrder), reply
            assert (reply.status, reply.order_id) == ("matched", client_digest(order, slug))
            assert (reply.making_amount, reply.taking_amount) == (Decimal(6), Decimal(shares))
            (transaction,) = await client.wait_for_order_fill_settlement(reply, timeout_s=5)
            trades = [
                t async for t in client.list_account_trades(id=reply.trade_ids[0]).iter_items()
            ]
            assert [trade.transaction_hash for trade in trades] == [transaction]
            assert (trades[0].size, trades[0].trader_side) == (Decimal(10), "TAKER")
        for kind, text in (("FOK", FOK_KILLED), ("FAK", FAK_KILLED)):
            with pytest.raises(RequestRejectedError, match=text):
                await client.post_order(await spend(client, token, kind, "0.5"))

    as_owner(server, trade)


def test_a_batch_and_every_way_to_cancel(server: Server) -> None:
    async def trade(client: AsyncSecureClient) -> None:
        ids = []
        for slug in DOMAINS:
            orders = [await limit(client, token_of(server, slug), "0.3") for _ in range(2)]
            orders.append(await spend(client, token_of(server, slug), "FOK", "0.5"))
            replies = await client.post_orders(orders)
            assert [reply.ok for reply in replies] == [True, True, False]
            ids += [reply.order_id for reply in replies if isinstance(reply, AcceptedOrder)]
        assert (await client.cancel_order(order_id=ids[0])).canceled == (ids[0],)
        assert set((await client.cancel_orders(order_ids=ids[:2])).not_canceled) == {ids[0]}
        market = entry_of(server.sandbox, NEG_RISK_SLUG).clob_condition()
        assert list((await client.cancel_market_orders(market=market)).canceled) == ids[2:4]
        assert list((await client.cancel_all()).canceled) == ids[4:]
        assert (await client.list_open_orders().first_page()).items == ()

    as_owner(server, trade)


def test_account_and_heartbeat(server: Server) -> None:
    async def ask(client: AsyncSecureClient) -> None:
        balance = await client.get_balance_allowance(asset_type="COLLATERAL")
        assert (balance.balance, set(balance.allowances.values())) == (FUNDS_E6, {2**256 - 1})
        assert await client.get_closed_only_mode() is False
        assert await client.fetch_api_keys() == (client.credentials.key,)
        first = await client.send_order_heartbeat()
        second = await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
        with pytest.raises(OrderHeartbeatMismatchError) as caught:
            await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
        assert caught.value.heartbeat_id == second.heartbeat_id

    as_owner(server, ask)


def test_a_heartbeat_that_stops_cancels_by_itself(server: Server, shifted: Shifted) -> None:
    token = token_of(server)

    async def stop(client: AsyncSecureClient) -> str:
        reply = await client.post_order(await limit(client, token, "0.3"))
        assert isinstance(reply, AcceptedOrder)
        await client.send_order_heartbeat()
        return reply.order_id

    order_id = as_owner(server, stop)
    shifted.ahead_ns += 16 * NS_PER_S
    order = server.run(lambda sandbox: sandbox.exchange.orders.get(order_id))
    assert order is not None
    assert order.status == "CANCELED"


def test_keys_are_derived_the_second_time(server: Server) -> None:
    async def credentials(client: AsyncSecureClient) -> str:
        return client.credentials.secret

    assert as_owner(server, credentials) == as_owner(server, credentials)


def test_rate_limits_are_reported(server: Server) -> None:
    updates: list[RateLimitUpdate] = []

    async def trade() -> None:
        client = await AsyncSecureClient.create(
            private_key=KEY,
            wallet=ADDRESS,
            environment=environment(server.servers),
            on_rate_limit_update=updates.append,
        )
        async with client:
            await client.post_order(await limit(client, token_of(server), "0.3"))

    asyncio.run(trade())
    assert (updates[-1].tier, updates[-1].remaining) == ("standard", 59.0)


# py-clob-client-v2 ------------------------------------------------------------------------------


@SLUGS
def test_the_other_client_places_every_kind(server: Server, slug: str) -> None:
    client, token = clob_client(server), token_of(server, slug)
    asset = {"position_id": token} if slug == V2_SLUG else {"token_id": token}
    expiration = clock.wall_ns() // NS_PER_S + 600
    rest = {"price": 0.3, "size": 10.0, "side": "BUY"} | asset
    take = {"amount": 6.0, "side": "BUY", "price": 0.6} | asset
    for arguments, kind, status in (
        (rest, "GTC", "live"),
        (rest | {"expiration": expiration}, "GTD", "live"),
        (take, "FOK", "matched"),
        (take, "FAK", "matched"),
    ):
        if "amount" in arguments:
            order = client.create_market_order(MarketOrderArgsV2(**arguments, order_type=kind))
        else:
            order = client.create_order(OrderArgsV2(**arguments))
        reply = client.post_order(order, kind)
        assert (reply["status"], reply["orderID"]) == (status, oracle_digest(order, slug))
        assert bool(reply["transactionsHashes"]) is (status == "matched")
        assert client.get_order(reply["orderID"])["order_type"] == kind
    post_only = client.create_order(OrderArgsV2(**rest | {"price": 0.6}))
    with pytest.raises(PolyApiException, match=CROSSES):
        client.post_order(post_only, "GTC", post_only=True)


def test_the_other_client_reads(server: Server) -> None:
    client = clob_client(server)
    for slug in DOMAINS:
        entry = entry_of(server.sandbox, slug)
        token = entry.listed.market.yes_token
        book = client.get_order_book(token)
        assert client.get_order_book_hash(dict(book)) == book["hash"]
        assert client.get_order_books([BookParams(token)]) == [book]
        assert float(client.get_tick_size(token)) == entry.listed.market.tick_e4 / 10_000
        assert client.get_neg_risk(token) is entry.listed.market.neg_risk
        assert client.get_clob_market_info(entry.clob_condition())["c"] == entry.clob_condition()
        assert client.get_market(entry.clob_condition())["question"]
        assert client.get_midpoint(token) == {"mid": "0.5"}
    assert client.get_ok() == "OK"
    assert client.get_version() == 2
    assert abs(client.get_server_time() - clock.wall_ns() // NS_PER_S) <= 2
    assert client.get_simplified_markets()["count"] == 14


def test_the_other_client_cancels_and_asks(server: Server) -> None:
    client = clob_client(server)
    order_args = OrderArgsV2(token_id=token_of(server), price=0.3, size=10, side="BUY")
    batch = [PostOrdersV2Args(client.create_order(order_args)) for _ in range(5)]
    ids = [reply["orderID"] for reply in client.post_orders(batch)]
    assert [order["id"] for order in client.get_open_orders()] == ids
    assert client.cancel_order(OrderPayload(ids[0]))["canceled"] == ids[:1]
    assert client.cancel_orders(ids[:2])["not_canceled"].keys() == {ids[0]}
    asset = OrderMarketCancelParams(asset_id=token_of(server))
    assert client.cancel_market_orders(asset)["canceled"] == ids[2:]
    assert client.cancel_all() == {"canceled": [], "not_canceled": {}}
    params = BalanceAllowanceParams(asset_type=AssetType.COLLATERAL)
    assert client.get_balance_allowance(params)["balance"] == str(FUNDS_E6)
    client.update_balance_allowance(params)
    beat = client.post_heartbeat()["heartbeat_id"]
    assert client.post_heartbeat(beat)["heartbeat_id"] != beat
    assert client.get_trades() == []
    assert client.get_closed_only_mode() == {"closed_only": False}


@pytest.mark.parametrize("kind", [SignatureType.GNOSIS_SAFE, SignatureType.POLY_1271])
def test_the_other_client_trades_for_a_wallet(server: Server, kind: SignatureType) -> None:
    def give(sandbox: Any) -> None:
        sandbox.wallets.register(ADDRESS, kind, WALLET)
        sandbox.fund(WALLET, FUNDS_E6)

    server.run(give)
    client = clob_client(server, signature_type=int(kind), funder=WALLET)
    order_args = OrderArgsV2(token_id=token_of(server), price=0.3, size=10, side="BUY")
    order = client.create_order(order_args)
    reply = client.post_order(order)
    assert reply["orderID"] == oracle_digest(order, STANDARD_SLUG)
    assert client.get_order(reply["orderID"])["maker_address"] == WALLET


# what is refused --------------------------------------------------------------------------------


def test_a_wrong_signature(server: Server) -> None:
    client = clob_client(server)
    order = client.create_order(
        OrderArgsV2(token_id=token_of(server), price=0.3, size=10, side="BUY")
    )
    order.makerAmount = "3000001"
    with pytest.raises(PolyApiException, match="'error': 'invalid signature'") as caught:
        client.post_order(order)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("late_s", [FRESH_S + 5, -FRESH_S - 5])
def test_a_stale_timestamp(server: Server, shifted: Shifted, late_s: int) -> None:
    client = clob_client(server)
    assert client.get_open_orders() == []
    shifted.ahead_ns = late_s * NS_PER_S
    with pytest.raises(PolyApiException, match=INVALID_KEY):
        client.get_open_orders()
    with pytest.raises(PolyApiException, match="Invalid L1 Request headers"):
        client.derive_api_key()


def test_a_wrong_secret(server: Server) -> None:
    client = clob_client(server)
    client.creds.api_secret = client.creds.api_secret[::-1].replace("=", "") + "="
    with pytest.raises(PolyApiException, match=INVALID_KEY) as caught:
        client.get_open_orders()
    assert caught.value.status_code == 401


def test_one_byte_of_the_body_changed(server: Server) -> None:
    client = clob_client(server)
    body = '{"orderID":"0x' + "ab" * 32 + '"}'
    request = RequestArgs("DELETE", "/order", serialized_body=body)
    headers = create_level_2_headers(client.signer, client.creds, request)

    def send(content: str) -> httpx.Response:
        return httpx.request("DELETE", f"{server.clob_url}/order", headers=headers, content=content)

    assert send(body).status_code == 200
    changed = send(body.replace("ab", "ac", 1))
    assert (changed.status_code, changed.json()) == (401, {"error": INVALID_KEY})


def test_a_body_too_large_and_a_path_unknown(server: Server) -> None:
    assert httpx.post(f"{server.clob_url}/books", content=b" " * 1_000_001).status_code == 413
    assert httpx.get(f"{server.clob_url}/nowhere").status_code == 404


# the server itself ------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_said_so(server: Server) -> None:
    port = int(server.clob_url.rpartition(":")[2])
    with pytest.raises(ConfigError, match=f"clob_port: {port} is taken"):
        Server(make_sandbox(), clob_port=port).start()
    with pytest.raises(ConfigError, match=f"gamma_port: {port} is taken"):
        Server(make_sandbox(), gamma_port=port).start()


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert {url.split(":")[1] for url in (server.clob_url, server.gamma_url)} == {"//127.0.0.1"}


def test_what_ends_the_serving_is_not_lost() -> None:
    def broken() -> int:
        raise ZeroDivisionError("a clock that stopped")

    server = Server(make_sandbox(), now_ns=broken)
    with pytest.raises(ZeroDivisionError, match="a clock that stopped"), server:
        pass
