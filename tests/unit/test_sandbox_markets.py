"""From listing to resolution, and what shares become."""

import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.listings import Listing, Phase, Role
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.reports import (
    MarketChanged,
    Operation,
    OperationKind,
    OrderCanceled,
    Placed,
    Rejected,
)
from hfptm.units import ONE_E6
from tests.sandbox import FUNDS_E6, Desk, make_market, only

MARKET = make_market().market


def member(number: int, role: Role = Role.NAMED) -> Listing:
    return Listing(market=make_market(number, neg_risk=True), event="race", role=role)


def race(*, fee_bips: int = 0, is_augmented: bool = False, members: int = 3) -> Exchange:
    """An event whose members' pairs "ann" holds, 100 of each."""
    exchange = Exchange()
    exchange.markets.add_event("race", fee_bips=fee_bips, is_augmented=is_augmented)
    exchange.deposit("ann", 1_000 * ONE_E6)
    exchange.approve("ann", collateral=True, shares=True, ts_ns=1)
    for number in range(1, members + 1):
        exchange.markets.add(member(number))
    for listed in exchange.markets.all():
        exchange.split("ann", listed.market.market, 100 * ONE_E6)
    return exchange


def test_phases() -> None:
    exchange = Exchange()
    listed = exchange.markets.add(Listing(market=make_market()))
    assert listed.phase is Phase.NOT_READY
    action = exchange.markets.open(MARKET, 5)
    assert action.reports == [MarketChanged(Phase.OPEN, 100, 0)]
    assert exchange.markets.close(MARKET, 6).reports == [MarketChanged(Phase.CLOSED, 100, 0)]
    action = exchange.markets.resolve(MARKET, 10_000, 7)
    assert (action.ts_ns, only(action, MarketChanged).payout_e4) == (7, 10_000)
    with pytest.raises(ValueError, match="is resolved"):
        exchange.markets.open(MARKET, 8)


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        (Listing(market=make_market()), "taken or empty"),
        (Listing(market=make_market(2, yes_token="N1")), "taken or empty"),
        (Listing(market=make_market(2, no_token="")), "taken or empty"),
        (Listing(market=make_market(2, tick_e4=3)), "tick_e4 3 is none of"),
        (Listing(market=make_market(2, neg_risk=True)), "contradict each other"),
        (Listing(market=make_market(2), event="race"), "contradict each other"),
    ],
)
def test_impossible_listings(listing: Listing, problem: str) -> None:
    exchange = Exchange()
    exchange.markets.add(Listing(market=make_market()))
    with pytest.raises(ValueError, match=problem):
        exchange.markets.add(listing)
    assert len(exchange.markets.all()) == 1


def test_resolution_cancels_everything() -> None:
    desk = Desk()
    desk.place("ann", BUY, 4_000, 10)
    desk.place("ben", BUY, 4_000, 10, "N1")
    action = desk.exchange.markets.resolve(MARKET, 0, desk.now_ns)
    statuses = [r.status for r in action.reports if isinstance(r, OrderCanceled)]
    assert statuses == [OrderStatus.CANCELED_MARKET_RESOLVED] * 2
    assert [level.size_e6 for level in action.levels] == [0, 0]
    assert desk.book() == ([], [])


def test_a_finer_tick_keeps_orders_and_a_coarser_one_cancels_those_off_it() -> None:
    desk = Desk()
    action = desk.exchange.markets.change_tick(MARKET, 10, desk.now_ns)
    assert action.reports == [MarketChanged(Phase.OPEN, 10, 0)]
    desk.place("ann", BUY, 4_010, 10)
    desk.place("ann", BUY, 4_000, 10)
    action = desk.exchange.markets.change_tick(MARKET, 100, desk.now_ns)
    assert only(action, OrderCanceled).order_id == "o1"
    assert desk.book() == ([(4_000, 10 * ONE_E6)], [])
    with pytest.raises(ValueError, match="tick_e4 7"):
        desk.exchange.markets.change_tick(MARKET, 7, desk.now_ns)


def test_losing_an_approval_cancels_what_rests_on_it() -> None:
    desk = Desk()
    desk.place("ann", BUY, 4_000, 10)
    desk.place("ann", SELL, 6_000, 10)
    (action,) = desk.exchange.approve("ann", collateral=True, shares=False, ts_ns=desk.now_ns)
    canceled = only(action, OrderCanceled)
    assert canceled.order_id == "o2"
    assert canceled.status is OrderStatus.CANCELED_NOT_ENOUGH_BALANCE
    assert desk.book() == ([(4_000, 10 * ONE_E6)], [])


