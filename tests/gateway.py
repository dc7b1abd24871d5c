"""A gateway on a sandbox over real sockets, with its user channel, and the exchange's own truth."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hfptm import clock
from hfptm.drive.clob import DEADLINE_S, Clob
from hfptm.drive.gateway import Gateway
from hfptm.drive.reconciler import Reconciler
from hfptm.records import BUY, EVENT, SELL, EventKind, Side, Token
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import Fault
from hfptm.sandbox.history import History
from hfptm.sandbox.orders import Order
from hfptm.sandbox.rate_limits import Tier
from hfptm.sandbox.reports import Action, Placed
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.secrets import Secret, Secrets
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.account import Account, Placement, SignedOrder
from hfptm.venue.own_orders import Rows
from hfptm.venue.signing import SignatureType, Signer
from tests.sandbox_api import FUNDS_E6, STANDARD_SLUG, Api, entry_of, make_sandbox

KEY = "0x" + "11" * 32
ADDRESS = Signer(KEY).address
SHORT_S = 0.3
"""A deadline for calls that will not be answered."""
QUIET_NS, LATE_NS = NS_PER_S // 2, NS_PER_S
SPLIT_E6 = 500 * ONE_E6


def secrets_of(sandbox: Sandbox, **changes: Any) -> Secrets:
    """Of the account with KEY, which has credentials from then on."""
    made = sandbox.keys.create(ADDRESS, 0) or sandbox.keys.derive(ADDRESS, 0)
    assert made is not None
    fields: dict[str, Any] = {
        "private_key": Secret(KEY),
        "api_key": Secret(made.api_key),
        "api_secret": Secret(made.secret),
        "api_passphrase": Secret(made.passphrase),
        "funder_address": ADDRESS,
        "signature_type": int(SignatureType.EOA),
    }
    return Secrets(**fields | changes)


@contextmanager
def serving(slug: str = STANDARD_SLUG, **options: Any) -> Iterator[tuple[Server, Market]]:
    """Asks of 100 at 0.60 and bids of 100 at 0.40, settled within 40 ms; the account has both
    tokens of the market. `options` are those of the server."""
    history = History(1, 20 * NS_PER_MS, 40 * NS_PER_MS)
    sandbox = make_sandbox(history=history, start_ns=clock.wall_ns())
    api = Api(sandbox)
    api.rest(slug, BUY, 4_000, 100)
    api.rest(slug, SELL, 6_000, 100)
    market = entry_of(sandbox, slug).listed.market
    sandbox.fund(ADDRESS, FUNDS_E6)
    sandbox.exchange.split(ADDRESS, market.market, SPLIT_E6)
    sandbox.limits.assign(ADDRESS, Tier.ELITE)
    with Server(sandbox, **options) as server:
        yield server, market


class Desk:
    """What a driver has of its gateway: the journal and the rows."""

    def __init__(
        self, server: Server, market: Market, clob: Clob, account: Account, orders: tuple[int, int]
    ) -> None:
        self.server, self.market = server, market
        self.clob, self.account = clob, account
        self.journal: list[SignedOrder] = []
        self.blocks: list[Rows] = []
        self.gateway = Gateway(clob, account, self.note, self.blocks.append, orders)
        self.reconciler = Reconciler(self.gateway, quiet_ns=QUIET_NS, late_ns=LATE_NS)
        self.orders = 0
        self.placed: list[str] = []
        """What the exchange has accepted from this account, each time that it did."""
        server.run(lambda sandbox: sandbox.listeners.append(self.witness))

    def witness(self, action: Action, _: object) -> None:
        for report in action.reports:
            if isinstance(report, Placed) and report.account == ADDRESS and not report.was_delayed:
                self.placed.append(report.order_id)

    def note(self, signed: Sequence[SignedOrder]) -> None:
        """Journalled before it is known to anybody else, and so before it is sent."""
        known = self.server.run(lambda s: [o.order_id in s.exchange.orders for o in signed])
        assert not any(known)
        self.journal += signed

    def placement(self, side: Side = BUY, price_e4: int = 6_000, **changes: Any) -> Placement:
        """A FAK for ten shares of YES."""
        self.orders += 1
        fields: dict[str, Any] = {
            "order": self.orders,
            "decided_ns": clock.wall_ns(),
            "market": self.market,
            "token": Token.YES,
            "side": Side(side),
            "price_e4": price_e4,
            "size_e6": 10 * ONE_E6,
        }
        return Placement(**fields | changes)

    def start(self, fault: Fault) -> int:
        return self.server.run(lambda sandbox: sandbox.faults.start(fault))

    def stop(self, number: int) -> None:
        self.server.run(lambda sandbox: sandbox.faults.stop(number))

    def kinds(self, order: int = 1) -> list[str]:
        rows = self.rows()
        return [EventKind(int(k)).name for k in rows["kind"][rows["aux"] == order]]

    def rows(self) -> Rows:
        return np.concatenate([np.empty(0, EVENT), *self.blocks])

    def exchange_orders(self) -> dict[str, Order]:
        """Those of the journal that the exchange knows."""
        ids = [signed.order_id for signed in self.journal]
        found = self.server.run(lambda s: {i: s.exchange.orders.get(i) for i in ids})
        return {i: order for i, order in found.items() if order is not None}

    async def settled(self) -> None:
        """Until no news is owed."""
        async with asyncio.timeout(20):
            while list(self.gateway.own.unsettled()):
                await asyncio.sleep(0.02)

    def check(self) -> None:
        """What the rows say is what the exchange's own books say, order by order."""
        rows, orders = self.rows(), self.exchange_orders()
        net_e6: Counter[Token] = Counter()
        for signed in self.journal:
            placement = signed.placement
            mine = rows[rows["aux"] == placement.order]
            net_of_order_e6 = sum_of(mine, EventKind.FILL) - sum_of(mine, EventKind.FILL_FAILED)
            sign = 1 if placement.side == BUY else -1
            net_e6[placement.token] += sign * net_of_order_e6
            order, own = orders.get(signed.order_id), self.gateway.own.get(signed.order_id)
            # A trade that is first heard of when it has failed is matched, and no fill.
            assert own
            assert own.matched_e6 == (order.matched_e6 if order else 0), (mine, order)
            ends = count_of(mine, EventKind.DONE) + count_of(mine, EventKind.REJECT)
            assert ends == (0 if order and order.is_open() else 1)
        held = self.server.run(lambda s: dict(s.exchange.accounts[ADDRESS].shares_e6))
        tokens = (self.market.yes_token, self.market.no_token)
        assert [held[t] - SPLIT_E6 for t in tokens] == [net_e6[Token.YES], net_e6[Token.NO]]
        assert Counter(self.placed) == Counter(orders.keys())


