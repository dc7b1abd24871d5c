"""The metrics of receiving, whatever is done with it."""

from collections.abc import Iterator

from hfptm.bulletin import Bulletin
from hfptm.metric_shape import Sample, Shape, fields, shape

_FEED = {
    "ran_s": ("running_seconds", "How long it has been receiving."),
    "markets": ("markets", "Markets that are asked for."),
    "waiting": ("waiting_markets", "Chosen markets that have no book yet."),
    "connections_opened": ("connections_opened_total", "Connections that were opened."),
    "connections_failed": ("connections_failed_total", "Connections that failed to open."),
    "frames": ("frames_total", "Frames received, on all lines together."),
    "size_bytes": ("received_bytes_total", "Size of the frames as received."),
    "frames_per_s": ("frames_per_second", "Frames in the last second."),
    "silent_ns": ("silent_seconds", "Since the last frame of any market."),
    "written_rows": ("written_rows_total", "Raw rows on disk."),
    "dropped_rows": ("dropped_rows_total", "Received rows that could not be kept: they are gaps."),
    "queued_bytes": ("queued_bytes", "In memory, on the way to disk."),
    "unsynced_ns": ("unsynced_seconds", "Since the disk last took what waited; 0 if nothing does."),
    "sync_latency_ns": ("sync_latency_seconds", "What the disk's last write took."),
    "free_bytes": ("free_bytes", "Free space of the data folder's disk."),
    "waiting_logs": ("waiting_logs", "Logs that are closed and not sealed yet."),
    "missed": ("missed_markets_total", "Markets that a connection was found not to tell of."),
    "resubscribed": ("resubscribed_total", "Of those, asked for once more."),
    "reconnected": ("reconnected_total", "Connections replaced because of them."),
    "healed": ("healed_markets_total", "Of those, told of again."),
    "unhealed": ("unhealed_markets", "Of those, still without a book now."),
    "clock_offset_ns": ("clock_offset_seconds", "The exchange's clock less ours, to the second."),
    "companion_restarts": ("companion_restarts_total", "Starts of a companion that had died."),
    "merged_hours": (
        "recordings_merged_total",
        "Recorded hours that were merged into one file each.",
    ),
    "copied_files": ("copied_files_total", "Files put into the copy, and verified."),
    "removed_hours": ("recordings_removed_total", "Recorded hours that were removed, being old."),
}
_BOOKS = {
    "rows": ("rows_total", "Raw rows that the check of books has read."),
    "lost_rows": ("lost_rows_total", "Raw rows that were gone before it could read them."),
    "lag_ns": ("lag_seconds", "From the receipt of the last row read to its reading."),
    "behind_ns": ("behind_seconds", "Median from the exchange's time of changes to their receipt."),
    "frames": ("frames_total", "Frames read, each line's."),
    "copies": ("copies_total", "Of those, what another line had brought before."),
    "late": ("late_total", "Of those, with news that was late, and still of use."),
    "too_late": ("too_late_total", "Of those, with news that came too late."),
    "lead_p50_ns": ("lead_seconds", "Median lead of the first line over the next."),
    "unseen": ("unseen_markets", "Markets that no connection sees now."),
    "gaps": ("gaps_total", "Times that a market was not seen, and is again."),
    "batches_checked": ("batches_checked_total", "Batches compared with the reported best prices."),
    "mismatches": ("mismatches_total", "Of those, what disagreed."),
    "healed": ("mismatches_healed_total", "Of those, set right by a later line."),
    "mirror_breaks": ("mirror_breaks_total", "Frames whose YES and NO parts disagree."),
}
_LINE = {
    "markets": ("markets", "Markets of the line."),
    "connections": ("connections", "Open connections of the line."),
    "shards": ("shards", "Connections that the line should have."),
    "first": ("first_frames_total", "Frames that the line had before any other."),
}


def _lines() -> Iterator[Shape]:
    for field, (name, help_) in _LINE.items():

        def read(told: Bulletin, field: str = field) -> Iterator[Sample]:
            for line in told.feed.lines:
                yield (str(line.line),), getattr(line, field)

        yield shape(f"hfptm_feed_line_{name}", help_, ("line",), read)


def _checks(told: Bulletin) -> Iterator[Sample]:
    for finding, count in sorted(told.feed.checks.items()):
        yield (finding,), count


FEED_METRICS: tuple[Shape, ...] = (
    *fields("hfptm_feed_", _FEED, lambda told: told.feed),
    *_lines(),
    shape(
        "hfptm_feed_checks_total",
        "Questions about silent markets, by what they found.",
        ("finding",),
        _checks,
    ),
    *fields("hfptm_feed_books_", _BOOKS, lambda told: told.feed.books),
)
