"""The life of an opportunity as the journal tells it."""

from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason, Relation
from hfptm.records import EventKind, IntentKind, MarketState
from hfptm.units import ONE_E6
from tests.kernels import (
    BID,
    LAST,
    Kernel,
    best,
    book,
    group,
    level,
    market,
    row,
)
from tests.tapes import Row

NARROW = {"max_outlay_e6": 5 * ONE_E6}


def story(kernel: Kernel) -> list[tuple[int, int, int]]:
    """(phase, reason, artefact) of every decision row."""
    return [(d["phase"], d["reason"], d["artefact"]) for d in kernel.decisions]


def placed(kernel: Kernel) -> int:
    return sum(intent["kind"] == IntentKind.PLACE for intent in kernel.intents)


def quiet_kernel(**lane: int) -> Kernel:
    """Market 0 from 0.40 to 0.60, confirmed."""
    kernel = Kernel(lane)
    kernel.apply([market(0), *book(10, 0, {4_000: 100}, {6_000: 100})])
    return kernel


def cross(ts_ms: int, shares: int = 100) -> list[Row]:
    """A bid at 0.70 that the exchange's best prices confirm."""
    return [
        level(ts_ms, 0, BID, 7_000, shares, flags=0),
        best(ts_ms, 0, 7_000, 6_000),
    ]


def uncross(ts_ms: int) -> list[Row]:
    return [level(ts_ms, 0, BID, 7_000, 0, flags=0), best(ts_ms, 0, 4_000, 6_000)]


def test_a_confirmed_cross_is_taken_once_and_ends() -> None:
    kernel = quiet_kernel()
    kernel.apply([*cross(20), *cross(30, shares=200), *uncross(40)])
    assert story(kernel) == [(Phase.BEGIN, Reason.TAKEN, 0), (Phase.END, Reason.ENDED, 0)]
    assert placed(kernel) == 2
    first, last = kernel.decisions
    assert first["decision"] == last["decision"] == 1
    assert (first["kind"], first["market"], first["plan"]) == (OpportunityKind.BINARY, 0, 1)
    kernel.apply(cross(50))
    assert kernel.decisions[-1]["decision"] == 2
    assert placed(kernel) == 4


def test_a_cross_that_nobody_confirms_is_an_artefact() -> None:
    kernel = quiet_kernel()
    kernel.apply([level(20, 0, BID, 7_000, 100)])
    unconfirmed = (Phase.BEGIN, Reason.ARTEFACT, Artefact.UNCONFIRMED_CROSS)
    assert story(kernel) == [unconfirmed]
    kernel.apply([level(30, 0, BID, 7_000, 0)])
    assert story(kernel)[1:] == [(Phase.END, Reason.ENDED, Artefact.UNCONFIRMED_CROSS)]
    assert kernel.intents == []


def test_half_a_batch_is_an_artefact_until_the_rest_confirms_it() -> None:
    kernel = quiet_kernel()
    kernel.apply([level(20, 0, BID, 7_000, 100, flags=0), best(20, 0, 7_100, 6_000)])
    assert story(kernel) == [(Phase.BEGIN, Reason.ARTEFACT, Artefact.HALF_BATCH)]
    kernel.apply([level(20, 0, BID, 7_100, 5, flags=0), best(20, 0, 7_100, 6_000)])
    assert story(kernel)[1:] == [
        (Phase.END, Reason.CONFIRMED, Artefact.HALF_BATCH),
        (Phase.BEGIN, Reason.TAKEN, 0),
    ]


def test_half_a_batch_that_never_agrees_becomes_a_bad_book() -> None:
    kernel = quiet_kernel()
    kernel.apply([level(20, 0, BID, 7_000, 100, flags=0), best(20, 0, 4_000, 6_000)])
    kernel.apply([level(30, 0, BID, 3_000, 5, flags=LAST)])
    kernel.apply(book(40, 0, {4_000: 1}, {6_000: 1}))
    assert story(kernel) == [
        (Phase.BEGIN, Reason.ARTEFACT, Artefact.HALF_BATCH),
        (Phase.CHANGE, Reason.ARTEFACT, Artefact.BAD_BOOK),
        (Phase.END, Reason.ENDED, Artefact.BAD_BOOK),
    ]
    assert kernel.intents == []


def test_an_artefact_does_not_end_what_began_on_good_books() -> None:
    kernel = quiet_kernel()
    kernel.apply([*cross(20), level(30, 0, BID, 7_100, 5), *cross(40)])
    assert story(kernel) == [(Phase.BEGIN, Reason.TAKEN, 0)]


