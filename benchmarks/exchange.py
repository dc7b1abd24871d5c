"""A sandbox that offers a basket at a time, for whoever wants to buy it.

Each event has an exclusive outcome for every leg. Its asks sum to more than a dollar; now and then
the first outcome is offered for less, so that all of them together are not.
"""

import threading
from functools import partial
from itertools import count, cycle
from multiprocessing.connection import Connection as Pipe

import msgspec

from hfptm import clock
from hfptm.opportunities import Relation
from hfptm.records import SELL, Side
from hfptm.registry import Market
from hfptm.sandbox.offers import Blueprint, Times, offer_event
from hfptm.sandbox.opening import list_event, open_event
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.rate_limits import Tier
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.service import ACCOUNT, PRIVATE_KEY, Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S, ONE_E6
from hfptm.venue.orders import limit_amounts

MAKER = "maker"
SHARES_E6 = 60 * ONE_E6
LEGS = (2, 10)
EVENTS = 4
"""Of each number of legs, in turns."""

MARKETS, RATE = 12, 200
"""What else there is, and its frames a second."""

_STOCK_E6 = 100_000 * ONE_E6
_FUNDS_E6 = 10_000_000 * ONE_E6
_PRICES_E4 = {2: (5_200, 4_000), 10: (1_000, 400)}
"""By legs: what all outcomes ask for, and what the first one does now and then."""

_TICK_E4 = 100
_SETTLE_S = 0.15
"""Between new asks of an event and the one that completes its basket."""


class Deal(msgspec.Struct):
    """Where the exchange is, and the keys of an account with money."""

    servers: dict[str, str]
    secrets: dict[str, str]


class Counter:
    """The maker's orders, in the sandbox's own thread."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._numbers = count(1)
        self.events = {legs: [self._event(legs, n) for n in range(EVENTS)] for legs in LEGS}
        sandbox.fund(MAKER, _FUNDS_E6)
        for events in self.events.values():
            for market in (market for event in events for market in event):
                sandbox.exchange.split(MAKER, market.market, _STOCK_E6)

    def _event(self, legs: int, number: int) -> list[Market]:
        now_ns = self._sandbox.now_ns
        plan = Blueprint(
            slug=f"basket-of-{legs}-{number}",
            outcomes=tuple((f"outcome-{n}", 10_000 // legs) for n in range(legs)),
            category="geopolitics",
            times=Times(lists_ns=now_ns, opens_ns=now_ns),
            end_ns=now_ns + 86_400 * NS_PER_S,
            relation=Relation.EXACTLY_ONE,
            tick_e4=_TICK_E4,
        )
        event = offer_event(1, plan)
        list_event(self._sandbox, event, now_ns)
        open_event(self._sandbox, event, now_ns)
        return [offer.listing.market for offer in event.offers]

    def lay_out(self, event: list[Market], _: Sandbox) -> None:
        """New asks of every outcome, too dear together."""
        left = list(self._sandbox.exchange.accounts[MAKER].open_orders)
        self._sandbox.cancel(MAKER, left)
        for market in event:
            self._ask(market, _PRICES_E4[len(event)][0])

    def complete(self, event: list[Market], _: Sandbox) -> None:
        """Offer the first outcome for so little that all are worth it."""
        self._ask(event[0], _PRICES_E4[len(event)][1])

    def _ask(self, market: Market, price_e4: int) -> None:
        maker_e6, taker_e6 = limit_amounts(Side(SELL), price_e4, SHARES_E6, _TICK_E4)
        request = OrderRequest(
            order_id=f"ask-{next(self._numbers)}",
            account=MAKER,
            token=market.yes_token,
            side=Side(SELL),
            maker_e6=maker_e6,
            taker_e6=taker_e6,
            time_in_force=TimeInForce.GTC,
        )
        self._sandbox.submit(request)


def serve(pipe: Pipe, baskets: int, period_s: float) -> None:
    """Tell a `Deal`; once told anything, offer so many baskets of each number of legs."""
    service = Service(Settings(markets=MARKETS, rate=RATE))
    with service:
        counter = service.server.run(Counter)
        pipe.send(service.server.run(lambda s: _deal(s, service)))
        pipe.recv()
        turns = zip(*(cycle(counter.events[legs]) for legs in LEGS), strict=True)
        for _, turn in zip(range(baskets), turns, strict=False):
            for event in turn:
                service.server.run(partial(counter.lay_out, event))
                threading.Event().wait(_SETTLE_S)
                service.server.run(partial(counter.complete, event))
                threading.Event().wait(period_s)
        pipe.send("over")
        pipe.recv()


def _deal(sandbox: Sandbox, service: Service) -> Deal:
    made = sandbox.keys.create(ACCOUNT, clock.wall_ns())
    if made is None:
        raise RuntimeError("the sandbox gave no credentials")
    sandbox.limits.assign(ACCOUNT, Tier.ELITE)
    servers = service.server.servers
    return Deal(
        servers={name: getattr(servers, name) for name in servers.__struct_fields__},
        secrets={
            "PRIVATE_KEY": PRIVATE_KEY,
            "API_KEY": made.api_key,
            "API_SECRET": made.secret,
            "API_PASSPHRASE": made.passphrase,
            "FUNDER_ADDRESS": ACCOUNT,
            "SIGNATURE_TYPE": "0",
        },
    )
