"""Certificates of the lake: every hour checked again from what was received.

Of recorded hours: the files' checksums, the tape derived once more and compared, every book hash of
every connection, the book's own checks, gaps, lines and the clock. Of imported ones what is there.
Books and hashes go on from hour to hour, so the first hour asked for begins without them.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hfptm.book_check import BookCheck
from hfptm.certificate import (
    Certificate,
    Checksums,
    Findings,
    Grade,
    Lines,
    MarketHour,
    Origin,
    origin_of,
    store,
)
from hfptm.errors import LakeError
from hfptm.lake import Gap, Kind, Lake, hour_ns
from hfptm.normaliser.normaliser import Normaliser
from hfptm.parquet import HOUR_NS, fill_rows, open_table
from hfptm.records import EVENT, EventFlag, EventKind, GapReason
from hfptm.units import NS_PER_S
from recorder.derivation import (
    derivation_lock,
    derive_held,
    is_behind,
    listed,
    read_batches,
    read_gaps,
    receive_batch,
)
from recorder.hash_agreement import HashAgreement
from recorder.known_markets import known_versions
from recorder.lag import LagEnvelope
from recorder.manifest import Source, file_sha256, manifest_path, read_manifest, state_before

Rows = npt.NDArray[np.void]
Progress = Callable[[int, int], None]
"""Told (done, in all): bytes to be normalised at first, then hours."""


def verify(
    data: Path, from_ns: int, to_ns: int, progress: Progress, wait_s: float = 0.0
) -> list[Certificate]:
    """Check every hour that overlaps [from_ns, to_ns), and keep its certificates in the lake.

    What is new is normalised first. Raises LakeError if there is nothing, or normalised segments
    have changed, and HeldError if another process normalises and still does after `wait_s`.
    """
    lake = Lake(data)
    if not lake.root.exists():
        raise _nothing(lake)
    with derivation_lock(lake, wait_s):
        if is_behind(lake):
            derive_held(lake, progress)
        with lake.reading():
            return _verify(lake, from_ns, to_ns, progress)


def _verify(lake: Lake, from_ns: int, to_ns: int, progress: Progress) -> list[Certificate]:
    files = [*lake.files(Kind.RAW, from_ns, to_ns), *lake.events_files(from_ns, to_ns)]
    hours = sorted({(origin_of(path), hour_ns(path)) for path in files})
    if not hours:
        raise _nothing(lake)
    certificates = []
    for origin, group in groupby(hours, key=lambda hour: hour[0]):
        some = [start_ns for _, start_ns in group]
        check = _Check(lake, origin, some[0], some[-1] + HOUR_NS)
        for start_ns in some:
            certificates.append(check.hour(start_ns))
            store(lake, certificates[-1])
            progress(len(certificates), len(hours))
    return sorted(certificates, key=lambda found: (found.hour_ns, found.origin))


def _nothing(lake: Lake) -> LakeError:
    return LakeError(f"{lake.root}: nothing recorded in this time; see `hfptm lake`")


class _Check:
    """The hours of one origin, in order."""

    def __init__(self, lake: Lake, origin: Origin, from_ns: int, to_ns: int) -> None:
        self._lake = lake
        self._origin = origin
        known = known_versions(lake, from_ns, to_ns)
        self._markets = {market.market: market for market in known}
        self._book = BookCheck(self._markets.values())
        self._hashes = HashAgreement(self._markets.values())
        self._known: set[int] = set()
        """Markets seen in an earlier hour."""
        self._over: set[int] = set()
        """Markets that are resolved."""
        self._gaps = sorted(gap for path in self._files(Kind.GAPS) for gap in read_gaps(path))
        self._end_ns = _end_ns(self._files(Kind.EVENTS))

    def hour(self, start_ns: int) -> Certificate:
        checksums, lines, lag = Checksums(), Lines(), LagEnvelope()
        findings: dict[int, Findings] = {}
        raw_files = self._files(Kind.RAW, start_ns)
        if self._origin is Origin.RECORDED:
            raw_files = self._check_derivation(start_ns, raw_files, checksums, lines)
        for raw in raw_files:
            for batch in read_batches(raw):
                names = ("connection", "kind", "payload")
                columns = (batch.column(name).to_pylist() for name in names)
                for connection, kind, payload in zip(*columns, strict=True):
                    self._hashes.receive(connection, kind, payload, findings)
        over_at: dict[int, int] = {}
        for rows in self._events(start_ns):
            lag.add(rows[_is_change(rows)])
            ended = rows[rows["kind"] == EventKind.STATE]
            over_at.update(ended[["market", "ts_recv_ns"]].tolist())
            self._book.feed(rows)
        markets = self._markets_of(start_ns, findings, over_at)
        total = Findings()
        for market in markets:
            total.add(market.findings)
        is_whole = not (checksums.wrong or checksums.not_derivable)
        return Certificate(
            hour_ns=start_ns,
            origin=self._origin,
            grade=total.grade if is_whole else Grade.F,
            total=total,
            lines=lines,
            clock=lag.clock(),
            checksums=checksums,
            markets=markets,
        )

    def _files(self, kind: Kind, start_ns: int | None = None) -> list[Path]:
        span = () if start_ns is None else (start_ns, start_ns + HOUR_NS)
        return [p for p in self._lake.files(kind, *span) if origin_of(p) is self._origin]

    def _events(self, start_ns: int) -> Iterator[Rows]:
        """The rows of an hour, segment after segment."""
        for path in self._files(Kind.EVENTS, start_ns):
            yield from read_events(path)

    def _check_derivation(
        self, start_ns: int, raw_files: list[Path], checksums: Checksums, lines: Lines
    ) -> list[Path]:
        """The files it is about: what was sealed meanwhile is for the next time."""
        manifest = read_manifest(manifest_path(self._lake, start_ns))
        sources = manifest.sources if manifest else []
        raw_files = raw_files[: len(sources)]
        if [source.segment for source in sources] != [raw.stem for raw in raw_files]:
            name = manifest_path(self._lake, start_ns)
            raise LakeError(f"{name}: its segments have changed; see `hfptm normalize`")
        normaliser = Normaliser(listed(self._lake, start_ns), state_before(self._lake, start_ns))
        for source, raw in zip(sources, raw_files, strict=True):
            events = self._lake.path(Kind.EVENTS, start_ns, raw.stem)
            self._compare_sums(source, raw, events, checksums)
            if not _gives_again(normaliser, raw, events):
                checksums.not_derivable.append(str(events.relative_to(self._lake.root)))
        tally, race = normaliser.tally, normaliser.tally.race
        lines.raw_frames, lines.copies = tally.frames, tally.copies
        lines.late, lines.too_late, lines.first = tally.late, tally.too_late, race.first
        lines.lead_p50_ns, lines.lead_p99_ns = race.lead_ns(0.5), race.lead_ns(0.99)
        return raw_files

    def _compare_sums(self, source: Source, raw: Path, events: Path, sums: Checksums) -> None:
        pairs = [(raw, source.raw_sha256)]
        if source.event_rows:
            pairs.append((events, source.events_sha256))
        for path, expected in pairs:
            if path.exists() and file_sha256(path) == expected:
                sums.right += 1
            else:
                sums.wrong.append(str(path.relative_to(self._lake.root)))

    def _markets_of(
        self, start_ns: int, findings: dict[int, Findings], over_at: dict[int, int]
    ) -> list[MarketHour]:
        seen = self._book.take()
        gaps = self._gaps_in(start_ns)
        made = []
        lost = {market for market, some in gaps.items() if not all(map(_is_meant, some))}
        for market in sorted((seen.keys() | lost | findings.keys()) - self._over):
            check = seen.get(market)
            found = findings.get(market, Findings())
            if check is not None:
                _take_over(found, check)
            first_ns = int(check["first_ns"]) if check is not None else 0
            begin_ns = start_ns if market in self._known or not first_ns else first_ns
            end_ns = over_at.get(market) or min(start_ns + HOUR_NS, self._end_ns)
            _add_gaps(found, gaps.get(market, []), begin_ns, max(begin_ns, end_ns))
            self._known.add(market)
            made.append(
                MarketHour(
                    market=market,
                    slug=self._slug(market),
                    grade=found.grade,
                    first_ns=first_ns,
                    last_ns=int(check["last_ns"]) if check is not None else 0,
                    findings=found,
                )
            )
        self._over |= over_at.keys()
        return made

    def _gaps_in(self, start_ns: int) -> dict[int, list[Gap]]:
        """Those that overlap the hour, by market."""
        found: dict[int, list[Gap]] = {}
        for gap in self._gaps:
            if gap.from_ns < start_ns + HOUR_NS and (gap.to_ns or self._end_ns) > start_ns:
                found.setdefault(gap.market, []).append(gap)
        return found

    def _slug(self, market: int) -> str:
        known = self._markets.get(market)
        return known.slug if known else ""


def read_events(path: Path) -> Iterator[Rows]:
    """A file's rows, a row group at a time."""
    with open_table(path) as file:
        for group in range(file.num_row_groups):
            yield fill_rows(file.read_row_group(group), EVENT)


