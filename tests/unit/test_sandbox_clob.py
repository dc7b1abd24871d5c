"""CLOB reads and private calls, without a network: shapes, rules and the exchange's texts."""

import json
from pathlib import Path
from typing import Any

import pytest
from py_clob_client_v2.utilities import (
    generate_orderbook_summary_hash,
    parse_raw_orderbook_summary,
)

from hfptm.records import BUY, SELL
from hfptm.sandbox.clob_books import TOKENS_MAX
from hfptm.units import NS_PER_S
from tests.sandbox_api import (
    NEG_RISK_SLUG,
    SPORTS_SLUG,
    STANDARD_SLUG,
    START_NS,
    V2_SLUG,
    Api,
    entry_of,
    make_sandbox,
)

NO_BOOK = "No orderbook exists for the requested token id"


@pytest.fixture
def api() -> Api:
    api = Api(make_sandbox())
    api.rest(STANDARD_SLUG, BUY, 4_800, 30)
    api.rest(STANDARD_SLUG, BUY, 4_700, 20)
    api.rest(STANDARD_SLUG, SELL, 5_200, 25)
    api.rest(STANDARD_SLUG, BUY, 4_500, 7, is_no=True)
    return api


def token_of(api: Api, slug: str = STANDARD_SLUG, *, is_no: bool = False) -> str:
    return entry_of(api.sandbox, slug).listed.tokens()[is_no]


