"""The budget against the sandbox's own buckets, and by itself."""

from hypothesis import given
from hypothesis import strategies as st

from hfptm.sandbox.calls import ApiError
from hfptm.sandbox.rate_limits import Bucket, RateLimits
from hfptm.units import NS_PER_S
from hfptm.venue.rate_budget import ORDERS_STANDARD, RateBudget


@given(st.lists(st.tuples(st.integers(1, 15), st.integers(0, NS_PER_S // 2)), max_size=40))
def test_it_decides_as_the_exchange_does(calls: list[tuple[int, int]]) -> None:
    budget, limits, now_ns = RateBudget(*ORDERS_STANDARD, 0), RateLimits(), 0
    for cost, wait_ns in calls:
        now_ns += wait_ns
        try:
            limits.charge("me", Bucket.ORDERS, cost, now_ns)
            allows = True
        except ApiError:
            allows = False
        assert budget.take(cost, now_ns) == allows


def test_all_or_nothing() -> None:
    budget = RateBudget(1, 3, 0)
    assert not budget.take(4, 0)
    assert budget.take(3, 0)
    assert not budget.take(1, NS_PER_S - 1)
    assert budget.take(1, NS_PER_S)


def test_the_exchange_knows_better_if_it_says_less() -> None:
    budget = RateBudget(1, 10, 0)
    budget.lower_to("2.500", 0)
    budget.lower_to("many", 0)
    budget.lower_to("9", 0)
    assert not budget.take(3, 0)
    assert budget.take(2, 0)
    assert budget.take(1, NS_PER_S // 2)
