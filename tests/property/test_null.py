"""Traders without an edge lose what trading costs, to the micro-dollar, and earn nothing.

The first ones trade at random times at the market and go back at once: buy and sell the same token,
or buy both, merge, and sell what is over. What that costs is computed from the books alone, by an
oracle that shares no code with kernel and venue: every share's distance from the middle, and the
fee. What it did cost is summed up from the venue's reports alone. The second one is the strategy
itself, in a world whose every edge is gone when its orders arrive.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.records import EventKind, IntentKind, Token
from hfptm.units import ONE_E6
from tests.kernels import ASK, BID, Levels, Record, Venue, best, book, fee, level, market, timer

ENTRY_MS, GRACE_MS = 50, 10
EPOCH_MS = 1_000
"""A book stands for so long; every trip begins and ends within."""

NOBODYS = 1 << 40
"""Order ids of no lane."""

YES, NO = int(Token.YES), int(Token.NO)


def charged_e6(rate_e4: int, price_e4: int, size_e6: int) -> int:
    """Published fee of a fill: shares x rate x p(1 - p), half up to 0.00001."""
    p = Fraction(price_e4, 10_000)
    exact = Fraction(size_e6, ONE_E6) * Fraction(rate_e4, 10_000) * p * (1 - p)
    return floor(exact * 100_000 + Fraction(1, 2)) * 10


class Oracle:
    """One market's book as two plain ladders, and what taking from it costs, in e6."""

    def __init__(self, bids: Levels, asks: Levels, rate_e4: int) -> None:
        self._rate_e4 = rate_e4
        self._ladders = {
            ASK: [[price_e4, shares * ONE_E6] for price_e4, shares in sorted(asks.items())],
            BID: [[price_e4, shares * ONE_E6] for price_e4, shares in sorted(bids.items())][::-1],
        }
        self.middle_e4 = Fraction(max(bids) + min(asks), 2)
        self.lost_e6 = Fraction(0)
        """Distance from the middle, and rounding against us."""
        self.fees_e6 = 0

    def trade(self, token: int, side: int, limit_e4: int, size_e6: int) -> int:
        """An immediate order; the shares that change hands."""
        ladder = self._ladders[ASK if (token == YES) == (side == BID) else BID]
        left = Fraction(size_e6) * (Fraction(limit_e4, 10_000) if side == BID else 1)
        left, total_e6 = Fraction(floor(left)), 0
        for step in ladder:
            own_e4 = step[0] if token == YES else 10_000 - step[0]
            if (own_e4 > limit_e4) if side == BID else (own_e4 < limit_e4):
                break
            wanted_e6 = floor(left * 10_000 / own_e4) if side == BID else int(left)
            taken_e6 = min(step[1], wanted_e6)
            is_last = wanted_e6 <= step[1]
            if taken_e6:
                left -= self._pay(token, side, own_e4, taken_e6)
            step[1] -= taken_e6
            total_e6 += taken_e6
            if is_last:
                break
        return total_e6

    def _pay(self, token: int, side: int, price_e4: int, size_e6: int) -> int:
        """Book one fill; what it takes off the order."""
        fair_e4 = self.middle_e4 if token == YES else 10_000 - self.middle_e4
        exact = Fraction(price_e4 * size_e6, 10_000)
        fair = fair_e4 * size_e6 / 10_000
        cash = ceil(exact) if side == BID else floor(exact)
        self.lost_e6 += cash - fair if side == BID else fair - cash
        self.fees_e6 += charged_e6(self._rate_e4, price_e4, size_e6)
        return cash if side == BID else size_e6


class Trader:
    """Sends orders of nobody's plan, and adds up reports."""

    def __init__(self, rate_e4: int) -> None:
        self.venue = Venue(grace=GRACE_MS, response=5, markets=2)
        self.venue.apply([market(0, 10), fee(0, rate_e4)])
        self._rate_e4 = rate_e4
        self._orders: dict[int, tuple[int, int]] = {}
        self._now_ms = 0
        self.cash_e6 = 0
        self.held_e6 = {YES: 0, NO: 0}

    def show(self, ts_ms: int, bids: Levels, asks: Levels) -> None:
        self._now_ms = ts_ms
        self.venue.apply(book(ts_ms, 0, bids, asks))

    def trade(self, token: int, side: int, limit_e4: int, size_e6: int) -> int:
        """One order there and back; the shares it moved."""
        before_e6 = self.held_e6[token]
        self._send(token, side, price_e4=limit_e4, size_e6=size_e6)
        return abs(self.held_e6[token] - before_e6)

    def merge(self) -> None:
        self._send(0, 0, kind=IntentKind.MERGE, size_e6=min(self.held_e6.values()))

    def _send(self, token: int, side: int, **fields: int) -> None:
        order = NOBODYS + len(self._orders) + 1
        self._orders[order] = token, side
        self.venue.send(self._now_ms, order, token=token, side=side, **fields)
        self.venue.apply([timer(self._now_ms)])
        self._now_ms += ENTRY_MS + GRACE_MS + 10
        self.venue.apply([timer(self._now_ms)])
        for report in self.venue.reports:
            self._hear(report)
        self.venue.reports.clear()

    def _hear(self, report: Record) -> None:
        if report["kind"] == EventKind.SETTLED:
            self.cash_e6 += report["size_e6"]
            for token in self.held_e6:
                self.held_e6[token] -= report["size_e6"]
        if report["kind"] != EventKind.FILL:
            return
        token, side = self._orders[report["aux"]]
        price_e4, size_e6 = report["price_e4"], report["size_e6"]
        self.cash_e6 -= charged_e6(self._rate_e4, price_e4, size_e6)
        exact = Fraction(price_e4 * size_e6, 10_000)
        self.cash_e6 += floor(exact) if side == ASK else -ceil(exact)
        self.held_e6[token] += size_e6 if side == BID else -size_e6


