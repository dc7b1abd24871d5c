"""What ends trading, what pauses it, and what lifts either."""

import pytest

from hfptm.kernel.result import DAY_NS
from hfptm.opportunities import Phase, Reason, Relation
from hfptm.records import Control, EventKind, IntentKind, Side
from hfptm.units import ONE_E6
from tests.compiled import note_held
from tests.kernels import (
    MS,
    Kernel,
    Levels,
    Record,
    Venue,
    book,
    group,
    market,
    resolved,
    row,
    timer,
)
from tests.tapes import Row
from tests.unit.test_detector import grouped
from tests.unit.test_executor import done, fill, reject
from tests.unit.test_nested import CHEAP, DEAR, dated

DAY_MS = DAY_NS // MS
FIFTY = 50 * ONE_E6
LOST_E6 = 41_160_000
"""Of `losing_round`: 117.6 YES bought at 0.45, sold at 0.10."""


def crossed(ts_ms: int, slot: int = 0, **fields: int) -> list[Row]:
    """YES at 0.45 and NO at 0.40."""
    return book(ts_ms, slot, {6_000: 1_000}, {4_500: 1_000}, **fields)


def losing_round(ts_ms: int) -> list[Row]:
    """The NO is gone before its order arrives, and nobody wants the YES."""
    rows = crossed(ts_ms)
    for after_ms in (20, 100, 300, 400):
        rows += book(ts_ms + after_ms, 0, {1_000: 1_000}, {4_500: 1_000})
    return rows


def control(ts_ms: int, word: Control) -> Row:
    return row(EventKind.CONTROL, ts_ms, 0, aux=word)


def loser(**limits: int) -> Venue:
    venue = Venue({"max_outlay_e6": 100 * ONE_E6, **limits})
    venue.apply([market(0)])
    return venue


def answers(kernel: Kernel) -> list[int]:
    """Why each opportunity was taken or not, at first."""
    return [d["reason"] for d in kernel.decisions if d["phase"] == 0]


def risk(kernel: Kernel) -> Record:
    return {name: int(kernel.state.risk[0][name]) for name in kernel.state.risk.dtype.names or ()}


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("daily_loss_e6", Reason.DAILY_LOSS), ("max_drawdown_e6", Reason.DRAWDOWN)],
)
def test_a_loss_at_its_limit_ends_trading_until_a_human_lifts_it(
    limit: str, reason: Reason
) -> None:
    venue = loser(**{limit: FIFTY})
    venue.apply([*losing_round(1_000), *losing_round(2_000)])
    assert venue.lane()["realised_e6"] == -2 * LOST_E6
    venue.apply([*losing_round(3_000), *losing_round(DAY_MS), *losing_round(3 * DAY_MS)])
    assert answers(venue) == [Reason.TAKEN, Reason.TAKEN, reason, reason, reason]
    refused = [d for d in venue.decisions if d["reason"] == reason]
    assert {(d["limit"], d["plan"]) for d in refused} == {(FIFTY, 0)}
    assert FIFTY <= refused[0]["value"] <= 2 * LOST_E6
    assert venue.lane()["realised_e6"] == -2 * LOST_E6
    resumed_ms = 3 * DAY_MS + 500
    venue.apply([control(resumed_ms, Control.RESUME), *losing_round(resumed_ms + 100)])
    assert answers(venue)[5:] == [Reason.TAKEN]
    assert venue.lane()["realised_e6"] == -3 * LOST_E6
    assert risk(venue)["latch"] == 0  # counted from the resumption


def test_the_first_reason_stays() -> None:
    venue = loser(daily_loss_e6=FIFTY, max_drawdown_e6=FIFTY + ONE_E6)
    venue.apply([*losing_round(1_000), *losing_round(2_000), *losing_round(3_000)])
    assert answers(venue) == [Reason.TAKEN, Reason.TAKEN, Reason.DAILY_LOSS]


