"""Names of the recorder's segments, and which of them stand in for others.

    20260429T021043288Z-5f3a9c01       one log, sealed
    20260429T021043288Z-5f3a9c01+22    it and the 22 after it, merged

A merged file lists in its metadata what it holds. From its publishing on those files are hidden,
whether they are removed yet or not: no reader sees a row twice.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from hfptm.parquet import open_table

MERGED_MARK = "+"

RECORDED = re.compile(r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{8}(\+[0-9]+)?")
"""Every name that a recorder makes; an import's is another."""

_MERGED_KEY = b"hfptm.merged"


def merged_name(segments: Sequence[str]) -> str:
    """Of the file that holds these sealed segments, which are in order of name."""
    return f"{segments[0]}{MERGED_MARK}{len(segments) - 1}"


def merged_schema(schema: pa.Schema, segments: Sequence[str], replaced: Sequence[str]) -> pa.Schema:
    """`segments`: sealed ones whose rows the file holds; `replaced`: the files it stands in for."""
    listed = msgspec.json.encode(_Merged(list(segments), list(replaced)))
    return schema.with_metadata({**schema.metadata, _MERGED_KEY: listed})


def segments_of(path: Path) -> list[str]:
    """The sealed segments whose rows a file holds: its own, or those it was merged from."""
    return _merged(path).segments if _is_merged(path) else [path.stem]


def replaced_by(path: Path) -> list[str]:
    """Names of the files beside it that a merged file stands in for."""
    return _merged(path).replaced if _is_merged(path) else []


def hidden(paths: Iterable[Path]) -> set[Path]:
    """Those of a lake's files that a merged one among them stands in for."""
    found = set(paths)
    in_folder = Counter(path.parent for path in found)
    # Merged and alone is how nearly every hour ends: its metadata need not be read.
    merged = [path for path in found if _is_merged(path) and in_folder[path.parent] > 1]
    return found & {path.with_name(name) for path in merged for name in _merged(path).replaced}


class _Merged(msgspec.Struct):
    segments: list[str]
    replaced: list[str]


def _is_merged(path: Path) -> bool:
    return MERGED_MARK in path.stem and RECORDED.fullmatch(path.stem) is not None


def _merged(path: Path) -> _Merged:
    with open_table(path) as file:
        metadata = file.schema_arrow.metadata
    return msgspec.json.decode(metadata[_MERGED_KEY], type=_Merged)
