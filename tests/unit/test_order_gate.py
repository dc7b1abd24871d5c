"""What every order passes before it leaves, in its order; and what it says when it stays."""

import pytest

from hfptm.kernel.plans import LEG_SHIFT, PLAN_SHIFT, WHOLE_PLAN, LegStatus, Stage, order_id
from hfptm.kernel.state import WALKED
from hfptm.opportunities import Phase, Reason
from hfptm.records import Control, EventKind, IntentKind, MarketState, Side, Token
from hfptm.units import ONE_E6
from tests.compiled import draft, may_send, send
from tests.kernels import MS, Kernel, book, market, row
from tests.unit.test_executor import done, fill, reject
from tests.unit.test_gates import control

SECOND_MS = 1_000
HELD_BACK = (
    Reason.HALTED,
    Reason.ORDER_RATE,
    Reason.MARKET_CLOSED,
    Reason.UNSEEN,
    Reason.PRICE_OFF_GRID,
    Reason.PRICE_LIMIT,
    Reason.UNPROMISED,
)
"""What holds a purchase back before its account is looked at, in the order of `may_send`."""


def holding(**params: int) -> Kernel:
    """A plan whose YES filled, 100 at 0.45, and whose NO is still out; the book bids 0.44."""
    kernel = Kernel(params)
    kernel.apply([market(0), *book(10, 0, {6_000: 100}, {4_500: 100})])
    yes, _ = (i for i in kernel.intents if i["kind"] == IntentKind.PLACE)
    kernel.apply([fill(30, yes, 4_500, 100), done(30, yes)])
    kernel.apply(book(40, 0, {4_400: 500}, {6_200: 500}))
    kernel.intents.clear()
    return kernel


def attempt(
    kernel: Kernel,
    *,
    kind: IntentKind = IntentKind.PLACE,
    side: Side = Side.ASK,
    token: Token = Token.YES,
    price_e4: int = 4_400,
    shares: int = 100,
    tries: int = 1,
) -> int:
    """An order of the plan's leg for that token; the Reason against it, 0 if it left."""
    leg = WHOLE_PLAN if kind is IntentKind.MERGE else int(token)
    order = order_id(0, 1, leg, tries)
    intent = draft(kernel.state, 0, order, kind, 0, shares * ONE_E6)
    intent["side"], intent["token"], intent["price_e4"] = side, token, price_e4
    reason = send(kernel.state)
    kernel.collect()
    return reason


def refusal(kernel: Kernel) -> tuple[int, int, int]:
    """Reason, limit and value of the last one that was journalled."""
    found = kernel.decisions[-1]
    assert found["phase"] == Phase.ORDER
    return found["reason"], found["limit"], found["value"]


def test_a_sale_of_what_is_held_leaves() -> None:
    kernel = holding()
    assert attempt(kernel) == 0
    assert [i["size_e6"] for i in kernel.intents] == [100 * ONE_E6]
    assert not [d for d in kernel.decisions if d["phase"] == Phase.ORDER]


def test_a_purchase_puts_nothing_on_sale() -> None:
    kernel = Kernel()
    kernel.apply([market(0), *book(10, 0, {6_000: 100}, {4_500: 100})])
    legs = kernel.state.legs[0, 1, :2]
    assert legs["sent_ns"].tolist() == [10 * MS, 10 * MS]
    assert legs["selling_e6"].tolist() == [0, 0]


def test_nothing_is_sold_twice() -> None:
    """What is on sale is not there for another sale, until its order fills or is over."""
    kernel = holding()
    assert attempt(kernel, shares=60) == 0
    leg = kernel.state.legs[0, 1, 0]
    leg["tries"], leg["status"], leg["left_e6"] = 1, LegStatus.SENT, 60 * ONE_E6
    kernel.state.plans[0, 1]["open_orders"] += 1
    assert attempt(kernel, shares=41) == Reason.NOT_HELD
    assert refusal(kernel) == (Reason.NOT_HELD, 40 * ONE_E6, 41 * ONE_E6)
    sale = kernel.intents[-1]
    kernel.apply([fill(50, sale, 4_400, 10)])
    assert attempt(kernel, shares=41) == Reason.NOT_HELD
    kernel.apply([done(60, sale), reject(61, {"order": order_id(0, 1, 1, 0)})])
    assert kernel.intents[-1]["size_e6"] == 90 * ONE_E6  # the plan itself sells all the rest
    assert kernel.state.legs[0, 1, 0]["selling_e6"] == 90 * ONE_E6


def test_locked_shares_those_in_a_set_and_those_that_have_not_settled_are_not_for_sale() -> None:
    kernel = holding()
    kernel.state.positions[0, 0, 0]["locked_size_e6"] = 30 * ONE_E6
    kernel.state.legs[0, 1, 0]["whole_e6"] = 20 * ONE_E6
    kernel.state.legs[0, 1, 0]["arriving_e6"] = 5 * ONE_E6
    assert attempt(kernel, shares=46) == Reason.NOT_HELD
    assert refusal(kernel) == (Reason.NOT_HELD, 45 * ONE_E6, 46 * ONE_E6)


