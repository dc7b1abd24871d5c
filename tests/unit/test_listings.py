"""From Gamma's words to markets and groups: what is taken, and what is refused and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from hfptm.clock import parse_utc_ns
from hfptm.opportunities import Relation
from hfptm.registry import group_id, market_id
from hfptm.units import NS_PER_S
from hfptm.venue.listings import Refusal, read_event
from tests.gamma import (
    NOW_NS,
    condition,
    event_json,
    events_of,
    listed,
    market_json,
    neg_risk_markets,
    page,
    read,
    window_json,
)

V2_CONDITION = "0x" + "12" * 31


def test_a_market_with_everything_said() -> None:
    found = listed(feesEnabled=True, feeSchedule={"rate": 0.0725, "exponent": 1})
    market = found.market
    assert market.market == market_id(condition(1)) == market_id(market.condition_id)
    assert (market.yes_token, market.no_token) == (str(1 << 128 | 1), str(1 << 128 | 2))
    assert (market.tick_e4, market.min_size_e6) == (100, 5_000_000)
    assert (market.fee_rate_e4, market.fee_exponent) == (725, 1)
    assert (market.slug, market.category, market.version) == ("market-1", "sports", "v1")
    assert market.end_ts_ns == parse_utc_ns("2026-12-31")
    assert market.valid_from_ns == NOW_NS
    assert (found.volume_24h_e6, found.liquidity_e6) == (5_000_250_000, 900_500_000)
    assert (found.event_slug, found.series_slug, found.series_volume_24h_e6) == (
        "event-1",
        "",
        None,
    )
    assert (found.group, market.group, found.start_ns) == (None, 0, 0)
    assert found.accepting_from_ns == parse_utc_ns("2026-11-01")


@pytest.mark.parametrize(
    ("changes", "delay_ms", "start"),
    [
        (
            {"secondsDelay": 3, "gameStartTime": "2026-11-20 15:00:00+00"},
            3_000,
            "2026-11-20T15:00Z",
        ),
        ({"secondsDelay": "1"}, 1_000, None),
        ({"secondsDelay": None, "gameStartTime": None}, 0, None),
        ({"secondsDelay": 0, "gameStartTime": "2026-11-20T15:00:00Z"}, 0, "2026-11-20T15:00Z"),
    ],
)
def test_a_game_delays_orders_from_its_start(
    changes: dict[str, Any], delay_ms: int, start: str | None
) -> None:
    market = listed(**changes).market
    assert market.game_delay_ms == delay_ms
    assert market.game_start_ns == (parse_utc_ns(start) if start else 0)


def test_ids_of_protocol_v2_are_positions_and_padded_conditions() -> None:
    found = listed(version="v2", conditionId=V2_CONDITION, positionIds=["7", "8"])
    assert (found.market.yes_token, found.market.no_token) == ("7", "8")
    assert found.market.condition_id == V2_CONDITION + "00"
    assert found.market.market == market_id(V2_CONDITION)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"active": False}, Refusal.NOT_OPEN),
        ({"closed": True}, Refusal.NOT_OPEN),
        ({"archived": True}, Refusal.NOT_OPEN),
        ({"acceptingOrders": None}, Refusal.NOT_OPEN),
        ({"enableOrderBook": False}, Refusal.NOT_OPEN),
        ({"conditionId": "0x12"}, Refusal.BAD_CONDITION),
        ({"conditionId": ""}, Refusal.BAD_CONDITION),
        ({"version": None}, Refusal.NO_VERSION),
        ({"version": "v3"}, Refusal.UNKNOWN_VERSION),
        ({"version": "v2"}, Refusal.NO_TOKENS),
        ({"clobTokenIds": "[]"}, Refusal.NO_TOKENS),
        ({"clobTokenIds": '["a", "b"]'}, Refusal.NO_TOKENS),
        ({"clobTokenIds": '["1", "2", "3"]'}, Refusal.NO_TOKENS),
        ({"outcomes": '["One"]'}, Refusal.NO_TOKENS),
        ({"feesEnabled": True}, Refusal.NO_FEE_SCHEDULE),
        ({"feesEnabled": True, "feeSchedule": {"rate": 0.04}}, Refusal.NO_FEE_SCHEDULE),
        (
            {"feesEnabled": True, "feeSchedule": {"rate": 0.04, "exponent": 0}},
            Refusal.NO_FEE_SCHEDULE,
        ),
        (
            {"feesEnabled": True, "feeSchedule": {"rate": 0.04001, "exponent": 1}},
            Refusal.NO_FEE_SCHEDULE,
        ),
        ({"feesEnabled": True, "feeSchedule": {"rate": 2, "exponent": 1}}, Refusal.BAD_RULES),
        ({"orderPriceMinTickSize": 0.02}, Refusal.BAD_RULES),
        ({"orderPriceMinTickSize": None}, Refusal.BAD_RULES),
        ({"orderMinSize": None}, Refusal.BAD_RULES),
        ({"secondsDelay": "soon"}, Refusal.BAD_RULES),
        ({"secondsDelay": 3_601}, Refusal.BAD_RULES),
        ({"clobTokenIds": '["5", "5"]'}, Refusal.BAD_RULES),
        ({"volume24hr": 5, "slug": None}, Refusal.UNREADABLE),
    ],
)
def test_what_is_not_said_is_refused_and_counted(changes: dict[str, Any], refusal: Refusal) -> None:
    reading = read(event_json(market_json(1, **changes), market_json(2)))
    assert [found.market.slug for found in reading.listed] == ["market-2"]
    assert reading.refused == {refusal: 1}


def test_closed_markets_are_handed_on_for_their_payouts() -> None:
    reading = read(event_json(market_json(1, closed=True), market_json(2)))
    assert [market.slug for market in reading.closed] == ["market-1"]


@pytest.mark.parametrize(
    ("tags", "fee_type", "category"),
    [
        (["sports", "esports", "counter-strike"], "sports_fees_v2", "esports"),
        (["politics", "geopolitics"], None, "geopolitics"),
        (["us-election", "elections"], None, "politics"),
        (["pop-culture"], "culture_fees", "culture"),
        (["bitcoin"], "crypto_fees_v2", "crypto"),
        (["bitcoin"], "_fees", "other"),
        (["bitcoin"], None, "other"),
        ([], None, "other"),
    ],
)
def test_categories(tags: list[str], fee_type: str | None, category: str) -> None:
    event = {"tags": [{"slug": slug} for slug in tags]}
    assert listed(feeType=fee_type, event=event).market.category == category


def relation_of(*markets: dict[str, Any], **changes: Any) -> Relation:
    group = read(event_json(*markets, **changes)).listed[0].group
    assert group is not None
    return group.relation


def test_a_complete_neg_risk_event_has_exactly_one_winner() -> None:
    found = read(event_json(*neg_risk_markets(3), negRiskMarketID="0x" + "AB" * 32)).listed
    groups = {each.group for each in found}
    (group,) = groups
    assert group is not None
    assert group.group == group_id("0x" + "ab" * 32)
    assert {each.market.group for each in found} == {group.group}
    assert (group.relation, group.members) == (Relation.EXACTLY_ONE, 3)
    assert group.convertible
    assert group.slug == "an-event"


@pytest.mark.parametrize(
    "event",
    [
        event_json(*neg_risk_markets(3), negRiskAugmented=True),
        event_json(*neg_risk_markets(3), negRiskAugmented=None),
        event_json(*neg_risk_markets(3), *neg_risk_markets(1, 9, closed=True)),
        event_json(*neg_risk_markets(3), *neg_risk_markets(1, 9, acceptingOrders=False)),
        event_json(*neg_risk_markets(3), *neg_risk_markets(1, 9, slug=None)),
    ],
    ids=["augmented", "not said", "dead member", "member not ready", "unreadable member"],
)
def test_an_event_that_may_be_won_by_another_has_at_most_one(event: dict[str, Any]) -> None:
    group = read(event).listed[0].group
    assert group is not None
    assert (group.relation, group.members) == (Relation.AT_MOST_ONE, 3)


def test_outcomes_by_date_are_nested_if_their_ends_order_them() -> None:
    ends = ["2026-12-01T00:00:00Z", "2026-12-31T00:00:00Z"]
    markets = [market_json(n, endDate=end) for n, end in enumerate(ends, 1)]
    assert relation_of(*markets, cumulativeMarkets=True) is Relation.NESTED
    markets[1]["endDate"] = ends[0]
    assert relation_of(*markets, cumulativeMarkets=True) is Relation.NONE
    markets[1]["endDate"] = "soon"
    assert relation_of(*markets, cumulativeMarkets=True) is Relation.NONE


def test_cumulative_outcomes_never_exclude_each_other() -> None:
    assert relation_of(*neg_risk_markets(3), cumulativeMarkets=True) is Relation.NONE


def test_other_events_of_several_markets_are_a_group_without_a_relation() -> None:
    assert relation_of(market_json(1), market_json(2)) is Relation.NONE
    assert relation_of(market_json(1), *neg_risk_markets(1, 2)) is Relation.NONE


@pytest.mark.parametrize(
    ("changes", "is_convertible"),
    [({}, True), ({"negRiskFeeBips": 0}, True), ({"negRiskFeeBips": 50}, False)],
)
def test_conversion_at_a_fee_is_none(changes: dict[str, Any], is_convertible: bool) -> None:
    group = read(event_json(*neg_risk_markets(2), **changes)).listed[0].group
    assert group is not None
    assert group.convertible == is_convertible


def test_nobody_documents_a_conversion_of_protocol_v2() -> None:
    first, second = neg_risk_markets(2, version="v2")
    first["positionIds"], second["positionIds"] = ["5", "6"], ["7", "8"]
    group = read(event_json(first, second)).listed[0].group
    assert group is not None
    assert not group.convertible


def test_windows_start_where_gamma_or_their_slug_says() -> None:
    start_ns = NOW_NS + 600 * NS_PER_S
    for said in ({}, {"eventStartTime": None}):
        (found,) = read(event_json(window_json("btc", 5, start_ns, 1, **said))).listed
        assert found.start_ns == start_ns
        assert found.market.end_ts_ns == start_ns + 300 * NS_PER_S


def test_series_and_the_clocks_of_gamma() -> None:
    series = [{"slug": "btc-up-or-down-5m", "volume24hr": 42.5}]
    found = listed(event={"series": series}, eventStartTime="2026-11-22 20:00:00+00")
    assert (found.series_slug, found.series_volume_24h_e6) == ("btc-up-or-down-5m", 42_500_000)
    assert found.start_ns == parse_utc_ns("2026-11-22T20:00:00Z")
    assert listed(event={"seriesSlug": "x", "series": series}).series_slug == "x"


def sample(shared: Path, name: str) -> Any:
    found = json.loads((shared / "recordings" / "messages" / name).read_text())
    return found[0] if isinstance(found, list) else found


def test_a_real_event(shared: Path) -> None:
    """Before protocol V2 there was no version; nothing else is missing."""
    event = sample(shared, "gamma_event.json")
    assert read(event).refused == {Refusal.NO_VERSION: 2}
    for market in event["markets"]:
        market["version"] = "v1"
    first, second = read(event).listed
    assert first.market.slug.startswith("will-stephen-a-smith")
    assert (first.market.tick_e4, first.market.min_size_e6) == (10, 5_000_000)
    assert (first.market.fee_rate_e4, first.market.category) == (0, "politics")
    assert first.volume_24h_e6 == 129_642_785_175
    assert first.group == second.group
    assert first.group is not None
    assert first.group.relation is Relation.AT_MOST_ONE


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("gamma_market.json", Refusal.NO_FEE_SCHEDULE),
        ("gamma_market_closed_binary_accepting_true.json", Refusal.NOT_OPEN),
        ("gamma_market_sports_market_money_line.json", Refusal.NOT_OPEN),
        ("gamma_market_closed_nonbinary_legacy.json", Refusal.NOT_OPEN),
    ],
)
def test_real_markets(shared: Path, name: str, refusal: Refusal) -> None:
    market = sample(shared, name) | {"version": "v1"}
    (event,) = events_of(page(event_json(market, negRisk=False))).events
    assert read_event(event, NOW_NS, parse_utc_ns).refused == {refusal: 1}
