"""Raw segments of the lake to events: in any portions the same files."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import HOUR_NS, open_table
from hfptm.raw import RawKind
from hfptm.records import EVENT, EventKind, GapReason
from recorder.derivation import Report, derive
from recorder.manifest import file_sha256, manifest_path, read_manifest
from replay.importers.base import quiet
from replay.reader import EventReader
from tests.property.test_normaliser import Arrival, merged, scenario
from tests.tapes import START_NS, Rows
from tests.wire import make_market

FIRST_NS = START_NS + HOUR_NS - 200_000_000
"""The scenarios last 0.4 s: half of it before the hour is full."""


def arrivals(seed: int = 1) -> list[Arrival]:
    return merged(*scenario(seed, ["lost", "twice", "stall"]))


def segment(number: int) -> str:
    return f"20260101T{number:09d}Z-{number:08x}"


def write(lake: Lake, number: int, rows: list[Arrival]) -> None:
    """One raw segment, as the recorder seals it: a file for each hour that it touches."""
    columns = [
        [FIRST_NS + row.at_ns for row in rows],
        [0] * len(rows),
        [row.connection // 10 for row in rows],
        [row.connection for row in rows],
        list(range(len(rows))),
        [int(row.kind) for row in rows],
        [row.payload for row in rows],
    ]
    lake.write_raw(segment(number), pa.table(columns, schema=SCHEMAS[Kind.RAW]))


def new_lake(folder: Path) -> Lake:
    lake = Lake(folder)
    lake.write_markets("markets", [make_market()])
    return lake


def run(lake: Lake) -> Report:
    return derive(lake.root.parent, quiet)


def derived(lake: Lake) -> dict[str, bytes]:
    """Every file of events, gaps and manifests, by its place."""
    folders = [lake.root / name for name in ("events", "gaps", "manifests")]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if path.name != "lock")
    return {str(path.relative_to(lake.root)): path.read_bytes() for path in kept}


def tape(lake: Lake) -> Rows:
    return np.concatenate([*EventReader(lake), np.zeros(0, EVENT)])


def cut(rows: list[Arrival], parts: int) -> list[list[Arrival]]:
    bounds = [len(rows) * part // parts for part in range(parts + 1)]
    return [rows[start:stop] for start, stop in pairwise(bounds)]


@pytest.mark.parametrize("seed", range(8))
def test_segment_by_segment_is_all_at_once(tmp_path: Path, seed: int) -> None:
    at_once, in_turn = new_lake(tmp_path / "a"), new_lake(tmp_path / "b")
    for number, rows in enumerate(cut(arrivals(seed), 5)):
        write(at_once, number, rows)
        write(in_turn, number, rows)
        run(in_turn)
    run(at_once)
    assert len({name for name in derived(at_once) if name.startswith("manifests")}) == 2
    assert derived(in_turn) == derived(at_once)


@pytest.mark.parametrize("seed", range(6))
def test_as_one_segment_the_rows_are_the_same(tmp_path: Path, seed: int) -> None:
    """What compaction does: the hours are made again, from other files."""
    lake, rows = new_lake(tmp_path), arrivals(seed)
    for number, part in enumerate(cut(rows, 5)):
        write(lake, number, part)
    run(lake)
    before, gaps = tape(lake), lake.gaps()
    for path in lake.files(Kind.RAW):
        path.unlink()
    write(lake, 7, rows)
    run(lake)
    assert {path.stem for path in lake.events_files()} == {segment(7)}
    assert tape(lake).tobytes() == before.tobytes()
    assert lake.gaps() == gaps


def test_again_it_does_nothing(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, 0, arrivals())
    assert run(lake).segments == 2
    before = derived(lake)
    assert run(lake) == Report()
    assert derived(lake) == before


@pytest.mark.parametrize("lost", ["events", "manifests"])
def test_what_is_lost_is_made_again(tmp_path: Path, lost: str) -> None:
    lake = new_lake(tmp_path)
    for number, part in enumerate(cut(arrivals(), 4)):
        write(lake, number, part)
    run(lake)
    before = derived(lake)
    files = lake.events_files() if lost == "events" else [manifest_path(lake, START_NS)]
    files[0].unlink()
    run(lake)
    assert derived(lake) == before


@pytest.mark.parametrize("seed", range(6))
def test_a_segment_that_comes_late_is_put_in_its_place(tmp_path: Path, seed: int) -> None:
    late, in_order = new_lake(tmp_path / "a"), new_lake(tmp_path / "b")
    parts = list(enumerate(cut(arrivals(seed), 4)))
    for number, part in parts:
        write(in_order, number, part)
    for number, part in [parts[0], *parts[2:], parts[1]]:
        write(late, number, part)
        run(late)
    run(in_order)
    assert derived(late) == derived(in_order)


@pytest.mark.parametrize("seed", range(4))
def test_an_hour_before_that_changed_changes_the_next(tmp_path: Path, seed: int) -> None:
    """Although the run that made it again ended before the next."""
    late, in_order = new_lake(tmp_path / "a"), new_lake(tmp_path / "b")
    parts = list(enumerate(cut(arrivals(seed), 4)))
    for number, part in parts:
        write(in_order, number, part)
        if number:
            write(late, number, part)
    run(in_order)
    run(late)
    second_hour = late.files(Kind.RAW, FIRST_NS + HOUR_NS // 2)
    for path in second_hour:
        path.rename(path.with_suffix(".away"))
    write(late, *parts[0])
    run(late)
    for path in second_hour:
        path.with_suffix(".away").rename(path)
    run(late)
    assert derived(late) == derived(in_order)


def test_gaps_of_many_segments_stand_in_one_file(tmp_path: Path) -> None:
    """One line that goes down again and again."""
    lake = new_lake(tmp_path)
    book = next(row for row in arrivals() if row.is_book)
    for number in range(3):
        up = book._replace(at_ns=number * 1_000_000, connection=number)
        down = Arrival(up.at_ns, number, RawKind.LINK_DOWN, b"")
        write(lake, number, [up, down])
    run(lake)
    starts = [gap.from_ns - FIRST_NS for gap in lake.gaps()]
    assert starts == [0, 1_000_000, 2_000_000]
    assert [gap.to_ns > 0 for gap in lake.gaps()] == [True, True, False]


def test_a_gap_ends_in_a_later_hour(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    rows = [row for row in arrivals() if row.connection < 10]
    first, second = [row for row in rows if row.connection == 1], rows[-1].connection
    end = Arrival(first[-1].at_ns, 1, RawKind.LINK_DOWN, b"silence")
    write(lake, 0, [row for row in first if row.kind != RawKind.LINK_DOWN] + [end])
    run(lake)
    (gap,) = lake.gaps()
    assert (gap.to_ns, gap.reason) == (0, GapReason.SILENCE)
    book = next(row for row in rows if row.is_book)
    later = book._replace(at_ns=HOUR_NS, connection=second + 1)
    write(lake, 1, [later])
    run(lake)
    (closed,) = lake.gaps()
    assert closed == gap.__class__(gap.from_ns, gap.market, FIRST_NS + HOUR_NS, gap.reason)
    assert np.count_nonzero(tape(lake)["kind"] == EventKind.GAP) == 1


def test_files_say_what_they_were_made_of(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, 0, arrivals())
    run(lake)
    for raw, events in zip(lake.files(Kind.RAW), lake.events_files(), strict=True):
        metadata = open_table(events).schema_arrow.metadata
        assert metadata[b"hfptm.source_sha256"].decode() == file_sha256(raw)
        assert metadata[b"hfptm.source"].decode() == raw.stem
    manifest = read_manifest(manifest_path(lake, START_NS))
    assert manifest is not None
    (source,) = manifest.sources
    assert source.events_sha256 == file_sha256(lake.events_files()[0])


def test_imports_are_left_alone(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, 0, arrivals())
    for path in lake.files(Kind.RAW):
        path.rename(path.with_name("frames-jsonl-0123456789abcdef.parquet"))
    assert run(lake) == Report()


def test_damage_is_said_and_nothing_half_written(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, 0, arrivals())
    run(lake)
    before = derived(lake)
    write(lake, 1, [arrivals()[-1]._replace(at_ns=HOUR_NS // 2)])
    (last,) = (path for path in lake.files(Kind.RAW) if path.stem == segment(1))
    content = bytearray(last.read_bytes())
    content[8:40] = bytes(32)
    last.write_bytes(content)
    with pytest.raises(LakeError, match="put a copy of it back"):
        run(lake)
    assert derived(lake) == before


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, 0, arrivals())
    run(lake)
    path = manifest_path(lake, START_NS)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LakeError, match="remove it"):
        run(lake)
