"""The batch rule of the one book, case by case."""

import pytest

from hfptm.records import EventFlag, EventKind, GapReason
from hfptm.units import ONE_E6, pack_best
from tests.kernels import ASK, BEST_NO, BEST_YES, BID, LAST, Kernel, best, book, level, market, row


def quiet_kernel() -> Kernel:
    """Market 0 with bid 0.40 and ask 0.60, confirmed."""
    kernel = Kernel()
    kernel.apply([market(0), *book(10, 0, {4_000: 100}, {6_000: 100})])
    return kernel


def test_a_frame_that_disagrees_waits_for_the_rest_of_its_batch() -> None:
    kernel = quiet_kernel()
    kernel.apply([level(20, 0, BID, 4_500, 1, flags=0), best(20, 0, 4_700, 6_000)])
    assert kernel.market(0)["pending"] == 1
    kernel.apply([level(21, 0, BID, 4_700, 1, flags=0, venue_ms=20)])
    kernel.apply([best(21, 0, 4_700, 6_000, venue_ms=20)])
    assert (kernel.market(0)["pending"], kernel.market(0)["confirmed"]) == (0, 1)
    kernel.apply([best(30, 0, 4_700, 6_000)])
    assert (kernel.counters()["mismatches"], kernel.market(0)["bad"]) == (0, 0)


def test_a_batch_that_never_agrees_is_one_mismatch_until_the_next_snapshot() -> None:
    kernel = quiet_kernel()
    kernel.apply([best(20, 0, 4_700, 6_000), best(21, 0, 4_700, 6_000, venue_ms=20)])
    assert kernel.counters()["mismatches"] == 0
    kernel.apply([best(30, 0, 4_000, 6_000)])
    assert (kernel.counters()["mismatches"], kernel.market(0)["bad"]) == (1, 1)
    kernel.apply(book(40, 0, {4_700: 1}, {6_000: 1}))
    assert (kernel.counters()["mismatches"], kernel.market(0)["bad"]) == (1, 0)


def test_late_rows_heal_what_lacked_them_and_nothing_else() -> None:
    healed = LAST | BEST_YES | EventFlag.HEALED
    late = level(31, 0, BID, 4_700, 1, flags=healed, venue_ms=30, aux=pack_best(4_700, 6_000))
    for before, bad in (([], 0), ([level(20, 0, BID, 4_001, 1)], 1)):
        kernel = quiet_kernel()
        kernel.apply([*before, best(20, 0, 4_700, 6_000), best(30, 0, 4_700, 6_000)])
        assert kernel.market(0)["bad"] == 1
        kernel.apply([late])
        assert kernel.market(0)["bad"] == bad
    kernel = quiet_kernel()
    kernel.apply([best(20, 0, 4_800, 6_000), best(30, 0, 4_800, 6_000)])
    kernel.apply(
        [level(31, 0, BID, 4_700, 1, flags=healed, venue_ms=30, aux=pack_best(4_800, 6_000))]
    )
    assert kernel.market(0)["bad"] == 1


def test_checks_are_counted_by_batch_and_by_value() -> None:
    kernel = quiet_kernel()
    both = LAST | BEST_YES | BEST_NO
    kernel.apply([best(20, 0, 4_000, 6_000, flags=both), best(20, 0, 4_000, 6_000)])
    assert kernel.counters()["batches_checked"] == 2
    assert kernel.counters()["best_values"] == 1 + 2 + 1


def test_a_frame_without_best_prices_confirms_nothing() -> None:
    kernel = quiet_kernel()
    kernel.apply([level(20, 0, BID, 4_100, 1)])
    assert (kernel.market(0)["pending"], kernel.market(0)["confirmed"]) == (0, 0)


def test_doubted_frames_spoil_the_book() -> None:
    for flag in (EventFlag.MAYBE_BAD, EventFlag.MIRROR_BREAK):
        kernel = quiet_kernel()
        kernel.apply([best(20, 0, 4_000, 6_000, flags=LAST | BEST_YES | flag)])
        assert kernel.market(0)["bad"] == 1
        assert kernel.counters()["mirror_breaks"] == (flag == EventFlag.MIRROR_BREAK)


def test_an_older_full_book_undoes_nothing_even_where_the_book_is_bad() -> None:
    for spoiled in (False, True):
        kernel = quiet_kernel()
        kernel.apply([best(30, 0, 4_000, 6_000)])
        if spoiled:
            kernel.apply([level(30, 0, BID, 4_001, 1)])
        kernel.apply(book(40, 0, {1_000: 1}, {9_000: 1}, venue_ms=20))
        assert kernel.levels(0)[0] == {4_000: 100 * ONE_E6}
        assert kernel.counters()["stale_snapshots"] == 1
        assert kernel.market(0)["bad"] == spoiled
        kernel.apply([level(50, 0, BID, 4_200, 7)])
        assert kernel.market(0)["best_bid_e4"] == 4_200


def test_what_comes_before_the_first_full_book_is_not_a_book() -> None:
    kernel = Kernel()
    kernel.apply([market(0), level(10, 0, BID, 4_000, 100), level(11, 0, ASK, 3_000, 100)])
    assert kernel.market(0)["best_bid_e4"] == 0
    assert kernel.counters()["unused_rows"] == 2
    assert kernel.decisions == []


def test_an_unknown_tick_leaves_no_book_and_touches_no_other() -> None:
    kernel = quiet_kernel()
    kernel.apply([row(EventKind.TICK, 20, 0, price_e4=7), market(1)])
    kernel.apply(book(30, 1, {2_000: 5}, {3_000: 5}))
    kernel.apply([*book(40, 0, {4_000: 9}, {}, tick_e4=7), level(41, 0, BID, 2_000, 9)])
    assert kernel.market(0)["valid"] == 0
    assert kernel.levels(1) == ({2_000: 5 * ONE_E6}, {3_000: 5 * ONE_E6})
    kernel.apply(book(50, 0, {4_000: 9}, {}, tick_e4=100))
    assert kernel.levels(0) == ({4_000: 9 * ONE_E6}, {})


@pytest.mark.parametrize("reason", GapReason)
def test_a_gap_hides_the_book_whatever_its_reason(reason: GapReason) -> None:
    """Also one that is meant: nobody saw the market any more."""
    kernel = quiet_kernel()
    kernel.apply(book(20, 0, {4_000: 9}, {}))
    assert kernel.market(0)["valid"] == 1
    kernel.apply([row(EventKind.GAP, 25, 0, aux=int(reason)), level(26, 0, BID, 2_000, 9)])
    assert kernel.market(0)["valid"] == 0


def test_covered_time_runs_from_full_book_to_gap() -> None:
    kernel = quiet_kernel()
    kernel.apply([row(EventKind.GAP, 25, 0), row(EventKind.GAP, 35, 0)])
    kernel.apply([*book(40, 0, {}, {}), row(EventKind.GAP, 44, 0)])
    assert kernel.counters()["covered_ns"] == (15 + 4) * 1_000_000
    assert kernel.counters()["gaps"] == 3
