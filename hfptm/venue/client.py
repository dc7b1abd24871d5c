"""The exchange's own client, polymarket-client, pointed at the servers of our choice.

The only module that imports it, and the only one that knows its private parts. Two of its habits
are kept out: without a wallet, creating a secure client deploys one, so a wallet must be named; and
its `place_*` methods may send approvals and repeat an order by themselves, so callers use
`create_*` and then `post_order`.
"""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from eth_hash.auto import keccak
from polymarket import AsyncPublicClient, AsyncSecureClient, Environment
from polymarket._internal.actions.relayer.approvals import get_trading_approvals_state
from polymarket._internal.actions.relayer.calls import (
    decode_erc1155_balance_of_batch_result,
    erc1155_balance_of_batch_call,
)
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket._internal.eoa.rpc import JsonRpcClient
from polymarket.errors import PolymarketError
from polymarket.models.clob import ApiKeyCreds
from polymarket.types import EvmAddress

from hfptm.redaction import hosts_only
from hfptm.registry import Market
from hfptm.secrets import Secrets
from hfptm.sections import Servers
from hfptm.venue.signing import CHAIN_ID
from hfptm.venue.transaction import ChainError, Fate, Sent

Answer = TypeVar("Answer")

Note = Callable[[Sent], Awaitable[None]]
"""Is told of a transaction before it leaves, and returns once it will not forget it."""


def environment(servers: Servers) -> Environment:
    """The client's production environment with these servers and no others.

    Contracts and wallet derivation stay those of production, so that signatures are the same. Every
    service that `servers` does not name (relayer, data and so on, and the chain without a node)
    leads to the CLOB's address, which knows none of their paths: nothing can reach production by
    oversight.
    """
    addresses = {
        field.name: servers.clob_url
        for field in dataclasses.fields(PRODUCTION_CONFIG)
        if field.name.endswith("_url")
    }
    addresses |= {
        "clob_url": servers.clob_url,
        "gamma_url": servers.gamma_url,
        "clob_market_ws_url": servers.market_ws_url,
        "clob_user_ws_url": servers.user_ws_url,
        "rpc_url": servers.rpc_url or servers.clob_url,
    }
    config = dataclasses.replace(PRODUCTION_CONFIG, **addresses)  # type: ignore[arg-type]
    return create_environment(name="hfptm", config=config)


def public_client(servers: Servers) -> AsyncPublicClient:
    """Books, markets and the market channel. Close it after use."""
    return AsyncPublicClient(environment(servers))


async def secure_client(
    servers: Servers, *, private_key: str, wallet: str, credentials: ApiKeyCreds | None = None
) -> AsyncSecureClient:
    """Orders, account and the user channel, for `wallet`. Close it after use.

    Without credentials, API keys are created, or derived if they exist. Raises the client's own
    errors (`polymarket.errors`): UserInputError for keys and addresses, RequestRejectedError for
    what the server refuses.
    """
    return await AsyncSecureClient.create(
        private_key=private_key,
        wallet=wallet,
        environment=environment(servers),
        credentials=credentials,
    )


class _NotedRpc(JsonRpcClient):
    """The client's own, that tells of each transaction before it leaves."""

    def __init__(self, rpc: JsonRpcClient, note: Note) -> None:
        super().__init__(rpc._transport)
        self._note, self._nonce = note, 0

    async def eth_get_transaction_count(self, address: str, block: str = "pending") -> int:
        nonce = await super().eth_get_transaction_count(address, block)
        if block == "pending":
            self._nonce = nonce
        return nonce

    async def eth_send_raw_transaction(self, signed_hex: str) -> str:
        digest = keccak(bytes.fromhex(signed_hex.removeprefix("0x")))
        await self._note(Sent(hash="0x" + digest.hex(), nonce=self._nonce, raw=signed_hex))
        return await super().eth_send_raw_transaction(signed_hex)


