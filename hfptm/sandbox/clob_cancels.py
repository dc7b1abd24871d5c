"""Cancelling through the CLOB: one order, many, all, or those of a market.

Source: exchange reference, sections 3.3 and 3.7. Orders of all wallets of the caller are meant.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from hfptm.sandbox.auth import Caller, check_l2
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json, decode_body
from hfptm.sandbox.orders import Order
from hfptm.sandbox.rate_limits import Bucket
from hfptm.sandbox.refusals import Reason
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.signed_orders import INVALID_PAYLOAD

CANCELS_MAX = 1_000
"""Guides of the exchange say 3000, its interface description 1000."""

_ORDER_ID = re.compile(r"0x[0-9a-f]{64}")


class _OneOrder(msgspec.Struct):
    order_id: str = msgspec.field(name="orderID")


class _Market(msgspec.Struct):
    market: str = ""
    asset_id: str = ""


_ONE = msgspec.json.Decoder(_OneOrder)
_MANY = msgspec.json.Decoder(list[str])
_MARKET = msgspec.json.Decoder(_Market)


class CancelDesk:
    """Handlers that cancel orders."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def cancel_order(self, call: Call) -> Reply:
        """DELETE /order."""
        caller = check_l2(self._sandbox.keys, call)
        one: _OneOrder = decode_body(call.body, _ONE, INVALID_PAYLOAD)
        return self._cancel_ids(caller, [one.order_id], call)

    def cancel_orders(self, call: Call) -> Reply:
        """DELETE /orders."""
        caller = check_l2(self._sandbox.keys, call)
        order_ids: list[str] = decode_body(call.body, _MANY, INVALID_PAYLOAD)
        if len(order_ids) > CANCELS_MAX:
            raise ApiError(400, f"Too many orders in payload, max allowed: {CANCELS_MAX}")
        return self._cancel_ids(caller, order_ids, call)

    def cancel_all(self, call: Call) -> Reply:
        """DELETE /cancel-all, which costs one more than it cancels and may leave a debt."""
        caller = check_l2(self._sandbox.keys, call)
        orders = list(self._open_orders(caller))
        headers = self._charge(caller, 1 + len(orders), call, may_owe=True)
        return self._cancel(caller, [order.order_id for order in orders], headers)

    def cancel_market_orders(self, call: Call) -> Reply:
        """DELETE /cancel-market-orders, by condition id, by token, or by both."""
        caller = check_l2(self._sandbox.keys, call)
        asked: _Market = decode_body(call.body, _MARKET, INVALID_PAYLOAD)
        if not asked.market and not asked.asset_id:
            raise ApiError(400, INVALID_PAYLOAD)
        orders = [order for order in self._open_orders(caller) if self._is_meant(order, asked)]
        headers = self._charge(caller, max(1, len(orders)), call)
        return self._cancel(caller, [order.order_id for order in orders], headers)

    def _is_meant(self, order: Order, asked: _Market) -> bool:
        entry = self._sandbox.catalogue.of_token(order.token)
        is_market = entry is not None and entry.clob_condition() == asked.market
        return (not asked.market or is_market) and asked.asset_id in ("", order.token)

    def _open_orders(self, caller: Caller) -> Iterable[Order]:
        """Oldest first, wallet by wallet."""
        for account in self._sandbox.wallets.all_of(caller.address):
            yield from self._sandbox.exchange.accounts[account].open_orders.values()

    def _cancel_ids(self, caller: Caller, order_ids: list[str], call: Call) -> Reply:
        order_ids = list(dict.fromkeys(order_id.lower() for order_id in order_ids))
        if not all(_ORDER_ID.fullmatch(order_id) for order_id in order_ids):
            raise ApiError(400, "Invalid orderID")
        headers = self._charge(caller, max(1, len(order_ids)), call)
        return self._cancel(caller, order_ids, headers)

    def _charge(
        self, caller: Caller, cost: int, call: Call, *, may_owe: bool = False
    ) -> Mapping[str, str]:
        return self._sandbox.limits.charge(
            caller.address, Bucket.CANCELS, cost, call.ts_wall_ns, may_owe=may_owe
        )

    def _cancel(self, caller: Caller, order_ids: list[str], headers: Mapping[str, str]) -> Reply:
        """An order of somebody else is told like one that does not exist."""
        wallets = self._sandbox.wallets.all_of(caller.address)
        by_account: dict[str, list[str]] = {}
        not_canceled: dict[str, str] = {}
        for order_id in order_ids:
            order = self._sandbox.exchange.orders.get(order_id)
            if order is None or order.account.address not in wallets:
                not_canceled[order_id] = Reason.NOT_OPEN
            else:
                by_account.setdefault(order.account.address, []).append(order_id)
        canceled: list[str] = []
        for account, some in by_account.items():
            cancels = self._sandbox.cancel(account, some)
            canceled += cancels.canceled
            not_canceled |= cancels.not_canceled
        reply = {"canceled": canceled, "not_canceled": not_canceled}
        return as_json(reply, headers=headers)
