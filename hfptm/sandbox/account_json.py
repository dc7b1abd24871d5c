"""Orders and trades of an account in the CLOB's words (exchange reference, sections 2 and 3.3)."""

from hfptm.records import BUY
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.gamma_markets import Json
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.orders import Order
from hfptm.sandbox.reports import MakerFill
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_S, format_e4, format_e6


class AccountViews:
    """How the exchange tells of orders and trades. Owners are API keys."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def order(self, order: Order) -> Json:
        entry = self._market_of(order.token)
        posting = self._sandbox.history.posting(order.order_id)
        return {
            "id": order.order_id,
            "status": str(order.status),
            "owner": self.owner_of(order.order_id, order.account.address),
            "maker_address": order.account.address,
            "market": entry.clob_condition(),
            "asset_id": order.token,
            "side": side_text(order.side),
            "original_size": format_e6(order.size_e6),
            "size_matched": format_e6(order.matched_e6),
            "price": format_e4(order.price_e4),
            "outcome": entry.outcome_of(order.token),
            "expiration": str(posting.expiration_s if posting else 0),
            "order_type": str(order.time_in_force),
            "associate_trades": posting.trade_ids if posting else [],
            "created_at": order.created_ns // NS_PER_S,
        }

    def trade(self, record: TradeRecord, accounts: list[str]) -> Json:
        """A trade as one of its parties sees it; what stands at the top is the taker's."""
        trade = record.trade
        entry = self._market_of(trade.token)
        return {
            "id": record.trade_id,
            "taker_order_id": trade.taker_order_id,
            "market": entry.clob_condition(),
            "asset_id": trade.token,
            "side": side_text(trade.side),
            "size": format_e6(trade.size_e6),
            "fee_rate_bps": "0",
            "price": format_e4(trade.price_e4),
            "status": f"TRADE_STATUS_{record.status}",
            "match_time": str(record.matched_ns // NS_PER_S),
            "last_update": str(record.updated_ns // NS_PER_S),
            "outcome": entry.outcome_of(trade.token),
            "bucket_index": 0,
            "owner": self.owner_of(trade.taker_order_id, trade.account),
            "maker_address": trade.account,
            "transaction_hash": record.transaction_hash,
            "maker_orders": [self.maker(fill) for fill in trade.makers],
            "trader_side": "TAKER" if trade.account in accounts else "MAKER",
        }

    def maker(self, fill: MakerFill) -> Json:
        """A resting order's part of a trade, in its own token."""
        entry = self._market_of(fill.token)
        return {
            "order_id": fill.order_id,
            "owner": self.owner_of(fill.order_id, fill.account),
            "maker_address": fill.account,
            "matched_amount": format_e6(fill.size_e6),
            "price": format_e4(fill.price_e4),
            "fee_rate_bps": "0",
            "asset_id": fill.token,
            "outcome": entry.outcome_of(fill.token),
            "outcome_index": int(entry.index_of(fill.token)),
            "side": side_text(fill.side),
        }

    def owner_of(self, order_id: str, account: str) -> str:
        """The API key that posted an order; for one from within, the key its account would get."""
        posting = self._sandbox.history.posting(order_id)
        return posting.api_key if posting else self._sandbox.keys.credentials_of(account).api_key

    def _market_of(self, token: str) -> MarketEntry:
        entry = self._sandbox.catalogue.of_token(token)
        if entry is None:
            raise KeyError(f"token {token} was traded and never listed")
        return entry


def side_text(side: int) -> str:
    return "BUY" if side == BUY else "SELL"
