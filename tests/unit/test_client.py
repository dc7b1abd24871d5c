"""The adapter's environment: our servers, production's contracts, and no way to production."""

import dataclasses

import msgspec
from polymarket._internal.environment import PRODUCTION_CONFIG, get_environment_config

from hfptm.config import Config, load
from hfptm.sections import Servers
from hfptm.venue import client
from hfptm.venue.signing import CHAIN_ID, EXCHANGE_V3, NEG_RISK, STANDARD

SERVERS = Servers(
    clob_url="http://127.0.0.1:1",
    gamma_url="http://127.0.0.1:2",
    market_ws_url="ws://127.0.0.1:3/ws/market",
    user_ws_url="ws://127.0.0.1:3/ws/user",
    rpc_url="http://127.0.0.1:4/rpc",
)


def test_each_server_is_where_it_was_said_to_be() -> None:
    config = get_environment_config(client.environment(SERVERS))
    assert config.clob_url == SERVERS.clob_url
    assert config.gamma_url == SERVERS.gamma_url
    assert config.clob_market_ws_url == SERVERS.market_ws_url
    assert config.clob_user_ws_url == SERVERS.user_ws_url
    assert config.rpc_url == SERVERS.rpc_url
    without = msgspec.structs.replace(SERVERS, rpc_url="")
    assert get_environment_config(client.environment(without)).rpc_url == SERVERS.clob_url


def test_the_default_servers_are_those_of_production() -> None:
    servers = Config().server
    assert servers.clob_url == PRODUCTION_CONFIG.clob_url
    assert servers.gamma_url == PRODUCTION_CONFIG.gamma_url
    assert servers.market_ws_url == PRODUCTION_CONFIG.clob_market_ws_url
    assert servers.user_ws_url == PRODUCTION_CONFIG.clob_user_ws_url


def test_servers_are_configured_one_by_one() -> None:
    addresses = msgspec.structs.asdict(SERVERS)
    environ = {f"HFPTM_SERVER__{key.upper()}": value for key, value in addresses.items()}
    assert load(None, [], environ).server == SERVERS


def test_no_address_leaves_the_machine() -> None:
    config = get_environment_config(client.environment(SERVERS))
    addresses = [
        value
        for field in dataclasses.fields(config)
        if isinstance(value := getattr(config, field.name), str) and "://" in value
    ]
    assert len(addresses) >= 15
    assert [address for address in addresses if "://127.0.0.1:" not in address] == []


def test_orders_are_signed_for_the_contracts_of_production() -> None:
    config = get_environment_config(client.environment(SERVERS))
    assert config.chain_id == PRODUCTION_CONFIG.chain_id == CHAIN_ID
    assert config.standard_exchange == STANDARD.contract
    assert config.neg_risk_exchange == NEG_RISK.contract
    assert config.exchange_v3 == EXCHANGE_V3.contract
    assert config.wallet_derivation == PRODUCTION_CONFIG.wallet_derivation
