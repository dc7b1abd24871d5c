"""Recordings made by others, into the lake: `import_paths`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hfptm.errors import ConfigError
from hfptm.lake import Lake
from replay.importers import frames_jsonl, l2_json, quotes, resolvedkit
from replay.importers.base import ImportOptions, ImportReport, Progress, quiet, reject_options

__all__ = ["FORMATS", "ImportOptions", "ImportReport", "import_paths"]

Importer = Callable[[Sequence[Path], ImportOptions, Lake, ImportReport, Progress], None]


class Format(NamedTuple):
    summary: str
    options: tuple[str, ...]
    """The options of `ImportOptions` that it uses."""
    importer: Importer


FORMATS = {
    frames_jsonl.NAME: Format(
        "frames of the exchange as received, one JSON record a line",
        frames_jsonl.OPTIONS,
        frames_jsonl.import_files,
    ),
    l2_json.NAME: Format(
        "sampled books and trades of one market's two tokens, JSON arrays",
        l2_json.OPTIONS,
        l2_json.import_folder,
    ),
    resolvedkit.NAME: Format(
        "sampled books of settled up/down markets, Parquet",
        resolvedkit.OPTIONS,
        resolvedkit.import_folder,
    ),
    quotes.NAME: Format(
        "polled best quotes of many outcomes, Parquet",
        quotes.OPTIONS,
        quotes.import_files,
    ),
}


def import_paths(
    format_name: str,
    paths: Sequence[Path],
    options: ImportOptions,
    lake: Lake,
    progress: Progress = quiet,
) -> ImportReport:
    """Import recordings of one format; a second time it changes nothing.

    Raises ConfigError for options, InputError for files that are not what they were said to be
    (of them nothing is imported), DamagedInputError after everything before the damage was
    imported.
    """
    chosen = FORMATS.get(format_name)
    if chosen is None:
        known = ", ".join(FORMATS)
        raise ConfigError("import", "format", f"{format_name}: expected one of {known}")
    if not paths:
        raise ConfigError("import", "paths", "none given")
    reject_options(options, format_name, chosen.options)
    report = ImportReport(format=format_name, paths=[str(path) for path in paths])
    chosen.importer(paths, options, lake, report, progress)
    return report
