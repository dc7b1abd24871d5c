"""The exchange's own client splits, merges and redeems at the sandbox's chain; and what a node
refuses."""

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from eth_account import Account
from polymarket import AsyncSecureClient
from polymarket._internal.environment import create_environment, get_environment_config
from polymarket._internal.eoa.rpc import JsonRpcCallError
from polymarket.errors import TransactionFailedError, UserInputError

from hfptm import clock
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.contracts import ROUTER, STANDARD_ADAPTER
from hfptm.sandbox.faults_kinds import Revert, Vanish
from hfptm.sandbox.reports import Operation, OperationKind, Rejected
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.client import environment
from hfptm.venue.signing import CHAIN_ID, Signer
from tests.sandbox_api import (
    FUNDS_E6,
    NEG_RISK_SLUG,
    STANDARD_SLUG,
    V2_SLUG,
    entry_of,
    make_sandbox,
)

KEY = "0x" + "11" * 32
ADDRESS = Signer(KEY).address
POLL_MS = 20
"""Between two looks of the client at a receipt: 2 s of its own."""
SLUGS = pytest.mark.parametrize("slug", [STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG])


@pytest.fixture
def server() -> Iterator[Server]:
    sandbox = make_sandbox(start_ns=clock.wall_ns())
    sandbox.fund(ADDRESS, FUNDS_E6)
    sandbox.chain.mined_after_ns = 30 * NS_PER_MS
    with Server(sandbox) as server:
        yield server


def as_owner(server: Server, use: Callable[[AsyncSecureClient], Awaitable[None]]) -> None:
    async def run() -> None:
        config = get_environment_config(environment(server.servers))
        config = dataclasses.replace(config, relayer_poll_frequency_ms=POLL_MS)
        quick = create_environment(name="quick", config=config)
        client = await AsyncSecureClient.create(private_key=KEY, wallet=ADDRESS, environment=quick)
        async with client:
            await use(client)

    asyncio.run(run())


def holdings(server: Server, slug: str) -> tuple[int, int, int]:
    """Collateral, YES and NO, in whole units."""

    def look(sandbox: Sandbox) -> tuple[int, int, int]:
        account = sandbox.exchange.accounts[ADDRESS]
        yes, no = (account.shares_e6.get(t, 0) for t in entry_of(sandbox, slug).listed.tokens())
        return (account.cash_e6 - FUNDS_E6) // ONE_E6, yes // ONE_E6, no // ONE_E6

    return server.run(look)


def mine_after(server: Server, wait_ns: int) -> None:
    """Whatever is sent from now on."""
    server.run(lambda sandbox: setattr(sandbox.chain, "mined_after_ns", wait_ns))


def resolve(server: Server, slug: str, payout_e4: int) -> None:
    market = entry_of(server.sandbox, slug).listed.market.market
    server.run(lambda s: s.resolve_market(market, payout_e4, s.now_ns))


def condition_of(server: Server, slug: str) -> str:
    return entry_of(server.sandbox, slug).gamma_condition()


@SLUGS
def test_split_merge_and_redeem(server: Server, slug: str) -> None:
    condition = condition_of(server, slug)
    done: list[OperationKind] = []

    def witness(_: object, operation: Operation | Rejected) -> None:
        assert isinstance(operation, Operation)
        done.append(operation.kind)

    server.sandbox.chain.listeners.append(witness)

    async def use(client: AsyncSecureClient) -> None:
        handle = await client.split_position(condition_id=condition, amount=10 * ONE_E6)
        assert (await handle.wait()).transaction_hash == handle.transaction_hash
        assert holdings(server, slug) == (-10, 10, 10)
        mine_after(server, NS_PER_S)
        handle = await client.merge_positions(condition_id=condition, amount=4 * ONE_E6)
        assert holdings(server, slug) == (-10, 10, 10), "it takes a block"
        mine_after(server, 0)
        await handle.wait()
        assert holdings(server, slug) == (-6, 6, 6)
        await (await client.merge_positions(condition_id=condition, amount="max")).wait()
        assert holdings(server, slug) == (0, 0, 0)
        await (await client.split_position(condition_id=condition, amount=5 * ONE_E6)).wait()
        resolve(server, slug, 10_000)
        await (await client.redeem_positions(condition_id=condition)).wait()
        assert holdings(server, slug) == (0, 0, 0)

    as_owner(server, use)
    kinds = [OperationKind.SPLIT, OperationKind.MERGE, OperationKind.MERGE, OperationKind.SPLIT]
    redeemed = 2 if slug == V2_SLUG else 1
    assert done == [*kinds, *redeemed * [OperationKind.REDEEM]]


