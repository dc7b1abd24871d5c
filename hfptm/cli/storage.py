"""Commands on the recorder's files: merge small ones, copy all, remove old ones."""

from typing import Annotated

import typer

from hfptm.cli.checks import WAIT_S
from hfptm.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Overrides,
    configuration,
    existing_folder,
    stamp,
)
from hfptm.cli.output import progress_bar, show
from hfptm.errors import ConfigError


def compact(
    *,
    before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only hours that ended by then, UTC.  [default: now]"),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Merge the small files of every recorded hour that is over. No row changes."""
    from hfptm.clock import wall_ns
    from hfptm.lake import Lake
    from recorder.compact import compact as run
    from recorder.tables import merged_table

    before_ns = wall_ns() if before is None else min(stamp("--before", before), wall_ns())
    with progress_bar("merging") as progress:
        merged = run(Lake(existing_folder(data)), before_ns, progress)
    show(as_json, merged, lambda: merged_table(merged))


def copy(
    *,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Copy every sealed file to storage.copy_url, read it back and compare. Again: what is new."""
    from hfptm.lake import Lake
    from recorder.archive import copy as run
    from recorder.tables import copied_table

    url = configuration(config, overrides).storage.copy_url
    if not url:
        problem = "is empty; name a folder for the copy, such as s3://bucket/folder"
        raise ConfigError("hfptm copy", "storage.copy_url", problem)
    with progress_bar("copying") as progress:
        report = run(Lake(existing_folder(data)), url, progress)
    show(as_json, report, lambda: copied_table(report))


def retain(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")
    ] = False,
    overrides: Overrides = None,
    config: ConfigFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Remove the oldest recorded hours, as storage.keep_days and storage.min_free_mib say.

    Nothing that is not sealed, nor, where storage.copy_url is set, that has no verified copy.
    Ends with 1 if something that had to go stays.
    """
    from hfptm.clock import wall_ns
    from hfptm.lake import Lake
    from recorder.retention import retain as run
    from recorder.retention import settings_of
    from recorder.tables import retention_table

    settings = settings_of(configuration(config, overrides).storage)
    report = run(Lake(existing_folder(data)), settings, wall_ns(), dry_run=dry_run, wait_s=WAIT_S)
    show(as_json, report, lambda: retention_table(report, dry_run=dry_run))
    if not report.is_enough:
        raise typer.Exit(1)
