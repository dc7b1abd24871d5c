"""What recording shows while it runs, and how it is stopped.

It shows a table on a terminal, JSON lines anywhere else, all of it written by a thread of its own:
recording goes on if nobody reads.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from hfptm.cli.background import Background
from hfptm.units import NS_PER_MS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hfptm.feed_status import FeedStatus, LineStatus
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
def live_status() -> Iterator[Shown]:
    """Shows what it is given, and the log of all that runs in the meantime."""
    if not sys.stderr.isatty():
        from recorder.logs import JsonLines, StatusLog

        with Background() as background, _logging_to(_Lines(background), JsonLines()):
            log = StatusLog()
            yield lambda status, more=(): log.note(status, dict(more))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with (
        Live("starting", console=console, auto_refresh=False, transient=True) as live,
        Background() as background,
        _logging_to(_OnConsole(console, background), logging.Formatter("%(message)s")),
    ):

        def note(status: "FeedStatus", more: Pairs = ()) -> None:
            background.do(lambda: live.update(status_table(status, more), refresh=True))

        yield note


@contextmanager
def _logging_to(handler: logging.Handler, formatter: logging.Formatter) -> Iterator[None]:
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in ("picows", "httpx"):  # they tell of every handshake, and every request
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


class _Lines(logging.Handler):
    """Lines to the error stream; those that nobody read in time are counted in a line."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._told = 0
        # Not through the stream's own buffer: the lock of one that hangs would end the process.
        self._handle = sys.stderr.fileno()

    def emit(self, record: logging.LogRecord) -> None:
        dropped = self._background.dropped
        if dropped > self._told:
            text = f"{dropped - self._told} lines were not read in time, and dropped"
            about = logging.LogRecord(__name__, logging.WARNING, "", 0, text, None, None)
            if not self._write(about):
                return
            self._told = dropped
        self._write(record)

    def _write(self, record: logging.LogRecord) -> bool:
        line = f"{self.format(record)}\n".encode()
        return self._background.do(partial(_write_all, self._handle, line))


def _write_all(handle: int, line: bytes) -> None:
    while line:
        line = line[os.write(handle, line) :]


class _OnConsole(logging.Handler):
    """Lines above a live table."""

    def __init__(self, console: "Console", background: Background) -> None:
        super().__init__(logging.WARNING)
        self._console, self._background = console, background

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self._background.do(partial(self._console.print, line, markup=False, highlight=False))


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