def test_each_day_may_lose_anew() -> None:
    venue = loser(daily_loss_e6=FIFTY)
    for day in range(4):
        venue.apply(losing_round(day * DAY_MS + 1_000))
    assert answers(venue) == 4 * [Reason.TAKEN]
    venue.apply(losing_round(3 * DAY_MS + 2_000))
    venue.apply(losing_round(3 * DAY_MS + 3_000))
    assert answers(venue)[4:] == [Reason.TAKEN, Reason.DAILY_LOSS]


def stranded() -> Kernel:
    """A hundred YES without partners, bought at 0.45; their book bids 0.44."""
    kernel = Kernel({"daily_loss_e6": 20 * ONE_E6})
    kernel.apply([market(0), *book(10, 0, {6_000: 100}, {4_500: 100})])
    yes, no = (i for i in kernel.intents if i["kind"] == IntentKind.PLACE)
    kernel.apply(book(20, 0, {}, {6_200: 500}))
    kernel.apply([fill(30, yes, 4_500, 100), done(30, yes), reject(30, no)])
    kernel.apply(book(40, 0, {4_400: 500}, {6_200: 500}))
    return kernel


def test_what_is_held_is_marked_at_its_bid_though_nothing_is_sold() -> None:
    kernel = stranded()
    assert risk(kernel)["latch"] == Reason.DAILY_LOSS  # without a bid it is worth nothing
    kernel.apply([control(50, Control.RESUME), timer(2_000)])
    assert (risk(kernel)["unrealised_e6"], risk(kernel)["latch"]) == (-ONE_E6, 0)
    kernel.apply([*book(3_000, 0, {2_000: 9}, {6_200: 9}), timer(4_000)])
    assert (risk(kernel)["unrealised_e6"], risk(kernel)["latch"]) == (-25 * ONE_E6, 13)


def test_what_is_lost_while_nobody_looks_counts_for_the_new_day() -> None:
    kernel = stranded()
    kernel.apply([control(50, Control.RESUME), *book(3_000, 0, {2_000: 9}, {6_200: 9})])
    kernel.apply([timer(DAY_MS + 1)])
    assert risk(kernel)["latch"] == Reason.DAILY_LOSS


def test_a_gain_counts_when_it_is_realised() -> None:
    kernel = stranded()
    kernel.apply([control(50, Control.RESUME), *book(60, 0, {9_000: 9}, {9_900: 9}), timer(2_000)])
    assert (risk(kernel)["unrealised_e6"], risk(kernel)["result_e6"]) == (0, 0)
    kernel.apply([resolved(2_100, 0, 10_000), timer(4_000)])
    assert risk(kernel)["peak_e6"] == risk(kernel)["result_e6"] == 55 * ONE_E6


def holder(**limits: int) -> Kernel:
    """A hundred YES at 0.44 of no plan; their book bids 0.44, and 0.10 from 1,500 on."""
    kernel = Kernel(limits)
    kernel.apply([market(0), market(1), *book(10, 0, {4_400: 500}, {6_200: 500})])
    held = kernel.state.positions[0, 0, 0]
    held["size_e6"], held["cost_e6"] = 100 * ONE_E6, 44 * ONE_E6
    note_held(kernel.state, 0, 0)
    kernel.apply([timer(1_000), *book(1_500, 0, {1_000: 500}, {6_200: 500})])
    return kernel


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("daily_loss_e6", Reason.DAILY_LOSS), ("max_drawdown_e6", Reason.DRAWDOWN)],
)
def test_before_a_plan_what_is_held_is_marked_anew(limit: str, reason: Reason) -> None:
    """The bid fell since the last report or timer: the loss is just what the limit forbids."""
    kernel = holder(**{limit: 34 * ONE_E6})
    assert risk(kernel)["latch"] == 0
    kernel.apply(crossed(2_000, 1))
    assert answers(kernel) == [reason]
    assert risk(kernel)["latch_value"] == 34 * ONE_E6


def test_marks_are_at_most_a_second_old() -> None:
    kernel = holder()
    for ts_ms, unrealised_e6 in ((1_999, 0), (2_000, -34 * ONE_E6)):
        kernel.apply([timer(ts_ms)])
        assert risk(kernel)["unrealised_e6"] == unrealised_e6


