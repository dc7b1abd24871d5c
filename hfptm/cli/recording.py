"""What `hfptm record` shows while it runs: a table on a terminal, JSON lines anywhere else."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hfptm.units import NS_PER_MS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from recorder.status import LineStatus, RecorderStatus


@contextmanager
def live_status() -> Iterator[Callable[["RecorderStatus"], None]]:
    """Takes the status every second, and the log of all that runs in the meantime."""
    if not sys.stderr.isatty():
        from recorder.logs import JsonLines, StatusLog

        with _logging_to(logging.StreamHandler(sys.stderr), JsonLines()):
            yield StatusLog().note
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with (
        Live("starting", console=console, auto_refresh=False, transient=True) as live,
        _logging_to(_OnConsole(console), logging.Formatter("%(message)s")),
    ):
        yield lambda status: live.update(status_table(status), refresh=True)


@contextmanager
def _logging_to(handler: logging.Handler, formatter: logging.Formatter) -> Iterator[None]:
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("picows").setLevel(logging.WARNING)  # it tells of every handshake
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


class _OnConsole(logging.Handler):
    """Lines above a live table."""

    def __init__(self, console: "Console") -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record), markup=False, highlight=False)


def status_table(status: "RecorderStatus") -> "Table":
    """Of now; what is wrong stands last."""
    from hfptm.tables import add, duration, mib, pairs

    latency_ms = status.sync_latency_ns / NS_PER_MS
    received = f"{status.frames_per_s:,.0f}/s, {mib(status.size_bytes)} MiB"
    rows = [
        ("time", duration(status.ran_s)),
        ("markets", f"{status.markets:,} ({status.waiting:,} wait for a book)"),
        *((f"line {line.line}", line_words(line)) for line in status.lines),
        ("frames", f"{status.frames:,} ({received})"),
        ("on the way to disk", f"{mib(status.queued_bytes)} MiB, {latency_ms:,.0f} ms"),
        ("disk free", f"{mib(status.free_bytes)} MiB"),
        ("dropped", f"{status.dropped_rows:,} rows"),
        ("not seen now", f"{status.books.unseen:,} markets"),
        ("missed by a connection", f"{status.missed:,} ({status.unhealed:,} not healed yet)"),
        ("books that disagreed", f"{status.books.mismatches - status.books.healed:,}"),
    ]
    table = pairs("Recording", rows)
    for problem in status.problems:
        add(table, "problem", problem, style="bold red")
    return table


def line_words(line: "LineStatus") -> str:
    return f"{line.connections} of {line.shards} connections, first {line.first:,} times"
