"""In the place of `drive.live` and its gateway: orders are built, signed and journalled, and none
is sent. What becomes of them the simulated venue says, as on paper.
"""

import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Self

from hfptm import clock
from hfptm.drive.desk import Desk
from hfptm.drive.gateway import Journal
from hfptm.venue.account import Account, Placement

_log = logging.getLogger(__name__)


class Shadow:
    """Use as an async context manager, and give the desk's orders in between."""

    def __init__(self, account: Account, desk: Desk, journal: Journal) -> None:
        self._account, self._desk, self._journal = account, desk, journal
        self._has_ended = False
        desk.open(self)

    def send(self, placements: Sequence[Placement]) -> Coroutine[Any, Any, None]:
        """Sign the legs of a plan and journal them, in this call; what it returns tells nothing.
        What cannot be signed is logged."""
        if not self._has_ended:  # what is under way on paper comes to its end without us
            self._sign(placements)
        return _nothing()

    def _sign(self, placements: Sequence[Placement]) -> None:
        now_ns = clock.wall_ns()
        try:
            signed = [self._account.sign(placement, now_ns) for placement in placements]
        except ValueError as error:
            _log.warning("shadow: would not have been sent: %s", error)
            return
        self._journal(signed)

    async def cancel(self, order_ids: Sequence[str]) -> None:
        """Nothing is there that could be cancelled."""

    def halt(self) -> None:
        """Nor now."""

    def check(self) -> None:
        """Raises what kept an order from being journalled."""
        self._desk.check()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._desk.idle()
        self._has_ended = True


async def _nothing() -> None:
    """Nobody answers."""
