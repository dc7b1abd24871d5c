"""Commands on what is recorded: import it, list it."""

from pathlib import Path
from typing import Annotated

import typer

from hfptm.cli.options import AsJson, Data, decimal, folder, named_fields
from hfptm.cli.output import progress_bar, show


def import_(
    format_name: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="frames-jsonl, l2-json, resolvedkit or quotes."),
    ],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    *,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="frames-jsonl: hfptm or updown.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FIELD", help="frames-jsonl: one field of the records."),
    ] = None,
    markets: Annotated[
        Path | None, typer.Option(metavar="FILE", help="frames-jsonl: markets file.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="quotes: groups file (TOML). frames-jsonl: groups.jsonl."
        ),
    ] = None,
    hold_ms: Annotated[
        int | None,
        typer.Option(metavar="MS", help="Sampled formats: how long a sample is the book."),
    ] = None,
    default_size: Annotated[
        str | None, typer.Option(metavar="SHARES", help="quotes: shares at each quote.")
    ] = None,
    fee_rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Formats without fees: taker fee rate.")
    ] = None,
    slug: Annotated[
        str | None, typer.Option(metavar="SLUG", help="l2-json: the market's slug.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Bring a recording made elsewhere into the lake. Doing it twice changes nothing."""
    from hfptm.lake import Lake
    from replay.importers import ImportOptions, import_paths
    from replay.report import import_table

    options = ImportOptions(
        preset=preset,
        fields=named_fields(field),
        markets=markets,
        groups=groups,
        hold_ms=hold_ms,
        default_size=decimal("--default-size", default_size),
        fee_rate=decimal("--fee-rate", fee_rate),
        slug=slug,
    )
    with progress_bar("importing") as progress:
        report = import_paths(format_name, paths, options, Lake(folder(data)), progress)
    show(as_json, report, lambda: import_table(report))


def lake(data: Data = None, as_json: AsJson = False) -> None:
    """List what is recorded: time, sizes, coverage day by day, markets."""
    from replay.inventory import inventory, inventory_table

    found = inventory(folder(data))
    show(as_json, found, lambda: inventory_table(found))
