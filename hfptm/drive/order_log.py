"""Orders as they were signed, in the run's folder before they leave: `orders.jsonl`, a line each.

The line tells the exchange's id of the order, so whoever finds it after a crash can ask for it.
Nothing of it is secret.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hfptm.drive.whole_file import WholeFile
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


class OrderLog:
    """Writer, in the folder of a run that is being written; a context manager."""

    def __init__(self, folder: Path, name: str = ORDERS) -> None:
        self._file = WholeFile(folder / name)

    def write(self, signed: Sequence[SignedOrder]) -> None:
        """Out of this process when it returns: killing it loses none of them. Raises
        LakeError if the disk takes no more, and then it has taken none of these."""
        lines = [
            OrderLine(
                order_id=order.order_id,
                order=order.placement.order,
                market=order.placement.market.market,
                fields=order.fields,
            )
            for order in signed
        ]
        self._file.append(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))

    def sync(self) -> None:
        """On the disk when it returns, which takes milliseconds; from any thread."""
        self._file.sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def read_orders(folder: Path, name: str = ORDERS) -> list[OrderLine]:
    """All that were written whole."""
    *lines, _torn = (folder / name).read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=OrderLine) for line in lines]
