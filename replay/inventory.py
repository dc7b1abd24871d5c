"""What a lake holds, without reading its rows."""

from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfptm.clock import format_utc
from hfptm.errors import LakeError
from hfptm.lake import Lake
from hfptm.records import GapReason
from hfptm.registry import Market
from hfptm.tables import add, mib, pairs, table
from replay.coverage import Day, coverage

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
    hours: int
    """With rows."""
    hours_between: int
    """From the first row's to the last row's, both included."""
    event_rows: int
    raw_rows: int
    gaps: int
    size_bytes: dict[str, int]
    """On disk, by folder of the lake."""
    days: list[Day]
    events: list[Event]


def inventory(data: Path) -> Inventory:
    """Raises LakeError if nothing was recorded or imported yet."""
    lake = Lake(data)
    with lake.reading():
        return _inventory(lake)


def _inventory(lake: Lake) -> Inventory:
    found = coverage(lake)
    if not found:
        raise LakeError(
            f"{lake.root}: empty; bring a recording in with `hfptm import`, or try `hfptm demo`"
        )
    return Inventory(
        folder=str(lake.root),
        first=format_utc(found.first_ns),
        last=format_utc(found.last_ns),
        hours=found.hours,
        hours_between=found.hours_between,
        event_rows=sum(day.event_rows for day in found.days),
        raw_rows=sum(day.raw_rows for day in found.days),
        gaps=sum(gap.reason is not GapReason.REMOVED for gap in lake.gaps()),
        size_bytes=_sizes(lake),
        days=found.days,
        events=_events(lake),
    )


def _sizes(lake: Lake) -> dict[str, int]:
    sizes = {}
    for folder in sorted(path for path in lake.root.iterdir() if path.is_dir()):
        sizes[folder.name] = sum(map(_size, folder.rglob("*")))
    return sizes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:  # sealed or merged at this moment
        return 0


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
        ("hours with rows", f"{found.hours:,} of {found.hours_between:,}"),
        ("event rows", f"{found.event_rows:,}"),
        ("raw rows", f"{found.raw_rows:,}"),
        ("gaps", f"{found.gaps:,}"),
        ("MiB", mib(sum(found.size_bytes.values()))),
        *[(f"  {name}", mib(size_bytes)) for name, size_bytes in found.size_bytes.items()],
    ]
    events = table("Event or group, and how its outcomes relate", "market", justify="left")
    for event in found.events:
        title = f"{event.event or 'markets of no group'}\n  {RELATIONS[event.relation]}"
        add(events, title, "\n".join(event.markets))
    return Group(pairs("Lake", rows), Text(), _days_table(found.days), Text(), events)


def _days_table(days: list[Day]) -> Table:
    columns = ("hours", "event rows", "raw rows", "MiB", "verified", "not seen", "grade")
    made = table("Day", *columns, label_columns=10)
    for day in days:
        counts = (f"{day.hours}", f"{day.event_rows:,}", f"{day.raw_rows:,}")
        unseen = f"{100 * day.unseen_share:.3f} %" if day.verified else ""
        worth = (f"{day.verified}", unseen, day.grade)
        add(made, day.date, *counts, mib(day.size_bytes), *worth)
    return made
