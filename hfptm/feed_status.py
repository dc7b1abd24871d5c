"""How receiving the exchange is going, in figures, and what is wrong with it."""

import msgspec


class LineStatus(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    markets: int
    connections: int
    """That are open."""
    shards: int
    """Connections that it should have."""
    first: int
    """Frames that it had before any other line."""


class BookStatus(msgspec.Struct, kw_only=True):
    """Since the start, but for what is of now."""

    rows: int = 0
    """Raw rows read."""
    lost_rows: int = 0
    """Raw rows that were gone before they could be read: it was too slow by so much."""
    lag_ns: int = 0
    """From the receipt of the last row read to its reading."""
    behind_ns: int = 0
    """From the exchange's time of the last changes to their receipt, by both clocks: the median."""
    frames: int = 0
    copies: int = 0
    """Frames that another connection had delivered."""
    late: int = 0
    too_late: int = 0
    first: dict[int, int] = {}
    """Frames by the line that was first."""
    lead_p50_ns: int = 0
    unseen: int = 0
    """Markets that no connection sees now."""
    gaps: int = 0
    """That have ended."""
    batches_checked: int = 0
    mismatches: int = 0
    healed: int = 0
    mirror_breaks: int = 0


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are since the start, but for what is of now."""

    ran_s: float
    markets: int
    waiting: int
    """Chosen markets that have no book yet."""
    lines: list[LineStatus]
    connections_opened: int
    connections_failed: int
    frames: int
    size_bytes: int
    frames_per_s: float
    """In the last second."""
    silent_ns: int
    """Since the last frame of any market."""
    written_rows: int
    dropped_rows: int
    queued_bytes: int
    """In memory, on the way to disk."""
    unsynced_ns: int
    """Since the disk last took what waited; 0 if nothing waits."""
    sync_latency_ns: int
    free_bytes: int
    waiting_logs: int
    """Closed, and not sealed yet."""
    missed: int
    """Markets that a connection was found not to tell of."""
    resubscribed: int
    reconnected: int
    healed: int
    unhealed: int
    """Of now: missed, and still without the book that heals."""
    checks: dict[str, int]
    """Questions about silent markets, by what they found."""
    books: BookStatus
    clock_offset_ns: int
    companion_restarts: int
    merged_hours: int
    copied_files: int
    removed_hours: int
    problems: list[str]
    """What somebody should do something about; empty if all is well."""


STARTING = FeedStatus(
    ran_s=0.0,
    markets=0,
    waiting=0,
    lines=[],
    connections_opened=0,
    connections_failed=0,
    frames=0,
    size_bytes=0,
    frames_per_s=0.0,
    silent_ns=0,
    written_rows=0,
    dropped_rows=0,
    queued_bytes=0,
    unsynced_ns=0,
    sync_latency_ns=0,
    free_bytes=0,
    waiting_logs=0,
    missed=0,
    resubscribed=0,
    reconnected=0,
    healed=0,
    unhealed=0,
    checks={},
    books=BookStatus(),
    clock_offset_ns=0,
    companion_restarts=0,
    merged_hours=0,
    copied_files=0,
    removed_hours=0,
    problems=[],
)
"""Before anything is known; `ran_s` is above 0 in any other."""
