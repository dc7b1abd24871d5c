"""The chain as far as accounts use it themselves: transactions, mined one by one, and receipts.

Pure, as the exchange is: times are handed in. Trades of the exchange's operator are not here; they
settle in `history`. A transaction costs its sender gas there and nothing here: the sandbox holds no
other coin than the collateral. Source: exchange reference, section 7.
"""

from collections.abc import Callable

import msgspec

from hfptm.clock import NS_MAX
from hfptm.sandbox.catalogue import Catalogue, MarketEntry
from hfptm.sandbox.contracts import NEG_RISK_ADAPTER, ROUTER, STANDARD_ADAPTER, PositionCall
from hfptm.sandbox.contracts import read_call as read
from hfptm.sandbox.exchange import Exchange
from hfptm.sandbox.faults import Faults
from hfptm.sandbox.faults_kinds import Revert, Vanish
from hfptm.sandbox.positions import refusal_of
from hfptm.sandbox.reports import Operation, OperationKind, Rejected
from hfptm.sandbox.transactions import Transaction
from hfptm.units import NS_PER_S

MINED_AFTER_NS = 2 * NS_PER_S
"""A block of Polygon."""

GAS_PRICE_WEI = 30 * 10**9
COINS_WEI = 10**18
"""Of every account, for gas, whatever it spends."""

RECEIPTS_MAX = 100_000

OperationListener = Callable[[Transaction, Operation | Rejected], None]
"""Hears of each transaction when it is mined."""


class Receipt(msgspec.Struct, frozen=True):
    transaction: Transaction
    is_ok: bool
    """Whether it did what it was for; if not, it changed nothing but the sender's nonce."""
    block: int


class NodeError(Exception):
    """What a node refuses, with JSON-RPC's code."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


REVERTED, INVALID = 3, -32_000


class Chain:
    """An account's transactions are mined in the order of their nonces, each once."""

    def __init__(self, exchange: Exchange, catalogue: Catalogue, faults: Faults) -> None:
        self.mined_after_ns = MINED_AFTER_NS
        self.gas_price_wei = GAS_PRICE_WEI
        self.coins_wei = COINS_WEI
        self.blocks = 1
        self.listeners: list[OperationListener] = []
        self._exchange, self._catalogue, self._faults = exchange, catalogue, faults
        self._nonces: dict[str, int] = {}
        self._waiting: dict[tuple[str, int], tuple[int, Transaction]] = {}
        self._receipts: dict[str, Receipt] = {}

    def nonce(self, sender: str, *, is_pending: bool) -> int:
        """Of the account's next transaction; of one after those that wait, if pending."""
        nonce = self._nonces.get(sender, 0)
        while is_pending and (sender, nonce) in self._waiting:
            nonce += 1
        return nonce

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """None as long as it is not mined, and if nobody ever sent it."""
        return self._receipts.get(transaction_hash)

    def knows(self, transaction_hash: str) -> bool:
        """Whether it is mined or waits."""
        waiting = any(t.hash == transaction_hash for _, t in self._waiting.values())
        return waiting or transaction_hash in self._receipts

    def shares_e6(self, owner: str, token: str) -> int:
        return self._exchange.accounts[owner].shares_e6.get(token, 0)

    def allows(self, owner: str, *, collateral: bool) -> bool:
        """Whether the exchange's contracts may take the owner's collateral, or its shares."""
        account = self._exchange.accounts[owner]
        return account.allows_collateral if collateral else account.allows_shares

    def estimate(self, sender: str, to: str, data: bytes) -> None:
        """Raises NodeError if a transaction would revert as things stand."""
        try:
            problem = self._problem(sender, read(to, data))
        except ValueError as error:
            problem = str(error)
        if problem:
            raise NodeError(REVERTED, f"execution reverted: {problem}")

    def send(self, transaction: Transaction, now_ns: int) -> None:
        """Take a transaction in. Raises NodeError, with a node's own words, if it cannot be."""
        place = transaction.sender, transaction.nonce
        if self.knows(transaction.hash):
            raise NodeError(INVALID, "already known")
        if transaction.nonce < self.nonce(transaction.sender, is_pending=False):
            raise NodeError(INVALID, "nonce too low")
        if place in self._waiting:
            if transaction.gas_price_wei <= self._waiting[place][1].gas_price_wei:
                raise NodeError(INVALID, "replacement transaction underpriced")
            del self._waiting[place]
        for vanish in self._faults.active(Vanish):
            if number := self._faults.hits_next(vanish):
                self._faults.note(vanish, request=number, detail=transaction.hash)
                return
        self._waiting[place] = now_ns + self.mined_after_ns, transaction

    def due_ns(self) -> int:
        """When a transaction is mined next; `clock.NS_MAX` if none can be."""
        return min((due_ns for due_ns, _ in self._ready()), default=NS_MAX)

    def advance(self, ts_ns: int) -> None:
        """Mine what is due."""
        while ready := [each for each in self._ready() if each[0] <= ts_ns]:
            self._mine(min(ready, key=lambda each: each[0])[1])

    def _ready(self) -> list[tuple[int, Transaction]]:
        return [
            each
            for (sender, nonce), each in self._waiting.items()
            if nonce == self._nonces.get(sender, 0)
        ]

    def _mine(self, transaction: Transaction) -> None:
        del self._waiting[transaction.sender, transaction.nonce]
        self._nonces[transaction.sender] = transaction.nonce + 1
        self.blocks += 1
        is_ok = not self._is_reverted(transaction) and self._carry_out(transaction)
        self._receipts[transaction.hash] = Receipt(transaction, is_ok, self.blocks)
        if len(self._receipts) > RECEIPTS_MAX:
            del self._receipts[next(iter(self._receipts))]

    def _is_reverted(self, transaction: Transaction) -> bool:
        for revert in self._faults.active(Revert):
            if number := self._faults.hits_next(revert):
                self._faults.note(revert, request=number, detail=transaction.hash)
                return True
        return False

    def _carry_out(self, transaction: Transaction) -> bool:
        try:
            call = read(transaction.to, transaction.data)
        except ValueError:
            return False
        if self._problem(transaction.sender, call):
            return False
        done = self._apply(transaction.sender, self._entry(call).listed.market.market, call)
        for listener in self.listeners:
            listener(transaction, done)
        return isinstance(done, Operation)

    def _apply(self, sender: str, market: int, call: PositionCall) -> Operation | Rejected:
        exchange = self._exchange
        if call.kind is OperationKind.SPLIT:
            return exchange.split(sender, market, call.amount_e6)
        if call.kind is OperationKind.MERGE:
            return exchange.merge(sender, market, call.amount_e6)
        if call.outcome is None:
            return exchange.redeem(sender, market)
        return exchange.redeem(sender, market, (call.outcome, call.amount_e6))

    def _problem(self, sender: str, call: PositionCall) -> str:
        """Why it would revert; empty if it would not."""
        entry = self._catalogue.of_condition(call.condition)
        if entry is None or _contract(entry) != call.to:
            return "no such condition at this contract"
        account = self._exchange.accounts[sender]
        refusal = refusal_of(call.kind, account, entry.listed, call.amount_e6)
        return refusal.text if refusal else ""

    def _entry(self, call: PositionCall) -> MarketEntry:
        entry = self._catalogue.of_condition(call.condition)
        assert entry is not None
        return entry


def _contract(entry: MarketEntry) -> str:
    if entry.is_v2():
        return ROUTER
    return NEG_RISK_ADAPTER if entry.listed.market.neg_risk else STANDARD_ADAPTER
