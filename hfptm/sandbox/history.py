"""What the exchange remembers of orders and trades beside the engine: owners, ids, settlement.

A trade is MATCHED at once, MINED and CONFIRMED when the chain has it, or FAILED if the chain never
takes it (exchange reference, section 2). Memory is bounded: the oldest records are forgotten first.
"""

import hashlib
import heapq
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec

from hfptm.clock import NS_MAX
from hfptm.sandbox.reports import Action, Trade
from hfptm.units import NS_PER_MS, NS_PER_S

MINED_AFTER_NS = 500 * NS_PER_MS
CONFIRMED_AFTER_NS = 2 * NS_PER_S
TRADES_MAX = 100_000
"""Remembered of the whole exchange."""
ACCOUNT_TRADES_MAX = 10_000
POSTINGS_MAX = 200_000


class TradeStatus(StrEnum):
    MATCHED = "MATCHED"
    RETRYING = "RETRYING"
    """Its transaction did not go through, and is sent again."""
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    """For good."""
    FAILED = "FAILED"
    """For good: it never happened, nobody got or gave anything."""


class Fate(StrEnum):
    """What the chain makes of a trade."""

    CONFIRMED = "CONFIRMED"
    RETRIED = "RETRIED"
    """Confirmed after all."""
    FAILED = "FAILED"


class Posting(msgspec.Struct):
    """How an order came in through the API."""

    api_key: str
    expiration_s: int
    """As it was sent; 0 unless GTD."""
    trade_ids: list[str] = []


class TradeRecord(msgspec.Struct, eq=False):
    """A trade on its way through settlement."""

    trade_id: str
    market: int
    trade: Trade
    matched_ns: int
    updated_ns: int
    status: TradeStatus = TradeStatus.MATCHED
    transaction_hash: str = ""
    """Known once it is mined."""


class History:
    def __init__(
        self,
        seed: int,
        mined_after_ns: int = MINED_AFTER_NS,
        confirmed_after_ns: int = CONFIRMED_AFTER_NS,
    ) -> None:
        self.fate: Callable[[TradeRecord], Fate] = lambda _: Fate.CONFIRMED
        """Asked once for each trade, when it matches."""
        self._seed = seed
        self._ways = _ways(mined_after_ns, confirmed_after_ns)
        self._postings: dict[str, Posting] = {}
        self._by_id: dict[str, TradeRecord] = {}
        self._by_account: dict[str, deque[TradeRecord]] = {}
        self._due: list[tuple[int, int, int, TradeStatus, TradeRecord]] = []

    def post(self, order_id: str, posting: Posting) -> None:
        """Say who an order belongs to, before it is submitted."""
        self._postings[order_id] = posting
        if len(self._postings) > POSTINGS_MAX:
            del self._postings[next(iter(self._postings))]

    def posting(self, order_id: str) -> Posting | None:
        """None for orders that did not come through the API."""
        return self._postings.get(order_id)

    def forget(self, order_id: str) -> None:
        """For an order that was refused after all."""
        self._postings.pop(order_id, None)

    def add(self, action: Action) -> list[TradeRecord]:
        """The new trades of an action."""
        trades = [report for report in action.reports if isinstance(report, Trade)]
        return [self._add_trade(action, trade) for trade in trades]

    def _add_trade(self, action: Action, trade: Trade) -> TradeRecord:
        trade_id = self.trade_id(trade)
        record = TradeRecord(trade_id, action.market, trade, action.ts_ns, action.ts_ns)
        self._by_id[trade_id] = record
        if len(self._by_id) > TRADES_MAX:
            del self._by_id[next(iter(self._by_id))]
        order_ids = [trade.taker_order_id, *(maker.order_id for maker in trade.makers)]
        for order_id in order_ids:
            if posting := self._postings.get(order_id):
                posting.trade_ids.append(trade_id)
        for account in dict.fromkeys([trade.account, *(maker.account for maker in trade.makers)]):
            self._by_account.setdefault(account, deque(maxlen=ACCOUNT_TRADES_MAX)).append(record)
        for step, (status, after_ns) in enumerate(self._ways[self.fate(record)]):
            due_ns = action.ts_ns + after_ns
            heapq.heappush(self._due, (due_ns, trade.trade_id, step, status, record))
        return record

    def due_ns(self) -> int:
        """When a trade settles next; `clock.NS_MAX` if none waits."""
        return self._due[0][0] if self._due else NS_MAX

    def advance(
        self, ts_ns: int, undo: Callable[[TradeRecord], bool]
    ) -> Iterator[tuple[TradeRecord, TradeStatus]]:
        """Settle what is due; each change of status, in order.

        A trade fails only if `undo` could take it back; if not, it is confirmed.
        """
        while self._due and self._due[0][0] <= ts_ns:
            due_ns, _, _, status, record = heapq.heappop(self._due)
            is_standing = status is TradeStatus.FAILED and not undo(record)
            statuses = (TradeStatus.MINED, TradeStatus.CONFIRMED) if is_standing else (status,)
            for record.status in statuses:
                record.updated_ns = due_ns
                record.transaction_hash = self.transaction_hash(record.trade)
                yield record, record.status

    def trade_id(self, trade: Trade) -> str:
        """The id that the API gives a trade."""
        return str(uuid.UUID(bytes=self._digest("trade", trade)[:16], version=4))

    def transaction_hash(self, trade: Trade) -> str:
        """Of the transaction that is to settle a trade: the feed knows it from the start."""
        return "0x" + self._digest("transaction", trade).hex()

    def trade(self, trade_id: str) -> TradeRecord | None:
        return self._by_id.get(trade_id)

    def trades_of(self, accounts: list[str]) -> list[TradeRecord]:
        """Trades that any of the accounts took or made, newest first, each once."""
        records = {
            record.trade_id: record
            for account in accounts
            for record in self._by_account.get(account, ())
        }
        return sorted(records.values(), key=lambda record: -record.trade.trade_id)

    def _digest(self, kind: str, trade: Trade) -> bytes:
        return hashlib.sha256(f"{self._seed}:{kind}:{trade.trade_id}".encode()).digest()


def _ways(mined_ns: int, confirmed_ns: int) -> dict[Fate, tuple[tuple[TradeStatus, int], ...]]:
    """The statuses that follow MATCHED, and how long after it. To send it again takes as long."""
    status = TradeStatus
    return {
        Fate.CONFIRMED: ((status.MINED, mined_ns), (status.CONFIRMED, confirmed_ns)),
        Fate.RETRIED: (
            (status.RETRYING, mined_ns),
            (status.MINED, confirmed_ns + mined_ns),
            (status.CONFIRMED, 2 * confirmed_ns),
        ),
        Fate.FAILED: ((status.RETRYING, mined_ns), (status.FAILED, confirmed_ns)),
    }
