"""Looks at a data folder four times a second, and tells whoever listens what it finds."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from hfptm import bulletin
from hfptm.clock import wall_ns
from hfptm.dash.history import History
from hfptm.dash.streams import Streams
from hfptm.dash.view import ALERTS_MAX, Around, Seen, state
from hfptm.errors import LakeError

LOOK_S = 0.25

_log = logging.getLogger(__name__)


class Alerter(Protocol):
    """Decides what is worth a message, and sends it."""

    @property
    def recent(self) -> Sequence[msgspec.Struct]:
        """What was, newest first."""

    def look(
        self, bulletin: bulletin.Bulletin | None, now_ns: int, *, is_orphan: bool = False
    ) -> None:
        """Called at each look; it neither raises nor waits. `is_orphan`: who was watched is gone,
        whatever the bulletin says."""


class Switch(msgspec.Struct, frozen=True):
    """The kill switch of a data folder."""

    reason: Callable[[], str | None]
    """Why it was thrown; None if it was not."""
    throw: Callable[[str], None]
    """For a reason. Raises OSError."""


class Monitor:
    """Of one data folder. `now_ns` is the clock, UTC."""

    def __init__(
        self,
        data: Path,
        switch: Switch,
        alerter: Alerter,
        now_ns: Callable[[], int] = wall_ns,
    ) -> None:
        self.data = data
        self.switch = switch
        self.history = History()
        self.streams = Streams()
        self._alerter = alerter
        self._now_ns = now_ns
        self._bulletin: bulletin.Bulletin | None = None
        self._problem = ""
        self._read: tuple[int, int, int] | None = None
        self._told: object = None

    def seen(self) -> Seen:
        return Seen(bulletin=self._bulletin, problem=self._problem, now_ns=self._now_ns())

    def alerts(self) -> list[msgspec.Struct]:
        """Newest first."""
        return list(self._alerter.recent)[:ALERTS_MAX]

    def state(self) -> bytes:
        """As JSON, in one line."""
        seen = self.seen()
        return state(
            seen,
            Around(
                history_until_ns=self.history.until_ns,
                alerts=self.alerts(),
                is_alive=seen.is_alive,
                age_ns=seen.age_ns,
                killed=self.switch.reason(),
                can_kill=os.access(self.data if self.data.exists() else Path(), os.W_OK),
            ),
        )

    async def run(self, stop: asyncio.Event, *, is_beside: bool = False) -> None:
        """Look until `stop`, and once more then. `is_beside`: `stop` is the end of whoever is
        watched."""
        while not stop.is_set():
            self.look()
            try:
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()
            except TimeoutError:
                continue
        self.look(is_orphan=is_beside)
        self.streams.close()

    def look(self, *, is_orphan: bool = False) -> None:
        self._refresh()
        self._alerter.look(self._bulletin, self._now_ns(), is_orphan=is_orphan)
        told = (self._read, self.seen().is_alive, self.switch.reason(), self.alerts()[:1])
        if told != self._told:
            self._told = told
            self.tell()

    def tell(self) -> None:
        """Publish the state, if anybody reads."""
        if self.streams.open:
            self.streams.publish(self.state())

    def _refresh(self) -> None:
        """Read the bulletin if it is another one than before."""
        try:
            found = bulletin.bulletin_path(self.data).stat()
            read = found.st_ino, found.st_mtime_ns, found.st_size
            if read == self._read:
                return
            self._bulletin, self._problem = bulletin.read(self.data), ""
        except FileNotFoundError:
            read, self._bulletin, self._problem = None, None, ""
        except (LakeError, OSError) as error:
            if str(error) != self._problem:
                _log.warning("%s", error)
            read, self._bulletin, self._problem = None, None, str(error)
        self._read = read
        if self._bulletin is not None:
            self.history.note(self._bulletin)
