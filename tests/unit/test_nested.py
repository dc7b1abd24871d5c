"""Outcomes by date: which pair contradicts its dates, and what it pays whenever it happens."""

import pytest

from hfptm.opportunities import OpportunityKind, Phase, Reason, Relation
from hfptm.records import IntentKind
from hfptm.units import ONE_E6
from tests.kernels import (
    BID,
    Kernel,
    Levels,
    Record,
    Venue,
    best,
    book,
    group,
    level,
    market,
    resolved,
    timer,
)
from tests.tapes import Row

Book = tuple[Levels, Levels]
WIDE: Book = ({}, {})
CHEAP: Book = ({3_000: 50}, {4_000: 50})
DEAR: Book = ({5_000: 50}, {6_000: 50})
"""Bid a dime above the ask of CHEAP."""


def dated(*books: tuple[int, Book]) -> list[Row]:
    """Outcomes in slots 0, 1, ... with their ends in seconds; looked at when all are there."""
    rows = [group(0, Relation.NESTED, len(books))]
    for slot, (end_s, (bids, asks)) in enumerate(books):
        rows.append(market(slot, group=0, end_ms=1_000 * end_s))
        full = book(10, slot, bids, asks)
        rows += full if slot == len(books) - 1 else full[:-1]
    return rows


def run(rows: list[Row]) -> Kernel:
    kernel = Kernel()
    kernel.apply(rows)
    return kernel


def legs(kernel: Kernel) -> list[tuple[int, int, int]]:
    """(market, token, limit price) of every entry order."""
    placed = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    return [(i["market"], i["token"], i["price_e4"]) for i in placed]


def test_the_later_is_bought_and_the_earlier_sold_whatever_their_order_of_arrival() -> None:
    """YES of the later at 0.40 and NO of the earlier at 0.50: a dime below what they pay."""
    for rows, later in ((dated((1, DEAR), (2, CHEAP)), 1), (dated((2, CHEAP), (1, DEAR)), 0)):
        kernel = run(rows)
        [decision] = kernel.decisions
        assert (decision["kind"], decision["reason"]) == (OpportunityKind.NESTED, Reason.TAKEN)
        assert (decision["gross_e4"], decision["size_e6"]) == (1_000, 50 * ONE_E6)
        assert decision["outlay_e6"] == pytest.approx(45 * ONE_E6, abs=2)
        assert legs(kernel) == [(later, 0, 4_000), (1 - later, 1, 5_000)]


def test_a_later_outcome_may_be_dearer() -> None:
    assert run(dated((1, CHEAP), (2, DEAR))).decisions == []


def test_the_best_pair_need_not_be_neighbours() -> None:
    kernel = run(dated((1, DEAR), (2, WIDE), (3, CHEAP)))
    assert legs(kernel) == [(2, 0, 4_000), (0, 1, 5_000)]
    better: Book = ({5_500: 50}, {6_000: 50})
    kernel = run(dated((1, DEAR), (2, better), (3, CHEAP)))
    assert legs(kernel) == [(2, 0, 4_000), (1, 1, 4_500)]


@pytest.mark.parametrize("ends", [(0, 2), (2, 0), (2, 2)])
def test_without_an_order_of_the_ends_there_is_no_pair(ends: tuple[int, int]) -> None:
    assert run(dated((ends[0], DEAR), (ends[1], CHEAP))).decisions == []
    assert run(dated((ends[0], CHEAP), (ends[1], DEAR))).decisions == []


def test_a_market_with_a_new_end_takes_its_new_place() -> None:
    kernel = run(dated((1, DEAR), (2, CHEAP), (3, WIDE)))
    assert len(kernel.decisions) == 1
    kernel.apply([market(0, group=0, end_ms=9_000), *book(20, 0, *DEAR)])
    assert [d["phase"] for d in kernel.decisions] == [Phase.BEGIN, Phase.END]
    assert kernel.state.members[0, :3].tolist() == [1, 2, 0]


def test_a_bad_book_hides_no_real_pair_and_makes_none() -> None:
    """The best pair rests on a book that failed its check; the second best is taken."""
    dearest: Book = ({7_000: 50}, {8_000: 50})
    rows = dated((1, dearest), (2, DEAR), (3, CHEAP))
    bad = best(10, 0, 100, 9_900, venue_ms=11), best(10, 0, 100, 9_900, venue_ms=12)
    kernel = run([*rows[:-1], *bad, rows[-1]])
    assert legs(kernel) == [(2, 0, 4_000), (1, 1, 5_000)]
    kernel = run([*dated((1, dearest), (3, CHEAP))[:-1], *bad, rows[-1]._replace(market=1)])
    assert legs(kernel) == []
    assert {d["reason"] for d in kernel.decisions} == {Reason.ARTEFACT}


def test_a_pair_is_noticed_wherever_it_comes_from() -> None:
    """By a bid of the earlier, by an ask of the later, by a frame that only closes the change."""
    later_bid = level(20, 0, BID, 5_000, 50)
    later_ask = level(20, 1, 1, 4_000, 50)
    opened = level(20, 0, BID, 5_000, 50, flags=0), best(20, 0, 5_000, 6_000)
    for first, second, rows in (
        (CHEAP[0], CHEAP[1], [later_bid]),
        (DEAR[0], {6_000: 50}, [later_ask]),
        (CHEAP[0], CHEAP[1], [*opened]),
    ):
        kernel = run(dated((1, (first, {6_000: 50})), (2, (CHEAP[0], second))))
        kernel.apply([best(15, 0, max(first), 6_000), best(15, 1, 3_000, min(second))])  # judged
        assert kernel.decisions == []
        kernel.apply(rows)
        assert [d["reason"] for d in kernel.decisions] == [Reason.TAKEN]


def bought() -> tuple[Venue, Record]:
    """Fifty sets of YES of the later and NO of the earlier, for 45 dollars."""
    venue = Venue()
    venue.apply([*dated((1, DEAR), (2, CHEAP)), timer(3_000), timer(6_000)])
    held = venue.lane()
    assert (held["completed"], held["locked_e6"]) == (1, 45 * ONE_E6)
    assert held["locked_payout_e6"] == 50 * ONE_E6
    return venue, held


@pytest.mark.parametrize(
    ("earlier_e4", "later_e4", "paid"), [(10_000, 10_000, 50), (0, 10_000, 100), (0, 0, 50)]
)
def test_it_pays_a_dollar_and_two_if_it_happens_in_between(
    earlier_e4: int, later_e4: int, paid: int
) -> None:
    venue, held = bought()
    venue.apply([resolved(7_000, 0, earlier_e4), resolved(8_000, 1, later_e4)])
    venue.check_accounts()
    account = venue.lane()
    assert account["cash_e6"] == held["cash_e6"] + paid * ONE_E6
    assert account["realised_e6"] == (paid - 45) * ONE_E6
    assert (account["locked_e6"], account["locked_payout_e6"]) == (0, 0)
