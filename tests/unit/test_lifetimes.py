"""Lifetimes against the textbook, against counting, and with bands that know of events."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.units import NS_PER_MS
from replay.confidence import EVENTS_MIN
from replay.lifetimes import POINTS_MAX, QUARTILES, Lives, survival

# Freireich et al. (1963), the remission times in weeks of 21 patients given 6-mercaptopurine; the
# product-limit estimate stands in most textbooks.
ENDED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CUT = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
TEXTBOOK = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}


def lives(ended_ms: list[int], cut_ms: list[int], events: list[int] | None = None) -> Lives:
    after_ms = np.array([*ended_ms, *cut_ms], np.int64)
    is_cut = np.repeat([False, True], [len(ended_ms), len(cut_ms)])
    of_event = np.array(events or range(len(after_ms)), np.int64)
    return Lives(after_ms * NS_PER_MS, is_cut, of_event)


def test_the_textbook() -> None:
    found = survival("all", lives(ENDED, CUT))
    assert (found.n, found.censored, found.events) == (21, 12, 21)
    assert dict(zip(found.after_ms, found.alive, strict=True)) == pytest.approx(TEXTBOOK, abs=5e-5)
    assert [quartile.after_ms for quartile in found.quartiles] == [13, 23, None]
    assert found.low is not None
    assert found.high is not None
    assert all(map(lambda low, high: low < high, found.low, found.high))


def test_what_was_cut_short_is_no_end() -> None:
    """To leave them out, or to take them as ended, would say that opportunities live shorter."""
    honest = survival("all", lives(ENDED, CUT)).quartiles[1].after_ms
    left_out = survival("all", lives(ENDED, [])).quartiles[1].after_ms
    as_ended = survival("all", lives(ENDED + CUT, [])).quartiles[1].after_ms
    assert honest is not None
    assert left_out is not None
    assert as_ended is not None
    assert max(left_out, as_ended) < honest


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_with_every_end_seen_it_is_counting(ended_ms: list[int]) -> None:
    found = survival("all", lives(ended_ms, []))
    counted = [np.mean(np.array(ended_ms) > after) for after in found.after_ms]
    assert found.alive == pytest.approx(counted, abs=1e-12)
    for quartile in found.quartiles:
        gone = [np.mean(np.array(ended_ms) <= after) for after in sorted(set(ended_ms))]
        first = next(i for i, share in enumerate(gone) if share >= quartile.percent / 100 - 1e-12)
        assert quartile.after_ms == sorted(set(ended_ms))[first]


def test_nothing_that_ended() -> None:
    found = survival("binary", lives([], [5] * EVENTS_MIN))
    assert (found.alive, found.after_ms, found.low) == ([], [], [])
    assert [quartile.after_ms for quartile in found.quartiles] == [None] * len(QUARTILES)


def test_of_few_events_no_band_is_said() -> None:
    found = survival("all", lives(ENDED, CUT, [number % (EVENTS_MIN - 1) for number in range(21)]))
    assert (found.low, found.high) == (None, None)
    assert all(quartile.low_ms is None for quartile in found.quartiles)


def test_lives_of_one_event_are_not_independent() -> None:
    """A hundred copies of each life in its event say no more than one."""
    ended_ms = list(range(1, 9))
    once = survival("all", lives(ended_ms, []))
    copies = survival("all", lives(ended_ms * 100, [], list(range(8)) * 100))
    apart = survival("all", lives(ended_ms * 100, []))
    assert copies.quartiles == once.quartiles
    assert copies.low == pytest.approx(once.low)
    assert once.low is not None
    assert apart.low is not None
    assert apart.low[3] > once.low[3] + 0.1


def test_a_long_curve_is_thinned_and_its_quartiles_are_not() -> None:
    found = survival("all", lives(list(range(1, 1_001)), []))
    assert len(found.after_ms) == POINTS_MAX
    assert (found.after_ms[0], found.after_ms[-1], found.alive[-1]) == (1, 1_000, 0)
    assert [quartile.after_ms for quartile in found.quartiles] == [250, 500, 750]
