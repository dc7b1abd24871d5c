"""The markets that a stretch of a recording can hold, without all that were ever known.

What discovery stored long after it, or of markets that had long been dead by then, is not read into
memory: a lake of months knows a million markets, an hour some thousands.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from hfptm.certificate import DISCOVERED_PREFIX
from hfptm.lake import Lake
from hfptm.parquet import HOUR_NS, open_table
from hfptm.registry import Market
from recorder.selection import DEAD_NS

MARGIN_NS = 24 * HOUR_NS
"""For clocks that were set, and for what is dropped at the next look only."""

_TIMES = ["group", "market", "valid_from_ns", "end_ts_ns"]
_COLUMNS = list(Market.__struct_fields__)


def known_versions(lake: Lake, from_ns: int, to_ns: int) -> list[Market]:
    """Every version of them, oldest first; of equal age by segment. Imports are always among them.

    An event is recorded until all its markets are dead, so the last one's end counts for each.
    """
    paths = sorted(lake.root.glob("markets/*.parquet"))
    discovered = [path for path in paths if path.stem.startswith(DISCOVERED_PREFIX)]
    last_ns = _last_ends(discovered, to_ns + MARGIN_NS)
    known: list[Market] = []
    for path in paths:
        table = open_table(path).read(columns=_COLUMNS)
        if path in discovered:
            table = table.filter(_wanted(table, last_ns, from_ns - MARGIN_NS, to_ns + MARGIN_NS))
        known += msgspec.convert(table.to_pylist(), list[Market])
    return sorted(known, key=lambda market: market.valid_from_ns)


def _last_ends(paths: list[Path], to_ns: int) -> dict[int, int]:
    """When the last of an event's markets ends, as it was known at any time until then."""
    found: dict[int, int] = {}
    for path in paths:
        for event, valid_ns, end_ns in _events(open_table(path).read(columns=_TIMES)):
            if valid_ns <= to_ns:
                found[event] = max(found.get(event, 0), end_ns)
    return found


def _events(table: pa.Table) -> Iterator[tuple[int, int, int]]:
    """Event, valid from, end: a market of no group is an event of its own."""
    group, market, valid_ns, end_ns = (table.column(name).to_numpy() for name in _TIMES)
    events = np.where(group != 0, group, market)
    never_ns = np.iinfo(np.int64).max
    yield from zip(
        events.tolist(),
        valid_ns.tolist(),
        np.where(end_ns > 0, end_ns, never_ns).tolist(),
        strict=True,
    )


def _wanted(table: pa.Table, last_ns: dict[int, int], from_ns: int, to_ns: int) -> pa.Array:
    return pa.array(
        [
            valid_ns <= to_ns and last_ns[event] + DEAD_NS >= from_ns
            for event, valid_ns, _ in _events(table)
        ],
        pa.bool_(),
    )
