"""A sweep on disk, under `<data>/sweeps/<sweep_id>`: what was tried, and what came of it by day.

    sweep.json  config.toml  grid.toml  summary.json
    sets.parquet  days.parquet  events.parquet  opportunities.parquet

It is written under `<sweep_id>.partial` and renamed when it is whole. A capture analysis has no
`grid.toml`, and it alone has `opportunities.parquet`. Each column says in its metadata what it
holds (`about`). All dollars are micro-dollars; a day is a UTC day that begins flat.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import pyarrow as pa

from hfptm.errors import LakeError
from hfptm.parquet import TableFile, make_folder, open_table, publish_bytes, sync_folder
from hfptm.presence import Reading, unread
from hfptm.records import SCHEMA_VERSION

SweepKind = Literal["grid", "list", "random", "tune", "capture"]
TableName = Literal["sets", "days", "events", "opportunities"]

HEAD, SUMMARY = "sweep.json", "summary.json"
_PARTIAL = ".partial"
_ABOUT = b"hfptm.about"
_METADATA = {"hfptm.schema_version": str(SCHEMA_VERSION)}

SETTING_TYPES: dict[type, pa.DataType] = {
    int: pa.int64(),
    str: pa.string(),
    Decimal: pa.decimal128(18, 6),
}
"""Of a swept key's column in `sets.parquet`; a setting has at most 6 decimals."""


def _column(name: str, kind: pa.DataType, about: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable, {_ABOUT: about})


_SET = _column("set", pa.int32(), "number of the parameter set, from 0")
_DATE = _column("date", pa.date32(), "UTC day by receive time; it begins flat")
_KIND = _column("kind", pa.uint8(), "opportunities.OpportunityKind")
_EVENT = _column("event", pa.int64(), "group id in the lake, or the market's id if it has none")
_RESULT = "realised + locked profit + residue at the bid - residue at cost"
_COUNTED = {
    "displayed": "profitable after fees by the minimum edge",
    "arrived": "still so when their orders would have reached the exchange",
    "printed": "a trade corroborates a leg",
    "unseen": "the book at arrival was not recorded",
    "displayed_e6": "profit after fees at the displayed depth, when first displayed",
    "arrived_e6": "profit after fees of what was there at arrival, a lower bound",
}


def _counts(*names: str) -> list[pa.Field]:
    return [_column(name, pa.int64(), _COUNTED[name]) for name in names or _COUNTED]


DAYS = pa.schema(
    [
        _SET,
        _DATE,
        _column("rows", pa.int64(), "events replayed"),
        _column("seen", pa.int64(), "opportunities before fees, on a book to be trusted"),
        *_counts("displayed", "arrived", "printed", "unseen"),
        _column("artefacts", pa.int64(), "edges that never stood on a book to be trusted"),
        *_counts("displayed_e6", "arrived_e6"),
        _column("plans", pa.int64(), "baskets that were sent"),
        _column("completed", pa.int64(), "of them filled whole"),
        _column("partial", pa.int64(), "of them filled in part"),
        _column("missed", pa.int64(), "of them not filled at all"),
        _column("fills", pa.int64(), "fills of orders"),
        _column("rejects", pa.int64(), "orders that the exchange refused"),
        _column("fees_e6", pa.int64(), "taker fees paid"),
        _column("realised_e6", pa.int64(), "profit that was paid out"),
        _column("locked_e6", pa.int64(), "cost of complete sets held until they resolve"),
        _column("locked_profit_e6", pa.int64(), "what these pay beyond their cost"),
        _column("residue_cost_e6", pa.int64(), "cost of shares held without partners at the end"),
        _column("residue_bid_e6", pa.int64(), "what these bring at the last best bids"),
        _column("result_e6", pa.int64(), _RESULT),
    ],
    _METADATA,
)
"""A row each set and UTC day that has rows."""

EVENTS = pa.schema(
    [
        _SET,
        _DATE,
        _EVENT,
        _KIND,
        *_counts(),
        _column(
            "realised_e6",
            pa.int64(),
            "profit that was paid out in the event's markets, of all kinds together, in the row "
            "of the event's first kind; 0 in the others",
        ),
        _column("result_e6", pa.int64(), f"likewise, {_RESULT}; sums to that of the day"),
    ],
    _METADATA,
)
"""A row each set, day, event and kind in which something was displayed or booked."""