def test_a_book_lists_its_best_level_last_and_hashes(api: Api) -> None:
    book = api.get("/book", token_id=token_of(api))
    assert book["bids"] == [{"price": "0.47", "size": "20"}, {"price": "0.48", "size": "30"}]
    assert book["asks"] == [{"price": "0.55", "size": "7"}, {"price": "0.52", "size": "25"}]
    assert (book["min_order_size"], book["tick_size"]) == ("5", "0.01")
    assert (book["neg_risk"], book["last_trade_price"]) == (False, "")
    # Opened and changed four times within one millisecond: no two changes share a timestamp.
    assert book["timestamp"] == str(START_NS // 10**6 + 4)
    claimed = book["hash"]
    assert generate_orderbook_summary_hash(parse_raw_orderbook_summary(book)) == claimed


def test_a_no_book_is_the_mirrored_yes_book(api: Api) -> None:
    book = api.get("/book", token_id=token_of(api, is_no=True))
    assert book["bids"] == [{"price": "0.45", "size": "7"}, {"price": "0.48", "size": "25"}]
    assert book["asks"] == [{"price": "0.53", "size": "20"}, {"price": "0.52", "size": "30"}]
    assert generate_orderbook_summary_hash(parse_raw_orderbook_summary(book)) == book["hash"]


def test_books_have_the_keys_and_types_of_real_ones(api: Api, shared: Path) -> None:
    real = json.loads((shared / "recordings/messages/clob_book_response.json").read_text())
    book = api.get("/book", token_id=token_of(api))
    newer = {"min_order_size", "tick_size", "neg_risk", "last_trade_price"}
    assert book.keys() == real.keys() | newer
    assert {key: type(book[key]) for key in real} == {key: type(real[key]) for key in real}


def test_a_trade_moves_the_clock_of_its_book(api: Api) -> None:
    api.advance(NS_PER_S)
    api.rest(STANDARD_SLUG, SELL, 4_800, 10)
    for is_no in (False, True):
        book = api.get("/book", token_id=token_of(api, is_no=is_no))
        assert book["last_trade_price"] == "0.480"
        assert book["timestamp"] == str((START_NS + NS_PER_S) // 10**6)


def test_many_books_leave_out_what_is_unknown(api: Api) -> None:
    asked = [{"token_id": token} for token in (token_of(api, is_no=True), "5", token_of(api))]
    books = api.post("/books", asked)
    assert [book["asset_id"] for book in books] == [asked[0]["token_id"], asked[2]["token_id"]]


def test_prices_midpoints_and_spreads(api: Api) -> None:
    yes, no = token_of(api), token_of(api, is_no=True)
    empty = token_of(api, NEG_RISK_SLUG)
    assert api.get("/price", token_id=yes, side="BUY") == {"price": "0.48"}
    assert api.get("/price", token_id=yes, side="sell") == {"price": "0.52"}
    assert api.get("/midpoint", token_id=yes) == {"mid": "0.5"}
    assert api.get("/spread", token_id=no) == {"spread": "0.04"}
    assert api.get("/midpoint", token_id=empty) == {"mid": "0.5"}
    assert api.get("/spread", token_id=empty) == {"spread": "1"}
    both = [{"token_id": yes, "side": "BUY"}, {"token_id": yes, "side": "SELL"}]
    assert api.post("/prices", both) == {yes: {"BUY": "0.48", "SELL": "0.52"}}
    assert api.post("/midpoints", [{"token_id": yes}]) == {yes: "0.5"}
    assert api.post("/spreads", [{"token_id": yes}, {"token_id": no}]) == {yes: "0.04", no: "0.04"}


def test_a_midpoint_may_be_half_a_tick(api: Api) -> None:
    api.rest(STANDARD_SLUG, BUY, 4_900, 5)
    assert api.get("/midpoint", token_id=token_of(api)) == {"mid": "0.505"}


def test_last_trades_are_told_in_the_terms_of_their_token(api: Api) -> None:
    yes, no = token_of(api), token_of(api, is_no=True)
    assert api.get("/last-trade-price", token_id=yes) == {"price": "0.5", "side": ""}
    api.rest(STANDARD_SLUG, SELL, 4_800, 10)
    assert api.get("/last-trade-price", token_id=yes) == {"price": "0.48", "side": "SELL"}
    assert api.get("/last-trade-price", token_id=no) == {"price": "0.52", "side": "BUY"}
    untraded = {"token_id": token_of(api, NEG_RISK_SLUG)}
    assert api.post("/last-trades-prices", [{"token_id": no}, untraded]) == [
        {"token_id": no, "price": "0.52", "side": "BUY"}
    ]


def test_rules_by_token(api: Api) -> None:
    assert api.get("/tick-size", token_id=token_of(api)) == {"minimum_tick_size": 0.01}
    assert api.get("/tick-size", token_id=token_of(api, V2_SLUG)) == {"minimum_tick_size": 0.0025}
    assert api.get("/neg-risk", token_id=token_of(api)) == {"neg_risk": False}
    assert api.get("/neg-risk", token_id=token_of(api, NEG_RISK_SLUG)) == {"neg_risk": True}
    assert api.get("/fee-rate", token_id=token_of(api)) == {"base_fee": 1000}
    free = token_of(api, "next-secretary-general-ek")
    assert api.get("/fee-rate", token_id=free) == {"base_fee": 0}


@pytest.mark.parametrize(
    ("path", "query", "status", "text"),
    [
        ("/book", {}, 400, "Invalid token id"),
        ("/book", {"token_id": "abc"}, 400, "Invalid token id"),
        ("/book", {"token_id": "5"}, 404, NO_BOOK),
        ("/price", {"token_id": "5", "side": "BUY"}, 404, NO_BOOK),
        ("/price", {"token_id": "5"}, 400, "Invalid side"),
        ("/midpoint", {"token_id": "5"}, 404, NO_BOOK),
        ("/tick-size", {"token_id": "5"}, 404, "market not found"),
        ("/neg-risk", {"token_id": "x"}, 400, "Invalid token id"),
        ("/clob-markets/0x12", {}, 400, "Invalid market"),
        (f"/clob-markets/0x{'00' * 32}", {}, 404, "market not found"),
        (f"/markets/0x{'00' * 32}", {}, 404, "market not found"),
        ("/markets-by-token/5", {}, 404, "market not found"),
        ("/markets", {"next_cursor": "!"}, 400, "Invalid next_cursor"),
        ("/markets", {"next_cursor": "LTE="}, 400, "Invalid next_cursor"),
    ],
)
def test_reads_that_are_refused(
    api: Api, path: str, query: dict[str, Any], status: int, text: str
) -> None:
    assert api.call("GET", path, **query) == (status, {"error": text})


def test_requests_for_too_many_tokens_are_refused(api: Api) -> None:
    asked = [{"token_id": token_of(api)}] * (TOKENS_MAX + 1)
    assert api.call("POST", "/books", asked) == (400, {"error": "Payload exceeds the limit"})
    for body in (b"", b"{}", b"[1]", b"[{}]", b"\xff"):
        assert api.call("POST", "/books", body) == (400, {"error": "Invalid payload"})


def test_a_resolved_market_has_no_book(api: Api) -> None:
    entry = entry_of(api.sandbox, STANDARD_SLUG)
    api.sandbox.resolve_market(entry.listed.market.market, 10_000, START_NS)
    status, _ = api.call("GET", "/book", token_id=token_of(api))
    assert status == 404
    market = api.get(f"/markets/{entry.clob_condition()}")
    assert [(token["price"], token["winner"]) for token in market["tokens"]] == [
        (1.0, True),
        (0.0, False),
    ]


def test_markets_have_the_keys_and_types_of_real_ones(api: Api, shared: Path) -> None:
    folder = shared / "recordings" / "messages"
    files = sorted(folder.glob("clob_market_closed_binary_accepting_*.json"))
    samples = [json.loads(file.read_text()) for file in files]
    for slug in (STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG, SPORTS_SLUG):
        market = api.get(f"/markets/{entry_of(api.sandbox, slug).clob_condition()}")
        assert market.keys() == samples[0].keys()
        for key, value in market.items():
            assert isinstance(value, tuple({type(one[key]) for one in samples})), key
        assert market["tokens"][0].keys() == samples[0]["tokens"][0].keys()
        assert market["rewards"].keys() == samples[0]["rewards"].keys()


def test_rules_in_short(api: Api) -> None:
    standard = entry_of(api.sandbox, STANDARD_SLUG)
    rules = api.get(f"/clob-markets/{standard.clob_condition()}")
    yes, no = standard.listed.tokens()
    assert rules["t"] == [{"t": yes, "o": "Up"}, {"t": no, "o": "Down"}]
    assert rules["fd"] == {"r": 0.07, "e": 1, "to": True}
    expected = {"v": "v1", "mts": 0.01, "mos": 5, "nr": False, "ao": True, "sd": 0, "itode": False}
    assert rules.items() >= expected.items()
    sports = api.get(f"/clob-markets/{entry_of(api.sandbox, SPORTS_SLUG).clob_condition()}")
    expected = {"sd": 3, "cbos": True, "gst": "2026-11-20T15:00:00Z"}
    assert sports.items() >= expected.items()
    free = entry_of(api.sandbox, "next-secretary-general-ek").clob_condition()
    assert "fd" not in api.get(f"/clob-markets/{free}")


def test_a_v2_condition_has_32_bytes_here(api: Api) -> None:
    v2 = entry_of(api.sandbox, V2_SLUG)
    rules = api.get(f"/clob-markets/{v2.clob_condition()}")
    assert (rules["v"], rules["c"]) == ("v2", v2.gamma_condition() + "00")
    assert api.call("GET", f"/clob-markets/{v2.gamma_condition()}")[0] == 400


def test_the_primary_token_is_the_smaller_one(api: Api) -> None:
    for entry in api.sandbox.catalogue.markets:
        smaller, larger = sorted(entry.listed.tokens(), key=int)
        for token in (smaller, larger):
            found = api.get(f"/markets-by-token/{token}")
            assert found == {
                "condition_id": entry.clob_condition(),
                "primary_token_id": smaller,
                "secondary_token_id": larger,
            }


def test_lists_of_markets_end_with_a_mark(api: Api) -> None:
    for path in ("/markets", "/sampling-markets", "/simplified-markets"):
        page = api.get(path, next_cursor="MA==")
        assert (page["next_cursor"], page["count"]) == ("LTE=", 14)
    entry = entry_of(api.sandbox, V2_SLUG)
    api.sandbox.close_market(entry.listed.market.market, START_NS)
    assert api.get("/sampling-markets")["count"] == 13
    assert api.get("/sampling-simplified-markets")["count"] == 13
    simple = api.get("/simplified-markets")["data"][0]
    assert simple.keys() < api.get("/markets")["data"][0].keys()


def test_the_server_says_how_it_is(api: Api) -> None:
    assert api.get("/ok") == "OK"
    assert api.get("/time") == START_NS // NS_PER_S
    assert api.get("/version") == {"version": 2}
