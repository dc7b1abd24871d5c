"""`hfptm record`: receive the exchange's market channel until told to stop."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Overrides,
    configuration,
    duration_ns,
    folder,
)
from hfptm.cli.output import show

if TYPE_CHECKING:
    from rich.table import Table

    from recorder.service import Service, Summary


def record(
    *,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="End after 90s, 10m or 24h.")
    ] = None,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Record the market channel, until Ctrl-C or SIGTERM."""
    import uvloop

    from recorder.service import Service
    from recorder.watchdog import Patience, Watchdog

    limit_ns = None if duration is None else duration_ns("--duration", duration)
    service = Service(configuration(config, overrides), folder(data), Watchdog(Patience()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        summary = runner.run(until_stopped(service, limit_ns))
    show(as_json, summary, lambda: summary_table(summary))


async def until_stopped(service: "Service", limit_ns: int | None) -> "Summary":
    """Ctrl-C, SIGTERM and the end of the duration are how it is meant to end."""
    from hfptm.units import NS_PER_S

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if limit_ns is not None:
        loop.call_later(limit_ns / NS_PER_S, stop.set)
    return await service.run(stop)


def summary_table(summary: "Summary") -> "Table":
    from hfptm.tables import duration, pairs

    rows = [
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
