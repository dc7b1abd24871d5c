"""Asks the exchange what became of orders, by their ids, until each one's end is known.

What is unknown is asked for at once and often, what has merely been quiet now and then: frames of
the user channel get lost, so no order is left to it alone. Source: exchange reference, sections 2,
3.3 and 3.5.
"""

import asyncio
from typing import NoReturn

from hfptm import clock
from hfptm.drive.clob import NoReplyError
from hfptm.drive.connection import Reply
from hfptm.drive.gateway import Gateway
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.messages import Malformed
from hfptm.venue.own_order import OwnOrder
from hfptm.venue.user_messages import NO_MORE, UserMessage, UserOrder, decode, decode_page

UNKNOWN_NS = 250 * NS_PER_MS
"""Between two questions about an order of unknown outcome."""
QUIET_NS = 3 * NS_PER_S
"""After so long without news an order that is not settled is asked for; above any deadline."""
LATE_NS = 5 * NS_PER_S
"""An order without an answer may still arrive for so long; the exchange says of none that it does
not know it before that means that it never came."""

POLL_S = 0.05
PAGES_MAX = 20
_AT_ONCE = 8
_SLACK_S = 60
"""Clocks of both sides may differ by this, as signatures may."""


class Reconciler:
    """Of one gateway; `run` it beside whatever sends orders."""

    def __init__(
        self, gateway: Gateway, *, quiet_ns: int = QUIET_NS, late_ns: int = LATE_NS
    ) -> None:
        self._gateway, self._quiet_ns, self._late_ns = gateway, quiet_ns, late_ns
        self._own, self._feed = gateway.own, gateway.feed

    async def run(self) -> NoReturn:
        """Forever: what is due is asked for."""
        while True:
            await self.review()
            await asyncio.sleep(POLL_S)

    async def review(self) -> None:
        """Ask for all that is due, once; unknown orders first."""
        due = self._own.due(clock.wall_ns(), UNKNOWN_NS, self._quiet_ns)
        for start in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*map(self._ask, due[start : start + _AT_ONCE]))

    async def _ask(self, own: OwnOrder) -> None:
        """Trades first: once the order is over, nothing of it is owed."""
        own.news_ns = clock.wall_ns()
        own.asked_ns = own.asked_ns or clock.monotonic_ns()
        reply = await self._get(f"/data/order/{own.order_id}")
        if reply is None:
            return
        is_late = clock.monotonic_ns() - own.asked_ns > self._late_ns
        if reply.status == 404 and own.is_unknown and is_late:
            self._own.refused(own, "the exchange does not know it", clock.wall_ns())
        elif reply.status == 200:
            shown = [m for m in decode(reply.body) if isinstance(m, UserOrder)]
            if shown and await self._read_trades(own):
                self._take(shown)
        self._gateway.report()

    async def _read_trades(self, own: OwnOrder) -> bool:
        """Whether every trade of its market since it was sent could be read."""
        after_s = own.sent_ns // NS_PER_S - _SLACK_S
        query = {"market": own.condition_id, "after": str(after_s)}
        for _ in range(PAGES_MAX):
            reply = await self._get("/data/trades", query)
            if reply is None or reply.status != 200:
                return False
            messages, cursor = decode_page(reply.body)
            if any(isinstance(message, Malformed) for message in messages):
                return False
            self._take(messages)
            if cursor == NO_MORE:
                return True
            query = query | {"next_cursor": cursor}
        return False

    def _take(self, messages: list[UserMessage] | list[UserOrder]) -> None:
        for message in messages:
            self._feed.take(message, clock.wall_ns())

    async def _get(self, path: str, query: dict[str, str] | None = None) -> Reply | None:
        """None if there is no answer; the order stays due."""
        try:
            return await self._gateway.get(path, query)
        except NoReplyError:
            return None
