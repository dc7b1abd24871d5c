"""Intervals around shares: published values, and how often they hold the truth."""

import numpy as np
import pytest

from replay.confidence import EVENTS_MIN, ratio_by_event, wilson


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
