"""Rows as they are received: frames, and what became of the connections that carried them.

What a payload holds by its kind stands in docs/lake.md.
"""

from enum import IntEnum

import msgspec
import numpy as np
import pyarrow as pa

from hfptm.records import SCHEMA_VERSION, GapReason

RAW_GROUP_ROWS = 65_536
"""Raw rows carry whole frames, so fewer make a row group."""


class RawKind(IntEnum):
    FRAME = 1
    REST = 2
    LINK_UP = 3
    LINK_DOWN = 4
    LOSS = 5
    """The recorder received more of this connection than it could keep; payload: `Loss`."""
    START = 6
    """A recorder starts: no connection from before is up, whatever its rows say."""
    SILENCE = 7
    """Markets of this connection are not seen although it is up; payload: `Silence`."""
    CLOCK = 8
    """The exchange's own time, of no connection; payload: `ClockReply`."""
    CHOSEN = 9
    """What a recorder that starts has chosen to record, of no connection; payload: `Chosen`."""


class Loss(msgspec.Struct, frozen=True):
    """Rows of one connection that were received and not kept, as JSON in a row of kind LOSS.

    That row bears the time and the number of the last of them.
    """

    reason: GapReason
    rows: int
    from_seq: int
    from_ns: int


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of which nothing is to be expected any more, as JSON in a row of kind SILENCE."""

    tokens: list[str]
    """Of each, its market was not seen on this connection since its last frame there."""
    reason: GapReason = GapReason.SILENCE
    """Or REMOVED: nothing more was asked for. Of connection 0: nor was there one to ask."""


class Chosen(msgspec.Struct, frozen=True):
    """Ids of all markets to be recorded from here on, as JSON in a row of kind CHOSEN.

    Of those that an earlier recorder had and this one has not, nothing more is asked for.
    """

    markets: list[int]


class ClockReply(msgspec.Struct, frozen=True):
    """What `/time` answered, as JSON in a row of kind CLOCK, and our UTC before and after."""

    sent_ns: int
    recv_ns: int
    text: str


RAW_SCHEMA = pa.schema(
    [
        pa.field("ts_recv_ns", pa.int64(), nullable=False),
        pa.field("ts_mono_ns", pa.int64(), nullable=False),  # 0: not recorded
        pa.field("line", pa.int32(), nullable=False),  # of several connections to the same feed
        pa.field("connection", pa.int64(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("kind", pa.uint8(), nullable=False),  # RawKind
        pa.field("payload", pa.binary(), nullable=False),  # verbatim; empty for link rows
    ],
    metadata={"hfptm.schema_version": str(SCHEMA_VERSION)},
)


def rows_between(table: pa.Table, from_ns: int, to_ns: int) -> pa.Table:
    """Those of a table by time whose time is in [from_ns, to_ns)."""
    start, stop = np.searchsorted(table.column("ts_recv_ns").to_numpy(), [from_ns, to_ns])
    return table.slice(start, stop - start)


def reason_of(cause: bytes) -> GapReason:
    """Of the gaps that the end of a connection makes: as its row names it, if it is one of ours."""
    known = {reason.name.lower().encode(): reason for reason in GapReason}
    return known.get(cause, GapReason.DISCONNECT)
