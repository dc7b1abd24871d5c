"""The command that writes a page of a run or a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from hfptm.cli.options import AsJson, Data, folder
from hfptm.cli.output import show


def report(
    name: Annotated[
        str, typer.Argument(metavar="RUN|SWEEP", help="By its id; `hfptm runs` lists the runs.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write.  [default: its id with .html, here]"),
    ] = None,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML file of a run or a sweep: verdict, figures, coverage, settings. Offline."""
    from replay.page import write_page

    page = write_page(folder(data), name, output)
    if as_json:
        show(as_json, {"page": str(page)}, str)
    else:
        print(page)  # in one line, however long: a table would break it
