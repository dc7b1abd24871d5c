"""All that stands between a kernel and the exchange, from the first beat to the last cancel."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Self

from hfptm import clock
from hfptm.drive.clob import Clob
from hfptm.drive.desk import Desk
from hfptm.drive.gateway import Gateway, Journal, Report
from hfptm.drive.heartbeat import Heartbeat
from hfptm.drive.reconciler import Reconciler
from hfptm.drive.user_channel import UserChannel
from hfptm.errors import VenueError
from hfptm.units import NS_PER_S
from hfptm.venue.account import Account
from hfptm.venue.own_order import OwnOrder

UP_S = 10.0
"""How long the user channel and the first heartbeat may take."""

SETTLE_NS = 60 * NS_PER_S
"""How long the last trades may take to become final."""

CANCEL_AGAIN_NS = 2 * NS_PER_S

NEXT_RUN = "begin another run, which cancels and asks for them first"

_LOOK_S = 0.05
_log = logging.getLogger(__name__)


class Live:
    """Use as an async context manager, and give the desk's orders in between.

    However it is left, every order of the account is cancelled. Raises VenueError if the user
    channel or the heartbeat does not come up, and at the end if orders may still be open.
    """

    def __init__(
        self,
        clob: Clob,
        account: Account,
        user_ws_url: str,
        desk: Desk,
        journal: Journal,
        report: Report,
    ) -> None:
        self.gateway = Gateway(clob, account, journal, report)
        self._clob, self._account, self._desk = clob, account, desk
        self._address = user_ws_url
        self._tasks: list[asyncio.Task[None]] = []
        desk.open(self.gateway)

    async def __aenter__(self) -> Self:
        self.gateway.rehearse()
        heartbeat = Heartbeat(self._clob, self.gateway.doubt_all)
        channel = UserChannel(self._address, self._account, self.gateway)
        if not await heartbeat.beat():
            raise VenueError(self._clob.base_url, "server.clob_url", "takes no heartbeat")
        work = (Reconciler(self.gateway).run(), heartbeat.run(), channel.run())
        self._tasks = [asyncio.create_task(each) for each in work]
        try:
            async with asyncio.timeout(UP_S):
                await channel.is_up.wait()
        except TimeoutError:
            await self._end_tasks()
            raise VenueError(self._address, "server.user_ws_url", "takes no subscription") from None
        return self

    def take_over(self, orders: Sequence[OwnOrder]) -> None:
        """Orders of a run that was killed: each is unknown until the exchange was asked."""
        for own in orders:
            self.gateway.own.add(own)
        self.gateway.doubt_all()

    def halt(self) -> None:
        """Have every order of the account cancelled, whoever placed it."""
        self._desk.begin(self._cancel_all())

    async def _cancel_all(self) -> None:
        try:
            await self.gateway.cancel_all()
        except VenueError as error:  # the heartbeat ends them if nothing else does
            _log.error("halt: %s", error)

    def check(self) -> None:
        """Raises what kept anything from being done."""
        self._desk.check()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._desk.idle()
            await self._cancel_last()
            await self._settle()
        finally:
            await self._end_tasks()

    async def _cancel_last(self) -> None:
        try:
            await self.gateway.cancel_all()
        except VenueError as error:
            problem = f"{error.problem}; without a heartbeat they end soon; {NEXT_RUN}"
            raise VenueError(error.url, error.setting, problem) from error

    async def _settle(self) -> None:
        """Until no news of any order is owed. One may arrive after all were cancelled."""
        end_ns = clock.monotonic_ns() + SETTLE_NS
        again_ns = clock.monotonic_ns() + CANCEL_AGAIN_NS
        while unsettled := list(self.gateway.own.unsettled()):
            now_ns = clock.monotonic_ns()
            if now_ns > end_ns:
                named = ", ".join(own.order_id for own in unsettled[:3])
                problem = f"{len(unsettled)} orders are not settled yet ({named}); {NEXT_RUN}"
                raise VenueError(self._clob.base_url, "server.clob_url", problem)
            if now_ns > again_ns and any(own.is_acked and not own.is_over for own in unsettled):
                await self._cancel_last()
                again_ns = now_ns + CANCEL_AGAIN_NS
            await asyncio.sleep(_LOOK_S)

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
