"""Random flow against the sandbox exchange: conserved, never crossed, price and time first.

One market is plain, one has a delay that the feed shows, three make an event with conversion fees.
After every action the model's ledger, books and feed are the exchange's, to the last micro-unit.
"""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.records import BUY, SELL, Side, Token
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.listings import ListedMarket, Listing, Pool
from hfptm.sandbox.orders import Order, OrderRequest, OrderStatus
from hfptm.sandbox.refusals import Reason
from hfptm.sandbox.reports import Action, MatchType, Operation, Rejected
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.orders import limit_amounts, market_buy_amounts
from tests.sandbox import FAK, FOK, GTC, GTD, TRADERS, make_market
from tests.sandbox_model import Model

Draw = tuple[int, ...]
"""Numbers below 1,000 that make one action."""

DRAW = st.tuples(*[st.integers(0, 999)] * 8)
FEE_BIPS = 30
STEP_E6 = 49_999
"""Of the amounts of operations; the step number decides what else there is to decide."""

TIMES_IN_FORCE = (GTC, GTC, GTC, GTC, GTD, FAK, FAK, FOK)
TICKS_E4 = (100, 100, 10, 50)


class Flow:
    """Draws become actions at an exchange, and the model follows."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.model = Model(self.exchange)
        self.log: list[bytes] = []
        self.now_ns = 1
        self.orders = 0
        self.undone: Counter[bool] = Counter()
        """Trades taken back, and those that could not be."""
        markets = self.exchange.markets
        markets.add_event("race", fee_bips=FEE_BIPS)
        markets.add(Listing(market=make_market(1, fee_rate_e4=700)))
        delayed = make_market(2, fee_rate_e4=500)
        markets.add(Listing(market=delayed, itode_ms=2_000, shows_delayed=True))
        for number in (3, 4, 5):
            market = make_market(number, neg_risk=True, fee_rate_e4=400)
            markets.add(Listing(market=market, event="race"))
        for listed in markets.all():
            markets.open(listed.market.market, self.now_ns)
        for trader in TRADERS:
            self._fund(trader)
        self.external_e6 = len(TRADERS) * 800 * ONE_E6

    def _fund(self, trader: str) -> None:
        """A little of everything, so that some actions lack the means."""
        self.exchange.deposit(trader, 800 * ONE_E6)
        self.exchange.approve(trader, collateral=True, shares=True, ts_ns=self.now_ns)
        self.model.cash_e6[trader] = 800 * ONE_E6
        for listed in self.exchange.markets.all():
            self._split(trader, listed, 100 * ONE_E6)

    def act(self, draw: Draw) -> None:
        which, *rest = draw
        # Mostly within a delay, now and then up to 100 s.
        self.now_ns += rest[-1] * 100_000 if rest[-1] < 900 else (rest[-1] - 899) * NS_PER_S
        self._see(self.exchange.advance(self.now_ns))
        trader = TRADERS[rest[0] % len(TRADERS)]
        listed = self.exchange.markets.all()[(0, 1, 1, 2, 3, 4)[rest[1] % 6]]
        if which < 750:
            self._submit(trader, listed, rest)
        elif which < 850:
            self._cancel(trader, listed, rest)
        else:
            operations: list[Callable[[str, ListedMarket, int], None]] = [
                *(self._split, self._merge, self._convert, self._withdraw, self._deposit),
                *(self._approve, self._change_tick, self._undo),
            ]
            operations[rest[2] % len(operations)](trader, listed, rest[3] * STEP_E6)
        self.audit()

    def _see(self, actions: list[Action], request: OrderRequest | None = None) -> None:
        self.log.append(msgspec.json.encode(actions))
        self.model.see(actions, request)

    def _submit(self, trader: str, listed: ListedMarket, rest: list[int]) -> None:
        side, tick_e4 = Side(rest[2] % 2), listed.market.tick_e4
        kind = TIMES_IN_FORCE[rest[3] % len(TIMES_IN_FORCE)]
        far = 8 if rest[4] > 900 else 1
        price_e4 = (5_000 + (rest[4] % 9 - 4) * 100 * far) // tick_e4 * tick_e4
        if side is BUY and kind in (FAK, FOK) and rest[5] % 8:
            amounts = market_buy_amounts((100 + rest[5]) * 10_000, price_e4, tick_e4)
        else:
            amounts = limit_amounts(side, price_e4, (450 + rest[5] * 4) * 10_000, tick_e4)
        self.orders += 1
        request = OrderRequest(
            order_id=f"o{self.orders}",
            account=trader,
            token=listed.tokens()[rest[4] // 9 % 2],
            side=side,
            maker_e6=amounts[0],
            taker_e6=amounts[1],
            time_in_force=kind,
            post_only=rest[3] % 10 == 0,
            expiration_s=self.now_ns // NS_PER_S + 50 + rest[5] if kind is GTD else 0,
        )
        self._see([self.exchange.submit(request, self.now_ns)], request)

    def _cancel(self, trader: str, listed: ListedMarket, rest: list[int]) -> None:
        open_orders = list(self.exchange.accounts[trader].open_orders)
        if rest[2] < 30:
            answer = self.exchange.cancel_all(trader, self.now_ns)
        elif rest[2] < 100:
            answer = self.exchange.cancel_market(trader, listed.market.market, "", self.now_ns)
        else:
            chosen = [open_orders[rest[3] % len(open_orders)]] if open_orders else []
            answer = self.exchange.cancel(trader, [*chosen, "none"], self.now_ns)
            assert "none" in answer.not_canceled
        assert not set(answer.canceled) & set(answer.not_canceled)
        self._see(answer.actions)

    def _split(self, trader: str, listed: ListedMarket, amount_e6: int) -> None:
        done = self.exchange.split(trader, listed.market.market, amount_e6)
        self._moved(done, -amount_e6, dict.fromkeys(listed.tokens(), amount_e6))

    def _merge(self, trader: str, listed: ListedMarket, amount_e6: int) -> None:
        done = self.exchange.merge(trader, listed.market.market, amount_e6)
        self._moved(done, amount_e6, dict.fromkeys(listed.tokens(), -amount_e6))

    def _convert(self, trader: str, _: ListedMarket, amount_e6: int) -> None:
        index_set = amount_e6 // STEP_E6 % 7 + 1
        done = self.exchange.convert(trader, "race", index_set, amount_e6)
        if isinstance(done, Rejected):
            return
        members = self.exchange.markets.events["race"].members
        fee_e6 = amount_e6 * FEE_BIPS // 10_000
        moves: dict[str, int] = {}
        for i, member in enumerate(members):
            if index_set >> i & 1:
                moves[member.tokens()[Token.NO]] = -amount_e6
            else:
                moves[member.tokens()[Token.YES]] = amount_e6 - fee_e6
                self.model.shares_e6["fees", member.tokens()[Token.YES]] += fee_e6
        dollars = index_set.bit_count() - 1
        self.model.cash_e6["fees"] += dollars * fee_e6
        self._moved(done, dollars * (amount_e6 - fee_e6), moves)

    def _withdraw(self, trader: str, _: ListedMarket, amount_e6: int) -> None:
        done = self.exchange.withdraw(trader, amount_e6)
        self.external_e6 -= self._moved(done, -amount_e6, {})

    def _deposit(self, trader: str, _: ListedMarket, amount_e6: int) -> None:
        done = self.exchange.deposit(trader, amount_e6 + 1)
        self.external_e6 += self._moved(done, amount_e6 + 1, {})

    def _moved(self, done: Operation | Rejected, cash_e6: int, moves: dict[str, int]) -> int:
        """What came in or went out, without its sign; 0 if refused."""
        self.log.append(msgspec.json.encode(done))
        if isinstance(done, Rejected):
            return 0
        assert done.collateral_e6 == cash_e6
        self.model.cash_e6[done.account] += cash_e6
        for token, shares_e6 in moves.items():
            self.model.shares_e6[done.account, token] += shares_e6
        return abs(cash_e6)

    def _approve(self, trader: str, _: ListedMarket, amount_e6: int) -> None:
        """Mostly both, or trading would dry up."""
        number = amount_e6 // STEP_E6
        collateral, shares = number % 8 != 0, number % 8 != 1
        ts_ns = self.now_ns
        self._see(self.exchange.approve(trader, collateral=collateral, shares=shares, ts_ns=ts_ns))

    def _change_tick(self, _: str, listed: ListedMarket, amount_e6: int) -> None:
        number = amount_e6 // STEP_E6
        tick_e4 = TICKS_E4[number % len(TICKS_E4)] if number % 5 == 0 else 100
        market = listed.market.market
        self._see([self.exchange.markets.change_tick(market, tick_e4, self.now_ns)])

    def _undo(self, _: str, __: ListedMarket, amount_e6: int) -> None:
        """One of the latest trades fails, unless somebody has parted with what it gave."""
        trades = self.model.trades
        if not trades:
            return
        number = -1 - amount_e6 // STEP_E6 % min(len(trades), 1_000)
        market, trade = trades[number]
        done = self.exchange.undo(market, trade, self.now_ns)
        self.model.settle(trade, -1)
        assert (done is None) == self.model.lacks()
        self.undone[done is not None] += 1
        if done is None:
            self.model.settle(trade)
        else:
            del trades[number]
            self._see(done)

    def audit(self) -> None:
        self._audit_ledger()
        for listed in self.exchange.markets.all():
            self._audit_book(listed)
            self._audit_backing(listed)
        self._audit_reservations()

    def pools(self) -> set[Pool]:
        return {listed.pool for listed in self.exchange.markets.all()}

    def _audit_ledger(self) -> None:
        accounts = self.exchange.accounts.all()
        assert {a.address: a.cash_e6 for a in accounts if a.cash_e6} == +self.model.cash_e6
        shares_e6 = {(a.address, t): n for a in accounts for t, n in a.shares_e6.items()}
        assert shares_e6 == +self.model.shares_e6
        backing_e6 = sum(pool.collateral_e6 for pool in self.pools())
        assert sum(self.model.cash_e6.values()) + backing_e6 == self.external_e6

    def supply_e6(self, token: str) -> int:
        return sum(a.shares_e6.get(token, 0) for a in self.exchange.accounts.all())

    def _audit_backing(self, listed: ListedMarket) -> None:
        """Pairs and dollars; in an event every YES supply is ahead by the sum of conversions."""
        yes_e6, no_e6 = (self.supply_e6(token) for token in listed.tokens())
        event = self.exchange.markets.events.get(listed.listing.event)
        if event is None:
            assert yes_e6 == no_e6 == listed.pool.collateral_e6
            return
        assert yes_e6 - no_e6 == event.converted_e6
        all_no_e6 = sum(self.supply_e6(m.tokens()[Token.NO]) for m in event.members)
        assert event.pool.collateral_e6 == all_no_e6 + event.converted_e6

    def _audit_book(self, listed: ListedMarket) -> None:
        book, market = listed.book, listed.market.market
        assert book.sides[BUY].best_e4() < book.sides[SELL].best_e4()
        for side in (BUY, SELL):
            levels = book.published_levels(side)
            feed = self.model.feed_e6[market]
            assert dict(levels) == {p: n for (s, p), n in feed.items() if s == side and n}
            ranked = [level.price_e4 for level in book.sides[side].from_best()]
            assert ranked == sorted(book.sides[side].levels, reverse=side is BUY)
            assert [p for p, _ in levels][:1] == [book.published_best_e4(side)] * bool(levels)
        modelled = {o.request.order_id: (o.left_e6, o.open_e6) for o in self.model.resting[market]}
        assert {o.order_id: (o.left_e6, o.open_e6) for o in listed.resting()} == modelled
        assert all(self._price(order) == order.price_e4 for order in listed.resting())

    def _price(self, order: Order) -> Fraction:
        request = self.model.requests[order.order_id]
        return Fraction(request.collateral_e6 * 10_000, request.shares_e6)

    def _audit_reservations(self) -> None:
        for account in self.exchange.accounts.all():
            orders = account.open_orders.values()
            assert all(order.is_open() for order in orders)
            reserved_e6 = sum(order.left_e6 for order in orders if order.side == BUY)
            assert 0 <= reserved_e6 == account.reserved_e6 <= account.cash_e6
            tokens = {order.token for order in orders} | account.reserved_shares_e6.keys()
            for token in tokens:
                own = [o for o in orders if o.token == token and o.side == SELL]
                held_e6 = account.reserved_shares_e6.get(token, 0)
                assert sum(order.left_e6 for order in own) == held_e6
                assert 0 <= held_e6 <= account.shares_e6.get(token, 0)

    def finish(self) -> None:
        """Resolve everything, redeem everything: nothing is left but money."""
        self.now_ns += 1_000 * NS_PER_S
        self._see(self.exchange.advance(self.now_ns))
        markets = self.exchange.markets
        for number, listed in enumerate(markets.all()):
            payout_e4 = 10_000 if number in (1, 3) else 0
            self._see([markets.resolve(listed.market.market, payout_e4, self.now_ns)])
            for account in self.exchange.accounts.all():
                self.exchange.redeem(account.address, listed.market.market)
        assert {pool.collateral_e6 for pool in self.pools()} == {0}
        accounts = self.exchange.accounts.all()
        assert sum(account.cash_e6 for account in accounts) == self.external_e6
        for account in accounts:
            assert not account.shares_e6
            assert not account.open_orders
            assert not account.reserved_e6
        self._check_ends()

    def _check_ends(self) -> None:
        """Every order ended once, in a way that its reports tell."""
        for order_id in self.model.requests:
            order = self.exchange.orders.get(order_id)
            assert order is not None
            assert not order.is_open()
            is_canceled = order.status is not OrderStatus.MATCHED
            assert self.model.cancels[order_id] == is_canceled
            assert self.model.fills_e6[order_id] == order.matched_e6


@given(st.lists(DRAW, max_size=60))
def test_short_flows(draws: list[Draw]) -> None:
    flow = Flow()
    for draw in draws:
        flow.act(draw)
    flow.finish()


def long_flow(seed: int, actions: int) -> Flow:
    flow = Flow()
    generator = np.random.default_rng(seed)
    for draw in generator.integers(0, 1_000, (actions, 8)):
        flow.act(tuple(int(number) for number in draw))
    flow.finish()
    return flow


@pytest.mark.parametrize("seed", range(3))
def test_long_flows_meet_everything(seed: int) -> None:
    flow = long_flow(seed, 3_000)
    assert min(flow.model.match_types[kind] for kind in MatchType) > 50
    met = {Reason.FAK_NO_MATCH, Reason.FOK_NOT_FILLED, Reason.POST_ONLY_CROSSES, Reason.BALANCE}
    assert met <= flow.model.refused.keys()
    assert flow.exchange.markets.events["race"].converted_e6 > 0
    assert flow.model.partial_shares > 50
    ends = ("matched", "live", "canceled")
    assert min(flow.model.ends_of_delay[end] for end in ends) >= 3
    assert flow.undone[True] > 5


def test_the_same_actions_give_the_same_reports() -> None:
    assert long_flow(9, 500).log == long_flow(9, 500).log
