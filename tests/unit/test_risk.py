"""Every limit binds, names itself, and is never passed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.opportunities import Reason, Relation
from hfptm.records import EventKind, IntentKind
from hfptm.units import ONE_E6
from tests.kernels import Kernel, book, fee, group, market, row
from tests.tapes import Row

LIMITS = ("bankroll_e6", "max_market_e6", "max_event_e6", "max_total_e6", "max_outlay_e6")
REASONS = {
    "bankroll_e6": Reason.NO_CASH,
    "max_market_e6": Reason.MARKET_EXPOSURE,
    "max_event_e6": Reason.EVENT_EXPOSURE,
    "max_total_e6": Reason.TOTAL_EXPOSURE,
    "max_outlay_e6": Reason.SIZE_BELOW_MINIMUM,
}


def crossed(slot: int, ts_ms: int = 10, shares: int = 1_000) -> list[Row]:
    """YES at 0.45 and NO at 0.40: 0.85 a set before fees."""
    return book(ts_ms, slot, {6_000: shares}, {4_500: shares})


def placed_e6(kernel: Kernel) -> list[int]:
    """Dollars asked for by each entry order."""
    return [
        i["size_e6"] * i["price_e4"] // 10_000
        for i in kernel.intents
        if i["kind"] == IntentKind.PLACE
    ]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_a_hundred_dollars_binds(limit: str) -> None:
    """0.85 and its dearest fee 0.0425 a set: 112 sets fit, of which 112 spend whole cents."""
    kernel = Kernel({limit: 100 * ONE_E6})
    kernel.apply([market(0), fee(0, 500), *crossed(0)])
    assert placed_e6(kernel) == [50_400_000, 44_800_000]
    assert kernel.decisions[0]["size_e6"] == 1_000 * ONE_E6
    assert kernel.decisions[0]["reason"] == Reason.TAKEN


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_leaves_nothing_is_named(limit: str) -> None:
    kernel = Kernel({limit: ONE_E6})
    kernel.apply([market(0), fee(0, 500), *crossed(0)])
    assert placed_e6(kernel) == []
    [decision] = kernel.decisions
    assert decision["reason"] == REASONS[limit]
    assert (decision["limit"], decision["value"]) == (ONE_E6, 2 * 1_001)  # kept for roundings
    assert decision["size_e6"] == 1_000 * ONE_E6


CANARY = {"canary_outlay_e6": 20 * ONE_E6, "canary_plans": 2, "fills_settle": 1}


def bought(kernel: Kernel, slot: int, last_end: EventKind) -> None:
    """What was placed last is filled, each fill confirmed, but the last, which ends like this.

    No book is left, so what has no partner stays.
    """
    ts_ms = 10 + slot
    kernel.apply([row(EventKind.GAP, ts_ms, slot)])
    orders = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    for intent in orders:
        fields = {"aux": intent["order"], "side": intent["side"], "price_e4": intent["price_e4"]}
        fields["size_e6"] = intent["size_e6"]
        end = last_end if intent is orders[-1] else EventKind.FILL_CONFIRMED
        for kind in (EventKind.FILL, EventKind.DONE, end):
            kernel.apply([row(kind, ts_ms, slot, **fields)])


def next_size_e6(kernel: Kernel, slot: int, ts_ms: int) -> int:
    """What both entry orders of another crossed market ask for together."""
    kernel.intents.clear()
    kernel.apply([market(slot), *crossed(slot, ts_ms)])
    return sum(placed_e6(kernel))


def test_plans_are_small_until_so_many_have_proved_themselves() -> None:
    """One that the chain took back proves nothing, nor does one that bought nothing."""
    kernel = Kernel({**CANARY, "max_outlay_e6": 300 * ONE_E6, "holds_pairs": 1})
    for flag in ("confirmed", "taken_back"):
        kernel.state.plans[flag] = 1  # as plans before them in the same slots left it
    ends = (EventKind.FILL_CONFIRMED, EventKind.FILL_FAILED, EventKind.REJECT)
    for slot, end in enumerate((*ends, EventKind.FILL_CONFIRMED)):
        assert 18_000_000 < next_size_e6(kernel, slot, 10 + slot) <= 20_000_000, slot
        if end == EventKind.REJECT:
            orders = [i["order"] for i in kernel.intents if i["kind"] == IntentKind.PLACE]
            kernel.apply([row(end, 10 + slot, slot, aux=order) for order in orders])
        else:
            bought(kernel, slot, end)
        assert not kernel.state.plans["stage"].any()
    assert kernel.state.risk[0]["proven_plans"] == 2
    assert 290_000_000 < next_size_e6(kernel, 4, 20) <= 300_000_000
    kernel.check_accounts()


def test_a_market_of_no_event_is_its_own_event() -> None:
    kernel = Kernel({"max_event_e6": ONE_E6})
    kernel.apply([market(0), *crossed(0)])
    assert kernel.decisions[0]["reason"] == Reason.EVENT_EXPOSURE


def test_orders_in_flight_count_against_every_limit() -> None:
    """The first plan may spend 100; what it reserved leaves the second of the event too little."""
    for limit in ("bankroll_e6", "max_event_e6", "max_total_e6"):
        kernel = Kernel({limit: 101 * ONE_E6})
        members = [group(0, Relation.NONE, 2), market(0, group=0), market(1, group=0)]
        kernel.apply([*members, *crossed(0, shares=118), *crossed(1, ts_ms=11)])
        assert [d["reason"] for d in kernel.decisions] == [Reason.TAKEN, REASONS[limit]]
        reserved_e6 = kernel.lane()["reserved_e6"]
        assert 100_300_000 <= reserved_e6 <= 100_310_000


def test_what_is_held_counts_after_its_orders_are_over() -> None:
    kernel = Kernel({"max_market_e6": 101 * ONE_E6})
    kernel.apply([market(0), *crossed(0, shares=100)])
    for intent in [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]:
        fields = {"aux": intent["order"], "side": intent["side"]}
        price_e4 = intent["price_e4"]
        kernel.apply(
            [
                row(EventKind.FILL, 20, 0, size_e6=100 * ONE_E6, price_e4=price_e4, **fields),
                row(EventKind.DONE, 20, 0, **fields),
            ]
        )
    assert kernel.lane()["reserved_e6"] == 0
    kernel.apply([*book(30, 0, {4_400: 1}, {6_000: 1}), *crossed(0, ts_ms=40)])
    assert placed_e6(kernel)[2:] == [8_460_000, 7_520_000]  # 16 dollars of room: 18.8 sets


limits = st.integers(2, 2_000).map(lambda dollars: dollars * ONE_E6)


@given(st.fixed_dictionaries(dict.fromkeys(LIMITS, limits)), st.integers(0, 1_000))
@settings(max_examples=60)
def test_no_limit_is_ever_passed(lane: dict[str, int], rate_e4: int) -> None:
    """Three crossed markets of one event at once, every order still out."""
    kernel = Kernel(lane)
    kernel.apply([group(0, Relation.NONE, 3)])
    for slot in range(3):
        kernel.apply([market(slot, group=0), fee(slot, rate_e4), *crossed(slot, 10 + slot)])
    reserved_e6 = [int(value) for value in kernel.state.reserved[0, :3]]
    assert max(reserved_e6) <= min(lane["max_market_e6"], lane["max_outlay_e6"])
    for limit in ("bankroll_e6", "max_event_e6", "max_total_e6"):
        assert sum(reserved_e6) <= lane[limit]
    dearest = sum(placed_e6(kernel)) * (10_000 + rate_e4) // 10_000
    assert sum(reserved_e6) >= dearest
    kernel.check_accounts()
