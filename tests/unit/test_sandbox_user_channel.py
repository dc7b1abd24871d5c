"""The user channel: who gets in, and what it is told of its orders and trades."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.history import CONFIRMED_AFTER_NS, MINED_AFTER_NS, Fate
from hfptm.sandbox.user_channel import AccessDeniedError, UserChannels
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.signing import SignatureType
from tests.sandbox_api import (
    MAKER,
    NEG_RISK_SLUG,
    SPORTS_SLUG,
    STANDARD_SLUG,
    Api,
    Trader,
    entry_of,
    make_sandbox,
    post_body,
)


class Listener:
    """A trader's subscription."""

    def __init__(self, channels: UserChannels, trader: Trader, *markets: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.channel = channels.open(
            lambda payload: self.heard.append(msgspec.json.decode(payload))
        )
        self.trader = trader
        self.begin(markets=markets)

    def _hear(self, payload: bytes) -> None:
        self.heard.append(msgspec.json.decode(payload))

    def begin(self, **more: Any) -> None:
        credentials = self.trader.credentials
        auth = {
            "apiKey": credentials.api_key,
            "secret": credentials.secret,
            "passphrase": credentials.passphrase,
        }
        self.send(**{"type": "user", "auth": auth, **more})

    def send(self, **request: Any) -> None:
        assert self.channel.receive(json.dumps(request)) is None

    def take(self) -> list[dict[str, Any]]:
        heard, self.heard = self.heard, []
        return heard

    def told(self, *keys: str) -> list[tuple[Any, ...]]:
        return [tuple(message[key] for key in keys) for message in self.take()]


@pytest.fixture
def api() -> Api:
    return Api(make_sandbox())


@pytest.fixture
def channels(api: Api) -> UserChannels:
    return UserChannels(api.sandbox)


@pytest.fixture
def trader(api: Api) -> Trader:
    trader = Trader(api, "0x" + "11" * 32)
    api.sandbox.fund(trader.signer.address, 1_000 * ONE_E6)
    return trader


@pytest.fixture
def listener(channels: UserChannels, trader: Trader) -> Listener:
    return Listener(channels, trader)


def place(trader: Trader, slug: str = STANDARD_SLUG, **terms: Any) -> str:
    status, reply = trader.call("POST", "/order", post_body(trader, slug, **terms))
    assert status == 200, reply
    return str(reply["orderID"])


def condition_of(api: Api, slug: str) -> str:
    return entry_of(api.sandbox, slug).clob_condition()


ORDER = ("event_type", "type", "status", "size_matched")


def test_an_order_from_placement_to_cancellation(trader: Trader, listener: Listener) -> None:
    order_id = place(trader)
    (placed,) = listener.take()
    sandbox, api_key = trader.api.sandbox, trader.credentials.api_key
    listed = entry_of(sandbox, STANDARD_SLUG).listed.market
    assert placed == {
        "event_type": "order",
        "id": order_id,
        "owner": api_key,
        "market": listed.condition_id,
        "asset_id": listed.yes_token,
        "side": "BUY",
        "original_size": "10",
        "size_matched": "0",
        "price": "0.4",
        "type": "PLACEMENT",
        "status": "LIVE",
        "order_type": "GTC",
        "created_at": str(sandbox.now_ns // NS_PER_S),
        "expiration": "0",
        "maker_address": trader.signer.address,
        "order_owner": api_key,
        "associate_trades": [],
        "outcome": "Up",
        "timestamp": str(sandbox.now_ns // NS_PER_MS),
    }
    trader.call("DELETE", "/order", {"orderID": order_id})
    assert listener.told(*ORDER) == [("order", "CANCELLATION", "CANCELED", "0")]


def test_a_maker_hears_of_the_trade_and_of_its_order(trader: Trader, listener: Listener) -> None:
    order_id = place(trader)
    listener.take()
    trader.api.rest(STANDARD_SLUG, BUY, 6_000, 5, is_no=True)
    trade, order = listener.take()
    listed = entry_of(trader.api.sandbox, STANDARD_SLUG).listed.market
    assert trade["type"] == "TRADE"
    assert (trade["event_type"], trade["status"], trade["trader_side"]) == (
        "trade",
        "MATCHED",
        "MAKER",
    )
    top = ("asset_id", "side", "price", "size", "outcome", "maker_address", "transaction_hash")
    assert [trade[key] for key in top] == [
        *(listed.no_token, "BUY", "0.6", "5", "Down"),
        *(MAKER, ""),
    ]
    assert trade["owner"] != trade["trade_owner"] == trader.credentials.api_key
    (maker,) = trade["maker_orders"]
    own = ("order_id", "asset_id", "side", "price", "matched_amount", "owner", "outcome_index")
    assert [maker[key] for key in own] == [
        *(order_id, listed.yes_token, "BUY", "0.4", "5"),
        *(trader.credentials.api_key, 0),
    ]
    assert [order[key] for key in ORDER] == ["order", "UPDATE", "LIVE", "5"]
    assert order["associate_trades"] == [trade["id"]]


def test_a_filled_order_is_matched(trader: Trader, listener: Listener) -> None:
    place(trader)
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    *_, order = listener.take()
    assert [order[key] for key in ORDER] == ["order", "UPDATE", "MATCHED", "10"]


def test_a_taker_hears_of_its_order_first(trader: Trader, listener: Listener) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 5)
    place(trader)
    order, trade = listener.take()
    assert [order[key] for key in ORDER] == ["order", "PLACEMENT", "LIVE", "5"]
    assert (trade["trader_side"], trade["taker_order_id"]) == ("TAKER", order["id"])
    trader.api.rest(STANDARD_SLUG, SELL, 4_500, 10)
    place(trader, price_e4=4_500)
    assert listener.told(*ORDER[:3])[0] == ("order", "PLACEMENT", "MATCHED")


def test_a_trade_with_itself_is_told_once_as_the_takers(trader: Trader, listener: Listener) -> None:
    trader.api.sandbox.exchange.split(
        trader.signer.address,
        entry_of(trader.api.sandbox, STANDARD_SLUG).listed.market.market,
        20 * ONE_E6,
    )
    place(trader)
    listener.take()
    place(trader, side=SELL)
    kinds = [(m["event_type"], m.get("trader_side", m["type"])) for m in listener.take()]
    assert kinds == [("order", "PLACEMENT"), ("trade", "TAKER"), ("order", "UPDATE")]


@pytest.mark.parametrize(
    ("fate", "statuses"),
    [
        (Fate.CONFIRMED, ["MATCHED", "MINED", "CONFIRMED"]),
        (Fate.RETRIED, ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]),
        (Fate.FAILED, ["MATCHED", "RETRYING", "FAILED"]),
    ],
)
def test_a_trade_is_told_again_at_each_status(
    trader: Trader, listener: Listener, fate: Fate, statuses: list[str]
) -> None:
    trader.api.sandbox.history.fate = lambda _: fate
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    place(trader)
    for _ in range(5):
        trader.api.advance(max(MINED_AFTER_NS, CONFIRMED_AFTER_NS))
    trades = [message for message in listener.take() if message["event_type"] == "trade"]
    assert [trade["status"] for trade in trades] == statuses
    assert len({trade["id"] for trade in trades}) == 1
    stamps = [int(trade["timestamp"]) for trade in trades]
    assert stamps == sorted(set(stamps))
    assert [len(trade["transaction_hash"]) for trade in trades] == [0, *[66] * (len(trades) - 1)]


def test_an_order_in_its_delay(channels: UserChannels, trader: Trader) -> None:
    trader.api.advance(3_600 * NS_PER_S)
    listener = Listener(channels, trader)
    trader.api.rest(SPORTS_SLUG, SELL, 4_000, 5)
    place(trader, SPORTS_SLUG)
    assert listener.told(*ORDER) == [("order", "PLACEMENT", "DELAYED", "0")]
    trader.api.advance(3 * NS_PER_S)
    assert listener.take()[0]["type"] == "UPDATE"


def test_a_fok_order_that_dies_in_its_delay_says_why(
    channels: UserChannels, trader: Trader
) -> None:
    trader.api.advance(3_600 * NS_PER_S)
    listener = Listener(channels, trader)
    trader.api.rest(SPORTS_SLUG, SELL, 4_000, 5)
    place(trader, SPORTS_SLUG, orderType="FOK")
    trader.api.advance(3 * NS_PER_S)
    (_, dead) = listener.take()
    text = "order couldn't be fully filled. FOK orders are fully filled or killed."
    assert (dead["type"], dead["status"]) == ("CANCELLATION", f"CANCELED_{text}")


def test_what_happens_at_one_instant_is_told_as_it_was_in_between(
    channels: UserChannels, trader: Trader
) -> None:
    trader.api.advance(3_600 * NS_PER_S)
    listener = Listener(channels, trader)
    place(trader, SPORTS_SLUG)
    for _ in range(2):
        trader.api.rest(SPORTS_SLUG, SELL, 4_000, 5)
    trader.api.advance(3 * NS_PER_S)
    orders = [message for message in listener.take() if message["event_type"] == "order"]
    told = [(order["type"], order["status"], order["size_matched"]) for order in orders]
    assert told == [
        ("PLACEMENT", "LIVE", "0"),
        ("UPDATE", "LIVE", "5"),
        ("UPDATE", "MATCHED", "10"),
    ]


def test_markets_are_a_filter_and_none_means_all(
    channels: UserChannels, trader: Trader, listener: Listener
) -> None:
    api = trader.api
    standard, other = (condition_of(api, slug) for slug in (STANDARD_SLUG, NEG_RISK_SLUG))
    picky = Listener(channels, trader, other.upper().replace("0X", "0x"))

    def heard_from() -> tuple[list[str], list[str]]:
        for slug in (STANDARD_SLUG, NEG_RISK_SLUG):
            place(trader, slug)
        return [m["market"] for m in listener.take()], [m["market"] for m in picky.take()]

    assert heard_from() == ([standard, other], [other])
    picky.send(operation="subscribe", markets=[standard])
    assert heard_from()[1] == [standard, other]
    picky.send(operation="unsubscribe", markets=[other])
    assert heard_from()[1] == [standard]
    picky.send(operation="unsubscribe", markets=[standard])
    assert heard_from()[1] == [standard, other]


def test_nobody_hears_of_others(channels: UserChannels, trader: Trader, listener: Listener) -> None:
    other = Trader(trader.api, "0x" + "22" * 32)
    stranger = Listener(channels, other)
    place(trader)
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    trader.api.advance(CONFIRMED_AFTER_NS)
    assert listener.take()
    assert stranger.take() == []


def test_orders_of_all_wallets_of_the_owner(channels: UserChannels, trader: Trader) -> None:
    wallet = "0x" + "cd" * 20
    sandbox = trader.api.sandbox
    sandbox.wallets.register(trader.signer.address, SignatureType.GNOSIS_SAFE, wallet)
    address = sandbox.wallets.all_of(trader.signer.address)[1]
    sandbox.fund(address, 100 * ONE_E6)
    listener = Listener(channels, trader)
    place(trader, maker=address, signature_type=SignatureType.GNOSIS_SAFE)
    assert listener.told("maker_address", "type") == [(address, "PLACEMENT")]


@pytest.mark.parametrize(
    "change",
    [
        {"apiKey": "00000000-0000-4000-8000-000000000000"},
        {"secret": "c2VjcmV0"},
        {"passphrase": "passphrase"},
        None,
    ],
)
def test_a_wrong_credential_is_refused(
    channels: UserChannels, trader: Trader, change: dict[str, str] | None
) -> None:
    listener = Listener(channels, trader)
    credentials = trader.credentials
    auth = {
        "apiKey": credentials.api_key,
        "secret": credentials.secret,
        "passphrase": credentials.passphrase,
    }
    with pytest.raises(AccessDeniedError) as refused:
        listener.send(type="user", auth=None if change is None else auth | change)
    assert credentials.secret not in str(refused.value)


def test_before_it_says_who_it_is_nothing_is_told(channels: UserChannels, trader: Trader) -> None:
    heard: list[bytes] = []
    channel = channels.open(heard.append)
    for text in ('{"operation":"subscribe","markets":[]}', "?", '{"type":"market"}', "[" * 100_000):
        assert channel.receive(text) is None
    assert channel.receive("PING") == b"PONG"
    place(trader)
    assert heard == []
    channels.close(channel)


def test_who_has_left_hears_nothing(channels: UserChannels, listener: Listener) -> None:
    channels.close(listener.channel)
    place(listener.trader)
    assert listener.take() == []


def test_who_begins_anew_as_another_hears_of_that_one_only(listener: Listener) -> None:
    trader = listener.trader
    other = Trader(trader.api, "0x" + "22" * 32)
    trader.api.sandbox.fund(other.signer.address, 100 * ONE_E6)
    listener.trader = other
    listener.begin()
    place(trader)
    assert listener.take() == []
    place(other)
    assert listener.told("order_owner") == [(other.credentials.api_key,)]


def test_who_begins_anew_hears_things_once(listener: Listener) -> None:
    listener.begin()
    place(listener.trader)
    assert len(listener.take()) == 1


SAMPLES = ("ws_user_order_msg", "ws_user_trade_msg")


def test_messages_have_the_keys_of_real_ones(
    shared: Path, trader: Trader, listener: Listener
) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 5)
    place(trader)
    for name, message in zip(SAMPLES, listener.take(), strict=True):
        real = json.loads((shared / f"recordings/messages/{name}.json").read_text())
        assert message.keys() >= real.keys()
        assert re.fullmatch(r"\d{13}", message["timestamp"])
