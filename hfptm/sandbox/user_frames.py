"""The user channel's messages: what happens to orders and trades, as their owners are told.

Source: exchange reference, section 2.
"""

import msgspec

from hfptm.sandbox.account_json import AccountViews
from hfptm.sandbox.gamma_markets import Json
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.orders import Order
from hfptm.sandbox.reports import OrderCanceled, OrderUpdate, Placed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_MS

OrderReport = Placed | OrderUpdate | OrderCanceled


class UserFrames:
    """Prints reports of orders and statuses of trades, as of right after they happened."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._views = AccountViews(sandbox)

    def order(self, order: Order, report: OrderReport, ts_ns: int) -> bytes:
        """PLACEMENT when it is accepted, CANCELLATION when it ends unfilled, else UPDATE."""
        shown = self._views.order(order)
        changes: Json = {
            "event_type": "order",
            "type": _order_event(report),
            "created_at": str(shown["created_at"]),
            "order_owner": shown["owner"],
            "timestamp": str(ts_ns // NS_PER_MS),
        }
        if isinstance(report, OrderCanceled) and report.text:
            changes["status"] = f"CANCELED_{report.text}"
        return msgspec.json.encode(shown | changes)

    def trade(self, record: TradeRecord, accounts: list[str], api_key: str) -> bytes:
        """The status of a trade as one of its parties sees it; what stands on top is the taker's.

        `api_key` is the one that listens.
        """
        changes: Json = {
            "event_type": "trade",
            "type": "TRADE",
            "status": str(record.status),
            "trade_owner": api_key,
            "timestamp": str(record.updated_ns // NS_PER_MS),
        }
        return msgspec.json.encode(self._views.trade(record, accounts) | changes)


def _order_event(report: OrderReport) -> str:
    if isinstance(report, OrderCanceled):
        return "CANCELLATION"
    return "PLACEMENT" if isinstance(report, Placed) and not report.was_delayed else "UPDATE"
