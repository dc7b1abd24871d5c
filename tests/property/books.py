"""What an accountant keeps of a run who sees rows and reports only, and never asks the kernel."""

from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

import numpy as np

from hfptm.kernel.plans import LegStatus, Stage, lane_of, order_id, plan_of
from hfptm.opportunities import OpportunityKind
from hfptm.records import EventFlag, EventKind, IntentKind, Side, Token
from hfptm.units import ONE_E6, PRICE_ONE_E4
from tests.kernels import Record, Venue

Place = tuple[int, int, int]
"""Lane, market slot, token."""


class Ledger:
    """Cash and shares of every lane, told from reports and resolutions alone, in fractions."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.cash_e6 = [int(lane["bankroll_e6"]) for lane in venue.state.params]
        self.shares_e6: Counter[Place] = Counter()
        self.paid_e6: Counter[int] = Counter()
        """By order: what its purchases cost so far."""
        self.payouts_e4: dict[int, int] = {}
        self.tokens: dict[int, int] = {}
        self.slots: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        self.intents_seen = self.reports_seen = 0

    def check(self, row: Any) -> None:
        """After this row; the reports of before it came first."""
        self.read()
        slot = int(row["market"])
        if row["kind"] == EventKind.STATE and row["price_e4"] >= 0:
            self.payouts_e4[slot] = int(row["price_e4"])
            for lane in range(len(self.cash_e6)):
                self.pay_resolved(lane, slot)
        assert self.cash_e6 == self.venue.state.lanes["cash_e6"].tolist()
        held_e6 = self.venue.state.positions["size_e6"]
        assert {place: size for place, size in self.shares_e6.items() if size} == {
            tuple(map(int, place)): int(held_e6[tuple(place)]) for place in np.argwhere(held_e6)
        }

    def read(self) -> None:
        intents, reports = self.venue.intents, self.venue.reports
        for intent in intents[self.intents_seen :]:
            if intent["kind"] == IntentKind.PLACE:
                self.tokens[intent["order"]] = intent["token"]
                self.slots[intent["lane"], intent["plan"]].add(intent["market"])
        for report in reports[self.reports_seen :]:
            self.apply(report)
        self.intents_seen, self.reports_seen = len(intents), len(reports)

    def apply(self, report: Record) -> None:
        if report["kind"] == EventKind.SETTLED:
            self.settle(report)
        elif report["kind"] == EventKind.FILL:
            self.trade(report, 1)
        elif report["kind"] == EventKind.FILL_FAILED:
            self.trade(report, -1)

    def trade(self, report: Record, sign: int) -> None:
        lane, slot = lane_of(report["aux"]), report["market"]
        moved_e6 = sign * self.moved_e6(report, lane)
        self.cash_e6[lane] += moved_e6
        if report["side"] == Side.BID:
            self.paid_e6[report["aux"]] -= moved_e6
        else:
            sign = -sign
        self.shares_e6[lane, slot, self.tokens[report["aux"]]] += sign * report["size_e6"]
        self.pay_resolved(lane, slot)

    def moved_e6(self, report: Record, lane: int) -> int:
        """Cash that a fill brings: below 0 for a purchase, which is rounded against us."""
        market = self.venue.state.markets[report["market"]]
        price = Fraction(report["price_e4"], PRICE_ONE_E4)
        shares = Fraction(report["size_e6"], ONE_E6)
        rate = Fraction(int(market["fee_rate_e4"]), PRICE_ONE_E4)
        if report["flags"] & EventFlag.MAKER or not self.venue.state.params[lane]["charge_fees"]:
            rate = Fraction(0)
        steps = shares * rate * price * (1 - price) * 100_000  # exponent 1
        fee_e6 = int(steps + Fraction(1, 2)) * 10
        worth_e6 = shares * price * ONE_E6
        if report["side"] == Side.BID:
            worth_e6 = -worth_e6
        return worth_e6.numerator // worth_e6.denominator - fee_e6

    def settle(self, report: Record) -> None:
        """A merged set pays one; a converted one of k NO pays k - 1, and the YES of the others.

        Nothing if one of its markets resolved meanwhile: that one was paid.
        """
        lane, size_e6 = lane_of(report["aux"]), report["size_e6"]
        if report["price_e4"] == OpportunityKind.BINARY:
            slots = {report["market"]}
            gone = [(lane, report["market"], token) for token in Token]
        else:
            slots = self.slots[lane, plan_of(report["aux"])]
            gone = [(lane, slot, Token.NO) for slot in slots]
        if slots & self.payouts_e4.keys():
            return
        self.cash_e6[lane] += size_e6 * (len(gone) - 1)
        for place in gone:
            self.shares_e6[place] -= size_e6
        if report["price_e4"] != OpportunityKind.BINARY:
            for slot in self.members(report["market"]) - slots:
                self.shares_e6[lane, slot, Token.YES] += size_e6
                self.pay_resolved(lane, slot)

    def members(self, group: int) -> set[int]:
        count = int(self.venue.state.groups[group]["members"])
        return set(self.venue.state.members[group, :count].tolist())

    def pay_resolved(self, lane: int, slot: int) -> None:
        payout_e4 = self.payouts_e4.get(slot)
        if payout_e4 is not None:
            for token, price_e4 in ((Token.YES, payout_e4), (Token.NO, PRICE_ONE_E4 - payout_e4)):
                size_e6 = self.shares_e6.pop((lane, slot, token), 0)
                self.cash_e6[lane] += price_e4 * size_e6 // PRICE_ONE_E4


class Limits:
    """What is held, and what is in flight may still add to it, is within every limit.

    An order promises all it may cost: what its fills cost so far is part of that.
    """

    def __init__(self, venue: Venue, ledger: Ledger) -> None:
        self.venue, self.ledger = venue, ledger

    def check(self) -> None:
        state = self.venue.state
        for lane in range(len(state.lanes)):
            params, exposure_e6 = state.params[lane], self.exposure_e6(lane)
            assert exposure_e6.max() <= params["max_market_e6"]
            assert exposure_e6.sum() <= params["max_total_e6"]
            for members in state.members[:, :3]:
                assert exposure_e6[members].sum() <= params["max_event_e6"]
            assert (state.plans[lane]["stage"] != Stage.FREE).sum() <= params["max_plans"]
            assert state.lanes[lane]["cash_e6"] >= 0

    def exposure_e6(self, lane: int) -> Any:
        """By market slot."""
        state = self.venue.state
        exposure_e6 = state.positions[lane]["cost_e6"].sum(axis=1) + state.reserved[lane]
        for plan, legs in zip(state.plans[lane], state.legs[lane], strict=True):
            if plan["stage"] == Stage.FREE:
                continue
            for position, leg in enumerate(legs[: plan["legs"]]):
                if leg["status"] != LegStatus.IDLE and leg["reserved_e6"]:
                    order = order_id(lane, int(plan["plan"]), position, int(leg["tries"]))
                    exposure_e6[leg["market"]] -= self.ledger.paid_e6[order]
        return exposure_e6