def test_several_at_once(server: Server) -> None:
    slugs = (STANDARD_SLUG, NEG_RISK_SLUG)

    async def use(client: AsyncSecureClient) -> None:
        for slug in slugs:
            split = await client.split_position(
                condition_id=condition_of(server, slug), amount=3 * ONE_E6
            )
            await split.wait()
        positions: Any = [{"condition_id": condition_of(server, slug)} for slug in slugs]
        await (await client.merge_multiple_positions(positions=positions)).wait()

    as_owner(server, use)
    assert [holdings(server, slug) for slug in slugs] == [(0, 0, 0), (0, 0, 0)]


def test_what_cannot_be_is_refused_before_it_is_sent(server: Server) -> None:
    condition = condition_of(server, STANDARD_SLUG)

    async def use(client: AsyncSecureClient) -> None:
        with pytest.raises(UserInputError, match="no complementary positions"):
            await client.merge_positions(condition_id=condition, amount=ONE_E6)
        with pytest.raises(JsonRpcCallError, match="execution reverted: not enough balance"):
            await client.split_position(condition_id=condition, amount=FUNDS_E6 + 1)
        server.run(lambda s: s.approve(ADDRESS, collateral=False))
        with pytest.raises(JsonRpcCallError, match="execution reverted: not enough balance"):
            await client.split_position(condition_id=condition, amount=1)

    as_owner(server, use)
    assert server.run(lambda s: s.chain.nonce(ADDRESS, is_pending=True)) == 0


def test_what_reverts_changes_nothing_but_the_nonce(server: Server) -> None:
    condition = condition_of(server, STANDARD_SLUG)
    server.run(lambda s: s.faults.start(Revert()))

    async def use(client: AsyncSecureClient) -> None:
        handle = await client.split_position(condition_id=condition, amount=ONE_E6)
        with pytest.raises(TransactionFailedError, match="reverted"):
            await handle.wait()

    as_owner(server, use)
    assert holdings(server, STANDARD_SLUG) == (0, 0, 0)
    assert server.run(lambda s: s.chain.nonce(ADDRESS, is_pending=False)) == 1


class Rpc:
    """Calls of the node, as anybody may make them."""

    def __init__(self, server: Server) -> None:
        self.url = server.servers.rpc_url
        self.http = httpx.Client()

    def call(self, method: str, *params: Any) -> Any:
        """The result, or the text of the error."""
        asked = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer = self.http.post(self.url, json=asked).json()
        assert answer["id"] == 7
        return answer["result"] if "result" in answer else answer["error"]["message"]


@pytest.fixture
def rpc(server: Server) -> Iterator[Rpc]:
    made = Rpc(server)
    with made.http:
        yield made


def split(entry: MarketEntry, **changes: Any) -> Any:
    """Five dollars into pairs, signed."""
    words = [0xA0, 5 * ONE_E6, 2, 1, 2]
    data = (
        "72ce4275"
        + "c011a7e12a19f7b1f670d46f03b03f3342e82dfb".rjust(64, "0")
        + 64 * "0"
        + entry.clob_condition()[2:]
        + "".join(f"{word:064x}" for word in words)
    )
    fields = {
        "to": STANDARD_ADAPTER,
        "value": 0,
        "data": "0x" + data,
        "gas": 300_000,
        "gasPrice": 30 * 10**9,
        "nonce": 0,
        "chainId": CHAIN_ID,
    }
    return Account.sign_transaction({**fields, **changes}, KEY)


def raw(signed: Any) -> str:
    return "0x" + bytes(signed.raw_transaction).hex()


def mined(rpc: Rpc, transaction_hash: str) -> dict[str, Any]:
    end_ns = clock.monotonic_ns() + 10 * NS_PER_S
    while clock.monotonic_ns() < end_ns:
        if receipt := rpc.call("eth_getTransactionReceipt", transaction_hash):
            return dict(receipt)
        threading.Event().wait(0.01)
    raise AssertionError("it was not mined")