class Transactions:
    """Merges and redemptions of an account that holds its own funds, by the client's own calls.

    Use as an async context manager. What `note` raises passes up, and nothing was sent. All methods
    raise ChainError: whether anything was sent, `note` knows. One call at a time: the next
    transaction takes the next nonce.
    """

    def __init__(self, servers: Servers, secrets: Secrets, note: Note) -> None:
        self._servers, self._secrets, self._note = servers, secrets, note

    async def __aenter__(self) -> Self:
        credentials = ApiKeyCreds(
            key=self._secrets.api_key.reveal(),
            secret=self._secrets.api_secret.reveal(),
            passphrase=self._secrets.api_passphrase.reveal(),
        )
        self._client = await _told(
            secure_client(
                self._servers,
                private_key=self._secrets.private_key.reveal(),
                wallet=self._secrets.funder_address,
                credentials=credentials,
            )
        )
        context = self._client._ctx
        self._rpc = _NotedRpc(context.rpc, self._note)
        self._client._ctx = dataclasses.replace(context, rpc=self._rpc)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def merge(self, market: Market, size_e6: int) -> None:
        """Pairs into as many dollars."""
        condition = gamma_condition(market)
        await _told(self._client.merge_positions(condition_id=condition, amount=size_e6))

    async def redeem(self, market: Market) -> None:
        """All shares of a resolved market into what they pay.

        Of protocol V2 each outcome is a transaction of its own, waited for but the last.
        """
        await _told(self._client.redeem_positions(condition_id=gamma_condition(market)))

    async def shares_e6(self, market: Market) -> tuple[int, ...]:
        """YES and NO that the account holds, the chain says."""
        config, owner = PRODUCTION_CONFIG, self._client.wallet
        holder = config.neg_risk_adapter if market.neg_risk else config.conditional_tokens
        asked = erc1155_balance_of_batch_call(
            token_address=EvmAddress(config.position_manager if market.version == "v2" else holder),
            owners=[owner, owner],
            token_ids=[market.yes_token, market.no_token],
        )
        answer = await _told(self._rpc.eth_call(to=asked.to, data=asked.data))
        return decode_erc1155_balance_of_batch_result(answer)

    async def fate(self, sent: Sent) -> Fate:
        receipt = await _told(self._rpc.eth_get_transaction_receipt(sent.hash))
        if receipt is not None:
            return Fate.DONE if int(str(receipt.get("status")), 16) else Fate.REVERTED
        nonce = await _told(self._rpc.eth_get_transaction_count(self._client.signer, "latest"))
        if nonce <= sent.nonce:
            return Fate.OPEN
        # It may have been mined between the two questions.
        receipt = await _told(self._rpc.eth_get_transaction_receipt(sent.hash))
        return Fate.REPLACED if receipt is None else Fate.OPEN

    async def send_again(self, sent: Sent) -> None:
        """For one that may never have arrived. Those that did are refused, which does no harm."""
        await _told(JsonRpcClient.eth_send_raw_transaction(self._rpc, sent.raw))

    async def problem(self) -> str:
        """What keeps the account from merging and redeeming; empty if nothing does."""
        await _told(self._rpc.verify_chain_id(CHAIN_ID))
        coins = await _told(self._rpc._call("eth_getBalance", [self._client.signer, "latest"]))
        if not int(str(coins), 16):
            return "the account has no coin to pay gas with; send it some POL"
        config, wallet = PRODUCTION_CONFIG, self._client.wallet
        asked = get_trading_approvals_state(self._rpc, wallet=wallet, config=config)
        missing = {approval.operator for approval in (await _told(asked)).missing.erc1155}
        adapters = (config.collateral_adapter, config.neg_risk_collateral_adapter)
        if missing & {*adapters, config.protocol_v2_router}:
            return "the exchange's adapters may not take its shares; approve that on the site"
        return ""

    async def gas_price_wei(self) -> int:
        return await _told(self._rpc.eth_gas_price())


def gamma_condition(market: Market) -> str:
    """As Gamma has it: of protocol V2 in 31 bytes."""
    return market.condition_id[:64] if market.version == "v2" else market.condition_id


async def _told(asked: Awaitable[Answer]) -> Answer:
    try:
        return await asked
    except (PolymarketError, ValueError) as error:
        raise ChainError(hosts_only(str(error)) or type(error).__name__) from error
