"""`hfptm dashboard`: what runs in a data folder, as a page, JSON and metrics."""

import asyncio
import sys
from typing import Annotated

import typer

from hfptm.cli.options import AsJson, ConfigFile, Data, Overrides, configuration, folder
from hfptm.cli.output import show

PORT = 3_000


def dashboard(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            metavar="N",
            help="0: any free one.  [default: dashboard.port, or 3000]",
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="IP",
            help="Where it listens; others than this machine's own need a dashboard_token.  "
            "[default: dashboard.address]",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show what runs in a data folder, and send its alerts, until Ctrl-C or SIGTERM."""
    from hfptm.cli.log_output import logged
    from hfptm.cli.monitoring import listening_at, monitored
    from hfptm.cli.recording import stopped_by_signals
    from hfptm.config import environment
    from hfptm.dash.server import address_of
    from hfptm.secrets import DEFAULT_PATH, forbid_core_dumps, load_watching

    forbid_core_dumps()
    settings, place = configuration(config, overrides), folder(data)
    secrets = load_watching(DEFAULT_PATH, environment())
    chosen = settings.dashboard
    where = address or chosen.address, (chosen.port or PORT) if port is None else port

    async def watched() -> None:
        stop = stopped_by_signals()
        await monitored(settings, place, secrets, listening, stop)

    with listening_at(*where, secrets, 0.0) as listening:
        url, is_limited = address_of(listening), secrets.dashboard_token is not None
        told = f"{url} shows {place}{'; it asks for the token' if is_limited else ''}"
        show(as_json, {"url": url, "data": str(place), "needs_token": is_limited}, lambda: told)
        sys.stdout.flush()
        with logged(settings.log):
            asyncio.run(watched())
