"""Intervals around shares: published values, and how often they hold the truth."""

import numpy as np
import pytest

from replay.confidence import EVENTS_MIN, ratio_by_event, share_by_event, totals_by_event, wilson


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # R. G. Newcombe, Stat. Med. 17 (1998) 857, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(count: int, total: int, low: float, high: float) -> None:
    found = wilson(count, total)
    assert found.value == count / total
    assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)


def test_all_of_everything_is_within_its_own_interval() -> None:
    for total in range(1, 200):
        assert (wilson(0, total).low, wilson(total, total).high) == (0.0, 1.0)


def test_nothing_was_tried() -> None:
    found = wilson(0, 0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert ratio_by_event([], []).low is None


def test_few_events_have_no_interval() -> None:
    few = [1.0] * (EVENTS_MIN - 1)
    assert ratio_by_event(few, few).low is None
    assert ratio_by_event([*few, 1.0], [*few, 1.0]).low == 1.0
    assert ratio_by_event([*few, 0.0], [*few, 0.0]).low is None  # an event without trades is none


def test_where_all_was_had_events_are_the_trials() -> None:
    for share in (0.0, 1.0):
        whole = share_by_event([share * 3] * 12, [3.0] * 12)
        assert whole == wilson(round(share) * 12, 12)
        assert ratio_by_event([share * 3] * 12, [3.0] * 12).high == share
    mixed = [3.0] * 11 + [0.0]
    assert share_by_event(mixed, [3.0] * 12) == ratio_by_event(mixed, [3.0] * 12)
    few = [3.0] * (EVENTS_MIN - 1)
    assert share_by_event(few, few).low is None


def test_whole_events_are_drawn_again() -> None:
    """Of 20 events of 100 trades each that are all alike within, as good as 20 trades."""
    parts, wholes = [100.0] * 10 + [0.0] * 10, [100.0] * 20
    found = ratio_by_event(parts, wholes)
    assert found.value == 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(4 * 0.5 / 20**0.5, rel=0.15)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        wholes = rng.integers(1, 50, 40)
        parts = wholes * rng.beta(8, 2, 40)
        found = ratio_by_event(list(map(float, parts)), list(map(float, wholes)))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.8 <= found.high
    assert 88 <= held <= 99


def test_totals_of_one_row_are_as_wide_as_their_spread() -> None:
    rng = np.random.default_rng(5)
    gains = rng.normal(3, 1, 100)
    (found,) = totals_by_event(gains)
    assert found.value == pytest.approx(gains.sum())
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * gains.std() * 10, rel=0.1)


def test_many_rows_that_were_tried_widen_all() -> None:
    rng = np.random.default_rng(6)
    gains = rng.normal(0, 1, (50, 60))
    (alone,) = totals_by_event(gains[0])
    together = totals_by_event(gains)[0]
    assert alone.low is not None
    assert together.low is not None
    assert (together.value - together.low) > 1.4 * (alone.value - alone.low)


def test_the_best_of_many_that_gain_nothing_is_rarely_clear_of_nothing() -> None:
    """At most one time in twenty, by what the interval says; alone it would be nearly always."""
    rng = np.random.default_rng(7)
    together = alone = 0
    for _ in range(100):
        gains = rng.normal(0, 1, (30, 40))
        best = max(totals_by_event(gains), key=lambda found: found.value)
        (naive,) = totals_by_event(gains[np.argmax(gains.sum(axis=1))])
        together += best.low is not None and best.low > 0
        alone += naive.low is not None and naive.low > 0
    assert together <= 8
    assert alone >= 25


def test_rows_that_do_nothing_and_few_events() -> None:
    still, moving = totals_by_event([[0.0] * 8, [1.0] * 8])
    assert (still.value, still.low, still.high) == (0, 0, 0)
    assert moving.low == moving.high == 8
    assert totals_by_event([[1.0] * (EVENTS_MIN - 1)])[0].low is None


def test_one_event_alone_proves_nothing() -> None:
    (found,) = totals_by_event([[1000.0] + [0.0] * 30])
    assert found.low is not None
    assert found.low < 0
