"""What pauses the beginning of plans: slow answers, a spent budget, doubtful books, dear gas."""

import pytest

from hfptm.opportunities import Reason, Relation
from hfptm.records import Control, EventFlag, EventKind, IntentKind, LegOrder
from hfptm.units import ONE_E6
from tests.kernels import LAST, MS, Kernel, Record, best, book, level, market, row
from tests.tapes import Row
from tests.unit.test_detector import grouped
from tests.unit.test_executor import done, fill, reject
from tests.unit.test_gates import answers, control, crossed, risk
from tests.unit.test_nested import CHEAP, DEAR, dated

PAUSE_MS = 10_000


def entries(kernel: Kernel) -> list[Record]:
    return [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]


def rounds(kernel: Kernel, ts_ms: int, latency_ms: int, slot: int = 0) -> int:
    """An opportunity whose two orders are answered after so long; what was said of it."""
    kernel.intents.clear()
    kernel.apply([*book(ts_ms - 1, slot, {4_000: 9}, {6_000: 9}), *crossed(ts_ms, slot)])
    said = answers(kernel)[-1]
    kernel.apply([reject(ts_ms + latency_ms, order) for order in entries(kernel)])
    return said


def slow_lane() -> Kernel:
    kernel = Kernel({"max_order_latency_ns": 100 * MS, "pause_ns": PAUSE_MS * MS})
    kernel.apply([market(0), market(1)])
    return kernel


def test_three_slow_answers_in_a_row_pause_and_one_more_pauses_again() -> None:
    kernel = slow_lane()
    assert [rounds(kernel, 1_000, 101), rounds(kernel, 2_000, 101)] == [0, 0]
    assert risk(kernel)["slow_orders"] == 4
    assert rounds(kernel, 3_000, 0) == Reason.ORDER_LATENCY
    refused = kernel.decisions[-1]
    assert (refused["limit"], refused["value"]) == (100 * MS, 101 * MS)
    over_ms = 2_101 + PAUSE_MS
    assert rounds(kernel, over_ms - 1, 0) == Reason.ORDER_LATENCY
    assert rounds(kernel, over_ms, 101) == 0
    assert rounds(kernel, over_ms + 1_000, 0) == Reason.ORDER_LATENCY
    kernel.apply([control(over_ms + 1_100, Control.RESUME)])
    assert rounds(kernel, over_ms + 1_200, 100) == 0
    assert risk(kernel)["slow_orders"] == 0


def test_the_third_slow_answer_pauses_not_the_second() -> None:
    """One order a plan: the leg that goes first alone is missed."""
    params = {"max_order_latency_ns": 100 * MS, "pause_ns": PAUSE_MS * MS}
    kernel = Kernel({**params, "leg_order": LegOrder.THINNEST_FIRST})
    kernel.apply([market(0)])
    assert [rounds(kernel, 1_000 * turn, 101) for turn in (1, 2, 3)] == [0, 0, 0]
    assert risk(kernel)["slow_orders"] == 3
    assert rounds(kernel, 4_000, 0) == Reason.ORDER_LATENCY


def test_only_the_first_report_of_an_order_tells_its_latency() -> None:
    kernel = slow_lane()
    for turn in (1, 2):
        start_ms = 1_000 * turn
        kernel.intents.clear()
        kernel.apply(crossed(start_ms))
        yes, no = entries(kernel)
        kernel.apply([fill(start_ms + 50, yes, 4_500, 10), reject(start_ms + 60, no)])
        kernel.apply([done(start_ms + 900, yes), *book(start_ms + 950, 0, {}, {})])
    assert risk(kernel)["slow_orders"] == 0


def test_an_answer_in_time_starts_the_count_anew() -> None:
    kernel = slow_lane()
    for turn in range(6):
        assert rounds(kernel, 1_000 * (turn + 1), 101 if turn % 2 == 0 else 100) == 0
    off = Kernel({"pause_ns": PAUSE_MS * MS})
    off.apply([market(0)])
    assert [rounds(off, 1_000 * turn, 900) for turn in range(1, 6)] == [0] * 5


