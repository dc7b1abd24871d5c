"""Polled best quotes of many outcomes: Parquet with ts (UTC), group, slug, bid, ask (null: none).

One poll of one group is one batch. Groups come from the user's groups file, never from the data:

    [[group]]
    slug = "rdc-usfed-fomc-2026-07-29"
    relation = "exactly_one"    # none, exactly_one, at_most_one, nested
    outcomes = 5                # of the event; with fewer in the recording no basket is complete
    convertible = false         # whether NO sets turn into collateral at once
    fee_rate = 0.05             # taker fee rate of its markets
    category = "economics"
"""

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hfptm.errors import ConfigError, InputError
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.records import EventFlag, GapReason
from hfptm.registry import Group, Market, group_id, market_id
from hfptm.units import ONE_E6, SIZE_MAX_E6, format_e4, format_e6
from replay.importers.base import (
    ImportOptions,
    ImportReport,
    Progress,
    Recording,
    fee_rate_e4,
    hold_ns,
    scale_option,
    segment_name,
)
from replay.importers.books import (
    ASK,
    BID,
    BOOK,
    LEVEL,
    Books,
    Ints,
    clean,
    hold,
    in_order,
    rows_of,
    scale_prices,
)
from replay.importers.sampled import sampled_market
from replay.importers.table import read_table

NAME = "quotes"
OPTIONS = ("groups", "default_size", "hold_ms", "fee_rate")

_HOLD_MS = 1_000
_COLUMNS = {
    "ts": pa.timestamp("ns"),
    "group": pa.string(),
    "slug": pa.string(),
    "bid": pa.float64(),
    "ask": pa.float64(),
}


class _GroupEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    slug: str
    relation: Literal["none", "exactly_one", "at_most_one", "nested"]
    outcomes: int
    convertible: bool
    fee_rate: Decimal
    category: str = ""


class _GroupsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: list[_GroupEntry]


class _Polls(NamedTuple):
    """The recording by (time, group); rows of one poll of one group are neighbours."""

    ts_ns: Ints
    group: Ints
    slug: Ints
    group_slugs: list[str]
    slugs: list[str]
    bid_e4: Ints
    ask_e4: Ints
    has_bid: npt.NDArray[np.bool_]
    has_ask: npt.NDArray[np.bool_]


def import_files(
    paths: Sequence[Path],
    options: ImportOptions,
    lake: Lake,
    report: ImportReport,
    progress: Progress,
) -> None:
    """A recording each; raises InputError, ConfigError."""
    for path in paths:
        _import_file(path, options, lake, report, progress)


def _import_file(
    path: Path, options: ImportOptions, lake: Lake, report: ImportReport, progress: Progress
) -> None:
    """Loads the file whole."""
    if options.groups is None:
        raise ConfigError(
            "import", "groups", "quotes need --groups FILE; config/groups.example.toml shows one"
        )
    entries = _read_groups(options.groups)
    size_e6 = _size_e6(options, report)
    table = read_table(path, _COLUMNS)
    if table.num_rows == 0:
        raise InputError(path, "no quotes in it")
    polls = _polls(path, table, report)
    progress(1, 2)
    markets, groups = _define(polls, entries, options, report)
    books = clean(_books(polls, size_e6, {group.slug for group in groups}), report)
    first = table.slice(0, 1).select(["ts", "group", "slug"]).to_pylist()
    with Recording(lake, segment_name(NAME, repr(first).encode()), report) as recording:
        gap_rows = hold(books, hold_ns(options, _HOLD_MS), recording, GapReason.SILENCE)
        recording.define(markets, groups)
        recording.events(in_order(rows_of(books), gap_rows))
        recording.finish()
    progress(2, 2)


def _read_groups(path: Path) -> dict[str, _GroupEntry]:
    if not path.is_file():
        raise InputError(path, "no such groups file; config/groups.example.toml shows one")
    try:
        content = tomllib.loads(path.read_text(), parse_float=Decimal)
        file = msgspec.convert(content, _GroupsFile, strict=False)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(
            path, f"{error}; config/groups.example.toml shows a groups file"
        ) from error
    return {entry.slug: entry for entry in file.group}


