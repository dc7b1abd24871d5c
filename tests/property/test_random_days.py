"""Show: accounts balance, no limit is passed, plans end, the same day twice is the same."""

from collections import Counter

import pytest

from hfptm.opportunities import Phase, Reason
from hfptm.records import EventKind
from tests.kernels import tape
from tests.property.kernel_tape import digest, run
from tests.property.random_days import Day, checked

SEEDS = range(11)
EXPECTED = (
    "TAKEN",
    "STOPPED",
    "HALTED",
    "DAILY_LOSS",
    "FAILURES",
    "ORDER_LATENCY",
    "ORDER_RATE",
    "GAS_PRICE",
    "FAILED_BOOK",
    "INVENTORY_DRIFT",
    "CONCURRENT_PLANS",
    "NO_CASH",
    "MARKET_EXPOSURE",
    "EVENT_EXPOSURE",
    "TOTAL_EXPOSURE",
)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_day_brings(seed: int) -> None:
    """A failing seed: `python -m tests.property.random_days SEED`."""
    venue = checked(seed)
    day = Day(seed)
    assert digest(run(day.venue(), tape(day.rows), 777)) == digest(venue)


@pytest.mark.fuzz_long
@pytest.mark.parametrize("seed", range(100, 400))
def test_whatever_many_days_bring(seed: int) -> None:
    venue = checked(seed)
    day = Day(seed)
    assert digest(run(day.venue(), tape(day.rows), 777)) == digest(venue)


def test_the_days_hold_what_they_are_for() -> None:
    """Otherwise what they show would be little."""
    reports: Counter[int] = Counter()
    reasons: Counter[int] = Counter()
    held_back: Counter[int] = Counter()
    for seed in SEEDS:
        day = Day(seed)
        venue = run(day.venue(), tape(day.rows), 1_000_000)
        reports.update(report["kind"] for report in venue.reports)
        for decision in venue.decisions:
            (held_back if decision["phase"] == Phase.ORDER else reasons)[decision["reason"]] += 1
    for kind in ("FILL", "DONE", "REJECT", "UNKNOWN", "SETTLED", "FILL_CONFIRMED", "FILL_FAILED"):
        assert reports[EventKind[kind]] > 20, kind
    for name in EXPECTED:
        assert reasons[Reason[name]] > 0, (name, reasons)
    assert held_back[Reason.HALTED] + held_back[Reason.ORDER_RATE] > 0
