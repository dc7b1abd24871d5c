"""What is written of orders, and when: out of this process before they leave, on the disk right
after. To wait for the disk first would cost more than all else together (docs/live.md).
"""

import asyncio
from collections.abc import Sequence

from hfptm.drive.desk import Desk
from hfptm.drive.inputs import InputLog
from hfptm.drive.order_log import OrderLog
from hfptm.venue.account import SignedOrder


class OrderNotes:
    """A `gateway.Journal`. The desk waits for the disk at its end, and tells if it failed."""

    def __init__(self, inputs: InputLog, orders: OrderLog, desk: Desk) -> None:
        self._inputs, self._orders, self._desk = inputs, orders, desk

    def __call__(self, signed: Sequence[SignedOrder]) -> None:
        """Raises LakeError if a file takes no more; then nothing may be sent."""
        self._inputs.flush()
        self._orders.write(signed)
        self._desk.remember(signed)
        self._desk.begin(self._sync())  # in the loop's next turn, when they have left

    async def _sync(self) -> None:
        """What decided them first: without it nobody can tell what an order was."""
        await asyncio.to_thread(self._inputs.sync)
        await asyncio.to_thread(self._orders.sync)