def test_locked_baskets_are_marked_at_cost() -> None:
    kernel = holder()
    held = kernel.state.positions[0, 0, 0]
    held["locked_size_e6"], held["locked_cost_e6"] = 60 * ONE_E6, 28 * ONE_E6
    note_held(kernel.state, 0, 0)
    kernel.apply([timer(2_000)])
    assert risk(kernel)["unrealised_e6"] == 4 * ONE_E6 - 16 * ONE_E6


def test_sets_on_their_way_are_marked_at_cost() -> None:
    """Beside a loss, as a gain is never marked."""
    kernel = holder()
    kernel.intents.clear()
    kernel.apply(crossed(1_600, 1))
    yes, no = (i for i in kernel.intents if i["kind"] == IntentKind.PLACE)
    kernel.apply([fill(1_610, yes, 4_500, 100), done(1_610, yes), fill(1_610, no, 4_000, 100)])
    kernel.apply([*book(1_620, 1, {1_000: 9}, {9_900: 9}), done(1_630, no), timer(3_000)])
    assert kernel.intents[-1]["kind"] == IntentKind.MERGE
    assert risk(kernel)["unrealised_e6"] == -34 * ONE_E6


def test_who_resumes_forgets_failures() -> None:
    kernel = Kernel()
    kernel.state.risk["failures"], kernel.state.risk["paused_until_ns"] = 5, 1 << 60
    kernel.apply([control(10, Control.RESUME)])
    assert (risk(kernel)["failures"], risk(kernel)["paused_until_ns"]) == (0, 0)


def test_a_word_that_nobody_knows_is_counted_and_changes_nothing() -> None:
    kernel = Kernel()
    kernel.apply([control(10, word) for word in Control])
    before = risk(kernel)
    assert kernel.counters()["unused_rows"] == 0
    kernel.apply([row(EventKind.CONTROL, 10, 0, aux=max(Control) + 1)])
    assert kernel.counters()["unused_rows"] == 1
    assert risk(kernel) == before


def test_what_resolved_is_marked_no_more() -> None:
    kernel = stranded()
    kernel.apply([timer(2_000), resolved(2_100, 0, 0), timer(2_200)])
    assert (risk(kernel)["unrealised_e6"], risk(kernel)["result_e6"]) == (0, -45 * ONE_E6)


def test_an_unseen_book_marks_at_cost() -> None:
    kernel = stranded()
    kernel.apply([control(50, Control.RESUME), row(EventKind.GAP, 60, 0), timer(2_000)])
    assert risk(kernel)["unrealised_e6"] == 0


def test_locked_baskets_and_sets_on_their_way_to_cash_are_worth_their_cost() -> None:
    venue = Venue()
    venue.apply([*dated((1, DEAR), (2, CHEAP)), *book(100, 0, {100: 9}, {9_900: 9})])
    venue.apply([*book(110, 1, {100: 9}, {9_900: 9}), timer(3_000), timer(6_000)])
    assert venue.lane()["locked_e6"] == 45 * ONE_E6
    assert risk(venue)["unrealised_e6"] == 0
    kernel = Kernel()
    kernel.apply([market(0), *book(10, 0, {6_000: 100}, {4_500: 100})])
    orders = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    kernel.apply(book(20, 0, {4_000: 500}, {6_200: 500}))
    kernel.apply([fill(30, order, order["price_e4"], 100) for order in orders])
    assert risk(kernel)["unrealised_e6"] == -7 * ONE_E6  # 0.05 on YES, 0.02 on NO
    kernel.apply([done(30, order) for order in orders])
    assert kernel.intents[-1]["kind"] == IntentKind.MERGE
    assert risk(kernel)["unrealised_e6"] == 0


