"""`hfptm live`: the same kernel with real orders, and what forbids that it begins."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.flip import Confirmed, require_flip
from hfptm.cli.killed import close_runs, close_shadows
from hfptm.cli.live_run import traded
from hfptm.cli.operating import redeem_left, sets_problem, transacts
from hfptm.cli.options import (
    Anew,
    AsJson,
    ConfigFile,
    Data,
    Duration,
    Overrides,
    Resume,
    configuration,
    duration_ns,
    folder,
)
from hfptm.cli.output import say_if_compiling, show
from hfptm.cli.paper import require_no_halt
from hfptm.cli.recording import live_status

if TYPE_CHECKING:
    from hfptm.config import Config
    from hfptm.drive.inputs import Start
    from hfptm.secrets import Secrets


def live(
    *,
    duration: Duration = None,
    resume: Resume = False,
    anew: Anew = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Sign and journal all orders, and send none.")
    ] = False,
    confirmed: Confirmed = False,
    data: Data = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Trade with real orders, and record it, until Ctrl-C or SIGTERM; the next run goes on."""
    import uvloop
    from msgspec.structs import replace

    from hfptm.cli.beside import Beside
    from hfptm.config import environment
    from hfptm.drive.inputs import SHADOW
    from hfptm.engine import compile_kernels, is_compiled
    from hfptm.secrets import DEFAULT_PATH, forbid_core_dumps, load
    from hfptm.venue.account import Account
    from replay.report import summary_table

    forbid_core_dumps()
    limit_ns = None if duration is None else duration_ns("--duration", duration)
    settings, place = configuration(config, overrides), folder(data)
    require_written(settings)
    secrets = load(DEFAULT_PATH, environment())
    require_sets(settings, secrets)
    require_no_halt(place)
    with Beside(settings, place) as beside:
        if shadow:
            close_shadows(place)
        else:
            require_flip(settings, place, Account(secrets), is_confirmed=confirmed)
            close_runs(settings, place, secrets)
        start = begun(place, is_anew=anew, is_resumed=resume)
        if shadow:
            start = replace(start, mode=SHADOW)
        else:
            left = asyncio.run(redeem_left(settings, secrets, place, start))
            start = replace(start, unredeemed=left)
        say_if_compiling(is_compiled())
        compile_kernels()
        asyncio.run(require_account(settings, secrets, start))
        with (
            live_status(settings.log) as shown,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            work = traded(settings, place, (start, secrets), limit_ns, shown)
            summary = runner.run(beside.around(work))
    show(as_json, summary, lambda: summary_table(summary))


def require_written(settings: "Config") -> None:
    """Raises ConfigError with the first thing that is not written down as it has to be."""
    from hfptm.drive.checks import written_checks
    from hfptm.errors import ConfigError

    for check in written_checks(settings):
        if check.problem:
            raise ConfigError("configuration", check.name, check.problem)


def require_sets(settings: "Config", secrets: "Secrets") -> None:
    """Raises ConfigError if complete sets cannot be left as the kernel would."""
    from hfptm.errors import ConfigError

    if problem := sets_problem(settings, secrets):
        raise ConfigError("configuration", "trading.complete_sets", problem)


async def require_account(settings: "Config", secrets: "Secrets", start: "Start") -> None:
    """Raises StartError with the first thing at the exchange that forbids trading."""
    from hfptm.drive.checks import exchange_checks
    from hfptm.drive.clob import Clob
    from hfptm.drive.node_check import node_check
    from hfptm.errors import StartError
    from hfptm.venue.account import Account

    async with Clob(settings.server.clob_url, Account(secrets)) as clob:
        found = await exchange_checks(settings, clob, secrets.signature_type, start.portfolio)
    if transacts(settings, secrets):
        found.append(await node_check(settings.server, secrets))
    for check in found:
        if check.problem:
            raise StartError(check.name, check.problem)


def begun(data: Path, *, is_anew: bool, is_resumed: bool) -> "Start":
    """What the run goes on with."""
    from hfptm.drive.inputs import LIVE, Start
    from replay.paper_run import last_run, start_after

    last = None if is_anew else last_run(data, LIVE)
    return start_after(data, last, is_resumed=is_resumed) if last else Start(mode=LIVE)
