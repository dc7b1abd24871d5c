"""What an account may ask about itself: orders, trades, balances, its standing; and its heartbeat.

Source: exchange reference, sections 2 (dead-man switch) and 3.3.
"""

import msgspec

from hfptm.sandbox.account_json import AccountViews
from hfptm.sandbox.auth import Caller, check_l2
from hfptm.sandbox.calls import ApiError, Call, Reply, as_json, decode_body
from hfptm.sandbox.cursors import page
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_S
from hfptm.venue.signing import EXCHANGE_V3, NEG_RISK, STANDARD, SignatureType, parse_uint256

PAGE = 100
UNLIMITED = (1 << 256) - 1

_ORDERS_PROBLEM = "invalid order params payload"
_TRADES_PROBLEM = "Invalid trade params payload"
_ASSET_TYPES = ("COLLATERAL", "CONDITIONAL", "CONDITIONAL-V2")


class _Heartbeat(msgspec.Struct):
    heartbeat_id: str = ""


_HEARTBEAT = msgspec.json.Decoder(_Heartbeat)


class AccountDesk:
    """Handlers for authenticated questions."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._views = AccountViews(sandbox)

    def order(self, call: Call) -> Reply:
        """GET /data/order/{order_id}: open or finished; 404 if it is none of the caller's,
        or its market is forgotten."""
        caller = self._caller(call)
        order = self._sandbox.exchange.orders.get(call.parts["order_id"].lower())
        if (
            order is None
            or order.account.address not in self._wallets(caller)
            or self._sandbox.catalogue.of_token(order.token) is None
        ):
            raise ApiError(404, "order not found")
        return as_json(self._views.order(order))

    def orders(self, call: Call) -> Reply:
        """GET /data/orders: open ones, oldest first."""
        caller = self._caller(call)
        orders = [
            order
            for account in self._wallets(caller)
            for order in self._sandbox.exchange.accounts[account].open_orders.values()
            if call.first("id").lower() in ("", order.order_id)
            and call.first("asset_id") in ("", order.token)
            and self._is_at(call, order.token)
        ]
        return page(call, orders, PAGE, self._views.order, _ORDERS_PROBLEM)

    def trades(self, call: Call) -> Reply:
        """GET /data/trades: newest first."""
        accounts = self._wallets(self._caller(call))
        after_s, before_s = self._time_s(call, "after"), self._time_s(call, "before")
        records = [
            record
            for record in self._sandbox.history.trades_of(accounts)
            if call.first("id") in ("", record.trade_id)
            and self._is_of_token(call, record)
            and call.first("maker_address").lower() in ("", *_addresses(record))
            and self._is_at(call, record.trade.token)
            and (after_s is None or record.matched_ns > after_s * NS_PER_S)
            and (before_s is None or record.matched_ns < before_s * NS_PER_S)
        ]
        return page(call, records, PAGE, lambda r: self._views.trade(r, accounts), _TRADES_PROBLEM)

    def balance_allowance(self, call: Call) -> Reply:
        """GET /balance-allowance: what a wallet has, orders' reserves included.

        A wallet that the caller does not have holds nothing, as there.
        """
        return as_json(self._balance(call))

    def update_balance_allowance(self, call: Call) -> Reply:
        """GET /balance-allowance/update; there is no cache here that could be behind."""
        self._balance(call)
        return as_json("")

    def closed_only(self, call: Call) -> Reply:
        """GET /auth/ban-status/closed-only."""
        caller = self._caller(call)
        return as_json({"closed_only": caller.address in self._sandbox.closed_only})

    def heartbeat(self, call: Call) -> Reply:
        """POST /v1/heartbeats."""
        caller = self._caller(call)
        sent: _Heartbeat = decode_body(call.body, _HEARTBEAT, "Invalid payload")
        beats = self._sandbox.heartbeats
        counts, following = beats.beat(caller.api_key, sent.heartbeat_id, call.ts_wall_ns)
        if counts:
            return as_json({"heartbeat_id": following})
        return as_json({"error_msg": "Invalid Heartbeat ID", "heartbeat_id": following}, 400)

    def _balance(self, call: Call) -> dict[str, object]:
        caller = self._caller(call)
        kind, token = call.first("asset_type"), call.first("token_id")
        if kind not in _ASSET_TYPES:
            raise ApiError(400, "Invalid asset type")
        if kind != "COLLATERAL" and self._sandbox.catalogue.of_token(token) is None:
            raise ApiError(400, "Invalid token id")
        wallet = self._sandbox.wallets.of(caller.address, _signature_type(call))
        if wallet is None:
            return {"balance": "0", "allowances": {}}
        account = self._sandbox.exchange.accounts[wallet]
        if kind == "COLLATERAL":
            balance_e6, is_allowed = account.cash_e6, account.allows_collateral
        else:
            balance_e6, is_allowed = account.shares_e6.get(token, 0), account.allows_shares
        contracts = [domain.contract for domain in (STANDARD, NEG_RISK, EXCHANGE_V3)]
        allowance = str(UNLIMITED if is_allowed else 0)
        return {"balance": str(balance_e6), "allowances": dict.fromkeys(contracts, allowance)}

    def _caller(self, call: Call) -> Caller:
        return check_l2(self._sandbox.keys, call)

    def _wallets(self, caller: Caller) -> list[str]:
        return self._sandbox.wallets.all_of(caller.address)

    def _is_at(self, call: Call, token: str) -> bool:
        """Whether a token is of the market asked for."""
        entry = self._sandbox.catalogue.of_token(token)
        return entry is not None and call.first("market") in ("", entry.clob_condition())

    def _is_of_token(self, call: Call, record: TradeRecord) -> bool:
        tokens = {record.trade.token, *(maker.token for maker in record.trade.makers)}
        return call.first("asset_id") in ("", *tokens)

    def _time_s(self, call: Call, name: str) -> int | None:
        text = call.first(name)
        try:
            return parse_uint256(text) if text else None
        except ValueError as error:
            raise ApiError(400, _TRADES_PROBLEM) from error


def _addresses(record: TradeRecord) -> set[str]:
    accounts = (record.trade.account, *(maker.account for maker in record.trade.makers))
    return {account.lower() for account in accounts}


def _signature_type(call: Call) -> SignatureType:
    try:
        return SignatureType(int(call.first("signature_type") or 0))
    except ValueError as error:
        raise ApiError(400, "Invalid signature_type") from error
