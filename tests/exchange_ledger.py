"""What the exchange itself did for one account: the truth that a live run is judged by.

It hears every action of the sandbox, and takes nothing from the code under test.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from hfptm.clock import wall_ns
from hfptm.records import BUY
from hfptm.sandbox.history import TradeRecord, TradeStatus
from hfptm.sandbox.listings import ListedMarket
from hfptm.sandbox.reports import Action, Placed, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import ONE_E6


class Part(NamedTuple):
    """What one order of the account had of a trade, in its own token."""

    order_id: str
    trade_id: str
    market: int
    token: str
    side: int
    price_e4: int
    size_e6: int
    cash_e6: int
    """Paid, fee included, or got."""


class Exposure(NamedTuple):
    """Of one market from then on: what is held has cost at least so much, and orders may add."""

    ts_ns: int
    market: int
    cost_e6: int


class _Lot:
    """Shares of one purchase, and how many of them are left."""

    def __init__(self, part: Part) -> None:
        self.part, self.left_e6 = part, part.size_e6

    def share_e6(self) -> int:
        """What one share has cost."""
        return self.part.cash_e6 * ONE_E6 // self.part.size_e6


class ExchangeLedger:
    """Listens in the sandbox's own thread from the moment it is made."""

    def __init__(self, sandbox: Sandbox, account: str) -> None:
        self.placed: list[str] = []
        """Orders that were accepted, each time that one was."""
        self.placed_ns: list[int] = []
        """When, by the machine's clock."""
        self.parts: list[Part] = []
        self.ends: dict[str, TradeStatus] = {}
        """How trades of the account ended, by id."""
        self.exposures: list[Exposure] = []
        self._sandbox, self._account = sandbox, account
        self._lots: dict[str, list[_Lot]] = {}
        self._sold: dict[tuple[str, str], list[tuple[_Lot, int]]] = {}
        sandbox.listeners.append(self._act)
        sandbox.settlement_listeners.append(self._settle)

    def open_ids(self) -> set[str]:
        return set(self._sandbox.exchange.accounts[self._account].open_orders)

    def cash_e6(self) -> int:
        return self._sandbox.exchange.accounts[self._account].cash_e6

    def shares_e6(self) -> dict[str, int]:
        return dict(self._sandbox.exchange.accounts[self._account].shares_e6)

    def unsettled(self) -> int:
        """Trades whose end is not known yet."""
        return len({part.trade_id for part in self.parts} - self.ends.keys())

    def _act(self, action: Action, records: list[TradeRecord]) -> None:
        made = [each for each in action.reports if isinstance(each, Placed)]
        ours = [each for each in made if each.account == self._account]
        new = [each.order_id for each in ours if not each.was_delayed]
        self.placed += new
        self.placed_ns += [wall_ns()] * len(new)
        for record in records:
            for part in self._parts_of(record):
                self.parts.append(part)
                self._book(part)
        self._expose(action.ts_ns, action.market)

    def _settle(self, record: TradeRecord, status: TradeStatus) -> None:
        if status not in (TradeStatus.CONFIRMED, TradeStatus.FAILED):
            return
        ours = [part for part in self.parts if part.trade_id == record.trade_id]
        if ours:
            self.ends[record.trade_id] = status
        if status is TradeStatus.FAILED:
            for part in ours:
                self._take_back(part)
            self._expose(record.updated_ns, record.market)

    def _parts_of(self, record: TradeRecord) -> Iterator[Part]:
        trade, market = record.trade, record.market
        if trade.account == self._account:
            fee_e6 = trade.fee_e6 if trade.side == BUY else -trade.fee_e6
            yield self._part(record, trade, trade.collateral_e6 + fee_e6)
        for maker in trade.makers:
            if maker.account == self._account:
                yield Part(
                    maker.order_id,
                    record.trade_id,
                    market,
                    maker.token,
                    maker.side,
                    maker.price_e4,
                    maker.size_e6,
                    maker.collateral_e6,
                )

    def _part(self, record: TradeRecord, trade: Trade, cash_e6: int) -> Part:
        return Part(
            trade.taker_order_id,
            record.trade_id,
            record.market,
            trade.token,
            trade.side,
            trade.price_e4,
            trade.size_e6,
            cash_e6,
        )

    def _book(self, part: Part) -> None:
        """What is sold is the dearest: so what is left has cost at least what this says."""
        lots = self._lots.setdefault(part.token, [])
        if part.side == BUY:
            lots.append(_Lot(part))
            lots.sort(key=_Lot.share_e6)
            return
        owed_e6 = part.size_e6
        taken = self._sold.setdefault((part.trade_id, part.order_id), [])
        for lot in reversed(lots):
            size_e6 = min(owed_e6, lot.left_e6)
            lot.left_e6 -= size_e6
            owed_e6 -= size_e6
            taken.append((lot, size_e6))

    def _take_back(self, part: Part) -> None:
        if part.side == BUY:
            lots = self._lots[part.token]
            self._lots[part.token] = [lot for lot in lots if lot.part != part]
        else:
            for lot, size_e6 in self._sold.pop((part.trade_id, part.order_id)):
                lot.left_e6 += size_e6

    def _expose(self, ts_ns: int, market: int) -> None:
        found = self._sandbox.exchange.markets.get(market)
        if found is not None:
            cost_e6 = self._held_e6(found) + self._on_order_e6(found)
            self.exposures.append(Exposure(ts_ns, market, cost_e6))

    def _held_e6(self, listed: ListedMarket) -> int:
        """No more than as many as the account has: what was merged or redeemed is gone."""
        shares_e6, cost_e6 = self.shares_e6(), 0
        for token in listed.tokens():
            left_e6 = shares_e6.get(token, 0)
            for lot in self._lots.get(token, ()):
                size_e6 = min(left_e6, lot.left_e6)
                left_e6 -= size_e6
                cost_e6 += lot.part.cash_e6 * size_e6 // lot.part.size_e6
        return cost_e6

    def _on_order_e6(self, listed: ListedMarket) -> int:
        orders = self._sandbox.exchange.accounts[self._account].open_orders.values()
        tokens = listed.tokens()
        return sum(o.left_e6 for o in orders if o.side == BUY and o.token in tokens)


def counted(parts: list[Part]) -> Counter[tuple[str, int, int]]:
    """By order id, price and size."""
    return Counter((part.order_id, part.price_e4, part.size_e6) for part in parts)
