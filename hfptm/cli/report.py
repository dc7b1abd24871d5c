"""The command that writes a page of a run or a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from hfptm.cli.options import Data, folder


def report(
    name: Annotated[
        str, typer.Argument(metavar="RUN|SWEEP", help="By its id; `hfptm runs` lists the runs.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write.  [default: its id with .html, here]"),
    ] = None,
    data: Data = None,
) -> None:
    """Write one HTML file of a run or a sweep: verdict, figures, coverage, settings. Offline."""
    from replay.page import write_page

    print(write_page(folder(data), name, output))
