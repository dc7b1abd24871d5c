"""Baskets against a walk over sorted levels in fractions."""

from fractions import Fraction
from typing import NamedTuple

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from hfptm.opportunities import OpportunityKind, Reason, Relation
from hfptm.records import IntentKind, Token
from hfptm.units import ONE_E6, PRICE_ONE_E4
from tests.kernels import ASK, BID, Kernel, Levels, Record, book, fee, group, market
from tests.tapes import Row

BINARY, NO_BASKET, YES_BASKET, NESTED = OpportunityKind
DOLLAR = Fraction(ONE_E6)


class Leg(NamedTuple):
    """Levels as (price in the token's own terms, shares), best first."""

    token: int
    levels: list[tuple[int, int]]
    rate_e4: int


class Basket(NamedTuple):
    sets: Fraction
    outlay: Fraction
    edge: Fraction
    slices: int
    limits_e4: list[int]
    slack: Fraction = Fraction(0)
    """Shares that roundings may cost, where the minimum edge ended the walk inside a level."""


def share_cost(price_e4: int, rate_e4: int) -> Fraction:
    price = Fraction(price_e4, PRICE_ONE_E4)
    return price + Fraction(rate_e4, PRICE_ONE_E4) * price * (1 - price)


def walk(legs: list[Leg], payout: int, min_edge_e4: int) -> Basket | None:
    """Buy while a set pays and the whole keeps the edge; None where roundings may decide."""
    places, left = [0] * len(legs), [leg.levels[0][1] for leg in legs]
    sets = outlay = edge = Fraction(0)
    slices, limits_e4, slack = 0, [leg.levels[0][0] for leg in legs], Fraction(0)
    while True:
        prices_e4 = [leg.levels[place][0] for leg, place in zip(legs, places, strict=True)]
        cost = sum(
            (share_cost(price, leg.rate_e4) for price, leg in zip(prices_e4, legs, strict=True)),
            Fraction(0),
        )
        size = Fraction(min(left))
        more_outlay, more_edge = outlay + cost * size, edge + (payout - cost) * size
        margin = more_edge * PRICE_ONE_E4 - min_edge_e4 * more_outlay
        if min_edge_e4 and abs(margin) < 1:
            return None
        if cost >= payout:
            break
        if margin < 0:
            before = edge * PRICE_ONE_E4 - min_edge_e4 * outlay
            part = before / (before - margin)
            roundings = 2 * (slices + 2) * (min_edge_e4 + PRICE_ONE_E4) / DOLLAR
            slack = size * roundings / (before - margin) + 1 / DOLLAR
            size *= part
            if size <= slack:
                return Basket(sets, outlay, edge, slices, limits_e4) if not part else None
            sets, outlay = sets + size, outlay + cost * size
            edge += (payout - cost) * size
            slices, limits_e4 = slices + 1, prices_e4
            break
        sets, outlay, edge = sets + size, more_outlay, more_edge
        slices, limits_e4 = slices + 1, prices_e4
        for index in range(len(legs)):
            left[index] -= int(size)
            if left[index] == 0:
                places[index] += 1
                if places[index] < len(legs[index].levels):
                    left[index] = legs[index].levels[places[index]][1]
        if min(left) == 0:
            break
    return Basket(sets, outlay, edge, slices, limits_e4, slack)


def legs_of(kind: int, books: list[tuple[Levels, Levels]], rates_e4: list[int]) -> list[Leg]:
    legs = []
    for (bids, asks), rate_e4 in zip(books, rates_e4, strict=True):
        yes = Leg(Token.YES, sorted(asks.items()), rate_e4)
        no = Leg(
            Token.NO,
            [(PRICE_ONE_E4 - p, s) for p, s in sorted(bids.items(), reverse=True)],
            rate_e4,
        )
        if kind != NO_BASKET:
            legs.append(yes)
        if kind != YES_BASKET and bids:
            legs.append(no)
    return legs


def prices_e4(first_cent: int, last_cent: int) -> st.SearchStrategy[int]:
    return st.integers(first_cent, last_cent).map(lambda cents: cents * 100)


