"""What has happened at a market, as far as the exchange publishes it: last trade, volume, times."""

from hfptm.records import BUY
from hfptm.sandbox.reports import Action, Trade
from hfptm.units import PRICE_ONE_E4


class MarketTape:
    """One market's published past; `add` every action at it, in order."""

    __slots__ = ("changed_ns", "last_price_e4", "last_side", "last_token", "shares_e6", "volume_e6")

    def __init__(self, listed_ns: int) -> None:
        self.changed_ns = listed_ns
        """When the book last changed."""
        self.last_token = ""
        """Token, price and taker's side of the last trade; no token if there was none."""
        self.last_price_e4 = 0
        self.last_side: int = BUY
        self.shares_e6 = 0
        self.volume_e6 = 0
        """Shares traded and what they cost, both sides of a trade counted once."""

    def add(self, action: Action) -> None:
        if action.levels:
            self.changed_ns = action.ts_ns
        for report in action.reports:
            if isinstance(report, Trade):
                self._add_trade(report)

    def _add_trade(self, trade: Trade) -> None:
        self.last_token, self.last_price_e4 = trade.token, trade.price_e4
        self.last_side = trade.side
        self.shares_e6 += trade.size_e6
        self.volume_e6 += trade.collateral_e6

    def last_trade_text(self) -> str:
        """As books of both tokens print it: three decimals at least, "" without a trade."""
        if not self.last_token:
            return ""
        return f"0.{self.last_price_e4:04d}".removesuffix("0")

    def last_price_of_e4(self, token: str) -> int:
        """The last trade's price in the terms of one of the tokens."""
        price_e4 = self.last_price_e4
        return price_e4 if token == self.last_token else PRICE_ONE_E4 - price_e4

    def last_side_of(self, token: str) -> int:
        """The taker's side in those terms: who buys NO sells YES."""
        return self.last_side if token == self.last_token else 1 - self.last_side
