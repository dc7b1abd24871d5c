"""Writes the frames of a generated tape: one book a market, and rows that follow from it."""

from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from hfptm.kernel.arrays import Arrays, opener
from hfptm.kernel.jit import Array, Record, cold, entry
from hfptm.kernel.state import INT64
from hfptm.records import EVENT, EventFlag, EventKind, Side

CROSS_E4, AHEAD_E4, BEHIND_E4 = 1_200, 2_000, 1_000
"""How far a planted edge reaches: a bid above the ask, an outcome ahead of or behind its group."""

SNAPSHOT_LEVELS = 40
FRAME_ROWS_MAX = 1_003
"""A move may clear a whole side of the finest grid."""

_LEAST_LEVELS = 5
_LAST = EventFlag.LAST_IN_BATCH.value
_CLOSING = _LAST | EventFlag.BEST_YES.value | EventFlag.BEST_NO.value
_BID, _ASK = Side.BID.value, Side.ASK.value


class FrameKind(IntEnum):
    CHANGES = 0
    MOVE = 1
    TRADE = 2
    CROSS = 3
    AHEAD = 4
    BEHIND = 5


MAKER_MARKET = np.dtype(
    [
        ("tick_e4", "i8"),
        ("count", "i8"),  # ticks in one dollar
        ("wall", "i8"),  # the highest index of a bid; asks lie above it
        ("best", "i8", (2,)),  # index by side; 0 and count if there is none
        ("levels", "i8", (2,)),  # by side
        ("group", "i8"),  # a market alone has one to itself
    ],
    align=True,
)
FRAME = np.dtype(
    [
        ("ts_recv_ns", "i8"),
        ("ts_venue_ns", "i8"),
        ("life_ns", "i8"),
        ("market", "i4"),
        ("changes", "u1"),
        ("kind", "u1"),
    ],
    align=True,
)
CHANGE = np.dtype(
    [("size_e6", "i8"), ("offset", "i4"), ("side", "u1"), ("removes", "u1")], align=True
)
CURSOR = np.dtype(
    [
        ("row", "i8"),
        ("change", "i8"),
        ("planted", "i8"),
        ("planted_market", "i8"),  # -1: none is there
        ("planted_wall", "i8"),  # where the market's wall was
        ("ends_ns", "i8"),
    ]
)


class Maker(Arrays):
    """K markets in the making."""

    FIELDS: ClassVar[dict[str, tuple[np.dtype[Any], int]]] = {
        "markets": (MAKER_MARKET, 1),  # (K,)
        "sizes": (INT64, 3),  # (K, 2, indices) e6, by side
        "owed": (INT64, 1),  # (groups,) ticks that a group's walls are short of their sum
        "frames": (FRAME, 1),  # in
        "changes": (CHANGE, 1),  # in, used over and over
        "cursor": (CURSOR, 1),  # (1,)
        "rows": (EVENT, 1),  # out
    }
    markets: Array
    sizes: Array
    owed: Array
    frames: Array
    changes: Array
    cursor: Array
    rows: Array


_open_maker = opener(Maker)


@cold
def next_change(maker: Maker) -> Record:
    cursor = maker.cursor[0]
    cursor.change += 1
    return maker.changes[cursor.change % len(maker.changes)]


@cold
def put(maker: Maker, frame: Record, slot: int, side: int, index: int, size_e6: int) -> None:
    """Set one level, and write it down."""
    market, sizes, cursor = maker.markets[slot], maker.sizes[slot, side], maker.cursor[0]
    row = maker.rows[cursor.row]
    cursor.row += 1
    row.ts_recv_ns = frame.ts_recv_ns
    row.ts_venue_ns = frame.ts_venue_ns
    row.market = slot
    row.kind = EventKind.LEVEL
    row.side = side
    row.price_e4 = index * market.tick_e4
    row.size_e6 = size_e6
    market.levels[side] += (1 if size_e6 > 0 else 0) - (1 if sizes[index] > 0 else 0)
    sizes[index] = size_e6
    step = -1 if side == _BID else 1
    if size_e6 > 0 and (index - market.best[side]) * step < 0:
        market.best[side] = index
    while 0 < market.best[side] < market.count and sizes[market.best[side]] == 0:
        market.best[side] += step


@cold
def close(maker: Maker, slot: int, first: int, flags: int) -> None:
    """End the frame that began at row `first`, if it has any."""
    cursor, market = maker.cursor[0], maker.markets[slot]
    if cursor.row == first:
        return
    row = maker.rows[cursor.row - 1]
    row.flags |= flags
    if flags == _CLOSING:
        bid_e4, ask_e4 = market.best[0] * market.tick_e4, market.best[1] * market.tick_e4
        row.aux = (bid_e4 << 32) + ask_e4


@cold
def change(maker: Maker, frame: Record, slot: int) -> None:
    """Add, resize or remove a level somewhere behind the wall."""
    drawn, market = next_change(maker), maker.markets[slot]
    side, offset = int(drawn.side), int(drawn.offset)
    if side == _BID:
        index = max(1, int(market.wall) - offset)
    else:
        index = min(int(market.count) - 1, int(market.wall) + 1 + offset)
    removes = drawn.removes and market.levels[side] > _LEAST_LEVELS
    gone = removes and maker.sizes[slot, side, index] > 0
    put(maker, frame, slot, side, index, 0 if gone else int(drawn.size_e6))


