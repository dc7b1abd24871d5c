"""Commands that say what was really possible: what could be caught, and how long it takes."""

from typing import Annotated

import typer

from hfptm.cli.options import AsJson, Data, folder
from hfptm.cli.output import show


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
