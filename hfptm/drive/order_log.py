"""Orders as they were signed, in the run's folder before they leave: `orders.jsonl`, a line each.

The line tells the exchange's id of the order, so whoever finds it after a crash can ask for it.
Nothing of it is secret.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hfptm.drive.whole_file import LinesFile, read_lines
from hfptm.venue.account import SignedFields, SignedOrder

ORDERS = "orders.jsonl"
SHADOW_ORDERS = "shadow-orders.jsonl"
"""The same of a shadow run, whose orders never left: nobody asks for them."""


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    """The exchange's: the EIP-712 digest."""
    order: int
    """The kernel's."""
    market: int
    fields: SignedFields


class OrderLog(LinesFile[OrderLine]):
    """Writer, in the folder of a run that is being written; a context manager."""

    def __init__(self, folder: Path, name: str = ORDERS) -> None:
        super().__init__(folder / name)

    def write(self, signed: Iterable[SignedOrder]) -> None:
        """Out of this process when it returns: killing it loses none of them. Raises
        LakeError if the disk takes no more, and then it has taken none of these."""
        self.append_lines(*map(_line, signed))


def _line(signed: SignedOrder) -> OrderLine:
    return OrderLine(
        order_id=signed.order_id,
        order=signed.placement.order,
        market=signed.placement.market.market,
        fields=signed.fields,
    )


def read_orders(folder: Path, name: str = ORDERS) -> list[OrderLine]:
    """All that were written whole."""
    return read_lines(folder / name, OrderLine)
