"""Plans, driven by execution reports as an exchange would send them."""

from collections.abc import Sequence

import pytest

from hfptm.kernel.cash import cost_e6, proceeds_e6
from hfptm.kernel.fees import taker_fee_e6
from hfptm.kernel.plans import order_id
from hfptm.opportunities import OpportunityKind, Relation
from hfptm.records import EventKind, IntentKind, LegPolicy, OrderType, Side, Token
from hfptm.units import ONE_E6
from tests.kernels import (
    ASK,
    BID,
    MS,
    Kernel,
    Levels,
    Record,
    book,
    fee,
    group,
    level,
    market,
    resolved,
    row,
)
from tests.tapes import Row

BUY, SELL = Side.BID, Side.ASK
YES, NO = Token.YES, Token.NO
RATE_E4 = 500


def report(kind: EventKind, ts_ms: int, order: int, shares: int, **fields: int) -> Row:
    return row(kind, ts_ms, 0, aux=order, size_e6=shares * ONE_E6, **fields)


def fill(ts_ms: int, intent: Record, price_e4: int, shares: int) -> Row:
    fields = {"price_e4": price_e4, "side": intent["side"]}
    return report(EventKind.FILL, ts_ms, intent["order"], shares, **fields)


def done(ts_ms: int, intent: Record) -> Row:
    return report(EventKind.DONE, ts_ms, intent["order"], 0)


def reject(ts_ms: int, intent: Record) -> Row:
    return report(EventKind.REJECT, ts_ms, intent["order"], 0)


def settled(ts_ms: int, intent: Record) -> Row:
    return row(EventKind.SETTLED, ts_ms, 0, aux=intent["order"], size_e6=intent["size_e6"])


class Desk(Kernel):
    """A kernel whose accounts are checked after every row."""

    def apply(self, rows: Sequence[Row]) -> None:
        for item in rows:
            super().apply([item])
            self.check_accounts()

    def sent(self, kind: IntentKind = IntentKind.PLACE) -> list[Record]:
        """Intents of a kind since the last call of any kind."""
        found = [intent for intent in self.intents if intent["kind"] == kind]
        self.intents.clear()
        return found

    def position(self, slot: int, token: int) -> tuple[int, int]:
        """Size and cost in e6."""
        record = self.state.positions[0, slot, token]
        return int(record["size_e6"]), int(record["cost_e6"])

    def is_idle(self) -> bool:
        return not (self.state.plans["stage"] != 0).any() and not self.lane()["reserved_e6"]


def paid_e6(price_e4: int, shares: int) -> int:
    size_e6 = shares * ONE_E6
    return cost_e6(price_e4, size_e6) + taker_fee_e6(RATE_E4, 1, price_e4, size_e6)


def received_e6(price_e4: int, shares: int) -> int:
    size_e6 = shares * ONE_E6
    return proceeds_e6(price_e4, size_e6) - taker_fee_e6(RATE_E4, 1, price_e4, size_e6)


def binary() -> tuple[Desk, Record, Record]:
    """100 sets of market 0: YES at 0.45, NO at 0.40; then the book is 0.44 to 0.62 again."""
    desk = Desk()
    desk.apply([market(0), fee(0, RATE_E4), *book(10, 0, {6_000: 100}, {4_500: 100})])
    yes, no = desk.sent()
    assert (yes["price_e4"], yes["token"], no["price_e4"], no["token"]) == (4_500, YES, 4_000, NO)
    assert yes["size_e6"] == no["size_e6"] == 100 * ONE_E6
    desk.apply(book(20, 0, {4_400: 500}, {6_200: 500}))
    return desk, yes, no


def basket(kind: OpportunityKind, convertible: int = 1, **limits: int) -> tuple[Desk, list[Record]]:
    """Ten sets of a basket of three outcomes; outcome 2 has no bid."""
    books: list[tuple[Levels, Levels]] = [({6_000: 10}, {}), ({5_500: 10}, {}), ({}, {})]
    if kind == OpportunityKind.YES_BASKET:
        books = [({}, {3_000: 10}), ({}, {3_000: 10}), ({}, {3_000: 10})]
    desk = Desk(limits)
    desk.apply([group(0, Relation.EXACTLY_ONE, 3, convertible)])
    desk.apply([item for slot in range(3) for item in (market(slot, group=0), fee(slot, RATE_E4))])
    for slot, (bids, asks) in enumerate(books):
        desk.apply(book(10, slot, bids, asks) if slot == 2 else book(10, slot, bids, asks)[:-1])
    return desk, desk.sent()


