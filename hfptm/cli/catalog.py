"""Commands that ask: SQL over recordings, runs and sweeps, and notebooks on them."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfptm.cli.options import Data, folder
from hfptm.cli.output import say
from hfptm.errors import ConfigError, InputError, LakeError

if TYPE_CHECKING:
    from hfptm.catalog.query import Query

SHOWN_ROWS = 1_000
"""On a terminal; --csv and --json give all."""


def sql(
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help="One SELECT; after --columns, the name of a view."),
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Take the query from a file.")
    ] = None,
    columns: Annotated[
        bool, typer.Option("--columns", help="Say what each view holds, or each column of one.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the rows as a JSON array.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Data folder, or its address in object storage, as s3://bucket/folder."
            "  [default: $HFPTM_DATA_DIR, else data/]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Ask with SQL what was recorded, run and swept. Reads only."""
    from hfptm.catalog import connect
    from hfptm.catalog.query import Query, about_columns, about_views, lock

    address = _address(data)
    with connect(address) as connection:
        lock(connection, address)
        if columns:
            asked = about_views() if query is None else about_columns(connection, query)
        else:
            asked = _query(query, file)
        question = Query(connection, asked)
        if as_json:
            _print_json(question)
        elif as_csv:
            _print_csv(question)
        else:
            _print_table(question)


def lab(data: Data = None) -> None:
    """Open JupyterLab on the notebooks, on this machine alone, behind its token."""
    from hfptm.config import DATA_DIR_VARIABLE, environment

    notebooks = Path(__file__).parents[2] / "notebooks"
    if not any(notebooks.glob("*.ipynb")):
        raise LakeError(f"{notebooks}: no notebooks; run hfptm from its own checkout")
    paths = (str(notebooks.parent), environment().get("PYTHONPATH", ""))
    variables = {
        DATA_DIR_VARIABLE: str(folder(data).absolute()),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={notebooks}"]
    if os.geteuid() == 0:  # in a container everybody is
        options.append("--allow-root")
    command = (sys.executable, "-m", "jupyterlab", *options)
    os.execve(sys.executable, command, {**environment(), **variables})


def _address(data: str | None) -> str:
    """Raises LakeError for a folder that holds nothing that a view shows."""
    if data and "://" in data:
        return data.rstrip("/")
    where = folder(Path(data) if data else None)
    if not any((where / name).is_dir() for name in ("lake", "runs", "sweeps")):
        raise LakeError(
            f"{where}: nothing recorded, run or swept there; name the data folder with --data, or "
            "make one with `hfptm demo`"
        )
    return str(where.absolute())


def _query(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise ConfigError("command line", "QUERY", "write one, or name its --file")
    if file is None:
        return query or ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(file, f"no query can be read from it ({error})") from error


def _print_json(question: "Query") -> None:
    lead = "["
    for row in question.objects():
        print(f"{lead}{row}", end="")
        lead = ",\n"
    print("[]" if lead == "[" else "]")


def _print_csv(question: "Query") -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(column.name for column in question.columns)
    writer.writerows(question.rows())


def _print_table(question: "Query") -> None:
    """A row is a line, however wide: what does not fit is for the terminal to wrap."""
    from itertools import islice

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = question.rows()
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in question.columns:
        made.add_column(
            Text(column.name), justify="right" if column.is_number else "left", no_wrap=True
        )
    for row in islice(rows, SHOWN_ROWS):
        made.add_row(*(Text(value or "") for value in row))
    wide = Console(width=1 << 16)
    Console(width=wide.measure(made).maximum).print(made)
    if next(rows, None) is not None:
        say(f"the first {SHOWN_ROWS:,} rows; --csv and --json print all")
