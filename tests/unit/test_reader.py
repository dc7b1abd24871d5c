"""The tape: order, bounds, counts, memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.parquet import ROW_GROUP_ROWS, TableFile, to_arrow
from replay.reader import EventReader
from tests.tapes import HOUR_NS, START_NS, Rows, make_rows


def read(reader: EventReader) -> Rows:
    blocks = list(reader)
    assert all(len(block) for block in blocks)
    return np.concatenate(blocks) if blocks else make_rows([])


def test_hours_follow_each_other(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = make_rows([START_NS + i * HOUR_NS // 2 for i in range(9)])
    lake.write_events("s", rows)
    reader = EventReader(lake)
    assert np.array_equal(read(reader), rows)
    assert np.array_equal(read(reader), rows)
    assert reader.rows_read == reader.rows_total == 9
    assert (reader.first_ns, reader.last_ns) == (START_NS, START_NS + 4 * HOUR_NS)


def test_rows_of_one_time_keep_the_order_of_the_files(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    a, b = make_rows([START_NS] * 3, market=1), make_rows([START_NS] * 2, market=2)
    lake.write_events("b", b)
    lake.write_events("a", a)
    assert np.array_equal(read(EventReader(lake)), np.concatenate([a, b]))


@pytest.mark.parametrize(("from_ns", "to_ns"), [(3, 7), (0, 0), (9, 99), (4, 4), (5, 6)])
def test_bounds_are_half_open(tmp_path: Path, from_ns: int, to_ns: int) -> None:
    lake = Lake(tmp_path)
    rows = make_rows([START_NS + i for i in range(10)])
    lake.write_events("s", rows)
    reader = EventReader(lake, START_NS + from_ns, START_NS + to_ns)
    assert np.array_equal(read(reader), rows[from_ns:to_ns])


def test_only_the_markets_asked_for_are_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_events("a", make_rows([START_NS, START_NS + 2], market=1))
    lake.write_events("b", make_rows([START_NS + 1], market=2))
    assert list(read(EventReader(lake, markets={2}))["market"]) == [2]
    assert len(read(EventReader(lake, markets=set()))) == 0
    reader = EventReader(lake, markets={1})
    read(reader)
    assert reader.rows_read == reader.rows_total == 3


def test_an_empty_lake_has_no_rows(tmp_path: Path) -> None:
    reader = EventReader(Lake(tmp_path))
    assert list(reader) == []
    assert reader.rows_total == 0


def test_row_groups_outside_the_bounds_are_not_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    file = TableFile(lake.path(Kind.EVENTS, START_NS, "s"), SCHEMAS[Kind.EVENTS], 10)
    file.append(to_arrow(make_rows([START_NS + i for i in range(100)]), SCHEMAS[Kind.EVENTS]))
    file.publish()
    reader = EventReader(lake, START_NS + 35, START_NS + 52)
    assert len(read(reader)) == 17
    assert reader.rows_read == reader.rows_total == 30


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    [path] = lake.write_events("s", make_rows(list(range(START_NS, START_NS + 50_000))))
    content = bytearray(path.read_bytes())
    content[100:2_000] = bytes(1_900)
    path.write_bytes(content)
    with pytest.raises(LakeError, match=r"s\.parquet: row group 0 is damaged"):
        list(EventReader(lake))


@pytest.mark.parametrize("segments", [1, 2])
def test_memory_does_not_grow_with_the_recording(tmp_path: Path, segments: int) -> None:
    """Of twelve row groups one a file is held, and one block that is being made of them."""
    lake = Lake(tmp_path)
    count = 12 * ROW_GROUP_ROWS
    rows = make_rows([])
    rows.resize(count)
    rows["ts_recv_ns"] = START_NS + np.arange(count)
    for segment in range(segments):
        lake.write_events(f"s{segment}", rows[segment::segments])
    group_bytes = ROW_GROUP_ROWS * rows.itemsize
    del rows
    reader, total, arrow_bytes = EventReader(lake), 0, 0
    tracemalloc.start()
    for block in reader:
        total += len(block)
        arrow_bytes = max(arrow_bytes, pa.total_allocated_bytes())
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == count
    assert peak_bytes < (1 + 4 * segments) * group_bytes
    assert arrow_bytes < 2 * segments * group_bytes