@pytest.mark.parametrize(("slot", "token"), [(0, Token.NO), (1, Token.YES)])
def test_what_another_token_has_on_sale_is_no_matter(slot: int, token: Token) -> None:
    kernel = holding()
    other = kernel.state.legs[0, 1, 1]
    other["market"], other["token"], other["selling_e6"] = slot, token, 30 * ONE_E6
    assert attempt(kernel, shares=100) == 0


@pytest.mark.parametrize(
    ("side", "token", "price_e4", "reason", "limit"),
    [
        (Side.ASK, Token.YES, 4_300, Reason.PRICE_LIMIT, 4_400),
        (Side.ASK, Token.NO, 3_700, Reason.PRICE_LIMIT, 3_800),
        (Side.BID, Token.YES, 4_600, Reason.PRICE_LIMIT, 4_500),
        (Side.ASK, Token.YES, 4_450, Reason.PRICE_OFF_GRID, 100),
        (Side.ASK, Token.YES, 10_000, Reason.PRICE_OFF_GRID, 100),
        (Side.BID, Token.YES, 0, Reason.PRICE_OFF_GRID, 100),
    ],
)
def test_a_price_that_nobody_could_mean_stays(
    side: Side, token: Token, price_e4: int, reason: Reason, limit: int
) -> None:
    kernel = holding()
    assert attempt(kernel, side=side, token=token, price_e4=price_e4) == reason
    assert refusal(kernel) == (reason, limit, price_e4)


def test_only_who_completes_may_pay_more_than_the_limit() -> None:
    kernel = holding(slippage_e4=100)
    for tries, limit_e4 in ((0, 4_500), (1, 4_600)):
        assert attempt(kernel, side=Side.BID, tries=tries, price_e4=limit_e4) == Reason.UNPROMISED
        beyond_e4 = limit_e4 + 100
        passed = attempt(kernel, side=Side.BID, tries=tries, price_e4=beyond_e4)
        assert passed == Reason.PRICE_LIMIT
        assert refusal(kernel) == (Reason.PRICE_LIMIT, limit_e4, beyond_e4)


def test_a_purchase_needs_its_promise_and_the_account_its_room() -> None:
    """The promise of the leg's first order went with it, so a second one needs its own."""
    kernel = holding(max_market_e6=100 * ONE_E6)
    assert attempt(kernel, side=Side.BID, shares=10) == Reason.UNPROMISED
    assert refusal(kernel) == (Reason.UNPROMISED, 0, 4_401_001)
    leg, account = kernel.state.legs[0, 1, 0], kernel.state.lanes[0]
    for promised_e6, reason in ((4_401_001, 0), (20 * ONE_E6, Reason.MARKET_EXPOSURE)):
        for held in (leg, account):
            held["reserved_e6"] += promised_e6
        kernel.state.reserved[0, 0] += promised_e6
        assert attempt(kernel, side=Side.BID, shares=10) == reason
    assert refusal(kernel) == (Reason.MARKET_EXPOSURE, 100 * ONE_E6, 109_402_002)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("max_market_e6", Reason.MARKET_EXPOSURE),
        ("max_event_e6", Reason.EVENT_EXPOSURE),
        ("max_total_e6", Reason.TOTAL_EXPOSURE),
    ],
)
def test_the_account_is_looked_at_anew_with_the_order(limit: str, reason: Reason) -> None:
    """Exposure just at a limit passes, a micro-dollar beyond it does not."""
    kernel = holding()
    leg, account, params = kernel.state.legs[0, 1, 0], kernel.state.lanes[0], kernel.state.params[0]
    leg["reserved_e6"] += 10 * ONE_E6
    account["reserved_e6"] += 10 * ONE_E6
    kernel.state.reserved[0, 0] += 10 * ONE_E6
    promised_e6 = int(kernel.state.reserved[0, 0])
    exposure_e6 = promised_e6 + int(kernel.state.positions[0, 0]["cost_e6"].sum())
    for below_e6, expected in ((1, reason), (0, 0)):
        params[limit] = exposure_e6 - below_e6
        assert attempt(kernel, side=Side.BID, shares=10) == expected
        if expected:
            assert refusal(kernel) == (reason, exposure_e6 - 1, exposure_e6)


def test_cash_that_is_spoken_for_is_not_spent_again() -> None:
    kernel = holding()
    leg, account = kernel.state.legs[0, 1, 0], kernel.state.lanes[0]
    leg["reserved_e6"] += 10 * ONE_E6
    account["reserved_e6"] += 10 * ONE_E6
    spoken_for_e6 = int(account["reserved_e6"])
    account["cash_e6"] = spoken_for_e6 - 1
    assert attempt(kernel, side=Side.BID, shares=10) == Reason.NO_CASH
    assert refusal(kernel) == (Reason.NO_CASH, spoken_for_e6 - 1, spoken_for_e6)
    account["cash_e6"] = spoken_for_e6
    assert attempt(kernel, side=Side.BID, shares=10) == 0