def test_split_and_merge() -> None:
    desk = Desk()
    exchange, pool = desk.exchange, desk.exchange.markets.all()[0].pool
    before_e6 = pool.collateral_e6
    split = exchange.split("ann", MARKET, 7)
    assert split == Operation(OperationKind.SPLIT, "ann", 7, -7)
    assert (desk.holdings("ann"), desk.holdings("ann", "N1")) == ((-7, 7), (-7, 7))
    merge = exchange.merge("ann", MARKET, 3)
    assert merge == Operation(OperationKind.MERGE, "ann", 3, 3)
    assert pool.collateral_e6 == before_e6 + 4


def test_what_open_orders_hold_cannot_be_used() -> None:
    desk = Desk()
    exchange = desk.exchange
    desk.place("ann", SELL, 5_000, FUNDS_E6 // ONE_E6)
    text = "not enough balance / allowance"
    refusals = [
        exchange.merge("ann", MARKET, 1),
        exchange.merge("ann", MARKET, 0),
        exchange.split("ann", MARKET, 10**18),
        exchange.split("ann", MARKET, 0),
        exchange.split("dan", MARKET, 1),
        exchange.withdraw("ann", 10**18),
        exchange.withdraw("ann", -1),
    ]
    assert [r.text for r in refusals if isinstance(r, Rejected)] == [text] * 7
    assert desk.holdings("ann") == (0, 0)


def test_unknown_markets() -> None:
    exchange = Exchange()
    answers = [
        exchange.split("ann", 5, 1),
        exchange.merge("ann", 5, 1),
        exchange.redeem("ann", 5),
        exchange.convert("ann", "race", 1, 1),
    ]
    assert [a.text for a in answers if isinstance(a, Rejected)] == ["market not found"] * 4


@pytest.mark.parametrize(
    ("payout_e4", "cash_e6"), [(10_000, 8 * ONE_E6), (0, 3 * ONE_E6), (5_000, 5_500_000)]
)
def test_redeem(payout_e4: int, cash_e6: int) -> None:
    exchange = Exchange()
    exchange.markets.add(Listing(market=make_market()))
    exchange.deposit("ann", 8 * ONE_E6)
    exchange.approve("ann", collateral=True, shares=True, ts_ns=1)
    exchange.split("ann", MARKET, 8 * ONE_E6)
    exchange.accounts["ben"].add_shares("N1", 5 * ONE_E6)  # given to a friend
    exchange.accounts["ann"].add_shares("N1", -5 * ONE_E6)
    early = exchange.redeem("ann", MARKET)
    assert isinstance(early, Rejected)
    assert early.text == "result for condition not received yet"
    exchange.markets.resolve(MARKET, payout_e4, 2)
    exchange.redeem("ann", MARKET)
    assert exchange.accounts["ann"].cash_e6 == cash_e6
    exchange.redeem("ben", MARKET)
    assert exchange.accounts["ben"].cash_e6 == 8 * ONE_E6 - cash_e6
    assert exchange.markets[MARKET].pool.collateral_e6 == 0
    assert exchange.accounts["ann"].shares_e6 == {}


def test_an_odd_micro_share_of_a_tie_stays_in_the_pool() -> None:
    exchange = Exchange()
    exchange.markets.add(Listing(market=make_market()))
    exchange.deposit("ann", 7)
    exchange.approve("ann", collateral=True, shares=True, ts_ns=1)
    exchange.split("ann", MARKET, 7)
    exchange.markets.resolve(MARKET, 5_000, 2)
    exchange.redeem("ann", MARKET)
    assert exchange.accounts["ann"].cash_e6 == 6
    assert exchange.markets[MARKET].pool.collateral_e6 == 1


@pytest.mark.parametrize(
    ("index_set", "gained_e6", "yes", "no"),
    [
        (0b001, 0, [100, 110, 110], [90, 100, 100]),
        (0b101, 10 * ONE_E6, [100, 110, 100], [90, 100, 90]),
        (0b111, 20 * ONE_E6, [100, 100, 100], [90, 90, 90]),
    ],
)
def test_convert(index_set: int, gained_e6: int, yes: list[int], no: list[int]) -> None:
    exchange = race()
    answer = exchange.convert("ann", "race", index_set, 10 * ONE_E6)
    assert answer == Operation(OperationKind.CONVERT, "ann", 10 * ONE_E6, gained_e6)
    account = exchange.accounts["ann"]
    assert account.cash_e6 == 700 * ONE_E6 + gained_e6
    assert [account.shares_e6[f"Y{i}"] // ONE_E6 for i in (1, 2, 3)] == yes
    assert [account.shares_e6[f"N{i}"] // ONE_E6 for i in (1, 2, 3)] == no


def test_a_conversion_fee_is_taken_of_dollars_and_shares() -> None:
    exchange = race(fee_bips=100)
    exchange.convert("ann", "race", 0b101, 10 * ONE_E6)
    fees, account = exchange.accounts.fees, exchange.accounts["ann"]
    assert (fees.cash_e6, fees.shares_e6) == (100_000, {"Y2": 100_000})
    assert account.cash_e6 == 709_900_000
    assert account.shares_e6["Y2"] == 109_900_000


def test_refused_conversions() -> None:
    exchange = race()
    answers = [exchange.convert("ann", "race", bits, ONE_E6) for bits in (0, 0b1000, -1)]
    assert [a.text for a in answers if isinstance(a, Rejected)] == ["InvalidIndexSet"] * 3
    answers = [exchange.convert("ann", "race", 0b11, amount) for amount in (0, 100 * ONE_E6 + 1)]
    answers.append(exchange.convert("ben", "race", 0b11, 1))
    text = "not enough balance / allowance"
    assert [a.text for a in answers if isinstance(a, Rejected)] == [text] * 3


@pytest.mark.parametrize("winner", [0, 1, 2])
def test_whoever_wins_a_converted_event_pays_out_to_the_last_unit(winner: int) -> None:
    exchange = race()
    exchange.convert("ann", "race", 0b011, 30 * ONE_E6)
    exchange.convert("ann", "race", 0b100, 7 * ONE_E6)
    for i, listed in enumerate(exchange.markets.all()):
        exchange.markets.resolve(listed.market.market, 10_000 * (i == winner), 2)
        exchange.redeem("ann", listed.market.market)
    assert exchange.accounts["ann"].cash_e6 == 1_000 * ONE_E6
    assert exchange.markets.events["race"].pool.collateral_e6 == 0


def test_members_pay_a_dollar_together_at_most() -> None:
    exchange = race()
    first, second, _ = (listed.market.market for listed in exchange.markets.all())
    exchange.markets.resolve(first, 5_000, 2)
    with pytest.raises(ValueError, match="payout_e4=5001 is not within 0 to 5000"):
        exchange.markets.resolve(second, 5_001, 2)
    assert exchange.markets[second].phase is Phase.NOT_READY
    exchange.markets.resolve(second, 5_000, 2)


def test_only_an_augmented_event_grows_once_it_is_traded() -> None:
    with pytest.raises(ValueError, match="only an augmented event"):
        race().markets.add(member(4))
    exchange = race(is_augmented=True)
    exchange.markets.add(member(4, Role.OTHER))
    exchange.convert("ann", "race", 0b0011, 10 * ONE_E6)
    assert exchange.accounts["ann"].shares_e6["Y4"] == 10 * ONE_E6
    # Who converted before holds nothing of what is carved out of Other later.
    exchange.markets.add(member(5))
    assert "Y5" not in exchange.accounts["ann"].shares_e6
    exchange.convert("ann", "race", 0b00011, 10 * ONE_E6)
    assert exchange.accounts["ann"].shares_e6["Y5"] == 10 * ONE_E6


def test_a_placeholder_gets_its_name() -> None:
    exchange = race(is_augmented=True)
    listed = exchange.markets.add(member(4, Role.PLACEHOLDER))
    exchange.markets.name_placeholder(listed.market.market, "candidate-d", "Candidate D?")
    assert (listed.role, listed.market.slug) == (Role.NAMED, "candidate-d")
    with pytest.raises(ValueError, match="no placeholder"):
        exchange.markets.name_placeholder(listed.market.market, "again", "?")


def test_finished_orders_are_forgotten_in_the_end() -> None:
    desk = Desk(finished_max=2)
    for _ in range(3):
        only(desk.place("ann", BUY, 4_000, 10), Placed)
        desk.exchange.cancel_all("ann", desk.now_ns)
    known = [desk.exchange.orders.get(f"o{i}") is not None for i in (1, 2, 3)]
    assert known == [False, True, True]