def sides(first_cent: int, last_cent: int, fewest: int = 1) -> st.SearchStrategy[Levels]:
    prices = prices_e4(first_cent, last_cent)
    return st.dictionaries(prices, st.integers(1, 300), min_size=fewest, max_size=4)


def run(rows: list[Row], min_edge_e4: int) -> Kernel:
    kernel = Kernel({"min_edge_e4": min_edge_e4})
    kernel.apply(rows)
    kernel.check_accounts()
    return kernel


def check(kernel: Kernel, kind: int, legs: list[Leg], min_edge_e4: int) -> None:
    """The decision of `kind` says what the walk over fractions says, and its orders are valid."""
    payout = len(legs) - 1 if kind == NO_BASKET else 1
    gross_e4 = payout * PRICE_ONE_E4 - sum(leg.levels[0][0] for leg in legs)
    decisions = [d for d in kernel.decisions if d["kind"] == kind]
    if gross_e4 <= 0:
        assert decisions == []
        return
    expected = walk(legs, payout, min_edge_e4)
    assume(expected is not None)
    assert expected is not None
    [decision] = decisions
    assert (decision["gross_e4"], decision["legs"]) == (gross_e4, len(legs))
    slack = expected.slack * DOLLAR
    assert 0 <= expected.sets * DOLLAR - decision["size_e6"] <= slack
    spare = 2 * expected.slices
    assert -slack <= decision["outlay_e6"] - expected.outlay * DOLLAR <= spare
    assert 0 <= expected.edge * DOLLAR - decision["edge_e6"] <= spare + slack
    assert decision["edge_e6"] * PRICE_ONE_E4 >= min_edge_e4 * decision["outlay_e6"]
    sent = [i for i in kernel.intents if i["basket"] == kind]
    check_orders(decision, expected, legs, sent)


def check_orders(decision: Record, expected: Basket, legs: list[Leg], sent: list[Record]) -> None:
    observed = [i for i in sent if i["kind"] == IntentKind.OBSERVE]
    placed = [i for i in sent if i["kind"] == IntentKind.PLACE]
    if not expected.sets:
        assert sent == []
        assert decision["reason"] == Reason.EDGE_BELOW_MINIMUM
        return
    assert [i["price_e4"] for i in observed] == expected.limits_e4
    assert [i["token"] for i in observed] == [leg.token for leg in legs]
    assert {i["size_e6"] for i in observed} == {decision["size_e6"]}
    if decision["reason"] != Reason.TAKEN:
        assert decision["reason"] == Reason.SIZE_BELOW_MINIMUM
        assert placed == []
        return
    assert len(placed) == len(legs)
    for intent, limit_e4 in zip(placed, expected.limits_e4, strict=True):
        dollars = Fraction(intent["size_e6"] * intent["price_e4"], PRICE_ONE_E4 * ONE_E6)
        assert intent["price_e4"] <= limit_e4
        assert dollars >= 1
        assert (dollars * 100).denominator == 1
        assert intent["size_e6"] == decision["approved_e6"] <= decision["size_e6"]


RATES_E4 = st.sampled_from([0, 400, 700])
EDGES_E4 = st.sampled_from([0, 50, 300])


@given(sides(30, 70), sides(30, 70), RATES_E4, EDGES_E4)
@settings(max_examples=150)
def test_binary(bids: Levels, asks: Levels, rate_e4: int, min_edge_e4: int) -> None:
    kernel = run([market(0), fee(0, rate_e4), *book(10, 0, bids, asks)], min_edge_e4)
    check(kernel, BINARY, legs_of(BINARY, [(bids, asks)], [rate_e4]), min_edge_e4)


