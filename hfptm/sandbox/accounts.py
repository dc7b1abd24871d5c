"""Who owns what: collateral, shares of each token, what open orders hold of both, approvals."""

from typing import TYPE_CHECKING

from hfptm.records import BUY

if TYPE_CHECKING:
    from hfptm.sandbox.orders import Order


class Account:
    """One wallet. Amounts are never negative, and what is reserved never exceeds what is there."""

    __slots__ = (
        "address",
        "allows_collateral",
        "allows_shares",
        "cash_e6",
        "open_orders",
        "reserved_e6",
        "reserved_shares_e6",
        "shares_e6",
    )

    def __init__(self, address: str) -> None:
        self.address = address
        self.cash_e6 = 0
        """pUSD, reserved included."""
        self.reserved_e6 = 0
        self.shares_e6: dict[str, int] = {}
        """By token id, reserved included; none at zero."""
        self.reserved_shares_e6: dict[str, int] = {}
        self.allows_collateral = False
        """pUSD may be taken for a BUY or a split, as after approve()."""
        self.allows_shares = False
        """Shares may be taken for a SELL, a merge, a conversion, as after setApprovalForAll()."""
        self.open_orders: dict[str, Order] = {}
        """Resting and delayed ones, oldest first."""

    def allows(self, side: int) -> bool:
        """Whether orders of a side may be filled from this account."""
        return self.allows_collateral if side == BUY else self.allows_shares

    def free_e6(self) -> int:
        """Collateral that no open order holds."""
        return self.cash_e6 - self.reserved_e6

    def free_shares_e6(self, token: str) -> int:
        """Shares of a token that no open order holds."""
        return self.shares_e6.get(token, 0) - self.reserved_shares_e6.get(token, 0)

    def overdrawn(self) -> list["Order"]:
        """The newest open orders, as many as would have to go for the others to hold no more than
        there is."""
        free_e6 = self.free_e6()
        free_shares_e6 = {token: self.free_shares_e6(token) for token in self.reserved_shares_e6}
        orders: list[Order] = []
        for order in reversed(self.open_orders.values()):
            if order.side == BUY and free_e6 < 0:
                free_e6 += order.left_e6
                orders.append(order)
            elif order.side != BUY and free_shares_e6[order.token] < 0:
                free_shares_e6[order.token] += order.left_e6
                orders.append(order)
        return orders

    def add_shares(self, token: str, shares_e6: int) -> None:
        """Take shares in, or give them away if negative."""
        _add(self.shares_e6, token, shares_e6)

    def reserve_shares(self, token: str, shares_e6: int) -> None:
        """Hold shares for an open order, or release them if negative."""
        _add(self.reserved_shares_e6, token, shares_e6)


class Accounts:
    """Every account by address. Any address may own something; most own nothing."""

    def __init__(self) -> None:
        self._by_address: dict[str, Account] = {}
        self.fees = self["fees"]
        """Where trading and conversion fees go."""

    def __getitem__(self, address: str) -> Account:
        account = self._by_address.get(address)
        if account is None:
            account = self._by_address[address] = Account(address)
        return account

    def all(self) -> list[Account]:
        return list(self._by_address.values())


def _add(amounts_e6: dict[str, int], token: str, change_e6: int) -> None:
    total_e6 = amounts_e6.get(token, 0) + change_e6
    if total_e6:
        amounts_e6[token] = total_e6
    else:
        amounts_e6.pop(token, None)
