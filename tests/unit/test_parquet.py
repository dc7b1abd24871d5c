"""Files appear whole or not at all, and equal rows give equal bytes."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import (
    HourlyWriter,
    TableFile,
    arrow_schema,
    fill_rows,
    open_table,
    read_rows,
    to_arrow,
)
from hfptm.records import EVENT
from tests.tapes import HOUR_NS, START_NS, Rows, make_rows

SCHEMA = SCHEMAS[Kind.EVENTS]


def write(path: Path, portions: list[Rows], group_rows: int = 10) -> bool:
    file = TableFile(path, SCHEMA, group_rows)
    for portion in portions:
        file.append(to_arrow(portion, SCHEMA))
    return file.publish()


def make_noise(count: int) -> Rows:
    rng = np.random.default_rng(3)
    raw = rng.integers(0, 256, count * EVENT.itemsize, np.uint8)
    return raw.view(EVENT)


def test_any_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = make_noise(20_000)
    write(tmp_path / "a.parquet", [rows], 7_000)
    assert np.array_equal(read_rows(tmp_path / "a.parquet", EVENT), rows)
    assert np.array_equal(fill_rows(to_arrow(rows, SCHEMA), EVENT), rows)


@pytest.mark.parametrize("cut", [1, 3, 10, 25])
def test_bytes_do_not_depend_on_how_rows_were_cut(tmp_path: Path, cut: int) -> None:
    rows = make_noise(57)
    write(tmp_path / "whole.parquet", [rows])
    portions = [rows[start : start + cut] for start in range(0, len(rows), cut)]
    write(tmp_path / "cut.parquet", portions)
    whole, other = (tmp_path / "whole.parquet").read_bytes(), tmp_path / "cut.parquet"
    assert other.read_bytes() == whole
    groups = pq.ParquetFile(other).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [10] * 5 + [7]


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert write(path, [make_noise(5)])
    before = path.stat()
    assert not write(path, [make_noise(5)])
    assert path.stat() == before
    assert write(path, [make_noise(6)])
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_input_may_only_add(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, [make_rows([1, 2, 3])])
    shorter = TableFile(path, SCHEMA)
    shorter.append(to_arrow(make_rows([1, 2]), SCHEMA))
    assert not shorter.publish(keep_longer=True)
    assert len(read_rows(path, EVENT)) == 3
    longer = TableFile(path, SCHEMA)
    longer.append(to_arrow(make_rows([1, 2, 3, 4]), SCHEMA))
    assert longer.publish(keep_longer=True)


def test_nothing_shows_before_publish_or_after_discard(tmp_path: Path) -> None:
    file = TableFile(tmp_path / "a.parquet", SCHEMA)
    file.append(to_arrow(make_rows([1]), SCHEMA))
    assert not (tmp_path / "a.parquet").exists()
    file.discard()
    assert list(tmp_path.iterdir()) == []


def test_another_schema_version_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    schema = arrow_schema(EVENT, schema_version="99")
    pq.write_table(to_arrow(make_rows([1]), schema), path)
    with pytest.raises(LakeError, match=r"version 99, this hfptm reads 1; import .* again"):
        open_table(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(LakeError, match=r"a\.parquet: not a readable Parquet file"):
        open_table(path)


def test_hours_appear_one_by_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    writer = lake.writer(Kind.EVENTS, "s")
    times = [START_NS, START_NS + HOUR_NS - 1, START_NS + HOUR_NS]
    writer.append(to_arrow(make_rows(times[:2]), SCHEMA))
    assert lake.events_files() == []
    writer.append(to_arrow(make_rows(times[2:]), SCHEMA))
    assert len(lake.events_files()) == 1
    assert len(writer.close()) == 2
    assert [len(read_rows(path, EVENT)) for path in lake.events_files()] == [2, 1]


@pytest.mark.parametrize("times", [[2, 1], [START_NS + HOUR_NS, START_NS]])
def test_rows_out_of_order_are_refused(tmp_path: Path, times: list[int]) -> None:
    def open_hour(_ts_ns: int) -> TableFile:
        return TableFile(tmp_path / "a.parquet", SCHEMA)

    writer = HourlyWriter(open_hour)
    with pytest.raises(ValueError, match="not sorted"):
        writer.append(to_arrow(make_rows(times), SCHEMA))
    writer.append(to_arrow(make_rows([5]), SCHEMA))
    with pytest.raises(ValueError, match="not sorted"):
        writer.append(to_arrow(make_rows([4]), SCHEMA))
    writer.discard()


_KILLED = """
import os, signal, sys
from pathlib import Path
from hfptm.lake import Lake
from tests.tapes import START_NS, make_rows

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(os if {seam!r} == "fsync" else Path, {seam!r}, die)
Lake(Path(sys.argv[1])).write_events("s", make_rows([START_NS]))
"""


@pytest.mark.parametrize("seam", ["fsync", "replace"])
def test_a_kill_before_the_rename_leaves_nothing_visible(tmp_path: Path, seam: str) -> None:
    lake = Lake(tmp_path)
    lake.path(Kind.EVENTS, START_NS, "s").parent.mkdir(parents=True)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED.format(seam=seam), str(tmp_path)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert lake.events_files() == []
    leftovers = list(lake.root.rglob("*.tmp"))
    assert len(leftovers) == 1
    lake.clean("another")
    assert list(lake.root.rglob("*.tmp")) == leftovers
    lake.clean("s")
    assert list(lake.root.rglob("*.tmp")) == []
    assert len(lake.write_events("s", make_rows([START_NS]))) == 1


def test_the_work_of_a_living_process_is_not_cleaned(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    file = TableFile(lake.path(Kind.EVENTS, START_NS, "s"), SCHEMA)
    lake.clean("s")
    assert file.publish()
