"""Twice a second a running command says how it is doing (`hfptm.bulletin`): its loop makes copies,
a thread makes a bulletin of them and writes it. Nothing waits for the disk, or for who reads.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import numpy as np

from hfptm import bulletin
from hfptm.bulletin import PERIOD_NS, BookView, Bulletin, LatencyStatus, Mode, latency_status
from hfptm.cli.background import Background
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.errors import HfptmError
from hfptm.feed_status import STARTING, FeedStatus
from hfptm.histogram import Timing
from hfptm.journal import code_version
from hfptm.redaction import hosts_only, redacted
from hfptm.trading_status import Trading
from hfptm.units import NS_PER_S, ONE_E6

if TYPE_CHECKING:
    from hfptm.drive.trading_view import Copies, TradingView
    from hfptm.engine import Output
    from recorder.service import Service
    from recorder.talk import Report

LAST_S = 5.0
"""What the last bulletin may take on a disk that hangs."""

BY_HAND = ("", "stopped", "halted")
"""Latches that no loss has caused."""

_log = logging.getLogger(__name__)


class Told(NamedTuple):
    """What one bulletin is made of."""

    feed: FeedStatus
    report: "Report | None"
    copies: "Copies | None"
    ended: str


class Publisher:
    """A context manager around a command's work; `note` is one of the feed's listeners. What keeps
    a bulletin from being written is a line in the log, and nothing else."""

    def __init__(self, data: Path, mode: str, run_id: str = "") -> None:
        self.unwritten = 0
        self.data, self._mode, self._run_id = data, cast(Mode, mode), run_id
        self._began_ns, self._code = wall_ns(), code_version()
        self._feed = STARTING
        self._service: Service | None = None
        self._view: TradingView | None = None
        self.watched: list[int] = []
        self._shown: list[int] = []
        self._took, self._took_before = Timing(), (np.zeros(0, np.int64), 0)
        self._serial = 0
        self._is_busy = False
        self._background = Background(LAST_S)

    def note(self, status: FeedStatus) -> None:
        self._feed = status

    def follow(self, view: "TradingView") -> None:
        """Tell of trading too."""
        self._view = view

    def take(self, output: "Output") -> None:
        if self._view:
            self._view.take(output)

    @asynccontextmanager
    async def telling(self, service: "Service") -> AsyncIterator[None]:
        """While it receives. Left well, the work has ended, whatever there is to close."""
        self._service = service
        task = asyncio.create_task(self._tell_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                _log.error("nothing more is told of this run", exc_info=task.exception())
        self._tell("stopped")

    def __enter__(self) -> Self:
        self._background.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        last = self.collect(_words(error) if error else "stopped")
        self._background.do(lambda: self.write(last))
        self._background.__exit__()

    async def _tell_on(self) -> None:
        while True:
            self._tell("")
            await asyncio.sleep(PERIOD_NS / NS_PER_S)

    def _tell(self, ended: str) -> None:
        """One that is not written yet is not waited for."""
        if not self._is_busy:
            self._is_busy = True
            told = self.collect(ended)
            self._background.do(lambda: self.write(told))

    def collect(self, ended: str) -> Told:
        """In the loop."""
        if self._service and self.watched != self._shown:
            self._shown = self.watched
            self._service.watch(self._shown)
        return Told(
            feed=self._feed,
            report=self._service.report if self._service else None,
            copies=self._view.copies(self.watched) if self._view else None,
            ended=ended,
        )

    def write(self, told: Told) -> None:
        """In the thread."""
        try:
            self.watched = bulletin.read_watched(self.data, wall_ns())
            bulletin.write(self.data, self.made_of(told))
        except OSError as error:
            if not self.unwritten:
                _log.warning("the state of this run is not told: %s", error.strerror)
            self.unwritten += 1
        finally:
            self._is_busy = False

    def made_of(self, told: Told) -> Bulletin:
        now_ns = monotonic_ns()
        self._serial += 1
        self._hear(told.report, now_ns)
        trading = self._view.tell(told.copies, now_ns) if self._view and told.copies else None
        return Bulletin(
            mode=self._mode,
            run_id=self._run_id,
            pid=os.getpid(),
            began_ns=self._began_ns,
            told_ns=wall_ns(),
            serial=self._serial,
            ended=told.ended,
            code=self._code,
            problems=[*told.feed.problems, *_problems(trading)],
            feed=told.feed,
            trading=trading,
            latencies=self._latencies(now_ns),
            books=_books(told),
        )

    def _hear(self, report: "Report | None", now_ns: int) -> None:
        """What the program beside the recorder has timed since its last report; one that was
        started again counts from nothing."""
        if report:
            counts, (before, before_ns) = np.array(report.took), self._took_before
            self._took_before = counts, report.took_ns
            is_new = len(before) == 0 or (counts < before).any()
            more, more_ns = (counts, report.took_ns)
            if not is_new:
                more, more_ns = counts - before, report.took_ns - before_ns
            self._took.add_counts(more, more_ns, now_ns)

    def _latencies(self, now_ns: int) -> list[LatencyStatus]:
        feed = latency_status("feed", self._took, now_ns)
        return [feed, *(self._view.latencies(now_ns) if self._view else [])]


def _books(told: Told) -> list[BookView]:
    if told.copies:
        return told.copies.books
    return told.report.watched if told.report else []


def _problems(trading: Trading | None) -> list[str]:
    if trading is None or trading.latch in BY_HAND:
        return []
    name = trading.latch.replace("_", " ")
    lost, allowed = trading.latch_value / ONE_E6, trading.latch_limit / ONE_E6
    return [f"nothing is bought: {name} of {lost:,.2f} $, and {allowed:,.2f} $ is allowed"]


def _words(error: BaseException) -> str:
    """How it failed."""
    text = str(error) if isinstance(error, HfptmError | OSError) else type(error).__name__
    return "failed: " + redacted(hosts_only(text))
