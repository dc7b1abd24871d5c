"""Merges and redemptions: transactions of the account itself, one at a time, each carried out once.

A transaction is journalled before it leaves, with the hash by which the chain knows it and the
nonce that only one transaction can have. What became of it is asked for by its hash until the chain
says so; nothing else is begun before that. Source: exchange reference, section 7.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

from hfptm import clock
from hfptm.drive.follower import PACE, BackOff, Follower, Pace, in_time
from hfptm.drive.operation_log import OperationKind, OperationLine
from hfptm.drive.tasks import Tasks
from hfptm.errors import VenueError
from hfptm.opportunities import OpportunityKind
from hfptm.records import EVENT, EventKind, IntentKind, RejectReason, Token
from hfptm.redaction import hosts_only
from hfptm.registry import Market
from hfptm.secrets import Secrets
from hfptm.sections import Servers
from hfptm.venue.client import Transactions
from hfptm.venue.own_orders import Rows
from hfptm.venue.transaction import ChainError, Sent

_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    kind: OperationKind
    market: Market
    order: int = 0
    size_e6: int = 0


class Operations:
    """Of one account that holds its own funds; an async context manager.

    `journal` is told of each transaction before it leaves. `report` gets SETTLED and REJECT of
    merges, and the price of gas as GAS rows. `market_of` gives a market by its lake id, `is_over`
    says whether it has resolved, `is_halted` whether nothing may leave. At its end it waits for
    what is under way, and raises VenueError if that does not end.
    """

    def __init__(
        self,
        servers: Servers,
        secrets: Secrets,
        journal: Callable[[OperationLine], Awaitable[None]],
        report: Callable[[Rows], None],
        *,
        market_of: Callable[[int], Market],
        is_over: Callable[[int], bool],
        is_halted: Callable[[], bool],
        pace: Pace = PACE,
    ) -> None:
        self._transactions = Transactions(servers, secrets, self._note)
        self._url, self._journal, self._report = hosts_only(servers.rpc_url), journal, report
        self._market_of, self._is_over, self._is_halted = market_of, is_over, is_halted
        self._pace = pace
        self._follower = Follower(self._transactions, pace)
        self._back_off = BackOff(pace.back_off_ns)
        self._turn = asyncio.Lock()
        self._asked: _Asked | None = None
        self._sent: Sent | None = None
        self._held: dict[int, Market] = {}
        self._resolved: dict[int, Market] = {}
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        try:
            await in_time(self._transactions.__aenter__())
        except ChainError as error:
            raise VenueError(self._url, "server.rpc_url", str(error)) from error
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._looking.cancel()
        try:
            if error is None:
                self._tasks.begin(self.redeem())
            has_ended = await self._tasks.end(self._pace.end_s)
            await asyncio.gather(self._looking, return_exceptions=True)
        finally:
            await self._transactions.__aexit__(kind, error, trace)
        if not has_ended and error is None:
            named = self._sent.hash if self._sent else "one that was not sent yet"
            problem = f"a transaction is not settled yet ({named})"
            raise VenueError(self._url, "server.rpc_url", problem)
        if error is None:
            self.check()

    def take(self, intents: Rows) -> None:
        """Have merges carried out; where something is ordered, there may be shares from now on."""
        for intent in intents:
            if intent["kind"] == IntentKind.MERGE:
                market, order = self._market_of(int(intent["market"])), int(intent["order"])
                size_e6 = int(intent["size_e6"])
                self._tasks.begin(self._merge(_Asked(OperationKind.MERGE, market, order, size_e6)))
            elif intent["kind"] == IntentKind.PLACE and int(intent["market"]) not in self._held:
                self.watch([self._market_of(int(intent["market"]))])

    def take_over(self, lines: Sequence[OperationLine]) -> None:
        """Merges of a run that was killed and whose end nobody has told: it is asked for."""
        for line in lines:
            self._tasks.begin(self._finish(line))

    def watch(self, markets: Iterable[Market], *, are_over: bool = False) -> None:
        """Markets of which the account may hold shares: they are redeemed once these resolve."""
        kept = self._resolved if are_over else self._held
        kept |= {market.market: market for market in markets}

    def unredeemed(self) -> list[Market]:
        """Those that have resolved, and of which the account may still hold shares."""
        over = {m: market for m, market in self._held.items() if self._is_over(m)}
        return list((self._resolved | over).values())

    def check(self) -> None:
        """Raises what kept a transaction from being sent, such as a journal that took no more."""
        self._tasks.check()

    async def _merge(self, asked: _Asked) -> None:
        async with self._turn:
            if self._back_off.is_on(asked.market.market) or self._is_halted():
                self._tell(_rejected(asked.order, RejectReason.NOT_SENT), asked.market)
            elif await self._carry_out(asked):
                self._tell(_settled(asked.order, asked.size_e6), asked.market)
            else:
                reason = RejectReason.REFUSED if self._sent else RejectReason.NOT_SENT
                self._tell(_rejected(asked.order, reason), asked.market)

    async def _finish(self, line: OperationLine) -> None:
        async with self._turn:
            self._sent = line.sent
            if await self._is_done():
                self._tell(_settled(line.order, line.size_e6), line.market)
            else:
                self._tell(_rejected(line.order, RejectReason.REFUSED), line.market)

    async def _look(self) -> None:
        """Forever: what gas costs, and what has resolved."""
        while True:
            try:
                self._report(_gas(await in_time(self._transactions.gas_price_wei())))
            except ChainError as error:
                _log.warning("gas price: %s", error)
            if not self._tasks.under_way:
                self._tasks.begin(self.redeem())
            await asyncio.sleep(self._pace.look_s)

    async def redeem(self) -> None:
        """Every watched market that resolved, one after the other; what fails waits for the next
        look."""
        for market in self.unredeemed():
            async with self._turn:
                if not self._back_off.is_on(market.market) and not self._is_halted():
                    await self._redeem_one(market)

    async def _redeem_one(self, market: Market) -> None:
        """Protocol V2 needs a transaction for each outcome."""
        try:
            for _ in Token:
                if not any(await in_time(self._transactions.shares_e6(market))):
                    break
                if not await self._carry_out(_Asked(OperationKind.REDEEM, market)):
                    return
        except ChainError as error:
            _log.warning("%s: %s", market.slug, error)
            return
        self._held.pop(market.market, None)
        self._resolved.pop(market.market, None)

    async def _carry_out(self, asked: _Asked) -> bool:
        """Whether it went through; `_sent` stays None if nothing left."""
        self._asked, self._sent = asked, None
        try:
            await in_time(self._call(asked))
        except ChainError as error:
            _log.warning("%s of %s: %s", asked.kind, asked.market.slug, error)
        is_done = await self._is_done()
        if is_done:
            self._back_off.succeeded(asked.market.market)
        else:
            self._back_off.failed(asked.market.market)
        return is_done

    async def _call(self, asked: _Asked) -> None:
        if asked.kind is OperationKind.MERGE:
            await self._transactions.merge(asked.market, asked.size_e6)
        else:
            await self._transactions.redeem(asked.market)

    async def _is_done(self) -> bool:
        return self._sent is not None and await self._follower.is_done(self._sent)

    async def _note(self, sent: Sent) -> None:
        """Before a transaction leaves."""
        assert self._asked is not None
        kind, market, order, size_e6 = self._asked
        line = OperationLine(kind=kind, market=market, sent=sent, order=order, size_e6=size_e6)
        await self._journal(line)
        self._sent = sent

    def _tell(self, row: Rows, market: Market) -> None:
        row["market"] = market.market
        self._report(row)


def _row(kind: EventKind, **fields: int) -> Rows:
    row = np.zeros(1, EVENT)
    row["kind"] = kind
    row["ts_recv_ns"] = row["ts_venue_ns"] = clock.wall_ns()
    for name, value in fields.items():
        row[name] = value
    return row


def _settled(order: int, size_e6: int) -> Rows:
    basket = OpportunityKind.BINARY
    return _row(EventKind.SETTLED, aux=order, size_e6=size_e6, price_e4=basket)


def _rejected(order: int, reason: RejectReason) -> Rows:
    return _row(EventKind.REJECT, aux=order, price_e4=reason)


def _gas(price_wei: int) -> Rows:
    return _row(EventKind.GAS, aux=price_wei)
