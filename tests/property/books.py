"""What an accountant keeps of a run who sees rows and reports only, and never asks the kernel."""

from collections import Counter, defaultdict
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from hfptm.kernel.plans import LegStatus, Stage, lane_of, order_id
from hfptm.opportunities import OpportunityKind
from hfptm.records import EventFlag, EventKind, IntentKind, MarketState, Side, Token
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
        self.arriving_e6: Counter[Place] = Counter()
        self.on_sale_e6: dict[int, int] = {}
        """By order: what it may still sell."""
        self.sale_slots: dict[int, int] = {}
        self.in_sets: dict[int, tuple[list[Place], int]] = {}
        """By merge or conversion: what it takes, and how much of each."""
        self.intents_seen = self.reports_seen = 0

    def check(self, row: Any) -> None:
        """After this row; the reports of before it came first."""
        self.read()
        slot = int(row["market"])
        if row["kind"] == EventKind.STATE and row["aux"] == MarketState.RESOLVED:
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
            self.note_intent(intent)
        for report in reports[self.reports_seen :]:
            self.apply(report)
        self.intents_seen, self.reports_seen = len(intents), len(reports)

    def note_intent(self, intent: Record) -> None:
        lane, slot, order = intent["lane"], intent["market"], intent["order"]
        if intent["kind"] == IntentKind.PLACE:
            self.tokens[order] = intent["token"]
            self.slots[lane, intent["plan"]].add(slot)
            if intent["side"] == Side.ASK:
                self.on_sale_e6[order] = intent["size_e6"]
                self.sale_slots[order] = slot
        elif intent["kind"] == IntentKind.MERGE:
            self.in_sets[order] = [(lane, slot, int(token)) for token in Token], intent["size_e6"]
        elif intent["kind"] == IntentKind.CONVERT:
            taken = [(lane, slot, int(Token.NO)) for slot in self.slots[lane, intent["plan"]]]
            self.in_sets[order] = taken, intent["size_e6"]

    def apply(self, report: Record) -> None:
        order, kind = report["aux"], report["kind"]
        if kind == EventKind.SETTLED:
            self.settle(report)
        elif kind == EventKind.FILL:
            self.trade(report, 1)
        elif kind == EventKind.FILL_FAILED:
            self.trade(report, -1)
        elif kind == EventKind.FILL_CONFIRMED and report["side"] == Side.BID:
            self.arriving_e6[self.place(report)] -= report["size_e6"]
        elif kind in (EventKind.DONE, EventKind.REJECT):
            self.on_sale_e6.pop(order, None)
            for lane, slot, _ in self.in_sets.pop(order, ([], 0))[0]:
                self.pay_resolved(lane, slot)
        if order in self.tokens:
            self.pay_resolved(lane_of(order), report["market"])

    def place(self, report: Record) -> Place:
        return lane_of(report["aux"]), report["market"], self.tokens[report["aux"]]

    def trade(self, report: Record, sign: int) -> None:
        order, place, size_e6 = report["aux"], self.place(report), report["size_e6"]
        moved_e6 = sign * self.moved_e6(report, place[0])
        self.cash_e6[place[0]] += moved_e6
        if report["side"] == Side.BID:
            self.paid_e6[order] -= moved_e6
            self.shares_e6[place] += sign * size_e6
            if self.settles(place[0]):
                self.arriving_e6[place] += sign * size_e6
        else:
            self.shares_e6[place] -= sign * size_e6
            if sign > 0:
                self.on_sale_e6[order] -= size_e6

    def settles(self, lane: int) -> bool:
        return bool(self.venue.state.params[lane]["fills_settle"])

    def moved_e6(self, report: Record, lane: int) -> int:
        """Cash that a fill brings: below 0 for a purchase. Rounded against whoever rested."""
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
        rounded_e6 = floor(worth_e6) if report["flags"] & EventFlag.MAKER else ceil(worth_e6)
        return rounded_e6 - fee_e6

    def settle(self, report: Record) -> None:
        """A merged set pays one; a converted one of k NO pays k - 1, and the YES of the others."""
        lane, size_e6 = lane_of(report["aux"]), report["size_e6"]
        gone, sets_e6 = self.in_sets.pop(report["aux"])
        assert sets_e6 == size_e6
        self.cash_e6[lane] += size_e6 * (len(gone) - 1)
        for place in gone:
            self.shares_e6[place] -= size_e6
        if report["price_e4"] != OpportunityKind.BINARY:
            for slot in self.members(report["market"]) - {slot for _, slot, _ in gone}:
                self.shares_e6[lane, slot, Token.YES] += size_e6
                self.pay_resolved(lane, slot)

    def members(self, group: int) -> set[int]:
        count = int(self.venue.state.groups[group]["members"])
        return set(self.venue.state.members[group, :count].tolist())

    def pay_resolved(self, lane: int, slot: int) -> None:
        """What of a resolved market is there, and on its way neither to us nor from us."""
        payout_e4 = self.payouts_e4.get(slot)
        if payout_e4 is None:
            return
        for token, price_e4 in ((Token.YES, payout_e4), (Token.NO, PRICE_ONE_E4 - payout_e4)):
            place = lane, slot, int(token)
            there_e6 = self.shares_e6[place] - self.on_its_way_e6(place)
            self.shares_e6[place] -= there_e6
            self.cash_e6[lane] += price_e4 * there_e6 // PRICE_ONE_E4

    def on_its_way_e6(self, place: Place) -> int:
        size_e6 = self.arriving_e6[place]
        for order, on_sale_e6 in self.on_sale_e6.items():
            lane, slot = lane_of(order), self.sale_slots[order]
            if (lane, slot, self.tokens[order]) == place:
                size_e6 += on_sale_e6
        return size_e6 + sum(sets_e6 for gone, sets_e6 in self.in_sets.values() if place in gone)


class Means:
    """What the kernel takes for free to spend, sell or merge is free in the exchange's accounts.

    Then it sends nothing that those could not give.
    """

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def check(self) -> None:
        state, sim = self.venue.state, self.venue.sim
        account, purse = state.lanes, sim.purses
        spendable_e6 = account["cash_e6"] - account["reserved_e6"] - account["unsettled_gain_e6"]
        assert (spendable_e6 <= purse["cash_e6"] - purse["reserved_e6"]).all()
        free_e6 = sim.holdings["settled_e6"] - sim.holdings["on_sale_e6"]
        assert (self.held_e6() <= free_e6).all()

    def held_e6(self) -> Any:
        """(lanes, markets, 2): what the kernel holds, less what is on its way."""
        state = self.venue.state
        held_e6 = state.positions["size_e6"].copy()
        for lane, place in np.argwhere(state.plans["stage"]):
            for leg in state.legs[lane, place, : state.plans[lane, place]["legs"]]:
                away_e6 = leg["arriving_e6"] + leg["selling_e6"] + leg["whole_e6"]
                held_e6[lane, leg["market"], leg["token"]] -= away_e6
        return held_e6


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
