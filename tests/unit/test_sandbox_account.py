"""What an account sees of itself; keys over HTTP; the dead-man switch; rate limits; settlement."""

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polymarket.models.clob import BalanceAllowance, ClobTrade, OpenOrder

from hfptm.records import BUY, SELL
from hfptm.sandbox.calls import ApiError
from hfptm.sandbox.clob_account import PAGE, UNLIMITED
from hfptm.sandbox.heartbeats import SWEEP_NS, TIMEOUT_NS, Heartbeats
from hfptm.sandbox.history import CONFIRMED_AFTER_NS, MINED_AFTER_NS, History, TradeRecord
from hfptm.sandbox.rate_limits import Bucket, RateLimits, Tier
from hfptm.sandbox.reports import Trade
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.signing import STANDARD, SignatureType, auth_digest
from tests.sandbox_api import (
    FUNDS_E6,
    MAKER,
    NEG_RISK_SLUG,
    STANDARD_SLUG,
    START_NS,
    V2_SLUG,
    Api,
    Trader,
    entry_of,
    make_sandbox,
    post_body,
)

KEY, OTHER_KEY = "0x" + "11" * 32, "0x" + "22" * 32


@pytest.fixture
def trader() -> Trader:
    trader = Trader(Api(make_sandbox()), KEY)
    trader.api.sandbox.fund(trader.signer.address, FUNDS_E6)
    return trader


def place(trader: Trader, slug: str = STANDARD_SLUG, **order: Any) -> str:
    status, reply = trader.call("POST", "/order", post_body(trader, slug, **order))
    assert status == 200, reply
    return str(reply["orderID"])


def get(trader: Trader, path: str, **query: Any) -> Any:
    status, reply = trader.call("GET", path, **query)
    assert status == 200, reply
    return reply


def test_orders_and_trades_have_the_keys_and_types_of_real_ones(
    trader: Trader, shared: Path
) -> None:
    folder = shared / "recordings" / "messages"
    order_id = place(trader)
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 5)
    for name, mine in (
        ("http_open_order", get(trader, f"/data/order/{order_id}")),
        ("http_trade_report", get(trader, "/data/trades")["data"][0]),
    ):
        real = msgspec.json.decode((folder / f"{name}.json").read_bytes())
        assert real.keys() <= mine.keys()
        different = {key for key in real if type(mine[key]) is not type(real[key])}
        assert different <= {"expiration"}  # null there, text in its other samples
        if "maker_orders" in real:
            maker = real["maker_orders"][0]
            assert maker.keys() <= mine["maker_orders"][0].keys()


def test_open_orders_by_id_market_and_token(trader: Trader) -> None:
    entry = entry_of(trader.api.sandbox, STANDARD_SLUG)
    yes, no = entry.listed.tokens()
    ids = [place(trader), place(trader, token=no), place(trader, NEG_RISK_SLUG)]

    def found(**query: str) -> list[str]:
        return [order["id"] for order in get(trader, "/data/orders", **query)["data"]]

    assert found() == ids
    assert found(market=entry.clob_condition()) == ids[:2]
    assert found(asset_id=yes) == ids[:1]
    assert found(id=ids[2]) == ids[2:]
    assert found(market="0x0") == []


def test_lists_come_in_pages(trader: Trader) -> None:
    trader.api.sandbox.limits.assign(trader.signer.address, Tier.ELITE)
    ids = [place(trader, shares=5) for _ in range(PAGE + 3)]
    first = get(trader, "/data/orders")
    second = get(trader, "/data/orders", next_cursor=first["next_cursor"])
    assert (first["count"], first["limit"], second["count"]) == (PAGE, PAGE, 3)
    assert [order["id"] for order in first["data"] + second["data"]] == ids
    assert second["next_cursor"] == "LTE="
    for path, text in (
        ("/data/orders", "invalid order params payload"),
        ("/data/trades", "Invalid trade params payload"),
    ):
        assert trader.call("GET", path, next_cursor="?") == (400, {"error": text})


def test_a_trade_looks_the_same_from_both_sides(trader: Trader) -> None:
    maker = Trader(trader.api, OTHER_KEY)
    trader.api.sandbox.fund(maker.signer.address, FUNDS_E6)
    no = entry_of(trader.api.sandbox, STANDARD_SLUG).listed.market.no_token
    maker_id = place(maker, price_e4=6_000, token=no)
    taker_id = place(trader, shares=6)
    (taken,), (made,) = (get(one, "/data/trades")["data"] for one in (trader, maker))
    assert (taken["trader_side"], made["trader_side"]) == ("TAKER", "MAKER")
    assert made | {"trader_side": "TAKER"} == taken
    assert (taken["taker_order_id"], taken["size"], taken["price"]) == (taker_id, "6", "0.4")
    (fill,) = taken["maker_orders"]
    assert (fill["order_id"], fill["owner"]) == (maker_id, maker.credentials.api_key)
    assert (fill["side"], fill["price"], fill["outcome"]) == ("BUY", "0.6", "Down")
    assert fill["outcome_index"] == 1  # a mint: both buy, each its own token


