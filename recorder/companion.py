"""The recorder's hold on the program beside it: started, listened to, started again if it dies.

What it does stands in `recorder.aside`. Receiving goes on without it; only news waits.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Self

import msgspec

from hfptm.errors import HfptmError, VenueError
from recorder import talk
from recorder.changes import Ended

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
STOP_S = 0.5
"""What it is given to end by itself; killed, it leaves nothing that it does not set right."""

_CHUNK_BYTES = 1 << 16
_log = logging.getLogger(__name__)

Told = talk.Found | talk.Answer | talk.Doubted | talk.ClockAsked | talk.Report


class Companion:
    """Use as an async context manager, and iterate over `told`."""

    def __init__(self, begin: talk.Begin) -> None:
        self.restarts = 0
        self.report: talk.Report | None = None
        """Its last one."""
        self._begin = begin
        self._process: Process | None = None
        self._recorded: set[int] = set()
        self._is_complete = False
        """Whether this process has said what is to be recorded."""
        self._wait_s = FIRST_WAIT_S

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._stop(self._process)

    @property
    def pid(self) -> int | None:
        """Of the process that runs at the moment."""
        return self._process.pid if self._process else None

    async def told(self) -> AsyncGenerator[Told]:
        """Endless. Raises VenueError if the exchange does not answer its very first question, and
        HfptmError if the program cannot even begin.
        """
        while True:
            process = self._process
            if process is None or process.stdout is None:
                raise HfptmError("the companion was not started: use it in an `async with`")
            while message := await talk.receive(process.stdout, talk.TO_RECORDER):
                if (told := self._take(message)) is not None:
                    yield told
            await self._restart(process)

    def ask(self, markets: Iterable[int]) -> None:
        """Have it look whether the exchange has more of these than was received."""
        asked = list(markets)
        if asked:
            self._tell(talk.Ask(asked))

    def hear(self, payload: bytes, ts_recv_ns: int) -> None:
        """A frame with news of a market."""
        self._tell(talk.Heard(payload, ts_recv_ns))

    def watch(self, markets: list[int]) -> None:
        """Have its reports show the books of these."""
        self._tell(talk.Watch(markets))

    def _take(self, message: talk.ToRecorder) -> Told | None:
        match message:
            case talk.Found():
                self._wait_s = FIRST_WAIT_S
                return self._complete(message)
            case talk.Logged(level=level, logger=logger, text=text):
                logging.getLogger(logger).log(level, "%s", text)
            case talk.Refused(url=url, setting=setting, problem=problem):
                error = VenueError(url, setting, problem)
                if not self._recorded and not self.restarts:
                    raise error
                _log.warning("companion: %s", error)
            case talk.Report():
                self.report = message
                return message
            case _:
                return message
        return None

    def _complete(self, found: talk.Found) -> talk.Found:
        """One that was started again does not know what its predecessor had recorded."""
        added = {market.market for market in found.add}
        removed = dict(found.remove)
        if self.restarts and not self._is_complete:
            removed |= dict.fromkeys(self._recorded - added, Ended.CLOSED)
        self._is_complete = True
        self._recorded = (self._recorded - removed.keys()) | added
        return msgspec.structs.replace(found, remove=removed)

    async def _start(self) -> None:
        command = (sys.executable, "-m", "recorder.aside")
        # In a session of its own: a Ctrl-C is meant for the recorder.
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self._is_complete = False
        self._tell(self._begin)

    async def _restart(self, process: Process) -> None:
        code = await process.wait()
        if not self._recorded and not self.restarts:
            problem = f"the program beside the recorder ended ({code}) before it found a market"
            raise HfptmError(f"{problem}; its own message stands above")
        _log.error("companion ended (%d); started again in %.0f s", code, self._wait_s)
        await asyncio.sleep(self._wait_s)
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self.restarts += 1
        await self._start()

    def _tell(self, message: talk.ToCompanion) -> None:
        process = self._process
        if process is not None and process.stdin is not None and process.returncode is None:
            process.stdin.write(talk.packed(message))

    async def _stop(self, process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(_ended(process), STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):  # it may just have ended
                process.kill()
            await _ended(process)


async def _ended(process: Process) -> None:
    """A process has ended only when its last words have been read."""
    while process.stdout is not None and await process.stdout.read(_CHUNK_BYTES):
        continue
    await process.wait()
