"""Which markets are recorded: every filter, priority, room, and windows ahead of their start."""

from typing import Any

import msgspec
import numpy as np
import pytest

from hfptm import clock
from hfptm.opportunities import Relation
from hfptm.registry import Group, market_id
from hfptm.sections import Discovery
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.listings import Listed
from recorder.selection import Choice, Refused, Rules, rules_of, select
from tests.gamma import (
    NOW_NS,
    condition,
    event_json,
    listed,
    market_json,
    neg_risk_markets,
    read,
    window_json,
)

MINUTE_NS = 60 * NS_PER_S


def make_rules(**settings: Any) -> Rules:
    return rules_of(Discovery(**settings))


def by_id(*found: Listed) -> dict[int, Listed]:
    return {each.market.market: each for each in found}


def number_of(chosen: frozenset[int]) -> set[int]:
    """The numbers that the helpers made condition ids from."""
    numbers = {market_id(condition(number)): number for number in range(1, 200)}
    return {numbers[each] for each in chosen}


def choose(
    *found: Listed, recorded: tuple[int, ...] = (), now_ns: int = NOW_NS, **rules: Any
) -> Choice:
    ids = frozenset(market_id(condition(number)) for number in recorded)
    return select(by_id(*found), ids, make_rules(**rules), now_ns)


def window(number: int, start_ns: int, minutes: int = 5, **event: Any) -> Listed:
    (found,) = read(event_json(window_json("btc", minutes, start_ns, number), **event)).listed
    return found


def with_volume(number: int, dollars: int, category: str = "sports", **more: Any) -> Listed:
    event = {"tags": [{"slug": category}]}
    return listed(number, volume24hr=dollars, event=event, **more)


def why(found: Listed, **rules: Any) -> Refused | None:
    refused = choose(found, **rules).refused
    return next(iter(refused), None)


def test_each_filter() -> None:
    assert why(with_volume(1, 1_000)) is None
    assert why(with_volume(1, 999)) is Refused.LOW_VOLUME
    assert why(with_volume(1, 999), min_volume_24h_usd=0) is None
    assert why(listed(1, liquidityNum=9.99)) is Refused.LOW_LIQUIDITY
    assert why(listed(1, liquidityNum=10)) is None


@pytest.mark.parametrize(
    ("blacklist", "is_listed"),
    [
        ("", True),
        (condition(1), False),
        (condition(2), True),
        ("market-1", False),
        ("event-1", False),
        ("other, MARKET 1", False),
        ("market", False),
        ("arket", True),
        ("market-11", True),
        ("a question", False),
    ],
)
def test_blacklist(blacklist: str, is_listed: bool) -> None:
    found = listed(1, question="Is it? A question!")
    assert bool(choose(found, blacklisted_markets=blacklist).chosen) == is_listed
    assert (why(found, blacklisted_markets=blacklist) is None) == is_listed


def test_a_market_long_after_its_end_is_dead() -> None:
    assert why(listed(1, endDate="2026-11-16T00:00:00Z")) is None
    assert why(listed(1, endDate="2026-11-15T00:00:00Z")) is Refused.DEAD
    assert why(listed(1, endDate=None, event={"endDate": None})) is None


def test_an_event_is_dead_only_if_all_its_outcomes_are() -> None:
    ends = ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]
    for end, reasons in ((ends[1], []), ("2026-11-02T00:00:00Z", [Refused.DEAD])):
        markets = [market_json(1, endDate=ends[0]), market_json(2, endDate=end)]
        found = read(event_json(*markets, cumulativeMarkets=True)).listed
        assert list(choose(*found).refused) == reasons


def test_of_equal_volumes_the_smaller_id_is_chosen() -> None:
    found = (with_volume(1, 5_000), with_volume(2, 5_000))
    for order in (found, found[::-1]):
        assert number_of(choose(*order, max_order_books=1).chosen) == {1}


