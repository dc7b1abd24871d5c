"""Recorded frames of the exchange: raw rows as they are, event rows by decoding them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from hfptm.errors import DamagedInputError, InputError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.normaliser.normaliser import Normaliser
from hfptm.raw import RawKind
from hfptm.records import GapReason
from hfptm.registry import Group, Market
from hfptm.venue.book_hash import HashChecker
from replay.importers.base import (
    ImportOptions,
    ImportReport,
    Progress,
    Recording,
    segment_name,
)
from replay.importers.definitions import read_groups, read_markets, read_updown_markets
from replay.importers.frame_lines import Frame, FrameLines, frame_fields
from replay.importers.source import Source

NAME = "frames-jsonl"
OPTIONS = ("preset", "fields", "markets", "groups")

_BLOCK_FRAMES = 4_096

RawRow = tuple[int, int, int, int, int, int, bytes]


def import_files(
    paths: Sequence[Path],
    options: ImportOptions,
    lake: Lake,
    report: ImportReport,
    progress: Progress,
) -> None:
    """A recording each: a file of frames (.gz or not), or the folder of frames.jsonl[.gz].

    Streams: memory does not grow with a file. Raises InputError, or DamagedInputError after
    everything before the damage was imported; files after a damaged one are left.
    """
    for path in paths:
        _import_file(path, options, lake, report, progress)


def _import_file(
    path: Path, options: ImportOptions, lake: Lake, report: ImportReport, progress: Progress
) -> None:
    source = Source(_frames_file(path))
    frames = FrameLines(source, frame_fields(options), report)
    stream = iter(frames)
    first = next(stream, None)
    if first is None:
        raise InputError(source.path, "no frame of this preset in it")
    markets, groups = _definitions(source.path, options, first.ts_recv_ns)
    with Recording(lake, segment_name(NAME, frames.first_line), report) as recording:
        recording.define(markets, groups)
        decoder = _Decoder(markets, recording)
        decoder.take(first)
        try:
            for frame in stream:
                decoder.take(frame)
                if decoder.is_block_end:
                    progress(source.position, source.size)
        except DamagedInputError:
            decoder.end(GapReason.DAMAGE)
            recording.finish(is_damaged=True)
            raise
        decoder.end(GapReason.DISCONNECT)
        recording.finish()


class _Decoder:
    """Turns frames into the rows of one recording: raw, events, gaps."""

    def __init__(self, markets: list[Market], recording: Recording) -> None:
        self._recording = recording
        self._normaliser = Normaliser(markets)
        self._hashes = HashChecker(markets)
        self._raw: list[RawRow] = []
        self._last: Frame | None = None

    @property
    def is_block_end(self) -> bool:
        return not self._raw

    def take(self, frame: Frame) -> None:
        last = self._last
        if last is None or last.connection != frame.connection:
            if last:
                self._break(last, b"")
            self._add(frame, RawKind.LINK_UP, b"")
        self._last = frame
        self._add(frame, _raw_kind(frame.payload), frame.payload)
        self._hashes.receive(frame.payload)
        if len(self._raw) >= _BLOCK_FRAMES:
            self._flush()

    def end(self, reason: GapReason) -> None:
        """After the last frame: nothing is known of any market from there on."""
        assert self._last is not None
        self._break(self._last, reason.name.lower().encode())
        self._flush()
        for gap in self._normaliser.unseen.values():
            self._recording.gap(gap)
        report, counters = self._recording.report, self._normaliser.counters
        for verdict, count in self._hashes.counts.items():
            report.hashes[verdict.value] = report.hashes.get(verdict.value, 0) + count
        for name, count in counters.troubles.items():
            report.skip(f"{name} (see docs/wire.md)", count)
        report.frames += counters.frames

    def _break(self, last: Frame, cause: bytes) -> None:
        self._add(last, RawKind.LINK_DOWN, cause)
        self._hashes.disconnect()

    def _flush(self) -> None:
        if self._raw:
            columns = [list(column) for column in zip(*self._raw, strict=True)]
            self._recording.raw(pa.table(columns, schema=SCHEMAS[Kind.RAW]))
            self._raw = []
        self._recording.events(self._normaliser.take())
        for gap in self._normaliser.take_gaps():
            self._recording.gap(gap)

    def _add(self, frame: Frame, kind: RawKind, payload: bytes) -> None:
        """Neither a monotonic clock nor several lines are in such recordings."""
        ts_recv_ns, connection, seq, _ = frame
        self._raw.append((ts_recv_ns, 0, 0, connection, seq, int(kind), payload))
        self._normaliser.receive(ts_recv_ns, 0, connection, int(kind), payload)


def _raw_kind(payload: bytes) -> RawKind:
    """A REST book is a book without `event_type`."""
    is_rest = payload[:1] == b"{" and b'"event_type"' not in payload and b'"bids"' in payload
    return RawKind.REST if is_rest else RawKind.FRAME


def _frames_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in ("frames.jsonl.gz", "frames.jsonl"):
        if (path / name).is_file():
            return path / name
    raise InputError(path, "neither frames.jsonl.gz nor frames.jsonl in this folder")


def _definitions(
    path: Path, options: ImportOptions, valid_from_ns: int
) -> tuple[list[Market], list[Group]]:
    markets = options.markets or path.with_name("markets.jsonl")
    if options.preset == "updown":
        return read_updown_markets(markets, valid_from_ns), []
    beside = path.with_name("groups.jsonl")
    groups = read_groups(options.groups or beside) if options.groups or beside.is_file() else []
    return read_markets(markets, groups), groups