def _end_ns(paths: list[Path]) -> int:
    """The last row's time, but of those that say that a recorder stopped: it was to end there."""
    for _, hour in groupby(reversed(paths), key=hour_ns):
        if end_ns := max(map(_last_ns, hour)):
            return end_ns
    return 0


def _last_ns(path: Path) -> int:
    with open_table(path) as file:
        for group in reversed(range(file.num_row_groups)):
            rows = fill_rows(file.read_row_group(group), EVENT)
            told = rows[(rows["kind"] != EventKind.GAP) | (rows["aux"] != GapReason.STOPPED)]
            if len(told):
                return int(told["ts_recv_ns"][-1])
    return 0


def _is_change(rows: Rows) -> npt.NDArray[np.bool_]:
    """Rows whose exchange time is that of what they say."""
    fresh = rows["flags"] & EventFlag.SNAPSHOT == 0
    return np.asarray(fresh & np.isin(rows["kind"], (EventKind.LEVEL, EventKind.TRADE)))


def _gives_again(normaliser: Normaliser, raw: Path, events: Path) -> bool:
    """Whether the raw rows make exactly these events."""
    made, stored = hashlib.sha256(), hashlib.sha256()
    for batch in read_batches(raw):
        receive_batch(normaliser, batch)
        made.update(normaliser.take().tobytes())
    for rows in read_events(events) if events.exists() else ():
        stored.update(rows.tobytes())
    return made.digest() == stored.digest()


def _take_over(found: Findings, check: np.void) -> None:
    for name in (
        "rows",
        "frames",
        "trades",
        "snapshots",
        "batches_checked",
        "mismatches",
        "healed",
    ):
        setattr(found, name, int(check[name]))
    found.mirror_breaks, found.doubted = int(check["mirror_breaks"]), int(check["doubted"])


def _is_meant(gap: Gap) -> bool:
    """The market was recorded no more."""
    return gap.reason == GapReason.REMOVED


def _add_gaps(found: Findings, gaps: list[Gap], begin_ns: int, end_ns: int) -> None:
    """The time between, and what of it was not seen."""
    found.listed_s = (end_ns - begin_ns) / NS_PER_S
    for gap in gaps:
        seconds = (min(gap.to_ns or end_ns, end_ns) - max(gap.from_ns, begin_ns)) / NS_PER_S
        if seconds <= 0:
            continue
        if _is_meant(gap):
            found.listed_s -= seconds
            continue
        reason = GapReason(gap.reason).name.lower()
        found.gaps += 1
        found.unseen_s += seconds
        found.unseen_s_by_reason[reason] = found.unseen_s_by_reason.get(reason, 0.0) + seconds