def test_priority_is_by_category_then_by_volume() -> None:
    found = (
        with_volume(1, 9_000, "weather"),
        with_volume(2, 2_000, "crypto"),
        with_volume(3, 5_000, "crypto"),
        with_volume(4, 2_000, "sports"),
        with_volume(5, 8_000, "finance"),
    )
    for room, chosen in ((1, {4}), (2, {4, 3}), (3, {4, 3, 2}), (4, {4, 3, 2, 1})):
        choice = choose(*found, max_order_books=room)
        assert number_of(choice.chosen) == chosen
        assert choice.refused == {Refused.NO_ROOM: 5 - room}


def event(count: int, first: int, dollars: int) -> list[Listed]:
    markets = neg_risk_markets(count, first, volume24hr=dollars)
    for market in markets:
        market["negRiskMarketID"] = condition(first)
    return read(event_json(*markets, slug=f"event-{first}")).listed


def test_an_event_with_exclusive_outcomes_is_chosen_whole_or_not_at_all() -> None:
    found = (*event(3, 10, 900), *event(2, 20, 800), with_volume(1, 1_000))
    assert number_of(choose(*found).chosen) == {1, 10, 11, 12, 20, 21}
    assert number_of(choose(*found, max_order_books=5).chosen) == {10, 11, 12, 20, 21}
    assert number_of(choose(*found, max_order_books=4).chosen) == {10, 11, 12, 1}
    assert number_of(choose(*found, max_order_books=2).chosen) == {20, 21}


def test_an_event_is_measured_by_all_its_outcomes_together() -> None:
    assert choose(*event(3, 10, 300)).refused == {Refused.LOW_VOLUME: 3}
    assert len(choose(*event(3, 10, 334)).chosen) == 3
    assert not choose(*event(3, 10, 900), blacklisted_markets="market-11").chosen


def test_markets_of_an_event_without_a_relation_stand_alone() -> None:
    group = Group(group=5, slug="e", relation=Relation.NONE, members=2, convertible=False)
    found = [
        msgspec.structs.replace(
            with_volume(number, dollars),
            group=group,
            market=msgspec.structs.replace(with_volume(number, 1).market, group=5),
        )
        for number, dollars in ((1, 2_000), (2, 500))
    ]
    assert number_of(choose(*found).chosen) == {1}


def test_a_recorded_market_stays_at_half_of_what_a_new_one_needs() -> None:
    assert choose(with_volume(1, 500), recorded=(1,)).removed == {}
    choice = choose(with_volume(1, 499), recorded=(1,))
    assert choice.removed == {market_id(condition(1)): Refused.LOW_VOLUME}
    assert choose(listed(1, liquidityNum=5), recorded=(1,)).removed == {}


def test_a_new_market_takes_a_place_with_more_than_twice_the_volume() -> None:
    for dollars, chosen in ((1_999, {1}), (2_001, {2})):
        found = (with_volume(1, 1_000), with_volume(2, dollars))
        choice = choose(*found, recorded=(1,), max_order_books=1)
        assert number_of(choice.chosen) == chosen
    assert choice.removed == {market_id(condition(1)): Refused.NO_ROOM}
    assert number_of(choice.added) == {2}


def test_what_is_not_listed_any_more_is_removed() -> None:
    choice = choose(with_volume(1, 5_000), recorded=(1, 2))
    assert choice.removed == {market_id(condition(2)): Refused.NOT_LISTED}
    assert choice.added == frozenset()


def test_windows_are_recorded_from_some_time_before_their_start_until_they_resolve() -> None:
    start_ns = NOW_NS + 60 * MINUTE_NS
    for after_ns, reason in (
        (-15 * MINUTE_NS - 1, Refused.TOO_EARLY),
        (-15 * MINUTE_NS, None),
        (0, None),
        (15 * MINUTE_NS, None),
        (15 * MINUTE_NS + 1, Refused.DEAD),
    ):
        assert why(window(1, start_ns), now_ns=start_ns + after_ns) is reason


