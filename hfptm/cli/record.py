"""`hfptm record`: receive the exchange's market channel until told to stop."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Duration,
    Overrides,
    configuration,
    duration_ns,
    folder,
)
from hfptm.cli.output import show
from hfptm.cli.recording import live_status, stopped_by_signals, told_to_systemd

if TYPE_CHECKING:
    from rich.table import Table

    from hfptm.config import Config
    from recorder.service import Listener, Summary


def record(
    *,
    duration: Duration = None,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Record the market channel, until Ctrl-C or SIGTERM."""
    import uvloop

    from hfptm.cli.beside import Beside

    limit_ns = None if duration is None else duration_ns("--duration", duration)
    settings, lake = configuration(config, overrides), folder(data)
    with (
        Beside(settings, lake) as beside,
        live_status(settings.log) as shown,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        summary = runner.run(beside.around(until_stopped(settings, lake, limit_ns, shown)))
    show(as_json, summary, lambda: summary_table(summary, lake))


async def until_stopped(
    settings: "Config", data: Path, limit_ns: int | None, shown: "Listener"
) -> "Summary":
    """Ctrl-C, SIGTERM and the end of the duration are how it is meant to end."""
    from hfptm.cli.publishing import Publisher
    from recorder.service import Service

    stop = stopped_by_signals()
    async with AsyncExitStack() as exits:
        publisher = exits.enter_context(Publisher(data, "record"))
        listeners = [shown, exits.enter_context(told_to_systemd()), publisher.note]
        service = Service(settings, data, listeners, limit_ns=limit_ns)
        await exits.enter_async_context(publisher.telling(service))
        return await service.run(stop)


def summary_table(summary: "Summary", data: Path) -> "Table":
    from hfptm.tables import duration, pairs

    sealed = "and sealed" if summary.is_sealed else "and sealing goes on in its own process"
    rows = [
        ("in", f"{data}, {sealed}"),
        ("time", duration(summary.ran_s)),
        ("frames", f"{summary.frames:,}"),
        ("bytes received", f"{summary.size_bytes:,}"),
        ("rows dropped", f"{summary.dropped_rows:,}"),
        ("markets at the end", f"{summary.markets:,}"),
        ("connections opened, failed", _of(summary)),
    ]
    return pairs("Recorded", rows)


def _of(summary: "Summary") -> str:
    return f"{summary.connections_opened:,}, {summary.connections_failed:,}"
