"""Orders through the CLOB: who may post them, what is signed, what is answered, how they end."""

from typing import Any

import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.clob_cancels import CANCELS_MAX
from hfptm.sandbox.clob_orders import BATCH_MAX
from hfptm.sandbox.universe import START_MS
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue import signing
from hfptm.venue.signing import EXCHANGE_V3, NEG_RISK, STANDARD, SignatureType, Signer
from tests.sandbox_api import (
    FUNDS_E6,
    MAKER,
    NEG_RISK_SLUG,
    SPORTS_SLUG,
    STANDARD_SLUG,
    START_NS,
    V2_SLUG,
    Api,
    Trader,
    entry_of,
    make_sandbox,
    order_terms,
    post_body,
)

KEY, OTHER_KEY = "0x" + "11" * 32, "0x" + "22" * 32
WALLET = signing.checksum("0x" + "cd" * 20)
NOT_OPEN = "order can't be found - already canceled or matched"


@pytest.fixture
def trader() -> Trader:
    trader = Trader(Api(make_sandbox()), KEY)
    trader.api.sandbox.fund(trader.signer.address, FUNDS_E6)
    return trader


def post(trader: Trader, slug: str = STANDARD_SLUG, **order: Any) -> tuple[int, Any]:
    return trader.call("POST", "/order", post_body(trader, slug, **order))


def accepted(trader: Trader, slug: str = STANDARD_SLUG, **order: Any) -> dict[str, Any]:
    status, reply = post(trader, slug, **order)
    assert status == 200, reply
    assert isinstance(reply, dict)
    return reply


def refused(trader: Trader, slug: str = STANDARD_SLUG, **order: Any) -> str:
    status, reply = post(trader, slug, **order)
    assert status == 400, reply
    assert trader.api.sandbox.exchange.accounts[trader.signer.address].reserved_e6 == 0
    return str(reply["error"])


@pytest.mark.parametrize(
    ("slug", "domain"),
    [(STANDARD_SLUG, STANDARD), (NEG_RISK_SLUG, NEG_RISK), (V2_SLUG, EXCHANGE_V3)],
)
def test_an_order_is_known_by_its_digest(trader: Trader, slug: str, domain: Any) -> None:
    terms = order_terms(trader, slug, BUY, 4_000, 10)
    trader.salt -= 1
    assert accepted(trader, slug) == {
        "errorMsg": "",
        "orderID": signing.order_id(terms, domain),
        "takingAmount": "",
        "makingAmount": "",
        "status": "live",
        "success": True,
        "tradeIDs": [],
        "transactionsHashes": [],
    }


def test_a_match_is_answered_with_amounts_and_trades(trader: Trader) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 3_900, 5)
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 20)
    reply = accepted(trader)
    assert (reply["status"], reply["makingAmount"], reply["takingAmount"]) == (
        "matched",
        "3.95",
        "10",
    )
    trades = trader.call("GET", "/data/trades")[1]["data"]
    assert sorted(trade["id"] for trade in trades) == sorted(reply["tradeIDs"])
    assert len(reply["tradeIDs"]) == 2
    order = trader.call("GET", f"/data/order/{reply['orderID']}")[1]
    assert sorted(order["associate_trades"]) == sorted(reply["tradeIDs"])