@pytest.mark.parametrize(
    ("word", "reason", "sold"),
    [(Control.STOP, Reason.STOPPED, True), (Control.HALT, Reason.HALTED, False)],
)
def test_after_a_stop_what_is_under_way_goes_on_after_a_halt_nothing_does(
    word: Control, reason: Reason, sold: bool
) -> None:
    venue = loser()
    venue.apply([*losing_round(1_000)[:8], control(1_040, word)])
    venue.apply([*losing_round(1_060)[4:], *losing_round(3_000)])
    assert answers(venue) == [Reason.TAKEN, reason]
    sides = {i["side"] for i in venue.intents if i["kind"] == IntentKind.PLACE}
    assert sides == ({Side.BID, Side.ASK} if sold else {Side.BID})
    assert venue.state.positions[0, 0, 0]["size_e6"] == (0 if sold else 117_600_000)
    held_back = [d["reason"] for d in venue.decisions if d["phase"] == Phase.ORDER]
    assert held_back == ([] if sold else [reason])
    assert venue.lane()["withheld"] == len(held_back)
    venue.apply([control(5_000, Control.RESUME), *losing_round(6_000)])
    assert answers(venue)[2:] == [Reason.TAKEN]
    venue.check_accounts()


def test_a_stop_takes_the_place_of_a_latch_a_halt_of_both_and_an_unknown_word_is_none() -> None:
    kernel = stranded()
    kernel.apply([control(50, Control.STOP)])
    assert (risk(kernel)["latch"], risk(kernel)["latch_value"]) == (Reason.STOPPED, 0)
    unused = kernel.counters()["unused_rows"]
    kernel.apply([row(EventKind.CONTROL, 60, 0, aux=9)])
    assert risk(kernel)["latch"] == Reason.STOPPED
    assert kernel.counters()["unused_rows"] == unused + 1
    kernel.apply([control(70, Control.HALT), control(80, Control.STOP)])
    assert risk(kernel)["latch"] == Reason.HALTED
    kernel.apply([control(90, Control.RESUME)])
    assert risk(kernel)["latch"] == 0


def test_failures_in_a_row_pause_and_one_more_pauses_again() -> None:
    kernel = Kernel({"max_failures": 2, "pause_ns": 10_000 * MS})
    kernel.apply([market(0)])

    def attempt(ts_ms: int, *, fills: bool = False) -> int:
        kernel.intents.clear()
        kernel.apply(crossed(ts_ms))
        orders = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
        for order in orders:
            shares = order["size_e6"] // ONE_E6
            filled = [fill(ts_ms, order, order["price_e4"], shares), done(ts_ms, order)]
            kernel.apply(filled if fills else [reject(ts_ms, order)])
        kernel.apply(book(ts_ms + 1, 0, {4_000: 9}, {6_000: 9}))
        return answers(kernel)[-1]

    assert [attempt(0), attempt(10), attempt(20), attempt(10_009)] == [0, 0, 15, 15]
    [refused, _] = [d for d in kernel.decisions if d["reason"] == Reason.FAILURES]
    assert (refused["limit"], refused["value"]) == (2, 2)
    assert [attempt(10_010), attempt(10_020), attempt(20_009)] == [0, 15, 15]
    assert [attempt(20_010, fills=True), attempt(20_030), attempt(20_040)] == [0, 0, 0]
    assert attempt(20_050) == Reason.FAILURES


def test_old_news_is_not_bought_on() -> None:
    for lag_ms, reason in ((500, Reason.TAKEN), (501, Reason.FEED_LAG)):
        kernel = Kernel({"max_lag_ns": 500 * MS})
        kernel.apply([market(0), *crossed(2_000, venue_ms=2_000 - lag_ms)])
        assert answers(kernel) == [reason]
    assert (kernel.decisions[0]["limit"], kernel.decisions[0]["value"]) == (500 * MS, 501 * MS)
    kernel = Kernel({"max_lag_ns": 500 * MS})
    kernel.apply([*dated((1, DEAR), (2, ({}, {}))), *book(DAY_MS, 1, *CHEAP)])
    assert answers(kernel) == [Reason.TAKEN]  # one book is fresh, the other only quiet


