"""The events of the lake, derived from what was recorded: hour by hour, segment by segment.

Only raw segments that a recorder sealed are read; imports bring their events along. An hour's
manifest says which segments stand as events already, so that only new ones cost anything; the
normaliser's state stands in it too, and goes on into the next hour. Whatever does not fit any
more (another normaliser, segments merged, removed or come late, a lost events file) makes that hour
again from its start, and all hours after it. How often and in what portions it is run never changes
a byte.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import msgspec
import pyarrow as pa

from hfptm.certificate import GAPS_SEGMENT, Origin, origin_of, path_of
from hfptm.errors import LakeError
from hfptm.lake import NORMALISER, Gap, Kind, Lake, hour_ns
from hfptm.normaliser.normaliser import Normaliser
from hfptm.parquet import HOUR_NS, TableFile, open_table, to_arrow
from hfptm.presence import unread
from hfptm.registry import Market
from hfptm.segments import RECORDED
from recorder.known_markets import known_versions
from recorder.lock import ProcessLock
from recorder.manifest import (
    Manifest,
    Source,
    file_sha256,
    manifest_path,
    read_manifest,
    state_before,
    state_sha256,
    write_manifest,
)
from recorder.merged_events import events_path, events_schema, merge_events, remove_merged

Progress = Callable[[int, int], None]
"""Told (bytes of raw segments done, bytes in all)."""

_BATCH_ROWS = 8_192


class Report(msgspec.Struct, kw_only=True):
    """What a derivation did; files that stood already are not counted."""

    hours: int = 0
    segments: int = 0
    frames: int = 0
    copies: int = 0
    event_rows: int = 0
    event_bytes: int = 0
    gaps: int = 0
    """That began."""


def derivation_lock(lake: Lake, wait_s: float) -> ProcessLock:
    """Held while manifests and what they name belong together."""
    return ProcessLock(lake.root / "manifests" / "lock", "normalising or verifying", wait_s)


def derive(data: Path, progress: Progress, wait_s: float = 0.0) -> Report:
    """Bring all events up to what is sealed.

    Raises HeldError if another process is at it, or verifies, and still is after `wait_s`.
    """
    lake = Lake(data)
    with derivation_lock(lake, wait_s):
        return derive_held(lake, progress)


def derive_held(lake: Lake, progress: Progress) -> Report:
    """The same for who holds the lock. The events of parts go at its end, or the next one's."""
    with lake.reading():
        hours = _hours(lake)
        report = _Derivation(lake, progress).run(hours)
    with unread(lake.root) as is_unread:
        if is_unread:
            for start_ns, _ in hours:
                remove_merged(lake, start_ns)
    return report


def is_behind(lake: Lake) -> bool:
    """Whether segments are new, and all that was derived before stands as it stood."""
    is_new = False
    for start_ns, files in _hours(lake):
        manifest = read_manifest(manifest_path(lake, start_ns))
        sources = manifest.sources if manifest else []
        derived = [(source.segment, source.raw_bytes) for source in sources]
        if derived != [(file.stem, file.stat().st_size) for file in files[: len(derived)]]:
            return False
        is_new |= len(derived) < len(files)
    return is_new


def _hours(lake: Lake) -> list[tuple[int, list[Path]]]:
    files = [path for path in lake.files(Kind.RAW) if origin_of(path) is Origin.RECORDED]
    return [(start_ns, list(some)) for start_ns, some in groupby(files, key=hour_ns)]


