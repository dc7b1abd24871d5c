"""What recording shows while it runs, and how it is stopped.

It shows a table on a terminal, JSON lines anywhere else, all of it written by a thread of its own:
recording goes on if nobody reads.
"""

import asyncio
import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from hfptm.cli.background import Background
from hfptm.cli.log_output import Lines, is_table, logged
from hfptm.logs import Words
from hfptm.units import NS_PER_MS

if TYPE_CHECKING:
    from rich.table import Table

    from hfptm.feed_status import FeedStatus, LineStatus
    from hfptm.sections_watching import Log
    from recorder.service import Listener


Pairs = Sequence[tuple[str, str]]


class Shown(Protocol):
    """Takes the status every second, with what else there is to say; names and values."""

    def __call__(self, status: "FeedStatus", more: Pairs = ()) -> None: ...


def stopped_by_signals() -> asyncio.Event:
    """Set by Ctrl-C and SIGTERM from now on, in the loop that runs."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextmanager
def told_to_systemd() -> Iterator["Listener"]:
    """Takes the status every second, while receiving goes on. The end is said as soon as it begins:
    whoever then closes a run or cancels orders is not to be taken for hung."""
    from hfptm.config import environment
    from recorder.notify import Notifier

    notifier = Notifier(environment())
    try:
        yield notifier.note
    finally:
        notifier.stopping()


@contextmanager
def live_status(settings: "Log") -> Iterator[Shown]:
    """Shows what it is given, and the log of all that runs in the meantime."""
    from recorder.logs import StatusLog

    log = StatusLog()
    if not is_table(settings):
        with logged(settings):
            yield lambda status, more=(): log.note(status, dict(more))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)

    def above(line: bytes) -> None:
        console.print(line.decode().rstrip(), markup=False, highlight=False)

    with (
        Live("starting", console=console, auto_refresh=False, transient=True) as live,
        Background() as background,
        Lines(above, Words(), logging.WARNING) as shown,
        logged(settings, shown),
    ):

        def note(status: "FeedStatus", more: Pairs = ()) -> None:
            log.note(status, dict(more))
            background.do(lambda: live.update(status_table(status, more), refresh=True))

        yield note


def status_table(status: "FeedStatus", more: Pairs = ()) -> "Table":
    """Of now; what is wrong stands last."""
    from hfptm.tables import add, duration, mib, pairs

    took = f"{status.sync_latency_ns / NS_PER_MS:,.0f} ms"
    received = f"{status.frames_per_s:,.0f}/s, {mib(status.size_bytes)} MiB"
    rows = [
        ("time", duration(status.ran_s)),
        ("markets", markets_words(status)),
        *((f"line {line.line}", line_words(line)) for line in status.lines),
        ("frames", f"{status.frames:,} ({received})"),
        ("behind the exchange", behind_words(status)),
        ("on the way to disk", f"{mib(status.queued_bytes)} MiB; the last write took {took}"),
        ("disk free", f"{status.free_bytes / (1 << 30):,.1f} GiB"),
        ("dropped", f"{status.dropped_rows:,} rows"),
        ("not seen now", f"{status.books.unseen:,} markets; {status.books.gaps:,} gaps before"),
        ("missed by a connection", f"{status.missed:,} ({status.unhealed:,} not healed yet)"),
        ("books that disagreed", f"{status.books.mismatches - status.books.healed:,}"),
        *more,
    ]
    table = pairs("Recording; Ctrl-C ends it", rows)
    for problem in status.problems:
        add(table, "problem", problem, style="bold red")
    return table


def markets_words(status: "FeedStatus") -> str:
    if not status.markets and not status.waiting:
        return "none yet: the exchange is being asked for them"
    return f"{status.markets:,}, and {status.waiting:,} that have no book yet"


def line_words(line: "LineStatus") -> str:
    if not line.shards:
        return "no connection yet"
    return f"{line.connections} of {line.shards} connections, first {line.first:,} times"


def behind_words(status: "FeedStatus") -> str:
    if not status.books.frames:
        return "not known yet"
    return f"{status.books.behind_ns / NS_PER_MS:,.0f} ms by both clocks"
