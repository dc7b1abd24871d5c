"""The sandbox exchange: markets, orders, holdings. Pure: no clock, no I/O, no randomness.

Times are given in ns and never go back; `advance` to a time before doing anything else at it.
All amounts are integers, and the same calls give the same answers. Rules: docs/sandbox.md.
"""

from collections.abc import Iterable, Iterator

from hfptm.records import Token
from hfptm.sandbox import positions
from hfptm.sandbox.accounts import Accounts
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.markets import Markets
from hfptm.sandbox.matching_engine import MatchingEngine
from hfptm.sandbox.order_store import FINISHED_MAX, OrderStore
from hfptm.sandbox.orders import Order, OrderRequest, OrderStatus
from hfptm.sandbox.refusals import Reason, Refusal, refuse
from hfptm.sandbox.reports import Action, Cancels, Operation, OperationKind, Rejected, Trade
from hfptm.sandbox.settlement import take_back


class Exchange:
    """What users can do is here; what the exchange does by itself is in `markets`."""

    def __init__(self, finished_max: int = FINISHED_MAX) -> None:
        self.accounts = Accounts()
        self.orders = OrderStore(finished_max)
        self._engine = MatchingEngine(self.accounts, self.orders)
        self.markets = Markets(self._engine)

    def due_ns(self) -> int:
        """When something is due next; `clock.NS_MAX` if nothing is."""
        return self._engine.due_ns()

    def advance(self, ts_ns: int) -> list[Action]:
        """What is due up to a time, each at its own: expiries, ends of delays, starts of games."""
        return list(self._engine.advance(ts_ns))

    def unfold(self, ts_ns: int) -> Iterator[Action]:
        """As `advance`, but nothing happens before one has seen what happened before it.

        Go through all of it before anything else.
        """
        return self._engine.advance(ts_ns)

    def submit(self, request: OrderRequest, ts_ns: int) -> Action:
        """One order. The first report is `Placed` or `Rejected`."""
        self._engine.enter(ts_ns)
        found = self.markets.of_token(request.token)
        if found is None:
            refusal = refuse(Reason.NO_ORDERBOOK, token=request.token)
            return Action(0, ts_ns, [_rejected(request.account, refusal, request.order_id)], [])
        return self._engine.submit(request, *found)

    def submit_batch(self, requests: Iterable[OrderRequest], ts_ns: int) -> list[Action]:
        """Orders one after the other, each accepted or refused by itself."""
        return [self.submit(request, ts_ns) for request in requests]

    def cancel(self, address: str, order_ids: Iterable[str], ts_ns: int) -> Cancels:
        """Cancel orders of an account by id; all of one market at once."""
        orders: dict[str, Order] = {}
        not_canceled: dict[str, str] = {}
        open_orders = self.accounts[address].open_orders
        for order_id in order_ids:
            order = open_orders.get(order_id)
            if order is None:
                not_canceled[order_id] = Reason.NOT_OPEN
            elif order.status is OrderStatus.DELAYED:
                not_canceled[order_id] = Reason.DELAYED
            else:
                orders[order_id] = order
        return self._cancel(list(orders.values()), not_canceled, ts_ns)

    def cancel_all(self, address: str, ts_ns: int) -> Cancels:
        return self.cancel(address, list(self.accounts[address].open_orders), ts_ns)

    def cancel_market(self, address: str, market: int, token: str, ts_ns: int) -> Cancels:
        """All orders of an account in one market; in one token of it unless `token` is empty."""
        listed = self.markets.get(market)
        tokens = {token} if token else set(listed.tokens() if listed else ())
        orders = self.accounts[address].open_orders.values()
        return self.cancel(address, [o.order_id for o in orders if o.token in tokens], ts_ns)

    def _cancel(
        self,
        orders: list[Order],
        not_canceled: dict[str, str],
        ts_ns: int,
        status: OrderStatus = OrderStatus.CANCELED,
    ) -> Cancels:
        self._engine.enter(ts_ns)
        by_market: dict[int, tuple[ListedMarket, list[Order]]] = {}
        for order in orders:
            found = self.markets.of_token(order.token)
            assert found is not None
            by_market.setdefault(found[0].market.market, (found[0], []))[1].append(order)
        actions = [self._engine.cancel(some, listed, status) for listed, some in by_market.values()]
        return Cancels([order.order_id for order in orders], not_canceled, actions)

    def approve(self, address: str, *, collateral: bool, shares: bool, ts_ns: int) -> list[Action]:
        """Set both approvals. Resting orders that lose theirs are cancelled."""
        self._engine.enter(ts_ns)
        account = self.accounts[address]
        account.allows_collateral, account.allows_shares = collateral, shares
        lost = [
            order
            for order in account.open_orders.values()
            if order.status is OrderStatus.LIVE and not account.allows(order.side)
        ]
        status = OrderStatus.CANCELED_NOT_ENOUGH_BALANCE
        return self._cancel(lost, {}, ts_ns, status).actions

    def undo(self, market: int, trade: Trade, ts_ns: int) -> list[Action] | None:
        """Take a trade back that failed on chain; None if somebody has parted with what it gave.

        The orders that traded stay as they are, filled or not. Open orders that hold what is gone
        with it are cancelled, the newest first.
        """
        self._engine.enter(ts_ns)
        if not take_back(trade, self.accounts, self.markets[market].pool):
            return None
        parties = dict.fromkeys([trade.account, *(maker.account for maker in trade.makers)])
        lost = [order for address in parties for order in self.accounts[address].overdrawn()]
        return self._cancel(lost, {}, ts_ns, OrderStatus.CANCELED_NOT_ENOUGH_BALANCE).actions

    def deposit(self, address: str, amount_e6: int) -> Operation:
        """Collateral from outside; ValueError unless positive."""
        if amount_e6 <= 0:
            raise ValueError(f"amount_e6={amount_e6} is not positive")
        self.accounts[address].cash_e6 += amount_e6
        return Operation(OperationKind.DEPOSIT, address, amount_e6, amount_e6)

    def withdraw(self, address: str, amount_e6: int) -> Operation | Rejected:
        """Collateral to outside, as far as no open order holds it."""
        account = self.accounts[address]
        if not 0 < amount_e6 <= account.free_e6():
            return _rejected(address, refuse(Reason.BALANCE))
        account.cash_e6 -= amount_e6
        return Operation(OperationKind.WITHDRAW, address, amount_e6, -amount_e6)

    def split(self, address: str, market: int, amount_e6: int) -> Operation | Rejected:
        """Dollars into as many pairs."""
        listed = self.markets.get(market)
        if listed is None:
            return _rejected(address, refuse(Reason.MARKET_NOT_FOUND))
        change_e6 = positions.split(self.accounts[address], listed, amount_e6)
        return _operation(OperationKind.SPLIT, address, amount_e6, change_e6)

    def merge(self, address: str, market: int, amount_e6: int) -> Operation | Rejected:
        """Pairs into as many dollars."""
        listed = self.markets.get(market)
        if listed is None:
            return _rejected(address, refuse(Reason.MARKET_NOT_FOUND))
        change_e6 = positions.merge(self.accounts[address], listed, amount_e6)
        return _operation(OperationKind.MERGE, address, amount_e6, change_e6)

    def redeem(
        self, address: str, market: int, only: tuple[Token, int] | None = None
    ) -> Operation | Rejected:
        """All shares of a resolved market into what they pay, or only so many of one outcome."""
        listed = self.markets.get(market)
        if listed is None:
            return _rejected(address, refuse(Reason.MARKET_NOT_FOUND))
        change_e6 = positions.redeem(self.accounts[address], listed, only)
        amount_e6 = change_e6 if isinstance(change_e6, int) else 0
        return _operation(OperationKind.REDEEM, address, amount_e6, change_e6)

    def convert(
        self, address: str, event: str, index_set: int, amount_e6: int
    ) -> Operation | Rejected:
        """NO of the event's members in `index_set` (a bit each) into YES of the others and cash."""
        neg_risk = self.markets.events.get(event)
        if neg_risk is None:
            return _rejected(address, refuse(Reason.MARKET_NOT_FOUND))
        account, fees = self.accounts[address], self.accounts.fees
        change_e6 = positions.convert(account, fees, neg_risk, index_set, amount_e6)
        return _operation(OperationKind.CONVERT, address, amount_e6, change_e6)


def _operation(
    kind: OperationKind, address: str, amount_e6: int, change_e6: int | Refusal
) -> Operation | Rejected:
    if isinstance(change_e6, Refusal):
        return _rejected(address, change_e6)
    return Operation(kind, address, amount_e6, change_e6)


def _rejected(address: str, refusal: Refusal, order_id: str = "") -> Rejected:
    return Rejected(order_id, address, refusal.reason, refusal.text)