def test_an_order_that_nobody_answers_pauses_before_its_answer() -> None:
    """Any report is an answer; of the two, the second order is still waited for."""
    kernel = slow_lane()
    kernel.apply(crossed(1_000))
    yes, no = entries(kernel)
    kernel.apply([row(EventKind.UNKNOWN, 1_050, 0, aux=yes["order"])])
    for ts_ms, reason in ((1_100, Reason.TAKEN), (1_101, Reason.ORDER_LATENCY)):
        other = slow_lane()
        other.apply([*crossed(1_000), row(EventKind.UNKNOWN, 1_050, 0, aux=yes["order"])])
        other.apply(crossed(ts_ms, 1))
        assert answers(other)[-1] == reason
    assert other.decisions[-1]["value"] == 101 * MS
    kernel.apply([fill(1_060, no, 4_000, 9), *crossed(5_000, 1)])
    assert answers(kernel)[-1] == Reason.TAKEN


def test_a_basket_needs_the_budget_of_all_its_legs() -> None:
    kernel = Kernel({"order_interval_ns": 1_000 * MS, "order_burst": 3})
    kernel.apply([market(0), *crossed(10)])
    kernel.apply([market(1), *crossed(20, 1)])
    assert answers(kernel) == [Reason.TAKEN, Reason.ORDER_RATE]
    assert (kernel.decisions[-1]["limit"], kernel.decisions[-1]["value"]) == (3, 4)
    kernel.apply(crossed(1_009, 1))
    assert answers(kernel) == [Reason.TAKEN, Reason.ORDER_RATE]
    assert len(entries(kernel)) == 2
    kernel.apply(crossed(1_010, 1))
    assert len(entries(kernel)) == 4


def test_a_basket_of_more_legs_than_the_burst_is_never_bought() -> None:
    """However long nothing left: the budget is full, not more than full."""
    kernel = Kernel({"order_interval_ns": 1_000 * MS, "order_burst": 1})
    kernel.apply([market(0), *crossed(100_000)])
    assert answers(kernel) == [Reason.ORDER_RATE]
    assert (kernel.decisions[-1]["limit"], kernel.decisions[-1]["value"]) == (1, 2)


def distrusted(ts_ms: int, how: str) -> list[Row]:
    """A check of the book in slot 0 fails at that time."""
    if how == "hash":
        flags = LAST | EventFlag.BEST_YES | EventFlag.HASH_BAD
        return [best(ts_ms, 0, 4_000, 6_000, flags=flags)]
    if how == "doubt":
        return [best(ts_ms, 0, 4_000, 6_000, flags=LAST | EventFlag.MAYBE_BAD)]
    if how == "off grid":
        return [level(ts_ms, 0, 0, 4_050, 1)]
    return [best(ts_ms - 1, 0, 3_000, 7_000), best(ts_ms, 0, 4_000, 6_000)]


@pytest.mark.parametrize("how", ["hash", "doubt", "off grid", "mismatch"])
def test_a_book_that_failed_a_check_is_not_bought_on_for_a_while(how: str) -> None:
    for after_ms, reason in ((499, Reason.FAILED_BOOK), (500, Reason.TAKEN)):
        kernel = Kernel({"failed_book_ns": 500 * MS})
        kernel.apply([market(0), *book(10, 0, {4_000: 9}, {6_000: 9}), *distrusted(1_000, how)])
        kernel.apply(crossed(1_000 + after_ms))
        assert answers(kernel)[-1] == reason
        assert kernel.market(0)["bad"] == 0  # the full book is believed
    kernel.apply([market(0), *crossed(1_501)])
    assert answers(kernel)[-1] == Reason.TAKEN  # another market in its slot is not to blame