class _Derivation:
    def __init__(self, lake: Lake, progress: Progress) -> None:
        self._lake = lake
        self._progress = progress
        self._report = Report()
        self._stood_so_far = True
        self._done_bytes = 0
        self._all_bytes = 0

    def run(self, hours: list[tuple[int, list[Path]]]) -> Report:
        self._all_bytes = sum(path.stat().st_size for _, files in hours for path in files)
        # Hours before the first are gone, by retention; what they left behind goes on.
        state = state_before(self._lake, hours[0][0]) if hours else b""
        for start_ns, files in hours:
            state = self._run_hour(start_ns, files, state)
        return self._report

    def _run_hour(self, start_ns: int, files: list[Path], before: bytes) -> bytes:
        """The state at its end."""
        path = manifest_path(self._lake, start_ns)
        manifest = self._merged(path, files)
        self._stood_so_far &= manifest is not None and self._stands(manifest, files, before)
        if manifest is None or not self._stood_so_far:
            manifest = Manifest(before=state_sha256(before), state=before)
            self._clear(start_ns, path)
        for file in files[: len(manifest.sources)]:
            self._advance(file)
        remaining = files[len(manifest.sources) :]
        if remaining:
            self._report.hours += 1
            # A certificate is of files that are not all of the hour any more.
            path_of(self._lake, start_ns, Origin.RECORDED).unlink(missing_ok=True)
            normaliser = Normaliser(listed(self._lake, start_ns), manifest.state)
            for file in remaining:
                manifest.sources.append(self._run_file(normaliser, file))
                manifest.state = normaliser.save()
                write_manifest(path, manifest)
                self._advance(file)
        return manifest.state

    def _merged(self, path: Path, files: list[Path]) -> Manifest | None:
        """The hour's manifest, with the segments that were merged since as one."""
        manifest = read_manifest(path)
        if manifest is None or manifest.normaliser != NORMALISER:
            return manifest
        sources = merge_events(self._lake, manifest.sources, files)
        if sources != manifest.sources:
            manifest.sources = sources
            write_manifest(path, manifest)
        return manifest

    def _stands(self, manifest: Manifest, files: list[Path], before: bytes) -> bool:
        """Whether what it says is done is so, and is what comes first."""
        if manifest.normaliser != NORMALISER or manifest.before != state_sha256(before):
            return False
        if len(manifest.sources) > len(files):
            return False
        return all(
            (source.segment, source.raw_bytes) == (file.stem, file.stat().st_size)
            and events_path(self._lake, file).exists() == (source.event_rows > 0)
            for source, file in zip(manifest.sources, files, strict=False)
        )

    def _clear(self, start_ns: int, manifest: Path) -> None:
        """A reader in between finds a hole, but never the same rows twice."""
        manifest.unlink(missing_ok=True)
        folder = self._lake.path(Kind.EVENTS, start_ns, "any").parent
        for path in folder.glob("*.parquet"):
            if RECORDED.fullmatch(path.stem):
                path.unlink()
        self._lake.path(Kind.GAPS, start_ns, GAPS_SEGMENT).unlink(missing_ok=True)

    def _run_file(self, normaliser: Normaliser, file: Path) -> Source:
        frames, copies = normaliser.tally.frames, normaliser.tally.copies
        unseen = dict(normaliser.unseen)
        checksum = file_sha256(file)
        self._lake.clean(file.stem)
        events = self._write_events(normaliser, file, checksum)
        closed = normaliser.take_gaps()
        self._write_gaps(unseen, normaliser.unseen, closed)
        self._report.segments += 1
        self._report.frames += normaliser.tally.frames - frames
        self._report.copies += normaliser.tally.copies - copies
        self._report.event_rows += events.rows
        if events.rows:
            self._report.event_bytes += events.path.stat().st_size
        return Source(
            segment=file.stem,
            raw_bytes=file.stat().st_size,
            raw_sha256=checksum,
            frames=normaliser.tally.frames - frames,
            event_rows=events.rows,
            events_sha256=file_sha256(events.path) if events.rows else "",
        )

    def _write_events(self, normaliser: Normaliser, file: Path, checksum: str) -> TableFile:
        schema = events_schema(file, checksum)
        events = TableFile(events_path(self._lake, file), schema)
        is_whole = False
        try:
            for batch in read_batches(file):
                receive_batch(normaliser, batch)
                events.append(to_arrow(normaliser.take(), schema))
            is_whole = events.rows > 0
        finally:
            if not is_whole:
                events.discard()
        if is_whole:
            events.publish()
        return events

    def _write_gaps(self, before: dict[int, Gap], now: dict[int, Gap], closed: list[Gap]) -> None:
        """A gap stands in the hour in which it began, first without an end."""
        begun = [gap for market, gap in now.items() if before.get(market) != gap]
        self._report.gaps += len(begun) + sum(
            (gap.from_ns, gap.market) not in {(g.from_ns, g.market) for g in before.values()}
            for gap in closed
        )
        by_hour: dict[int, list[Gap]] = {}
        for gap in [*begun, *closed]:
            by_hour.setdefault(gap.from_ns // HOUR_NS * HOUR_NS, []).append(gap)
        for start_ns, gaps in by_hour.items():
            path = self._lake.path(Kind.GAPS, start_ns, GAPS_SEGMENT)
            stored = read_gaps(path) if path.exists() else []
            known = {(gap.from_ns, gap.market): gap for gap in [*stored, *gaps]}
            self._lake.write_gaps(GAPS_SEGMENT, known.values())

    def _advance(self, file: Path) -> None:
        self._done_bytes += file.stat().st_size
        self._progress(self._done_bytes, self._all_bytes)


def read_gaps(path: Path) -> list[Gap]:
    return msgspec.convert(open_table(path).read().to_pylist(), list[Gap])


def read_batches(raw: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a raw file, in portions of bounded size; raises LakeError if it is damaged."""
    with open_table(raw) as file:
        try:
            yield from file.iter_batches(_BATCH_ROWS)
        except (OSError, pa.ArrowException) as error:
            raise LakeError(
                f"{raw}: damaged ({error}); put a copy of it back, or move it out of the lake and "
                "run `hfptm normalize` again: its hour will show a gap"
            ) from error


def receive_batch(normaliser: Normaliser, batch: pa.RecordBatch) -> None:
    names = ("ts_recv_ns", "line", "connection", "kind", "payload")
    columns = [batch.column(name).to_numpy(zero_copy_only=False).tolist() for name in names]
    for row in zip(*columns, strict=True):
        normaliser.receive(*row)


def listed(lake: Lake, start_ns: int) -> list[Market]:
    """The markets of an hour, each as it was when the hour began, or as it was first known."""
    listed: dict[int, Market] = {}
    for market in known_versions(lake, start_ns, start_ns + HOUR_NS):
        if market.market not in listed or market.valid_from_ns <= start_ns:
            listed[market.market] = market
    return list(listed.values())
