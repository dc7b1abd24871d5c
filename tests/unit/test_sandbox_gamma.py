"""Gamma: the shapes of the real API, every filter of a recorder, and both ways to page."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from polymarket.models import Event
from polymarket.models import Market as ClientMarket

from hfptm.records import BUY, SELL
from hfptm.sandbox import gamma
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
    names,
)

REFERENCE_MARKET_KEYS = {
    "version": str,
    "positionIds": (list, type(None)),
    "resolutionStatus": (str, type(None)),
    "tags": list,
}
"""Newer than the samples (reference, section 6)."""

REFERENCE_EVENT_KEYS = {"negRiskFeeBips": int, "series": list}


@pytest.fixture
def api() -> Api:
    api = Api(make_sandbox(), is_gamma=True)
    for slug in (STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG):
        api.rest(slug, BUY, 4_000, 100)
        api.rest(slug, SELL, 6_000, 100)
    return api


def sample(shared: Path, name: str) -> Any:
    found = json.loads((shared / "recordings" / "messages" / name).read_text())
    return found[0] if isinstance(found, list) else found


def open_market_samples(shared: Path) -> list[dict[str, Any]]:
    event = sample(shared, "gamma_event.json")
    return [sample(shared, "gamma_market.json"), *event["markets"]]


def all_market_samples(shared: Path) -> list[dict[str, Any]]:
    other = [
        "gamma_market_closed_binary_accepting_false.json",
        "gamma_market_closed_binary_accepting_true.json",
        "gamma_market_sports_market_money_line.json",
        "gamma_market_sports_market_map_handicap.json",
    ]
    return [*open_market_samples(shared), *(sample(shared, name) for name in other)]


def types_of(samples: Iterable[dict[str, Any]]) -> dict[str, set[type]]:
    types: dict[str, set[type]] = {}
    for one in samples:
        for key, value in one.items():
            types.setdefault(key, set()).add(_kind(value))
    return types


def _kind(value: object) -> type:
    """JSON has one kind of number."""
    return float if type(value) is int else type(value)


def check_shape(
    mine: dict[str, Any], samples: list[dict[str, Any]], newer: dict[str, Any], needed: set[str]
) -> None:
    known = types_of(samples)
    assert sorted(needed - mine.keys()) == []
    assert sorted(mine.keys() - known.keys() - newer.keys()) == []
    for key, value in mine.items():
        if key in newer:
            assert isinstance(value, newer[key]), key
        elif value is not None or key != "clobTokenIds":  # null for protocol V2
            assert _kind(value) in known[key], (key, value)


@pytest.mark.parametrize("slug", [STANDARD_SLUG, NEG_RISK_SLUG, V2_SLUG, SPORTS_SLUG])
def test_markets_have_the_keys_and_types_of_real_ones(api: Api, shared: Path, slug: str) -> None:
    (market,) = api.get("/markets", slug=slug)
    samples = all_market_samples(shared)
    open_ones = open_market_samples(shared)
    needed = set.intersection(*(set(one) for one in open_ones))
    needed -= {"bestBid", "bestAsk", "lastTradePrice", "competitive"}  # not without orders
    check_shape(market, samples, REFERENCE_MARKET_KEYS, needed)
    head = sample(shared, "gamma_market.json")["events"]
    events = [*head, sample(shared, "gamma_event.json")]
    check_shape(market["events"][0], events, REFERENCE_EVENT_KEYS, set(head[0]) - OPTIONAL_EVENT)


OPTIONAL_EVENT = {"competitive", "series", "seriesSlug"}


def test_events_have_the_keys_and_types_of_real_ones(api: Api, shared: Path) -> None:
    real = sample(shared, "gamma_event.json")
    (event,) = api.get("/events", slug="rate-decision-december")
    of_nobody_here = {
        "competitive",
        "countryName",
        "electionType",
        "estimateValue",
        "gmpChartMode",
        "sortBy",
        "deployingTimestamp",
    }
    check_shape(event, [real], REFERENCE_EVENT_KEYS, set(real) - of_nobody_here)
    check_shape(event["tags"][0], real["tags"], {}, {"id", "label", "slug"})
    assert event["negRisk"] is event["enableNegRisk"] is True
    assert event["negRiskAugmented"] is False
    assert len(event["markets"]) == 3


def test_resolved_markets_have_the_keys_and_types_of_real_ones(api: Api, shared: Path) -> None:
    entry = entry_of(api.sandbox, STANDARD_SLUG)
    api.sandbox.resolve_market(entry.listed.market.market, 10_000, START_NS)
    (market,) = api.get("/markets", slug=STANDARD_SLUG)
    check_shape(market, all_market_samples(shared), REFERENCE_MARKET_KEYS, set())
    assert market["closed"] is market["active"] is True
    assert market["acceptingOrders"] is False
    assert json.loads(market["outcomePrices"]) == ["1", "0"]
    assert market["umaResolutionStatus"] == "resolved"


def test_ids_are_json_in_a_string_or_an_array_by_protocol(api: Api) -> None:
    (v1,), (v2,) = (api.get("/markets", slug=slug) for slug in (STANDARD_SLUG, V2_SLUG))
    tokens = entry_of(api.sandbox, STANDARD_SLUG).listed.tokens()
    assert (v1["version"], v2["version"]) == ("v1", "v2")
    assert tuple(json.loads(v1["clobTokenIds"])) == tokens
    assert v1["positionIds"] is v2["clobTokenIds"] is None
    assert tuple(v2["positionIds"]) == entry_of(api.sandbox, V2_SLUG).listed.tokens()
    assert json.loads(v1["outcomes"]) == ["Up", "Down"]
    assert (len(v1["conditionId"]), len(v2["conditionId"])) == (66, 64)


def test_prices_and_fees_are_those_of_the_market(api: Api) -> None:
    (market,) = api.get("/markets", slug=STANDARD_SLUG)
    assert (market["bestBid"], market["bestAsk"], market["spread"]) == (0.4, 0.6, 0.2)
    assert json.loads(market["outcomePrices"]) == ["0.5", "0.5"]
    assert "lastTradePrice" not in market
    before = market["volumeNum"]
    assert market["feeSchedule"] == {
        "exponent": 1,
        "rate": 0.07,
        "takerOnly": True,
        "rebateRate": 0.2,
    }
    api.rest(STANDARD_SLUG, BUY, 4_500, 10, is_no=True)
    api.rest(STANDARD_SLUG, BUY, 5_500, 10)
    (traded,) = api.get("/markets", slug=STANDARD_SLUG)
    assert traded["lastTradePrice"] == 0.55
    assert traded["volumeNum"] == float(traded["volume"]) == before + 5.5
    (free,) = api.get("/markets", slug="next-secretary-general-ek")
    assert (free["feesEnabled"], free["feeType"]) == (False, None)
    assert "bestBid" not in free


def test_open_interest_counts_an_events_pool_once(api: Api) -> None:
    pools = {id(m.pool): m.pool for m in api.sandbox.exchange.markets.all()}
    total_e6 = sum(pool.collateral_e6 for pool in pools.values())
    interests = [event["openInterest"] for event in api.get("/events", limit=500)]
    assert sum(interests) * 10**6 == total_e6


def test_the_exchanges_client_reads_every_event_and_market(api: Api) -> None:
    events = [Event.parse_response(event) for event in api.get("/events")]
    markets = [ClientMarket.parse_response(market) for market in api.get("/markets")]
    assert [market.slug for market in markets] == names(api.get("/markets"))
    assert sum(len(event.markets) for event in events) == len(markets) == 14
    assert {market.version for market in markets} == {"v1", "v2"}


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("order", ["id", "slug", "endDate", "volumeNum"])
@pytest.mark.parametrize("ascending", ["true", "false"])
def test_keyset_pages_are_the_whole_in_order(
    api: Api, limit: int, order: str, ascending: str
) -> None:
    query = {"limit": limit, "order": order, "ascending": ascending}
    page = api.get("/markets/keyset", **query)
    found = names(page["markets"])
    while "next_cursor" in page and len(found) < 20:
        assert len(page["markets"]) == limit
        page = api.get("/markets/keyset", after_cursor=page["next_cursor"], **query)
        found += names(page["markets"])
    assert found == names(api.get("/markets", limit=100, order=order, ascending=ascending))
    assert len(found) == 14


def test_a_full_last_page_is_the_last(api: Api) -> None:
    assert api.get("/markets/keyset", limit=14).keys() == {"markets"}
    half = api.get("/markets/keyset", limit=7)
    rest = api.get("/markets/keyset", limit=7, after_cursor=half["next_cursor"])
    assert (len(rest["markets"]), rest.keys()) == (7, {"markets"})


def test_a_page_goes_on_behind_the_last_one_whatever_has_left(api: Api) -> None:
    first = api.get("/markets/keyset", limit=2, closed="false")
    entry = entry_of(api.sandbox, first["markets"][0]["slug"])
    expected = names(api.get("/markets", closed="false"))[2:4]
    api.sandbox.resolve_market(entry.listed.market.market, 0, START_NS)
    cursor = first["next_cursor"]
    following = api.get("/markets/keyset", limit=2, closed="false", after_cursor=cursor)
    assert names(following["markets"]) == expected


def test_a_parameter_named_cursor_is_ignored(api: Api) -> None:
    page = api.get("/events/keyset", limit=2)
    assert api.get("/events/keyset", limit=2, cursor=page["next_cursor"]) == page


def test_offset_pages(api: Api) -> None:
    everything = names(api.get("/events"))
    assert len(everything) == 6
    assert names(api.get("/events", offset=2, limit=3)) == everything[2:5]
    assert names(api.get("/events", offset=6)) == []


def test_filters_of_markets(api: Api) -> None:
    standard, v2 = (entry_of(api.sandbox, slug) for slug in (STANDARD_SLUG, V2_SLUG))
    tokens, positions = standard.listed.tokens(), v2.listed.tokens()

    def found(**query: Any) -> list[str]:
        return names(api.get("/markets", **query))

    assert found(slug=[STANDARD_SLUG, V2_SLUG]) == [STANDARD_SLUG, V2_SLUG]
    assert found(slug="no-such-market") == []
    assert found(condition_ids=[standard.clob_condition()]) == [STANDARD_SLUG]
    assert found(condition_ids=[v2.clob_condition()]) == [V2_SLUG]
    assert found(condition_ids=[v2.gamma_condition()]) == [V2_SLUG]
    assert found(clob_token_ids=[tokens[1]]) == [STANDARD_SLUG]
    assert found(clob_token_ids=[positions[0]]) == []
    assert found(position_ids=[positions[0]]) == [V2_SLUG]
    assert found(version="v2") == [V2_SLUG]
    assert found(tag_id=1) == [V2_SLUG, SPORTS_SLUG]
    assert found(id=gamma_id(api, V2_SLUG)) == [V2_SLUG]
    december = {"end_date_max": "2026-12-01"}
    assert found(end_date_min="2026-11-20T15:00:00Z", **december) == [V2_SLUG, SPORTS_SLUG]
    assert found(end_date_min="2026-11-20T16:00:00+00:00", **december) == [V2_SLUG, SPORTS_SLUG]
    assert found(end_date_min="2026-11-20T16:00:00.001Z", **december) == []
    assert len(found(end_date_max="2026-11-20T14:15:00Z", start_date_min="2026-11-20")) == 2


def gamma_id(api: Api, slug: str) -> str:
    return str(entry_of(api.sandbox, slug).market_id)


def test_closed_and_active(api: Api) -> None:
    entry = entry_of(api.sandbox, V2_SLUG)
    api.sandbox.close_market(entry.listed.market.market, START_NS)
    (market,) = api.get("/markets", slug=V2_SLUG)
    assert (market["active"], market["closed"], market["acceptingOrders"]) == (True, False, False)
    api.sandbox.resolve_market(entry.listed.market.market, 0, START_NS)
    assert names(api.get("/markets", closed="true")) == [V2_SLUG]
    assert len(api.get("/markets", closed="false", active="true")) == 13
    assert api.get("/events", closed="true") == []  # its other market is open
    sports = entry_of(api.sandbox, SPORTS_SLUG)
    api.sandbox.resolve_market(sports.listed.market.market, 0, START_NS)
    assert names(api.get("/events", closed="true")) == ["final"]
    assert api.get("/markets", active="false") == []


def test_filters_of_events(api: Api) -> None:
    def found(**query: Any) -> list[str]:
        return names(api.get("/events/keyset", **query)["events"])

    assert found(slug="final") == ["final"]
    assert found(tag_slug="crypto") == [STANDARD_SLUG, "eth-updown-15m-1795183200"]
    assert found(tag_id=120) == ["rate-decision-december"]
    assert found(end_date_min="2026-11-20T16:00:00Z", end_date_max="2026-12-01") == ["final"]
    assert found(order="slug", ascending="false")[0] == "rate-decision-december"


@pytest.mark.parametrize(
    ("path", "query", "problem"),
    [
        ("/markets/keyset", {"offset": 0}, "offset"),
        ("/events/keyset", {"offset": 1}, "offset"),
        ("/markets/keyset", {"limit": 0}, "limit"),
        ("/markets/keyset", {"limit": gamma.MARKETS_LIMIT_MAX + 1}, "limit"),
        ("/events/keyset", {"limit": gamma.EVENTS_LIMIT_MAX + 1}, "limit"),
        ("/markets", {"offset": 2_001}, "offset"),
        ("/markets", {"limit": "many"}, "limit"),
        ("/markets/keyset", {"after_cursor": "!"}, "after_cursor"),
        ("/markets/keyset", {"after_cursor": "WzEsMl0="}, "after_cursor"),
        ("/markets", {"order": "luck"}, "order"),
        ("/markets", {"closed": "maybe"}, "closed"),
        ("/markets", {"end_date_min": "soon"}, "end_date_min"),
        ("/markets", {"condition_ids": [f"0x{i:064x}" for i in range(101)]}, "condition_ids"),
    ],
)
def test_bad_queries_are_refused(api: Api, path: str, query: dict[str, Any], problem: str) -> None:
    if query.get("after_cursor") == "WzEsMl0=":
        query = query | {"order": "slug"}  # [1,2] is a place among numbers
    status, body = api.call("GET", path, **query)
    assert status == 422
    assert problem in body["error"]


def test_times_are_read_as_people_expect(api: Api) -> None:
    (market,) = api.get("/markets", slug=SPORTS_SLUG)
    assert market["gameStartTime"] == "2026-11-20 15:00:00+00"
    assert market["endDate"] == "2026-11-20T16:00:00Z"
    assert market["endDateIso"] == "2026-11-20"
    assert market["secondsDelay"] == 3
    api.advance(NS_PER_S // 2)
    (later,) = api.get("/markets", slug=SPORTS_SLUG)
    assert later["updatedAt"] == "2026-11-20T14:00:00.500Z"
