"""Those who trade within the process: their accounts, and orders in YES terms.

Orders use what their account has: it sells shares of the token that gives the same side of the
book, and buys the other token only if it has too few. So trades are of every match type.
"""

import hashlib

from hfptm.records import BUY, SELL, Side, Token
from hfptm.sandbox.draws import Draws
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.orders import Order, OrderRequest, TimeInForce
from hfptm.sandbox.reports import Action
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import ONE_E6, PRICE_ONE_E4
from hfptm.venue.orders import CENT_E6, SHARE_STEP_E6, limit_amounts, market_buy_amounts
from hfptm.venue.signing import checksum

MAKERS = 16
TAKERS = 48
FUNDS_E6 = 10**9 * ONE_E6
"""A billion dollars each: they never run out."""

_IMMEDIATE_BUY_MIN_E6 = ONE_E6


class House:
    """Funds its accounts when it is made. All randomness of its traders comes from `draws`."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox = sandbox
        self.draws = Draws(seed)
        self.makers = [_address(seed, f"maker:{number}") for number in range(MAKERS)]
        self.takers = [_address(seed, f"taker:{number}") for number in range(TAKERS)]
        self._addresses = frozenset([*self.makers, *self.takers])
        self._id_prefix = "0x" + hashlib.sha256(f"{seed}:orders".encode()).hexdigest()[:48]
        self._orders = 0
        for address in (*self.makers, *self.takers):
            sandbox.fund(address, FUNDS_E6)

    def owns(self, order: Order) -> bool:
        return order.account.address in self._addresses

    def any_taker(self) -> str:
        return self.takers[self.draws.below(TAKERS)]

    def limit(
        self,
        account: str,
        listed: ListedMarket,
        side: int,
        level: tuple[int, int],
        *,
        post_only: bool = False,
    ) -> Action:
        """A GTC order for a level (YES price_e4, size_e6 in hundredths of a share)."""
        price_e4, size_e6 = level
        token, order_side = self._way(account, listed, side, size_e6)
        own_e4 = PRICE_ONE_E4 - price_e4 if token else price_e4
        amounts = limit_amounts(order_side, own_e4, size_e6, listed.market.tick_e4)
        return self._submit(account, listed, (token, order_side), amounts, post_only=post_only)

    def immediate(
        self,
        account: str,
        listed: ListedMarket,
        side: int,
        level: tuple[int, int],
        time_in_force: TimeInForce = TimeInForce.FAK,
    ) -> Action | None:
        """A FAK or FOK order for up to a level's size at its price or better.

        None if that is less than the exchange takes: a BUY must spend a dollar.
        """
        price_e4, size_e6 = level
        size_e6 -= size_e6 % -SHARE_STEP_E6
        if size_e6 <= 0:
            return None
        token, order_side = self._way(account, listed, side, size_e6)
        own_e4 = PRICE_ONE_E4 - price_e4 if token else price_e4
        tick_e4 = listed.market.tick_e4
        if order_side is SELL:
            amounts = limit_amounts(SELL, own_e4, size_e6, tick_e4)
        else:
            dollars_e6 = size_e6 * own_e4 // PRICE_ONE_E4
            dollars_e6 -= dollars_e6 % -CENT_E6
            if dollars_e6 < _IMMEDIATE_BUY_MIN_E6:
                return None
            amounts = market_buy_amounts(dollars_e6, own_e4, tick_e4)
        return self._submit(
            account, listed, (token, order_side), amounts, time_in_force=time_in_force
        )

    def _way(
        self, account: str, listed: ListedMarket, side: int, size_e6: int
    ) -> tuple[Token, Side]:
        """Sell YES or buy NO for an ask; sell NO or buy YES for a bid."""
        sold = Token.NO if side == BUY else Token.YES
        holder = self.sandbox.exchange.accounts[account]
        if holder.free_shares_e6(listed.tokens()[sold]) >= size_e6:
            return sold, SELL
        return Token(1 - sold), BUY

    def _submit(
        self,
        account: str,
        listed: ListedMarket,
        way: tuple[Token, Side],
        amounts: tuple[int, int],
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
    ) -> Action:
        self._orders += 1
        token, side = way
        return self.sandbox.submit(
            OrderRequest(
                order_id=f"{self._id_prefix}{self._orders:016x}",
                account=account,
                token=listed.tokens()[token],
                side=side,
                maker_e6=amounts[0],
                taker_e6=amounts[1],
                time_in_force=time_in_force,
                post_only=post_only,
            )
        )

    def redeem(self, market: int) -> None:
        """Turn all shares of a resolved market into what they pay."""
        exchange = self.sandbox.exchange
        tokens = exchange.markets[market].tokens()
        for address in (*self.makers, *self.takers):
            if not exchange.accounts[address].shares_e6.keys().isdisjoint(tokens):
                exchange.redeem(address, market)

    def cancel(self, orders: list[Order]) -> None:
        """Cancel open orders, one request for each account."""
        by_account: dict[str, list[str]] = {}
        for order in orders:
            by_account.setdefault(order.account.address, []).append(order.order_id)
        for account, order_ids in by_account.items():
            self.sandbox.cancel(account, order_ids)


def _address(seed: int, name: str) -> str:
    return checksum("0x" + hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:40])
