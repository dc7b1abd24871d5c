"""The size that is sent against every size that the exchange accepts, filled in fractions."""

from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hfptm.opportunities import OpportunityKind, Relation
from hfptm.records import IntentKind, LegPolicy
from hfptm.units import ONE_E6, PRICE_ONE_E4
from tests.kernels import Kernel, Levels, book, fee, group, market

HUNDREDTHS = 10_000
TICK_E4 = 100
LEAST_SHARES = 5
TOLERANCE = Fraction(1, 20_000)
"""Roundings of a dozen steps, in dollars."""


class Leg(NamedTuple):
    """levels: (price_e4 in the token's own terms, shares), best first; bid_e4 of the same token."""

    levels: list[tuple[int, int]]
    bid_e4: int
    rate_e4: int


class Filled(NamedTuple):
    shares: Fraction
    cost: Fraction
    unspent: Fraction


def fee_of(price_e4: int, rate_e4: int) -> Fraction:
    price = Fraction(price_e4, PRICE_ONE_E4)
    return Fraction(rate_e4, PRICE_ONE_E4) * price * (1 - price)


def limit_of(leg: Leg, sets: Fraction) -> int:
    """Price of the level that holds the last of so many shares; 0 if there are fewer."""
    total = 0
    for price_e4, shares in leg.levels:
        total += shares
        if sets <= total:
            return price_e4
    return 0


def filled(leg: Leg, sets: Fraction, limit_e4: int, policy: LegPolicy) -> Filled:
    """What one order gets: for dollars, or for shares where the policy's orders name them."""
    names_shares = policy is LegPolicy.GTC
    left = sets if names_shares else sets * limit_e4 / PRICE_ONE_E4
    shares = cost = Fraction(0)
    for price_e4, there in leg.levels:
        if price_e4 > limit_e4:
            break
        price = Fraction(price_e4, PRICE_ONE_E4)
        bought = min(Fraction(there), left if names_shares else left / price)
        shares, cost = shares + bought, cost + bought * (price + fee_of(price_e4, leg.rate_e4))
        left -= bought if names_shares else bought * price
    return Filled(shares, cost, left)


class Rules(NamedTuple):
    policy: LegPolicy
    least_e4: int

    def kernel(self) -> Kernel:
        return Kernel({"leg_policy": self.policy, "min_edge_e4": self.least_e4})


class Result(NamedTuple):
    profit: Fraction
    outlay: Fraction

    def keeps(self, min_edge_e4: int, spare: Fraction) -> bool:
        return self.profit - self.outlay * min_edge_e4 / PRICE_ONE_E4 >= spare


def result(legs: list[Leg], sets: Fraction, policy: LegPolicy) -> Result | None:
    """Of an accepted size, residue sold at the bid; None of one that is not accepted."""
    limits_e4 = [limit_of(leg, sets) for leg in legs]
    if 0 in limits_e4:
        return None
    hundredths = int(sets * 100)
    for limit_e4 in limits_e4:
        if policy is not LegPolicy.GTC:
            if hundredths * limit_e4 % PRICE_ONE_E4 or sets * limit_e4 < PRICE_ONE_E4:
                return None
        elif sets < LEAST_SHARES:
            return None
    fills = [filled(leg, sets, p, policy) for leg, p in zip(legs, limits_e4, strict=True)]
    if policy is LegPolicy.FOK and any(fill.unspent > Fraction(1, ONE_E6) for fill in fills):
        return None
    whole = min(fill.shares for fill in fills)
    outlay = sum((fill.cost for fill in fills), Fraction(0))
    profit = whole - outlay
    for leg, fill, limit_e4 in zip(legs, fills, limits_e4, strict=True):
        bid_e4 = min(leg.bid_e4, limit_e4 - TICK_E4)
        proceeds = Fraction(bid_e4, PRICE_ONE_E4) - fee_of(bid_e4, leg.rate_e4)
        profit += (fill.shares - whole) * max(proceeds, Fraction(0))
    return Result(profit, outlay)


