"""What keeps a basket from being bought, or small, apart from risk: rules and numbers."""

from typing import Any

import pytest

from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason, Relation
from hfptm.records import EventKind, IntentKind, MarketTrait
from hfptm.units import FAR_NS, NS_PER_S, ONE_E6
from tests.kernels import BID, Kernel, Record, Venue, best, book, group, level, market, timer, trade
from tests.tapes import Row

MINUTE_MS = 60_000
WINDOW = int(MarketTrait.SHORT_WINDOW)


def crossed(slot: int, ts_ms: int = 10, shares: int = 1_000) -> list[Row]:
    """YES at 0.45 and NO at 0.50: 0.05 on 0.95 a set, 5.26 %, without fees."""
    return book(ts_ms, slot, {5_000: shares}, {4_500: shares})


def decided(rows: list[Row], **lane: int) -> tuple[Record, Kernel]:
    kernel = Kernel(lane)
    kernel.apply(rows)
    [decision] = kernel.decisions
    return decision, kernel


def sent_e6(kernel: Kernel) -> list[int]:
    return [i["size_e6"] for i in kernel.intents if i["kind"] == IntentKind.PLACE]


def said(decision: Record) -> tuple[int, int, int]:
    return decision["reason"], decision["limit"], decision["value"]


def test_a_blacklisted_market_is_seen_and_never_bought() -> None:
    listed = market(0, traits=MarketTrait.BLACKLISTED)
    decision, kernel = decided([listed, *crossed(0)])
    assert said(decision) == (Reason.BLACKLISTED, 0, 0)
    assert decision["size_e6"] == 1_000 * ONE_E6
    assert sent_e6(kernel) == []


def test_one_blacklisted_market_bars_its_basket_and_no_other() -> None:
    cheap = [group(0, Relation.EXACTLY_ONE, 2)]
    for slot in range(2):
        traits = MarketTrait.BLACKLISTED if slot == 0 else 0
        cheap += [market(slot, group=0, traits=traits)]
        full = book(10, slot, {}, {4_000: 50})
        cheap += full if slot == 1 else full[:-1]
    decision, _ = decided(cheap)
    assert (decision["kind"], decision["reason"]) == (
        OpportunityKind.YES_BASKET,
        Reason.BLACKLISTED,
    )
    kernel = Kernel()
    kernel.apply([*cheap, *crossed(1, 20)])
    assert (OpportunityKind.BINARY, Reason.TAKEN) in [
        (d["kind"], d["reason"]) for d in kernel.decisions
    ]


@pytest.mark.parametrize(
    ("left_ms", "reason"),
    [
        (2 * MINUTE_MS, Reason.TAKEN),
        (2 * MINUTE_MS - 1, Reason.NEAR_EXPIRY),
        (-5, Reason.NEAR_EXPIRY),
    ],
)
def test_no_short_window_is_bought_near_its_end(left_ms: int, reason: Reason) -> None:
    limit_ns = 120 * NS_PER_S
    rows = [market(0, end_ms=1_000 + left_ms, traits=WINDOW), *crossed(0, 1_000)]
    decision, _ = decided(rows, min_time_to_expiry_ns=limit_ns)
    taken = reason is Reason.TAKEN
    assert said(decision) == (reason, 0 if taken else limit_ns, 0 if taken else left_ms * 10**6)
    assert decided(rows)[0]["reason"] == Reason.TAKEN  # a limit of 0 is none


def test_other_markets_are_bought_up_to_their_end_and_after_it() -> None:
    for end_ms in (1_001, 500):
        rows = [market(0, end_ms=end_ms), *crossed(0, 1_000)]
        decision, _ = decided(rows, min_time_to_expiry_ns=120 * NS_PER_S)
        assert decision["reason"] == Reason.TAKEN


def test_short_windows_have_their_own_edge_and_size() -> None:
    """5.26 % is enough for the one, and too little for the other."""
    lane = {"min_edge_e4": 600, "window_min_edge_e4": 500, "window_max_outlay_e6": 19 * ONE_E6}
    decision, kernel = decided([market(0, traits=WINDOW), *crossed(0)], **lane)
    assert decision["reason"] == Reason.TAKEN
    assert decision["approved_e6"] == 19_800_000  # lots of 0.2; 20 would cost 19.00
    assert set(sent_e6(kernel)) == {19_800_000}
    decision, _ = decided([market(0), *crossed(0)], **lane)
    assert decision["reason"] == Reason.EDGE_BELOW_MINIMUM
    lane = {"min_edge_e4": 500, "window_min_edge_e4": 600}
    decision, _ = decided([market(0, traits=WINDOW), *crossed(0)], **lane)
    assert decision["reason"] == Reason.EDGE_BELOW_MINIMUM


