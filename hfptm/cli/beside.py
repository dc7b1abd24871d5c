"""What a run has beside it: the process that watches it, started, started again, and ended with it.

Nothing of that reaches the run. It is a process of lower priority, whose port the run holds, so
that it is taken before anything begins and stays while the process is another one. It notices by
the end of its standard input that the run is over, however that came.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from hfptm.cli.monitoring import Begin, listening_at
from hfptm.clock import monotonic_ns
from hfptm.config import Config, environment
from hfptm.dash.server import address_of
from hfptm.secrets import DEFAULT_PATH, KEYS, load_watching, variable
from hfptm.units import NS_PER_S

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Before it is started again."""

STEADY_NS = 60 * NS_PER_S
"""Having run for so long, it is started again soon."""

PORT_WAIT_S = 5.0
"""What a run before this one may have left still has the port for a moment."""

STOP_S = 8.0
"""What it is given to tell how the run ended."""

_log = logging.getLogger(__name__)
_LEVELS = logging.getLevelNamesMapping()

T = TypeVar("T")


class _Line(msgspec.Struct):
    """What it logs."""

    level: str
    logger: str
    message: str
    trace: str = ""


class Beside:
    """Made and entered before a run begins, once; `around` what runs.

    There is no such process where `dashboard.port` is 0 and no alert goes anywhere. Raises
    ConfigError if the port cannot be listened on, or must not be.
    """

    def __init__(self, settings: Config, data: Path) -> None:
        secrets = load_watching(DEFAULT_PATH, environment())
        chosen = settings.dashboard
        self._settings, self._data = settings, data
        self._listening = (
            listening_at(chosen.address, chosen.port, secrets, PORT_WAIT_S) if chosen.port else None
        )
        self._is_wanted = self._listening is not None or bool(secrets.alert_addresses)
        self._process: Process | None = None
        self._over = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.close()

    @property
    def pid(self) -> int | None:
        """Of the process that runs at the moment."""
        return self._process.pid if self._process else None

    async def around(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which ends as if it were alone."""
        if not self._is_wanted:
            return await work
        keeping = asyncio.create_task(self._keep())
        try:
            return await work
        finally:
            await self._end(keeping)

    async def _keep(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._over.is_set():
            began_ns = monotonic_ns()
            how = await self._watched()
            if self._over.is_set():
                return
            wait_s = FIRST_WAIT_S if monotonic_ns() - began_ns > STEADY_NS else wait_s
            _log.error("%s; nobody watches for %.0f s, then it is started again", how, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _watched(self) -> str:
        """How it ended."""
        handle = -1 if self._listening is None else self._listening.fileno()
        begin = Begin(config=self._settings, data=str(self._data.absolute()), handle=handle)
        of_trading = {variable(key) for key in KEYS}
        environ = {name: text for name, text in environment().items() if name not in of_trading}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hfptm.cli.monitoring"),
                stdin=PIPE,
                stderr=PIPE,
                env=environ,
                pass_fds=[handle] if handle >= 0 else [],
                start_new_session=True,  # a Ctrl-C is meant for the run
            )
        except OSError as error:
            return f"the process beside this one cannot be started ({error.strerror})"
        if self._process.stdin is not None:
            self._process.stdin.write(msgspec.json.encode(begin) + b"\n")
        if self._listening is not None:
            _log.info("the dashboard is at %s", address_of(self._listening))
        await _relay(self._process)
        return f"the process beside this one ended ({await self._process.wait()})"

    async def _end(self, keeping: "asyncio.Task[None]") -> None:
        self._over.set()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait([keeping], timeout=STOP_S)
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):  # it may just have ended
                self._process.kill()
            await self._process.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
        if not keeping.cancelled() and (error := keeping.exception()):
            _log.error("what kept the process beside this one failed: %s", error)


async def _relay(process: Process) -> None:
    """Its log into this one, until it says no more."""
    if process.stderr is None:
        return
    while True:
        try:
            said = await process.stderr.readline()
        except ValueError:  # a line beyond the reader's limit; what was read of it is gone
            continue
        if not said:
            return
        try:
            line = msgspec.json.decode(said, type=_Line)
        except msgspec.DecodeError:
            _log.warning("beside: %s", said.decode(errors="replace").rstrip())
        else:
            level = _LEVELS.get(line.level.upper(), logging.WARNING)
            text = f"{line.message}\n{line.trace}" if line.trace else line.message
            logging.getLogger(line.logger).log(level, "%s", text)
