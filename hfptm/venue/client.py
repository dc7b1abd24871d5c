"""The exchange's own client, polymarket-client, pointed at the servers of our choice.

The only module that imports it, and the only one that knows its private parts. Two of its habits
are kept out: without a wallet, creating a secure client deploys one, so a wallet must be named; and
its `place_*` methods may send approvals and repeat an order by themselves, so callers use
`create_*` and then `post_order`.
"""

import dataclasses

from polymarket import AsyncPublicClient, AsyncSecureClient, Environment
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.models.clob import ApiKeyCreds

from hfptm.sections import Servers


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
