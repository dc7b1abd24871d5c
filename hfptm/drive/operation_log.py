"""Transactions as they were signed, in the run's folder before they leave: `operations.jsonl`, a
line each. Nothing of it is secret.
"""

from enum import StrEnum
from pathlib import Path

import msgspec

from hfptm.drive.whole_file import LinesFile, read_lines
from hfptm.parquet import publish_bytes
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


class OperationLog(LinesFile[OperationLine]):
    """Writer, in the folder of a run that is being written; a context manager."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / OPERATIONS)


def read_operations(folder: Path) -> list[OperationLine]:
    """All that were written whole; none if the run kept none."""
    path = folder / OPERATIONS
    return read_lines(path, OperationLine) if path.exists() else []


def write_unredeemed(folder: Path, markets: list[Market]) -> None:
    """Resolved markets whose shares are paid in the books and not yet at the exchange."""
    if markets:
        publish_bytes(folder / UNREDEEMED, msgspec.json.encode(markets))


def read_unredeemed(folder: Path) -> list[Market]:
    path = folder / UNREDEEMED
    if not path.exists():
        return []
    return msgspec.json.decode(path.read_bytes(), type=list[Market])
