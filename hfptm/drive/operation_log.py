"""Transactions as they were signed, in the run's folder before they leave: `operations.jsonl`, a
line each. Nothing of it is secret.
"""

from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hfptm.drive.whole_file import WholeFile
from hfptm.registry import Market
from hfptm.venue.transaction import Sent

OPERATIONS = "operations.jsonl"
UNREDEEMED = "unredeemed.json"


class OperationKind(StrEnum):
    MERGE = "MERGE"
    REDEEM = "REDEEM"


class OperationLine(msgspec.Struct, frozen=True, kw_only=True):
    kind: OperationKind
    market: Market
    sent: Sent
    order: int = 0
    """The kernel's, of a merge."""
    size_e6: int = 0
    """Pairs that are merged."""


class OperationLog:
    """Writer, in the folder of a run that is being written; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._file = WholeFile(folder / OPERATIONS)

    def write(self, line: OperationLine) -> None:
        """Out of this process when it returns. Raises LakeError if the disk takes no more."""
        self._file.append(msgspec.json.encode(line) + b"\n")

    def sync(self) -> None:
        """On the disk when it returns, which takes milliseconds; from any thread."""
        self._file.sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read_operations(folder: Path) -> list[OperationLine]:
    """All that were written whole; none if the run kept none."""
    path = folder / OPERATIONS
    if not path.exists():
        return []
    *lines, _torn = path.read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=OperationLine) for line in lines]


def write_unredeemed(folder: Path, markets: list[Market]) -> None:
    """Resolved markets whose shares are paid in the books and not yet at the exchange."""
    if markets:
        (folder / UNREDEEMED).write_bytes(msgspec.json.encode(markets))


def read_unredeemed(folder: Path) -> list[Market]:
    path = folder / UNREDEEMED
    if not path.exists():
        return []
    return msgspec.json.decode(path.read_bytes(), type=list[Market])