def test_a_delayed_order_has_amounts_of_zero_and_cannot_be_cancelled(trader: Trader) -> None:
    trader.api.advance(3_600 * NS_PER_S)  # to the start of the game, which clears the book
    trader.api.rest(SPORTS_SLUG, SELL, 4_000, 20)
    reply = accepted(trader, SPORTS_SLUG)
    assert (reply["status"], reply["makingAmount"], reply["takingAmount"]) == ("delayed", "0", "0")
    order_id = reply["orderID"]
    cancel = trader.call("DELETE", "/order", {"orderID": order_id})[1]
    assert cancel["not_canceled"] == {order_id: "order match delayed due to market conditions"}
    trader.api.advance(3 * NS_PER_S)
    assert trader.call("GET", f"/data/order/{order_id}")[1]["status"] == "MATCHED"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"owner": "somebody"}, "the order owner has to be the owner of the API KEY"),
        ({"maker": MAKER}, "the order owner has to be the owner of the API KEY"),
        ({"signer": MAKER}, "the order signer address has to be the address of the API KEY"),
        ({"by": Signer(OTHER_KEY)}, "invalid signature"),
        ({"sign_for": NEG_RISK}, "invalid signature"),
        ({"sign_for": EXCHANGE_V3}, "order_version_mismatch"),
        ({"token": "5"}, "the orderbook 5 does not exist"),
        ({"token": "five"}, "Invalid order payload"),
        ({"orderType": "IOC"}, "Invalid order payload"),
        ({"expiration": "1.5"}, "Invalid order payload"),
        ({"expiration": "1795183260"}, "invalid expiration"),
        ({"orderType": "FOK", "postOnly": True}, "invalid post-only order: only GTC and GTD order"),
        ({"maker_e6": 4_010_000}, "breaks minimum tick size rule: 0.01"),
        ({"shares": 4}, "lower than the minimum: 5"),
        ({"shares": 10_000_000}, "not enough balance / allowance"),
        ({"orderType": "FAK"}, "no orders found to match with FAK order."),
        ({"orderType": "FOK"}, "order couldn't be fully filled. FOK orders are"),
    ],
)
def test_orders_that_are_refused(trader: Trader, change: dict[str, Any], text: str) -> None:
    if change.get("token") == "five":
        body = post_body(trader, STANDARD_SLUG)
        body["order"]["tokenId"] = "five"
        assert trader.call("POST", "/order", body) == (400, {"error": text})
    else:
        assert text in refused(trader, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"salt": 1 << 54},
        {"salt": "1"},
        {"maker": "0x12"},
        {"side": "HOLD"},
        {"makerAmount": "-1"},
        {"signatureType": 9},
        {"metadata": "0x"},
        {"timestamp": "now"},
    ],
)
def test_payloads_that_are_none(trader: Trader, change: dict[str, Any]) -> None:
    body = post_body(trader, STANDARD_SLUG)
    body["order"] |= change
    assert trader.call("POST", "/order", body) == (400, {"error": "Invalid order payload"})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"order":{}}', b"\xff"])
def test_bodies_that_are_none(trader: Trader, body: bytes) -> None:
    for path in ("/order", "/orders"):
        assert trader.call("POST", path, body) == (400, {"error": "Invalid order payload"})


def test_orders_of_the_first_version_are_told_so(trader: Trader) -> None:
    body = post_body(trader, STANDARD_SLUG)
    del body["order"]["timestamp"]
    body["order"] |= {"nonce": "0", "feeRateBps": "0", "taker": "0x" + "00" * 20}
    assert trader.call("POST", "/order", body) == (400, {"error": "order_version_mismatch"})


def test_any_changed_field_breaks_the_signature(trader: Trader) -> None:
    fields = ("salt", "makerAmount", "takerAmount", "timestamp", "metadata", "builder")
    values = (99, "4000001", "10000001", "1", "0x" + "01" * 32, "0x" + "01" * 32)
    for field, value in zip(fields, values, strict=True):
        body = post_body(trader, STANDARD_SLUG)
        body["order"][field] = value
        assert trader.call("POST", "/order", body) == (400, {"error": "invalid signature"})


def test_the_same_order_is_taken_once(trader: Trader) -> None:
    body = post_body(trader, STANDARD_SLUG)
    order_id = trader.call("POST", "/order", body)[1]["orderID"]
    again = {"error": f"order {order_id} is invalid. Duplicated."}
    assert trader.call("POST", "/order", body) == (400, again)
    assert trader.call("GET", f"/data/order/{order_id}")[1]["status"] == "LIVE"


def test_a_repeated_order_keeps_the_trades_of_the_first(trader: Trader) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 5)
    body = post_body(trader, STANDARD_SLUG)
    first = trader.call("POST", "/order", body)[1]
    assert trader.call("POST", "/order", body)[0] == 400
    order = trader.call("GET", f"/data/order/{first['orderID']}")[1]
    assert order["associate_trades"] == first["tradeIDs"]
    assert order["owner"] == trader.credentials.api_key


def test_a_refused_order_leaves_the_books_clock_alone(trader: Trader) -> None:
    trader.api.advance(NS_PER_S)
    assert refused(trader, orderType="FOK")
    assert entry_of(trader.api.sandbox, STANDARD_SLUG).tape.changed_ms == START_MS
    accepted(trader)
    assert entry_of(trader.api.sandbox, STANDARD_SLUG).tape.changed_ms == START_MS + 1_000