@st.composite
def groups(draw: st.DrawFn) -> list[tuple[Levels, Levels]]:
    """Books of 2 to 5 outcomes that are not crossed, around fair prices that sum to about 1."""
    members = draw(st.integers(2, 5))
    return [draw(quotes(100 // members + draw(st.integers(-6, 6)))) for _ in range(members)]


@st.composite
def quotes(draw: st.DrawFn, middle: int) -> tuple[Levels, Levels]:
    """A book that is not crossed, around a price in cents; it may be without bids."""
    bids = draw(sides(max(1, middle - 6), max(1, middle - 1), fewest=draw(st.integers(0, 1))))
    return bids, draw(sides(middle, min(99, middle + 5)))


@st.composite
def dated(draw: st.DrawFn) -> list[tuple[Levels, Levels]]:
    """Books of 2 to 5 outcomes by date, the earliest first, whose prices contradict the dates."""
    members = draw(st.integers(2, 5))
    return [draw(quotes(50 + draw(st.integers(-5, 5)))) for _ in range(members)]


@given(groups(), st.lists(RATES_E4, min_size=5, max_size=5), EDGES_E4, st.sampled_from(Relation))
@settings(max_examples=250)
def test_baskets(
    books: list[tuple[Levels, Levels]], rates_e4: list[int], min_edge_e4: int, relation: Relation
) -> None:
    members = len(books)
    rows = [group(0, relation, members)]
    for slot, (bids, asks) in enumerate(books):
        rows += [market(slot, group=0), fee(slot, rates_e4[slot])]
        full = book(10, slot, bids, asks)
        rows += full if slot == members - 1 else full[:-1]  # looked at once, when all are there
    kernel = run(rows, min_edge_e4)
    kinds = {
        Relation.EXACTLY_ONE: {NO_BASKET, YES_BASKET},
        Relation.AT_MOST_ONE: {NO_BASKET},
    }.get(relation, set())
    assert {d["kind"] for d in kernel.decisions} <= kinds
    for kind in kinds:
        legs = legs_of(kind, books, rates_e4[:members])
        if legs:
            check(kernel, kind, legs, min_edge_e4)
    assert {BID, ASK} == {0, 1}


@given(
    dated().flatmap(lambda books: st.permutations(list(enumerate(books)))),
    st.lists(RATES_E4, min_size=5, max_size=5),
    EDGES_E4,
)
@example(
    [(0, ({}, {5000: 1})), (1, ({5200: 2}, {5300: 1})), (2, ({}, {4900: 1, 5000: 1}))],
    [0] * 5,
    300,
)  # the least edge ends inside the second level
@settings(max_examples=150)
def test_nested(
    arrivals: list[tuple[int, tuple[Levels, Levels]]], rates_e4: list[int], min_edge_e4: int
) -> None:
    """Whatever the order in which the outcomes come, against every pair of an earlier and a later.

    Which of several equally good pairs is taken is left open, so there must be one best.
    """
    rows = [group(0, Relation.NESTED, len(arrivals))]
    for place, (slot, (bids, asks)) in enumerate(arrivals):
        rows += [market(slot, group=0, end_ms=1_000 + slot), fee(slot, rates_e4[slot])]
        full = book(10, slot, bids, asks)
        rows += full if place == len(arrivals) - 1 else full[:-1]
    books = [book for _, book in sorted(arrivals)]
    gains = sorted(
        (max(bids, default=0) - min(asks), earlier, later)
        for later, (_, asks) in enumerate(books)
        for earlier, (bids, _) in enumerate(books[:later])
    )
    gain_e4, earlier, later = gains[-1]
    assume(gain_e4 <= 0 or [gain[0] for gain in gains].count(gain_e4) == 1)
    kernel = run(rows, min_edge_e4)
    assert {d["kind"] for d in kernel.decisions} <= {NESTED}
    if gain_e4 <= 0:
        assert kernel.decisions == []
        return
    [_, no] = legs_of(BINARY, [books[earlier]], [rates_e4[earlier]])
    [yes, *_] = legs_of(BINARY, [books[later]], [rates_e4[later]])
    check(kernel, NESTED, [yes, no], min_edge_e4)
    watched = [i["market"] for i in kernel.intents if i["kind"] == IntentKind.OBSERVE]
    assert watched in ([], [later, earlier])