def sum_of(rows: Rows, kind: EventKind) -> int:
    return int(rows["size_e6"][rows["kind"] == kind].sum())


def count_of(rows: Rows, kind: EventKind) -> int:
    return int((rows["kind"] == kind).sum())


@asynccontextmanager
async def desk_of(
    server: Server,
    market: Market,
    *,
    has_channel: bool = True,
    orders: tuple[int, int] = (600, 900),
    deadline_s: float = DEADLINE_S,
) -> AsyncIterator[Desk]:
    """The gateway with its reconciler and, unless told otherwise, its user channel."""
    account = Account(server.run(secrets_of))
    async with Clob(server.clob_url, account, deadline_s) as clob:
        desk = Desk(server, market, clob, account, orders)
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(desk.reconciler.run())]
        if has_channel:
            ready = asyncio.Event()
            tasks.append(asyncio.create_task(listen(desk, account, ready)))
            await ready.wait()
        try:
            yield desk
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


async def listen(desk: Desk, account: Account, ready: asyncio.Event) -> None:
    """The user channel, opened again whenever it is cut."""
    while True:
        async with connect(desk.server.servers.user_ws_url) as socket:
            await socket.send(account.subscription())
            await socket.send("PING")
            ready.set()
            try:
                async for payload in socket:
                    raw = payload.encode() if isinstance(payload, str) else payload
                    desk.gateway.hear(raw, clock.wall_ns())
            except ConnectionClosed:
                continue