def test_a_post_only_order_that_crosses_is_refused(trader: Trader) -> None:
    trader.api.rest(STANDARD_SLUG, SELL, 4_000, 20)
    assert refused(trader, postOnly=True) == "invalid post-only order: order crosses book"


def test_closed_only_accounts_may_sell(trader: Trader) -> None:
    sandbox, address = trader.api.sandbox, trader.signer.address
    market = entry_of(sandbox, STANDARD_SLUG).listed.market.market
    sandbox.exchange.split(address, market, 100 * ONE_E6)
    sandbox.closed_only.add(address)
    assert trader.call("GET", "/auth/ban-status/closed-only")[1] == {"closed_only": True}
    assert refused(trader) == f"'{address}' address in closed only mode"
    assert accepted(trader, side=SELL)["status"] == "live"


@pytest.mark.parametrize("kind", [SignatureType.POLY_PROXY, SignatureType.GNOSIS_SAFE])
def test_a_proxys_orders_are_signed_by_its_owner(trader: Trader, kind: SignatureType) -> None:
    order: dict[str, Any] = {"maker": WALLET, "signature_type": kind}
    assert refused(trader, **order) == "the order owner has to be the owner of the API KEY"
    trader.api.sandbox.wallets.register(trader.signer.address, kind, WALLET)
    assert refused(trader, **order) == "not enough balance / allowance"
    trader.api.sandbox.fund(WALLET, FUNDS_E6)
    order_id = accepted(trader, **order)["orderID"]
    assert trader.call("GET", f"/data/order/{order_id}")[1]["maker_address"] == WALLET
    assert trader.call("DELETE", "/cancel-all")[1]["canceled"] == [order_id]


def test_a_deposit_wallet_signs_for_itself_through_its_owner(trader: Trader) -> None:
    kind = SignatureType.POLY_1271
    order: dict[str, Any] = {"maker": WALLET, "signer": WALLET, "signature_type": kind}
    wrong = "the order signer address has to be the address of the API KEY"
    assert refused(trader, **order) == wrong
    trader.api.sandbox.wallets.register(trader.signer.address, kind, WALLET)
    trader.api.sandbox.fund(WALLET, FUNDS_E6)
    assert refused(trader, **order, by=Signer(OTHER_KEY)) == "invalid signature"
    assert refused(trader, **order | {"signer": trader.signer.address}) == wrong
    assert accepted(trader, NEG_RISK_SLUG, **order)["status"] == "live"


def test_each_order_of_a_batch_is_answered_by_itself(trader: Trader) -> None:
    bodies = [
        post_body(trader, STANDARD_SLUG),
        post_body(trader, STANDARD_SLUG, by=Signer(OTHER_KEY)),
        post_body(trader, NEG_RISK_SLUG),
        post_body(trader, STANDARD_SLUG, shares=1),
    ]
    status, replies = trader.call("POST", "/orders", bodies)
    assert status == 200
    assert [reply["success"] for reply in replies] == [True] * 4
    assert [reply["status"] for reply in replies] == ["live", "", "live", ""]
    assert [bool(reply["orderID"]) for reply in replies] == [True, False, True, False]
    assert replies[1]["errorMsg"] == "invalid signature"
    assert "lower than the minimum" in replies[3]["errorMsg"]


def test_a_batch_has_fifteen_orders_at_most(trader: Trader) -> None:
    bodies = [post_body(trader, STANDARD_SLUG) for _ in range(BATCH_MAX + 1)]
    error = {"error": "Too many orders in payload: 16, max allowed: 15"}
    assert trader.call("POST", "/orders", bodies) == (400, error)
    assert len(trader.call("POST", "/orders", bodies[:15])[1]) == 15


def test_cancelling_one_many_and_all(trader: Trader) -> None:
    ids = [accepted(trader)["orderID"] for _ in range(5)]
    reply = trader.call("DELETE", "/order", {"orderID": ids[0]})
    assert reply == (200, {"canceled": [ids[0]], "not_canceled": {}})
    unknown = "0x" + "00" * 32
    reply = trader.call("DELETE", "/orders", [ids[1], ids[0], unknown, ids[1]])
    not_canceled = {ids[0]: NOT_OPEN, unknown: NOT_OPEN}
    assert reply == (200, {"canceled": [ids[1]], "not_canceled": not_canceled})
    assert trader.call("DELETE", "/cancel-all")[1]["canceled"] == ids[2:]
    assert trader.call("DELETE", "/cancel-all")[1] == {"canceled": [], "not_canceled": {}}