def test_a_pair_filled_whole_is_merged_and_pays_a_dollar_a_set() -> None:
    desk, yes, no = binary()
    assert desk.lane()["reserved_e6"] > paid_e6(4_500, 100) + paid_e6(4_000, 100)
    desk.apply([fill(30, yes, 4_500, 100), done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    assert desk.position(0, YES) == (100 * ONE_E6, paid_e6(4_500, 100))
    [merge] = desk.sent(IntentKind.MERGE)
    assert (merge["size_e6"], merge["market"]) == (100 * ONE_E6, 0)
    assert desk.lane()["realised_e6"] == 0
    desk.apply([settled(60, merge)])
    profit_e6 = 100 * ONE_E6 - paid_e6(4_500, 100) - paid_e6(4_000, 100)
    assert desk.lane()["realised_e6"] == profit_e6 > 0
    assert (desk.position(0, YES), desk.position(0, NO)) == ((0, 0), (0, 0))
    assert (desk.lane()["completed"], desk.lane()["fills"]) == (1, 2)
    assert desk.is_idle()


def test_what_fills_short_is_merged_and_the_rest_sold() -> None:
    desk, yes, no = binary()
    desk.apply([fill(30, yes, 4_500, 100), done(30, yes), fill(31, no, 4_000, 30), done(31, no)])
    sale, merge = sorted(desk.intents, key=lambda intent: intent["kind"])
    assert (merge["kind"], merge["size_e6"]) == (IntentKind.MERGE, 30 * ONE_E6)
    assert (sale["side"], sale["token"], sale["price_e4"]) == (SELL, YES, 4_400)
    assert sale["size_e6"] == 70 * ONE_E6
    desk.apply([fill(50, sale, 4_400, 70), done(50, sale), settled(60, merge)])
    spent_e6 = paid_e6(4_500, 100) + paid_e6(4_000, 30)
    assert desk.lane()["realised_e6"] == 30 * ONE_E6 + received_e6(4_400, 70) - spent_e6
    assert desk.lane()["unwind_result_e6"] < 0
    assert (desk.lane()["partial"], desk.lane()["unwinds"]) == (1, 1)
    assert desk.position(0, YES) == (0, 0)
    assert desk.is_idle()


def test_a_leg_alone_is_sold_in_three_tries_and_then_carried() -> None:
    desk, yes, no = binary()
    desk.apply([reject(30, no), fill(30, yes, 4_500, 100), done(30, yes)])
    orders = []
    for turn in range(3):
        [sale] = desk.sent()
        orders.append(sale["order"])
        assert (sale["token"], sale["size_e6"]) == (YES, (100 - 10 * turn) * ONE_E6)
        desk.apply([fill(40 + turn, sale, 4_400, 10), done(40 + turn, sale)])
    assert orders == [order_id(0, 1, 0, attempt) for attempt in (1, 2, 3)]
    assert desk.sent() == []
    assert desk.position(0, YES)[0] == 70 * ONE_E6
    assert desk.is_idle()
    desk.apply([resolved(90, 0, 0)])
    assert desk.lane()["cash_e6"] == desk.lane()["realised_e6"] + 1_000_000 * ONE_E6
    assert desk.lane()["realised_e6"] == 3 * received_e6(4_400, 10) - paid_e6(4_500, 100)


def test_nothing_filled_is_a_miss_and_costs_nothing() -> None:
    desk, yes, no = binary()
    desk.apply([reject(30, yes), reject(30, no)])
    assert desk.sent() == []
    assert (desk.lane()["missed"], desk.lane()["rejects"]) == (1, 2)
    assert (desk.lane()["realised_e6"], desk.is_idle()) == (0, True)


def test_shares_bought_beyond_the_order_are_sold() -> None:
    """45 dollars meant for 100 YES at 0.45 buy 112.50 at 0.40."""
    desk, yes, no = binary()
    desk.apply([fill(30, yes, 4_000, 100)])
    extra = fill(30, yes, 4_000, 12)._replace(size_e6=12_500_000)
    desk.apply([extra, done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    assert desk.lane()["completed"] == 1
    sale = desk.sent()[0]
    assert (sale["size_e6"], sale["side"], sale["token"]) == (12_500_000, SELL, YES)


def test_less_than_a_cent_of_a_share_is_carried() -> None:
    desk, yes, no = binary()
    odd = fill(30, yes, 4_500, 0)._replace(size_e6=100_009_999)
    desk.apply([odd, done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    assert [intent["kind"] for intent in desk.intents] == [IntentKind.MERGE]


def test_no_bid_means_no_sale() -> None:
    desk, yes, no = binary()
    desk.apply([level(25, 0, BID, 4_400, 0)])
    desk.apply([reject(30, no), fill(30, yes, 4_500, 100), done(30, yes)])
    assert desk.sent() == []
    assert desk.position(0, YES)[0] == 100 * ONE_E6
    assert desk.is_idle()


def test_conversion_pays_at_once_and_gives_the_outcomes_left_out() -> None:
    desk, placed = basket(OpportunityKind.NO_BASKET)
    assert [(i["market"], i["token"], i["price_e4"]) for i in placed] == [
        (0, NO, 4_000),
        (1, NO, 4_500),
    ]
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    [convert] = desk.sent(IntentKind.CONVERT)
    assert (convert["market"], convert["size_e6"]) == (0, 10 * ONE_E6)
    desk.apply([settled(60, convert)])
    assert desk.lane()["realised_e6"] == 10 * ONE_E6 - paid_e6(4_000, 10) - paid_e6(4_500, 10)
    assert desk.position(2, YES) == (10 * ONE_E6, 0)
    assert desk.is_idle()
    before_e6 = desk.lane()["realised_e6"]
    desk.apply([resolved(90, 0, 0), resolved(90, 1, 0), resolved(90, 2, 10_000)])
    assert desk.lane()["realised_e6"] == before_e6 + 10 * ONE_E6


def test_an_outcome_left_out_that_has_resolved_pays_at_conversion() -> None:
    desk, placed = basket(OpportunityKind.NO_BASKET)
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    [convert] = desk.sent(IntentKind.CONVERT)
    desk.apply([resolved(40, 2, 10_000), settled(60, convert)])
    assert desk.lane()["realised_e6"] == 20 * ONE_E6 - paid_e6(4_000, 10) - paid_e6(4_500, 10)
    assert desk.position(2, YES) == (0, 0)


@pytest.mark.parametrize(("convertible", "held"), [(0, 0), (1, 1)])
def test_no_sets_that_do_not_convert_are_locked_until_they_resolve(
    convertible: int, held: int
) -> None:
    desk, placed = basket(OpportunityKind.NO_BASKET, convertible, holds_baskets=held)
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    cost = paid_e6(4_000, 10) + paid_e6(4_500, 10)
    assert desk.intents == []
    assert (desk.lane()["locked_e6"], desk.lane()["locked_payout_e6"]) == (cost, 10 * ONE_E6)
    assert desk.is_idle()
    desk.apply([resolved(90, 0, 0)])
    assert desk.lane()["locked_payout_e6"] == 0
    desk.apply([resolved(91, 1, 10_000), resolved(92, 2, 0)])
    assert desk.lane()["locked_e6"] == 0
    assert desk.lane()["realised_e6"] == 10 * ONE_E6 - cost


def test_no_sets_pay_when_the_last_but_one_of_their_markets_has_resolved() -> None:
    desk, placed = basket(OpportunityKind.NO_BASKET, convertible=0)
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    for slot, payout_e4, promised_e6 in ((0, 10_000, 10 * ONE_E6), (1, 0, 0)):
        desk.apply([resolved(90 + slot, slot, payout_e4)])
        assert desk.lane()["locked_payout_e6"] == promised_e6


def test_yes_sets_are_locked_and_the_winner_pays() -> None:
    desk, placed = basket(OpportunityKind.YES_BASKET)
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    cost = 3 * paid_e6(3_000, 10)
    assert (desk.lane()["locked_e6"], desk.lane()["locked_payout_e6"]) == (cost, 10 * ONE_E6)
    desk.apply([resolved(90, 0, 0)])
    assert desk.lane()["locked_payout_e6"] == 10 * ONE_E6
    desk.apply([resolved(91, 1, 10_000)])
    assert desk.lane()["locked_payout_e6"] == 0
    desk.apply([resolved(92, 2, 0)])
    assert (desk.lane()["realised_e6"], desk.lane()["locked_e6"]) == (10 * ONE_E6 - cost, 0)


def test_a_void_event_keeps_no_promise() -> None:
    """Every outcome pays a quarter: 0.75 for a set that was to pay 1."""
    desk, placed = basket(OpportunityKind.YES_BASKET)
    for intent in placed:
        desk.apply([fill(30, intent, intent["price_e4"], 10), done(30, intent)])
    desk.apply([resolved(90 + slot, slot, 2_500) for slot in range(3)])
    assert (desk.lane()["locked_payout_e6"], desk.lane()["locked_e6"]) == (0, 0)


def test_a_resolution_before_the_merge_pays_once() -> None:
    desk, yes, no = binary()
    desk.apply([fill(30, yes, 4_500, 100), done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    [merge] = desk.sent(IntentKind.MERGE)
    desk.apply([resolved(50, 0, 10_000), settled(60, merge)])
    profit_e6 = 100 * ONE_E6 - paid_e6(4_500, 100) - paid_e6(4_000, 100)
    assert (desk.lane()["realised_e6"], desk.is_idle()) == (profit_e6, True)


def test_fills_reported_after_the_resolution_are_paid_like_all_others() -> None:
    desk, yes, no = binary()
    desk.apply([resolved(25, 0, 10_000)])
    desk.apply([fill(30, yes, 4_500, 100), done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    assert desk.intents == []
    profit_e6 = 100 * ONE_E6 - paid_e6(4_500, 100) - paid_e6(4_000, 100)
    assert (desk.lane()["realised_e6"], desk.is_idle()) == (profit_e6, True)


def test_shares_sold_before_a_resolution_are_not_redeemed() -> None:
    """The sale is reported when the position was already paid out: that payout is taken back."""
    desk, yes, no = binary()
    desk.apply([reject(30, no), fill(30, yes, 4_500, 100), done(30, yes)])
    [sale] = desk.sent()
    desk.apply([resolved(40, 0, 10_000), fill(50, sale, 4_400, 100), done(50, sale)])
    assert desk.lane()["realised_e6"] == received_e6(4_400, 100) - paid_e6(4_500, 100)
    assert (desk.position(0, YES), desk.is_idle()) == ((0, 0), True)


def test_reports_that_fit_no_plan_change_nothing() -> None:
    desk, yes, _ = binary()
    before = str(desk.lane())
    strange = [(5, 1, 0, 0), (0, 2, 0, 0), (0, 1, 9, 0)]  # another lane, plan, leg
    for lane, plan, leg, attempt in strange:
        order = order_id(lane, plan, leg, attempt)
        desk.apply([report(EventKind.FILL, 30, order, 5, price_e4=5_000)])
    desk.apply([report(EventKind.ACK, 31, yes["order"] + 1, 5)])
    desk.apply([report(EventKind.DONE, 31, -1, 5)])
    assert str(desk.lane()) == before
    assert desk.counters()["unused_rows"] == 5


@pytest.mark.parametrize("beyond_e6", [3, -3])
def test_cash_beyond_a_fill_is_profit_whatever_became_of_the_plan(beyond_e6: int) -> None:
    desk, yes, no = binary()
    desk.apply([fill(30, yes, 4_500, 100), done(30, yes), fill(31, no, 4_000, 100), done(31, no)])
    desk.apply([settled(60, *desk.sent(IntentKind.MERGE))])
    assert desk.is_idle()
    cash_e6, realised_e6 = int(desk.lane()["cash_e6"]), int(desk.lane()["realised_e6"])
    desk.apply([row(EventKind.CASH, 61, 0, size_e6=beyond_e6, aux=yes["order"])])
    assert desk.lane()["realised_e6"] == realised_e6 + beyond_e6
    assert desk.lane()["cash_e6"] == cash_e6 + beyond_e6
    assert desk.counters()["unused_rows"] == 0


def test_one_plan_without_an_end_blocks_no_other() -> None:
    desk = Desk()
    rows = [market(0), fee(0, RATE_E4)]
    for turn in range(70):
        rows += book(10 * turn + 10, 0, {6_000: 10}, {4_500: 10})
        rows += book(10 * turn + 15, 0, {4_400: 10}, {6_200: 10})
    desk.apply(rows[:2])
    for start in range(2, len(rows), 8):
        desk.apply(rows[start : start + 8])
        for intent in desk.sent():
            if intent["plan"] != 1:
                desk.apply([reject(intent["ts_ns"] // MS + 1, intent)])
    assert desk.lane()["plans"] == 70
    assert desk.lane()["plan_serial"] == 71
    assert desk.lane()["missed"] == 69
    assert desk.market(0)["best_ask_e4"] == 6_200
    assert ASK == Side.ASK


def test_fok_is_asked_of_entries_alone() -> None:
    desk = Desk({"leg_policy": LegPolicy.FOK})
    desk.apply([market(0), fee(0, RATE_E4), *book(10, 0, {6_000: 100}, {4_500: 100})])
    yes, no = desk.sent()
    assert (yes["order_type"], no["order_type"]) == (OrderType.FOK, OrderType.FOK)
    desk.apply([reject(30, no), fill(30, yes, 4_500, 100), done(30, yes)])
    [sale] = desk.sent()
    assert (sale["side"], sale["order_type"]) == (SELL, OrderType.FAK)