def test_a_market_that_is_closed_or_unseen_takes_no_order() -> None:
    kernel = holding()
    kernel.apply([row(EventKind.GAP, 50, 0)])
    assert attempt(kernel) == Reason.UNSEEN
    assert refusal(kernel) == (Reason.UNSEEN, 0, 0)
    kernel.apply([row(EventKind.STATE, 60, 0, aux=MarketState.CLOSED)])
    assert attempt(kernel) == Reason.MARKET_CLOSED
    assert refusal(kernel) == (Reason.MARKET_CLOSED, 0, 0)
    kernel.apply([row(EventKind.STATE, 70, 0, aux=MarketState.OPEN)])
    kernel.apply(book(80, 0, {4_400: 500}, {6_200: 500}))
    assert attempt(kernel) == 0


def test_a_halt_leaves_cancellations_alone() -> None:
    kernel = holding()
    kernel.apply([control(50, Control.HALT)])
    assert attempt(kernel) == attempt(kernel, kind=IntentKind.MERGE) == Reason.HALTED
    assert refusal(kernel) == (Reason.HALTED, 0, 0)
    assert attempt(kernel, kind=IntentKind.CANCEL) == 0
    kernel.apply([control(60, Control.RESUME), control(60, Control.STOP)])
    assert attempt(kernel) == attempt(kernel, kind=IntentKind.MERGE) == 0


def test_the_budget_counts_every_order_and_comes_back_evenly() -> None:
    """Three at once, then one each 100 ms; a sale is no exception, a cancellation is."""
    kernel = holding(order_interval_ns=100 * MS, order_burst=3)
    kernel.apply([row(EventKind.TIMER, SECOND_MS, 0)])
    sales = [attempt(kernel, shares=1) for _ in range(4)]
    assert sales == [0, 0, 0, Reason.ORDER_RATE]
    assert refusal(kernel) == (Reason.ORDER_RATE, 3, 4)
    assert attempt(kernel, kind=IntentKind.CANCEL) == 0
    for after_ms, reason in ((99, Reason.ORDER_RATE), (100, 0), (199, Reason.ORDER_RATE), (200, 0)):
        kernel.apply([row(EventKind.TIMER, SECOND_MS + after_ms, 0)])
        assert attempt(kernel, shares=1) == reason
    kernel.apply([row(EventKind.TIMER, 9 * SECOND_MS, 0)])
    assert [attempt(kernel, shares=1) for _ in range(4)] == sales


def test_a_refusal_is_told_once_until_it_changes() -> None:
    kernel = holding()
    for shares in (101, 102, 100, 101):
        attempt(kernel, shares=shares)
    kernel.apply([row(EventKind.GAP, 50, 0)])
    attempt(kernel)
    told = [d for d in kernel.decisions if d["phase"] == Phase.ORDER]
    assert [d["reason"] for d in told] == [Reason.NOT_HELD, Reason.NOT_HELD, Reason.UNSEEN]
    order = (1 << PLAN_SHIFT) | (0 << LEG_SHIFT) | 1
    assert {(d["decision"], d["plan"], d["market"]) for d in told} == {(order, 1, 0)}
    assert kernel.lane()["withheld"] == 3


def test_the_first_of_many_reasons_is_the_one_told() -> None:
    """Everything is wrong with this order; mended one by one, the next is named."""
    kernel = holding()
    state, lane = kernel.state, kernel.state.params[0]
    lane["order_interval_ns"], lane["order_burst"], lane["max_market_e6"] = 100 * MS, 1, ONE_E6
    leg, risk, slot = state.legs[0, 1, 0], state.risk[0], state.markets[0]
    leg["limit_e4"], slot["open"], slot["valid"] = 4_000, 0, 0
    risk["latch"], risk["budget_ns"] = Reason.HALTED, 1 << 60
    intent = draft(state, 0, order_id(0, 1, 0, 1), IntentKind.PLACE, 0, 10 * ONE_E6)
    intent["side"], intent["token"], intent["price_e4"] = Side.BID, Token.YES, 4_450
    found = []
    for record, field, value in (
        (risk, "latch", 0),
        (risk, "budget_ns", 0),
        (slot, "open", 1),
        (slot, "valid", 1),
        (intent, "price_e4", 4_400),
        (leg, "limit_e4", 4_500),
        (leg, "reserved_e6", 50 * ONE_E6),
    ):
        found.append(Reason(may_send(state)))
        record[field] = value
    found.append(Reason(may_send(state)))
    assert found.pop() == Reason.MARKET_EXPOSURE
    assert found == list(HELD_BACK)
    assert state.basket[WALKED]["limit"] == ONE_E6
    assert state.plans[0, 1]["stage"] == Stage.WORKING