def test_half_a_batch_does_not_end_it_either() -> None:
    """The bid moves from 0.70 to 0.71 in two frames of one exchange time."""
    kernel = quiet_kernel()
    kernel.apply([*cross(20)])
    kernel.apply([level(30, 0, BID, 7_000, 0, flags=0), best(30, 0, 7_100, 6_000)])
    kernel.apply([level(31, 0, BID, 7_100, 100, flags=0, venue_ms=30)])
    kernel.apply([best(31, 0, 7_100, 6_000, venue_ms=30)])
    assert story(kernel) == [(Phase.BEGIN, Reason.TAKEN, 0)]
    assert placed(kernel) == 2


def test_a_refusal_that_is_taken_later_is_a_change() -> None:
    """Too small for a dollar a leg at first, then refused for the same reason once more."""
    kernel = quiet_kernel()
    kernel.apply([*cross(20, shares=1), *cross(30, shares=2), *cross(40, shares=50)])
    assert story(kernel) == [
        (Phase.BEGIN, Reason.SIZE_BELOW_MINIMUM, 0),
        (Phase.CHANGE, Reason.TAKEN, 0),
    ]
    observed = [i for i in kernel.intents if i["kind"] == IntentKind.OBSERVE]
    assert [i["size_e6"] for i in observed] == [ONE_E6, ONE_E6]


def test_an_edge_below_the_minimum_is_seen_but_not_displayed() -> None:
    kernel = quiet_kernel(min_edge_e4=2_000)
    kernel.apply(cross(20))
    assert story(kernel) == [(Phase.BEGIN, Reason.EDGE_BELOW_MINIMUM, 0)]
    assert (kernel.decisions[0]["size_e6"], kernel.intents) == (0, [])
    assert kernel.decisions[0]["gross_e4"] == 1_000


def test_what_hides_the_book_ends_the_episode_unseen() -> None:
    hiding = (
        row(EventKind.GAP, 30, 0),
        row(EventKind.TICK, 30, 0, price_e4=10),
        row(EventKind.STATE, 30, 0, aux=MarketState.CLOSED),
        market(0),
    )
    for hidden in hiding:
        kernel = quiet_kernel()
        kernel.apply([*cross(20), hidden])
        assert story(kernel)[1:] == [(Phase.END, Reason.UNSEEN, 0)]


def test_news_that_an_open_market_is_open_hides_nothing() -> None:
    kernel = quiet_kernel()
    kernel.apply([*cross(20), row(EventKind.STATE, 30, 0, aux=MarketState.OPEN)])
    assert len(kernel.decisions) == 1
    assert kernel.market(0)["best_bid_e4"] == 7_000


def test_a_basket_rests_on_every_book_it_uses() -> None:
    """One member's book is bad: no trade. Its own snapshot later makes the basket real."""
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([*book(10, 0, {6_000: 50}, {6_100: 50}), level(11, 0, BID, 5_999, 1)])
    kernel.apply(book(20, 1, {5_500: 50}, {5_600: 50}))
    assert story(kernel) == [(Phase.BEGIN, Reason.ARTEFACT, Artefact.BAD_BOOK)]
    kernel.apply(book(30, 0, {6_000: 50}, {6_100: 50}))
    assert story(kernel)[1:] == [
        (Phase.END, Reason.CONFIRMED, Artefact.BAD_BOOK),
        (Phase.BEGIN, Reason.TAKEN, 0),
    ]
    assert {d["kind"] for d in kernel.decisions} == {OpportunityKind.NO_BASKET}
    assert {d["market"] for d in kernel.decisions} == {0}


def test_a_book_that_was_never_seen_takes_part_in_no_basket() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([level(10, 0, BID, 6_000, 50), *book(20, 1, {5_500: 50}, {5_600: 50})])
    assert kernel.decisions == []


def test_a_gap_in_one_member_ends_the_basket() -> None:
    kernel = Kernel()
    kernel.apply([group(0, Relation.EXACTLY_ONE, 2), market(0, group=0), market(1, group=0)])
    kernel.apply([*book(10, 0, {6_000: 50}, {6_100: 50}), *book(20, 1, {5_500: 50}, {5_600: 50})])
    kernel.apply([row(EventKind.GAP, 30, 0)])
    assert story(kernel) == [(Phase.BEGIN, Reason.TAKEN, 0), (Phase.END, Reason.UNSEEN, 0)]


def test_every_lane_decides_for_itself() -> None:
    kernel = Kernel({}, NARROW, {"min_edge_e4": 2_000})
    kernel.apply([market(0), *book(10, 0, {4_000: 100}, {6_000: 100}), *cross(20)])
    assert [(d["lane"], d["reason"]) for d in kernel.decisions] == [
        (0, Reason.TAKEN),
        (1, Reason.TAKEN),
        (2, Reason.EDGE_BELOW_MINIMUM),
    ]
    assert [d["approved_e6"] for d in kernel.decisions] == [100 * ONE_E6, 5_500_000, 0]
    assert [d["decision"] >> 40 for d in kernel.decisions] == [0, 1, 2]
