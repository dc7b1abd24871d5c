"""Whatever a crash or a bad medium does to a log, whole blocks are read and nothing else."""

import io
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.errors import LakeError
from hfptm.wal import HEADER, encode_at_once, encode_block, goes_on, read_batches, read_in_order

SCHEMA = pa.schema([pa.field("ts_recv_ns", pa.int64()), pa.field("payload", pa.binary())])
Rows = list[tuple[int, bytes]]

rows = st.lists(st.tuples(st.integers(0, 50), st.binary(max_size=40)), min_size=1, max_size=5)
logs = st.lists(rows, max_size=4)


class Log(NamedTuple):
    data: bytes
    ends: list[int]
    """Where the header and each block end."""


def make(blocks: list[Rows]) -> Log:
    data, ends = HEADER, [len(HEADER)]
    for number, block in enumerate(blocks):
        encode = encode_at_once if number % 2 else encode_block
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*block, strict=True), SCHEMA, strict=True)
        ]
        data += encode(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
        ends.append(len(data))
    return Log(data, ends)


def read(data: bytes) -> list[Rows]:
    return [pairs(batch) for batch in read_batches(io.BytesIO(data))]


def pairs(table: pa.Table | pa.RecordBatch) -> Rows:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@settings(max_examples=15)  # each is some thousand cuts
@given(blocks=logs)
def test_cut_at_every_byte_of_its_tail_it_reads_a_prefix_of_whole_blocks(
    blocks: list[Rows],
) -> None:
    log = make(blocks)
    tail = log.ends[-3] if len(log.ends) > 2 else 0
    for cut in range(tail, len(log.data) + 1):
        whole = sum(end <= cut for end in log.ends[1:])
        file = io.BytesIO(log.data[:cut])
        assert [pairs(batch) for batch in read_batches(file)] == blocks[:whole]
        assert file.tell() == (log.ends[whole] if cut >= len(HEADER) else file.tell())
        assert not goes_on(file)


@given(blocks=logs, zeros=st.integers(1, 100))
def test_a_tail_of_zeros_is_no_block(blocks: list[Rows], zeros: int) -> None:
    assert read(make(blocks).data + bytes(zeros)) == blocks
    assert read(bytes(zeros)) == []


@settings(max_examples=300)
@given(blocks=logs.filter(len), data=st.data())
def test_a_flipped_bit_ends_the_log_there_and_what_follows_is_noticed(
    blocks: list[Rows], data: st.DataObject
) -> None:
    log = make(blocks)
    at = data.draw(st.integers(log.ends[0], len(log.data) - 1))
    damaged = bytearray(log.data)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    hit = sum(end <= at for end in log.ends[1:])
    file = io.BytesIO(bytes(damaged))
    assert [pairs(batch) for batch in read_batches(file)] == blocks[:hit]
    assert file.tell() == log.ends[hit]
    assert goes_on(file) == (hit < len(blocks) - 1)


@pytest.mark.parametrize("longer", [-1, 1, 1 << 29])
def test_a_block_with_a_wrong_length_is_not_whole(longer: int) -> None:
    log = make([[(0, b"")]])
    at = len(HEADER) + 4
    length = int.from_bytes(log.data[at : at + 4], "little") + longer
    assert read(log.data[:at] + length.to_bytes(4, "little") + log.data[at + 4 :]) == []


@given(blocks=logs)
def test_rows_come_by_time_and_of_one_time_in_order_of_writing(blocks: list[Rows]) -> None:
    tables = [pairs(table) for table in read_in_order(io.BytesIO(make(blocks).data))]
    written = [row for block in blocks for row in block]
    assert [row for table in tables for row in table] == sorted(written, key=lambda row: row[0])


@given(blocks=logs, more=rows)
def test_a_log_that_grows_while_it_is_read_is_read_to_where_it_was(
    blocks: list[Rows], more: Rows
) -> None:
    log = make(blocks)
    file = io.BytesIO(log.data)
    tables = read_in_order(file)
    read_first = [pairs(next(tables))] if blocks else []
    if blocks:
        place = file.tell()
        file.seek(0, io.SEEK_END)
        file.write(make([more]).data[len(HEADER) :])
        file.seek(place)
    found = [*read_first, *(pairs(table) for table in tables)]
    assert sum(map(len, found)) == sum(map(len, blocks))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PAR1" + HEADER, "not a log of the recorder"),
        (HEADER[:8] + b"\x09\0\0\0", "log version 9"),
        (HEADER[:10] + b"\x63\0", "schema version 99"),
    ],
)
def test_a_file_of_another_kind_or_version_is_refused(data: bytes, message: str) -> None:
    file = io.BytesIO(data)
    file.name = "some.wal"
    with pytest.raises(LakeError, match=message):
        list(read_batches(file))