def test_dear_gas_forbids_what_has_to_be_merged_or_converted() -> None:
    def gas(wei: int) -> Row:
        return row(EventKind.GAS, 1, 0, aux=wei)

    for wei, reason in ((100, Reason.TAKEN), (101, Reason.GAS_PRICE)):
        kernel = Kernel({"max_gas_wei": 100})
        kernel.apply([gas(wei), market(0), *crossed(10)])
        assert answers(kernel) == [reason]
        kernel = Kernel({"max_gas_wei": 100})
        kernel.apply(
            [gas(wei), *grouped(Relation.AT_MOST_ONE, ({6_000: 50}, {}), ({5_500: 40}, {}))]
        )
        assert answers(kernel) == [reason]
    assert (kernel.decisions[-1]["limit"], kernel.decisions[-1]["value"]) == (100, 101)
    kernel = Kernel({"max_gas_wei": 100})
    kernel.apply([gas(101), *dated((1, DEAR), (2, CHEAP))])
    assert answers(kernel) == [Reason.TAKEN]  # it is held until resolution
    kernel.apply([gas(99), market(7), *crossed(20, 7)])
    assert answers(kernel)[-1] == Reason.TAKEN


def test_the_order_of_what_forbids_a_plan() -> None:
    """Everything forbids this one; lifted one by one, the next is named, as docs/risk.md has it."""
    kernel = Kernel()
    kernel.apply([market(0), market(1), *crossed(10, 1)])
    yes, _ = entries(kernel)
    kernel.apply([fill(20, yes, 4_500, 100)])
    lane, state = kernel.state.params[0], kernel.state.risk[0]
    kernel.state.counters[0]["gas_price_wei"], kernel.state.markets[0]["failed_ns"] = 2, 1
    state["latch"] = Reason.DRAWDOWN
    for name in ("paused_until_ns", "slow_until_ns", "budget_ns"):
        state[name] = 1 << 60
    lane["max_order_latency_ns"] = 1_000_000 * MS
    lane["order_interval_ns"], lane["order_burst"] = 1, 64
    lane["max_gas_wei"], lane["failed_book_ns"] = 1, 1 << 60
    lane["max_lag_ns"], lane["max_age_ns"] = -1, 1
    lane["max_drift_e6"], lane["max_plans"], lane["min_liquidity_e6"] = -1, 1, 10**6 * ONE_E6
    found = []
    for turn, (record, field, value) in enumerate(
        (
            (state, "latch", 0),
            (state, "paused_until_ns", 0),
            (state, "slow_until_ns", 0),
            (state, "budget_ns", 0),
            (lane, "max_gas_wei", 2),
            (lane, "failed_book_ns", 0),
            (lane, "max_lag_ns", 1 << 60),
            (lane, "max_age_ns", 0),
            (lane, "max_drift_e6", 0),
            (lane, "max_plans", 2),
            (lane, "min_liquidity_e6", 0),
            (lane, "min_liquidity_e6", 0),
        )
    ):
        ts_ms = 30 + 2 * turn
        calm = book(ts_ms, 0, {4_000: 9}, {6_000: 9}, venue_ms=ts_ms - 1)
        kernel.apply([*calm, *crossed(ts_ms + 1, venue_ms=ts_ms)])
        found.append(Reason(answers(kernel)[-1]).name)
        record[field] = value
    assert found == [*BARRED, "TAKEN"]


BARRED = (
    "DRAWDOWN",
    "FAILURES",
    "ORDER_LATENCY",
    "ORDER_RATE",
    "GAS_PRICE",
    "FAILED_BOOK",
    "FEED_LAG",
    "STALE_BOOK",
    "INVENTORY_DRIFT",
    "CONCURRENT_PLANS",
    "LIQUIDITY_BELOW_MINIMUM",
)
"""Each after a latch; a return below the minimum is asked for locked baskets alone."""
