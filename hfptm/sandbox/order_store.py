"""Orders by id: every open one, and the latest finished ones."""

from collections import deque

from hfptm.sandbox.orders import Order, OrderStatus

FINISHED_MAX = 100_000
"""Finished orders that are remembered, for queries and to refuse duplicates."""


class OrderStore:
    def __init__(self, finished_max: int = FINISHED_MAX) -> None:
        self._by_id: dict[str, Order] = {}
        self._finished: deque[str] = deque()
        self._finished_max = finished_max

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._by_id

    def get(self, order_id: str) -> Order | None:
        """An order, open or finished; None if it never was accepted, or finished long ago."""
        return self._by_id.get(order_id)

    def add(self, order: Order) -> None:
        self._by_id[order.order_id] = order
        order.account.open_orders[order.order_id] = order

    def finish(self, order: Order, status: OrderStatus) -> None:
        """Give an open order its last status; it must hold nothing and be in no book."""
        order.status = status
        order.left_e6 = order.open_e6 = 0
        del order.account.open_orders[order.order_id]
        self._finished.append(order.order_id)
        if len(self._finished) > self._finished_max:
            del self._by_id[self._finished.popleft()]
