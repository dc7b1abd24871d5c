"""Merging an hour's segments changes no row, and no reader ever sees one twice."""

import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.clock import NS_MAX
from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import HOUR_NS, TableFile
from hfptm.segments import hidden, merger_of
from recorder.compact import compact, maintenance_lock, merged_rows
from recorder.recovery import recover
from replay.importers.base import quiet
from tests.recordings import START_NS, frames, read, row
from tests.unit.test_recorder_seal import make_log

times = st.lists(st.integers(0, 20), min_size=1, max_size=12).map(sorted)


def merge(lake: Lake, before_ns: int = NS_MAX) -> list[Path]:
    return [lake.root / merged.path for merged in compact(lake, before_ns, quiet)]


def segments_of(path: Path) -> list[str]:
    merger = merger_of(path)
    assert merger is not None
    return merger.segments


def sealed(data: Path, times_ms: list[int]) -> Path:
    make_log(data, [ms * 1_000_000 for ms in times_ms])
    (path,) = recover(data)
    return path


@settings(max_examples=25)
@given(files=st.lists(times, min_size=1, max_size=4), group_rows=st.integers(1, 5))
def test_rows_by_time_then_file_then_row(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], group_rows: int
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths, expected = [], []
    for number, times_ns in enumerate(files):
        rows = [row(seq, ts_ns=1 + ts, connection=number) for seq, ts in enumerate(times_ns)]
        expected += [(r[0], number, r[4]) for r in rows]
        file = TableFile(folder / f"{number}.parquet", SCHEMAS[Kind.RAW], group_rows)
        columns = [
            pa.array(c, f.type)
            for c, f in zip(zip(*rows, strict=True), SCHEMAS[Kind.RAW], strict=True)
        ]
        file.append(pa.table(columns, schema=SCHEMAS[Kind.RAW]))
        file.publish()
        paths.append(file.path)
    merged = pa.concat_tables(merged_rows(paths))
    names = ("ts_recv_ns", "connection", "seq")
    found = list(zip(*(merged.column(name).to_pylist() for name in names), strict=True))
    assert found == sorted(expected)


def test_an_hour_becomes_one_file_with_the_same_rows(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    old = [sealed(tmp_path, [10 * n, 10 * n + 15]) for n in range(3)]
    other = sealed(tmp_path, [3_600_000])
    before = read(tmp_path).to_pylist()
    (merged,) = merge(lake)
    assert read(tmp_path).to_pylist() == sorted(before, key=lambda item: item["ts_recv_ns"])
    assert lake.files(Kind.RAW) == [merged, other]
    assert segments_of(merged) == sorted(path.stem for path in old)
    assert merger_of(other) is None
    assert merged.stem == f"{old[0].stem}+2"
    assert merge(lake) == []


def test_a_late_segment_is_merged_with_the_merged_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    old = [sealed(tmp_path, [n]) for n in range(2)]
    merge(lake)
    late = sealed(tmp_path, [7])
    (merged,) = merge(lake)
    assert lake.files(Kind.RAW) == [merged]
    assert segments_of(merged) == sorted([*(path.stem for path in old), late.stem])
    assert len(frames(read(tmp_path))[1]) == 3


def test_hours_that_go_on_imports_and_segments_with_a_log_stay(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    sealed(tmp_path, [0])
    sealed(tmp_path, [1])
    assert merge(lake, START_NS + HOUR_NS - 1) == []
    Path.rename(lake.files(Kind.RAW)[0], lake.files(Kind.RAW)[0].with_name("frames-jsonl.parquet"))
    assert merge(lake) == []
    second = sealed(tmp_path, [2])
    log = lake.wal / f"{second.stem}.wal"
    log.touch()
    assert merge(lake) == []
    log.unlink()
    assert len(merge(lake)) == 1


@pytest.mark.parametrize("removed", range(4))
def test_a_crash_while_the_old_files_are_removed(tmp_path: Path, removed: int) -> None:
    lake = Lake(tmp_path)
    old = {path: path.read_bytes() for path in (sealed(tmp_path, [n]) for n in range(3))}
    before = read(tmp_path)
    (merged,) = merge(lake)
    for path in list(old)[removed:]:  # put back what the crash would have left
        path.write_bytes(old[path])
    assert len(hidden(merged.parent.glob("*.parquet"))) == 3 - removed
    assert read(tmp_path).equals(before)
    assert merge(lake) == []
    assert list(merged.parent.glob("*.parquet")) == [merged]
    assert read(tmp_path).equals(before)


def test_one_process_maintains_a_lake(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with (
        maintenance_lock(lake),
        pytest.raises(LakeError, match=f"process {os.getpid()} is compacting, copying"),
    ):
        merge(lake)


def test_what_was_merged_is_told(tmp_path: Path) -> None:
    old = [sealed(tmp_path, [n]) for n in range(3)]
    sizes = [path.stat().st_size for path in old]
    told: list[tuple[int, int]] = []
    (merged,) = compact(Lake(tmp_path), NS_MAX, lambda done, total: told.append((done, total)))
    assert (merged.parts, merged.rows, merged.parts_bytes) == (3, 3, sum(sizes))
    assert merged.size_bytes == (Lake(tmp_path).root / merged.path).stat().st_size
    assert told == [(sum(sizes), sum(sizes))]


@pytest.mark.parametrize(
    ("times_ms", "in_sequence"),
    [([[0, 1], [1, 2], [3]], True), ([[0, 2], [1, 3]], False), ([[5], [1]], True)],
)
def test_it_says_whether_the_files_lie_one_after_the_other(
    tmp_path: Path, times_ms: list[list[int]], in_sequence: bool
) -> None:
    for times in times_ms:
        sealed(tmp_path, times)
    (path,) = merge(Lake(tmp_path))
    merger = merger_of(path)
    assert merger is not None
    assert merger.in_sequence is in_sequence
