"""What is held without partners, what that costs, and the list of what is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.opportunities import Reason, Relation
from hfptm.records import LegOrder
from hfptm.units import ONE_E6
from tests.compiled import drift_e6, note_held
from tests.kernels import Kernel, book, group, market, resolved, timer
from tests.unit.test_executor import done, fill, reject
from tests.unit.test_gates import answers, crossed
from tests.unit.test_pauses import entries


def hold(kernel: Kernel, slot: int, token: int, shares: int, cost_usd: int) -> None:
    held = kernel.state.positions[0, slot, token]
    held["size_e6"] += shares * ONE_E6
    held["cost_e6"] += cost_usd * ONE_E6
    note_held(kernel.state, 0, slot)


def pair(**params: int) -> Kernel:
    """Two markets of one event, and one of none."""
    kernel = Kernel(params)
    kernel.apply([group(0, Relation.NONE, 2), market(0, group=0), market(1, group=0), market(2)])
    return kernel


def test_as_many_yes_as_no_of_a_market_are_partners() -> None:
    kernel = pair()
    hold(kernel, 0, 0, 100, 40)
    assert drift_e6(kernel.state, 0, 0, 0) == 40 * ONE_E6
    hold(kernel, 0, 1, 25, 15)
    assert drift_e6(kernel.state, 0, 0, 0) == 30 * ONE_E6
    hold(kernel, 0, 1, 100, 20)
    assert drift_e6(kernel.state, 0, 0, 0) == 7 * ONE_E6  # 25 of 125 NO, which cost 35


def test_the_drift_of_an_event_is_that_of_its_markets() -> None:
    kernel = pair()
    hold(kernel, 0, 0, 100, 40)
    hold(kernel, 1, 1, 10, 3)
    hold(kernel, 2, 1, 10, 5)
    assert drift_e6(kernel.state, 0, 0, 0) == 43 * ONE_E6
    assert drift_e6(kernel.state, 0, -1, 2) == 5 * ONE_E6


def event(relation: Relation, members: int, expected: int = 3, **params: int) -> Kernel:
    """Outcomes of one event, in slots from 0 on, by date where it matters."""
    kernel = Kernel(params)
    kernel.apply([group(0, relation, expected)])
    kernel.apply([market(slot, group=0, end_ms=slot + 1) for slot in range(members)])
    return kernel


EXACTLY_ONE, AT_MOST_ONE = Relation.EXACTLY_ONE, Relation.AT_MOST_ONE
YES, NO = 0, 1


@pytest.mark.parametrize(
    ("relation", "members", "tokens", "drift_usd"),
    [
        (EXACTLY_ONE, 3, {0: NO}, 50),
        (EXACTLY_ONE, 3, {0: NO, 2: NO}, 0),
        (EXACTLY_ONE, 3, {0: NO, 1: NO, 2: NO}, 0),
        (EXACTLY_ONE, 3, {0: YES, 1: YES}, 100),
        (EXACTLY_ONE, 3, {0: YES, 1: YES, 2: YES}, 50),
        (EXACTLY_ONE, 3, {0: YES, 1: NO}, 100),
        (EXACTLY_ONE, 2, {0: YES, 1: YES}, 100),
        (AT_MOST_ONE, 3, {0: YES, 1: YES, 2: YES}, 150),
        (AT_MOST_ONE, 3, {0: NO, 1: NO, 2: NO}, 0),
        (Relation.NESTED, 3, {0: NO, 2: YES}, 0),
        (Relation.NESTED, 3, {0: YES, 2: NO}, 100),
        (Relation.NESTED, 3, {1: YES}, 50),
        (Relation.NONE, 3, {0: NO, 1: NO, 2: NO}, 150),
    ],
)
def test_outcomes_of_an_event_are_partners_as_far_as_they_pay_together(
    relation: Relation, members: int, tokens: dict[int, int], drift_usd: int
) -> None:
    """100 shares at 0.50 of each token named. An outcome that is not listed may win as well."""
    kernel = event(relation, members)
    for slot, token in tokens.items():
        hold(kernel, slot, token, 100, 50)
    assert drift_e6(kernel.state, 0, 0, 0) == drift_usd * ONE_E6


def test_a_flat_payout_fee_is_drift_as_well() -> None:
    kernel = event(EXACTLY_ONE, 3, payout_fee_e4=200)
    hold(kernel, 0, NO, 100, 50)
    hold(kernel, 1, NO, 100, 50)
    assert drift_e6(kernel.state, 0, 0, 0) == 2 * ONE_E6


def outcomes(relation: Relation, members: int, expected: int) -> list[list[int]]:
    """Every way in which an event can end: 1 for each outcome that came true."""
    if relation == Relation.NESTED:
        return [[int(slot >= first) for slot in range(members)] for first in range(members + 1)]
    if relation == Relation.NONE:
        return [[number >> slot & 1 for slot in range(members)] for number in range(1 << members)]
    winners = list(range(members))
    if relation == AT_MOST_ONE or members < expected:
        winners.append(members)
    return [[int(slot == winner) for slot in range(members)] for winner in winners]


@given(
    st.sampled_from([EXACTLY_ONE, AT_MOST_ONE, Relation.NESTED]),
    st.integers(2, 4),
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 9)), max_size=6),
)
def test_drift_is_the_loss_in_the_worst_outcome(
    relation: Relation, members: int, bought: list[tuple[int, int, int]]
) -> None:
    kernel = event(relation, members, expected=3 if members < 4 else 4)
    shares = [[0, 0] for _ in range(members)]
    cost = 0
    for turn, (token, size, cost_usd) in enumerate(bought):
        slot = turn % members
        if not shares[slot][1 - token]:  # of one token alone: partners are another test's
            hold(kernel, slot, token, size, cost_usd)
            shares[slot][token] += size
            cost += cost_usd
    ends = outcomes(relation, members, 3 if members < 4 else 4)
    paid = [sum(s[YES] if e else s[NO] for s, e in zip(shares, end, strict=True)) for end in ends]
    assert drift_e6(kernel.state, 0, 0, 0) == max(0, cost - min(paid)) * ONE_E6


def test_locked_shares_have_their_partners() -> None:
    kernel = pair()
    hold(kernel, 0, 0, 100, 40)
    held = kernel.state.positions[0, 0, 0]
    held["locked_size_e6"], held["locked_cost_e6"] = 90 * ONE_E6, 36 * ONE_E6
    assert drift_e6(kernel.state, 0, 0, 0) == 4 * ONE_E6
    hold(kernel, 0, 1, 5, 3)
    assert drift_e6(kernel.state, 0, 0, 0) == 2 * ONE_E6  # 5 of 10 YES, which cost 4


def test_sets_on_their_way_have_partners_and_what_is_on_sale_beside_them_has_none() -> None:
    kernel = pair()
    kernel.apply([*crossed(10)])
    yes, no = entries(kernel)
    kernel.apply([fill(20, yes, 4_500, 1_000), done(20, yes), fill(21, no, 4_000, 600)])
    assert drift_e6(kernel.state, 0, 0, 0) == 0
    kernel.apply([*book(22, 0, {4_400: 5_000}, {6_200: 5_000}), done(23, no)])
    assert [i["size_e6"] // ONE_E6 for i in kernel.intents[-2:]] == [600, 400]
    assert drift_e6(kernel.state, 0, 0, 0) == 180 * ONE_E6
    hold(kernel, 1, 0, 10, 5)
    assert drift_e6(kernel.state, 0, -1, 1) == 5 * ONE_E6


def test_a_leg_that_goes_first_is_no_drift_while_it_is_out() -> None:
    kernel = pair(leg_order=LegOrder.THINNEST_FIRST)
    kernel.apply([*crossed(10)])
    [first] = entries(kernel)
    kernel.apply([fill(20, first, first["price_e4"], 500)])
    assert drift_e6(kernel.state, 0, 0, 0) == 0
    hold(kernel, 0, first["token"], 100, 40)
    assert drift_e6(kernel.state, 0, 0, 0) == 40 * ONE_E6


def test_a_leg_whose_partner_is_out_is_no_drift_until_that_is_over() -> None:
    kernel = pair()
    kernel.apply([*crossed(10)])
    yes, no = entries(kernel)
    kernel.apply([fill(20, yes, 4_500, 1_000), done(20, yes), *book(21, 0, {}, {4_600: 5})])
    assert drift_e6(kernel.state, 0, 0, 0) == 0
    kernel.apply([reject(30, no)])
    assert drift_e6(kernel.state, 0, 0, 0) == 450 * ONE_E6


@pytest.mark.parametrize("slot", [1, 2])
def test_nothing_more_is_bought_of_an_event_that_drifts(slot: int) -> None:
    """The same event, or another."""
    for limit_usd, reason in ((40, Reason.TAKEN), (39, Reason.INVENTORY_DRIFT)):
        kernel = pair(max_drift_e6=limit_usd * ONE_E6)
        hold(kernel, 0, 0, 100, 40)
        kernel.apply(crossed(10, slot))
        assert answers(kernel) == [reason if slot == 1 else Reason.TAKEN]
    if slot == 1:
        refused = kernel.decisions[-1]
        assert (refused["limit"], refused["value"]) == (39 * ONE_E6, 40 * ONE_E6)


def test_a_basket_is_refused_for_the_drift_of_its_own_event() -> None:
    """Not for that of the event of some market whose number is its event's."""
    kernel = pair(max_drift_e6=39 * ONE_E6)
    kernel.apply([group(1, EXACTLY_ONE, 3), *(market(slot, group=1) for slot in (2, 3, 4))])
    hold(kernel, 0, YES, 100, 40)
    for slot, bid_e4 in ((2, 6_000), (3, 5_500), (4, 100)):
        kernel.apply(book(10, slot, {bid_e4: 10}, {}))
    assert answers(kernel)[-1] == Reason.TAKEN
    assert len(entries(kernel)) > 1


