"""Orders: as they are signed, and what becomes of them in the book.

Source: exchange reference, sections 3.3, 3.4 and 4.1.
"""

from enum import StrEnum

import msgspec

from hfptm.records import BUY, Side
from hfptm.sandbox.accounts import Account
from hfptm.units import PRICE_ONE_E4


class TimeInForce(StrEnum):
    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


IMMEDIATE = frozenset({TimeInForce.FOK, TimeInForce.FAK})
"""They never rest. A BUY of theirs spends its collateral, whatever shares that buys."""


class OrderStatus(StrEnum):
    LIVE = "LIVE"
    DELAYED = "DELAYED"
    MATCHED = "MATCHED"
    CANCELED = "CANCELED"
    CANCELED_EXPIRED_ORDER = "CANCELED_EXPIRED_ORDER"
    CANCELED_MARKET_RESOLVED = "CANCELED_MARKET_RESOLVED"
    CANCELED_NOT_ENOUGH_BALANCE = "CANCELED_NOT_ENOUGH_BALANCE"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A signed order and how it was posted.

    BUY gives `maker_e6` collateral for `taker_e6` shares, SELL `maker_e6` shares for `taker_e6`
    collateral. `order_id` is opaque here; `expiration_s` is 0 unless GTD.
    """

    order_id: str
    account: str
    token: str
    side: Side
    maker_e6: int
    taker_e6: int
    time_in_force: TimeInForce
    post_only: bool = False
    expiration_s: int = 0

    @property
    def shares_e6(self) -> int:
        return self.taker_e6 if self.side == BUY else self.maker_e6

    @property
    def collateral_e6(self) -> int:
        return self.maker_e6 if self.side == BUY else self.taker_e6


class Order(msgspec.Struct, eq=False):
    """An accepted order: mutable, owned by the exchange, read by others."""

    order_id: str
    account: Account
    token: str
    outcome: int
    """`records.Token`: which of the market's two it is."""
    side: int
    book_side: int
    """Side in YES terms: a BUY of NO is an ask."""
    price_e4: int
    """Limit, in its own token."""
    yes_price_e4: int
    size_e6: int
    """Shares asked for or offered."""
    left_e6: int
    """What it still gives: collateral of a BUY, shares of a SELL. Reserved while it is open."""
    open_e6: int
    """Shares that `left_e6` stands for at its price."""
    time_in_force: TimeInForce
    post_only: bool
    created_ns: int
    ends_ns: int
    """When a GTD order ends, else 0."""
    status: OrderStatus = OrderStatus.LIVE
    matched_e6: int = 0
    """Shares bought or sold so far."""

    def is_open(self) -> bool:
        return self.status is OrderStatus.LIVE or self.status is OrderStatus.DELAYED

    def spends(self) -> bool:
        """Whether it wants to spend a sum rather than to get a number of shares."""
        return self.side == BUY and self.time_in_force in IMMEDIATE

    def keep(self, open_e6: int) -> None:
        """Go on with at most `open_e6` shares at its own price, rounded down to whole amounts."""
        if self.side == BUY:
            self.left_e6 = open_e6 * self.price_e4 // PRICE_ONE_E4
            self.open_e6 = self.left_e6 * PRICE_ONE_E4 // self.price_e4
        else:
            self.left_e6 = self.open_e6 = open_e6

    def fill(self, size_e6: int, collateral_e6: int) -> None:
        """As a resting order: give or take so many shares for so much collateral."""
        self.matched_e6 += size_e6
        if self.side == BUY:
            self.left_e6 -= collateral_e6
            self.open_e6 = self.left_e6 * PRICE_ONE_E4 // self.price_e4
        else:
            self.left_e6 = self.open_e6 = self.left_e6 - size_e6

    def is_worthless(self) -> bool:
        """Whether what is left is worth less than one micro-dollar at its price: it cannot rest."""
        if self.side == BUY:
            return self.left_e6 == 0
        return self.left_e6 * self.price_e4 < PRICE_ONE_E4

    def reserve(self) -> None:
        """Hold in its account what it still gives. `release` it before `left_e6` changes."""
        self._hold(self.left_e6)

    def release(self) -> None:
        self._hold(-self.left_e6)

    def _hold(self, amount_e6: int) -> None:
        if self.side == BUY:
            self.account.reserved_e6 += amount_e6
        else:
            self.account.reserve_shares(self.token, amount_e6)