def test_the_smaller_size_limit_counts_in_a_short_window() -> None:
    lane = {"max_outlay_e6": 19 * ONE_E6, "window_max_outlay_e6": 50 * ONE_E6}
    _, kernel = decided([market(0, traits=WINDOW), *crossed(0)], **lane)
    assert set(sent_e6(kernel)) == {19_800_000}


@pytest.mark.parametrize(("least_e4", "dollars"), [(500, 52), (250, 105), (100, 200), (526, 50)])
def test_the_size_grows_with_the_edge_over_its_minimum(least_e4: int, dollars: int) -> None:
    """1,000 x 0.05 x 526 / least_e4 dollars, at most 200; a set costs 0.95."""
    lane = {
        "bankroll_e6": 1_000 * ONE_E6,
        "edge_scaled_share_e4": 500,
        "min_edge_e4": least_e4,
        "max_outlay_e6": 200 * ONE_E6,
    }
    decision, _ = decided([market(0), *crossed(0)], **lane)
    spent = decision["approved_e6"] * 0.95 / ONE_E6
    assert dollars - 0.3 < spent <= dollars + 0.7
    lane["edge_scaled_share_e4"] = 0
    decision, _ = decided([market(0), *crossed(0)], **lane)
    assert 199.8 < decision["approved_e6"] * 0.95 / ONE_E6 <= 200


def test_the_score_is_the_sum_of_its_four_parts() -> None:
    """600 sets for 570: edge 5.26 %, 600 shares, more than 500 dollars, profit 30."""
    decision, _ = decided([market(0), *crossed(0, shares=600)])
    parts = (4_000 * 52_600, 3_000 * 60_000, 2_000 * 100_000, 1_000 * 59_999)
    assert decision["quality_e4"] == sum(parts) // 10_000
    for place, points_e4 in enumerate((52_600, 60_000, 100_000, 59_999)):
        weights = [10_000 if place == other else 0 for other in range(4)]
        lane: Any = {"quality_weights_e4": tuple(weights)}
        decision, _ = decided([market(0), *crossed(0, shares=600)], **lane)
        assert decision["quality_e4"] == points_e4


def test_a_score_below_the_least_is_refused_with_both() -> None:
    decision, _ = decided([market(0), *crossed(0, shares=600)])
    score_e4 = decision["quality_e4"]
    for least_e4, reason in ((score_e4, Reason.TAKEN), (score_e4 + 1, None)):
        decision, kernel = decided([market(0), *crossed(0, shares=600)], min_quality_e4=least_e4)
        if reason is None:
            assert said(decision) == (Reason.QUALITY_BELOW_MINIMUM, least_e4, score_e4)
            assert sent_e6(kernel) == []
        else:
            assert decision["reason"] == reason


def look(ts_ms: int, bid_e4: int = 7_000) -> list[Row]:
    """A frame of market 0 that the exchange's best prices confirm."""
    return [level(ts_ms, 0, BID, 100, ts_ms, flags=0), best(ts_ms, 0, bid_e4, 6_000)]


def watched(confirm_ms: int) -> Kernel:
    kernel = Kernel({"confirm_ns": confirm_ms * 10**6})
    kernel.apply([market(0), *book(10, 0, {4_000: 100}, {6_000: 100})])
    return kernel


def reasons(kernel: Kernel) -> list[tuple[int, int, int]]:
    return [(d["phase"], d["reason"], d["value"]) for d in kernel.decisions]


def test_a_crossed_book_counts_only_after_the_confirm_time() -> None:
    kernel = watched(50)
    kernel.apply([level(20, 0, BID, 7_000, 100, flags=0), best(20, 0, 7_000, 6_000)])
    assert said(kernel.decisions[0]) == (Reason.UNCONFIRMED, 50 * 10**6, 0)
    kernel.apply([*look(69)])
    assert sent_e6(kernel) == []
    kernel.apply([*look(70)])
    assert reasons(kernel) == [
        (Phase.BEGIN, Reason.UNCONFIRMED, 0),
        (Phase.CHANGE, Reason.TAKEN, 0),
    ]
    assert len(sent_e6(kernel)) == 2


def test_a_doubt_in_between_starts_the_confirm_time_anew() -> None:
    kernel = watched(50)
    kernel.apply([level(20, 0, BID, 7_000, 100, flags=0), best(20, 0, 7_000, 6_000)])
    kernel.apply([level(40, 0, BID, 200, 1)])  # crossed, and nobody says so
    kernel.apply([*look(60)])
    kernel.apply([*look(80)])
    assert sent_e6(kernel) == []
    kernel.apply([*look(110)])
    assert len(sent_e6(kernel)) == 2


