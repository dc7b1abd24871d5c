"""Subscribers of the user channel: who they are, what they get. Pure: text in, bytes out.

Source: exchange reference, section 2; what it leaves open is in docs/sandbox-protocols.md.
"""

import hmac
from collections.abc import Callable, Iterable

import msgspec

from hfptm.sandbox.auth import ApiKeys
from hfptm.sandbox.history import TradeRecord, TradeStatus
from hfptm.sandbox.market_channel import PING, PONG, UNREADABLE
from hfptm.sandbox.reports import Action, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.user_frames import OrderReport, UserFrames


class AccessDeniedError(Exception):
    """No such API key, or not its secret and passphrase."""


class Auth(msgspec.Struct, rename="camel"):
    """What a client shows, in plain text; `repr` shows none of it."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "Auth(...)"


class _Request(msgspec.Struct):
    """Any frame of a client; keys without a meaning here are ignored."""

    type: str = ""
    operation: str = ""
    auth: Auth | None = None
    markets: list[str] = []


_DECODER = msgspec.json.Decoder(_Request)


class UserChannel:
    """One subscriber. `deliver` takes each message that is for it."""

    def __init__(self, channels: "UserChannels", deliver: Callable[[bytes], None]) -> None:
        self.deliver = deliver
        self.api_key = ""
        self.accounts: list[str] = []
        """Wallets of the key's owner; none before it has said who it is."""
        self._channels = channels
        self._markets: set[str] = set()

    def receive(self, text: str) -> bytes | None:
        """Take a client's frame; the answer, if there is one. What cannot be read is ignored.

        Raises AccessDeniedError.
        """
        if text == PING:
            return PONG
        try:
            request = _DECODER.decode(text)
        except UNREADABLE:
            return None
        markets = {market.lower() for market in request.markets}
        if request.operation == "unsubscribe":
            self._markets -= markets
        elif request.operation == "subscribe":
            self._markets |= markets
        elif request.type == "user":
            self._channels.admit(self, request.auth)
            self._markets = markets
        return None

    def wants(self, condition_id: str) -> bool:
        """Whether it listens to a market: to all of them unless it named some."""
        return not self._markets or condition_id in self._markets


class UserChannels:
    """All subscribers, told of what their owners' wallets do."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._frames = UserFrames(sandbox)
        self._by_account: dict[str, dict[UserChannel, None]] = {}
        sandbox.listeners.append(self._on_action)
        sandbox.settlement_listeners.append(self._on_settlement)

    def open(self, deliver: Callable[[bytes], None]) -> UserChannel:
        return UserChannel(self, deliver)

    def close(self, channel: UserChannel) -> None:
        for account in channel.accounts:
            del self._by_account[account][channel]
            if not self._by_account[account]:
                del self._by_account[account]
        channel.accounts = []

    def admit(self, channel: UserChannel, auth: Auth | None) -> None:
        """Let a channel hear of what belongs to its key. Raises AccessDeniedError."""
        owner, api_key = _caller(self._sandbox.keys, auth)
        self.close(channel)
        channel.api_key = api_key
        channel.accounts = self._sandbox.wallets.all_of(owner)
        for account in channel.accounts:
            self._by_account.setdefault(account, {})[channel] = None

    def _on_action(self, action: Action, records: list[TradeRecord]) -> None:
        """Orders and trades in the order in which the engine reports them."""
        if not self._by_account:
            return
        trades = iter(records)
        for report in action.reports:
            if isinstance(report, Trade):
                self._tell_trade(next(trades))
            elif isinstance(report, OrderReport):
                self._tell_order(report, action)

    def _on_settlement(self, record: TradeRecord, _: TradeStatus) -> None:
        self._tell_trade(record)

    def _tell_order(self, report: OrderReport, action: Action) -> None:
        channels = self._by_account.get(report.account)
        if not channels:
            return
        order = self._sandbox.exchange.orders.get(report.order_id)
        assert order is not None
        payload = self._frames.order(order, report, action.ts_ns)
        for channel in self._interested(channels, action.market):
            channel.deliver(payload)

    def _tell_trade(self, record: TradeRecord) -> None:
        trade = record.trade
        parties = [trade.account, *(maker.account for maker in trade.makers)]
        channels = dict.fromkeys(c for party in parties for c in self._by_account.get(party, ()))
        for channel in self._interested(channels, record.market):
            channel.deliver(self._frames.trade(record, channel.accounts, channel.api_key))

    def _interested(self, channels: Iterable[UserChannel], market: int) -> list[UserChannel]:
        condition_id = self._sandbox.catalogue.of_market(market).clob_condition()
        return [channel for channel in channels if channel.wants(condition_id)]


def _caller(keys: ApiKeys, auth: Auth | None) -> tuple[str, str]:
    """(address of the account that has the key, key)."""
    found = keys.find(auth.api_key) if auth else None
    if auth is None or found is None:
        raise AccessDeniedError("no such API key")
    owner, known = found
    is_secret = hmac.compare_digest(known.secret.encode(), auth.secret.encode())
    if not is_secret or known.passphrase != auth.passphrase:
        raise AccessDeniedError("not the secret or not the passphrase of this API key")
    return owner, auth.api_key
