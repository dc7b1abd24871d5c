"""Buckets against the times themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hfptm.histogram import BOUNDS_NS, MINUTE_S, TOLD, Timing, counted, percentile_ns
from hfptm.units import NS_PER_S

times = st.integers(-1_000_000, 150 * NS_PER_S) | st.sampled_from(BOUNDS_NS.tolist())
seconds = st.integers(0, 200)


def rank(took_ns: list[int], percent: int) -> int:
    return sorted(took_ns)[-(-len(took_ns) * percent // 100) - 1]


def test_bounds_grow_by_a_seventh_at_most() -> None:
    assert (BOUNDS_NS[0], BOUNDS_NS[-1]) == (1_000, 100 * NS_PER_S)
    assert (np.diff(BOUNDS_NS) * 7 <= BOUNDS_NS[:-1]).all()
    assert BOUNDS_NS[TOLD].tolist()[:4] == [1_000, 2_500, 5_000, 10_000]
    assert len(TOLD) == 25


@given(st.lists(times, min_size=1), st.integers(1, 100))
def test_a_percentile_is_never_too_low_and_a_seventh_too_high_at_most(
    took_ns: list[int], percent: int
) -> None:
    told, exact = percentile_ns(counted(np.array(took_ns)), percent), rank(took_ns, percent)
    exact = min(max(exact, 1_000), 100 * NS_PER_S)
    assert exact <= told <= exact + exact // 7


@given(st.lists(times))
def test_a_bucket_holds_all_up_to_its_bound(took_ns: list[int]) -> None:
    below = np.cumsum(counted(np.array(took_ns, np.int64)))
    for bound_ns, count in zip(BOUNDS_NS[:-1].tolist(), below[:-1].tolist(), strict=True):
        assert count == sum(each <= bound_ns for each in took_ns)
    assert below[-1] == len(took_ns)


@given(st.lists(st.tuples(seconds, st.lists(times, max_size=5)), max_size=40))
def test_a_minute_holds_the_last_sixty_seconds(given: list[tuple[int, list[int]]]) -> None:
    timing = Timing()
    given.sort(key=lambda each: each[0])
    for second, took_ns in given:
        timing.add(np.array(took_ns, np.int64), second * NS_PER_S + 7)
    now_s = given[-1][0] if given else 0
    every = np.array([t for _, took_ns in given for t in took_ns], np.int64)
    recent = [t for second, took_ns in given for t in took_ns if second > now_s - MINUTE_S]
    assert (timing.counts == counted(every)).all()
    assert timing.sum_ns == np.maximum(every, 0).sum()
    assert (timing.minute(now_s * NS_PER_S) == counted(np.array(recent, np.int64))).all()
    assert timing.minute((now_s + MINUTE_S) * NS_PER_S).sum() == 0
    assert percentile_ns(timing.minute((now_s + MINUTE_S) * NS_PER_S), 50) == 0