def test_makers_within_have_an_owner_too(trader: Trader) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    place(trader)
    (trade,) = get(trader, "/data/trades")["data"]
    (fill,) = trade["maker_orders"]
    assert fill["maker_address"] == MAKER
    assert fill["owner"] == trader.api.sandbox.keys.credentials_of(MAKER).api_key
    uuid.UUID(trade["id"])


def test_trades_by_id_market_time_and_maker(trader: Trader) -> None:
    api, entry = trader.api, entry_of(trader.api.sandbox, NEG_RISK_SLUG)
    for slug in (STANDARD_SLUG, NEG_RISK_SLUG):
        api.rest(slug, SELL, 4_000, 10)
        place(trader, slug)
        api.advance(10 * NS_PER_S)
    late, early = (trade["id"] for trade in get(trader, "/data/trades")["data"])

    def found(**query: Any) -> list[str]:
        return [trade["id"] for trade in get(trader, "/data/trades", **query)["data"]]

    start_s = START_NS // NS_PER_S
    assert found(id=early) == [early]
    assert found(market=entry.clob_condition()) == [late]
    assert found(asset_id=entry.listed.tokens()[0]) == [late]
    assert found(after=start_s + 5) == [late]
    assert found(before=start_s + 5) == [early]
    assert found(maker_address=MAKER) == [late, early]
    assert found(maker_address="0x" + "00" * 20) == []
    error = {"error": "Invalid trade params payload"}
    assert trader.call("GET", "/data/trades", after="noon") == (400, error)


def test_the_exchanges_client_reads_orders_trades_and_balances(trader: Trader) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 5)
    order = OpenOrder.parse_response(get(trader, f"/data/order/{place(trader)}"))
    trade = ClobTrade.parse_response(get(trader, "/data/trades")["data"][0])
    balance = BalanceAllowance.parse_response(
        get(trader, "/balance-allowance", asset_type="COLLATERAL")
    )
    assert order.status == "LIVE"
    assert order.size_matched == trade.size == Decimal(5)
    assert balance.allowances[STANDARD.contract] == UNLIMITED


def test_settlement_takes_its_time(trader: Trader) -> None:
    heard: list[tuple[str, str]] = []

    def hear(record: TradeRecord, status: str) -> None:
        heard.append((record.trade_id, status))

    trader.api.sandbox.settlement_listeners.append(hear)
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    place(trader)
    (trade,) = get(trader, "/data/trades")["data"]
    assert (trade["status"], trade["transaction_hash"]) == ("TRADE_STATUS_MATCHED", "")
    trader.api.advance(MINED_AFTER_NS)
    (mined,) = get(trader, "/data/trades")["data"]
    assert (mined["status"], len(mined["transaction_hash"])) == ("TRADE_STATUS_MINED", 66)
    trader.api.advance(CONFIRMED_AFTER_NS)
    (confirmed,) = get(trader, "/data/trades")["data"]
    assert confirmed["status"] == "TRADE_STATUS_CONFIRMED"
    assert confirmed["transaction_hash"] == mined["transaction_hash"]
    assert heard == [(trade["id"], "MINED"), (trade["id"], "CONFIRMED")]


def test_balances_are_those_of_the_wallet_asked_for(trader: Trader) -> None:
    sandbox, address = trader.api.sandbox, trader.signer.address
    wallet = "0x" + "cd" * 20
    sandbox.wallets.register(address, SignatureType.GNOSIS_SAFE, wallet)
    sandbox.exchange.deposit(sandbox.wallets.all_of(address)[1], 7 * ONE_E6)
    market = entry_of(sandbox, V2_SLUG).listed.market
    sandbox.exchange.split(address, market.market, 3 * ONE_E6)

    def balance(**query: Any) -> tuple[str, set[str]]:
        reply = get(trader, "/balance-allowance", **query)
        return reply["balance"], set(reply["allowances"].values())

    unlimited = {str(UNLIMITED)}
    assert balance(asset_type="COLLATERAL") == (str(FUNDS_E6 - 3 * ONE_E6), unlimited)
    assert balance(asset_type="COLLATERAL", signature_type=2) == ("7000000", {"0"})
    assert balance(asset_type="COLLATERAL", signature_type=1) == ("0", set())
    shares = {"asset_type": "CONDITIONAL-V2", "token_id": market.yes_token}
    assert balance(**shares) == ("3000000", unlimited)
    assert get(trader, "/balance-allowance/update", asset_type="COLLATERAL") == ""
    for query, text in (
        ({"asset_type": "GOLD"}, "Invalid asset type"),
        ({"asset_type": "CONDITIONAL", "token_id": "5"}, "Invalid token id"),
        ({"asset_type": "COLLATERAL", "signature_type": "EOA"}, "Invalid signature_type"),
    ):
        assert trader.call("GET", "/balance-allowance", **query) == (400, {"error": text})


