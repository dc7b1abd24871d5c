"""What discovery learns, in the lake: markets with valid-from times, and payouts as they resolve.

One run writes segments of its own, which nothing overwrites later: `markets/<run>-<number>.parquet`
and, an hour each, `events/…/<run>.parquet` with the STATE rows that replay settles by. The newest
file of either kind is written anew, whole, whenever something is added, so that everything stored
is durable at once and no file is ever half there.
"""

from collections.abc import Iterable

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hfptm.certificate import DISCOVERED_PREFIX
from hfptm.clock import format_utc
from hfptm.lake import Kind, Lake
from hfptm.parquet import HOUR_NS, open_table, read_rows
from hfptm.records import EVENT, EventKind, MarketState
from hfptm.registry import Group, Market
from hfptm.venue.resolutions import Resolution

FILE_ROWS = 1_000
"""A file of markets that has reached this many is not written again."""

UNRESOLVED_NS = 14 * 24 * HOUR_NS
"""How far back a new run looks for markets without a payout; disputes take up to 6 days."""

_COLUMNS = set(Market.__struct_fields__)
"""Older files lack the last of them."""

Version = tuple[Market, Group | None]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A payout that became known at `ts_recv_ns`."""

    market: Market
    resolution: Resolution
    ts_recv_ns: int


class MarketStore:
    """Of one run, begun at `now_ns`, which makes its segments' names."""

    def __init__(self, lake: Lake, now_ns: int) -> None:
        digits = "".join(character for character in format_utc(now_ns) if character.isdigit())
        self.run = f"{DISCOVERED_PREFIX}{digits[:8]}T{digits[8:]}"
        self._lake = lake
        self._known: dict[int, Version] = {}
        self._file: list[Version] = []
        self._file_groups: dict[int, Group] = {}
        self._files = 0
        self._rows: list[tuple[int, int, int]] = []
        lake.clean(f"{DISCOVERED_PREFIX}*")

    def put(self, versions: Iterable[Version]) -> list[Market]:
        """Store what is new or has changed, and return it."""
        changed = [version for version in versions if self._is_news(*version)]
        if changed:
            self._append(changed)
            self._known.update((market.market, (market, group)) for market, group in changed)
        return [market for market, _ in changed]

    def forget(self, markets: Iterable[int]) -> None:
        """Markets that will not be put again soon; memory only."""
        for market in markets:
            self._known.pop(market, None)

    def settle(self, settled: Iterable[Settled]) -> None:
        """Store payouts, as STATE rows of the tape. Times that went back count as the last one."""
        for each in settled:
            ts_ns = max(each.ts_recv_ns, self._rows[-1][0] if self._rows else 0)
            if self._rows and ts_ns // HOUR_NS != self._rows[0][0] // HOUR_NS:
                self._write_rows()
                self._rows = []
            self._rows.append((ts_ns, each.market.market, each.resolution.payout_e4))
        self._write_rows()

    def unresolved(self, now_ns: int) -> list[Market]:
        """What former runs recorded and stored no payout of, in the time that resolutions take."""
        since_ns = now_ns - UNRESOLVED_NS
        resolved = pa.array(sorted(self._resolved(since_ns)), pa.int64())
        found: dict[int, Market] = {}
        for path in sorted(self._lake.root.glob(f"markets/{DISCOVERED_PREFIX}*.parquet")):
            table = open_table(path).read()
            is_open = pc.invert(pc.is_in(table["market"], resolved))
            is_recent = pc.greater_equal(table["valid_from_ns"], since_ns)
            table = table.filter(pc.and_(is_open, is_recent))
            rows = table.select([name for name in table.column_names if name in _COLUMNS])
            found |= {
                market.market: market for market in msgspec.convert(rows.to_pylist(), list[Market])
            }
        return list(found.values())

    def _resolved(self, since_ns: int) -> set[int]:
        resolved: set[int] = set()
        for path in self._lake.files(Kind.EVENTS, since_ns):
            if path.stem.startswith(DISCOVERED_PREFIX):
                resolved.update(read_rows(path, EVENT)["market"].tolist())
        return resolved

    def _is_news(self, market: Market, group: Group | None) -> bool:
        known = self._known.get(market.market)
        if known is None or known[1] != group:
            return True
        return known[0] != msgspec.structs.replace(market, valid_from_ns=known[0].valid_from_ns)

    def _append(self, versions: list[Version]) -> None:
        """To the newest file, or to a next one if it is full or holds a group as it was before."""
        groups = {group.group: group for _, group in versions if group}
        is_other = any(self._file_groups.get(key, group) != group for key, group in groups.items())
        if is_other or len(self._file) >= FILE_ROWS:
            self._file, self._file_groups = [], {}
        if not self._file:
            self._files += 1
        self._file += versions
        self._file_groups |= groups
        markets = [market for market, _ in self._file]
        segment = f"{self.run}-{self._files:06d}"
        self._lake.write_markets(segment, markets, list(self._file_groups.values()))

    def _write_rows(self) -> None:
        if self._rows:
            self._lake.write_events(self.run, _state_rows(self._rows))


def _state_rows(rows: list[tuple[int, int, int]]) -> np.ndarray:
    found = np.zeros(len(rows), EVENT)
    found["kind"], found["aux"] = EventKind.STATE, MarketState.RESOLVED
    found["ts_recv_ns"], found["market"], found["price_e4"] = np.array(rows, np.int64).T
    found["ts_venue_ns"] = found["ts_recv_ns"]
    return found
