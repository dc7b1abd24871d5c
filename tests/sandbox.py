"""Sandbox exchanges to test with: listings, funded accounts, orders in few words."""

from typing import Any

from hfptm.records import BUY, SELL, Side
from hfptm.registry import Market, market_id
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.reports import Action, Report
from hfptm.units import ONE_E6
from hfptm.venue.orders import limit_amounts, market_buy_amounts

GTC, GTD, FOK, FAK = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.FOK, TimeInForce.FAK
TRADERS = ("ann", "ben", "cat")
FUNDS_E6 = 1_000_000 * ONE_E6


def make_market(number: int = 1, **rules: Any) -> Market:
    """A market with tokens "Y1" and "N1" (by its number), and `registry.Market` fields replaced."""
    condition_id = f"0x{number << 200:064x}"
    fields: dict[str, Any] = {
        "market": market_id(condition_id),
        "condition_id": condition_id,
        "yes_token": f"Y{number}",
        "no_token": f"N{number}",
        "slug": f"market-{number}",
        "question": "?",
        "category": "",
        "group": 0,
        "tick_e4": 100,
        "min_size_e6": 5 * ONE_E6,
        "fee_rate_e4": 0,
        "fee_exponent": 1,
        "neg_risk": False,
        "version": "v1",
        "end_ts_ns": 0,
        "valid_from_ns": 0,
    }
    return Market(**fields | rules)


class Desk:
    """An exchange with funded traders at time 1, and one open market unless told otherwise.

    Every order gets the next id: "o1", "o2", ...
    """

    def __init__(self, *listings: Listing, finished_max: int = 1_000) -> None:
        self.exchange = Exchange(finished_max)
        self.now_ns = 1
        self.orders = 0
        for listing in listings or (Listing(market=make_market()),):
            listed = self.exchange.markets.add(listing)
            self.exchange.markets.open(listed.market.market, self.now_ns)
        for trader in TRADERS:
            self.fund(trader)

    def fund(self, trader: str) -> None:
        """Collateral, approvals, and as many pairs of every plain market as dollars."""
        exchange = self.exchange
        exchange.deposit(trader, 2 * FUNDS_E6 * (1 + len(exchange.markets.all())))
        exchange.approve(trader, collateral=True, shares=True, ts_ns=self.now_ns)
        for listed in exchange.markets.all():
            exchange.split(trader, listed.market.market, FUNDS_E6)

    def limit(
        self, trader: str, side: Side, price_e4: int, shares: int, token: str = "Y1", **more: Any
    ) -> OrderRequest:
        """GTC unless told otherwise; a FAK or FOK BUY has these amounts too."""
        found = self.exchange.markets.of_token(token)
        assert found is not None
        amounts = limit_amounts(side, price_e4, shares * ONE_E6, found[0].market.tick_e4)
        return self.request(trader, side, amounts, token=token, **more)

    def spend(
        self, trader: str, price_e4: int, cents: int, token: str = "Y1", kind: TimeInForce = FAK
    ) -> OrderRequest:
        """A BUY of a sum in cents."""
        amounts = market_buy_amounts(cents * 10_000, price_e4, 100)
        return self.request(trader, BUY, amounts, token=token, time_in_force=kind)

    def request(
        self, trader: str, side: Side, amounts: tuple[int, int], **more: Any
    ) -> OrderRequest:
        self.orders += 1
        fields = {"order_id": f"o{self.orders}", "time_in_force": GTC, "token": "Y1", **more}
        return OrderRequest(
            account=trader, side=side, maker_e6=amounts[0], taker_e6=amounts[1], **fields
        )

    def submit(self, request: OrderRequest) -> Action:
        self.now_ns += 1
        self.exchange.advance(self.now_ns)
        return self.exchange.submit(request, self.now_ns)

    def place(self, *args: Any, **more: Any) -> Action:
        """`limit`, submitted."""
        return self.submit(self.limit(*args, **more))

    def holdings(self, trader: str, token: str = "Y1") -> tuple[int, int]:
        """Collateral and shares of a token, as changes since funding."""
        account = self.exchange.accounts[trader]
        cash_e6 = FUNDS_E6 * (2 + len(self.exchange.markets.all()))
        return account.cash_e6 - cash_e6, account.shares_e6.get(token, 0) - FUNDS_E6

    def book(self, market: int = 0) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Published levels, bids then asks, the best one first."""
        book = self.exchange.markets.all()[market].book
        return book.published_levels(BUY), book.published_levels(SELL)


def only(action: Action, kind: type[Report]) -> Any:
    """The one report of a kind."""
    (found,) = [report for report in action.reports if isinstance(report, kind)]
    return found