def check(kernel: Kernel, kind: OpportunityKind, legs: list[Leg], rules: Rules) -> None:
    """No accepted size within what is displayed at a profit brings more than the one sent."""
    seen = [d for d in kernel.decisions if d["kind"] == kind]
    assume(seen != [])
    [decision] = seen
    most = decision["size_e6"] // HUNDREDTHS
    policy, least_e4 = rules
    results = [result(legs, Fraction(n, 100), policy) for n in range(1, most + 1)]
    kept = [r.profit for r in results if r is not None and r.keeps(least_e4, TOLERANCE)]
    best = max(kept, default=Fraction(0))
    sent = {i["size_e6"] for i in kernel.intents if i["kind"] == IntentKind.PLACE}
    if not sent:
        assert best <= TOLERANCE
        return
    [size_e6] = sent
    ours = result(legs, Fraction(size_e6, ONE_E6), policy)
    assert ours is not None
    assert ours.keeps(least_e4, -TOLERANCE)
    assert ours.profit >= best - TOLERANCE
    placed = [i["price_e4"] for i in kernel.intents if i["kind"] == IntentKind.PLACE]
    assert placed == [limit_of(leg, Fraction(size_e6, ONE_E6)) for leg in legs]


def mirrored(levels: Levels) -> list[tuple[int, int]]:
    return [(PRICE_ONE_E4 - price, size) for price, size in sorted(levels.items(), reverse=True)]


def sides(first: int, last: int, fewest: int = 1) -> st.SearchStrategy[Levels]:
    """Prices of five cents, so that many sizes are accepted."""
    prices = st.integers(first, last).map(lambda fives: fives * 500)
    return st.dictionaries(prices, st.integers(1, 9), min_size=fewest, max_size=4)


RATES_E4 = st.sampled_from([0, 400, 700])
RULES = st.builds(
    Rules,
    st.sampled_from([LegPolicy.FAK, LegPolicy.FOK, LegPolicy.GTC]),
    st.just(0) | st.integers(1, 4_000),
)


def crossed_books(rules: Rules, bids: Levels, asks: Levels, rate_e4: int) -> None:
    assume(max(bids) > min(asks))
    kernel = rules.kernel()
    kernel.apply([market(0), fee(0, rate_e4), *book(10, 0, bids, asks)])
    yes = Leg(sorted(asks.items()), max(bids), rate_e4)
    no = Leg(mirrored(bids), PRICE_ONE_E4 - min(asks), rate_e4)
    check(kernel, OpportunityKind.BINARY, [yes, no], rules)


def baskets(rules: Rules, books: list[tuple[Levels, Levels]], rates_e4: list[int]) -> None:
    assume(sum(min(asks) for _, asks in books) < PRICE_ONE_E4)
    rows = [group(0, Relation.EXACTLY_ONE, len(books))]
    legs = []
    for slot, ((bids, asks), rate_e4) in enumerate(zip(books, rates_e4, strict=False)):
        rows += [market(slot, group=0), fee(slot, rate_e4)]
        full = book(10, slot, bids, asks)
        rows += full if slot == len(books) - 1 else full[:-1]
        legs.append(Leg(sorted(asks.items()), max(bids, default=0), rate_e4))
    kernel = rules.kernel()
    kernel.apply(rows)
    check(kernel, OpportunityKind.YES_BASKET, legs, rules)


CROSSED = st.tuples(RULES, sides(8, 15), sides(4, 10), RATES_E4)
BASKETS = st.tuples(
    RULES,
    st.lists(st.tuples(sides(1, 3, fewest=0), sides(4, 9)), min_size=2, max_size=3),
    st.lists(RATES_E4, min_size=3, max_size=3),
)
Case = tuple[Any, ...]


@given(CROSSED)
@settings(max_examples=30)
def test_crossed_books(case: Case) -> None:
    crossed_books(*case)


@given(BASKETS)
@settings(max_examples=30)
def test_baskets(case: Case) -> None:
    baskets(*case)


@pytest.mark.fuzz_long
@given(CROSSED)
@settings(max_examples=3_000)
def test_many_crossed_books(case: Case) -> None:
    crossed_books(*case)


@pytest.mark.fuzz_long
@given(BASKETS)
@settings(max_examples=3_000)
def test_many_baskets(case: Case) -> None:
    baskets(*case)
