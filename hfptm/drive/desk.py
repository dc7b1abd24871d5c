"""From the kernel's intents to the gateway: the legs of a plan in one request, cancels by id.

It decides nothing. What becomes of an order comes back as rows, from the gateway.
"""

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hfptm.drive.tasks import Tasks
from hfptm.errors import HfptmError, VenueError
from hfptm.records import INTENT, IntentKind, OrderType, Side, Token
from hfptm.registry import Market
from hfptm.venue.account import Placement, SignedOrder, TimeInForce

Rows = npt.NDArray[np.void]

IDS_MAX = 10_000
"""Orders that can still be cancelled: far more than can be open."""

_TIMES = {
    OrderType.FAK: TimeInForce.FAK,
    OrderType.FOK: TimeInForce.FOK,
    OrderType.GTC: TimeInForce.GTC,
    OrderType.POST_ONLY: TimeInForce.GTC,
}
_NAMES = INTENT.names or ()
"""Rows become Python's own numbers at once: field by field takes several times as long."""

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """A `Gateway`, or what stands in its place."""

    def send(self, placements: Sequence[Placement]) -> Coroutine[Any, Any, None]: ...

    async def cancel(self, order_ids: Sequence[str]) -> object: ...


class Desk:
    """`market_of` gives a market by its lake id. `open` it before the first intent."""

    def __init__(self, market_of: Callable[[int], Market]) -> None:
        self._market_of = market_of
        self._gateway: Sender | None = None
        self._ids: dict[int, str] = {}
        self._tasks = Tasks()

    def open(self, gateway: Sender) -> None:
        self._gateway = gateway

    def remember(self, signed: Sequence[SignedOrder]) -> None:
        """Under which ids orders go out."""
        self._ids |= {order.placement.order: order.order_id for order in signed}
        while len(self._ids) > IDS_MAX:
            del self._ids[next(iter(self._ids))]

    def take(self, intents: Rows) -> None:
        """Send them, each plan's orders together. What is heard of them comes when the loop has
        nothing else to do: not before the rows that caused them are through."""
        plans: dict[int, list[Placement]] = {}
        for row in intents.tolist():
            intent = dict(zip(_NAMES, row, strict=True))
            if intent["kind"] == IntentKind.PLACE:
                plans.setdefault(intent["plan"], []).append(self._placement(intent))
            elif intent["kind"] == IntentKind.CANCEL and intent["order"] in self._ids:
                self.begin(self._cancel(self._ids[intent["order"]]))
        for placements in plans.values():
            self._send(placements)

    def check(self) -> None:
        """Raises what kept an order from being sent, such as a journal that took no more."""
        self._tasks.check()

    async def idle(self) -> None:
        """Until all that was to be sent is answered, or never will be."""
        await self._tasks.idle()

    def _placement(self, intent: dict[str, int]) -> Placement:
        order_type = OrderType(intent["order_type"])
        return Placement(
            order=intent["order"],
            decided_ns=intent["ts_ns"],
            market=self._market_of(intent["market"]),
            token=Token(intent["token"]),
            side=Side(intent["side"]),
            price_e4=intent["price_e4"],
            size_e6=intent["size_e6"],
            time_in_force=_TIMES[order_type],
            is_post_only=order_type is OrderType.POST_ONLY,
        )

    def _send(self, placements: list[Placement]) -> None:
        try:
            self.begin(self._open_gateway().send(placements))
        except (OSError, HfptmError) as failure:
            self._tasks.fail(failure)

    async def _cancel(self, order_id: str) -> None:
        try:
            await self._open_gateway().cancel([order_id])
        except VenueError as error:  # the kernel asks again
            _log.warning("cancel: %s", error)

    def _open_gateway(self) -> Sender:
        if self._gateway is None:
            raise ValueError("the desk was not opened")
        return self._gateway

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside everything else; what goes wrong is raised by `check`."""
        self._tasks.begin(work)
