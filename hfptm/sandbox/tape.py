"""What has happened at a market, as far as the exchange publishes it: book, last trade, volume."""

from hfptm.records import BUY
from hfptm.sandbox.book_text import BookText
from hfptm.sandbox.reports import Action, MarketChanged, Trade
from hfptm.units import NS_PER_MS, PRICE_ONE_E4


class MarketTape:
    """One market's published past; `add` every action at it, in order."""

    __slots__ = (
        "book",
        "changed_ms",
        "last_price_e4",
        "last_side",
        "last_token",
        "shares_e6",
        "volume_e6",
    )

    def __init__(self) -> None:
        self.book = BookText()
        self.changed_ms = 0
        """When book, last trade or rules last changed, in ms since 1970; two changes never share a
        time, so one that would is a millisecond late."""
        self.last_token = ""
        """Token, price and taker's side of the last trade; no token if there was none."""
        self.last_price_e4 = 0
        self.last_side: int = BUY
        self.shares_e6 = 0
        self.volume_e6 = 0
        """Shares traded and what they cost, both sides of a trade counted once."""

    def add(self, action: Action) -> None:
        is_change = bool(action.levels)
        for level in action.levels:
            self.book.set(level.side, level.price_e4, level.size_e6)
        for report in action.reports:
            if isinstance(report, Trade):
                self._add_trade(report)
            is_change |= isinstance(report, Trade | MarketChanged)
        if is_change:
            self.changed_ms = max(action.ts_ns // NS_PER_MS, self.changed_ms + 1)

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
