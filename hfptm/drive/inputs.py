"""What a kernel was given in a run that nobody can replay: what it began with, every row, and every
market when it was listed. From these the run can be computed once more (`replay.rerun`).

    start.json      `Start`, written first
    inputs.wal      rows of `records.EVENT` in their order, with lake ids; see `hfptm.wal`
    listings.jsonl  one `Listing` a line

A run that is killed leaves both, up to the last whole block and line.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hfptm.drive.whole_file import LinesFile, WholeFile, read_lines
from hfptm.errors import LakeError
from hfptm.parquet import arrow_schema, fill_rows, publish_bytes, to_arrow
from hfptm.portfolio import Portfolio
from hfptm.records import EVENT
from hfptm.registry import Group, Market
from hfptm.risk_state import RiskState
from hfptm.units import NS_PER_S
from hfptm.wal import HEADER, encode_at_once, encode_block, goes_on, read_batches

Rows = npt.NDArray[np.void]

BLOCK_ROWS_MAX = 65_536
BLOCK_NS = NS_PER_S
"""How long rows wait to be written; what a killed run lacks at its end."""

START = "start.json"
PAPER, LIVE, TWIN, SHADOW = "paper", "live", "twin", "shadow"

_SCHEMA = arrow_schema(EVENT)


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a run began with."""

    mode: str
    """PAPER, LIVE, TWIN: what a live run would have been on paper, or SHADOW: the same as it goes,
    with its orders signed."""
    after: str = ""
    """The run that it goes on from; empty: none."""
    twin_of: str = ""
    """Of a TWIN, which keeps no inputs of its own: the live run that kept them."""
    unredeemed: list[Market] = []
    """Resolved markets whose shares the books were paid for, and the account perhaps not yet."""
    risk: RiskState = RiskState()
    portfolio: Portfolio = Portfolio()


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Markets and groups that were listed when so many rows had been fed."""

    rows: int
    markets: list[Market]
    groups: list[Group]


class InputLog:
    """Writer, in the folder of a run that is being written; a context manager.

    Without `start` it goes on after the last whole block of a run that was killed.
    """

    def __init__(self, folder: Path, start: Start | None) -> None:
        self._held: list[bytes] = []
        self._held_rows = self._written_ns = self.rows = 0
        wal, listings = folder / "inputs.wal", folder / "listings.jsonl"
        if start is None:
            steps = list(read_inputs(folder))
            self.rows = sum(len(rows) for _, rows in steps)
            self._file = WholeFile(wal, _end_of_blocks(wal))
            self._listings = LinesFile[Listing](listings)
            self._listings.append_lines(*(listing for listing, _ in steps))
            return
        publish_bytes(folder / START, msgspec.json.encode(start))
        self._file = WholeFile(wal)
        self._file.append(HEADER)
        self._listings = LinesFile[Listing](listings)
        self._listings.append_lines(Listing(rows=0, markets=[], groups=[]))

    def append(self, rows: Rows) -> None:
        """Before they are fed, which overwrites them."""
        self._held.append(rows.tobytes())
        self._held_rows += len(rows)
        self.rows += len(rows)
        if self._held_rows >= BLOCK_ROWS_MAX:
            self._write_rows(encode_block)

    def tick(self, now_ns: int) -> None:
        """Write what has waited for `BLOCK_NS`; call it where no frame waits."""
        if now_ns - self._written_ns >= BLOCK_NS:
            self._written_ns = now_ns
            self._write_rows(encode_block)

    def flush(self) -> None:
        """Everything so far is out of this process: killing it loses none of it."""
        self._write_rows(encode_at_once)

    def sync(self) -> None:
        """What is out of this process is on the disk when it returns, which takes milliseconds;
        from any thread."""
        self._listings.sync()
        self._file.sync()

    def list_more(self, markets: list[Market], groups: list[Group]) -> None:
        self._listings.append_lines(Listing(rows=self.rows, markets=markets, groups=groups))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._listings, self._file:
            self._write_rows(encode_block)

    def _write_rows(self, encode: Callable[[pa.RecordBatch], bytes]) -> None:
        if self._held_rows:
            rows = np.frombuffer(b"".join(self._held), EVENT)
            (batch,) = to_arrow(rows, _SCHEMA).to_batches()
            self._file.append(encode(batch))
            self._held.clear()
            self._held_rows = 0


def read_start(folder: Path) -> Start:
    """Raises LakeError if there is none, or it is unreadable."""
    try:
        return msgspec.json.decode((folder / START).read_bytes(), type=Start)
    except FileNotFoundError as error:
        raise LakeError(
            f"{folder.name} kept no inputs; only a run of `hfptm paper` or `hfptm live` does, "
            "of this version"
        ) from error
    except msgspec.DecodeError as error:
        raise LakeError(f"{folder / START} is unreadable ({error}); restore it") from error


def read_inputs(folder: Path) -> Iterator[tuple[Listing, Rows]]:
    """Each listing with the rows that came before the next, as far as they were written.

    Raises LakeError if what is written is damaged before its end.
    """
    rows = _read_rows(folder / "inputs.wal")
    listings = read_lines(folder / "listings.jsonl", Listing)
    listings = [listing for listing in listings if listing.rows <= len(rows)]
    stops = [listing.rows for listing in listings[1:]]
    for listing, stop in zip(listings, [*stops, len(rows)], strict=True):
        yield listing, rows[listing.rows : stop]


def _end_of_blocks(path: Path) -> int:
    """Where a torn block begins, or the log ends."""
    with path.open("rb") as file:
        for _ in read_batches(file):
            continue
        return file.tell()


def _read_rows(path: Path) -> Rows:
    with path.open("rb") as file:
        table = pa.Table.from_batches(read_batches(file), _SCHEMA)
        if goes_on(file):
            raise LakeError(f"{path} is damaged in its middle; what follows cannot be told apart")
    return fill_rows(table, EVENT)