def test_windows_come_first_though_nobody_has_traded_them() -> None:
    found = (window(1, NOW_NS), with_volume(2, 9_000))
    assert number_of(choose(*found, max_order_books=1).chosen) == {1}


def test_a_window_is_measured_by_its_series_where_that_is_known() -> None:
    for dollars, reason in ((99, Refused.LOW_VOLUME), (100, None)):
        series = [{"slug": "btc-up-or-down-5m", "volume24hr": dollars}]
        assert why(window(1, NOW_NS, series=series)) is reason
    series = [{"slug": "btc-up-or-down-5m", "volume24hr": 50}]
    assert choose(window(1, NOW_NS, series=series), recorded=(1,)).removed == {}


def test_only_short_windows_of_up_or_down_series_count() -> None:
    assert why(window(1, NOW_NS, minutes=65)) is None
    assert why(window(1, NOW_NS, minutes=66)) is Refused.LOW_VOLUME
    assert why(window(1, NOW_NS), short_window_s=0) is Refused.LOW_VOLUME
    game = {"eventStartTime": "2026-11-22T12:00:00Z", "endDate": "2026-11-22T12:30:00Z"}
    assert why(with_volume(1, 5, **game)) is Refused.LOW_VOLUME
    assert why(with_volume(1, 5, slug="bitcoin-up-or-down-noon", **game)) is None


def test_windows_that_begin_and_end_throw_nothing_out() -> None:
    """Room is kept free for them, so the border of all other markets stays where it is."""
    others = [with_volume(number, 2_000) for number in range(1, 60)]
    recorded: frozenset[int] = frozenset()
    rules = make_rules(max_order_books=40)
    kept: list[frozenset[int]] = []
    for minute in range(60):
        now_ns = NOW_NS + minute * MINUTE_NS
        starts_ns = range(NOW_NS - 60 * MINUTE_NS, NOW_NS + 120 * MINUTE_NS, 5 * MINUTE_NS)
        windows = [window(100 + n, start_ns) for n, start_ns in enumerate(starts_ns)]
        choice = select(by_id(*others, *windows), recorded, rules, now_ns)
        recorded = choice.chosen
        in_time = [
            each for each in windows if -MINUTE_NS <= each.start_ns - now_ns <= 15 * MINUTE_NS
        ]
        assert by_id(*in_time).keys() <= recorded
        kept.append(frozenset(recorded & by_id(*others).keys()))
        assert Refused.NO_ROOM not in choice.removed.values()
    assert len(set(kept)) == 1
    assert len(kept[0]) >= 30


def many(count: int) -> dict[int, Listed]:
    """Markets of a few categories; every sixth is of an event with seven outcomes."""
    rng = np.random.default_rng(7)
    volumes = rng.lognormal(8, 2, count).astype(int)
    base, group = listed(1), read(event_json(*neg_risk_markets(2))).listed[0].group
    assert group is not None
    found = {}
    for number, volume in enumerate(volumes, 1):
        bound = number // 7 if number // 7 % 6 == 0 else 0
        found[number] = msgspec.structs.replace(
            base,
            volume_24h_e6=int(volume) * ONE_E6,
            group=msgspec.structs.replace(group, group=bound) if bound else None,
            market=msgspec.structs.replace(
                base.market,
                market=number,
                group=bound,
                category=("sports", "crypto", "weather")[number % 3],
            ),
        )
    return found


def test_twenty_thousand_markets_take_well_under_a_second() -> None:
    found = many(20_000)
    rules = make_rules(max_order_books=5_000, blacklisted_markets="one, two, three")
    began_ns = clock.monotonic_ns()
    first = select(found, frozenset(), rules, NOW_NS)
    took_ns = clock.monotonic_ns() - began_ns
    assert 4_990 <= len(first.chosen) <= 5_000
    assert took_ns < NS_PER_S
    again = select(found, first.chosen, rules, NOW_NS)
    assert (again.added, again.removed) == (frozenset(), {})
