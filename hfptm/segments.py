"""Names of the recorder's segments, and which of them stand in for others.

    20260429T021043288Z-5f3a9c01       one log, sealed
    20260429T021043288Z-5f3a9c01+22    it and the 22 after it, merged

A merged file lists in its metadata what it holds. From its publishing on those files are hidden,
whether they are removed yet or not: no reader sees a row twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from hfptm.parquet import open_table

MERGED_MARK = "+"

RECORDED = re.compile(r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{8}(\+[0-9]+)?")
"""Every name that a recorder makes; an import's is another."""

Opener = Callable[[Path], pq.ParquetFile]
"""How a file is opened: one of object storage is not at its path."""

_MERGED_KEY = b"hfptm.merged"


def merged_name(segments: Sequence[str]) -> str:
    """Of the file that holds these sealed segments, which are in order of name."""
    return f"{segments[0]}{MERGED_MARK}{len(segments) - 1}"


class Merger(msgspec.Struct, frozen=True):
    """What a merged file says of itself."""

    segments: list[str]
    """The sealed ones whose rows it holds."""
    replaced: list[str]
    """Names of the files beside it that it stands in for."""
    in_sequence: bool
    """Whether its rows are theirs, one file after the other: none lies in the time of the next."""


def merged_schema(schema: pa.Schema, merger: Merger) -> pa.Schema:
    return schema.with_metadata({**schema.metadata, _MERGED_KEY: msgspec.json.encode(merger)})


def merger_of(path: Path, opened: Opener = open_table) -> Merger | None:
    """None for a file that is not merged."""
    if not _is_merged(path):
        return None
    with opened(path) as file:
        metadata = file.schema_arrow.metadata
    return msgspec.json.decode(metadata[_MERGED_KEY], type=Merger)


def hidden(paths: Iterable[Path], opened: Opener = open_table) -> set[Path]:
    """Those of a lake's files that a merged one among them stands in for."""
    found = set(paths)
    in_folder = Counter(path.parent for path in found)
    # Merged and alone is how nearly every hour ends: its metadata need not be read.
    several = [path for path in found if in_folder[path.parent] > 1]
    mergers = [(path, merger) for path in several if (merger := merger_of(path, opened))]
    return found & {path.with_name(name) for path, merger in mergers for name in merger.replaced}


def _is_merged(path: Path) -> bool:
    return MERGED_MARK in path.stem and RECORDED.fullmatch(path.stem) is not None