def test_keys_are_created_once_then_derived(trader: Trader) -> None:
    other = Trader(trader.api, OTHER_KEY)
    keys = trader.api.sandbox.keys
    keys.delete(other.credentials.api_key)
    address, ts_s = other.signer.address, START_NS // NS_PER_S
    headers = {
        "poly_address": address,
        "poly_timestamp": str(ts_s),
        "poly_nonce": "0",
        "poly_signature": other.signer.sign(auth_digest(address, ts_s, 0)),
    }

    def ask(method: str, path: str) -> tuple[int, Any]:
        return trader.api.call(method, path, headers=headers)

    assert ask("GET", "/auth/derive-api-key") == (400, {"error": "Could not derive api key!"})
    status, created = ask("POST", "/auth/api-key")
    assert status == 200
    assert set(created) == {"apiKey", "secret", "passphrase"}
    assert ask("GET", "/auth/derive-api-key") == (200, created)
    assert ask("POST", "/auth/api-key") == (400, {"error": "Could not create api key"})
    headers["poly_nonce"] = "1"
    assert ask("POST", "/auth/api-key") == (401, {"error": "Invalid L1 Request headers"})


def test_keys_are_listed_and_deleted(trader: Trader) -> None:
    assert get(trader, "/auth/api-keys") == {"apiKeys": [trader.credentials.api_key]}
    assert trader.call("DELETE", "/auth/api-key") == (200, "OK")
    error = {"error": "Unauthorized/Invalid api key"}
    assert trader.call("GET", "/auth/api-keys") == (401, error)


def test_a_heartbeat_that_stops_takes_the_orders_with_it(trader: Trader) -> None:
    other = Trader(trader.api, OTHER_KEY)
    trader.api.sandbox.fund(other.signer.address, FUNDS_E6)
    mine, others = place(trader), place(other)
    beat_id = ""
    for _ in range(4):
        status, reply = trader.call("POST", "/v1/heartbeats", {"heartbeat_id": beat_id})
        assert status == 200
        beat_id = reply["heartbeat_id"]
        trader.api.advance(5 * NS_PER_S)
    assert get(trader, f"/data/order/{mine}")["status"] == "LIVE"
    trader.api.advance(TIMEOUT_NS + SWEEP_NS)
    assert get(trader, f"/data/order/{mine}")["status"] == "CANCELED"
    assert get(other, f"/data/order/{others}")["status"] == "LIVE"


def test_a_heartbeat_speaks_for_the_orders_of_its_key(trader: Trader) -> None:
    second = Trader(trader.api, KEY)
    created = trader.api.sandbox.keys.create(trader.signer.address, 1)
    assert created is not None
    second.credentials, second.salt = created, 1_000
    mine, others = place(trader), place(second)
    assert trader.call("POST", "/v1/heartbeats", {})[0] == 200
    trader.api.advance(TIMEOUT_NS + SWEEP_NS)
    found = get(trader, "/data/orders")["data"]
    assert [(order["id"], order["owner"]) for order in found] == [(others, created.api_key)]
    assert get(second, f"/data/order/{mine}")["status"] == "CANCELED"


def test_a_clock_that_is_set_back_stands_still(trader: Trader) -> None:
    sandbox = trader.api.sandbox
    sandbox.advance(START_NS + 5, START_NS)
    sandbox.advance(START_NS + 1, START_NS)
    assert sandbox.now_ns == START_NS + 5
    assert place(trader)


def test_a_wrong_heartbeat_is_told_the_right_one(trader: Trader) -> None:
    first = trader.call("POST", "/v1/heartbeats", {"heartbeat_id": ""})[1]["heartbeat_id"]
    mismatch = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": first}
    for wrong in ("", "x"):
        assert trader.call("POST", "/v1/heartbeats", {"heartbeat_id": wrong}) == (400, mismatch)
    assert trader.call("POST", "/v1/heartbeats", {"heartbeat_id": first})[0] == 200


def test_heartbeats_lapse_between_one_timeout_and_the_next_sweep() -> None:
    beats = Heartbeats(0)
    assert beats.beat("key", "", 20 * NS_PER_S)[0]
    assert beats.lapsed(20 * NS_PER_S) == []
    lapsed = [s for s in range(21, 60) if beats.lapsed(s * NS_PER_S)]
    assert lapsed == [35]
    assert beats.beat("key", "", 61 * NS_PER_S)[0]  # a new chain


