"""Faults of requests and trades, on the real handlers: what is answered, what has happened."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.calls import Reply
from hfptm.sandbox.faults_calls import NOT_INSERTED, NOT_READY, POST_ONLY_TEXT
from hfptm.sandbox.faults_kinds import (
    FalseSuccess,
    Geoblock,
    GhostBook,
    GhostFill,
    PostOnly,
    RateLimit,
    Restart,
    Slow,
    Timeout,
)
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.routes import GEOBLOCK_PATH
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.book_hash import HashedBook, book_hash
from tests.sandbox_api import (
    FUNDS_E6,
    MAKER,
    STANDARD_SLUG,
    Api,
    Trader,
    entry_of,
    make_sandbox,
    post_body,
)

KEY = "0x" + "11" * 32
HALF = Decimal("0.5")
TRADING = [
    ("POST", "/order"),
    ("POST", "/orders"),
    ("DELETE", "/order"),
    ("DELETE", "/orders"),
    ("DELETE", "/cancel-all"),
    ("DELETE", "/cancel-market-orders"),
]


class Desk:
    """A trader, a sandbox whose faults have begun, and what they did."""

    def __init__(self) -> None:
        self.api = Api(make_sandbox())
        self.trader = Trader(self.api, KEY)
        self.sandbox = self.api.sandbox
        self.sandbox.fund(self.trader.signer.address, FUNDS_E6)
        self.faults = self.sandbox.faults
        self.deeds: list[Deed] = []
        self.faults.tell = self.deeds.append
        self.faults.advance(self.api.now_ns)

    def body(self, **order: Any) -> dict[str, Any]:
        return post_body(self.trader, STANDARD_SLUG, **order)

    def send(self, method: str, path: str, body: object = None, **query: Any) -> Reply:
        headers = self.trader.headers(method, path, body)
        return self.api.reply(method, path, body, headers, **query)

    def open_orders(self) -> list[str]:
        return list(self.sandbox.exchange.accounts[self.trader.signer.address].open_orders)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def decoded(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body)


@pytest.mark.parametrize(("method", "path"), TRADING)
def test_during_a_restart_nothing_is_placed_or_cancelled(
    desk: Desk, method: str, path: str
) -> None:
    desk.faults.start(Restart())
    reply = desk.send(method, path, {} if method == "DELETE" else desk.body())
    assert (reply.status, reply.body.decode()) == (425, NOT_READY)
    assert desk.open_orders() == []
    assert [(d.kind, d.method, d.path, d.status) for d in desk.deeds] == [
        ("restart", method, path, 425)
    ]
    assert desk.send("GET", "/data/orders").status == 200


def test_a_restart_is_told_to_known_callers_only(desk: Desk) -> None:
    desk.faults.start(Restart())
    assert desk.api.call("POST", "/order", desk.body())[0] == 401
    assert desk.deeds == []


def test_a_restart_passes(desk: Desk) -> None:
    desk.faults.start(Restart(duration_s=90))
    desk.api.advance(90 * NS_PER_S)
    desk.faults.advance(desk.api.now_ns)
    assert desk.send("POST", "/order", desk.body()).status == 200


def test_post_only_mode_lets_post_only_orders_and_cancels_pass(desk: Desk) -> None:
    desk.faults.start(PostOnly(duration_s=100))
    desk.api.advance(30 * NS_PER_S + 1)
    desk.faults.advance(desk.api.now_ns)
    reply = desk.send("POST", "/order", desk.body())
    assert (reply.status, decoded(reply)) == (
        503,
        {"error": POST_ONLY_TEXT, "code": "post_only_mode", "retry_after_seconds": 70},
    )
    placed = desk.send("POST", "/order", desk.body(postOnly=True))
    assert placed.status == 200
    assert desk.send("POST", "/orders", [desk.body(postOnly=True)]).status == 200
    mixed = [desk.body(postOnly=True), desk.body()]
    assert desk.send("POST", "/orders", mixed).status == 503
    assert desk.send("POST", "/order", b"{").status == 400
    cancel = desk.send("DELETE", "/order", {"orderID": decoded(placed)["orderID"]})
    assert len(decoded(cancel)["canceled"]) == 1
    assert [d.status for d in desk.deeds] == [503, 503]


def test_post_only_mode_without_an_end_says_two_minutes(desk: Desk) -> None:
    desk.faults.start(PostOnly())
    assert decoded(desk.send("POST", "/order", desk.body()))["retry_after_seconds"] == 120


def test_a_rate_limit_says_when_to_come_back_or_not(desk: Desk) -> None:
    number = desk.faults.start(RateLimit(retry_after_s=7))
    reply = desk.api.reply("POST", "/order", b"{")
    assert (reply.status, decoded(reply)) == (429, {"error": "Too Many Requests"})
    reset_s = desk.api.now_ns // NS_PER_S + 7
    assert reply.headers == {
        "Retry-After": "7",
        "Poly-RateLimit-Remaining": "0",
        "Poly-RateLimit-Reset": str(reset_s),
        "Poly-RateLimit-Tier": "standard",
    }
    desk.faults.stop(number)
    desk.faults.start(RateLimit(has_headers=False))
    reply = desk.api.reply("GET", "/ok")
    assert (reply.status, reply.headers) == (429, {})


def test_requests_are_meant_by_method_and_path(desk: Desk) -> None:
    desk.faults.start(RateLimit(method="POST", path="/order"))
    desk.faults.start(RateLimit(path="/data"))
    assert desk.send("POST", "/order", desk.body()).status == 429
    assert desk.send("DELETE", "/order", {"orderID": "0x" + "0" * 64}).status == 200
    assert desk.send("POST", "/orders", [desk.body()]).status == 200
    assert desk.send("GET", "/data/orders").status == 429
    assert desk.api.reply("GET", "/ok").status == 200


def test_gamma_has_faults_too(desk: Desk) -> None:
    desk.faults.start(RateLimit(path="/events"))
    gamma = Api(desk.sandbox, is_gamma=True)
    assert gamma.call("GET", "/events/keyset")[0] == 429
    assert gamma.call("GET", "/markets")[0] == 200


def test_after_a_timeout_the_order_is_there(desk: Desk) -> None:
    desk.faults.start(Timeout(path="/order"))
    reply = desk.send("POST", "/order", desk.body())
    assert reply.is_withheld
    (deed,) = desk.deeds
    assert deed.order_ids == desk.open_orders()
    assert len(deed.order_ids) == 1
    assert (deed.kind, deed.status) == ("timeout", 200)
    status, orders = desk.trader.call("GET", "/data/orders")
    assert (status, [order["id"] for order in orders["data"]]) == (200, deed.order_ids)


def test_a_gateway_may_answer_for_an_order_that_was_placed(desk: Desk) -> None:
    desk.faults.start(Timeout(status=502))
    reply = desk.send("POST", "/orders", [desk.body(), desk.body(side=SELL)])
    assert (reply.status, reply.is_withheld) == (502, False)
    assert reply.headers["content-type"] == "text/html"
    assert [deed.order_ids for deed in desk.deeds] == [desk.open_orders()]


def test_timeouts_of_reads_and_refusals_name_no_orders(desk: Desk) -> None:
    desk.faults.start(Timeout())
    assert desk.send("GET", "/data/orders").is_withheld
    assert desk.send("POST", "/order", b"{").is_withheld
    assert [(deed.status, deed.order_ids) for deed in desk.deeds] == [(200, []), (400, [])]


def test_slow_answers_are_late_by_seed(desk: Desk) -> None:
    desk.faults.start(Slow(delay_ms=(10, 30), share=HALF))
    late_ms = [desk.api.reply("GET", "/ok").late_ms for _ in range(40)]
    assert {0} < set(late_ms) <= {0, *range(10, 31)}
    told = {deed.request: deed.delay_ms for deed in desk.deeds}
    assert told == {n: ms for n, ms in enumerate(late_ms, 1) if ms}
    for delay_ms in (100, 1_000):
        desk.faults.start(Slow(path="/time", delay_ms=(delay_ms, delay_ms)))
    assert desk.api.reply("GET", "/time").late_ms in range(1_100, 1_131)


def test_false_successes_are_of_batches_only_and_place_nothing(desk: Desk) -> None:
    desk.faults.start(FalseSuccess(share=HALF))
    replies = decoded(desk.send("POST", "/orders", [desk.body() for _ in range(15)]))
    failed = [n for n, reply in enumerate(replies, 1) if reply["errorMsg"]]
    assert all(reply["success"] for reply in replies)
    assert {(r["errorMsg"], r["orderID"]) for r in replies if r["errorMsg"]} == {(NOT_INSERTED, "")}
    assert 0 < len(failed) < 15
    assert [deed.request for deed in desk.deeds] == failed
    assert len(desk.open_orders()) == 15 - len(failed)
    desk.faults.start(FalseSuccess())
    assert desk.send("POST", "/order", desk.body()).status == 200


def test_ghost_books_are_empty_but_for_the_edges_and_hashed_so(desk: Desk) -> None:
    desk.api.rest(STANDARD_SLUG, BUY, 4_800, 10)
    token = entry_of(desk.sandbox, STANDARD_SLUG).listed.market.yes_token
    true = desk.api.get("/book", token_id=token)
    desk.faults.start(GhostBook())
    ghost = desk.api.get("/book", token_id=token)
    assert [level["price"] for level in ghost["bids"]] == ["0.01"]
    assert [level["price"] for level in ghost["asks"]] == ["0.99"]
    changed = {key for key in true if true[key] != ghost[key]}
    assert changed == {"bids", "asks", "hash"}
    assert list(ghost) == list(true)
    hashed = msgspec.convert(ghost, HashedBook)
    assert book_hash(msgspec.structs.replace(hashed, hash="")) == ghost["hash"]
    assert desk.api.post("/books", [{"token_id": token}]) == [ghost]
    assert desk.api.get("/price", token_id=token, side="BUY") == {"price": "0.48"}
    assert desk.api.call("GET", "/book", token_id="5")[0] == 404
    assert [(deed.path, deed.status) for deed in desk.deeds] == [("/book", 200), ("/books", 200)]


def test_the_site_says_whether_trading_is_blocked_here(desk: Desk) -> None:
    site = Api(desk.sandbox, is_gamma=True)
    assert site.get(GEOBLOCK_PATH)["blocked"] is False
    number = desk.faults.start(Geoblock())
    assert site.get(GEOBLOCK_PATH)["blocked"] is True
    desk.faults.stop(number)
    assert site.get(GEOBLOCK_PATH)["blocked"] is False
    assert [(deed.kind, deed.path) for deed in desk.deeds] == [("geoblock", GEOBLOCK_PATH)]


def test_a_ghost_keeps_to_a_coarse_grid(desk: Desk) -> None:
    entry = entry_of(desk.sandbox, STANDARD_SLUG)
    desk.sandbox.change_tick(entry.listed.market.market, 1_000, desk.api.now_ns)
    desk.faults.start(GhostBook())
    ghost = desk.api.get("/book", token_id=entry.listed.market.yes_token)
    assert (ghost["bids"][0]["price"], ghost["asks"][0]["price"]) == ("0.1", "0.9")


def test_ghost_fills_fail_and_are_told_when_they_do(desk: Desk) -> None:
    desk.api.rest(STANDARD_SLUG, SELL, 4_000, 1_000)
    desk.faults.start(GhostFill(share=HALF))
    replies = [decoded(desk.send("POST", "/order", desk.body())) for _ in range(16)]
    desk.api.rest(STANDARD_SLUG, BUY, 4_000, 10)
    desk.api.advance(10 * NS_PER_S)
    trades = desk.trader.call("GET", "/data/trades")[1]["data"]
    failed = {trade["id"] for trade in trades if trade["status"] == "TRADE_STATUS_FAILED"}
    assert 0 < len(failed) < 16
    assert {deed.trade_id for deed in desk.deeds} == failed
    assert {deed.detail for deed in desk.deeds} == {"FAILED"}
    assert max(deed.request for deed in desk.deeds) <= 16
    assert all(reply["status"] == "matched" for reply in replies)
    token = entry_of(desk.sandbox, STANDARD_SLUG).listed.market.yes_token
    shares_e6 = desk.sandbox.exchange.accounts[desk.trader.signer.address].shares_e6[token]
    assert shares_e6 == (16 - len(failed)) * 10 * ONE_E6


def test_a_ghost_fill_that_was_passed_on_stands_and_is_told_so(desk: Desk) -> None:
    desk.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    number = desk.faults.start(GhostFill())
    assert desk.send("POST", "/order", desk.body()).status == 200
    desk.faults.stop(number)
    account = desk.sandbox.exchange.accounts[desk.trader.signer.address]
    token = entry_of(desk.sandbox, STANDARD_SLUG).listed.market.yes_token
    account.add_shares(token, -10 * ONE_E6)
    desk.api.advance(10 * NS_PER_S)
    assert [deed.detail for deed in desk.deeds] == ["CONFIRMED"]


def test_traders_within_the_process_have_no_ghosts(desk: Desk) -> None:
    desk.faults.start(GhostFill())
    desk.api.rest(STANDARD_SLUG, SELL, 4_000, 10)
    desk.api.rest(STANDARD_SLUG, BUY, 4_000, 10)
    desk.api.advance(10 * NS_PER_S)
    (record,) = desk.sandbox.history.trades_of([MAKER])
    assert (record.status, desk.deeds) == ("CONFIRMED", [])