OPPORTUNITIES = pa.schema(
    [
        _SET,
        _column("decision", pa.int64(), "id of the decision, as a run of that set alone has it"),
        _column("begin_ns", pa.int64(), "receive time of its first sight"),
        _column("displayed_ns", pa.int64(), "receive time at which it was first displayed"),
        _column("end_ns", pa.int64(), "of its last; 0: still open at the end of the day"),
        _KIND,
        _column("market", pa.int64(), "market, or group of a basket, by its id in the lake"),
        _EVENT,
        _column("category", pa.string(), "of the event, as the exchange names it; empty: unknown"),
        _column("displayed_size_e6", pa.int64(), "sets at a profit, when first displayed"),
        _column("displayed_e6", pa.int64(), _COUNTED["displayed_e6"]),
        _column("displayed_outlay_e6", pa.int64(), "what these sets cost, fees included"),
        _column("arrived", pa.uint8(), "1: " + _COUNTED["arrived"]),
        _column("printed", pa.uint8(), "1: " + _COUNTED["printed"]),
        _column("unseen", pa.uint8(), "1: " + _COUNTED["unseen"]),
        _column("arrived_e6", pa.int64(), _COUNTED["arrived_e6"]),
        _column("reason", pa.uint8(), "opportunities.Reason: taken, or why not"),
        _column("plan", pa.int64(), "id of the plan that took it; 0: none"),
        _column("taken_by", pa.string(), "trade, cancel, move, unseen or open: how it ended"),
    ],
    _METADATA,
)
"""A row each set and displayed opportunity; of a capture analysis only."""

_SCHEMAS = {"days": DAYS, "events": EVENTS, "opportunities": OPPORTUNITIES}


def sets_schema(types: Mapping[str, type]) -> pa.Schema:
    """Of `sets.parquet`: `set`, and a column each swept key, named by it, of its Python type."""
    keys = [_column(key, SETTING_TYPES[kind], f"setting {key}") for key, kind in types.items()]
    return pa.schema([_SET, *keys], _METADATA)


def about(field: pa.Field) -> str:
    """What a column of these tables holds."""
    return str((field.metadata or {})[_ABOUT].decode())


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`sweep.json`: what was computed, from what."""

    kind: SweepKind
    keys: tuple[str, ...]
    """Swept, as "section.key"."""
    sets: int
    days: tuple[str, ...]
    """UTC days with rows, as "2026-04-29"."""
    from_: str = msgspec.field(name="from")
    """First receive time, UTC."""
    to: str
    """Last receive time, UTC."""
    engine: str
    """local or ray."""
    code: str
    """Version of what computed it: package, and a hash of the sources."""
    lake: str
    """Hash of the recording that it was computed from."""
    seconds: float


class SweepWriter:
    """Writer of one sweep; nothing is seen under its name before `close`.

    Raises LakeError if there is one of that name. Left without `close`, as a context manager, it
    removes what it wrote: the jobs of a sweep are kept apart, and are all that it takes. What a
    writer left that was killed goes when the next one begins.
    """

    def __init__(self, data: Path, sweep_id: str) -> None:
        self.path = data / "sweeps" / sweep_id
        self._partial = self.path.with_name(f"{sweep_id}{_PARTIAL}")
        _remove_abandoned(self.path.parent)
        for taken in (self.path, self._partial):
            if taken.exists():
                raise LakeError(f"{taken} exists; remove it or take another name")
        make_folder(self._partial)
        self._held_folder = Reading(self._partial)

    def text(self, name: str, content: str) -> None:
        """A file as the user wrote it."""
        publish_bytes(self._partial / name, content.encode())

    def table(self, name: TableName, table: pa.Table) -> None:
        """The whole of one table; raises ValueError unless its schema is the one above."""
        if name != "sets" and not table.schema.equals(_SCHEMAS[name]):
            raise ValueError(f"{name}: {table.schema} is not its schema")
        file = TableFile(self._partial / f"{name}.parquet", table.schema)
        file.append(table)
        file.publish()

    def close(self, head: Head, summary: Mapping[str, Any]) -> Path:
        """Write both, make the sweep visible, and return its folder."""
        publish_bytes(self._partial / SUMMARY, _json(summary))
        publish_bytes(self._partial / HEAD, _json(head))
        sync_folder(self._partial)
        self._partial.rename(self.path)
        sync_folder(self.path.parent)
        self._held_folder.close()
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held_folder.close()
        if self._partial.exists():
            _remove(self._partial)


class Sweep:
    """Reader of a whole sweep. Raises LakeError if there is none of that name."""

    def __init__(self, data: Path, sweep_id: str) -> None:
        self.path = data / "sweeps" / sweep_id
        if not (self.path / HEAD).is_file():
            known = ", ".join(sweep_ids(data)[-5:]) or "none"
            raise LakeError(f"no sweep {sweep_id} in {self.path.parent}; the latest are: {known}")
        self.head: Head = _decode(self.path / HEAD, Head)
        self.summary: dict[str, Any] = _decode(self.path / SUMMARY, dict[str, Any])
        self.config_toml = (self.path / "config.toml").read_text()

    def table(self, name: TableName) -> pa.Table:
        """Raises LakeError if it has none such, or it cannot be read."""
        return open_table(self.path / f"{name}.parquet").read()


def sweep_ids(data: Path) -> list[str]:
    """Whole sweeps, by name."""
    folders = (data / "sweeps").glob(f"*/{HEAD}")
    return sorted(file.parent.name for file in folders if file.parent.suffix != _PARTIAL)


def _remove_abandoned(sweeps: Path) -> None:
    for folder in sweeps.glob(f"*{_PARTIAL}"):
        with unread(folder) as is_abandoned:
            if is_abandoned:
                _remove(folder)


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _decode(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise LakeError(f"{path}: unreadable ({error}); sweep once more") from error