def _size_e6(options: ImportOptions, report: ImportReport) -> int:
    size = Decimal(100) if options.default_size is None else options.default_size
    size_e6 = scale_option("default_size", size, 6, most=SIZE_MAX_E6 // ONE_E6)
    if size_e6 == 0:
        raise ConfigError("import", "default_size", "0: expected a size above 0 shares")
    report.assume(f"{format_e6(size_e6)} shares at every quote (--default-size)")
    return size_e6


def _polls(path: Path, table: pa.Table, report: ImportReport) -> _Polls:
    whole = table.filter(
        pc.and_(
            pc.and_(table["ts"].is_valid(), table["group"].is_valid()), table["slug"].is_valid()
        )
    )
    report.skip("quote without a time, group or slug", table.num_rows - whole.num_rows)
    group, group_slugs = _encode(whole["group"])
    slug, slugs = _encode(whole["slug"])
    ts_ns = whole["ts"].cast(pa.int64()).to_numpy()
    order = np.lexsort((np.arange(len(ts_ns)), group, ts_ns))
    doubled = _doubled(ts_ns, group, slug)
    report.skip("second quote of one outcome in one poll", int(doubled.sum()))
    order = order[~doubled[order]]
    if len(order) == 0 or ts_ns[order[0]] <= 0:
        raise InputError(path, "no quotes with a time after 1970, a group and a slug")
    bid, ask = whole["bid"], whole["ask"]
    return _Polls(
        ts_ns=ts_ns[order],
        group=group[order],
        slug=slug[order],
        group_slugs=group_slugs,
        slugs=slugs,
        bid_e4=scale_prices(bid.to_numpy()[order]),
        ask_e4=scale_prices(ask.to_numpy()[order]),
        has_bid=bid.is_valid().to_numpy()[order],
        has_ask=ask.is_valid().to_numpy()[order],
    )


def _encode(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Numbers for strings, by first appearance."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _doubled(*keys: Ints) -> npt.NDArray[np.bool_]:
    """Rows that repeat the keys of an earlier row."""
    _, first = np.unique(np.stack(keys, axis=1), axis=0, return_index=True)
    doubled = np.ones(len(keys[0]), np.bool_)
    doubled[first] = False
    return doubled


def _define(
    polls: _Polls, entries: dict[str, _GroupEntry], options: ImportOptions, report: ImportReport
) -> tuple[list[Market], list[Group]]:
    markets: list[Market] = []
    groups: list[Group] = []
    for number, group_slug in enumerate(polls.group_slugs):
        members = np.unique(polls.slug[polls.group == number])
        entry = entries.get(group_slug)
        group = _group(entry, len(members)) if entry else None
        if group:
            groups.append(group)
        else:
            report.assume(f"group {group_slug} is not in the groups file: independent markets")
        rate_e4 = scale_option("fee_rate", entry.fee_rate, 4, 1) if entry else fee_rate_e4(options)
        report.assume(f"taker fee rate {format_e4(rate_e4)} in group {group_slug}")
        for member in members:
            own = polls.slug == member
            prices_e4 = [polls.bid_e4[own & polls.has_bid], polls.ask_e4[own & polls.has_ask]]
            markets.append(
                sampled_market(
                    polls.slugs[member],
                    np.concatenate(prices_e4),
                    report,
                    fee_rate_e4=rate_e4,
                    valid_from_ns=int(polls.ts_ns[0]),
                    category=entry.category if entry else "",
                    group=group,
                )
            )
    return markets, groups


def _group(entry: _GroupEntry, seen: int) -> Group:
    if entry.outcomes < seen:
        raise ConfigError(
            "groups file",
            f"{entry.slug}.outcomes",
            f"{entry.outcomes}, but the recording has {seen}; give the event's full number",
        )
    return Group(
        group=group_id(entry.slug),
        slug=entry.slug,
        relation=Relation[entry.relation.upper()],
        members=entry.outcomes,
        convertible=entry.convertible,
    )


def _books(polls: _Polls, size_e6: int, grouped: set[str]) -> Books:
    """One book of up to two levels a quote; the last of a group's poll closes the batch."""
    count = len(polls.ts_ns)
    books = np.zeros(count, BOOK)
    books["ts_recv_ns"] = books["ts_venue_ns"] = polls.ts_ns
    ids = np.array([market_id(slug) for slug in polls.slugs], np.int64)
    books["market"] = ids[polls.slug]
    is_alone = np.array([slug not in grouped for slug in polls.group_slugs])[polls.group]
    is_next_other = np.ones(count, np.bool_)
    is_next_other[:-1] = (np.diff(polls.ts_ns) != 0) | (np.diff(polls.group) != 0)
    books["flags"] = np.where(is_next_other | is_alone, EventFlag.LAST_IN_BATCH, 0)
    sides = ((BID, polls.bid_e4, polls.has_bid), (ASK, polls.ask_e4, polls.has_ask))
    return Books(books, np.concatenate([_levels(*side, size_e6) for side in sides]))


def _levels(
    side: int, prices_e4: Ints, present: npt.NDArray[np.bool_], size_e6: int
) -> npt.NDArray[np.void]:
    levels = np.zeros(int(present.sum()), LEVEL)
    levels["book"] = np.flatnonzero(present)
    levels["side"], levels["size_e6"] = side, size_e6
    levels["price_e4"] = prices_e4[present]
    return levels
