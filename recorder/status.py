"""How the recorder is doing, in figures, and what is wrong with it."""

import msgspec

from hfptm.feed_status import BookStatus, FeedStatus, LineStatus
from hfptm.units import NS_PER_S
from recorder.companion import Companion
from recorder.feed import Feed
from recorder.storage import StorageStatus
from recorder.talk import UpkeepStatus
from recorder.watchdog import Watchdog

SILENT_NS_MAX = 60 * NS_PER_S
UNSYNCED_NS_MAX = 10 * NS_PER_S
MARKETS_MIN = 20
"""So many markets are never all silent for a minute."""


class Gauge:
    """Makes a status of what it was given; `began_ns` and all times monotonic."""

    def __init__(self, feed: Feed, watchdog: Watchdog, companion: Companion, began_ns: int) -> None:
        self._feed, self._watchdog, self._companion = feed, watchdog, companion
        self._began_ns = self._then_ns = self._heard_ns = began_ns
        self._frames = 0

    def read(self, storage: StorageStatus, now_ns: int, wall_ns: int) -> FeedStatus:
        """Once a second or so; `wall_ns` is now in UTC."""
        feed, report = self._feed, self._companion.report
        frames, size_bytes = feed.dialling.received()
        self._heard_ns = now_ns if frames > self._frames else self._heard_ns
        rate = (frames - self._frames) * NS_PER_S / max(1, now_ns - self._then_ns)
        self._then_ns, self._frames = now_ns, frames
        books = report.books if report else BookStatus()
        counts = self._watchdog.remedies.counts
        writer, upkeep = storage.writer, report.upkeep if report else UpkeepStatus()
        unsynced_ns = wall_ns - writer.last_sync_ns if writer.queued_bytes else 0
        status = FeedStatus(
            ran_s=(now_ns - self._began_ns) / NS_PER_S,
            markets=max(map(len, feed.lines)),
            waiting=report.discovery.waiting if report else 0,
            lines=self._lines(books),
            connections_opened=feed.dialling.opened,
            connections_failed=feed.dialling.failed,
            frames=frames,
            size_bytes=size_bytes,
            frames_per_s=round(rate, 1),
            silent_ns=now_ns - self._heard_ns,
            written_rows=writer.written_rows,
            dropped_rows=writer.dropped_rows,
            queued_bytes=writer.queued_bytes,
            unsynced_ns=unsynced_ns if writer.last_sync_ns else 0,
            sync_latency_ns=writer.sync_latency_ns,
            free_bytes=storage.free_bytes,
            waiting_logs=storage.sealer.waiting_logs,
            missed=counts["missed"],
            resubscribed=counts["resubscribed"],
            reconnected=counts["reconnected"],
            healed=counts["healed"],
            unhealed=len(self._watchdog.remedies),
            checks={str(finding): n for finding, n in self._watchdog.findings.items()},
            books=books,
            clock_offset_ns=report.clock_offset_ns if report else 0,
            companion_restarts=self._companion.restarts,
            merged_hours=upkeep.merged_hours,
            copied_files=upkeep.copied_files,
            removed_hours=upkeep.removed_hours,
            problems=[
                text
                for text in (writer.problem, storage.sealer.problem, *upkeep.problems.values())
                if text
            ],
        )
        return msgspec.structs.replace(status, problems=[*status.problems, *problems_of(status)])

    def _lines(self, books: BookStatus) -> list[LineStatus]:
        open_ = [link.line for link in self._feed.links()]
        return [
            LineStatus(
                line=number,
                markets=len(line),
                connections=open_.count(number),
                shards=len(line.shards),
                first=books.first.get(number, 0),
            )
            for number, line in enumerate(self._feed.lines)
        ]


def problems_of(status: FeedStatus) -> list[str]:
    """What the figures themselves show."""
    found = []
    if status.markets and not any(line.connections for line in status.lines):
        found.append("no connection to the exchange is open")
    elif status.markets >= MARKETS_MIN and status.silent_ns > SILENT_NS_MAX:
        found.append(f"no frame of any market for {status.silent_ns // NS_PER_S} s")
    if status.unsynced_ns > UNSYNCED_NS_MAX:
        found.append(f"nothing was brought to disk for {status.unsynced_ns // NS_PER_S} s")
    if status.dropped_rows:
        found.append(f"{status.dropped_rows:,} received rows could not be kept; they are gaps")
    return found
