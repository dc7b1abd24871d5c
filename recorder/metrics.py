"""The recorder's status for Prometheus, in its text format 0.0.4."""

import msgspec

from hfptm.feed_status import BookStatus, FeedStatus, LineStatus

PREFIX = "hfptm_recorder_"

_GAUGES = frozenset(
    {
        *("connections", "free_bytes", "frames_per_s", "lag_ns", "lead_p50_ns", "markets"),
        "behind_ns",
        *("clock_offset_ns", "queued_bytes", "ran_s", "shards", "silent_ns", "sync_latency_ns"),
        *("unhealed", "unseen", "unsynced_ns", "waiting", "waiting_logs"),
    }
)
"""All other numbers only grow."""


def metrics_text(status: FeedStatus) -> str:
    """Each number of a status; those of a line, a finding or the books by their own names."""
    found: dict[str, list[str]] = {}
    _add(found, "", status, "")
    _add(found, "books_", status.books, "")
    for line in status.lines:
        _add(found, "line_", line, f'{{line="{line.line}"}}')
    for finding, count in sorted(status.checks.items()):
        _put(found, "checks", "checks", f'{{found="{finding}"}}', count)
    for number, count in sorted(status.books.first.items()):
        _put(found, "books_first", "first", f'{{line="{number}"}}', count)
    _put(found, "healthy", "markets", "", int(not status.problems))
    return "".join("".join(lines) for lines in found.values())


def _add(
    found: dict[str, list[str]],
    group: str,
    of: FeedStatus | BookStatus | LineStatus,
    labels: str,
) -> None:
    for name, value in msgspec.structs.asdict(of).items():
        if isinstance(value, int | float) and name not in ("line", "first"):
            _put(found, group + name, name, labels, value)


def _put(found: dict[str, list[str]], metric: str, name: str, labels: str, value: float) -> None:
    kind, suffix = ("gauge", "") if name in _GAUGES else ("counter", "_total")
    full = f"{PREFIX}{metric}{suffix}"
    lines = found.setdefault(full, [f"# TYPE {full} {kind}\n"])
    lines.append(f"{full}{labels} {value}\n")
