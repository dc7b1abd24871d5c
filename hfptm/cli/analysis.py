"""Commands that say what was really possible: what could be caught, and how long it takes."""

from typing import Annotated

import typer

from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Events,
    FromTime,
    Markets,
    Overrides,
    UntilTime,
    configuration,
    folder,
    selection,
)
from hfptm.cli.output import progress_bar, say_if_compiling, show


def capture(
    *,
    from_: FromTime = None,
    to: UntilTime = None,
    market: Markets = None,
    event: Events = None,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say what was catchable of what was displayed, at each latency, and who took it."""
    from hfptm.engine import is_compiled
    from replay.capture import capture as run
    from replay.capture_report import capture_table

    chosen = selection(from_, to, market, event)
    say_if_compiling(is_compiled())
    with progress_bar("capture") as progress:
        path, found = run(folder(data), configuration(config, overrides), chosen, progress)
    show(as_json, found, lambda: capture_table(found, str(path)))


def latencies(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Of any kind, by its id.")],
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """How long feed, signing, exchange and confirmation took in a run, and when."""
    from replay.latencies import latencies as of_run
    from replay.latencies_report import latencies_table

    found = of_run(folder(data), run)
    show(as_json, found, lambda: latencies_table(found))