def test_cancelling_a_markets_orders(trader: Trader) -> None:
    sandbox = trader.api.sandbox
    standard, neg_risk = (entry_of(sandbox, slug) for slug in (STANDARD_SLUG, NEG_RISK_SLUG))
    yes = accepted(trader)["orderID"]
    no = accepted(trader, token=standard.listed.market.no_token)["orderID"]
    other = accepted(trader, NEG_RISK_SLUG)["orderID"]

    def cancel(**body: str) -> list[str]:
        reply = trader.call("DELETE", "/cancel-market-orders", body)[1]
        assert isinstance(reply["canceled"], list)
        return reply["canceled"]

    assert cancel(market=neg_risk.clob_condition(), asset_id=standard.listed.tokens()[0]) == []
    assert cancel(market=standard.clob_condition(), asset_id=standard.listed.tokens()[1]) == [no]
    assert cancel(market=standard.clob_condition(), asset_id="") == [yes]
    assert cancel(asset_id=neg_risk.listed.tokens()[0]) == [other]
    error = {"error": "Invalid order payload"}
    assert trader.call("DELETE", "/cancel-market-orders", {}) == (400, error)


def test_nobody_cancels_or_sees_the_orders_of_others(trader: Trader) -> None:
    order_id = accepted(trader)["orderID"]
    other = Trader(trader.api, OTHER_KEY)
    reply = other.call("DELETE", "/order", {"orderID": order_id})
    assert reply == (200, {"canceled": [], "not_canceled": {order_id: NOT_OPEN}})
    assert other.call("DELETE", "/cancel-all")[1]["canceled"] == []
    assert other.call("GET", f"/data/order/{order_id}") == (404, {"error": "order not found"})
    assert other.call("GET", "/data/orders")[1]["data"] == []


def test_cancels_that_are_refused(trader: Trader) -> None:
    error = {"error": "Invalid orderID"}
    assert trader.call("DELETE", "/order", {"orderID": "abc"}) == (400, error)
    many = [f"0x{number:064x}" for number in range(CANCELS_MAX + 1)]
    error = {"error": "Too many orders in payload, max allowed: 1000"}
    assert trader.call("DELETE", "/orders", many) == (400, error)
    error = {"error": "Invalid order payload"}
    for path in ("/order", "/orders"):
        assert trader.call("DELETE", path, b"?") == (400, error)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/order"),
        ("POST", "/orders"),
        ("DELETE", "/order"),
        ("DELETE", "/orders"),
        ("DELETE", "/cancel-all"),
        ("DELETE", "/cancel-market-orders"),
        ("GET", "/data/order/0x1"),
        ("GET", "/data/orders"),
        ("GET", "/data/trades"),
        ("GET", "/balance-allowance"),
        ("GET", "/balance-allowance/update"),
        ("GET", "/auth/ban-status/closed-only"),
        ("GET", "/auth/api-keys"),
        ("DELETE", "/auth/api-key"),
        ("POST", "/v1/heartbeats"),
    ],
)
def test_private_calls_need_a_signature(trader: Trader, method: str, path: str) -> None:
    error = {"error": "Unauthorized/Invalid api key"}
    assert trader.api.call(method, path, {}) == (401, error)


def test_a_gtd_order_ends_a_minute_before_it_says(trader: Trader) -> None:
    expiration = str(START_NS // NS_PER_S + 200)
    order_id = accepted(trader, orderType="GTD", expiration=expiration)["orderID"]
    trader.api.advance(140 * NS_PER_S - 1)
    order = trader.call("GET", f"/data/order/{order_id}")[1]
    assert (order["status"], order["expiration"], order["order_type"]) == (
        "LIVE",
        expiration,
        "GTD",
    )
    trader.api.advance(1)
    order = trader.call("GET", f"/data/order/{order_id}")[1]
    assert order["status"] == "CANCELED_EXPIRED_ORDER"


def test_a_refused_order_leaves_no_owner_behind(trader: Trader) -> None:
    terms = order_terms(trader, STANDARD_SLUG, BUY, 4_000, 10_000_000)
    trader.salt -= 1
    assert refused(trader, shares=10_000_000) == "not enough balance / allowance"
    assert trader.api.sandbox.history.posting(signing.order_id(terms, STANDARD)) is None