def test_what_is_sold_leaves_the_list() -> None:
    kernel = pair()
    for slot in (0, 1, 2, 1):
        hold(kernel, slot, 0, 10, 5)
    assert kernel.lane()["held"] == 3
    kernel.apply([resolved(10, 1, 0), timer(2_000)])
    assert kernel.state.held[0, : kernel.lane()["held"]].tolist() == [0, 2]
    kernel.apply([resolved(10, 0, 0), resolved(10, 2, 0), timer(4_000)])
    assert kernel.lane()["held"] == 0
    assert not kernel.state.held_places.any()


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=40))
def test_the_list_holds_what_is_held(changes: list[tuple[int, bool]]) -> None:
    """Whatever comes and goes: every market held is on it once, none twice."""
    kernel = Kernel()
    for turn, (slot, is_bought) in enumerate(changes):
        if is_bought:
            hold(kernel, slot, turn % 2, 1, 1)
        else:
            kernel.state.positions[0, slot] = 0
        if turn % 3 == 0:
            kernel.apply([timer(2_000 * (turn + 1))])
        listed = kernel.state.held[0, : kernel.lane()["held"]].tolist()
        assert len(set(listed)) == len(listed)
        places = kernel.state.held_places[0]
        assert {slot: place for slot, place in enumerate(places.tolist()) if place} == {
            slot: place + 1 for place, slot in enumerate(listed)
        }
        assert {s for s in range(8) if kernel.state.positions[0, s]["size_e6"].any()} <= set(listed)