def test_orders_cost_tokens_and_say_how_many_are_left(trader: Trader) -> None:
    burst = Tier.STANDARD.value[1]
    for left in range(burst - 1, -1, -1):
        place(trader)
        assert trader.api.reply_headers["Poly-RateLimit-Remaining"] == str(left)
    assert trader.api.reply_headers["Poly-RateLimit-Tier"] == "standard"
    body = post_body(trader, STANDARD_SLUG)
    assert trader.call("POST", "/order", body) == (429, {"error": "Too Many Requests"})
    assert trader.api.reply_headers["Retry-After"] == "1"
    trader.api.advance(NS_PER_S // 40)
    assert trader.call("POST", "/order", body)[0] == 200


def test_refused_orders_cost_a_token_too(trader: Trader) -> None:
    body = post_body(trader, STANDARD_SLUG, owner="x")
    assert trader.call("POST", "/order", body)[0] == 400
    assert trader.api.reply_headers["Poly-RateLimit-Remaining"] == "59"


def test_a_batch_is_charged_whole_or_not_at_all(trader: Trader) -> None:
    bodies = [post_body(trader, STANDARD_SLUG) for _ in range(15)]
    for left in (45, 30, 15, 0):
        assert trader.call("POST", "/orders", bodies)[0] == 200
        assert trader.api.reply_headers["Poly-RateLimit-Remaining"] == str(left)
    trader.api.advance(NS_PER_S * 14 // 40)
    assert trader.call("POST", "/orders", bodies)[0] == 429
    assert trader.call("POST", "/orders", bodies[:14])[0] == 200


def test_cancels_cost_one_for_each_order_and_all_of_them_one_more(trader: Trader) -> None:
    ids = [place(trader) for _ in range(5)]
    for body, left in (([ids[0]], "119"), ([ids[1], ids[1]], "118")):
        assert trader.call("DELETE", "/orders", body)[0] == 200
        assert trader.api.reply_headers["Poly-RateLimit-Remaining"] == left
    assert trader.call("DELETE", "/cancel-all")[0] == 200
    assert trader.api.reply_headers["Poly-RateLimit-Remaining"] == "114"


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    limits = RateLimits()
    for _ in range(2):
        headers = limits.charge("a", Bucket.ORDERS, 1, 3_600 * NS_PER_S)
        assert headers["Poly-RateLimit-Reset"] == "3600"
    headers = limits.charge("a", Bucket.ORDERS, 1, 7_200 * NS_PER_S)
    assert headers["Poly-RateLimit-Remaining"] == "59"


def test_cancel_all_may_owe_and_then_blocks_cancels() -> None:
    limits = RateLimits()
    limits.charge("a", Bucket.CANCELS, 100, 0)
    headers = limits.charge("a", Bucket.CANCELS, 31, 0, may_owe=True)
    assert headers["Poly-RateLimit-Remaining"] == "-11"
    for may_owe in (False, True):
        with pytest.raises(ApiError, match="429"):
            limits.charge("a", Bucket.CANCELS, 1, NS_PER_S // 8, may_owe=may_owe)
    limits.charge("a", Bucket.CANCELS, 1, NS_PER_S // 8 * 2)
    limits.assign("b", Tier.PLATINUM)
    with pytest.raises(ApiError, match="429"):
        limits.charge("b", Bucket.CANCELS, 1_351, 0, may_owe=True)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 70)), max_size=60))
def test_no_more_is_spent_than_burst_and_rate_allow(steps: list[tuple[int, int]]) -> None:
    limits, now_ns, spent = RateLimits(), 0, 0
    for wait_ns, cost in steps:
        now_ns += wait_ns
        try:
            limits.charge("a", Bucket.ORDERS, cost, now_ns)
        except ApiError as error:
            retry_ns = int(error.headers["Retry-After"]) * NS_PER_S
            if cost <= Tier.STANDARD.value[1]:
                now_ns += retry_ns
                limits.charge("a", Bucket.ORDERS, cost, now_ns)
            else:
                continue
        spent += cost
        assert spent * NS_PER_S <= 60 * NS_PER_S + now_ns * 40


def test_history_forgets_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfptm.sandbox.history.TRADES_MAX", 2)
    history = History(0)
    api = Api(make_sandbox(history=history))
    api.rest(STANDARD_SLUG, BUY, 4_000, 100)
    actions = [api.rest(STANDARD_SLUG, SELL, 4_000, 10) for _ in range(3)]
    trades = [r for action in actions for r in action.reports if isinstance(r, Trade)]
    known = [history.trade(history.trade_id(trade)) is not None for trade in trades]
    assert known == [False, True, True]
