"""The program: every command by its name, and how a run of it ends."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hfptm import __version__
from hfptm.cli import (
    again,
    alerts,
    analysis,
    catalog,
    checks,
    dashboard,
    data,
    doctor,
    live,
    paper,
    record,
    report,
    runs,
    sandbox,
    storage,
    sweeps,
    switch,
)
from hfptm.cli.output import say
from hfptm.errors import HfptmError

app = typer.Typer(
    help="Record, replay and paper-trade arbitrage on Polymarket, honestly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its import alone doubles the time to the first line of help
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def version(wanted: bool) -> None:
    if wanted:
        print(f"hfptm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


# In the order of the help.
app.command()(record.record)
app.command("import")(data.import_)
app.command()(checks.normalize)
app.command()(checks.verify)
app.command()(runs.replay)
app.command()(sweeps.sweep)
app.command()(sweeps.tune)
app.command()(runs.calibrate)
app.command()(paper.paper)
app.command()(live.live)
app.command()(dashboard.dashboard)
app.command()(again.parity)
app.command()(again.compare)
app.command()(again.gap)
app.command()(analysis.capture)
app.command()(analysis.latencies)
app.command()(runs.runs)
app.command()(report.report)
app.command()(doctor.doctor)
app.command("alert-test")(alerts.alert_test)
app.command()(switch.kill)
app.command()(switch.resume)
app.command()(data.lake)
app.command()(catalog.sql)
app.command()(catalog.lab)
app.command()(storage.compact)
app.command()(storage.copy)
app.command()(storage.retain)
app.command()(runs.demo)
app.add_typer(sandbox.app, name="sandbox")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, of this process's own arguments unless others are given, and exits."""
    try:
        app(arguments, prog_name="hfptm")
    except (HfptmError, OSError) as error:  # no permission, no space: a traceback explains neither
        say(str(error))
        sys.exit(error.exit_code if isinstance(error, HfptmError) else 1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            say("interrupted; nothing unfinished looks whole")
        raise
