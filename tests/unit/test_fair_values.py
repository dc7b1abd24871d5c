"""Fair values: martingales that end where they must, and never contradict each other."""

from itertools import pairwise
from statistics import NormalDist, fmean

import pytest

from hfptm.opportunities import Relation
from hfptm.sandbox.fair_values import HIGH_E4, LOW_E4, NESTED_GAP_E4, phi_e4
from hfptm.sandbox.floor import Pit
from hfptm.sandbox.house import House
from hfptm.sandbox.opening import list_event, open_event
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.series import Series
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.units import NS_PER_MS, NS_PER_S, PRICE_ONE_E4

START_NS = START_MS * NS_PER_MS
MINUTE_NS = 60 * NS_PER_S


def open_pit(slug: str, seed: int = 1) -> Pit:
    """A pit of one event of the universe; nobody trades."""
    event = next(e for e in make_universe(1, 60).events if e.terms.slug.startswith(slug))
    sandbox = Sandbox(seed)
    sandbox.advance(START_NS, START_NS)
    house = House(sandbox, seed)
    list_event(sandbox, event, START_NS)
    open_event(sandbox, event, START_NS)
    return Pit(house, event, speed=1)


def test_phi_is_the_normal_distribution() -> None:
    for x in range(-6_000, 6_000, 7):
        exact_e4 = NormalDist().cdf(max(-4, min(4, x / 1_024))) * PRICE_ONE_E4
        assert abs(phi_e4(x) - exact_e4) < 2


@pytest.mark.parametrize("steps", [900, 7])
def test_a_window_ends_at_nothing_or_all_and_is_fair_until_then(steps: int) -> None:
    """However often it is looked at: a fair game, and so as likely to win as it is worth."""
    halfway, ends = [], []
    for seed in range(150):
        pit = open_pit("btc-updown-15m", seed)
        (quoter,) = pit.quoters
        for step in range(1, steps + 1):
            pit.fair_values.move(0, START_NS + 15 * MINUTE_NS * step // steps)
            if step == steps // 2:
                halfway.append(quoter.fair_e4)
        ends.append(quoter.fair_e4)
        assert pit.fair_values.payouts_e4() == [quoter.fair_e4]
    assert set(ends) == {0, PRICE_ONE_E4}
    for worth_e4 in (halfway, ends):
        assert abs(fmean(worth_e4) - PRICE_ONE_E4 / 2) < 1_300
    # Phi of a Brownian path halfway has a known spread.
    assert 0.4 < fmean([2_500 < fair_e4 < 7_500 for fair_e4 in halfway]) < 0.8


@pytest.mark.parametrize("slug", ["rate-decision", "election-1", "album", "person", "launched"])
def test_outcomes_stay_consistent(slug: str) -> None:
    pit = open_pit(slug)
    relation = pit.event.group.relation if pit.event.group else Relation.NONE
    before_e4 = [quoter.fair_e4 for quoter in pit.quoters]
    for step in range(1, 3_000):
        pit.fair_values.move(step % len(pit.quoters), START_NS + step * MINUTE_NS)
        fairs_e4 = [quoter.fair_e4 for quoter in pit.quoters]
        assert LOW_E4 <= min(fairs_e4) <= max(fairs_e4) <= HIGH_E4
        if relation is Relation.NESTED:
            gaps_e4 = [late - early for early, late in pairwise(fairs_e4)]
            assert min(gaps_e4) >= NESTED_GAP_E4
        else:
            assert sum(before_e4) - len(fairs_e4) <= sum(fairs_e4) <= sum(before_e4)
    assert max(abs(a - b) for a, b in zip(before_e4, fairs_e4, strict=True)) > 500, "it moves"


def test_small_steps_add_up() -> None:
    """A thousand looks within a minute move a value as far as one does, on average."""
    spreads = []
    for looks in (1, 1_000):
        ends_e4 = []
        for seed in range(120):
            pit = open_pit("will-it-happen-2", seed)
            start_e4 = pit.quoters[0].fair_e4
            for look in range(1, looks + 1):
                pit.fair_values.move(0, START_NS + MINUTE_NS * look // looks)
            ends_e4.append(pit.quoters[0].fair_e4 - start_e4)
        spreads.append(fmean(abs(end_e4) for end_e4 in ends_e4))
        assert abs(fmean(ends_e4)) < 20
    assert 0.7 < spreads[0] / spreads[1] < 1.4


def test_somebody_elses_view_is_taken_over() -> None:
    pit = open_pit("will-it-happen-2")
    pit.quoters[0].fair_e4 = 5_000
    pit.fair_values.move(0, START_NS + NS_PER_S)
    assert abs(pit.quoters[0].fair_e4 - 5_000) < 100


def test_one_of_those_that_exclude_each_other_wins_as_likely_as_it_was_worth() -> None:
    pit = open_pit("rate-decision")
    won = [pit.fair_values.payouts_e4().index(PRICE_ONE_E4) for _ in range(2_000)]
    assert {sum(pit.fair_values.payouts_e4()) for _ in range(50)} == {PRICE_ONE_E4}
    for index, quoter in enumerate(pit.quoters):
        assert abs(won.count(index) / 2_000 - quoter.fair_e4 / PRICE_ONE_E4) < 0.05


def test_a_window_waits_for_its_start() -> None:
    event = Series(seed=1, name="btc", period_s=300, speed=1).round(
        START_NS // (300 * NS_PER_S) + 1
    )
    sandbox = Sandbox(1)
    sandbox.advance(START_NS, START_NS)
    house = House(sandbox, 1)
    list_event(sandbox, event, START_NS)
    open_event(sandbox, event, START_NS)
    pit = Pit(house, event, speed=1)
    pit.fair_values.move(0, event.times.starts_ns - 1)
    assert pit.quoters[0].fair_e4 == PRICE_ONE_E4 // 2