@cold
def move(maker: Maker, frame: Record, slot: int, wall: int) -> None:
    """Put the wall elsewhere: what lies on its wrong side goes, both touches come."""
    market = maker.markets[slot]
    market.wall = wall
    while market.best[_BID] > wall:
        put(maker, frame, slot, _BID, int(market.best[_BID]), 0)
    while market.best[_ASK] <= wall:
        put(maker, frame, slot, _ASK, int(market.best[_ASK]), 0)
    put(maker, frame, slot, _BID, wall, int(next_change(maker).size_e6))
    put(maker, frame, slot, _ASK, wall + 1, int(next_change(maker).size_e6))


@cold
def drift(maker: Maker, frame: Record, slot: int) -> None:
    """Give up a tick, or take the one that another outcome of the group gave up."""
    market = maker.markets[slot]
    if maker.owed[market.group] > 0 and 2 * market.wall < market.count:
        maker.owed[market.group] = 0
        move(maker, frame, slot, int(market.wall) + 1)
    elif maker.owed[market.group] == 0 and 10 * market.wall > market.count:
        maker.owed[market.group] = 1
        move(maker, frame, slot, int(market.wall) - 1)
    else:
        change(maker, frame, slot)


@cold
def plant(maker: Maker, frame: Record, slot: int) -> None:
    """Make an edge that stays until the frame's life is over; only one at a time."""
    cursor, market = maker.cursor[0], maker.markets[slot]
    wall = int(market.wall)
    behind = wall - BEHIND_E4 // int(market.tick_e4)
    cursor.planted += 1
    cursor.planted_market = slot
    cursor.planted_wall = wall
    cursor.ends_ns = frame.ts_venue_ns + frame.life_ns
    if frame.kind == FrameKind.AHEAD:
        move(maker, frame, slot, wall + AHEAD_E4 // int(market.tick_e4))
    elif frame.kind == FrameKind.BEHIND and behind > 0:
        move(maker, frame, slot, behind)
    else:
        index = wall + CROSS_E4 // int(market.tick_e4)
        put(maker, frame, slot, _BID, index, int(next_change(maker).size_e6))


@cold
def trade(maker: Maker, frame: Record, slot: int) -> None:
    drawn, market, cursor = next_change(maker), maker.markets[slot], maker.cursor[0]
    row = maker.rows[cursor.row]
    cursor.row += 1
    row.ts_recv_ns = frame.ts_recv_ns
    row.ts_venue_ns = frame.ts_venue_ns
    row.market = slot
    row.kind = EventKind.TRADE
    row.side = drawn.side
    row.price_e4 = market.best[1 - drawn.side] * market.tick_e4
    row.size_e6 = drawn.size_e6


@cold
def write_frame(maker: Maker, frame: Record) -> None:
    cursor, slot = maker.cursor[0], int(frame.market)
    first = int(cursor.row)
    if cursor.planted_market >= 0 and frame.ts_venue_ns >= cursor.ends_ns:
        slot = int(cursor.planted_market)
        cursor.planted_market = -1
        move(maker, frame, slot, int(cursor.planted_wall))
    elif frame.kind >= FrameKind.CROSS and cursor.planted_market < 0:
        plant(maker, frame, slot)
    elif frame.kind == FrameKind.MOVE and cursor.planted_market != slot:
        drift(maker, frame, slot)
    else:
        if frame.kind == FrameKind.TRADE:
            trade(maker, frame, slot)
        for _ in range(frame.changes):
            change(maker, frame, slot)
    close(maker, slot, first, _CLOSING)


@cold
def write_snapshot(maker: Maker, slot: int) -> None:
    """The market's first rows, all at the time of the first frame."""
    cursor, market, frame = maker.cursor[0], maker.markets[slot], maker.frames[0]
    first, wall = int(cursor.row), int(market.wall)
    row = maker.rows[cursor.row]
    cursor.row += 1
    row.ts_recv_ns = frame.ts_recv_ns
    row.ts_venue_ns = frame.ts_venue_ns
    row.market = slot
    row.kind = EventKind.SNAPSHOT
    row.price_e4 = market.tick_e4
    for depth in range(SNAPSHOT_LEVELS):
        if wall - depth > 0:
            put(maker, frame, slot, _BID, wall - depth, int(next_change(maker).size_e6))
        if wall + 1 + depth < market.count:
            put(maker, frame, slot, _ASK, wall + 1 + depth, int(next_change(maker).size_e6))
    for index in range(first, cursor.row):
        maker.rows[index].flags = EventFlag.SNAPSHOT
    close(maker, slot, first, _LAST)


@entry
def fill_rows(table: Any) -> None:
    """Snapshots of all markets, then frames until rows or frames run out."""
    maker = _open_maker(table)
    cursor = maker.cursor[0]
    cursor.planted_market = -1
    for slot in range(len(maker.markets)):
        write_snapshot(maker, slot)
    for position in range(len(maker.frames)):
        if cursor.row + FRAME_ROWS_MAX > len(maker.rows):
            break
        write_frame(maker, maker.frames[position])
