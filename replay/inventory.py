"""What a lake holds, without reading its rows."""

from pathlib import Path

import msgspec
import pyarrow.parquet as pq
from rich.console import Group, RenderableType
from rich.text import Text

from hfptm.clock import format_utc
from hfptm.errors import LakeError
from hfptm.lake import Kind, Lake
from hfptm.registry import Market
from hfptm.tables import add, pairs, table

RELATIONS = {
    "none": "independent",
    "exactly_one": "exactly one of them wins",
    "at_most_one": "at most one of them wins",
    "nested": "each implies the next",
}


class Event(msgspec.Struct, frozen=True):
    """A group of markets, or all markets without one."""

    event: str
    relation: str
    markets: list[str]


class Inventory(msgspec.Struct, frozen=True):
    folder: str
    first: str
    last: str
    event_rows: int
    raw_frames: int
    bytes: int
    gaps: int
    events: list[Event]


def inventory(data: Path) -> Inventory:
    """Raises LakeError if nothing was recorded or imported yet."""
    lake = Lake(data)
    files = lake.events_files()
    if not files:
        raise LakeError(
            f"{lake.root}: empty; bring a recording in with `hfptm import`, or try `hfptm demo`"
        )
    first_ns, last_ns, rows = _extent(files)
    raw = lake.files(Kind.RAW)
    return Inventory(
        folder=str(lake.root),
        first=format_utc(first_ns),
        last=format_utc(last_ns),
        event_rows=rows,
        raw_frames=sum(pq.read_metadata(file).num_rows for file in raw),
        bytes=sum(file.stat().st_size for file in [*files, *raw]),
        gaps=len(lake.gaps()),
        events=_events(lake),
    )


def _extent(files: list[Path]) -> tuple[int, int, int]:
    first_ns, last_ns, rows = 1 << 62, 0, 0
    for file in files:
        metadata = pq.read_metadata(file)
        rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            times = metadata.row_group(group).column(0).statistics
            first_ns, last_ns = min(first_ns, times.min), max(last_ns, times.max)
    return first_ns, last_ns, rows


def _events(lake: Lake) -> list[Event]:
    members: dict[int, list[Market]] = {}
    for market in lake.markets():
        members.setdefault(market.group, []).append(market)
    events = [
        Event(group.slug, group.relation.name.lower(), _slugs(members.pop(group.group, [])))
        for group in lake.groups()
    ]
    alone = [market for markets in members.values() for market in markets]
    return [*events, Event("", "none", _slugs(alone))] if alone else events


def _slugs(markets: list[Market]) -> list[str]:
    return sorted(market.slug for market in markets)


def inventory_table(found: Inventory) -> RenderableType:
    rows = [
        ("folder", found.folder),
        ("first row", found.first),
        ("last row", found.last),
        ("event rows", f"{found.event_rows:,}"),
        ("raw frames", f"{found.raw_frames:,}"),
        ("gaps", f"{found.gaps:,}"),
        ("MiB", f"{found.bytes / 2**20:,.1f}"),
    ]
    events = table("Event or group, and how its outcomes relate", "market", justify="left")
    for event in found.events:
        title = f"{event.event or 'markets of no group'}\n  {RELATIONS[event.relation]}"
        add(events, title, "\n".join(event.markets))
    return Group(pairs("Lake", rows), Text(), events)
