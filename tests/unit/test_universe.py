"""What is offered: markets of every kind in any number, and rounds that follow each other."""

from collections import Counter

import pytest

from hfptm.opportunities import Relation
from hfptm.registry import group_id, problem
from hfptm.sandbox.listings import Role
from hfptm.sandbox.offers import FEE_RATES_E4
from hfptm.sandbox.series import SPEED_MAX, Series
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, PRICE_ONE_E4
from hfptm.venue.signing import EXCHANGE_V3, domain_of

START_NS = START_MS * NS_PER_MS
SERIES = Series(seed=1, name="btc", period_s=300, speed=1)
GAMES = Series(seed=1, name="1", period_s=10_800, speed=1, is_game=True)


@pytest.mark.parametrize("markets", [12, 13, 60, 500, 5_000])
def test_there_are_as_many_markets_as_asked_for_and_none_twice(markets: int) -> None:
    universe = make_universe(1, markets)
    found = universe.markets
    assert len(found) == markets
    assert len({m.slug for m in found}) == len({m.market for m in found}) == markets
    assert len({token for m in found for token in (m.yes_token, m.no_token)}) == 2 * markets
    assert [problem(market) for market in found] == [None] * markets


def test_the_first_twelve_stay_what_they_are() -> None:
    twelve = make_universe(1)
    assert [m.slug for m in twelve.markets[:2]] == [
        "btc-updown-15m-1795183200",
        "eth-updown-15m-1795183200",
    ]
    assert make_universe(1, 500).markets[:12] == twelve.markets
    assert make_universe(2).markets[0].condition_id != twelve.markets[0].condition_id


def test_every_kind_is_there() -> None:
    universe = make_universe(1, 300)
    relations = Counter(group.relation for group in universe.groups)
    assert set(relations) == {Relation.EXACTLY_ONE, Relation.AT_MOST_ONE, Relation.NESTED}
    assert {market.tick_e4 for market in universe.markets} == {1, 10, 25, 50, 100}
    assert {market.version for market in universe.markets} == {"v1", "v2"}
    assert {len(e.offers) for e in universe.events if e.group} >= {2, 3, 4, 5, 9}
    roles = Counter(o.listing.role for e in universe.events for o in e.offers)
    assert roles[Role.PLACEHOLDER] == roles[Role.OTHER] > 0
    assert {m.fee_rate_e4 for m in universe.markets} == {FEE_RATES_E4["geopolitics"], 400, 500, 700}
    assert {s.period_s for s in universe.series} == {300, 900, 10_800}


def test_what_belongs_together_adds_up() -> None:
    for event in make_universe(1, 300).events:
        fairs_e4 = [offer.fair_e4 for offer in event.offers]
        markets = [offer.listing.market for offer in event.offers]
        relation = event.group.relation if event.group else Relation.NONE
        assert all(0 < fair_e4 < PRICE_ONE_E4 for fair_e4 in fairs_e4)
        if relation is Relation.EXACTLY_ONE:
            assert sum(fairs_e4) == PRICE_ONE_E4
        if relation is Relation.NESTED:
            assert fairs_e4 == sorted(fairs_e4)
            assert event.terms.is_cumulative
        is_neg_risk = relation in (Relation.EXACTLY_ONE, Relation.AT_MOST_ONE)
        assert {market.neg_risk for market in markets} == {is_neg_risk}
        assert bool(event.terms.neg_risk_id) == is_neg_risk
        if event.group:
            assert event.group.group == group_id(event.terms.neg_risk_id or event.terms.slug)
            assert {market.group for market in markets} == {event.group.group}


def test_v2_markets_have_position_ids() -> None:
    for market in make_universe(1, 300).markets:
        is_v2 = market.version == "v2"
        for token in (market.yes_token, market.no_token):
            assert (domain_of(token, neg_risk=False) is EXCHANGE_V3) == is_v2
        assert len(market.condition_id) == (64 if is_v2 else 66)


@pytest.mark.parametrize("speed", [1, 7, 60, SPEED_MAX])
def test_windows_follow_each_other_and_the_next_is_listed_before_it_begins(speed: int) -> None:
    series = Series(seed=1, name="btc", period_s=300, speed=speed)
    first = series.round_at(START_NS)
    now, following = series.round(first), series.round(first + 1)
    length_ns = 300 * NS_PER_S // speed
    assert now.times.starts_ns <= START_NS < now.times.ends_ns
    assert now.times.ends_ns - now.times.starts_ns == length_ns
    assert following.times.starts_ns == now.times.ends_ns
    assert now.times.starts_ns - length_ns < following.times.lists_ns < now.times.starts_ns
    assert following.times.lists_ns < following.times.opens_ns < now.times.starts_ns + length_ns
    waits_ns = [
        series.round(n).times.resolves_ns - series.round(n).times.ends_ns for n in range(200)
    ]
    assert 53 * NS_PER_S // speed <= min(waits_ns) < 60 * NS_PER_S // speed
    assert 145 * NS_PER_S // speed < max(waits_ns) < 153 * NS_PER_S // speed
    slugs = {series.round(first + n).terms.slug for n in range(200)}
    assert len(slugs) == 200
    assert now.offers[0].listing.itode_ms == 150, "the protocol's, at any speed"


def test_a_window_is_named_by_its_start() -> None:
    event = SERIES.round(SERIES.round_at(START_NS))
    assert event.terms.slug == f"btc-updown-5m-{START_MS // 1_000}"
    assert event.terms.series_slug == "btc-up-or-down-5m"
    assert event.offers[0].terms.outcomes == ("Up", "Down")
    assert event.offers[0].terms.window_start_ns == START_NS


def test_a_game_clears_its_books_when_it_starts_and_delays_takers() -> None:
    event = GAMES.round(GAMES.round_at(START_NS))
    for offer in event.offers:
        assert offer.listing.game_start_ns == event.times.starts_ns
        assert offer.listing.clears_at_start
        assert offer.listing.sd_s == 1
    assert event.times.starts_ns < event.times.ends_ns < event.times.resolves_ns


@pytest.mark.parametrize(("markets", "speed"), [(11, 1), (12, 0), (12, SPEED_MAX + 1)])
def test_what_cannot_be_is_refused(markets: int, speed: int) -> None:
    with pytest.raises(ValueError, match=r"at least 12|is not between"):
        make_universe(1, markets, speed=speed)
