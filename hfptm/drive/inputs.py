"""What a kernel was given in a run that nobody can replay: every row, and every market when it was
listed. From these the run can be computed once more (`replay.parity`).

    inputs.parquet  rows of `records.EVENT` in their order, with lake ids
    listings.jsonl  one `Listing` a line
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.errors import LakeError
from hfptm.parquet import TableFile, arrow_schema, read_rows, to_arrow
from hfptm.records import EVENT
from hfptm.registry import Group, Market

Rows = npt.NDArray[np.void]

GROUP_ROWS = 65_536


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Markets and groups that were listed when so many rows had been fed."""

    rows: int
    markets: list[Market]
    groups: list[Group]


class InputLog:
    """Writer, in the folder of a run that is being written; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        self._file = TableFile(folder / "inputs.parquet", arrow_schema(EVENT), GROUP_ROWS)
        self._listings = (folder / "listings.jsonl").open("xb")
        self._held: list[bytes] = []
        self._held_rows = 0
        self._write(Listing(rows=0, markets=[], groups=[]))

    def append(self, rows: Rows) -> None:
        """Before they are fed, which overwrites them."""
        self._held.append(rows.tobytes())
        self._held_rows += len(rows)
        self.rows += len(rows)
        if self._held_rows >= GROUP_ROWS:
            self._write_rows()

    def list_more(self, markets: list[Market], groups: list[Group]) -> None:
        self._write(Listing(rows=self.rows, markets=markets, groups=groups))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listings.close()
        self._write_rows()
        self._file.publish()

    def _write(self, listing: Listing) -> None:
        self._listings.write(msgspec.json.encode(listing) + b"\n")
        self._listings.flush()

    def _write_rows(self) -> None:
        if self._held_rows:
            rows = np.frombuffer(b"".join(self._held), EVENT)
            self._file.append(to_arrow(rows, arrow_schema(EVENT)))
            self._held.clear()
            self._held_rows = 0


def read_inputs(folder: Path) -> Iterator[tuple[Listing, Rows]]:
    """Each listing with the rows that came before the next. Raises LakeError if there are none."""
    path = folder / "listings.jsonl"
    if not path.exists():
        raise LakeError(f"{folder.name} kept no inputs; only a run of `hfptm paper` does")
    rows = read_rows(folder / "inputs.parquet", EVENT)
    listings = [msgspec.json.decode(line, type=Listing) for line in path.read_bytes().splitlines()]
    stops = [listing.rows for listing in listings[1:]]
    for listing, stop in zip(listings, [*stops, len(rows)], strict=True):
        yield listing, rows[listing.rows : stop]