def test_a_leg_whose_book_was_silent_for_too_long_is_not_bought() -> None:
    """The second book comes at 10 ms like the first, and changes again later."""
    for after_ms, reason in ((500, Reason.TAKEN), (501, Reason.STALE_BOOK)):
        kernel = Kernel({"max_age_ns": 500 * MS})
        kernel.apply(dated((1, DEAR), (2, ({3_000: 50}, {6_000: 50}))))
        kernel.apply(book(10 + after_ms, 1, *CHEAP))
        assert answers(kernel) == [reason]
    kernel = Kernel({"max_age_ns": 0})
    kernel.apply([*dated((1, DEAR), (2, ({}, {}))), *book(DAY_MS, 1, *CHEAP)])
    assert answers(kernel) == [Reason.TAKEN]


def test_so_many_plans_at_once() -> None:
    kernel = Kernel({"max_plans": 2})
    for slot in range(3):
        kernel.apply([market(slot), *crossed(10 + slot, slot)])
    assert answers(kernel) == [Reason.TAKEN, Reason.TAKEN, Reason.CONCURRENT_PLANS]
    assert (kernel.decisions[-1]["limit"], kernel.decisions[-1]["value"]) == (2, 2)


def test_a_leg_that_offers_too_few_shares() -> None:
    for shares, reason in ((100, Reason.TAKEN), (99, Reason.LIQUIDITY_BELOW_MINIMUM)):
        kernel = Kernel({"min_liquidity_e6": 100 * ONE_E6})
        kernel.apply([market(0), *book(10, 0, {6_000: 500}, {4_500: shares, 5_000: 0})])
        assert answers(kernel) == [reason]
    assert kernel.decisions[0]["limit"] == 100 * ONE_E6
    assert kernel.decisions[0]["value"] == 99 * ONE_E6


DAY_S = DAY_MS // 1_000
PAIR_E6 = 111_111
"""Five dollars of profit for 45 of outlay."""


@pytest.mark.parametrize(
    ("ends", "value"),
    [
        ((DAY_S // 2, DAY_S), PAIR_E6),
        ((1, 2), PAIR_E6),  # a day at least
        ((DAY_S, 10 * DAY_S), PAIR_E6 // 10),
    ],
)
def test_a_locked_basket_must_earn_its_days(ends: tuple[int, int], value: int) -> None:
    for least_e6, reason in ((value, Reason.TAKEN), (value + 1, Reason.RETURN_BELOW_MINIMUM)):
        kernel = Kernel({"min_return_e6": least_e6})
        kernel.apply(dated((ends[0], DEAR), (ends[1], CHEAP)))
        assert answers(kernel) == [reason]
    assert (kernel.decisions[0]["limit"], kernel.decisions[0]["value"]) == (value + 1, value)


def test_what_is_merged_or_converted_at_once_is_not_locked() -> None:
    """Nor asked for an end, unlike a basket that would be held for nobody knows how long."""
    least = {"min_return_e6": ONE_E6 - 1}
    kernel = Kernel(least)
    kernel.apply([market(0), *crossed(10)])
    assert answers(kernel) == [Reason.TAKEN]
    bids: list[tuple[Levels, Levels]] = [({6_000: 50}, {}), ({5_500: 40}, {})]
    for convertible, reason in ((1, Reason.TAKEN), (0, Reason.RETURN_BELOW_MINIMUM)):
        kernel = Kernel(least)
        rows = grouped(Relation.AT_MOST_ONE, *bids)
        kernel.apply([group(0, Relation.AT_MOST_ONE, 2, convertible), *rows[1:]])
        assert answers(kernel) == [reason]
    assert kernel.decisions[0]["value"] == 0


@pytest.mark.parametrize("held", ["holds_pairs", "holds_baskets"])
def test_what_an_account_cannot_merge_or_convert_is_locked(held: str) -> None:
    least = {"min_return_e6": 1, held: 1}
    pair, no_basket = Kernel(least), Kernel(least)
    pair.apply([market(0), *crossed(10)])
    no_basket.apply(grouped(Relation.AT_MOST_ONE, ({6_000: 50}, {}), ({5_500: 40}, {})))
    found = {"holds_pairs": answers(pair)[0], "holds_baskets": answers(no_basket)[0]}
    locked, free = found.pop(held), found.popitem()[1]
    assert (locked, free) == (Reason.RETURN_BELOW_MINIMUM, Reason.TAKEN)
