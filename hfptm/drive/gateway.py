"""Orders to the exchange and what becomes of them: never twice, and never lost.

An order's id is known, and handed to the journal, before a byte leaves. Whatever the answer is,
its end is found out from the exchange itself: by the user channel, or by asking for it by its id
(`Reconciler`). Nothing is sent twice: what has no answer is asked for instead. Source: exchange
reference, sections 3.3 to 3.7.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec

from hfptm import clock
from hfptm.drive.clob import Clob, NoReplyError
from hfptm.drive.connection import Reply
from hfptm.errors import VenueError
from hfptm.units import NS_PER_S
from hfptm.venue.account import Account, Placement, SignedOrder, TimeInForce
from hfptm.venue.answers import (
    Answer,
    Cancels,
    Outcome,
    read_cancels,
    read_failure,
    read_placed,
    retry_after_s,
)
from hfptm.venue.batch import UNREADABLE
from hfptm.venue.listings import clob_condition
from hfptm.venue.own_order import NOT_SENT, OwnOrder, shares_e6
from hfptm.venue.own_orders import OwnOrders, Rows
from hfptm.venue.rate_budget import ORDERS_STANDARD, RateBudget
from hfptm.venue.user_feed import UserFeed

LEGS_MAX = 15
"""Orders in one request (reference, section 3.3)."""

STALE_NS = NS_PER_S
"""An order leaves no later than that after its decision: what it was decided on is gone. A disk
that stalls, a machine that slept or a loop that was blocked may have held it."""

CANCEL_TRIES = 5
"""To cancel again does no harm, so it is repeated until it is answered, for about 6 s."""

_FIRST_WAIT_S = 0.2
_ENCODER = msgspec.json.Encoder()

Journal = Callable[[Sequence[SignedOrder]], None]
"""Is told of orders before they are sent, and returns once it will not forget them."""

Report = Callable[[Rows], None]
"""Is told of everything that is heard of orders, as rows of `OwnOrders.take`."""


class Gateway:
    """One account's orders. `orders` (a second, burst) is the rate that its tier allows."""

    def __init__(
        self,
        clob: Clob,
        account: Account,
        journal: Journal,
        report: Report,
        orders: tuple[int, int] = ORDERS_STANDARD,
    ) -> None:
        self.own = OwnOrders()
        self.feed = UserFeed(self.own)
        self._clob, self._account = clob, account
        self._journal, self._report = journal, report
        self._budget = RateBudget(*orders, clock.monotonic_ns())

    def rehearse(self) -> None:
        """All that sending does but to send, so that the first order is not later than others."""
        now_ns = clock.wall_ns()
        body = self._body([self._account.rehearse(now_ns) for _ in range(LEGS_MAX)])
        self._account.headers("POST", "/orders", body, now_ns)

    def hear(self, payload: bytes, ts_recv_ns: int) -> None:
        """A frame of the user channel."""
        self.feed.receive(payload, ts_recv_ns)
        self.report()

    def doubt_all(self) -> None:
        """Anything may have changed unseen: the heartbeat lapsed, or the user channel was cut."""
        self.own.doubt_all("", clock.wall_ns())
        self.report()

    def report(self) -> None:
        """Hand on what has become known."""
        rows = self.own.take()
        if len(rows):
            self._report(rows)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Ask for something of the account. Raises NoReplyError."""
        return await self._clob.request("GET", path, query=query)

    def send(self, placements: Sequence[Placement]) -> Coroutine[Any, Any, None]:
        """Send the legs of a plan, in this call; what it returns is to be awaited, and ends when
        all are answered, or never will be. Nothing is reported before that is begun.

        They go in one request, or if they are too many for one in several at once. All of them go,
        or none: a leg that cannot be signed, a market with an order of unknown outcome, a spent
        rate budget and a decision of long ago refuse all (`RejectReason.NOT_SENT`). What the
        journal raises passes up, and nothing was sent.
        """
        now_ns = clock.wall_ns()
        try:
            signed = [self._account.sign(placement, now_ns) for placement in placements]
        except ValueError as error:
            return self._turn_down(placements, str(error), now_ns)
        if problem := self._problem(placements):
            return self._turn_down(placements, problem, now_ns)
        self._journal(signed)
        own = [_own_order(order.placement, order.order_id, now_ns) for order in signed]
        parts = [slice(at, at + LEGS_MAX) for at in range(0, len(signed), LEGS_MAX)]
        bodies = [self._body(signed[part]) for part in parts]
        if problem := _staleness(placements):  # last: as little as can be comes behind it
            return self._turn_down(placements, problem, clock.wall_ns())
        for order in own:
            self.own.add(order)
        replies = [self._clob.request("POST", "/orders", body) for body in bodies]
        return self._hear_all([own[part] for part in parts], replies)

    async def cancel(self, order_ids: Sequence[str]) -> Cancels:
        """Cancel some orders, at most 1000. Raises VenueError if nobody answers."""
        return await self._cancel("/orders", _ENCODER.encode(order_ids))

    async def cancel_market(self, condition_id: str) -> Cancels:
        """Cancel all orders of a market. Raises VenueError if nobody answers."""
        asked = {"market": clob_condition(condition_id), "asset_id": ""}
        return await self._cancel("/cancel-market-orders", _ENCODER.encode(asked))

    async def cancel_all(self) -> Cancels:
        """Cancel everything. Raises VenueError if nobody answers."""
        return await self._cancel("/cancel-all", b"")

    def _problem(self, placements: Sequence[Placement]) -> str:
        """Why these orders must not go out now; empty if they may, and then they are paid for."""
        for placement in placements:
            if self.own.is_held(placement.market.market):
                return f"{placement.market.slug} has an order of unknown outcome"
        is_paid = self._budget.take(len(placements), clock.monotonic_ns())
        return "" if is_paid else "the rate budget is spent"

    async def _turn_down(self, placements: Sequence[Placement], problem: str, now_ns: int) -> None:
        for placement in placements:
            self.own.turn_down(_own_order(placement, "", now_ns), NOT_SENT + problem, now_ns)
        self.report()

    def _body(self, signed: Sequence[SignedOrder]) -> bytes:
        return _ENCODER.encode([self._account.posting(order) for order in signed])

    async def _hear_all(
        self, requests: Sequence[Sequence[OwnOrder]], replies: Sequence[Coroutine[Any, Any, Reply]]
    ) -> None:
        await asyncio.gather(*map(self._hear_out, requests, replies))

    async def _hear_out(
        self, orders: Sequence[OwnOrder], reply: Coroutine[Any, Any, Reply]
    ) -> None:
        """One request; what is answered to it is told at once, whatever becomes of the others."""
        for own, answer in zip(orders, await self._read(orders, reply), strict=True):
            self._apply(own, answer)
        self.report()

    async def _read(
        self, orders: Sequence[OwnOrder], answered: Coroutine[Any, Any, Reply]
    ) -> list[Answer]:
        try:
            reply = await answered
        except NoReplyError as error:
            outcome = Outcome.UNKNOWN if error.is_sent else Outcome.REFUSED
            text = str(error) if error.is_sent else NOT_SENT + str(error)
            return [Answer(outcome, text)] * len(orders)
        self._learn(reply.headers)
        return read_placed(reply.status, reply.headers, reply.body, [o.order_id for o in orders])

    def _learn(self, headers: Mapping[str, str]) -> None:
        if remaining := headers.get("poly-ratelimit-remaining"):
            self._budget.lower_to(remaining, clock.monotonic_ns())

    def _apply(self, own: OwnOrder, answer: Answer) -> None:
        now_ns = clock.wall_ns()
        if answer.outcome is Outcome.REFUSED:
            self.own.refused(own, answer.text, now_ns)
            return
        matched_e6 = shares_e6(own.side, answer.making, answer.taking)
        if answer.outcome is Outcome.UNKNOWN or matched_e6 == UNREADABLE:
            self.own.doubt(own, now_ns)
        else:
            self.own.accepted(own, answer.status, matched_e6, now_ns)

    async def _cancel(self, path: str, body: bytes) -> Cancels:
        problem = ""
        for attempt in range(CANCEL_TRIES):
            wait_s = _FIRST_WAIT_S * (1 << attempt)
            try:
                reply = await self._clob.request("DELETE", path, body)
            except NoReplyError as error:
                problem = str(error)
            else:
                cancels = read_cancels(reply.body) if reply.status == 200 else None
                if cancels is not None:
                    self.own.ask_soon([*cancels.canceled, *cancels.not_canceled])
                    return cancels
                answer = read_failure(*reply)
                problem, wait_s = answer.text, max(wait_s, retry_after_s(reply.headers))
                if answer.outcome is Outcome.REFUSED and reply.status != 429:
                    break
            if attempt + 1 < CANCEL_TRIES:
                await asyncio.sleep(wait_s)
        url = f"{self._clob.base_url}{path}"
        raise VenueError(url, "server.clob_url", f"orders may still be open: {problem}")


def _staleness(placements: Sequence[Placement]) -> str:
    """Why their decision is too old; empty if it is not."""
    decided_ns = min(placement.decided_ns for placement in placements)
    late_ns = clock.wall_ns() - decided_ns
    return f"decided {late_ns / NS_PER_S:.1f} s ago" if late_ns > STALE_NS else ""


def _own_order(placement: Placement, order_id: str, now_ns: int) -> OwnOrder:
    market = placement.market
    return OwnOrder(
        order_id=order_id,
        order=placement.order,
        market=market.market,
        condition_id=clob_condition(market.condition_id),
        side=placement.side,
        size_e6=placement.size_e6,
        is_immediate=placement.time_in_force is not TimeInForce.GTC,
        sent_ns=now_ns,
    )
