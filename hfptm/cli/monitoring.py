"""The process that watches a data folder: its page, and its alerts.

`hfptm dashboard` runs it by itself. Beside a run it is `python -m hfptm.cli.monitoring`, which is
told on its standard input what to watch, and ends when that ends.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import msgspec

from hfptm.alerts import Watch
from hfptm.cli.log_output import logged
from hfptm.config import Config, environment
from hfptm.dash.access import Access
from hfptm.dash.app import Dashboard
from hfptm.dash.monitor import Monitor, Switch
from hfptm.dash.server import is_own, listen, serve
from hfptm.drive import kill_switch
from hfptm.errors import ConfigError
from hfptm.secrets import DEFAULT_PATH, WatchSecrets, forbid_core_dumps, load_watching

NICE = 10
"""Whoever watches comes after whoever trades."""


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """What a process beside a run is told first."""

    config: Config
    data: str
    handle: int
    """Of the socket that it serves; -1: it serves none."""


def listening_at(address: str, port: int, secrets: WatchSecrets, wait_s: float) -> socket.socket:
    """Raises ConfigError if that cannot be, or must not be."""
    if not is_own(address) and secrets.dashboard_token is None:
        problem = (
            f"other machines reach {address}, so it needs a dashboard_token; write one into "
            f"{DEFAULT_PATH}, or stay at 127.0.0.1 and come through ssh -L"
        )
        raise ConfigError("dashboard", "dashboard.address", problem)
    return listen(address, port, wait_s)


async def monitored(
    settings: Config,
    data: Path,
    secrets: WatchSecrets,
    listening: socket.socket | None,
    stop: asyncio.Event,
    *,
    is_beside: bool = False,
) -> None:
    """Watch until `stop`; then what there is to tell is told."""

    def throw(reason: str) -> None:
        kill_switch.throw(data, reason)

    switch = Switch(reason=lambda: kill_switch.reason_of(data), throw=throw)
    watch = Watch(data, settings, secrets.alert_addresses, switch.reason)
    monitor = Monitor(data, switch, watch)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(monitor.run(stop, is_beside=is_beside))
            if listening is not None:
                app = Dashboard(monitor, Access(secrets.dashboard_token)).app()
                tasks.create_task(serve(app, listening, stop))
    finally:
        if listening is not None:
            listening.close()  # the next run wants the port while this one still tells of the last
        await asyncio.to_thread(watch.close)


async def _beside(begin: Begin) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # They are meant for the run: how it ends is still to be seen.
        loop.add_signal_handler(number, lambda: None)

    def wait() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="parent", daemon=True).start()
    secrets = load_watching(DEFAULT_PATH, environment())
    with ExitStack() as held:
        listening = None
        if begin.handle >= 0:
            listening = held.enter_context(socket.socket(fileno=begin.handle))
        await monitored(begin.config, Path(begin.data), secrets, listening, stop, is_beside=True)


def main() -> None:
    forbid_core_dumps()
    os.nice(NICE)
    begin = msgspec.json.decode(sys.stdin.buffer.readline(), type=Begin)
    # The run reads it from the pipe, and has the file.
    with logged(msgspec.structs.replace(begin.config.log, format="json", file="")):
        asyncio.run(_beside(begin))


if __name__ == "__main__":
    main()