def random_book(rng: np.random.Generator) -> tuple[Levels, Levels]:
    """Prices on the grid of 0.001, bids below asks, deep enough for whatever is sold back."""
    low, high = sorted(rng.choice(np.arange(20, 980), 2, replace=False).tolist())
    bids = {10 * (low - 3 * n): int(rng.integers(1, 400)) for n in range(5)}
    asks = {10 * (high + 3 * n): int(rng.integers(1, 400)) for n in range(5)}
    bids[10], asks[9_990] = 5_000, 5_000
    return bids, asks


def round_trip(trader: Trader | Oracle, kind: int, limits_e4: dict[int, int], size_e6: int) -> Any:
    """Buy and go back; None for the oracle's merge, which costs nothing."""
    if kind < 2:
        bought_e6 = trader.trade(kind, BID, limits_e4[kind], size_e6)
        return trader.trade(kind, ASK, 1, bought_e6) if bought_e6 else 0
    bought = {token: trader.trade(token, BID, limits_e4[token], size_e6) for token in (YES, NO)}
    if isinstance(trader, Trader) and min(bought.values()):
        trader.merge()
    over_e6 = bought[YES] - bought[NO]
    token = YES if over_e6 > 0 else NO
    return trader.trade(token, ASK, 1, abs(over_e6)) if over_e6 else 0


@settings(max_examples=30)
@given(seed=st.integers(0, 1 << 32), rate_e4=st.sampled_from([0, 400, 700, 2_500]))
def test_who_trades_at_random_loses_spread_and_fees(seed: int, rate_e4: int) -> None:
    rng = np.random.default_rng(seed)
    trader, lost_e6 = Trader(rate_e4), Fraction(0)
    for epoch in range(1, 9):
        bids, asks = random_book(rng)
        trader.show(EPOCH_MS * epoch + int(rng.integers(0, 500)), bids, asks)
        kind, size_e6 = int(rng.integers(0, 3)), int(rng.integers(1, 60_000)) * 10_000
        deep = int(rng.integers(0, 5))
        limits_e4 = {YES: sorted(asks)[deep], NO: 10_000 - sorted(bids)[-1 - deep]}
        oracle = Oracle(bids, asks, rate_e4)
        round_trip(oracle, kind, limits_e4, size_e6)
        round_trip(trader, kind, limits_e4, size_e6)
        assert set(trader.held_e6.values()) == {0}
        lost_e6 += oracle.lost_e6 + oracle.fees_e6
        assert oracle.lost_e6 > 0
        assert -trader.cash_e6 == lost_e6


def vanishing(rng: np.random.Generator, venue: Venue) -> None:
    """Crossed books that are gone on one side, or both, before any order can arrive."""
    now_ms = 1_000
    for _ in range(8):
        bid, ask = sorted(rng.choice(np.arange(30, 70), 2, replace=False).tolist())
        bids, asks = {100 * bid: 500, 2_000: 5_000}, {100 * ask: 500, 8_000: 5_000}
        rows = book(now_ms, 0, bids, asks)
        crossed_e4 = 100 * (ask + int(rng.integers(5, 20)))
        rows.append(level(now_ms + 200, 0, BID, crossed_e4, 300))
        rows.append(best(now_ms + 200, 0, crossed_e4, 100 * ask))
        gone_ms = now_ms + 200 + int(rng.integers(1, ENTRY_MS))
        rows.append(level(gone_ms, 0, BID, crossed_e4, 0))
        if rng.random() < 0.5:
            rows.append(level(gone_ms, 0, ASK, 100 * ask, 0))
        rows += [timer(now_ms + ms) for ms in range(300, 3_000, 100)]
        venue.apply(sorted(rows, key=lambda row: row.ts_recv_ns))
        now_ms += 3_000


def reported_e6(venue: Venue, rate_e4: int) -> int:
    """Cash by the reports alone."""
    tokens = {intent["order"]: intent["token"] for intent in venue.intents}
    cash_e6 = 0
    for report in venue.reports:
        exact = Fraction(report["price_e4"] * report["size_e6"], 10_000)
        if report["kind"] == EventKind.FILL:
            assert report["aux"] in tokens
            cash_e6 -= charged_e6(rate_e4, report["price_e4"], report["size_e6"])
            cash_e6 += floor(exact) if report["side"] == ASK else -ceil(exact)
        elif report["kind"] == EventKind.SETTLED:
            cash_e6 += report["size_e6"]
    return cash_e6


@settings(max_examples=20)
@given(seed=st.integers(0, 1 << 32), rate_e4=st.sampled_from([0, 400, 700]))
def test_edges_that_are_gone_when_we_come_earn_nothing(seed: int, rate_e4: int) -> None:
    venue = Venue(entry=ENTRY_MS, grace=GRACE_MS)
    venue.apply([market(0), fee(0, rate_e4)])
    vanishing(np.random.default_rng(seed), venue)
    account = venue.lane()
    bankroll_e6 = int(venue.state.params[0]["bankroll_e6"])
    assert account["plans"] > 0
    assert account["completed"] == 0
    assert account["cash_e6"] - bankroll_e6 == reported_e6(venue, rate_e4)
    assert account["realised_e6"] <= 0
