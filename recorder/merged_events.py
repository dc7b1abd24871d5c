"""Merged raw segments whose rows stand as events already: the events are merged, not made again.

If the raw rows of the parts lie one part after the other, so do their events, and the merged file
is byte for byte what the normaliser would make of the merged segment.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from hfptm.lake import SCHEMAS, Kind, Lake, hour_ns
from hfptm.parquet import TableFile, open_table
from hfptm.segments import hidden, merged_schema, merger_of
from recorder.manifest import Source, file_sha256, manifest_path, read_manifest


def events_path(lake: Lake, raw: Path) -> Path:
    """Where the events of a raw segment lie."""
    return lake.path(Kind.EVENTS, hour_ns(raw), raw.stem)


def events_schema(raw: Path, raw_sha256: str) -> pa.Schema:
    """Of the events of a raw segment: it says what they were made of, and what it stands in for."""
    schema = SCHEMAS[Kind.EVENTS]
    origin = {"hfptm.source": raw.stem, "hfptm.source_sha256": raw_sha256}
    named = schema.with_metadata({**schema.metadata, **origin})
    merger = merger_of(raw)
    return merged_schema(named, merger) if merger else named


def merge_events(lake: Lake, sources: Sequence[Source], files: Sequence[Path]) -> list[Source]:
    """The sources with those that a merged file among `files` replaced as one, its events there.

    What cannot be taken over so stays as it was, and does not stand any more.
    """
    merged = list(sources)
    for file in files:
        place = _replaced_sources(merged, file)
        parts = merged[place]
        if parts and all(_has_events(lake, file, part) for part in parts):
            merged[place] = [_merge(lake, file, parts)]
    return merged


def remove_merged(lake: Lake, hour: int) -> None:
    """Remove the events of parts, once the manifest names the merged segment in their place."""
    folder = lake.path(Kind.EVENTS, hour, "any").parent
    gone = hidden(folder.glob("*.parquet"))
    manifest = read_manifest(manifest_path(lake, hour)) if gone else None
    standing = {source.segment for source in manifest.sources} if manifest else set()
    for path in gone:
        if path.stem not in standing:
            path.unlink()


def _replaced_sources(sources: Sequence[Source], file: Path) -> slice:
    """Those of the sources that the file was merged from, if its rows are one after the other's."""
    merger = merger_of(file)
    parts = [Path(name).stem for name in merger.replaced] if merger and merger.in_sequence else []
    segments = [source.segment for source in sources]
    start = segments.index(parts[0]) if parts and parts[0] in segments else 0
    is_whole = segments[start : start + len(parts)] == parts
    return slice(start, start + len(parts) if is_whole else start)


def _has_events(lake: Lake, raw: Path, part: Source) -> bool:
    path = events_path(lake, raw.with_stem(part.segment))
    return part.event_rows == 0 or path.exists()


def _merge(lake: Lake, raw: Path, parts: Sequence[Source]) -> Source:
    checksum = file_sha256(raw)
    event_rows = sum(part.event_rows for part in parts)
    return Source(
        segment=raw.stem,
        raw_bytes=raw.stat().st_size,
        raw_sha256=checksum,
        frames=sum(part.frames for part in parts),
        event_rows=event_rows,
        events_sha256=file_sha256(_write(lake, raw, checksum, parts)) if event_rows else "",
    )


def _write(lake: Lake, raw: Path, checksum: str, parts: Sequence[Source]) -> Path:
    lake.clean(raw.stem)
    schema = events_schema(raw, checksum)
    events = TableFile(events_path(lake, raw), schema)
    is_whole = False
    try:
        for part in parts:
            if part.event_rows:
                with open_table(events_path(lake, raw.with_stem(part.segment))) as file:
                    for group in range(file.num_row_groups):
                        table = file.read_row_group(group)
                        events.append(table.replace_schema_metadata(schema.metadata))
        is_whole = True
    finally:
        if not is_whole:
            events.discard()
    events.publish()
    return events.path
