"""What is a basket and what is not, case by case."""

import pytest

from hfptm.opportunities import OpportunityKind, Reason, Relation
from hfptm.records import IntentKind
from hfptm.units import ONE_E6
from tests.kernels import Kernel, Levels, Record, book, fee, group, market
from tests.tapes import Row


def grouped(relation: Relation, *books: tuple[Levels, Levels]) -> list[Row]:
    """A group of which every member but the last was given without a look."""
    rows = [group(0, relation, len(books))]
    for slot, (bids, asks) in enumerate(books):
        rows += [market(slot, group=0), fee(slot, 500)]
        full = book(10, slot, bids, asks)
        rows += full if slot == len(books) - 1 else full[:-1]
    return rows


def decided(rows: list[Row], kind: OpportunityKind, **lane: int) -> tuple[list[Record], Kernel]:
    kernel = Kernel(lane)
    kernel.apply(rows)
    return [d for d in kernel.decisions if d["kind"] == kind], kernel


def test_a_missing_ask_ends_a_yes_basket() -> None:
    cheap: list[tuple[Levels, Levels]] = [({}, {3_000: 50}), ({}, {3_000: 50}), ({}, {3_000: 50})]
    decisions, _ = decided(grouped(Relation.EXACTLY_ONE, *cheap), OpportunityKind.YES_BASKET)
    assert [d["reason"] for d in decisions] == [Reason.TAKEN]
    cheap[1] = ({}, {})
    assert decided(grouped(Relation.EXACTLY_ONE, *cheap), OpportunityKind.YES_BASKET)[0] == []


def test_a_missing_bid_leaves_its_outcome_out_of_a_no_basket() -> None:
    books: list[tuple[Levels, Levels]] = [({6_000: 50}, {}), ({}, {100: 50}), ({5_500: 40}, {})]
    decisions, kernel = decided(grouped(Relation.AT_MOST_ONE, *books), OpportunityKind.NO_BASKET)
    [decision] = decisions
    assert (decision["legs"], decision["gross_e4"]) == (2, 1_500)
    assert decision["size_e6"] == 40 * ONE_E6
    placed = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    assert [(i["market"], i["token"], i["price_e4"]) for i in placed] == [
        (0, 1, 4_000),
        (2, 1, 4_500),
    ]


@pytest.mark.parametrize("relation", [Relation.NONE, Relation.NESTED])
def test_outcomes_that_do_not_exclude_each_other_make_no_basket(relation: Relation) -> None:
    books: list[tuple[Levels, Levels]] = [({6_000: 50}, {6_100: 1}), ({5_500: 40}, {5_600: 1})]
    cheap: list[tuple[Levels, Levels]] = [({}, {3_000: 50}), ({}, {3_000: 50})]
    for given in (books, cheap):
        kernel = Kernel()
        kernel.apply(grouped(relation, *given))
        assert kernel.decisions == []


def test_at_most_one_makes_no_yes_basket() -> None:
    cheap: list[tuple[Levels, Levels]] = [({}, {3_000: 50}), ({}, {3_000: 50})]
    kernel = Kernel()
    kernel.apply(grouped(Relation.AT_MOST_ONE, *cheap))
    assert kernel.decisions == []


def test_a_group_that_is_not_complete_makes_no_yes_basket() -> None:
    rows = grouped(Relation.EXACTLY_ONE, ({}, {3_000: 50}), ({}, {3_000: 50}))
    rows[0] = group(0, Relation.EXACTLY_ONE, 3)
    assert decided(rows, OpportunityKind.YES_BASKET)[0] == []


def test_shares_are_cut_to_whole_cents_on_every_leg() -> None:
    """0.33 and 0.61: whole cents need whole shares, so 20.5 of them become 20."""
    rows = [market(0), *book(10, 0, {3_900: 100}, {3_300: 100})]
    rows[3] = rows[3]._replace(size_e6=20_500_000)
    decisions, kernel = decided(rows, OpportunityKind.BINARY)
    assert decisions[0]["size_e6"] == 20_500_000
    placed = [i for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    assert [(i["price_e4"], i["size_e6"]) for i in placed] == [
        (3_300, 20 * ONE_E6),
        (6_100, 20 * ONE_E6),
    ]


def test_every_leg_spends_a_dollar_at_least() -> None:
    """NO at 0.05: 19 shares are 95 cents, 20 are a dollar."""
    for shares, reason in ((19, Reason.SIZE_BELOW_MINIMUM), (20, Reason.TAKEN)):
        rows = [market(0), *book(10, 0, {9_500: shares}, {5_000: 100})]
        decisions, _ = decided(rows, OpportunityKind.BINARY)
        assert [d["reason"] for d in decisions] == [reason]


def test_the_legacy_payout_fee_shrinks_the_edge() -> None:
    rows = [market(0), *book(10, 0, {5_300: 100}, {5_000: 100})]
    lane = {"charge_fees": 0, "payout_fee_e4": 200}
    [decision] = decided(rows, OpportunityKind.BINARY, **lane)[0]
    assert decision["edge_e6"] == 1_000_000
    lane["payout_fee_e4"] = 300
    [decision] = decided(rows, OpportunityKind.BINARY, **lane)[0]
    assert (decision["size_e6"], decision["reason"]) == (0, Reason.EDGE_BELOW_MINIMUM)


def test_baskets_of_more_legs_than_a_plan_holds_are_refused() -> None:
    books: list[tuple[Levels, Levels]] = [({200: 100}, {}) for _ in range(65)]
    kernel = Kernel(markets=65)
    kernel.apply(grouped(Relation.AT_MOST_ONE, *books))
    assert [(d["legs"], d["reason"]) for d in kernel.decisions] == [(65, Reason.TOO_MANY_LEGS)]
    kernel = Kernel(markets=64)
    kernel.apply(grouped(Relation.AT_MOST_ONE, *books[:64]))
    assert [(d["legs"], d["reason"]) for d in kernel.decisions] == [(64, Reason.TAKEN)]
