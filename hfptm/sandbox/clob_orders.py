"""Placing orders through the CLOB: one, or a batch of fifteen at most, each by itself.

Source: exchange reference, section 3.3.
"""

from collections.abc import Mapping

import msgspec

from hfptm.records import BUY
from hfptm.sandbox.auth import Caller, check_l2
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json, decode_body
from hfptm.sandbox.faults_calls import falsely_succeeds
from hfptm.sandbox.gamma_markets import Json
from hfptm.sandbox.rate_limits import Bucket
from hfptm.sandbox.reports import Action, Placed, PlacedStatus, Rejected, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.signed_orders import CLOSED_ONLY, INVALID_PAYLOAD, PostedOrder, SignedOrders
from hfptm.units import format_e6

BATCH_MAX = 15

_ONE = msgspec.json.Decoder(PostedOrder)
_MANY = msgspec.json.Decoder(list[PostedOrder])


class OrderDesk:
    """Handlers that place orders."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._signed = SignedOrders(sandbox.exchange, sandbox.wallets)

    def post_order(self, call: Call) -> Reply:
        """POST /order: 400 with the reason if it is refused."""
        caller = check_l2(self._sandbox.keys, call)
        posted: PostedOrder = decode_body(call.body, _ONE, INVALID_PAYLOAD)
        headers = self._charge(caller, 1, call)
        try:
            return as_json(self._place(posted, caller), headers=headers)
        except ApiError as error:
            raise ApiError(error.status, error.text, headers=headers) from error

    def post_orders(self, call: Call) -> Reply:
        """POST /orders: 200, each order with its own answer."""
        caller = check_l2(self._sandbox.keys, call)
        batch: list[PostedOrder] = decode_body(call.body, _MANY, INVALID_PAYLOAD)
        if not batch:
            raise ApiError(400, INVALID_PAYLOAD)
        if len(batch) > BATCH_MAX:
            count = f"{len(batch)}, max allowed: {BATCH_MAX}"
            raise ApiError(400, f"Too many orders in payload: {count}")
        headers = self._charge(caller, len(batch), call)
        return as_json([self._answer(posted, caller, call) for posted in batch], headers=headers)

    def _charge(self, caller: Caller, cost: int, call: Call) -> Mapping[str, str]:
        limits = self._sandbox.limits
        return limits.charge(caller.address, Bucket.ORDERS, cost, call.ts_wall_ns)

    def _answer(self, posted: PostedOrder, caller: Caller, call: Call) -> Json:
        """Success and yet refused: that is how the exchange answers within a batch."""
        if text := falsely_succeeds(self._sandbox.faults, call):
            return _reply("", "", error_text=text)
        try:
            return self._place(posted, caller)
        except ApiError as error:
            return _reply("", "", error_text=error.text)

    def _place(self, posted: PostedOrder, caller: Caller) -> Json:
        request, posting = self._signed.accept(posted, caller)
        if request.side == BUY and caller.address in self._sandbox.closed_only:
            raise ApiError(400, CLOSED_ONLY.format(address=caller.address))
        action = self._sandbox.submit(request, posting)
        first = action.reports[0]
        if isinstance(first, Rejected):
            raise ApiError(400, first.text)
        if not isinstance(first, Placed):
            raise TypeError(f"an order is answered by Placed or Rejected, not {first!r}")
        return self._placed(first, action)

    def _placed(self, placed: Placed, action: Action) -> Json:
        if placed.status is PlacedStatus.LIVE:
            return _reply(placed.order_id, placed.status)
        trades = [report for report in action.reports if isinstance(report, Trade)]
        return _reply(
            placed.order_id,
            placed.status,
            making=format_e6(placed.making_e6),
            taking=format_e6(placed.taking_e6),
            trade_ids=[self._sandbox.history.trade_id(trade) for trade in trades],
        )


def _reply(
    order_id: str,
    status: str,
    *,
    making: str = "",
    taking: str = "",
    trade_ids: list[str] | None = None,
    error_text: str = "",
) -> Json:
    """Transactions are not known yet when an order is answered."""
    return {
        "errorMsg": error_text,
        "orderID": order_id,
        "takingAmount": taking,
        "makingAmount": making,
        "status": status,
        "success": True,
        "tradeIDs": trade_ids or [],
        "transactionsHashes": [],
    }
