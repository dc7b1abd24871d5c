"""Noise is never called an edge, what pays every day is, and little data is said to be little."""

from typing import Any

import numpy as np
import pytest

from replay.reality_check import ALPHA, reality_check
from replay.verdict import DAYS_MIN, EVENTS_MIN, FIRST_DAYS, Results, Verdict, judge

DAYS, EVENTS, SETS = 7, 12, 200


def days(count: int) -> tuple[str, ...]:
    return tuple(f"2026-04-{number + 1:02d}" for number in range(count))


def results(result_e6: np.ndarray, count: int = DAYS) -> Results:
    """(S, count x events), each event of one day."""
    cells = result_e6.shape[1]
    day = np.arange(cells) * count // cells
    return Results(days(count), day, np.arange(cells) + 100, result_e6.astype(np.int64))


def settings(sets: int) -> list[dict[str, Any]]:
    return [{"sim.seed": n % 4, "trading.min_edge": n // 4 / 100} for n in range(sets)]


def noise(seed: int, sets: int = SETS, cells: int = DAYS * EVENTS) -> np.ndarray:
    """Luck with a long tail; half of it is common to all sets, as sets of one sweep are alike."""
    rng = np.random.default_rng(seed)
    return 1e6 * (rng.standard_t(4, cells) + rng.standard_t(4, (sets, cells)))


def verdict(result_e6: np.ndarray, count: int = DAYS) -> Verdict:
    return judge(settings(len(result_e6)), results(result_e6, count))


def test_the_best_of_much_noise_is_no_edge() -> None:
    words = [verdict(noise(seed)).verdict.word for seed in range(15)]
    assert words == ["no edge"] * 15


def test_noise_is_at_its_level_without_walking_forward() -> None:
    found = [
        reality_check(row, int(row.sum(axis=1).argmax())).p_value
        for row in (noise(seed, 40).astype(np.int64) for seed in range(150))
    ]
    assert np.mean(np.array(found) < ALPHA) <= 0.03
    assert 0.3 < np.mean(np.array(found) < 0.5) < 0.7, "p-values of noise are even"


def test_what_pays_every_day_is_an_edge() -> None:
    for seed in range(4):
        result_e6 = noise(seed) - 3e6
        result_e6[17] += 4.5e6
        found = verdict(result_e6)
        assert found.verdict.word == "edge", found.verdict.sentence
        assert found.best[0].set == 17
        assert {day.set for day in found.walk_forward.days} == {17}
        assert found.correction.p_value < ALPHA
        assert found.best[0].result_e6 > found.correction.threshold_e6


def test_what_paid_only_at_first_is_no_edge() -> None:
    """The best set would stand against luck, but it was chosen on its own good days."""
    result_e6 = noise(1) - 3e6
    is_early = np.arange(DAYS * EVENTS) < FIRST_DAYS * EVENTS
    result_e6[17] += np.where(is_early, 20e6, 2e6)
    found = verdict(result_e6)
    assert found.best[0].set == 17
    assert found.correction.p_value < ALPHA
    assert found.verdict.word == "no edge"
    assert "winners chosen on the days before" in found.verdict.sentence


def test_trying_more_makes_the_same_result_worth_less() -> None:
    lucky = noise(3, 1) + 0.45e6
    alone = reality_check(lucky.astype(np.int64), 0)
    among = np.concatenate([lucky, noise(4, 499)])
    many = reality_check(among.astype(np.int64), 0)
    assert many.p_value > 3 * alone.p_value
    assert many.threshold > 1.3 * alone.threshold
    assert (alone.tried, many.tried) == (1, 500)


def test_hopeless_sets_do_not_hide_a_good_one() -> None:
    good = noise(5, 1) + 0.8e6
    few = reality_check(good.astype(np.int64), 0)
    many = reality_check(np.concatenate([good, noise(6, 499) - 50e6]).astype(np.int64), 0)
    assert many.p_value <= few.p_value + 0.01


def test_one_huge_event_is_no_edge() -> None:
    result_e6 = np.zeros((SETS, DAYS * EVENTS))
    result_e6[:, 5] = 1
    result_e6[:, 1::3] = -1
    result_e6[7, 40] = 1e12
    assert verdict(result_e6).verdict.word == "no edge"


@pytest.mark.parametrize("count", range(1, DAYS_MIN))
def test_few_days_say_too_little(count: int) -> None:
    found = verdict(np.abs(noise(1, 8, count * 30)) + 1e6, count)
    assert found.verdict.word == "too little data"
    assert len(found.walk_forward.days) == max(0, count - FIRST_DAYS)


def test_few_events_say_too_little() -> None:
    found = verdict(np.abs(noise(1, 8, EVENTS_MIN - 1)) + 1e6)
    assert found.verdict.word == "too little data"
    assert str(EVENTS_MIN) in found.verdict.sentence


def test_a_week_without_any_trade_is_no_edge() -> None:
    found = verdict(np.zeros((4, 0)))
    assert found.verdict.word == "no edge"
    assert [one.result_e6 for one in found.best] == [0, 0, 0, 0]
    assert found.walk_forward.total_e6.value == 0


def test_a_winner_is_judged_on_days_it_was_not_chosen_on() -> None:
    """Two events a day; set 0 wins the first three days, set 1 all after them."""
    early = np.repeat([5, 5, 5, 0, 0, 0, 0], 2)
    late = np.repeat([0, 0, 0, 40, 40, 40, 40], 2)
    found = verdict(np.array([early, late]) * 1e6)
    assert [(day.date, day.set, day.result_e6) for day in found.walk_forward.days] == [
        ("2026-04-04", 0, 0),
        *((f"2026-04-0{day}", 1, 80_000_000) for day in (5, 6, 7)),
    ]
    assert found.walk_forward.total_e6.value == 240e6


def test_results_of_one_event_on_two_days_are_drawn_together() -> None:
    """What one event repeats is one observation, however often."""
    rng = np.random.default_rng(2)
    once = np.rint(1e6 * rng.standard_normal((5, 40)) + 0.3e6).astype(np.int64)
    twice = np.concatenate([once, once], axis=1)
    events = np.concatenate([np.arange(40), np.arange(40)])
    day = np.arange(80) * DAYS // 80
    doubled = judge(settings(5), Results(days(DAYS), day, events, twice))
    single = judge(settings(5), results(once))
    assert doubled.correction.p_value == single.correction.p_value
    assert doubled.events == single.events == 40


def test_the_key_that_matters_comes_first() -> None:
    rng = np.random.default_rng(0)
    sets = settings(SETS)
    worth = np.array([one["sim.seed"] for one in sets])[:, None] * 1e6
    found = verdict(worth + 1e5 * rng.standard_normal((SETS, DAYS * EVENTS)))
    first, second = found.sensitivity
    assert (first.key, second.key) == ("sim.seed", "trading.min_edge")
    assert first.share > 0.95 > 0.3 > second.share
    assert [point.value for point in first.profile] == [0, 1, 2, 3]
    assert [round(point.result_e6 / 84e6, 1) for point in first.profile] == [0, 1, 2, 3]
    assert len(second.profile) == 8, "fifty values are eight bins"
    best = sets[found.best[0].set]
    assert [point.value for point in first.around_best] == [0, 1, 2, 3]
    assert all(one["trading.min_edge"] != 0.5 for one in sets)
    assert best["trading.min_edge"] in [point.value for point in second.around_best]