def test_a_transaction_is_mined_once_and_in_its_turn(server: Server, rpc: Rpc) -> None:
    entry = entry_of(server.sandbox, STANDARD_SLUG)
    later, first = split(entry, nonce=1), split(entry)
    later_hash = rpc.call("eth_sendRawTransaction", raw(later))
    assert rpc.call("eth_getTransactionCount", ADDRESS, "pending") == "0x0"
    assert rpc.call("eth_sendRawTransaction", raw(first)).startswith("0x")
    assert rpc.call("eth_sendRawTransaction", raw(first)) == "already known"
    assert mined(rpc, later_hash)["status"] == "0x1"
    assert rpc.call("eth_sendRawTransaction", raw(first)) == "already known"
    assert rpc.call("eth_sendRawTransaction", raw(split(entry, gas=1))) == "nonce too low"
    assert rpc.call("eth_getTransactionCount", ADDRESS, "latest") == "0x2"
    assert holdings(server, STANDARD_SLUG) == (-10, 10, 10)


def test_one_takes_the_place_of_another_if_it_pays_more(server: Server, rpc: Rpc) -> None:
    mine_after(server, 3_600 * NS_PER_S)
    entry = entry_of(server.sandbox, STANDARD_SLUG)
    poor, rich = split(entry), split(entry, gasPrice=31 * 10**9, gas=299_999)
    poor_hash = rpc.call("eth_sendRawTransaction", raw(poor))
    same = split(entry, gas=299_998)
    underpriced = rpc.call("eth_sendRawTransaction", raw(same))
    assert underpriced == "replacement transaction underpriced"
    assert rpc.call("eth_getTransactionCount", ADDRESS, "pending") == "0x1"
    mine_after(server, 0)
    rich_hash = rpc.call("eth_sendRawTransaction", raw(rich))
    assert mined(rpc, rich_hash)["status"] == "0x1"
    assert rpc.call("eth_getTransactionReceipt", poor_hash) is None
    assert holdings(server, STANDARD_SLUG) == (-5, 5, 5)


def test_one_that_vanished_can_be_sent_again(server: Server, rpc: Rpc) -> None:
    entry = entry_of(server.sandbox, STANDARD_SLUG)
    number = server.run(lambda s: s.faults.start(Vanish()))
    vanished = rpc.call("eth_sendRawTransaction", raw(split(entry)))
    assert rpc.call("eth_getTransactionCount", ADDRESS, "pending") == "0x0"
    server.run(lambda s: s.faults.stop(number))
    assert rpc.call("eth_sendRawTransaction", raw(split(entry))) == vanished
    assert mined(rpc, vanished)["status"] == "0x1"
    assert holdings(server, STANDARD_SLUG) == (-5, 5, 5)


@pytest.mark.parametrize(
    "changes",
    [{"to": ROUTER}, {"to": ADDRESS}, {"data": "0x72ce4275"}, {"data": "0x12345678" + 64 * "0"}],
)
def test_what_no_contract_understands_reverts(
    server: Server, rpc: Rpc, changes: dict[str, str]
) -> None:
    entry = entry_of(server.sandbox, STANDARD_SLUG)
    sent = rpc.call("eth_sendRawTransaction", raw(split(entry, **changes)))
    assert mined(rpc, sent)["status"] == "0x0"
    assert holdings(server, STANDARD_SLUG) == (0, 0, 0)


def test_the_contract_must_be_that_of_the_market(server: Server, rpc: Rpc) -> None:
    entry = entry_of(server.sandbox, NEG_RISK_SLUG)
    sent = rpc.call("eth_sendRawTransaction", raw(split(entry)))
    assert mined(rpc, sent)["status"] == "0x0"


def test_what_a_node_does_not_take(server: Server, rpc: Rpc) -> None:
    entry = entry_of(server.sandbox, STANDARD_SLUG)
    for text, sent in (
        ("invalid sender", raw(split(entry, chainId=1))),
        ("not one list", raw(split(entry)) + "00"),
        ("cut short", raw(split(entry))[:-2]),
        ("not what was expected", "0x"),
    ):
        assert rpc.call("eth_sendRawTransaction", sent) == text
    assert "does not exist" in rpc.call("eth_mining")
    assert "invalid argument" in rpc.call("eth_getTransactionCount")
    assert "invalid argument" in rpc.call("eth_call", {"to": ADDRESS, "data": "0x"}, "latest")
    batch: list[Any] = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_chainId", "params": []} for n in (1, 2)
    ]
    answers = rpc.http.post(rpc.url, json=batch).json()
    assert [(a["id"], a["result"]) for a in answers] == [(1, hex(CHAIN_ID)), (2, hex(CHAIN_ID))]
    assert "parse error" in rpc.http.post(rpc.url, content=b"{").json()["error"]["message"]