def cheap_basket(confirm_ms: int) -> Kernel:
    """Outcomes at 0.40 and 0.60, without an edge yet."""
    kernel = Kernel({"confirm_ns": confirm_ms * 10**6})
    rows = [group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)]
    kernel.apply([*rows, *book(10, 0, {}, {4_000: 50}), *book(10, 1, {}, {6_000: 50})])
    assert kernel.decisions == []
    return kernel


def test_an_edge_that_was_never_in_doubt_need_not_wait() -> None:
    kernel = cheap_basket(50)
    kernel.apply([level(20, 1, 1, 5_000, 50, flags=0), best(20, 1, 0, 5_000)])
    assert [d["reason"] for d in kernel.decisions] == [Reason.TAKEN]


def test_an_edge_that_was_an_artefact_waits() -> None:
    kernel = cheap_basket(50)
    kernel.apply([level(20, 1, 1, 5_000, 50, flags=0), best(20, 1, 0, 4_900)])
    kernel.apply([level(20, 1, 1, 4_900, 50, flags=0), best(20, 1, 0, 4_900)])
    story = [(d["phase"], d["reason"], d["artefact"]) for d in kernel.decisions]
    assert story == [
        (Phase.BEGIN, Reason.ARTEFACT, Artefact.HALF_BATCH),
        (Phase.END, Reason.CONFIRMED, Artefact.HALF_BATCH),
        (Phase.BEGIN, Reason.UNCONFIRMED, 0),
    ]
    kernel.apply([level(70, 1, 1, 9_000, 5, flags=0), best(70, 1, 0, 4_900)])
    assert [d["reason"] for d in kernel.decisions[3:]] == [Reason.TAKEN]


def doubted(kernel: Kernel, slot: int = 0) -> None:
    """A crossed book at 20 ms, as the exchange's best prices say too."""
    kernel.apply([level(20, slot, BID, 7_000, 100, flags=0), best(20, slot, 7_000, 6_000)])


def test_a_quiet_book_is_looked_at_again_when_its_time_is_over() -> None:
    kernel = watched(50)
    doubted(kernel)
    assert kernel.counters()["wake_ns"] == 70 * 10**6
    kernel.apply([timer(69)])
    assert sent_e6(kernel) == []
    kernel.apply([timer(70)])
    assert [d["reason"] for d in kernel.decisions] == [Reason.UNCONFIRMED, Reason.TAKEN]
    assert len(sent_e6(kernel)) == 2


def test_what_is_gone_or_in_doubt_then_is_not_bought() -> None:
    for row in (level(40, 0, BID, 7_000, 0), level(40, 0, BID, 200, 1)):
        kernel = watched(50)
        doubted(kernel)
        kernel.apply([row, timer(70)])
        assert sent_e6(kernel) == []
        assert kernel.counters()["wake_ns"] == FAR_NS


def test_a_time_begun_anew_is_waited_for_anew() -> None:
    kernel = watched(50)
    doubted(kernel)
    kernel.apply([level(40, 0, BID, 200, 1), *look(60), timer(70)])
    assert sent_e6(kernel) == []
    assert kernel.counters()["wake_ns"] == 110 * 10**6
    kernel.apply([timer(110)])
    assert len(sent_e6(kernel)) == 2


def test_edges_that_wait_for_the_same_moment_are_looked_at_one_by_one() -> None:
    kernel = watched(50)
    kernel.apply([market(1), *book(10, 1, {4_000: 100}, {6_000: 100})])
    doubted(kernel)
    doubted(kernel, 1)
    kernel.apply([timer(70)])
    assert len(sent_e6(kernel)) == 2
    assert kernel.counters()["wake_ns"] == 70 * 10**6 + 1
    kernel.apply([timer(71)])
    assert len(sent_e6(kernel)) == 4


def test_a_run_wakes_the_kernel_for_it() -> None:
    venue = Venue({"confirm_ns": 50 * 10**6})
    rows = [market(0), *book(10, 0, {4_000: 100}, {6_000: 100})]
    rows += [level(20, 0, BID, 7_000, 100, flags=0), best(20, 0, 7_000, 6_000)]
    venue.apply([*rows, trade(500, 0, 5_000)])
    assert {i["ts_ns"] for i in venue.intents if i["kind"] == IntentKind.PLACE} == {70 * 10**6}
    assert (EventKind.TIMER, 70 * 10**6) in [(r["kind"], r["ts_recv_ns"]) for r in venue.reports]
